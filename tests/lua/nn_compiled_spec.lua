-- nn.Compiled (lua/tocha/nn/compiled.lua): the numbers of the network itself, rules about weights and sizes, refusals.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local models = require 'tocha.models'

local function sequence(...)
  local net = nn.Sequential()
  for _, m in ipairs { ... } do net:add(m) end
  return net
end

-- Statistics as after training, so that a fold that is left out is seen.
local function trained(net)
  net:apply(function(m)
    if not m.running_mean then return end
    m.running_mean:normal(0, 0.3)
    m.running_var:uniform(0.5, 2)
    if m.weight then
      m.weight:uniform(0.5, 1.5)
      m.bias:normal(0, 0.2)
    end
  end)
  return net:evaluate() or net
end

local function close(got, want)
  assert.are.same(want:size():totable(), got:size():totable())
  local apart, largest = (got - want):abs():max(), torch.abs(want):max()
  assert.is_true(apart <= 1e-4 * largest, ('%g apart, the largest is %g'):format(apart, largest))
end

local function agrees(net, x)
  trained(net)
  local want = net:forward(x):clone()
  local compiled = nn.Compiled(net)
  close(compiled:forward(x), want)
  return compiled
end

local function mnist()
  return sequence(nn.SpatialConvolution(1, 32, 3, 3), nn.ReLU(true), nn.SpatialMaxPooling(2, 2), nn.SpatialConvolution(32, 64,
    3, 3),
    nn.ReLU(true), nn.SpatialMaxPooling(2, 2), nn.View(-1, 1600), nn.Linear(1600, 128), nn.ReLU(true), nn.Linear(128, 10),
      nn.LogSoftMax())
end

local function residual(planes)
  local body = sequence(nn.SpatialConvolution(planes, planes, 3, 3, 1, 1, 1, 1), nn.SpatialBatchNormalization(planes),
    nn.ReLU(true),
    nn.SpatialConvolution(planes, planes, 1, 1):noBias(), nn.SpatialBatchNormalization(planes))
  return sequence(nn.ConcatTable():add(body):add(nn.Identity()), nn.CAddTable(true), nn.ReLU(true))
end

describe('nn.Compiled computes what its network computes', function()
  it('for batches of any size, compiled once', function()
    local compiled = agrees(mnist(), torch.randn(2, 1, 28, 28))
    for n = 1, 5 do
      local x = torch.randn(n, 1, 28, 28)
      close(compiled:forward(x), torch.view(compiled:get(1):forward(x), n, 10))
    end
  end)

  it('with residual blocks, branches, strides, groups and odd sizes', function()
    for _, size in ipairs { { 19, 23 }, { 30, 17 } } do
      agrees(sequence(nn.SpatialConvolution(3, 24, 3, 3, 2, 2, 1, 1), nn.SpatialBatchNormalization(24), nn.ReLU6(true),
        residual(24),
        nn.Concat(2):add(nn.SpatialConvolution(24, 7, 1, 1)):add(sequence(nn.SpatialConvolution(24, 12, 3, 3, 1, 1, 1, 1, 4),
          nn.Tanh())),
        nn.SpatialBatchNormalization(19), nn.LeakyReLU(0.1), nn.SpatialConvolution(19, 19, 5, 5, 2, 2, 2, 2, 19), nn.SiLU(),
        nn.SpatialAveragePooling(2, 2, 1, 1), nn.Dropout(0.3), nn.SpatialAdaptiveAveragePooling(2, 1), nn.Reshape(38, true),
        nn.BatchNormalization(38), nn.Linear(38, 5), nn.Sigmoid()), torch.randn(3, 3, size[1], size[2]))
    end
  end)

  it('for rows of features', function()
    agrees(sequence(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 33), nn.ELU(), nn.Linear(33, 1), nn.Tanh()), torch.randn(4, 3))
    agrees(sequence(nn.Tanh(), nn.SoftMax()), torch.randn(4, 19))
  end)

  it('and counts the operations of its definition', function()
    local net, x = sequence(nn.SpatialConvolution(3, 32, 3, 3), nn.ReLU(), nn.SpatialConvolution(32, 32, 3, 3, 1, 1, 1, 1, 32),
      nn.SpatialConvolution(32, 64, 3, 3), nn.View(-1, 64 * 16 * 16), nn.Linear(64 * 16 * 16, 5)), torch.randn(2, 3, 20, 20)
    local compiled = nn.Compiled(net)
    compiled:forward(x)
    assert.are.equal((torch.countWork(function() net:forward(x) end)), (torch.countWork(function() compiled:forward(x) end)))
  end)

  it('for views of inputs, and planes as the output', function()
    agrees(sequence(nn.ReLU(), nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1):ceil()), torch.randn(9, 10, 6, 2):transpose(1, 4))
    agrees(nn.SpatialMaxPooling(2, 2), torch.randn(2, 5, 6, 7))
    agrees(nn.Identity(), torch.randn(2, 5, 6, 7))
  end)

  it('for networks of tocha.models', function()
    local x = torch.randn(1, 3, 64, 64)
    agrees(models.mobilenet_v2 { classes = 5 }, x)
    agrees(models.densenet121 { classes = 5, layers = { 1, 2, 2, 1 } }, x)
  end)
