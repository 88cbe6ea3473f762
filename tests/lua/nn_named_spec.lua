-- First values, states by name, summaries, and the gradient of a gradient through the layers of critics.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'
local compare = setfenv(assert(loadfile(here .. 'nn_golden.lua')), getfenv(1))()
local golden = dofile(here .. '../golden/penalty.lua')

describe('first values', function()
  before_each(function() torch.manualSeed(5) end)
  local initialize = nn.initialize

  -- The weights of layers as they are, their fan in and fan out; in the last one outputs come second.
  local weights = {
    { nn.Linear(300, 200).weight, 300, 200 },
    { nn.SpatialConvolution(32, 64, 3, 5).weight, 32 * 15, 64 * 15 },
    { nn.SpatialConvolution(64, 128, 3, 3, 1, 1, 1, 1, 4).weight, 16 * 9, 128 * 9 },
    { nn.VolumetricConvolution(16, 24, 2, 3, 3).weight, 16 * 18, 24 * 18 },
    { nn.SpatialFullConvolution(32, 16, 4, 4).weight, 16 * 16, 32 * 16 },
  }

  -- A sample's deviation is off by d / sqrt(2 n); a mean of 0 by d / sqrt(n).
  local function drawn(weight, deviation)
    local n = weight:nElement()
    assert.is_near(deviation, weight:std(), 4 * deviation / math.sqrt(2 * n))
    assert.is_near(0, weight:mean(), 4 * deviation / math.sqrt(n))
  end

  local function uniform(weight, deviation)
    drawn(weight, deviation)
    local limit = deviation * math.sqrt(3)
    local reached = torch.abs(weight):max()
    assert.is_true(reached <= limit * (1 + 1e-6) and reached > 0.999 * limit)
  end

  local function normal(weight, deviation)
    drawn(weight, deviation)
    assert.is_near(0.3173, torch.abs(weight):gt(deviation):float():mean(), 0.02)
  end

  it('have the deviations and bounds of their formulas', function()
    for _, row in ipairs(weights) do
      local w, fanIn, fanOut = unpack(row)
      local glorot = math.sqrt(2 / (fanIn + fanOut))
      normal(initialize.xavierNormal(w), glorot)
      uniform(initialize.xavierUniform(w), glorot)
      uniform(initialize.xavierUniform(w, initialize.gain 'Tanh'), 5 / 3 * glorot)
      normal(initialize.kaimingNormal(w), math.sqrt(2 / fanIn))
      normal(initialize.kaimingNormal(w, 0, 'fanOut'), math.sqrt(2 / fanOut))
      uniform(initialize.kaimingUniform(w, 0.2), math.sqrt(2 / 1.04 / fanIn))
      uniform(initialize.kaimingUniform(w, nil, 'fanOut'), math.sqrt(2 / fanOut))
    end
  end)

  it('know the gains of activations', function() -- torch.nn.init.calculate_gain
    for name, gain in pairs { Identity = 1, Sigmoid = 1, Tanh = 5 / 3, ReLU = 1.4142135623730951,
      LeakyReLU = 1.4141428569978354, SELU = 0.75 } do
      assert.is_near(gain, initialize.gain(name), 1e-12)
    end
    assert.is_near(1.37516331034023, initialize.gain('LeakyReLU', 0.24), 1e-12)
    assert.error_matches(function() initialize.gain 'Sofa' end, 'no gain is known for Sofa')
  end)

  it('are orthogonal, in rows or columns', function()
    for _, row in ipairs(weights) do
      local w = initialize.orthogonal(row[1], 1.5)
      local flat = w:view(w:size(1), -1)
      if flat:size(1) > flat:size(2) then flat = flat:t() end
      assert.is_true((flat * flat:t() - torch.eye(flat:size(1)) * 2.25):abs():max() < 1e-4)
    end
    local tall = initialize.orthogonal(torch.DoubleTensor(6, 2, 2)):view(6, 4)
    assert.is_true((tall:t() * tall - torch.eye(4):double()):abs():max() < 1e-12)
    assert.is_true(math.abs(tall:mean()) < 0.4 and tall:min() < 0)
  end)

  it('are cut at a number of deviations', function()
    local w = nn.SpatialConvolution(16, 32, 3, 3).weight
    for _, case in ipairs { { 2, 0.8796 }, { 1, 0.5396 }, { 0.1, 0.0577 } } do -- and what is left of a deviation of 1
      local t = initialize.truncatedNormal(w, 1, 0.5, case[1]) - 1
      local reached = torch.abs(t):max()
      assert.is_true(reached <= 0.5 * case[1] + 1e-6 and reached > 0.45 * case[1])
      assert.is_near(0.5 * case[2], t:std(), 0.01 * case[1])
      assert.is_near(0, t:mean(), 0.02 * case[1])
    end
    local turned = initialize.truncatedNormal(torch.Tensor(300, 20):t())
    assert.is_true(torch.abs(turned):max() <= 2 and torch.abs(turned):min() < 0.01)
  end)

  it('need a weight, and numbers', function()
    local w = torch.ones(2, 3)
    for _, case in ipairs {
      { 'kaimingNormal: a weight of two dimensions or more is needed', initialize.kaimingNormal, torch.Tensor(3) },
      { 'orthogonal: a weight of two dimensions or more', initialize.orthogonal, torch.Tensor() },
      { 'xavierNormal: a FloatTensor or DoubleTensor is wanted, but a nil', initialize.xavierNormal },
      { 'xavierUniform: a FloatTensor or DoubleTensor is wanted, but a torch.LongTensor', initialize.xavierUniform, w:long() },
      { 'xavierNormal: argument 2 is a string', initialize.xavierNormal, w, 'ReLU' },
      { "kaimingUniform: the mode is 'fanIn' or 'fanOut', not fan_out", initialize.kaimingUniform, w, 0, 'fan_out' },
      { 'truncatedNormal: the limit is 0 deviations', initialize.truncatedNormal, w, 0, 1, 0 },
    } do
      assert.error_matches(function() case[2](unpack(case, 3)) end, 'nn.initialize.' .. case[1])
    end
    assert.equal(6, w:sum())
  end)
end)

