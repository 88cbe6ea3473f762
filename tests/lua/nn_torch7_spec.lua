-- Layers on tables, containers, sparse inputs and more of Torch7's criterions against PyTorch (tests/golden/torch7.lua); see
-- nn_golden.lua.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'
local compare = setfenv(assert(loadfile(here .. 'nn_golden.lua')), getfenv(1))()

local row, pair, three = { { 3, 5 } }, { { 3, 4 }, { 3, 4 } }, { { 3, 4 }, { 3, 4 }, { 3, 4 } }
local function linear(inputs, outputs) return nn.Linear(inputs or 5, outputs or 4) end

local function evaluating(module)
  module:evaluate()
  return module
end

-- The module, its results multiplied.
local function product(module) return nn.Sequential():add(module):add(nn.CMulTable()) end

-- {a, b, c} as {a, {b, c}}
local function nested(module)
  return nn.Sequential():add(nn.ConcatTable():add(nn.SelectTable(1)):add(nn.NarrowTable(2, 2))):add(module)
end

-- A module on {input, constant}.
local function beside(constant, module)
  return nn.Sequential():add(nn.ConcatTable():add(nn.Identity()):add(nn.Constant(constant))):add(module)
end

local function partial()
  local layer = nn.PartialLinear(5, 4)
  layer:setPartition(torch.LongTensor { 4, 2 })
  return layer
end

local function sums(...)
  local rows_ = nn.ParallelTable()
  for _ = 1, 2 do rows_:add(nn.CMulTable()) end
  return nn.Sequential():add(...):add(rows_):add(nn.CAddTable())
end

local layers = {
  { 'Identity', function() return nn.Identity() end, row },
  { 'Contiguous', function() return nn.Contiguous() end, row },
  { 'Copy', function() return nn.Copy() end, row },
  { 'AddConstant', function() return nn.AddConstant(3) end, row },
  { 'MulConstant', function() return nn.MulConstant(3) end, row },
  { 'Clamp', function() return nn.Clamp(-0.5, 0.4) end, row },
  { 'Dropout evaluate', function() return evaluating(nn.Dropout(0.3)) end, row },
  { 'WhiteNoise evaluate', function() return evaluating(nn.WhiteNoise()) end, row },
  { 'Constant', function() return beside(compare.pattern({ 3, 5 }, 21), nn.CAddTable()) end, row },
  { 'Collapse', function() return nn.Collapse(2) end, { { 3, 2, 4 } } },
  { 'Convert', function() return nn.Convert('bchw', 'chwb') end, { { 2, 3, 2, 2 } } },
  { 'Convert features', function() return nn.Convert('tbf', 'bf') end, { { 3, 2, 2 } } },
  { 'MaskedSelect', function()
    return beside(torch.gt(compare.pattern({ 3, 5 }, 21), 0), nn.MaskedSelect())
  end, row },
  { 'Index', function() return beside(compare.pattern({ 3 }, 1, 'label5'), nn.Index(2)) end, { { 4, 5 } } },
  { 'OneHot', function() return nn.Sequential():add(nn.OneHot(5)):add(linear(5, 2)) end, { { 3, kind = 'label5' } } },
  { 'Bottle', function() return nn.Bottle(linear(4, 2)) end, { { 2, 3, 4 } } },
  { 'Decorator', function() return nn.Decorator(linear()) end, row },
  { 'GPU', function() return nn.GPU(linear(), 1) end, row },
  { 'NaN', function() return nn.NaN(linear()) end, row },
  { 'Profile', function() return nn.Profile(linear(), 1e6) end, row },
  { 'DontCast', function() return nn.DontCast(linear():double(), true) end, row },
  { 'Sequential', function() return nn.Sequential():add(linear()):add(nn.Tanh()) end, row },
  { 'Concat', function() return nn.Concat(2):add(linear()):add(linear(5, 2)) end, row },
  { 'DepthConcat', function()
    return nn.DepthConcat(2):add(nn.SpatialConvolution(2, 1, 1, 3)):add(nn.SpatialConvolution(2, 2, 1, 1))
  end, { { 2, 2, 5, 3 } } },
  { 'ConcatTable', function() return product(nn.ConcatTable():add(linear()):add(linear())) end, row },
  { 'ParallelTable', function() return product(nn.ParallelTable():add(linear()):add(linear(2))) end, { { 3, 5 }, { 3, 2 } } },
  { 'Parallel', function() return nn.Parallel(2, 2):add(linear()):add(linear(5, 2)) end, { { 3, 2, 5 } } },
  { 'MapTable', function() return nn.Sequential():add(nn.MapTable(linear())):add(nn.JoinTable(2)) end, { { 3, 5 }, { 3, 5 } } },
  { 'SplitTable', function() return product(nn.SplitTable(2)) end, { { 3, 2, 4 } } },
  { 'NarrowTable', function() return product(nn.NarrowTable(2, 2)) end, three },
  { 'FlattenTable', function() return product(nn.FlattenTable()) end, pair },
  { 'ZipTable', function() -- {{a, b}, {a, b}} -> {{a, a}, {b, b}}
    return sums(nn.Sequential():add(nn.ConcatTable():add(nn.Identity()):add(nn.Identity())):add(nn.ZipTable()))
  end, pair },
  { 'ZipTableOneToMany', function() return sums(nested(nn.ZipTableOneToMany())) end, three },
  { 'CAddTensorTable', function() return product(nested(nn.CAddTensorTable())) end, three },
  { 'Maxout', function() return nn.Maxout(5, 4, 3) end, row },
  { 'LayerNormalization', function() return nn.LayerNormalization(5) end, row },
  { 'WeightNorm', function() return nn.WeightNorm(linear()) end, row },
  { 'WeightNorm of columns', function() return nn.WeightNorm(nn.Linear(5, 4, false), 2) end, row },
  { 'LinearWeightNorm', function() return nn.LinearWeightNorm(5, 4) end, row },
  { 'PartialLinear', partial, row },
  { 'SparseLinear', function() return nn.SparseLinear(5, 3) end, { { 4, 2, kind = 'label5' } } },
  { 'IndexLinear', function() return nn.IndexLinear(5, 3) end, { { 4, kind = 'label5' }, { 4, kind = 'label4' } } },
}

