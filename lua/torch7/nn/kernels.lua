--- The kernels of poolings, normalizations, layers with parameters, unpoolings and upsamplings for nn.THNN.
-- @module nn.kernels
local torch = require 'torch'
local made = require 'nn.define'
local define = made.define

local function forward(m) return m:updateOutput(m.input) end

-- With what forward leaves in a module before its backward.
local function again(m)
  m.output = nil
  m:updateOutput(m.input)
  return m:updateGradInput(m.input, m.gradOutput)
end

-- prepare(m): sets the fields that are not among the arguments.
local function both(class, fields, prepare, before, after)
  define(class, 'updateOutput', ('input output %s %s'):format(before or '', fields), 'output', function(m)
    if prepare then prepare(m) end
    return m:updateOutput(m.input)
  end)
  define(class, 'updateGradInput', ('input gradOutput gradInput %s %s'):format(after or before or '', fields), 'gradInput',
    function(m)
      if prepare then prepare(m) end
      return again(m)
    end)
end

-- -- maxima: indices are positions in a plane or volume, from 1 -----------------------------------------------------------

local function maxima(class, dims, names, backward)
  define(class, 'updateOutput', 'input output ' .. names, 'output', function(m)
    m.newRandomPool = true -- with the random samples that were given
    local y = m:updateOutput(m.input)
    m.indicesTo:resize(y:size()):copy(m.indices)
    return y
  end)
  define(class, 'updateGradInput', 'input gradOutput gradInput ' .. backward, 'gradInput', function(m)
    local elements = 1
    for d = m.input:dim() - dims + 1, m.input:dim() do elements = elements * m.input:size(d) end
    local g = torch.zeros(m.input:nElement() / elements, elements):typeAs(m.input)
    g:scatterAdd(2, m.indicesTo:long():contiguous():view(g:size(1), -1), m.gradOutput:contiguous():view(g:size(1), -1))
    return g:view(m.input:size())
  end)
end

local volume = 'kT kW kH dT dW dH padT padW padH '
local images = 'kW kH dW dH padW padH '
for class, fields in pairs {
  SpatialMaxPooling = images, SpatialDilatedMaxPooling = images .. 'dilationW dilationH ',
  VolumetricMaxPooling = volume, VolumetricDilatedMaxPooling = volume .. 'dilationT dilationW dilationH ',
} do
  fields = 'indicesTo ' .. fields .. 'ceil_mode'
  maxima(class, class:find '^Sp' and 2 or 3, fields, fields)
end
maxima('SpatialAdaptiveMaxPooling', 2, 'indicesTo W H', 'indicesTo')
maxima('SpatialFractionalMaxPooling', 2, 'outW outH poolSizeW poolSizeH indicesTo randomSamples',
  'outW outH poolSizeW poolSizeH indicesTo')
maxima('VolumetricFractionalMaxPooling', 3, 'outT outW outH poolSizeT poolSizeW poolSizeH indicesTo randomSamples',
  'outT outW outH poolSizeT poolSizeW poolSizeH indicesTo')

define('TemporalMaxPooling', 'updateOutput', 'input output indicesTo kW dW', 'output', function(m)
  local y = m:updateOutput(m.input)
  m.indicesTo:resize(y:size()):copy(m.indices)
  return y
end)
define('TemporalMaxPooling', 'updateGradInput', 'input gradOutput gradInput indicesTo kW dW', 'gradInput', again)

-- -- other layers without parameters --------------------------------------------------------------------------------------

define('SpatialAdaptiveAveragePooling', 'updateOutput', 'input output W H', 'output', forward)
define('SpatialAdaptiveAveragePooling', 'updateGradInput', 'input gradOutput gradInput', 'gradInput', function(m)
  m.H, m.W = m.gradOutput:size(m.gradOutput:dim() - 1), m.gradOutput:size(m.gradOutput:dim())
  return again(m)
end)
both('VolumetricAveragePooling', volume .. 'ceil_mode count_include_pad')
both('VolumetricReplicationPadding', 'pleft pright ptop pbottom pfront pback')
both('SpatialCrossMapLRN', 'size alpha beta k', nil, 'sums', 'sums output')
both('GatedLinear', 'dim')
define('FeatureLPPooling', 'updateOutput', 'input output power width stride batch_mode', 'output', forward)
define('FeatureLPPooling', 'updateGradInput', 'gradOutput input output gradInput power width stride batch_mode', 'gradInput', again)
define('Sqrt', 'updateOutput', 'input output eps', 'output', forward)
define('Sqrt', 'updateGradInput', 'input gradOutput gradInput output', 'gradInput', again)

