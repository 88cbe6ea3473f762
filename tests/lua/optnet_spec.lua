-- Outputs of modules that share memory (lua/tocha/nn/optnet.lua).
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optnet = require 'tocha.nn.optnet'

local function block(planes)
  local body = nn.Sequential():add(nn.SpatialConvolution(planes, planes, 3, 3, 1, 1, 1, 1))
  body:add(nn.SpatialBatchNormalization(planes))
    :add(nn.ReLU(true)):add(nn.SpatialConvolution(planes, planes, 1, 1)):add(nn.SpatialBatchNormalization(planes))
  return nn.Sequential():add(nn.ConcatTable():add(body):add(nn.Identity())):add(nn.CAddTable(true)):add(nn.ReLU(true))
end

-- Runs, residual blocks, branches that a container joins, a module that is used twice, views.
local function network()
  local twice = nn.ReLU()
  local branches = nn.Concat(2):add(nn.SpatialConvolution(8, 4, 1, 1))
    :add(nn.Sequential():add(nn.SpatialConvolution(8, 4, 3, 3, 1, 1, 1, 1)):add(nn.ReLU6(true)))
  local net = nn.Sequential():add(nn.SpatialConvolution(3, 8, 3, 3, 1, 1, 1, 1))
  net:add(nn.SpatialBatchNormalization(8)):add(nn.ReLU(true))
    :add(block(8)):add(twice):add(block(8)):add(branches):add(nn.SpatialConvolution(8, 8, 1, 1)):add(twice)
    :add(nn.SpatialMaxPooling(2, 2)):add(nn.SpatialConvolution(8, 8, 3, 3, 2, 2)):add(nn.ReLU(true))
    :add(nn.SpatialAdaptiveAveragePooling(2, 2)):add(nn.View(-1, 32)):add(nn.Linear(32, 16)):add(nn.Tanh()):add(nn.Linear(16, 5))
  for _, m in ipairs(net:findModules('nn.SpatialBatchNormalization')) do
    m.running_mean:uniform(-1, 1)
    m.running_var:uniform(0.5, 2)
  end
  return net
end

-- Bytes of the storages in which outputs stand.
local function bytes(net)
  local seen, total = {}, 0
  net:apply(function(m)
    local output = rawget(m, 'output')
    if torch.isTensor(output) and output:nElement() > 0 then
      local storage = output:storage()
      if not seen[torch.pointer(storage)] then total = total + 4 * storage:size() end
      seen[torch.pointer(storage)] = true
    end
  end)
  return total
end

local function equal(a, b) assert.are.equal(0, (a - b):abs():max()) end

describe('optnet', function()
  local x, larger = torch.randn(2, 3, 18, 18), torch.randn(5, 3, 30, 22)

  it('leaves results as they are, for other inputs and sizes too, in less memory', function()
    local net = network()
    local plain = net:clone()
    plain:evaluate()
    plain:forward(x)
    assert.are.equal(net, optnet.optimizeMemory(net, x))
    assert.is_true(bytes(net) < 0.6 * bytes(plain), bytes(net) .. ' of ' .. bytes(plain))
    for _, input in ipairs { x, larger, x, -x } do equal(net:forward(input), plain:forward(input)) end
    local first = net:forward(x):clone()
    equal(optnet.optimizeMemory(net, larger):forward(x), first)
    equal(net:clone():forward(x), first)
  end)

  it('refuses a backward pass until each output has memory of its own', function()
    local net = network()
    local plain = net:clone()
    optnet.optimizeMemory(net, x)
    local y = net:forward(x):clone()
    assert.has_error(function() net:backward(x, y) end)
    assert.has_error(function() net:clone():updateGradInput(x, y) end)
    local _, message = pcall(net.accGradParameters, net, x, y)
    assert.matches('optnet.removeOptimization', message, 1, true)
    for _, back in ipairs { optnet.removeOptimization, function(n) n:training() end } do
      optnet.optimizeMemory(net, x)
      back(net)
      for _, n in ipairs { net, plain } do n:evaluate() n:zeroGradParameters() n:forward(x) end
      equal(net:backward(x, y), plain:backward(x, y))
      equal(select(2, net:getParameters()), select(2, plain:getParameters()))
    end
  end)

  it('leaves a module the updateOutput of its own', function()
    local net = network()
    local own = function(_, input) return input end
    local identity = nn.Identity()
    identity.updateOutput = own
    optnet.optimizeMemory(net:add(identity), x)
    assert.equal(own, rawget(identity, 'updateOutput'))
  end)

  it('names what it cannot do', function()
    local _, message = pcall(optnet.optimizeMemory, nn.Linear(2, 2), torch.randn(2), { mode = 'fast' })
    assert.matches("the mode is 'inference' or 'training', not fast", message, 1, true)
    _, message = pcall(optnet.optimizeMemory, 3)
    assert.matches('optimizeMemory: a network is needed, not a number', message, 1, true)
    local net = network()
    assert.has_error(function() optnet.optimizeMemory(net, torch.randn(2, 4, 9, 9)) end)
    net:apply(function(m) assert.is_nil(rawget(m, 'updateOutput')) end)
  end)
end)
