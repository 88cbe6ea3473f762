-- Every layer and criterion: values and gradients against PyTorch's (tests/golden/nn.lua), and gradients against
-- central differences, by forward/backward and on the tape, in double and in float, with a non-contiguous input.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'
local golden = dofile(here .. '../golden/nn.lua')

-- The values of tests/golden/make_nn.py.
local function pattern(shape, seed, kind)
  local t = torch.DoubleTensor(unpack(shape))
  local flat = t:view(-1)
  local classes = kind and tonumber(kind:match('^label(%d+)'))
  for i = 1, flat:size(1) do
    local v = math.sin(1.3 * i + 0.77 * seed)
    if kind == 'positive' then v = math.abs(v) + 0.1
    elseif kind == 'probability' then v = 0.5 + 0.4 * v
    elseif kind == 'sign' then v = v > 0 and 1 or -1
    elseif classes then v = (7 * i + seed) % classes + 1 end
    flat[i] = v
  end
  return classes and t:long() or t
end

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

-- -- measuring ------------------------------------------------------------------------------------------------------

local function inputsOf(shapes)
  local list = {}
  for i, shape in ipairs(shapes) do list[i] = pattern(shape, i, shape.kind) end
  return list
end

local function prepared(row, type)
  local module = row[2]()
  if module.parameters then
    for i, p in ipairs((module:parameters()) or {}) do p:copy(pattern(p:size():totable(), 10 + i)) end
  end
  return module:type(type)
end

