-- Convolution, normalisation and activation in one pass (lua/tocha/nn/fuse.lua).
local torch = require 'tocha'
local nn = require 'tocha.nn'

local pair = dofile 'tests/lua/nn_pair.lua'
local near, step, nearGradients, plainly, pooled = pair.near, pair.step, pair.nearGradients, pair.plainly, pair.pooled

local function norm(planes)
  local m = nn.SpatialBatchNormalization(planes)
  m.running_mean:uniform(-1, 1)
  m.running_var:uniform(0.5, 2)
  m.bias:uniform(-1, 1)
  return m
end

-- A network of every kind of run, and the same modules called one by one.
local function network(inplace)
  local body = nn.Sequential():add(nn.SpatialConvolution(8, 8, 3, 3, 1, 1, 1, 1)):add(norm(8))
  return nn.Sequential()
    :add(nn.SpatialConvolution(3, 8, 3, 3, 2, 2, 1, 1)):add(norm(8)):add(nn.ReLU(inplace))
    :add(nn.SpatialConvolution(8, 8, 3, 3, 1, 1, 1, 1, 8):noBias()):add(norm(8)):add(nn.ReLU6(inplace))
    :add(nn.SpatialConvolution(8, 8, 1, 1)):add(nn.ReLU(inplace))
    :add(nn.Sequential():add(nn.ConcatTable():add(body):add(nn.Identity())):add(nn.CAddTable(true)))
    :add(nn.ReLU(inplace)):add(nn.SpatialConvolution(8, 4, 3, 3)):add(nn.LeakyReLU(0.1, inplace))
end

-- Runs modules apart: a Sequential of one module has nothing to fuse.
local function apart(net, x)
  for _, m in ipairs(net.modules) do
    if torch.type(m) == 'nn.Sequential' then x = apart(m, x)
    elseif torch.type(m) == 'nn.ConcatTable' then
      local list = {}
      for i, child in ipairs(m.modules) do list[i] = child.modules and apart(child, x) or x end
      x = list
    else x = m:forward(x) end
  end
  return x
end