describe('a state by name', function()
  local function net(width)
    return nn.Sequential():add(nn.Linear(4, width or 3)):add(nn.BatchNormalization(width or 3)):add(nn.LSTM(width or 3, 2))
  end

  it('brings another model to the same outputs', function()
    local a, b, x = net(), net(), torch.randn(5, 4)
    a:forward(x)
    b:loadStateDict(torch.deserialize(torch.serialize(a:stateDict())))
    a:evaluate()
    b:evaluate()
    assert.is_true((a:forward(x) - b:forward(x)):abs():max() == 0)
    assert.is_not_nil(a:stateDict()['2.running_mean'])
    assert.is_not_nil(a:stateDict()['3.weight_hh_l0'])
  end)

  it('is refused as a whole where it does not fit, with every difference', function()
    local a, b = net(), net(6)
    local state, before = a:stateDict(), b.modules[1].bias:clone()
    state['1.weight'], state.more = nil, torch.Tensor(1)
    local ok, message = pcall(b.loadStateDict, b, state)
    assert.is_false(ok)
    for _, part in ipairs { '1.weight (6x4) is missing', '1.bias is 3, but the model has 6', 'more is not in the model' } do
      assert.is_truthy(message:find(part, 1, true), message)
    end
    assert.is_true((b.modules[1].bias - before):abs():max() == 0)
  end)

  it('is taken in part when asked', function()
    local a, b = net(), net()
    local state = a:stateDict()
    state['1.weight'] = nil
    local differences = b:loadStateDict(state, false)
    assert.same({ '1.weight (3x4) is missing' }, differences)
    assert.is_true((a.modules[1].bias - b.modules[1].bias):abs():max() == 0)
  end)
end)

describe('a summary', function()
  it('tells sizes, parameters and work, and leaves the model as it was', function()
    local net = nn.Sequential():add(nn.SpatialConvolution(3, 8, 3, 3)):add(nn.ReLU()):add(nn.View(-1, 8 * 36))
      :add(nn.Linear(288, 10))
    net:training()
    local text = net:summary { 2, 3, 8, 8 }
    assert.is_truthy(text:find('2x8x6x6%s+224%s+15552'), text)
    assert.is_truthy(text:find('3114 parameters, 21312 multiply%-adds'), text)
    assert.is_true(net.train)
    assert.is_nil(rawget(net.modules[1], 'updateOutput'))
  end)
end)

-- The gradient penalty of Gulrajani et al. 2017, (|dD/dx| - 1)^2, differentiated by the weights, as PyTorch has it.
describe('a gradient penalty goes through', function()
  local image = { 3, 2, 6, 6 }
  local critics = {
    Linear = { { 3, 5 }, function()
      return nn.Sequential():add(nn.Linear(5, 4)):add(nn.LeakyReLU(0.2)):add(nn.Linear(4, 1))
    end },
    LayerNorm = { { 3, 5 }, function()
      return nn.Sequential():add(nn.Linear(5, 4)):add(nn.LayerNorm(4)):add(nn.LeakyReLU(0.2)):add(nn.Linear(4, 1))
    end },
    SpatialConvolution = { image, function()
      return nn.Sequential():add(nn.SpatialConvolution(2, 3, 3, 3, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2))
        :add(nn.SpatialConvolution(3, 1, 3, 3))
    end },
    SpatialFullConvolution = { image, function()
      return nn.Sequential():add(nn.SpatialFullConvolution(2, 3, 3, 3, 2, 2)):add(nn.LeakyReLU(0.2))
        :add(nn.SpatialConvolution(3, 1, 4, 4))
    end },
    InstanceNorm = { image, function()
      return nn.Sequential():add(nn.SpatialConvolution(2, 3, 3, 3)):add(nn.InstanceNorm(3)):add(nn.LeakyReLU(0.2))
        :add(nn.SpatialConvolution(3, 1, 4, 4))
    end },
  }
  for name, row in pairs(critics) do
    it(name, function()
      local critic, x = row[2]():double(), compare.pattern(row[1], 1)
      for i, p in ipairs((critic:parameters())) do p:copy(compare.pattern(p:size():totable(), 10 + i)) end
      local function penalty()
        local leaf = x:clone():requiresGrad(true)
        local g = torch.grad(torch.sum(critic(leaf)), leaf, { createGraph = true })
        local norms = torch.sqrt(torch.sum(torch.square(torch.view(g, 3, -1)), 2))
        return torch.mean(torch.square(norms - 1))
      end
      critic:zeroGradParameters()
      local value, want = penalty(), golden[name]
      value:backward()
      assert.is_near(want.penalty, value:item(), 1e-9)
      local _, grads = critic:parameters()
      for i, g in ipairs(grads) do
        local flat = g:view(-1)
        assert.are.equal(#want.grads[i], flat:size(1))
        for k, v in ipairs(want.grads[i]) do
          assert.is_near(v, flat[k], 1e-8 + 1e-6 * math.abs(v), ('parameter %d[%d]'):format(i, k))
        end
      end
    end)
  end
end)
