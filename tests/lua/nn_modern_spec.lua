-- Layers and criterions that Torch7 did not have, against PyTorch (tests/golden/modern.lua); see nn_golden.lua.
require 'tocha'
local nn = require 'tocha.nn'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'
local compare = setfenv(assert(loadfile(here .. 'nn_golden.lua')), getfenv(1))()

-- A module whose output, a table of `n` tensors, is put into one vector.
local function joined(n, module)
  local flat = nn.ParallelTable()
  for _ = 1, n do flat:add(nn.View(-1)) end
  return nn.Sequential():add(module):add(flat):add(nn.JoinTable(1))
end

local x, states = { 4, 2, 3 }, { 2, 2, 5 }
local both, deep = { bidirectional = true }, { layers = 2, bidirectional = true }
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
  { 'RNN', function() return nn.RNN(3, 5) end, { x } },
  { 'RNN relu', function() return nn.RNN(3, 5, { nonlinearity = 'relu' }) end, { x } },
  { 'GRU', function() return nn.GRU(3, 5) end, { x } },
  { 'GRU without bias', function() return nn.GRU(3, 5, { bias = false }) end, { x } },
  { 'LSTM', function() return nn.LSTM(3, 5) end, { x } },
  { 'LSTM batch first', function() return nn.LSTM(3, 5, { batchFirst = true }) end, { { 2, 4, 3 } } },
  { 'LSTM one sequence', function() return nn.LSTM(3, 5) end, { { 4, 3 } } },
  { 'GRU layers both ways', function() return nn.GRU(3, 3, deep) end, { x } },
  { 'LSTM layers both ways', function() return nn.LSTM(3, 3, deep) end, { x } },
  { 'GRU states', function() return joined(2, nn.GRU(3, 5, { layers = 2 })) end, { x, states } },
  { 'LSTM states', function() return joined(3, nn.LSTM(3, 5, both)) end, { x, states, states } },
  { 'LSTM lengths', function() return joined(3, nn.LSTM(3, 3, deep)) end, { { 4, 3, 3 }, { 3, kind = 'label4' } } },
  { 'GRU states and lengths', function() return joined(2, nn.GRU(3, 5, both)) end,
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
    local torch = require 'tocha'
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
