--- What the package stn had in C, through the door to Torch7, against PyTorch (tests/golden/sampler.lua) and differences.
-- luacheck: no max line length
local files = require 'tests.lua.files'
local script = [=[
require 'libstn'
require 'libnnx' -- which keeps what libstn set
local function wave(...)
  local t = torch.Tensor(...)
  return t:copy(torch.range(1, t:nElement()):mul(1.7):sin())
end
local golden = dofile 'tests/golden/sampler.lua'
local function near(name, t, tolerance)
  local far = (t:double():view(-1) - torch.Tensor(golden[name])):abs():max()
  assert(far < tolerance, name .. ' is ' .. far .. ' off')
end
local plain, places = wave(2, 3, 4, 2), wave(2, 2, 3, 2):mul(1.2)
local grad = torch.Tensor(2, 2, 3, 2)
grad:copy(torch.range(1, 24):cos())
for type, tolerance in pairs { ['torch.DoubleTensor'] = 1e-8, ['torch.FloatTensor'] = 1e-4 } do
  local images, grids, g = plain:type(type), places:type(type), grad:type(type)
  local y = images.new(2, 2, 3, 2)
  images.nn.BilinearSamplerBHWD_updateOutput(nil, images, grids, y)
  near('output', y, tolerance)
  local gradImages, gradGrids = images:clone():zero(), grids:clone()
  images.nn.BilinearSamplerBHWD_updateGradInput(nil, images, grids, gradImages, gradGrids, g)
  near('gradImages', gradImages, tolerance)
  near('gradGrids', gradGrids, tolerance)
  gradGrids:zero()
  images.nn.BilinearSamplerBHWD_updateGradInputOnlyGrid(nil, images, grids, nil, gradGrids, g)
  near('gradGrids', gradGrids, tolerance)
end

local function loss(images, grids)
  local y = images.new(2, 2, 3, 2)
  images.nn.BilinearSamplerBHWD_updateOutput(nil, images, grids, y)
  return y:dot(grad)
end
local gradImages, gradGrids = plain:clone():zero(), places:clone()
plain.nn.BilinearSamplerBHWD_updateGradInput(nil, plain, places, gradImages, gradGrids, grad)
for _, pair in ipairs { { plain, gradImages }, { places, gradGrids } } do
  local x, g = pair[1]:view(-1), pair[2]:view(-1)
  for i = 1, x:nElement() do
    local old = x[i]
    x[i] = old + 1e-6
    local up = loss(plain, places)
    x[i] = old - 1e-6
    assert(math.abs((up - loss(plain, places)) / 2e-6 - g[i]) < 1e-6)
    x[i] = old
  end
end

local edge = torch.Tensor { { { { -1, -1 }, { 1, 1 }, { -1, 1 }, { 0 / 0, 0 }, { math.huge, 0 }, { 1e300, -3 } } } }
local y = torch.Tensor(1, 1, 6, 2)
local one = plain:narrow(1, 1, 1)
one.nn.BilinearSamplerBHWD_updateOutput(nil, one, edge, y)
print(y[1][1][1]:equal(one[1][1][1]), y[1][1][2]:equal(one[1][3][4]), y[1][1][3]:equal(one[1][1][4]), y[1][1]:narrow(1, 4, 3):sum())
local _, why = pcall(one.nn.BilinearSamplerBHWD_updateOutput, nil, one, edge, torch.Tensor(1, 1, 6, 3))
assert(why:find(debug.getinfo(1, 'S').short_src, 1, true) == 1, why) -- the line of the caller
print(select(2, pcall(one.nn.BilinearSamplerBHWD_updateOutput, nil, one, edge, torch.Tensor(1, 1, 6, 3))))
print(select(2, pcall(one.nn.BilinearSamplerBHWD_updateGradInput, nil, plain, places, nil, gradGrids, grad)))
print(pcall(function() return one.nn.SpatialReSampling_updateOutput end))
]=]

local expected = [=[
true true true 0
stn: BilinearSamplerBHWD_updateOutput: images (N,H,W,C) and grids (N,h,w,2) do not fit: images 1x3x4x2, grids 1x1x6x2, the other (N,h,w,C) 1x1x6x3
stn: BilinearSamplerBHWD_updateGradInput: images (N,H,W,C) and grids (N,h,w,2) do not fit: images 2x3x4x2, grids 2x2x3x2
false nnx: SpatialReSampling_updateOutput is a function of its C library, which is not there: this layer cannot be used
]=]

describe('libstn', function()
  it('samples images as PyTorch does, with their gradients', function()
    local output = files.th(script, '-l torch')
    assert.equal(expected, (output:gsub('\t\n', '\n'):gsub('\t', ' '):gsub('/%S+:%d+: ', '')))
  end)
end)
