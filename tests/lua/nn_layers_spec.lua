-- Every layer and criterion: values and gradients against PyTorch's (tests/golden/nn.lua), and gradients against
-- central differences, by forward/backward and on the tape, in double and in float, with a non-contiguous input.
local nn = require 'tocha.nn'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'
local compare = setfenv(assert(loadfile(here .. 'nn_golden.lua')), getfenv(1))()
local pattern = compare.pattern

local function same() return { { 3, 5 } } end
local function weights() return pattern({ 5 }, 21, 'positive') end

local function with(module, changes)
  for k, v in pairs(changes) do module[k] = v end
  return module
end

-- scale the input, then apply the module
local function scaled(factor, module) return nn.Sequential():add(nn.MulConstant(factor)):add(module) end

-- name, constructor, inputs {shape..., kind = ...}
local rows = {
  { 'Linear', function() return nn.Linear(5, 4) end, same() },
  { 'Linear vector', function() return nn.Linear(5, 4) end, { { 5 } } },
  { 'Linear without bias', function() return nn.Linear(5, 4, false) end, same() },
  { 'Bilinear', function() return nn.Bilinear(2, 4, 2) end, { { 3, 2 }, { 3, 4 } } },
  { 'CMul', function() return nn.CMul(2, 4) end, { { 3, 2, 4 } } },
  { 'CAdd', function() return nn.CAdd(2, 4) end, { { 3, 2, 4 } } },
  { 'Add', function() return nn.Add(5) end, same() },
  { 'Mul', function() return nn.Mul() end, same() },
  { 'SpatialConvolution', function() return nn.SpatialConvolution(2, 3, 2, 3, 1, 2, 1, 0) end, { { 2, 2, 7, 6 } } },
  { 'SpatialConvolution image', function() return nn.SpatialConvolution(2, 3, 3, 3) end, { { 2, 5, 4 } } },
  { 'SpatialConvolution groups', function() return nn.SpatialConvolution(4, 2, 3, 3, 1, 1, 1, 1, 2) end,
    { { 1, 4, 5, 3 } } },
  { 'SpatialConvolutionMM', function() return nn.SpatialConvolutionMM(2, 3, 3, 3) end, { { 2, 2, 5, 4 } } },
  { 'SpatialDilatedConvolution', function() return nn.SpatialDilatedConvolution(2, 2, 3, 3, 1, 1, 1, 1, 1, 2) end,
    { { 1, 2, 7, 5 } } },
  { 'SpatialFullConvolution', function() return nn.SpatialFullConvolution(3, 2, 3, 4, 2, 2, 1, 1, 1, 0) end,
    { { 2, 3, 3, 2 } } },
  { 'TemporalConvolution', function() return nn.TemporalConvolution(2, 4, 3, 2) end, { { 2, 7, 2 } } },
  { 'SpatialMaxPooling', function() return nn.SpatialMaxPooling(3, 2, 1, 2, 1, 0) end, { { 2, 2, 5, 5 } } },
  { 'SpatialMaxPooling ceil', function() return nn.SpatialMaxPooling(2, 2, 2, 2):ceil() end, { { 2, 5, 7 } } },
  { 'SpatialDilatedMaxPooling', function() return nn.SpatialDilatedMaxPooling(2, 2, 1, 1, 0, 0, 2, 2) end,
    { { 1, 2, 5, 5 } } },
  { 'SpatialAveragePooling', function() return nn.SpatialAveragePooling(3, 2, 1, 2, 1, 1) end, { { 2, 2, 5, 5 } } },
  { 'SpatialAveragePooling exclude', function()
    return nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1):ceil():setCountExcludePad()
  end, { { 1, 2, 6, 5 } } },
  { 'SpatialAdaptiveMaxPooling', function() return nn.SpatialAdaptiveMaxPooling(2, 3) end, { { 2, 2, 7, 5 } } },
  { 'SpatialAdaptiveAveragePooling', function() return nn.SpatialAdaptiveAveragePooling(2, 3) end, { { 2, 2, 7, 5 } } },
  { 'TemporalMaxPooling', function() return nn.TemporalMaxPooling(3, 2) end, { { 2, 7, 3 } } },
  { 'SpatialLogSoftMax', function() return nn.SpatialLogSoftMax() end, { { 2, 3, 2, 2 } } },
  { 'ReLU6', function() return scaled(8, nn.ReLU6()) end, same() },
  { 'LeakyReLU', function() return nn.LeakyReLU(0.2) end, same() },
  { 'ELU', function() return nn.ELU(1.5) end, same() },
  { 'Threshold', function() return nn.Threshold(0.1, 0.3) end, same() },
  { 'HardTanh', function() return nn.HardTanh(-0.5, 0.4) end, same() },
  { 'SoftPlus', function() return nn.SoftPlus(2) end, same() },
  { 'SoftShrink', function() return nn.SoftShrink(0.3) end, same() },
  { 'HardShrink', function() return nn.HardShrink(0.3) end, same() },
  { 'HardSigmoid', function() return scaled(4, nn.HardSigmoid()) end, same() },
  { 'Hardswish', function() return scaled(4, nn.Hardswish()) end, same() },
  { 'LogSoftMax image', function() return nn.LogSoftMax() end, { { 3, 2, 2 } } },
  { 'SoftMax images', function() return nn.SoftMax() end, { { 2, 3, 2, 2 } } },
  { 'Power', function() return nn.Power(1.7) end, { { 3, 5, kind = 'positive' } } },
  { 'Log', function() return nn.Log() end, { { 3, 5, kind = 'positive' } } },
  { 'Sqrt', function() return nn.Sqrt() end, { { 3, 5, kind = 'positive' } } },
  { 'BatchNormalization', function() return nn.BatchNormalization(3) end, { { 5, 3 } } },
  { 'SpatialBatchNormalization', function() return nn.SpatialBatchNormalization(3) end, { { 2, 3, 3, 2 } } },
  { 'BatchNormalization evaluate', function() return with(nn.BatchNormalization(3), { train = false }) end,
    { { 5, 3 } } },
  { 'LayerNorm', function() return nn.LayerNorm(5) end, same() },
  { 'LookupTable', function() return nn.LookupTable(5, 4) end, { { 2, 3, kind = 'label5' } } },
  { 'Normalize', function() return nn.Normalize(2) end, same() },
  { 'CosineDistance', function() return nn.CosineDistance() end, { { 3, 5 }, { 3, 5 } } },
  { 'PairwiseDistance', function() return nn.PairwiseDistance(2) end, { { 3, 5 }, { 3, 5 } } },
  { 'MM', function() return nn.MM(true) end, { { 2, 3, 4 }, { 2, 3, 5 } } },
  { 'SpatialDepthWiseConvolution', function() return nn.SpatialDepthWiseConvolution(2, 3, 2, 3) end,
    { { 2, 2, 5, 4 } } },
  { 'SpatialZeroPadding', function() return nn.SpatialZeroPadding(1, -1, 2, 0) end, { { 2, 2, 3, 4 } } },
  { 'SpatialReflectionPadding', function() return nn.SpatialReflectionPadding(1, 2, 2, 0) end, { { 2, 2, 3, 4 } } },
  { 'SpatialReplicationPadding', function() return nn.SpatialReplicationPadding(1, 2, 2, 0) end, { { 2, 2, 3, 4 } } },
  { 'SpatialUpSamplingNearest', function() return nn.SpatialUpSamplingNearest(3) end, { { 2, 2, 2, 3 } } },
  { 'SpatialUpSamplingBilinear', function() return nn.SpatialUpSamplingBilinear { oheight = 5, owidth = 7 } end,
    { { 2, 2, 3, 4 } } },
  { 'PixelShuffle', function() return nn.PixelShuffle(2) end, { { 2, 8, 2, 3 } } },
  { 'Cosine', function() return nn.Cosine(5, 4) end, same() },
  { 'Euclidean', function() return nn.Euclidean(5, 4) end, same() },
  { 'WeightedEuclidean', function() return nn.WeightedEuclidean(5, 4) end, same() },
  { 'PReLU', function() return nn.PReLU() end, same() },
  { 'PReLU planes', function() return nn.PReLU(3) end, { { 2, 3, 2, 2 } } },
  { 'RReLU evaluate', function() return with(nn.RReLU(0.1, 0.4), { train = false }) end, same() },
  { 'GatedLinearUnit', function() return nn.GatedLinearUnit() end, { { 3, 6 } } },
  { 'CReLU', function() return nn.CReLU(1) end, same() },
  { 'GroupNorm', function() return nn.GroupNorm(2, 4) end, { { 2, 4, 3, 2 } } },
  { 'InstanceNorm', function() return nn.InstanceNorm(3, 1e-5, true) end, { { 2, 3, 3, 2 } } },
  { 'RMSNorm', function() return nn.RMSNorm(5) end, same() },
  { 'SpatialCrossMapLRN', function() return nn.SpatialCrossMapLRN(3, 0.5, 0.75, 2) end, { { 2, 5, 2, 2 } } },
  { 'View', function() return nn.View(-1):setNumInputDims(2) end, { { 3, 2, 4 } } },
  { 'Reshape', function() return nn.Reshape(4, 2) end, { { 3, 8 } } },
  { 'Flatten', function() return nn.Flatten() end, { { 3, 2, 4 } } },
  { 'Transpose', function() return nn.Transpose({ 1, 3 }, { 2, 3 }) end, { { 3, 2, 4 } } },
  { 'Narrow', function() return nn.Narrow(2, 2, -2) end, same() },
  { 'Select', function() return nn.Select(-1, -2) end, same() },
  { 'Replicate', function() return nn.Replicate(4, 1, 1) end, same() },
  { 'Padding', function() return nn.Padding(1, -2, 1, 0.5) end, same() },
  { 'Squeeze', function() return nn.Squeeze(1, 2) end, { { 3, 1, 4 } } },
  { 'Unsqueeze', function() return nn.Unsqueeze(1, 1) end, { { 3, 4 } } },
  { 'JoinTable', function() return nn.JoinTable(1, 1) end, { { 3, 2 }, { 3, 4 } } },
  { 'CAddTable', function() return nn.CAddTable() end, { { 3, 4 }, { 3, 4 }, { 3, 4 } } },
  { 'CMulTable', function() return nn.CMulTable() end, { { 3, 4 }, { 3, 4 }, { 3, 4 } } },
  { 'CSubTable', function() return nn.CSubTable() end, { { 3, 4 }, { 3, 4 } } },
  { 'CDivTable', function() return nn.CDivTable() end, { { 3, 4 }, { 3, 4, kind = 'positive' } } },
  { 'CMaxTable', function() return nn.CMaxTable() end, { { 3, 4 }, { 3, 4 } } },
  { 'CMinTable', function() return nn.CMinTable() end, { { 3, 4 }, { 3, 4 } } },
  { 'SelectTable', function() return nn.SelectTable(-1) end, { { 3, 2 }, { 3, 4 } } },
  { 'MV', function() return nn.MV() end, { { 2, 3, 4 }, { 2, 4 } } },
  { 'DotProduct', function() return nn.DotProduct() end, { { 3, 4 }, { 3, 4 } } },
  { 'MixtureTable', function() -- {gates, {a, b}} from {gates, a, b}
    return nn.Sequential():add(nn.ConcatTable():add(nn.SelectTable(1)):add(nn.NarrowTable(2, 2))):add(nn.MixtureTable())
  end, { { 3, 2 }, { 3, 4 }, { 3, 4 } } },
  { 'Sum', function() return nn.Sum(1) end, same() },
  { 'Min', function() return nn.Min(1) end, same() },
  { 'Max', function() return nn.Max(2) end, same() },
  { 'Mean', function() return nn.Mean(2) end, same() },
}
for _, name in ipairs { 'Tanh', 'Sigmoid', 'ReLU', 'SoftSign', 'TanhShrink', 'LogSigmoid', 'SoftMax', 'SoftMin',
  'LogSoftMax',
  'Exp', 'Square', 'Abs', 'GELU', 'SiLU', 'SELU', 'Mish' } do
  rows[#rows + 1] = { name, function() return nn[name]() end, same() }
end

-- name, constructor, inputs, target
local pair, probabilities = { 3, 5 }, { 3, 5, kind = 'probability' }
local labels, signs = { 4, kind = 'label5' }, { 3, 5, kind = 'sign' }
local losses = {
  { 'MSECriterion', function() return nn.MSECriterion() end, { pair }, pair },
  { 'MSECriterion sum', function() return nn.MSECriterion(false) end, { pair }, pair },
  { 'AbsCriterion', function() return nn.AbsCriterion() end, { pair }, pair },
  { 'SmoothL1Criterion', function() return nn.SmoothL1Criterion() end, { pair }, pair },
  { 'HuberCriterion', function() return nn.HuberCriterion(0.7) end, { pair }, pair },
  { 'BCECriterion', function() return nn.BCECriterion() end, { probabilities }, probabilities },
  { 'BCECriterion weights', function() return nn.BCECriterion(weights()) end, { probabilities }, probabilities },
  { 'BCEWithLogitsCriterion', function() return nn.BCEWithLogitsCriterion() end, { pair }, probabilities },
  { 'MultiLabelSoftMarginCriterion', function() return nn.MultiLabelSoftMarginCriterion() end,
    { pair }, probabilities },
  { 'DistKLDivCriterion', function() return nn.DistKLDivCriterion() end, { pair }, probabilities },
  { 'ClassNLLCriterion', function() return nn.ClassNLLCriterion() end, { { 4, 5 } }, labels },
  { 'ClassNLLCriterion sum', function() return nn.ClassNLLCriterion(nil, false) end, { { 4, 5 } }, labels },
  { 'ClassNLLCriterion weights', function() return nn.ClassNLLCriterion(weights()) end, { { 4, 5 } }, labels },
  { 'ClassNLLCriterion vector', function() return nn.ClassNLLCriterion() end, { { 5 } }, { 1, kind = 'label5' } },
  { 'ClassNLLCriterion ignore', function() return nn.ClassNLLCriterion(nil, true, 3) end, { { 4, 5 } }, labels },
  { 'SpatialClassNLLCriterion', function() return nn.SpatialClassNLLCriterion() end, { { 2, 3, 2, 2 } },
    { 2, 2, 2, kind = 'label3' } },
  { 'CrossEntropyCriterion', function() return nn.CrossEntropyCriterion() end, { { 4, 5 } }, labels },
  { 'CrossEntropyCriterion weights', function() return nn.CrossEntropyCriterion(weights()) end, { { 4, 5 } }, labels },
  { 'MarginCriterion', function() return nn.MarginCriterion(0.8) end, { pair }, signs },
  { 'SoftMarginCriterion', function() return nn.SoftMarginCriterion() end, { pair }, signs },
  { 'HingeEmbeddingCriterion', function() return nn.HingeEmbeddingCriterion() end, { pair }, signs },
  { 'CosineEmbeddingCriterion', function() return nn.CosineEmbeddingCriterion(0.1) end, { { 4, 5 }, { 4, 5 } },
    { 4, kind = 'sign' } },
  { 'MarginRankingCriterion', function() return nn.MarginRankingCriterion(0.5) end,
    { { 7 }, { 7 } }, { 7, kind = 'sign' } },
  { 'MultiMarginCriterion', function() return nn.MultiMarginCriterion() end, { { 4, 5 } }, labels },
  { 'MultiMarginCriterion square', function() return nn.MultiMarginCriterion(2) end, { { 4, 5 } }, labels },
}

compare.check(dofile(here .. '../golden/nn.lua'), rows, losses)
