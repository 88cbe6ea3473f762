-- The module protocol: what holds for every layer and container, apart from what they compute.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local samples = dofile 'tests/lua/nn_samples.lua'
local mlp, filled, equal = samples.mlp, samples.filled, samples.equal

describe('backward of integers', function()
  it('is an error', function()
    local x = torch.LongTensor { -1, 2, 3 }
    local relu = nn.ReLU()
    assert.same({ 0, 2, 3 }, relu:forward(x):totable())
    assert.error_matches(function() relu:updateGradInput(x, x:clone()) end, 'relu: a LongTensor has no gradient')
  end)
end)

describe('initialisation', function()
  local function values(t)
    local list = t:double():contiguous():view(-1):totable()
    return list
  end
  local function close(expected, t)
    for i, v in ipairs(values(t)) do assert.is_near(expected[i], v, 1e-6) end
  end
  it('draws what Torch7 drew', function()
    torch.manualSeed(1)
    local linear = nn.Linear(3, 2)
    close({ -0.0958147421, 0.5740995407, 0.2544088066, 0.4994741976, -0.5772181749, -0.4294048846 }, linear.weight)
    close({ -0.2282466888, 0.5762423276 }, linear.bias)
    torch.manualSeed(1)
    close({ -2.9718289375, 1.7069510221, -0.4304988980, -2.2820224762, 0.5236573219, 0.0003763408 },
      nn.LookupTable(3, 2).weight)
    torch.manualSeed(1)
    close({ 0.4170219898, 0.9971848130, 0.7203245163, 0.9325573444 }, nn.BatchNormalization(4).weight)
    torch.manualSeed(1)
    close({ 0.0258778222, 0.2308739573 }, nn.SpatialConvolution(1, 2, 3, 3).bias)
    torch.manualSeed(1)
    close({ 2, 0, 0, 0, 2, 2, 2, 0, 2, 2 }, nn.Dropout(0.5):forward(torch.ones(10)))
    torch.manualSeed(1)
    local eight = { -0.0829780027, 0.4971848130, 0.2203244865, 0.4325573742, -0.4998856187, -0.3718755543,
      -0.1976674348, 0.4990405142 }
    close(eight, nn.TemporalConvolution(2, 2, 2).weight)
    torch.manualSeed(1)
    close(eight, nn.SpatialFullConvolution(1, 2, 2, 2).weight)
  end)
end)

