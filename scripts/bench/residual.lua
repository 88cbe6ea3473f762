--- Workloads of deep convolutional networks: He et al. 2015 (stride on the 3x3 convolution), Sandler et al. 2018 (table 2).
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local steps = require 'bench.steps'
local sequence, train, infer, labels = steps.sequence, steps.train, steps.infer, steps.labels

-- A convolution without bias, its normalization and an activation or none: modules for a sequence.
local function convolve(list, nin, nout, size, stride, activation, groups)
  local pad = math.floor(size / 2)
  local convolution = nn.SpatialConvolution(nin, nout, size, size, stride, stride, pad, pad, groups)
  list[#list + 1] = convolution:noBias()
  list[#list + 1] = nn.SpatialBatchNormalization(nout)
  if activation then list[#list + 1] = activation() end
  return list
end

local relu = steps.relu
local function relu6() return nn.ReLU6(true) end

-- body(x) + shortcut(x), x itself without a shortcut
local function residual(body, shortcut)
  local both = nn.ConcatTable():add(sequence(body)):add(shortcut and sequence(shortcut) or nn.Identity())
  local block = sequence { both, nn.CAddTable(true) }
  return steps.checkpoint and nn.Checkpoint(block) or block
end

-- Mean of each plane, and a linear classifier.
local function classify(list, planes, classes, dropout)
  list[#list + 1] = nn.SpatialAdaptiveAveragePooling(1, 1)
  list[#list + 1] = nn.View(-1, planes)
  if dropout then list[#list + 1] = nn.Dropout(dropout) end
  list[#list + 1] = nn.Linear(planes, classes)
  return sequence(list)
end

-- depths: blocks in each stage; width: planes of the first, doubled with each
local function resnet(list, depths, width, bottleneck, classes)
  local nin, nout = width, width
  for stage, blocks in ipairs(depths) do
    local planes = width * 2 ^ (stage - 1)
    nout = bottleneck and 4 * planes or planes
    for block = 1, blocks do
      local stride = (block == 1 and stage > 1) and 2 or 1
      local body = {}
      if bottleneck then
        convolve(body, nin, planes, 1, 1, relu)
        convolve(body, planes, planes, 3, stride, relu)
        convolve(body, planes, nout, 1, 1)
      else
        convolve(body, nin, planes, 3, stride, relu)
        convolve(body, planes, nout, 3, 1)
      end
      list[#list + 1] = residual(body, (stride > 1 or nin ~= nout) and convolve({}, nin, nout, 1, stride) or nil)
      list[#list + 1] = relu()
      nin = nout
    end
  end
  return classify(list, nout, classes)
end

local function imagenetResnet(depths, bottleneck, classes)
  local list = convolve({}, 3, 64, 7, 2, relu)
  list[#list + 1] = nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1)
  return resnet(list, depths, 64, bottleneck, classes)
end

local function mobilenet(classes)
  local list, nin = convolve({}, 3, 32, 3, 2, relu6), 32
  for _, row in ipairs { { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 }, { 6, 64, 4, 2 }, { 6, 96, 3, 1 }, { 6, 160, 3, 2 },
    { 6, 320, 1, 1 } } do
    local expand, planes, blocks, first = unpack(row)
    for block = 1, blocks do
      local hidden, stride, body = nin * expand, block == 1 and first or 1, {}
      if expand > 1 then convolve(body, nin, hidden, 1, 1, relu6) end
      convolve(body, hidden, hidden, 3, stride, relu6, hidden)
      convolve(body, hidden, planes, 1, 1)
      list[#list + 1] = stride == 1 and nin == planes and residual(body) or sequence(body)
      nin = planes
    end
  end
  return classify(convolve(list, nin, 1280, 1, 1, relu6), 1280, classes, 0.2)
end

return function(workload)
  workload('resnet20_cifar_train_b32', function(n)
    n = n or 32
    local net = resnet(convolve({}, 3, 16, 3, 1, relu), { 3, 3, 3 }, 16, false, 10)
    return train(net, torch.randn(n, 3, 32, 32), labels(n, 10), nn.CrossEntropyCriterion(), optim.sgd,
      { learningRate = 0.1, momentum = 0.9, dampening = 0, weightDecay = 1e-4 })
  end)

  workload('mobilenetv2_train_b8', function()
    return train(mobilenet(5), torch.randn(8, 3, 224, 224), labels(8, 5), nn.CrossEntropyCriterion(), optim.adam, {})
  end)

  workload('resnet18_train_b8', function()
    return train(imagenetResnet({ 2, 2, 2, 2 }, false, 10), torch.randn(8, 3, 224, 224), labels(8, 10),
      nn.CrossEntropyCriterion(), optim.sgd, { learningRate = 0.1, momentum = 0.9, dampening = 0 })
  end)

  workload('mobilenetv2_infer_b1', function() return infer(mobilenet(1000), torch.randn(1, 3, 224, 224)) end)

  workload('resnet50_infer_b1', function()
    return infer(imagenetResnet({ 3, 4, 6, 3 }, true, 1000), torch.randn(1, 3, 224, 224))
  end)
end