describe('runs of modules in one pass', function()
  for _, inplace in ipairs { false, true } do
    local x = torch.randn(2, 3, 17, 15)

    it('give what the modules give one by one, inplace ' .. tostring(inplace), function()
      local net = network(inplace)
      net:evaluate()
      local y, plain = net:forward(x):clone(), net:clone()
      near(y, apart(plain, x))
      net:forward(x)
      assert.is_nil(rawget(net:get(1), 'output')) -- left out
      for i, m in ipairs(net.modules) do near(m.output, plain.modules[i].output) end -- what Torch7's scripts look at
      assert.is_not_nil(rawget(net:get(1), 'output'))
      near(net:forward(x[1]), y[1])
      near(net:get(1).output, plain.modules[1].output[1])
    end)

    it('have the gradients of the modules, inplace ' .. tostring(inplace), function()
      local net = network(inplace)
      net:evaluate()
      local plain = net:clone()
      plain:apply(function(m) -- functions of their own: no runs
        if m.kW then function m:updateOutput(input) return nn.SpatialConvolution.updateOutput(self, input) end end
      end)
      local g = torch.randn(2, 4, 7, 6)
      for _, n in ipairs { net, plain } do
        n:zeroGradParameters()
        n:forward(x)
        n:backward(x, g)
      end
      near(net.gradInput, plain.gradInput)
      local _, mine = net:getParameters()
      local _, gradients = plain:getParameters()
      near(mine, gradients)
      assert.is_true(net:get(1).output:dim() == 4) -- filled again
      net:forward(x)
      near(net:updateGradInput(x, g), plain.gradInput)
    end)
  end

  it('leave the convolution an output to read after a clone, a file, clearState and another type', function()
    local net, x = network(true), torch.randn(2, 3, 9, 9)
    net:evaluate()
    local y = net:forward(x):clone()
    local conv = net:get(1)
    local output = nn.functional.conv2d(x, conv.weight, conv.bias, { 2, 2 }, { 1, 1 })
    assert.equal(0, rawget(torch.deserialize(torch.serialize(net)):get(1), 'output'):dim()) -- the file has what Torch7 needs
    assert.is_nil(rawget(conv, 'output'))
    near(rawget(net:clone():get(1), 'output'), output)
    near(conv.output, output)
    net:forward(x)
    net:clearState()
    assert.equal(0, conv.output:dim())
    near(net:forward(x), y)
    net:double()
    assert.equal('torch.DoubleTensor', conv.output:type())
    near(conv.output, output:double())
    near(net:forward(x:double()):float(), y)
    near(conv.output, nn.SpatialConvolution.updateOutput(conv:clone(), x:double()))
    net:training()
    net:forward(x:double())
    assert.equal(4, conv.output:dim())
    local dilated = nn.SpatialDilatedConvolution(3, 2, 3, 3, 1, 1, 0, 0, 2, 2) -- inherits the field
    assert.equal(4, nn.Sequential():add(dilated):add(nn.ReLU(true)):forward(x):dim())
    assert.is_nil(dilated.missing)
    assert.equal(0, dilated:clearState().output:dim())
    assert.is_nil(nn.SpatialConvolution.output)
  end)

  it('in place work in training too', function()
    local conv, relu = nn.SpatialConvolution(3, 5, 3, 3), nn.ReLU(true)
    local net, x = nn.Sequential():add(conv):add(relu), torch.randn(2, 3, 9, 9)
    local y = net:forward(x)
    near(y, torch.relu(nn.SpatialConvolution.updateOutput(conv:clone(), x)))
    assert.equal(torch.pointer(conv.output:storage()), torch.pointer(y:storage()))
    local gx = net:backward(x, torch.ones(y:size())):clone()
    net:remove(2)
    net:add(nn.ReLU())
    net:forward(x)
    near(net:backward(x, torch.ones(y:size())), gx)
  end)

  it('leave layers alone that have functions of their own', function()
    local net = network(true)
    net:evaluate()
    local seen
    local conv = net:get(1)
    function conv:updateOutput(input)
      seen = true
      return nn.SpatialConvolution.updateOutput(self, input)
    end
    net:forward(torch.randn(1, 3, 8, 8))
    assert.is_true(seen)
  end)

  it('name the convolution that refuses', function()
    local net = network(true)
    net:evaluate()
    assert.error_matches(function() net:forward(torch.randn(1, 4, 8, 8)) end, 'conv2d: weight has 3 input planes')
  end)

  it('go back through a pooling and the activation before it together', function()
    local net = pooled()
    net:get(4).weight:mul(6) -- some outputs are above 6
    local plain = plainly(net)
    for _, n in ipairs { 5, 2, 7 } do -- other batches in the same buffers
      local x, g = torch.randn(n, 2, 20, 18), torch.randn(n, 3)
      for _, m in ipairs { net, plain } do
        m:training()
        m:zeroGradParameters()
        m:forward(x)
        m:backward(x, g)
      end
      assert.is_true(net:get(2).gradInput:storage() == net:get(3).gradInput:storage()) -- one pass
      for i, m in ipairs(net.modules) do
        near(m.output, plain.modules[i].output)
        if torch.type(m) ~= 'nn.SpatialMaxPooling' then near(m.gradInput, plain.modules[i].gradInput) end
      end
      local _, mine = net:parameters()
      local _, gradients = plain:parameters()
      for i, gradient in ipairs(gradients) do near(mine[i], gradient) end
      near(net:updateGradInput(x, g), plain:updateGradInput(x, g))
    end
  end)

  it('normalise with an activation in training, and go back through both together', function()
    local net = nn.Sequential()
      :add(nn.SpatialBatchNormalization(3, nil, nil, false)):add(nn.ReLU(true))
      :add(nn.SpatialConvolution(3, 6, 3, 3, 2, 2, 1, 1):noBias()):add(norm(6)):add(nn.ReLU6(true))
      :add(nn.SpatialConvolution(6, 4, 3, 3)):add(norm(4)):add(nn.ReLU(true)):add(nn.SpatialAdaptiveAveragePooling(1, 1))
      :add(nn.View(4)):add(nn.Linear(4, 6)):add(nn.View(6, 1, 1)):add(norm(6)):add(nn.ReLU(true))
    net:get(4).weight:mul(8) -- some outputs are above 6
    local plain = plainly(net)
    for round, n in ipairs { 5, 2, 7 } do
      local x, g = torch.randn(n, 3, 11, 14), torch.randn(n, 6, 1, 1)
      step(net, plain, x, g, round == 2)
      assert.is_nil(rawget(net:get(5), 'gradInput')) -- left out
      for i, m in ipairs(net.modules) do
        local other = plain.modules[i]
        near(m.output, other.output)
        near(m.gradInput, other.gradInput)
        if m.running_mean then
          near(m.running_mean, other.running_mean)
          near(m.running_var, other.running_var)
        end
      end
      assert.is_true(rawequal(net:get(4).output, net:get(5).output)) -- one pass
      nearGradients(net, plain)
      near(net:updateGradInput(x, g), plain:updateGradInput(x, g))
      net:accGradParameters(x, g)
      plain:accGradParameters(x, g)
      nearGradients(net, plain)
      near(net:evaluate() or net:forward(x), plain:evaluate() or plain:forward(x))
    end
  end)

  it('take modules apart where an output may have been written', function()
    for _, after in ipairs { nn.MulConstant(-1, true), nn.Sequential():add(nn.MulConstant(-1, true)), nn.View(-1) } do
      local net = nn.Sequential():add(nn.SpatialConvolution(2, 6, 3, 3)):add(nn.ReLU(true)):add(nn.SpatialMaxPooling(2, 2))
      net:add(after)
      if torch.type(after) == 'nn.View' then net:add(nn.MulConstant(-1, true)) end
      local plain, x = plainly(net), torch.randn(3, 2, 10, 10)
      local g = torch.randn(net:forward(x):size())
      plain:forward(x)
      near(net:backward(x, g), plain:backward(x, g))
    end
    local net, x = pooled(), torch.randn(2, 2, 20, 18)
    net:get(3).gradInput = nil -- not wanted
    net:forward(x)
    assert.has_error(function() net:backward(x, torch.randn(2, 3)) end)
  end)
end)

it('a gradient is there for accGradParameters after updateGradInput, whatever was written between the two', function()
  local function net()
    return nn.Sequential():add(nn.SpatialConvolution(2, 3, 3, 3)):add(nn.SpatialBatchNormalization(3)):add(nn.ReLU(true))
      :add(nn.SpatialConvolution(3, 2, 1, 1))
  end
  local one = net()
  local two, x, g = one:clone(), torch.randn(4, 2, 8, 8), torch.randn(4, 2, 6, 6)
  for _, n in ipairs { one, two } do
    n:forward(x)
    n:zeroGradParameters()
  end
  one:backward(x, g)
  two:updateGradInput(x, g)
  two:get(4).gradInput:zero() -- as where gradInputs share memory
  two:accGradParameters(x, g)
  local _, a = one:getParameters()
  local _, b = two:getParameters()
  assert.is_true((a - b):abs():max() < 1e-6)
end)