describe('a module', function()
  it('reuses output and gradInput', function()
    local m, x = nn.Linear(4, 2), filled(3, 4)
    local y = m:forward(x)
    local g = m:backward(x, filled(3, 2))
    assert.is_true(rawequal(y, m:forward(filled(5, 4))))
    assert.is_true(rawequal(g, m:backward(filled(5, 4), filled(5, 2))))
    assert.are.same({ 5, 4 }, g:size():totable())
  end)

  it('gives a gradInput that may be written to, and a table of its own for each split', function()
    local sum, x = nn.Sum(1), torch.randn(4, 3)
    sum:forward(x)
    local gradInput = sum:backward(x, torch.Tensor { 4, 8, 16 }):div(4)
    assert.same({ 1, 2, 4 }, gradInput[1]:totable())
    local split = nn.SplitTable(1)
    local a, b = split:forward(torch.Tensor { { 1, 2 }, { 3, 4 } }), split:forward(torch.Tensor { { 5, 6 } })
    assert.same({ 3, 4 }, a[2]:totable())
    assert.equal(2, #a)
    assert.equal(1, #b)
  end)

  it('computes no gradInput where the field was removed', function()
    local m, x = nn.Linear(4, 2), filled(3, 4)
    m.gradInput = nil
    m:forward(x)
    m:zeroGradParameters()
    m:backward(x, filled(3, 2))
    assert.is_true(m.gradWeight:abs():max() > 0)
    assert.is_nil(m.gradInput)
  end)

  it('uses the weights as they stand in backward', function()
    local m, x = nn.Linear(2, 1, false), filled(1, 2)
    m:forward(x)
    m.weight:fill(7)
    local g = m:updateGradInput(x, torch.ones(1, 1))
    assert.are.equal(7, g[1][1])
  end)

  it('calls update functions that a subclass overrides', function()
    local Own, parent = torch.class('test.Own', 'nn.Linear', samples)
    function Own:updateGradInput(input, gradOutput)
      self.asked = true
      return parent.updateGradInput(self, input, gradOutput)
    end
    local m, x = samples.Own(4, 2), filled(3, 4)
    m:forward(x)
    m:backward(x, filled(3, 2))
    assert.is_true(m.asked)
  end)

  it('takes a step without accumulation', function()
    local a = nn.Linear(4, 2)
    local b, x, g = a:clone(), filled(3, 4), filled(3, 2)
    a:forward(x)
    a:backwardUpdate(x, g, 0.1)
    b:forward(x)
    b:zeroGradParameters()
    b:backward(x, g)
    b:updateParameters(0.1)
    assert.is_true((a.weight - b.weight):abs():max() < 1e-6)
  end)

  it('follows the type of its input where it has no parameters', function()
    local m = nn.Tanh()
    assert.are.equal('torch.DoubleTensor', m:forward(torch.DoubleTensor { 1 }):type())
    assert.are.equal('torch.FloatTensor', m:forward(torch.FloatTensor { 1 }):type())
  end)

  it('empties its buffers with clearState and goes on after it', function()
    local m, x = mlp(), filled(2, 4)
    local y = m:forward(x):clone()
    m:backward(x, filled(2, 2))
    m:clearState()
    assert.are.equal(0, m:get(1).output:nElement())
    assert.is_true(equal(y, m:forward(x)))
    m:backward(x, filled(2, 2))
  end)
end)

describe('clone', function()
  it('copies and keeps sharing inside', function()
    local m = mlp()
    m:getParameters()
    local c = m:clone()
    c:get(1).weight:zero()
    assert.is_true(m:get(1).weight:abs():max() > 0)
    assert.is_true(c:get(1).weight:isSharedWith(c:get(3).bias))
    assert.is_false(c:get(1).weight:isSharedWith(m:get(1).weight))
  end)

  it('copies objects that say how they are written by writing them', function()
    local Light = torch.class('test.Light', 'nn.Linear', {})
    function Light:write(file)
      local state = {}
      for k, v in pairs(self) do state[k] = v end
      state.output = nil
      file:writeObject(state)
    end
    local net = nn.Sequential():add(Light(3, 2))
    net:forward(torch.randn(4, 3))
    assert.is_true(net:get(1).output:nElement() > 0)
    local copy = net:clone()
    assert.is_nil(copy:get(1).output)
    assert.equal('test.Light', torch.typename(copy:get(1)))
    assert.same(net:get(1).weight:totable(), copy:get(1).weight:totable())
  end)

  it('shares the fields it is told', function()
    local m = nn.Linear(4, 2)
    local c = m:clone('weight', 'bias')
    assert.is_true(c.weight:isSharedWith(m.weight))
    assert.is_false(c.gradWeight:isSharedWith(m.gradWeight))
  end)

  it('shares parameters and gradients with sharedClone', function()
    local m = mlp()
    local c = m:sharedClone()
    assert.is_true(c:get(1).weight:isSetTo(m:get(1).weight))
    assert.is_true(c:get(3).gradBias:isSetTo(m:get(3).gradBias))
    assert.is_false(c:get(1).output:isSharedWith(m:get(1).output))
  end)
end)

describe('type', function()
  it('keeps shared tensors shared, across modules with one cache', function()
    local a = nn.Linear(4, 2)
    local b, cache = a:sharedClone(), {}
    a:double(cache)
    b:double(cache)
    assert.are.equal('torch.DoubleTensor', a:type())
    assert.are.equal('torch.DoubleTensor', a.weight:type())
    assert.is_true(a.weight:isSharedWith(b.weight))
  end)
end)

describe('getParameters', function()
  it('makes every parameter a view of one vector', function()
    local m = mlp()
    local before = m:get(3).weight:clone()
    local p, g = m:getParameters()
    assert.are.equal(4 * 3 + 3 + 3 * 2 + 2, p:nElement())
    assert.are.equal(p:nElement(), g:nElement())
    assert.is_true(equal(before, m:get(3).weight))
    p:fill(2)
    assert.are.equal(2, m:get(3).bias[2])
    m:get(1).gradWeight:fill(3)
    assert.are.equal(3, g[1])
  end)

  it('moves nothing the second time', function()
    local m = mlp()
    local p = m:getParameters()
    local q = m:getParameters()
    assert.is_true(p:isSetTo(q))
    local part = m:get(3):getParameters()
    assert.is_true(part:isSharedWith(p))
    assert.is_true(m:get(1).weight:isSharedWith(p))
  end)

  it('counts shared parameters once', function()
    local a = nn.Linear(4, 4)
    local m = nn.Sequential():add(a):add(a:sharedClone())
    local p, g = m:getParameters()
    assert.are.equal(20, p:nElement())
    assert.are.equal(20, g:nElement())
    m:get(1).weight:fill(5)
    assert.are.equal(5, m:get(2).weight[4][4])
  end)

  it('refuses parameters that are shared without their gradients', function()
    local a = nn.Linear(4, 4)
    local m = nn.Sequential():add(a):add(a:clone('weight', 'bias'))
    assert.error_matches(function() m:getParameters() end, '20 parameters but 40 gradients: share gradWeight')
  end)

  it('says so when an earlier vector loses its parameters', function()
    local a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    local first = nn.Sequential():add(a):add(b):getParameters()
    local said, warn = nil, nn.warn
    nn.warn = function(sentence) said = sentence end
    nn.Sequential():add(b):add(a):getParameters()
    nn.warn = warn
    assert.is_truthy(said and said:find('vector of 12 elements that an earlier getParameters returned', 1, true))
    assert.are.equal(12, first:nElement())
  end)
end)

describe('containers', function()
  it('print as Torch7 printed', function()
    local m = nn.Sequential():add(nn.ConcatTable():add(nn.Linear(2, 3)):add(nn.Sequential():add(nn.Tanh())))
      :add(nn.JoinTable(2)):add(nn.SpatialConvolution(1, 2, 3, 3, 1, 1, 1, 1))
    assert.are.equal([[
nn.Sequential {
  [input -> (1) -> (2) -> (3) -> output]
  (1): nn.ConcatTable {
    input
      |`-> (1): nn.Linear(2 -> 3)
       `-> (2): nn.Sequential {
             [input -> (1) -> output]
             (1): nn.Tanh
           }
       ... -> output
  }
  (2): nn.JoinTable
  (3): nn.SpatialConvolution(1 -> 2, 3x3, 1,1, 1,1)
}]], tostring(m))
  end)

  it('insert, remove, find, list, apply and replace', function()
    local m = mlp()
    m:insert(nn.Dropout(), 2)
    assert.are.equal('nn.Dropout(0.500000)', tostring(m:get(2)))
    m:remove(2)
    assert.are.equal(3, m:size())
    local found, holders = m:findModules('nn.Linear')
    assert.are.equal(2, #found)
    assert.is_true(rawequal(holders[1], m))
    assert.are.equal(4, #m:listModules())
    local seen = 0
    m:apply(function() seen = seen + 1 end)
    assert.are.equal(4, seen)
    m:replace(function(module) return torch.typename(module) == 'nn.Tanh' and nn.ReLU() or module end)
    assert.are.equal('nn.ReLU', torch.typename(m:get(2)))
    m:evaluate()
    assert.is_false(m:get(1).train)
    m:training()
    assert.is_true(m:get(1).train)
    assert.error_matches(function() m:add('Linear') end, 'a module is wanted, but a string was given')
  end)

  it('pass tables through branches', function()
    local m = nn.Sequential():add(nn.ConcatTable():add(nn.Linear(4, 2)):add(nn.Linear(4, 2))):add(nn.CAddTable())
    local x = filled(3, 4)
    local y = m:forward(x):clone()
    local expected = m:get(1):get(1).output + m:get(1):get(2).output
    assert.is_true(equal(expected, y))
    m:zeroGradParameters()
    local g = m:backward(x, filled(3, 2)):clone()
    local h = m:get(1):get(1).gradInput + m:get(1):get(2).gradInput
    assert.is_true((g - h):abs():max() < 1e-6)
    local onTape = x:clone():requiresGrad(true)
    m(onTape):backward(filled(3, 2))
    assert.is_true((onTape.grad - g):abs():max() < 1e-6)
  end)

  it('map a module over a table', function()
    local m = nn.MapTable(nn.Linear(4, 2))
    local out = m:forward { filled(3, 4), filled(2, 4), filled(1, 4) }
    assert.are.same({ 2, 2 }, out[2]:size():totable())
    assert.are.equal(2, #(m:parameters()))
    assert.is_true(m:get(3).weight:isSetTo(m:get(1).weight))
  end)
end)

describe('the length of a Sequential', function()
  it('is the number of its modules, with a LuaJIT that asks no __len of tables too', function()
    local net = nn.Sequential():add(nn.Linear(2, 2)):add(nn.Sequential():add(nn.ReLU()))
    assert.equal(2, #net)
    assert.equal(1, #net:get(2))
    assert.equal(3, #net:insert(nn.Tanh(), 1))
    assert.equal(2, #net:remove())
    local text = torch.serialize(net, 'ascii')
    for _, copy in ipairs { net:clone(), net:clone():double(), torch.deserialize(text, 'ascii') } do assert.equal(2, #copy) end
    assert.equal(0, #nn.Sequential())
    assert.is_nil(rawget(torch.deserialize(text:gsub('nn.Sequential', 'xx.Sequential'), 'ascii'), 1))
  end)
end)
