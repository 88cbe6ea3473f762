-- Layers and criterions that Torch7 did not have, against PyTorch (tests/golden/modern.lua); see nn_golden.lua.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'
local compare = setfenv(assert(loadfile(here .. 'nn_golden.lua')), getfenv(1))()

-- A module whose output, a table of `n` tensors, is put into one vector.
local function joined(n, module)
  local flat = nn.ParallelTable()
  for _ = 1, n do flat:add(nn.View(-1)) end
  return nn.Sequential():add(module):add(flat):add(nn.JoinTable(1))
end

local sequence, states = { 4, 2, 3 }, { 2, 2, 5 }
local twoWays, deep = { bidirectional = true }, { layers = 2, bidirectional = true }
local across = { { 2, 3, 6 }, { 2, 5, 6 }, { 2, 5, 6 } }

-- An attention whose scores get numbers added.
local function masked(attention)
  local bias = nn.Constant(compare.pattern({ 3, 5 }, 4))
  return nn.Sequential()
    :add(nn.ConcatTable():add(nn.SelectTable(1)):add(nn.SelectTable(2)):add(nn.SelectTable(3))
      :add(nn.Sequential():add(nn.SelectTable(1)):add(bias)))
    :add(attention)
end

-- A module whose singular vectors stay as they are.
local function spectral(module)
  local norm = nn.SpectralNorm(module, 0)
  for _, name in ipairs { 'u', 'v' } do
    local vector = compare.pattern({ norm[name]:size(1) }, 3)
    norm[name]:copy(vector:div(vector:norm()))
  end
  return norm
end

local layers = {
  { 'RNN', function() return nn.RNN(3, 5) end, { sequence } },
  { 'RNN relu', function() return nn.RNN(3, 5, { nonlinearity = 'relu' }) end, { sequence } },
  { 'GRU', function() return nn.GRU(3, 5) end, { sequence } },
  { 'GRU without bias', function() return nn.GRU(3, 5, { bias = false }) end, { sequence } },
  { 'LSTM', function() return nn.LSTM(3, 5) end, { sequence } },
  { 'LSTM batch first', function() return nn.LSTM(3, 5, { batchFirst = true }) end, { { 2, 4, 3 } } },
  { 'LSTM one sequence', function() return nn.LSTM(3, 5) end, { { 4, 3 } } },
  { 'GRU layers both ways', function() return nn.GRU(3, 3, deep) end, { sequence } },
  { 'LSTM layers both ways', function() return nn.LSTM(3, 3, deep) end, { sequence } },
  { 'GRU states', function() return joined(2, nn.GRU(3, 5, { layers = 2 })) end, { sequence, states } },
  { 'LSTM states', function() return joined(3, nn.LSTM(3, 5, twoWays)) end, { sequence, states, states } },
  { 'LSTM lengths', function() return joined(3, nn.LSTM(3, 3, deep)) end, { { 4, 3, 3 }, { 3, kind = 'label4' } } },
  { 'GRU states and lengths', function() return joined(2, nn.GRU(3, 5, twoWays)) end,
    { { 4, 3, 3 }, { 2, 3, 5 }, { 3, kind = 'label4' } } },
  { 'MultiHeadAttention', function() return nn.MultiHeadAttention(6, 2) end, { { 2, 5, 6 } } },
  { 'MultiHeadAttention causal', function() return nn.MultiHeadAttention(6, 3, { causal = true }) end, { { 2, 5, 6 } } },
  { 'MultiHeadAttention across', function() return nn.MultiHeadAttention(6, 2) end, across },
  { 'MultiHeadAttention bias', function() return masked(nn.MultiHeadAttention(6, 2)) end, across },
  { 'MultiHeadAttention without bias', function() return nn.MultiHeadAttention(6, 2, { bias = false }) end, { { 2, 5, 6 } } },
  { 'TransformerLayer', function() return nn.TransformerLayer(6, 2, { hidden = 9, causal = true }) end, { { 2, 5, 6 } } },
  { 'TransformerLayer norm last', function()
    return nn.TransformerLayer(6, 3, { hidden = 9, normFirst = false, activation = nn.ReLU })
  end, { { 2, 5, 6 } } },
  { 'Checkpoint', function() return nn.Checkpoint(nn.Sequential():add(nn.Linear(5, 4)):add(nn.Tanh())) end, { { 3, 5 } } },
  { 'SpectralNorm', function() return spectral(nn.Linear(5, 4)) end, { { 3, 5 } } },
  { 'SpectralNorm convolution', function() return spectral(nn.SpatialConvolution(3, 2, 3, 3)) end, { { 2, 3, 4, 4 } } },
}

