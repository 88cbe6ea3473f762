-- First values, states by name, summaries, and the gradient of a gradient through the layers of critics.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'
local compare = setfenv(assert(loadfile(here .. 'nn_golden.lua')), getfenv(1))()
local golden = dofile(here .. '../golden/penalty.lua')

describe('first values', function()
  before_each(function() torch.manualSeed(5) end)
  local function deviation(t) return t:std() end

  it('have the deviations of their formulas', function()
    local w = torch.Tensor(64, 32, 3, 3)
    local glorot, he = math.sqrt(2 / (32 * 9 + 64 * 9)), math.sqrt(2 / (32 * 9))
    assert.is_near(glorot, deviation(nn.initialize.xavierNormal(w)), 0.03 * glorot)
    assert.is_near(2 * glorot, deviation(nn.initialize.xavierUniform(w, 2)), 0.06 * glorot)
    assert.is_near(he, deviation(nn.initialize.kaimingNormal(w)), 0.03 * he)
    assert.is_near(he / math.sqrt(1.04), deviation(nn.initialize.kaimingUniform(w, 0.2)), 0.03 * he)
  end)

  it('are orthogonal, in rows or columns', function()
    local wide, tall = nn.initialize.orthogonal(torch.Tensor(3, 5), 2), nn.initialize.orthogonal(torch.Tensor(6, 2, 2))
    assert.is_true((wide * wide:t() - torch.eye(3) * 4):abs():max() < 1e-5)
    local flat = tall:view(6, 4)
    assert.is_true((flat:t() * flat - torch.eye(4)):abs():max() < 1e-5)
  end)

  it('are cut at a number of deviations', function()
    local t = nn.initialize.truncatedNormal(torch.Tensor(2000), 1, 0.5, 1.5)
    assert.is_true((t - 1):abs():max() <= 0.75 and (t - 1):abs():max() > 0.7)
  end)

  it('need a weight', function()
    assert.error_matches(function() nn.initialize.kaimingNormal(torch.Tensor(3)) end, 'two dimensions or more')
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