end)

describe('nn.Compiled has rules', function()
  it('weights that changed are used after refresh()', function()
    local net = sequence(nn.Linear(4, 3))
    local compiled, x = nn.Compiled(net), torch.randn(2, 4)
    local before = compiled:forward(x):clone()
    net:get(1).weight:mul(2)
    assert.are.equal(0, (compiled:forward(x) - before):abs():max())
    close(compiled:refresh():forward(x), net:forward(x))
  end)

  it('training() gives the network itself, evaluate() compiles anew', function()
    local net = sequence(nn.Linear(4, 3), nn.Dropout(0.5), nn.Linear(3, 2))
    local compiled, x = nn.Compiled(net), torch.randn(5, 4)
    compiled:forward(x)
    compiled:training()
    local y = compiled:forward(x)
    compiled:zeroGradParameters()
    compiled:backward(x, y)
    compiled:updateParameters(0.1)
    compiled:evaluate()
    close(compiled:forward(x), net:forward(x))
  end)

  it('there is no backward pass in evaluation', function()
    local compiled, x = nn.Compiled(nn.Linear(4, 3)), torch.randn(5, 4)
    local y = compiled:forward(x)
    assert.has_error(function() compiled:backward(x, y) end)
    local fine, message = pcall(compiled.backward, compiled, x, y)
    assert.is_false(fine)
    assert.truthy(message:find('no backward pass in evaluation', 1, true))
  end)

  it('another size of images compiles again by itself', function()
    local net = trained(sequence(nn.SpatialConvolution(3, 8, 3, 3), nn.ReLU(), nn.SpatialAdaptiveAveragePooling(1, 1),
      nn.View(-1, 8)))
    local compiled = nn.Compiled(net)
    for _, side in ipairs { 9, 12, 9 } do
      local x = torch.randn(2, 3, side, side + 1)
      close(compiled:forward(x), net:forward(x))
    end
  end)

  it('a copy and a file hold the network', function()
    local compiled, x = nn.Compiled(trained(mnist())), torch.randn(2, 1, 28, 28)
    local want = compiled:forward(x):clone()
    close(compiled:clone():forward(x), want)
    close(torch.deserialize(torch.serialize(compiled)):forward(x), want)
    assert.is_true(compiled:planBytes() > 0)
    assert.are.equal(0, compiled:clearState():planBytes())
    close(compiled:forward(x), want)
  end)

  it('the same bits for any number of threads', function()
    local compiled, x = nn.Compiled(trained(mnist())), torch.randn(5, 1, 28, 28)
    local threads = torch.getnumthreads()
    local want = compiled:forward(x):clone()
    for n = 1, 3 do
      torch.setnumthreads(n)
      assert.are.equal(0, (compiled:forward(x) - want):abs():max())
    end
    torch.setnumthreads(threads)
  end)
end)

describe('nn.Compiled refuses by name', function()
  local function says(part, f, ...)
    local fine, message = pcall(f, ...)
    assert.is_false(fine)
    assert.truthy(tostring(message):find(part, 1, true), tostring(message))
  end

  it('what it does not know', function()
    says('nn.SpatialFullConvolution', function() nn.Compiled(nn.SpatialFullConvolution(3, 4, 2, 2)):forward(torch.randn(1, 3,
      4, 4)) end)
    says('a network is needed', nn.Compiled, 3)
    local own = nn.ReLU()
    own.updateOutput = function(_, x) return x * 2 end
    says('nn.ReLU', function() nn.Compiled(own):forward(torch.randn(1, 3)) end)
    says('table of outputs', function() nn.Compiled(nn.ConcatTable():add(nn.ReLU())):forward(torch.randn(1, 3)) end)
    says('has planes as its input', function() nn.Compiled(nn.SoftMax()):forward(torch.randn(1, 3, 2, 2)) end)
  end)

  it('inputs that do not fit', function()
    local compiled = nn.Compiled(sequence(nn.SpatialConvolution(3, 4, 3, 3)))
    says('FloatTensor', compiled.forward, compiled, torch.randn(1, 3, 5, 5):double())
    says('3 dimensions', compiled.forward, compiled, torch.randn(3, 5, 5))
    says('too small', compiled.forward, compiled, torch.randn(1, 3, 2, 2))
    says('a convolution of 4 planes in 1 groups has a weight of 8x3x3x3', function()
      nn.Compiled(nn.SpatialConvolution(3, 8, 3, 3)):forward(torch.randn(1, 4, 5, 5))
    end)
  end)
end)