-- name, constructor, inputs, target
local signs = { 4, kind = 'sign' }
local criterions = {
  { 'WeightedMSECriterion', function() return nn.WeightedMSECriterion(compare.pattern({ 3, 5 }, 21, 'positive')) end, row,
    { 3, 5 } },
  { 'L1Cost', function() return nn.L1Cost() end, row, { 3, 5 } },
  { 'L1HingeEmbeddingCriterion', function() return nn.L1HingeEmbeddingCriterion(1.5) end, { { 4, 2 }, { 4, 2 } }, signs },
  { 'MultiLabelMarginCriterion', function() -- labels from 0
    return nn.ModuleCriterion(nn.MultiLabelMarginCriterion(), nil, nn.AddConstant(-1))
  end, { { 2, 5 } },
    { 2, 5, kind = 'label6' } },
  { 'ClassSimplexCriterion', function() return nn.ClassSimplexCriterion(5) end, { { 4, 5 } }, { 4, kind = 'label5' } },
  { 'DistanceRatioCriterion', function() return nn.DistanceRatioCriterion() end, { { 4 }, { 4 } }, { 4 } },
  { 'SpatialAutoCropMSECriterion', function() return nn.SpatialAutoCropMSECriterion() end, { { 2, 2, 3, 3 } }, { 2, 2, 6, 4 } },
  { 'ModuleCriterion', function() return nn.ModuleCriterion(nn.MSECriterion(), nn.Square(), nn.Tanh()) end, row, { 3, 5 } },
  { 'MultiCriterion', function() return nn.MultiCriterion():add(nn.MSECriterion()):add(nn.AbsCriterion(), 0.3) end, row,
    { 3, 5 } },
  { 'ParallelCriterion', function()
    return nn.ParallelCriterion(true):add(nn.MSECriterion()):add(nn.AbsCriterion(), 0.3)
  end, { { 3, 5 }, { 3, 5 } }, { 3, 5 } },
}

compare.check(dofile(here .. '../golden/torch7.lua'), layers, criterions)