local function near(t, expected, tolerance, what)
  local flat = t:detach():double():contiguous():view(-1)
  assert.are.equal(#expected, flat:size(1), what .. ': elements')
  local scale = 1e-3
  for _, v in ipairs(expected) do scale = math.max(scale, math.abs(v)) end
  for i, v in ipairs(expected) do
    local off = math.abs(flat[i] - v)
    if off > tolerance * scale or off ~= off then
      error(('%s[%d] is %.12g, PyTorch has %.12g'):format(what, i, flat[i], v), 0)
    end
  end
end

local function single(list) return #list == 1 and list[1] or list end
local function asList(value) return torch.isTensor(value) and { value } or value end
local function floating(t) return not t:type():find('Long') end

local function checkGradients(module, want, gradInputs, tolerance, way)
  for i, g in ipairs(want.gradInput) do near(gradInputs[i], g, tolerance, way .. ' gradInput ' .. i) end
  local _, grads = module:parameters()
  for i, g in ipairs(want.gradParams) do near(grads[i], g, tolerance, way .. ' gradient of parameter ' .. i) end
end

-- The same elements with other strides.
local function scattered(t)
  if not floating(t) then return t end
  local wide = t.new():resize(t:nElement() * 2 + 1):fill(0 / 0)
  local size, stride, step = t:size():totable(), {}, 2
  for d = 1, #size do
    stride[d] = step
    step = step * size[d]
  end
  return t.new(wide:storage(), 2, torch.LongStorage(size), torch.LongStorage(stride)):copy(t)
end

local function cast(list, type)
  for i, t in ipairs(list) do if floating(t) then list[i] = t:type(type) end end
  return list
end

local function protocol(row, want, type, tolerance, arrange)
  local module = prepared(row, type)
  local inputs = cast(inputsOf(row[3]), type)
  for i, t in ipairs(inputs) do inputs[i] = arrange(t) end
  local input = single(inputs)
  for _ = 1, 2 do -- the buffers of the first round are those of the second
    module:forward(input)
    near(module.output, want.output, tolerance, 'output')
    local gradOutput = arrange(pattern(module.output:size():totable(), 31):type(type))
    module:zeroGradParameters()
    module:backward(input, gradOutput)
    checkGradients(module, want, asList(module.gradInput), tolerance, 'backward')
    module:zeroGradParameters()
    module:updateGradInput(input, gradOutput)
    module:accGradParameters(input, gradOutput, 0.25)
    module:accGradParameters(input, gradOutput, 0.75)
    checkGradients(module, want, asList(module.gradInput), tolerance, 'update')
  end
end

local function onTape(row, want)
  local module = prepared(row, 'torch.DoubleTensor')
  local inputs = inputsOf(row[3])
  for _, t in ipairs(inputs) do if floating(t) then t:requiresGrad(true) end end
  local before = module.output
  local output = module(single(inputs))
  assert.is_true(rawequal(before, module.output), 'the module kept the output')
  near(output, want.output, 1e-6, 'output')
  module:zeroGradParameters()
  output:backward(pattern(output:size():totable(), 31))
  local gradInputs = {}
  for i, t in ipairs(inputs) do gradInputs[i] = t.grad or t:detach():zero() end
  checkGradients(module, want, gradInputs, 1e-6, 'tape')
end

-- Central differences of sum(output * g), by the protocol.
local function differences(row)
  local module = prepared(row, 'torch.DoubleTensor')
  local inputs = inputsOf(row[3])
  local input = single(inputs)
  local g = pattern(module:forward(input):size():totable(), 31)
  module:zeroGradParameters()
  module:backward(input, g)
  local eps = 1e-6
  local params, grads = module:parameters()
  local function check(t, gradient, what)
    local flat, analytic = t:view(-1), gradient:contiguous():view(-1):clone()
    for i = 1, flat:size(1) do
      local value = flat[i]
      flat[i] = value + eps
      local above = torch.cmul(module:forward(input), g):sum()
      flat[i] = value - eps
      local below = torch.cmul(module:forward(input), g):sum()
      flat[i] = value
      assert.is_near((above - below) / (2 * eps), analytic[i], 1e-4, what .. ' ' .. i)
    end
  end
  for i, t in ipairs(inputs) do
    if floating(t) then check(t, asList(module.gradInput)[i]:clone(), 'input') end
  end
  for i, p in ipairs(params or {}) do check(p, grads[i]:clone(), 'parameter') end
end

local function identity(t) return t end

for _, row in ipairs(rows) do
  local want = golden[row[1]]
  describe('nn.' .. row[1], function()
    it('agrees with PyTorch in double', function() protocol(row, want, 'torch.DoubleTensor', 1e-6, identity) end)
    it('agrees with PyTorch in float', function() protocol(row, want, 'torch.FloatTensor', 1e-4, identity) end)
    it('takes non-contiguous input', function() protocol(row, want, 'torch.DoubleTensor', 1e-6, scattered) end)
    it('gives the same on the tape', function() onTape(row, want) end)
    it('has the gradient of its values', function() differences(row) end)
  end)
end

-- -- criterions -----------------------------------------------------------------------------------------------------

local function lossOf(row, type, arrange)
  local inputs = cast(inputsOf(row[3]), type)
  for i, t in ipairs(inputs) do inputs[i] = arrange(t) end
  local target = pattern(row[4], #row[3] + 1, row[4].kind)
  if floating(target) then target = arrange(target:type(type)) end
  return row[2]():type(type), inputs, target
end

local function lossProtocol(row, want, type, tolerance, arrange)
  local criterion, inputs, target = lossOf(row, type, arrange)
  local input = single(inputs)
  for _ = 1, 2 do
    local loss = criterion:forward(input, target)
    assert.are.equal('number', _G.type(loss))
    near(torch.DoubleTensor { loss }, want.output, tolerance, 'loss')
    local gradInput = asList(criterion:backward(input, target))
    for i, g in ipairs(want.gradInput) do near(gradInput[i], g, tolerance, 'gradInput ' .. i) end
  end
end

for _, row in ipairs(losses) do
  local want = golden[row[1]]
  describe('nn.' .. row[1], function()
    it('agrees with PyTorch in double', function() lossProtocol(row, want, 'torch.DoubleTensor', 1e-6, identity) end)
    it('agrees with PyTorch in float', function() lossProtocol(row, want, 'torch.FloatTensor', 1e-4, identity) end)
    it('takes non-contiguous input', function() lossProtocol(row, want, 'torch.DoubleTensor', 1e-6, scattered) end)
    it('gives the same on the tape', function()
      local criterion, inputs, target = lossOf(row, 'torch.DoubleTensor', identity)
      for _, t in ipairs(inputs) do t:requiresGrad(true) end
      local loss = criterion(single(inputs), target)
      assert.are.equal(0, loss:dim())
      near(torch.DoubleTensor { loss:item() }, want.output, 1e-6, 'loss')
      loss:backward()
      for i, g in ipairs(want.gradInput) do near(inputs[i].grad, g, 1e-6, 'gradient ' .. i) end
    end)
  end)
end

it('has a golden row for every row here', function()
  local known = {}
  for _, row in ipairs(rows) do known[row[1]] = true end
  for _, row in ipairs(losses) do known[row[1]] = true end
  for name in pairs(golden) do assert.is_true(known[name], name) end
  for name in pairs(known) do assert.is_not_nil(golden[name], name) end
end)