local function pooling(m)
  m.pooling = { indices = m.indices, itime = m.otime, iheight = m.oheight, iwidth = m.owidth }
end
both('SpatialMaxUnpooling', 'indices owidth oheight', pooling)
both('VolumetricMaxUnpooling', 'indices otime owidth oheight dT dW dH padT padW padH', pooling)

for class, dims in pairs { SpatialUpSamplingBilinear = 2, VolumetricUpSamplingTrilinear = 3 } do
  local size = (dims == 3 and 'odepth ' or '') .. 'oheight owidth'
  define(class, 'updateOutput', 'input output ' .. size, 'output', function(m)
    m.mode = 'linear'
    return m:updateOutput(m.input)
  end)
  define(class, 'updateGradInput', 'gradOutput gradInput n c ' .. (dims == 3 and 'd ' or '') .. 'h w ' .. size, 'gradInput',
    function(m)
      m.mode, m.input = 'linear', dims == 3 and m.gradOutput.new(m.n, m.c, m.d, m.h, m.w) or
        m.gradOutput.new(m.n, m.c, m.h, m.w)
      m.input:zero() -- only its sizes matter
      return again(m)
    end)
end
both('VolumetricUpSamplingNearest', 'scale_factor', function(m) m.mode = 'nearest' end)

-- The slope of each element below 0 is kept in noise, 1 elsewhere.
define('RReLU', 'updateOutput', 'input output noise lower upper train inplace generator', 'output', function(m)
  if not m.train then return m:updateOutput(m.input) end
  m.noise:resize(m.input:size()):uniform(m.lower, m.upper)
  m.noise:maskedFill(m.input:gt(0), 1)
  return m.inplace and m.input:cmul(m.noise) or torch.cmul(m.input, m.noise)
end)
define('RReLU', 'updateGradInput', 'input gradOutput gradInput noise lower upper train inplace', 'gradInput', function(m)
  local slope = m.noise
  if not m.train or m.upper - m.lower <= 1e-6 then
    slope = torch.zeros(m.input:size()):typeAs(m.input):fill((m.lower + m.upper) / 2)
    slope:maskedFill(m.input:gt(0), 1)
  end
  return m.inplace and m.gradOutput:cmul(slope) or torch.cmul(m.gradOutput, slope)
end)

for class, fields in pairs { MultiLabelMarginCriterion = 'isTarget sizeAverage',
  MultiMarginCriterion = 'sizeAverage p weights margin' } do
  made.criterion(class, fields)
end
define('L1Cost', 'updateOutput', 'input output', 'output', function(m)
  m.output = nil
  return m:updateOutput(m.input)
end)
define('L1Cost', 'updateGradInput', 'input gradOutput gradInput', 'gradInput', function(m)
  return m:updateGradInput(m.input)
end)

-- -- layers with parameters -----------------------------------------------------------------------------------------------

-- prepare(m, weight) sets what follows from the sizes of the weight; names: of forward, backward and accGradParameters after
-- the tensors of the parameters.
local function weighted(class, prepare, names, backward, accumulate)
  define(class, 'updateOutput', 'input output weight ' .. names, 'output', function(m)
    prepare(m, m.weight)
    return m:updateOutput(m.input)
  end)
  define(class, 'updateGradInput', 'input gradOutput gradInput weight ' .. backward, 'gradInput', function(m)
    prepare(m, m.weight)
    return m:updateGradInput(m.input, m.gradOutput)
  end)
  define(class, 'accGradParameters', 'input gradOutput ' .. accumulate .. ' scale', nil, function(m)
    m.weight = m.weight or m.gradWeight:clone() -- its numbers are not asked for
    m.bias = m.gradBias and m.gradBias:clone()
    prepare(m, m.weight)
    m:accGradParameters(m.input, m.gradOutput, m.scale)
  end)
end

weighted('PReLU', function() end, 'nOutputPlane', 'nOutputPlane',
  'gradInput weight gradWeight gradWeightBuf gradWeightBuf2 nOutputPlane')

local function plain(class, prepare, more, fields)
  local names = more .. ' ' .. fields
  weighted(class, prepare, 'bias ' .. names, names, 'gradWeight gradBias ' .. names)
end

