-- Layers over sequences, images and volumes against PyTorch (tests/golden/space.lua); see nn_golden.lua.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'
local compare = setfenv(assert(loadfile(here .. 'nn_golden.lua')), getfenv(1))()

local image, volume = { 2, 2, 5, 5 }, { 2, 2, 3, 4, 5 }
local function connections() return torch.Tensor { { 1, 1 }, { 2, 1 }, { 2, 3 }, { 1, 2 }, { 2, 2 } } end
local function kernel() return compare.pattern({ 3, 5 }, 21, 'positive') end

-- A pooling that has seen a pattern of the given sizes.
local function run(pooling, ...)
  pooling:type('torch.DoubleTensor'):forward(compare.pattern({ ... }, 5))
  return pooling
end

local function fixed(pooling, ...)
  pooling.randomSamples = compare.pattern({ ... }, 5, 'probability')
  return pooling:fixPoolingRegions()
end

local function evaluating(module)
  module:evaluate()
  return module
end

local layers = {
  { 'TemporalRowConvolution', function() return nn.TemporalRowConvolution(3, 2, 2) end, { { 2, 7, 3 } } },
  { 'TemporalRowConvolution features first', function() return nn.TemporalRowConvolution(3, 2, 1, true) end, { { 3, 5 } } },
  { 'TemporalSubSampling', function() return nn.TemporalSubSampling(3, 3, 2) end, { { 2, 7, 3 } } },
  { 'TemporalDynamicKMaxPooling', function() return nn.TemporalDynamicKMaxPooling(2, 0.5) end, { { 2, 5, 3 } } },
  { 'VolumetricConvolution', function() return nn.VolumetricConvolution(2, 3, 2, 3, 2, 1, 2, 1, 1, 0, 1) end, { volume } },
  { 'VolumetricConvolution volume', function() return nn.VolumetricConvolution(2, 2, 2, 2, 2) end, { { 2, 3, 4, 3 } } },
  { 'VolumetricDilatedConvolution', function()
    return nn.VolumetricDilatedConvolution(2, 2, 2, 2, 2, 1, 1, 1, 0, 0, 0, 2, 1, 3)
  end, { volume } },
  { 'VolumetricFullConvolution', function()
    return nn.VolumetricFullConvolution(2, 3, 2, 3, 2, 2, 1, 2, 1, 1, 0, 1, 0, 1)
  end, { { 2, 2, 2, 2, 3 } } },
  { 'SpatialConvolutionMap', function() return nn.SpatialConvolutionMap(connections(), 3, 2, 1, 2) end, { { 2, 2, 5, 4 } } },
  { 'SpatialFullConvolutionMap', function() return nn.SpatialFullConvolutionMap(connections(), 3, 2, 1, 2) end,
    { { 2, 2, 3, 3 } } },
  { 'SpatialConvolutionLocal', function() return nn.SpatialConvolutionLocal(2, 3, 5, 4, 3, 2, 2, 1, 1, 0) end,
    { { 2, 2, 4, 5 } } },
  { 'TemporalAdaptiveMaxPooling', function() return nn.TemporalAdaptiveMaxPooling(3) end, { { 2, 7, 3 } } },
  { 'TemporalAdaptiveAveragePooling', function() return nn.TemporalAdaptiveAveragePooling(4) end, { { 7, 3 } } },
  { 'VolumetricAdaptiveMaxPooling', function() return nn.VolumetricAdaptiveMaxPooling(2, 2, 3) end, { { 2, 2, 3, 5, 7 } } },
  { 'VolumetricAdaptiveAveragePooling', function() return nn.VolumetricAdaptiveAveragePooling(2, 2, 3) end,
    { { 2, 3, 5, 7 } } },
  { 'VolumetricMaxPooling', function() return nn.VolumetricMaxPooling(2, 3, 2, 1, 2, 1, 1, 1, 0) end, { volume } },
  { 'VolumetricMaxPooling ceil', function() return nn.VolumetricMaxPooling(2, 2, 2):ceil() end, { { 2, 3, 5, 3 } } },
  { 'VolumetricDilatedMaxPooling', function()
    return nn.VolumetricDilatedMaxPooling(2, 2, 2, 1, 1, 1, 0, 0, 0, 2, 1, 3)
  end, { volume } },
  { 'VolumetricAveragePooling', function() return nn.VolumetricAveragePooling(2, 3, 2, 1, 2, 1) end, { volume } },
  { 'SpatialMaxUnpooling', function() return nn.SpatialMaxUnpooling(run(nn.SpatialMaxPooling(2, 2), 2, 2, 4, 6)) end,
    { { 2, 2, 2, 3 } } },
  { 'VolumetricMaxUnpooling', function()
    return nn.VolumetricMaxUnpooling(run(nn.VolumetricMaxPooling(2, 2, 2), 2, 4, 2, 6))
  end, { { 2, 2, 1, 3 } } },
  { 'SpatialFractionalMaxPooling', function() return fixed(nn.SpatialFractionalMaxPooling(2, 3, 3, 2), 2, 2, 2) end,
    { { 2, 2, 7, 6 } } },
  { 'VolumetricFractionalMaxPooling', function()
    return fixed(nn.VolumetricFractionalMaxPooling(3, 2, 2, 1, 2, 2), 1, 2, 3)
  end, { { 1, 2, 5, 4, 5 } } },
  { 'SpatialLPPooling', function() return nn.SpatialLPPooling(2, 2, 3, 2, 1, 1) end, { image } },
  { 'SpatialLPPooling cubes', function() return nn.SpatialLPPooling(2, 3, 2, 2) end, { { 2, 2, 4, 5, kind = 'positive' } } },
  { 'FeatureLPPooling', function() return nn.FeatureLPPooling(3, 2, 4, true) end, { { 2, 7, 3 } } },
  { 'SpatialSubSampling', function() return nn.SpatialSubSampling(2, 3, 2, 1, 2) end, { image } },
  { 'UpSampling', function() return nn.UpSampling(2) end, { { 2, 2, 2, 1, 3 } } },
  { 'UpSampling linear', function() return nn.UpSampling(3, 'bilinear') end, { { 2, 2, 2, 3 } } },
  { 'UpSampling volumes', function() return nn.UpSampling({ odepth = 3, oheight = 5, owidth = 4 }, 'linear') end,
    { { 2, 1, 2, 3, 2 } } },
  { 'VolumetricReplicationPadding', function() return nn.VolumetricReplicationPadding(1, 2, 0, 1, 1, 0) end,
    { { 2, 1, 2, 3, 2 } } },
  { 'SpatialSubtractiveNormalization', function() return nn.SpatialSubtractiveNormalization(2, kernel()) end, { image } },
  { 'SpatialSubtractiveNormalization vector', function()
    return nn.SpatialSubtractiveNormalization(2, compare.pattern({ 3 }, 21, 'positive'))
  end, { image } },
  { 'SpatialDivisiveNormalization', function() return nn.SpatialDivisiveNormalization(2, kernel(), 0.6, 0.7) end, { image } },
  { 'SpatialContrastiveNormalization', function()
    return nn.SpatialContrastiveNormalization(2, kernel(), 0.6, 0.7)
  end, { image } },
  { 'VolumetricBatchNormalization', function() return nn.VolumetricBatchNormalization(3) end, { { 2, 3, 2, 1, 2 } } },
  { 'SpatialSoftMax', function() return nn.SpatialSoftMax() end, { { 2, 3, 2, 2 } } },
  { 'SpatialDropout evaluate', function() return evaluating(nn.SpatialDropout(0.3)) end, { image } },
  { 'VolumetricDropout evaluate', function() return evaluating(nn.VolumetricDropout(0.3)) end, { volume } },
}

compare.check(dofile(here .. '../golden/space.lua'), layers, {})