local labels = { 4, kind = 'label5' }
local function weights() return compare.pattern({ 5 }, 21, 'positive') end
local criterions = {
  { 'LabelSmoothingCriterion', function() return nn.LabelSmoothingCriterion(0.2) end, { { 4, 5 } }, labels },
  { 'LabelSmoothingCriterion weights', function() return nn.LabelSmoothingCriterion(0.2, weights(), true, 2) end,
    { { 4, 5 } }, labels },
  { 'LabelSmoothingCriterion sum', function() return nn.LabelSmoothingCriterion(0.2, nil, false) end, { { 4, 5 } }, labels },
  { 'FocalCriterion', function() return nn.FocalCriterion() end, { { 4, 5 } }, labels },
  { 'FocalCriterion weights', function() return nn.FocalCriterion(1.5, weights(), true, 2) end, { { 4, 5 } }, labels },
  { 'CTCCriterion', function() return nn.CTCCriterion(5) end, { { 5, 3, 5 } }, { 3, 2, kind = 'label4' } },
  { 'CTCCriterion sum', function() return nn.CTCCriterion(5, false) end, { { 7, 2, 5 } }, { 2, 3, kind = 'label4' } },
  { 'CTCCriterion of one', function() return nn.CTCCriterion(5) end, { { 7, 5 } }, { 3, kind = 'label4' } },
  { 'TripletMarginCriterion', function() return nn.TripletMarginCriterion(1.5) end, { { 4, 5 }, { 4, 5 }, { 4, 5 } }, { 4 } },
}

compare.check(dofile(here .. '../golden/modern.lua'), layers, criterions)

describe('nn.SpectralNorm', function()
  it('finds the largest singular value, and keeps it through files', function()
    torch.manualSeed(1)
    local norm = nn.SpectralNorm(nn.Linear(6, 4))
    norm.weight:uniform(-3, 3)
    for _ = 1, 100 do norm:forward(torch.randn(2, 6)) end
    local _, s = torch.svd(norm.weight)
    assert.is_near(s[1], norm:norm(), 1e-4)
    local _, unit = torch.svd(norm.modules[1].weight)
    assert.is_near(1, unit[1], 1e-4)
    local input = torch.randn(3, 6)
    local again = torch.deserialize(torch.serialize(norm))
    assert.is_true(again:forward(input):equal(norm:forward(input)))
    assert.is_true(again:getParameters():equal((norm:getParameters())))
  end)

  it('wants a module with weights', function()
    assert.error_matches(function() nn.SpectralNorm(nn.Tanh()) end, 'a module with a matrix of weights is wanted, but nn.Tanh')
  end)
end)

