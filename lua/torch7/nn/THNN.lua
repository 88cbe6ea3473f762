--- Kernels of Torch7's library for nn by their names, for layers of programs that call them:
-- `input.THNN.SoftMax_updateOutput(input:cdata(), self.output:cdata())`. A kernel is the layer or criterion of that name
-- with the arguments as fields. Those that are not listed here are nil.
-- @module nn.THNN
local torch = require 'torch'
local own = require 'tocha.bindings.own'
local made = require 'nn.define'

local define, kernels = made.define, made.kernels
require 'nn.kernels'

local function forward(m) return m:updateOutput(m.input) end
local function backward(m) return m:updateGradInput(m.input, m.gradOutput) end

-- Class, the fields that follow, and whether the backward kernel gets the output before them.
for _, layer in ipairs {
  { 'Abs', '' }, { 'ELU', 'alpha inplace', true }, { 'HardShrink', 'lambda' },
  { 'HardTanh', 'min_val max_val inplace' }, { 'LeakyReLU', 'negval inplace' }, { 'LogSigmoid', 'buffer' },
  { 'LogSoftMax', '', true }, { 'Sigmoid', '', true }, { 'SoftMax', '', true }, { 'SoftPlus', 'beta threshold', true },
  { 'SoftShrink', 'lambda' }, { 'Square', '' }, { 'Tanh', '', true }, { 'Threshold', 'threshold val inplace' },
  { 'SpatialAveragePooling', 'kW kH dW dH padW padH ceil_mode count_include_pad' },
  { 'SpatialUpSamplingNearest', 'scale_factor' }, { 'SpatialReflectionPadding', 'pad_l pad_r pad_t pad_b' },
  { 'SpatialReplicationPadding', 'pad_l pad_r pad_t pad_b' },
} do
  local class, fields, output = unpack(layer)
  define(class, 'updateOutput', 'input output ' .. fields, 'output', forward)
  define(class, 'updateGradInput', 'input gradOutput gradInput ' .. (output and 'output ' or '') .. fields, 'gradInput', backward)
end

for class, fields in pairs {
  AbsCriterion = 'sizeAverage', BCECriterion = 'sizeAverage weights', DistKLDivCriterion = 'sizeAverage',
  MSECriterion = 'sizeAverage', SmoothL1Criterion = 'sizeAverage', SoftMarginCriterion = 'sizeAverage',
  MarginCriterion = 'sizeAverage margin', ClassNLLCriterion = 'sizeAverage weights total_weight ignoreIndex',
  SpatialClassNLLCriterion = 'sizeAverage weights total_weight',
} do
  made.criterion(class, fields)
end

-- Numbers of planes, from a weight (out, in, kH, kW) or (out, in * kH * kW); transposed: (in, out, kH, kW).
local function planes(m, weight)
  local one, other = weight:size(1), weight:nElement() / weight:size(1) / (m.kH * m.kW)
  if m.adjW then one, other = other, one end
  m.nOutputPlane, m.nInputPlane = one, other
end

for class, more in pairs { SpatialConvolutionMM = {}, SpatialFullConvolution = { 'columns ones', 'columns', 'adjW adjH' },
  SpatialDilatedConvolution = { 'columns ones', 'columns', 'dilationW dilationH' } } do
  local buffers, fields = more[1] or 'finput fgradInput', ' kW kH dW dH padW padH ' .. (more[3] or '')
  define(class, 'updateOutput', 'input output weight bias ' .. buffers .. fields, 'output', function(m)
    planes(m, m.weight)
    return m:updateOutput(m.input)
  end)
  define(class, 'updateGradInput', 'input gradOutput gradInput weight ' .. (more[2] or buffers) .. fields, 'gradInput', function(m)
    planes(m, m.weight)
    return m:updateGradInput(m.input, m.gradOutput)
  end)
  define(class, 'accGradParameters', 'input gradOutput gradWeight gradBias ' .. buffers .. fields .. ' scale', nil, function(m)
    planes(m, m.gradWeight)
    m.weight = m.gradWeight:clone() -- its numbers are not asked for
    m.bias = m.gradBias and m.gradBias:clone()
    m:accGradParameters(m.input, m.gradOutput, m.scale)
  end)
end

define('LookupTable', 'accGradParameters',
  'input gradOutput gradWeight count sorted indices shouldScaleGradByFreq paddingValue scale', nil, function(m)
    m.weight = m.gradWeight:clone()
    local indices = m.input:contiguous():view(-1)
    m:accGradParameters(indices, m.gradOutput:contiguous():view(indices:size(1), -1), m.scale)
  end)
define('LookupTable', 'renorm', 'input weight maxNorm normType', nil, function(m) m:renorm(m.input) end)

-- -- the package --------------------------------------------------------------------------------------------------

local THNN = { kernels = {} }

for _, name in ipairs { 'torch.FloatTensor', 'torch.DoubleTensor' } do
  THNN.kernels[name] = kernels
  torch.getmetatable(name).THNN = kernels
end

--- The pointer of a tensor that may be missing.
function THNN.optionalTensor(tensor) return tensor and tensor:cdata() end

--- Calls the kernel of a type of tensor.
function THNN.runKernel(name, type, ...)
  local run = THNN.kernels[type] and THNN.kernels[type][name]
  if not run then own.raise(('THNN: there is no kernel %s for %s'):format(tostring(name), tostring(type))) end
  return run(...)
end

return THNN