weighted('TemporalConvolution', function(m, weight)
  m.outputFrameSize, m.inputFrameSize = weight:size(1), weight:size(2) / m.kW
end, 'bias kW dW inputFrameSize outputFrameSize', 'kW dW', 'gradWeight gradBias kW dW')
local function perPlane(m, weight)
  m.inputFrameSize, m.nInputPlane = weight:size(1), weight:size(1)
  m.bias = m.bias or torch.zeros(weight:size(1)):typeAs(weight)
end
weighted('TemporalSubSampling', perPlane, 'bias kW dW inputFrameSize', 'kW dW', 'gradWeight gradBias kW dW')
plain('SpatialSubSampling', perPlane, '', 'kW kH dW dH')
plain('TemporalRowConvolution', function(m, weight) m.inputFrameSize = weight:size(1) end, 'finput fgradInput',
  'kW dW padW featFirst')
plain('SpatialDepthWiseConvolution', function(m, weight)
  m.nOutputPlane, m.nInputPlane = weight:size(1), weight:nElement() / weight:size(1) / (m.kH * m.kW)
end, 'finput fgradInput', images)
plain('SpatialConvolutionLocal', function(m, weight)
  m.nInputPlane = m.input:size(m.input:dim() - 2)
  m.nOutputPlane = weight:nElement() / (m.oH * m.oW * m.nInputPlane * m.kH * m.kW)
  m.bias = m.bias or torch.zeros(m.nOutputPlane, m.oH, m.oW):typeAs(weight)
end, 'finput fgradInput', images .. 'iW iH oW oH')

local function window(m, weight) m.kH, m.kW = weight:size(2), weight:size(3) end
for _, class in ipairs { 'SpatialConvolutionMap', 'SpatialFullConvolutionMap' } do
  local fields = 'bias connTable nInputPlane nOutputPlane dW dH'
  weighted(class, window, fields, fields, fields:gsub('^bias', 'gradWeight gradBias'))
end

local function planes(m, weight)
  if weight:dim() == 5 then m.kT, m.kH, m.kW = weight:size(3), weight:size(4), weight:size(5) end
  m.nOutputPlane, m.nInputPlane = weight:size(1), weight:nElement() / weight:size(1) / (m.kT * m.kH * m.kW)
end
local places = 'dT dW dH padT padW padH '
weighted('VolumetricConvolution', planes, 'bias finput fgradInput ' .. places, 'finput ' .. places,
  'gradWeight gradBias finput fgradInput ' .. places)
weighted('VolumetricConvolutionMM', planes, 'bias finput ' .. volume, 'finput fgradInput ' .. volume,
  'gradWeight gradBias finput ' .. volume)
local gaps = volume .. 'dilationT dilationW dilationH'
weighted('VolumetricDilatedConvolution', planes, 'bias finput fgradInput ' .. gaps, 'finput ' .. gaps,
  'gradWeight gradBias finput fgradInput ' .. gaps)
plain('VolumetricFullConvolution', function(m, weight)
  planes(m, weight)
  m.nInputPlane, m.nOutputPlane = m.nOutputPlane, m.nInputPlane
end, 'finput fgradInput', places .. 'adjT adjW adjH')

-- -- batch normalization --------------------------------------------------------------------------------------------------

define('BatchNormalization', 'updateOutput',
  'input output weight bias running_mean running_var save_mean save_std train momentum eps', 'output', function(m)
    local mean, deviation = m.save_mean, m.save_std
    m.nDim = m.input:dim()
    local y = m:updateOutput(m.input)
    for to, from in pairs { [mean] = m.save_mean, [deviation] = m.save_std } do
      if torch.pointer(to) ~= torch.pointer(from) then to:resize(from:size()):copy(from) end
    end
    return y
  end)
-- gradInput, gradWeight and gradBias may be missing.
define('BatchNormalization', 'backward', 'input gradOutput gradInput gradWeight gradBias weight running_mean running_var '
  .. 'save_mean save_std train scale eps', nil, function(m)
    m.nDim, m.momentum = m.input:dim(), 0
    local place = m.gradInput
    if m.weight then m.bias = torch.zeros(m.weight:size(1)):typeAs(m.weight) end
    if m.gradWeight or m.gradBias then
      m.gradWeight = m.gradWeight or m.weight:clone():zero()
      m.gradBias = m.gradBias or m.bias:clone():zero()
      m:accGradParameters(m.input, m.gradOutput, m.scale)
    end
    if not place then return end
    local g = m:updateGradInput(m.input, m.gradOutput)
    if torch.pointer(g) ~= torch.pointer(place) then place:resize(g:size()):copy(g) end
  end)