describe('dropout between recurrent layers', function()
  local p = 0.4

  -- Three layers with dropout, and the same parameters in layers of their own with nn.Dropout between them.
  local function pair(kind, both)
    local whole = nn[kind](3, 4, { layers = 3, bidirectional = both, dropout = p }):double()
    local parts = nn.Sequential()
    for i = 1, 3 do
      if i > 1 then parts:add(nn.Dropout(p)) end
      parts:add(nn[kind](i == 1 and 3 or both and 8 or 4, 4, { bidirectional = both }))
    end
    local own = parts:double():parameters()
    for i, value in ipairs((whole:parameters())) do own[i]:copy(value) end
    return whole, parts
  end

  local function input() return compare.pattern({ 5, 2, 3 }, 3) end

  for _, case in ipairs { { 'RNN' }, { 'GRU', true }, { 'LSTM' }, { 'LSTM', true } } do
    local name = case[1] .. (case[2] and ' both ways' or '')

    it('is nn.Dropout after every layer but the last: ' .. name, function()
      local whole, parts = pair(unpack(case))
      local x, outputs, gradients = input(), {}, {}
      for i, net in ipairs { whole, parts } do
        torch.manualSeed(11)
        outputs[i] = net:forward(x):clone()
        net:zeroGradParameters()
        local gradInput = net:backward(x, compare.pattern(outputs[i]:size():totable(), 7))
        local _, grads = net:parameters()
        gradients[i] = { gradInput:clone(), unpack(grads) }
      end
      assert.is_near(0, (outputs[1] - outputs[2]):abs():max(), 1e-12)
      for i, g in ipairs(gradients[1]) do assert.is_near(0, (g - gradients[2][i]):abs():max(), 1e-12) end
      assert.is_true(outputs[1]:ne(0):all())
      torch.manualSeed(11)
      assert.is_near(0, (whole(x):detach() - outputs[1]):abs():max(), 1e-12)
      assert.is_true((whole:forward(x) - outputs[1]):abs():max() > 1e-3) -- another mask
    end)

    it('rests while evaluating: ' .. name, function()
      local whole, parts = pair(unpack(case))
      local state, x = torch.getRNGState(), input()
      whole:evaluate()
      parts:evaluate()
      local y = whole:forward(x):clone()
      assert.is_near(0, (y - parts:forward(x)):abs():max(), 1e-12)
      assert.is_near(0, (y - whole(x):detach()):abs():max(), 1e-12)
      assert.is_true(torch.getRNGState():equal(state))
      whole:training()
      assert.is_true((whole:forward(x) - y):abs():max() > 1e-3)
    end)
  end

  it('has the gradient of its values, the mask held', function()
    local whole, x = pair('LSTM', true), input()
    local g, eps = compare.pattern({ 5, 2, 8 }, 7), 1e-6
    local function loss()
      torch.manualSeed(4)
      return torch.cmul(whole:forward(x), g):sum()
    end
    loss()
    whole:zeroGradParameters()
    local gradInput = whole:backward(x, g):clone()
    local function check(t, gradient)
      local flat, analytic = t:view(-1), gradient:view(-1)
      for i = 1, flat:size(1), 5 do
        local value = flat[i]
        flat[i] = value + eps
        local above = loss()
        flat[i] = value - eps
        local below = loss()
        flat[i] = value
        assert.is_near((above - below) / (2 * eps), analytic[i], 1e-7)
      end
    end
    check(x, gradInput)
    local params, grads = whole:parameters()
    for i, t in ipairs(params) do check(t, grads[i]) end
  end)

  it('keeps the mean', function()
    local whole = pair('RNN'):float()
    whole.weight_ih_l1:zero()[1][1] = 1 -- the second layer's first unit passes on what the mask left of the first's
    for _, name in ipairs { 'weight_hh_l1', 'bias_ih_l1', 'bias_hh_l1', 'weight_ih_l2', 'weight_hh_l2', 'bias_ih_l2' } do
      whole[name]:zero()
    end
    whole.weight_ih_l2[1][1], whole.bias_hh_l2 = 1, torch.zeros(4)
    whole.weight_ih_l0:zero()
    whole.weight_hh_l0:zero()
    whole.bias_ih_l0:fill(1e-3)
    whole.bias_hh_l0:zero()
    local y = whole:forward(torch.zeros(4, 5000, 3)):select(3, 1) -- 1e-3 kept by two masks with 1 - p = 0.6 each
    assert.is_near(1e-3, y:mean(), 3e-5)
    assert.is_near(0.36, y:gt(0):float():mean(), 0.02)
    assert.is_near(1e-3 / 0.36, y:max(), 1e-7)
  end)

  it('is a probability', function()
    for _, wrong in ipairs { 1, -0.1, 'half' } do
      assert.error_matches(function() nn.GRU(3, 4, { layers = 2, dropout = wrong }) end,
        'GRU: dropout is .*, but 0 <= dropout < 1 is needed')
    end
  end)
end)
