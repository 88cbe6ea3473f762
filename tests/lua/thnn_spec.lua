--- The kernels of nn.THNN for layers of programs: each against the layer of its name, with its arguments in Torch7's order.
local files = require 'tests.lua.files'
local script = [=[
require 'nn'
local THNN = nn.THNN
local function near(what, a, b) assert((a:double() - b:double()):abs():max() < 1e-9, what) end
local function pointers(list)
  for i = 1, list.n do list[i] = torch.isTensor(list[i]) and list[i]:cdata() or list[i] end
  return unpack(list, 1, list.n)
end
local function call(name, ...) torch.DoubleTensor.THNN[name](pointers { n = select('#', ...), ... }) end
local function join(list, ...)
  local t = { n = #list, unpack(list) }
  for i = 1, select('#', ...) do t[t.n + i] = select(i, ...) end
  t.n = t.n + select('#', ...)
  return t
end

-- Layers without parameters: name, layer, sizes of the input, tensors beside the output, the gradInput, the other arguments.
local index = torch.LongTensor()
local samples = torch.rand(2, 3, 2)
local fractional = nn.SpatialFractionalMaxPooling(2, 2, 3, 2):fixPoolingRegions()
fractional.randomSamples = samples:clone()
for _, case in ipairs {
  { 'SpatialMaxPooling', nn.SpatialMaxPooling(3, 2, 2, 1, 1, 0):ceil(), { 2, 3, 6, 5 }, { index }, { 3, 2, 2, 1, 1, 0, true } },
  { 'SpatialDilatedMaxPooling', nn.SpatialDilatedMaxPooling(2, 2, 1, 2, 0, 1, 2, 1), { 3, 6, 5 }, { index },
    { 2, 2, 1, 2, 0, 1, 2, 1, false } },
  { 'VolumetricMaxPooling', nn.VolumetricMaxPooling(2, 3, 2, 1, 2, 1, 0, 1, 0), { 2, 3, 4, 6, 5 }, { index },
    { 2, 3, 2, 1, 2, 1, 0, 1, 0, false } },
  { 'TemporalMaxPooling', nn.TemporalMaxPooling(3, 2), { 2, 7, 4 }, { index }, { 3, 2 } },
  { 'SpatialAdaptiveMaxPooling', nn.SpatialAdaptiveMaxPooling(3, 2), { 2, 3, 7, 5 }, { index }, { 3, 2 }, {} },
  { 'SpatialAdaptiveAveragePooling', nn.SpatialAdaptiveAveragePooling(3, 2), { 2, 3, 7, 5 }, {}, { 3, 2 }, {} },
  { 'SpatialFractionalMaxPooling', fractional, { 2, 3, 7, 6 }, {}, { 3, 2, 2, 2, index, samples }, { 3, 2, 2, 2, index } },
  { 'VolumetricAveragePooling', nn.VolumetricAveragePooling(2, 3, 2, 1, 2, 1), { 2, 3, 4, 6, 5 }, {},
    { 2, 3, 2, 1, 2, 1, 0, 0, 0, false, true } },
  { 'VolumetricReplicationPadding', nn.VolumetricReplicationPadding(1, 2, 0, 1, 2, 0), { 3, 4, 3, 5 }, {}, { 1, 2, 0, 1, 2, 0 } },
  { 'SpatialCrossMapLRN', nn.SpatialCrossMapLRN(3, 0.5, 0.6, 2), { 2, 5, 3, 4 }, { torch.Tensor() }, { 3, 0.5, 0.6, 2 },
    { torch.Tensor(), 3, 0.5, 0.6, 2 } },
  { 'GatedLinear', nn.GatedLinearUnit(2), { 3, 4 }, {}, { 2 } },
} do
  local name, layer, size, tensors, fields, back = unpack(case)
  local x, y, gx = torch.randn(unpack(size)), torch.Tensor(), torch.Tensor()
  index:resize(0)
  call(name .. '_updateOutput', unpack(join({ x, y }, unpack(join(tensors, unpack(fields))))))
  near(name, y, layer:forward(x))
  if index:nElement() > 0 then near(name .. ' indices', index, layer.indices) end
  local g = y:clone():normal()
  call(name .. '_updateGradInput', unpack(join({ x, g, gx }, unpack(join(tensors, unpack(back or fields))))))
  near(name .. ' gradInput', gx, layer:backward(x, g))
end

-- Layers with parameters: sizes of the arguments, what stands between, of forward, backward and accGradParameters.
local b = torch.Tensor()
for _, case in ipairs {
  { 'TemporalConvolution', nn.TemporalConvolution(3, 4, 2, 2), { 2, 7, 3 }, { 2, 2, 3, 4 }, { 2, 2 }, { 2, 2 } },
  { 'TemporalSubSampling', nn.TemporalSubSampling(3, 2, 2), { 2, 7, 3 }, { 2, 2, 3 }, { 2, 2 }, { 2, 2 } },
  { 'TemporalRowConvolution', nn.TemporalRowConvolution(3, 2, 1), { 2, 7, 3 }, { b, b, 2, 1, 0, false } },
  { 'SpatialSubSampling', nn.SpatialSubSampling(3, 2, 2, 1, 2), { 2, 3, 6, 5 }, { 2, 2, 1, 2 } },
  { 'SpatialConvolutionLocal', nn.SpatialConvolutionLocal(2, 3, 5, 4, 3, 2, 1, 2, 1, 0), { 2, 2, 4, 5 },
    { b, b, 3, 2, 1, 2, 1, 0, 5, 4, 5, 2 } },
  { 'SpatialDepthWiseConvolution', nn.SpatialDepthWiseConvolution(2, 3, 3, 2, 1, 2, 1, 0), { 2, 2, 4, 5 },
    { b, b, 3, 2, 1, 2, 1, 0 } },
  { 'VolumetricConvolution', nn.VolumetricConvolution(2, 3, 2, 3, 2, 1, 2, 1, 1, 0, 1), { 2, 2, 4, 6, 5 },
    { b, b, 1, 2, 1, 1, 0, 1 }, { b, 1, 2, 1, 1, 0, 1 } },
  { 'VolumetricConvolutionMM', nn.VolumetricConvolution(2, 3, 2, 3, 2, 1, 2, 1, 1, 0, 1), { 2, 2, 4, 6, 5 },
    { b, 2, 3, 2, 1, 2, 1, 1, 0, 1 }, { b, b, 2, 3, 2, 1, 2, 1, 1, 0, 1 }, { b, 2, 3, 2, 1, 2, 1, 1, 0, 1 } },
  { 'VolumetricFullConvolution', nn.VolumetricFullConvolution(2, 3, 2, 3, 2, 1, 2, 1, 0, 1, 0), { 2, 2, 3, 4, 5 },
    { b, b, 1, 2, 1, 0, 1, 0, 0, 0, 0 } },
} do
  local name, layer, size, fields, back, accumulate = unpack(case)
  local x, y, gx = torch.randn(unpack(size)), torch.Tensor(), torch.Tensor()
  call(name .. '_updateOutput', unpack(join({ x, y, layer.weight, layer.bias }, unpack(fields))))
  near(name, y, layer:forward(x))
  local g = y:clone():normal()
  layer:zeroGradParameters()
  layer:backward(x, g, 2)
  call(name .. '_updateGradInput', unpack(join({ x, g, gx, layer.weight }, unpack(back or fields))))
  near(name .. ' gradInput', gx, layer.gradInput)
  local gw, gb = layer.weight:clone():fill(1), layer.bias:clone():fill(1)
  call(name .. '_accGradParameters', unpack(join(join({ x, g, gw, gb }, unpack(accumulate or fields)), 2)))
  near(name .. ' gradWeight', gw, layer.gradWeight + 1)
  near(name .. ' gradBias', gb, layer.gradBias + 1)
end

for _, train in ipairs { true, false } do
  local layer, x, y, gx = nn.SpatialBatchNormalization(3), torch.randn(4, 3, 2, 5), torch.Tensor(), torch.Tensor()
  local mean, var, m, s = layer.running_mean:clone(), layer.running_var:clone(), torch.Tensor(3), torch.Tensor(3)
  layer.train = train
  call('BatchNormalization_updateOutput', x, y, layer.weight, layer.bias, mean, var, m, s, train, 0.1, 1e-5)
  near('norm', y, layer:forward(x))
  near('mean', mean, layer.running_mean)
  near('var', var, layer.running_var)
  local g, gw, gb = x:clone():normal(), torch.zeros(3), torch.zeros(3)
  layer:zeroGradParameters()
  layer:backward(x, g)
  call('BatchNormalization_backward', x, g, gx, gw, gb, layer.weight, mean, var, m, s, train, 1, 1e-5)
  near('norm gradInput', gx, layer.gradInput)
  near('norm gradWeight', gw, layer.gradWeight)
  near('norm gradBias', gb, layer.gradBias)
  call('BatchNormalization_backward', x, g, gx:zero(), nil, nil, layer.weight, mean, var, m, s, train, 1, 1e-5)
  near('norm gradInput alone', gx, layer.gradInput)
end

local pool = nn.SpatialMaxPooling(2, 2)
local x = torch.randn(2, 3, 4, 6)
local y, out, gx = pool:forward(x), torch.Tensor(), torch.Tensor()
call('SpatialMaxUnpooling_updateOutput', y, out, pool.indices, 6, 4)
near('unpooling', out, nn.SpatialMaxUnpooling(pool):forward(y))
call('SpatialMaxUnpooling_updateGradInput', y, x, gx, pool.indices, 6, 4)
near('unpooling gradInput', gx, nn.SpatialMaxUnpooling(pool):backward(y, x))
local up = nn.SpatialUpSamplingBilinear { oheight = 7, owidth = 9 }
call('SpatialUpSamplingBilinear_updateOutput', x, out, 7, 9)
near('bilinear', out, up:forward(x))
call('SpatialUpSamplingBilinear_updateGradInput', out, gx, 2, 3, 4, 6, 7, 9)
near('bilinear gradInput', gx, up:backward(x, out))
local noise = torch.Tensor()
call('RReLU_updateOutput', x, out, noise, 0.2, 0.4, true, false, nil)
assert(noise:min() >= 0.2 and noise:max() == 1 and torch.cmul(x, noise):equal(out))
call('RReLU_updateGradInput', x, x, gx, noise, 0.2, 0.4, true, false)
near('RReLU', gx, out)
local t = torch.LongTensor { { 2, 1, 0 }, { 3, 0, 0 } }
local s, loss, criterion = torch.randn(2, 3), torch.Tensor(1), nn.MultiLabelMarginCriterion()
call('MultiLabelMarginCriterion_updateOutput', s, t, loss, torch.Tensor(), true)
assert(math.abs(loss[1] - criterion:forward(s, t)) < 1e-9)
call('MultiLabelMarginCriterion_updateGradInput', s, t, gx, torch.Tensor(), true)
near('labels', gx, criterion:backward(s, t))
print((select(2, pcall(call, 'SpatialMaxPooling_updateGradInput', x, y, gx, index:resize(2, 3, 2, 3):fill(25), 2, 2, 2, 2, 0, 0,
  false)):gsub('^.-:%d+: ', '')))
print(torch._gen ~= nil, require('ffi').typeof('THGenerator**')(torch._gen)[0] ~= nil)
]=]

describe('nn.THNN', function()
  it('has kernels that do what the layers do', function()
    local output = files.th(script, '-l torch')
    assert.equal('scatterAdd: index[1][1] = 25, but dimension 2 has 24 entries (1 to 24)\t\ntrue\ttrue\t\n', output)
  end)
end)
