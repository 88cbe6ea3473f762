--- Filters: convolution with a kernel, kernels, local contrast, erosion and dilation, pyramids.
-- @module tocha.image.filter
local torch = require 'tocha'
local F = require 'tocha.nn.functional'
local geometry = require 'tocha.image.geometry'
local takes = require 'tocha.image.takes'
local check = require 'tocha.kinds'.check
local unpackOptions = require 'tocha.image.options'
local raise = require 'tocha.bindings.own'.raise

local M = {}
local isTensor = torch.isTensor

-- Convolves each plane of x, (H,W) or (C,H,W), with a kernel of as many dimensions; the type of x stays.
local function conv2(x, kernel, full)
  local n, h, w = x:dim(), kernel:size(x:dim() - 1), kernel:size(x:dim())
  if not full and (x:size(n - 1) < h or x:size(n) < w) then
    raise(('convolve: the kernel of %dx%d is larger than the picture of %dx%d'):format(h, w, x:size(n - 1), x:size(n)))
  end
  local planes = n == 3 and x:size(1) or 1
  local type = x:type() == 'torch.FloatTensor' and x:type() or 'torch.DoubleTensor'
  local input = x:type(type):contiguous():view(1, planes, x:size(n - 1), x:size(n))
  local weight = geometry.hflip(geometry.vflip(kernel)):type(type):contiguous():view(planes, 1, h, w)
  local result = torch.noGrad(F.conv2d, input, weight, nil, 1, full and { h - 1, w - 1 } or 0, 1, planes)
  if x:type() == 'torch.ByteTensor' then result = result:add(.5):floor():clamp(0, 255) end
  return (n == 3 and result[1] or result[1][1]):type(x:type())
end

--- Convolves a picture (H,W) or (C,H,W) with a kernel (h,w), or (C,h,w): `convolve([dst,] src, kernel, [mode])`.
-- Mode: valid (the default), full, or same (the size of src).
function M.convolve(...)
  local dst, src, kernel, mode = takes.beforeTwo('convolve', ...)
  if not isTensor(src) or not isTensor(kernel) then raise 'convolve: a picture and a kernel are needed' end
  local dims, own = src:dim(), kernel:dim()
  if dims ~= 2 and dims ~= 3 or own ~= 2 and own ~= dims or own == 3 and kernel:size(1) ~= src:size(1) then
    raise(('convolve: a picture is HxW or CxHxW, its kernel hxw or Cxhxw, not %s and %s'):format(
      table.concat(src:size():totable(), 'x'), table.concat(kernel:size():totable(), 'x')))
  end
  mode = mode or 'valid'
  if mode ~= 'valid' and mode ~= 'full' and mode ~= 'same' then
    raise(('convolve: mode has to be one of: full | valid | same, not %s'):format(tostring(mode)))
  end
  if kernel:dim() == 2 and src:dim() == 3 then
    kernel = kernel:view(1, kernel:size(1), kernel:size(2)):expand(src:size(1), kernel:size(1), kernel:size(2)):contiguous()
  end
  local result = conv2(src, kernel, mode ~= 'valid')
  if mode == 'same' then
    local n = result:dim()
    result = result:narrow(n - 1, math.ceil(kernel:size(n - 1) / 2), src:size(n - 1)):narrow(n, math.ceil(kernel:size(n) / 2),
      src:size(n))
  end
  return takes.deliver(dst, result)
end

-- -- kernels --------------------------------------------------------------------------------------------------------

local kernelOptions = {
  { 'size', 3, 'number' }, { 'sigma', .25, 'number' }, { 'amplitude', 1, 'number' }, { 'normalize', false },
  { 'width', 'size', 'number' }, { 'height', 'size', 'number' }, { 'sigma_horz', 'sigma', 'number' },
  { 'sigma_vert', 'sigma', 'number' }, { 'mean_horz', .5, 'number' }, { 'mean_vert', .5, 'number' }, { 'tensor', nil, 'tensor?' },
}

-- Squares of the distances of n pixels from the mean, in deviations, both as shares of size (n).
local function distances(n, mean, sigma, size)
  size = size or n
  return torch.square(torch.range(1, n):double():add(-(mean * size + .5)):div(sigma * size))
end

local function grid(rows, columns)
  local h, w = rows:size(1), columns:size(1)
  return torch.add(rows:view(h, 1):expand(h, w), columns:view(1, w):expand(h, w))
end

local function finish(kernel, o, normalize)
  if normalize then kernel:div(kernel:sum()) end
  if not o.tensor then return kernel:type(torch.getdefaulttensortype()) end
  if o.tensor:type() == 'torch.ByteTensor' then kernel:add(.5):floor():clamp(0, 255) end
  return o.tensor:copy(kernel)
end

-- A tensor given for the result says the size.
local function sizeOf(op, o, dims)
  if not o.tensor then return o.height, o.width end
  if not isTensor(o.tensor) or o.tensor:dim() ~= dims or o.tensor:nElement() == 0 then
    raise(('%s: the result is a tensor of %d dimensions with elements'):format(op, dims))
  end
  return o.tensor:size(1), o.tensor:size(dims)
end

--- A Gaussian kernel (height, width): amplitude * exp(-(u^2 + v^2) / 2), where u and v are distances from the mean in
-- deviations. `gaussian{size = 3, sigma = .25, amplitude = 1, normalize = false, width =, height =, sigma_horz =, sigma_vert =,
-- mean_horz = .5, mean_vert = .5, tensor =}`, or the same in this order. Means and deviations are shares of the size.
function M.gaussian(...)
  local o = unpackOptions('gaussian', kernelOptions, ...)
  local height, width = sizeOf('gaussian', o, 2)
  local kernel = grid(distances(height, o.mean_vert, o.sigma_vert), distances(width, o.mean_horz, o.sigma_horz))
  return finish(kernel:mul(-.5):exp():mul(o.amplitude), o, o.normalize)
end

--- A Gaussian kernel (size): `gaussian1D{size = 3, sigma = .25, amplitude = 1, normalize = false, mean = .5, tensor =}`.
function M.gaussian1D(...)
  local o = unpackOptions('gaussian1D', { { 'size', 3, 'number' }, { 'sigma', .25, 'number' },
    { 'amplitude', 1, 'number' }, { 'normalize', false }, { 'mean', .5, 'number' }, { 'tensor', nil, 'tensor?' },
    { 'height', 'size', 'number' } }, ...)
  local kernel = distances(sizeOf('gaussian1D', o, 1), o.mean, o.sigma):mul(-.5):exp():mul(o.amplitude)
  return finish(kernel, o, o.normalize)
end

--- A Laplacian of a Gaussian (height, width). Options as those of `gaussian`, sigma .1.
function M.laplacian(...)
  local options = { unpack(kernelOptions) }
  options[2] = { 'sigma', .1, 'number' }
  local o = unpackOptions('laplacian', options, ...)
  -- Rows with the horizontal numbers and columns with the vertical ones, as Torch7 had it.
  local square = grid(distances(o.height, o.mean_horz, o.sigma_horz, o.width),
    distances(o.width, o.mean_vert, o.sigma_vert, o.height)):div(2)
  local kernel = torch.exp(torch.mul(square, -1)):cmul(torch.mul(square, -1):add(1)):mul(o.amplitude)
  return finish(kernel, o, o.normalize)
end

--- Pictures of several scales, each smoothed before the next is taken: `gaussianpyramid([dst,] src, scales)`.
-- @treturn table one tensor a scale
function M.gaussianpyramid(...)
  local dst, src, scales = ...
  if scales == nil then dst, src, scales = {}, dst, src end
  if not isTensor(src) or src:dim() ~= 2 and src:dim() ~= 3 then raise 'gaussianpyramid: src image must be 2D or 3D' end
  check('gaussianpyramid', 'scales', 'list', scales)
  check('gaussianpyramid', 'the destination', 'tensors', dst)
  local kernel, from, n = M.gaussian { width = 3, normalize = true }:type(src:type()), src, src:dim()
  for i, scale in ipairs(scales) do
    local size = src:size()
    size[n - 1], size[n] = math.floor(size[n - 1] * scale), math.floor(size[n] * scale)
    dst[i] = (dst[i] or src.new()):resize(size)
    if scale == 1 then dst[i]:copy(from) else geometry.scale(dst[i], from, 'simple') end
    from = M.convolve(dst[i], kernel, 'same')
  end
  return dst
end

-- -- contrast and shape -----------------------------------------------------------------------------------------------

--- Local contrast normalization of a grey picture: the local mean is taken away, and what is left divided by the local
-- deviation where that is above 1 (Jarrett et al. 2009). The result is smaller by the kernel, in doubles.
-- @tparam tensor picture (H,W) or (1,H,W)
-- @tparam[opt] tensor kernel a Gaussian of 9x9 by default
function M.lcn(picture, kernel)
  if not isTensor(picture) or not (picture:dim() == 2 or picture:dim() == 3 and picture:size(1) == 1) then
    raise 'lcn: grayscale image expected'
  end
  check('lcn', 'the kernel', 'tensor?', kernel)
  kernel = (kernel or M.gaussian { size = 9, sigma = 1.591 / 9, normalize = true }):double()
  local x = picture:double()
  if x:dim() == 3 then x = x[1] end
  x = torch.add(x, -x:mean()):div(x:std())
  local mean = conv2(x, kernel)
  local deviation = conv2(torch.square(x), kernel):add(-1, torch.square(mean)):clamp(1, math.huge):sqrt()
  local centre = x:narrow(1, math.floor(kernel:size(1) / 2) + 1, mean:size(1)):narrow(2, math.floor(kernel:size(2) / 2) + 1,
    mean:size(2))
  return torch.add(centre, -1, mean):cdiv(deviation)
end

-- The number of ones under the kernel for each pixel of a binary picture.
local function count(op, picture, kernel, outside)
  if not isTensor(picture) or picture:dim() ~= 2 then raise(op .. ': a picture of HxW, of 0 and 1, is needed') end
  if kernel:dim() ~= 2 then raise(('%s: the kernel has %d dimensions, not 2'):format(op, kernel:dim())) end
  local h, w = kernel:size(1), kernel:size(2)
  if h % 2 == 0 or w % 2 == 0 then raise(('%s: the sides of the kernel must be odd, not %dx%d'):format(op, h, w)) end
  local up, left = (h - 1) / 2, (w - 1) / 2
  local padded = torch.DoubleTensor(picture:size(1) + 2 * up, picture:size(2) + 2 * left):fill(outside)
  padded:narrow(1, up + 1, picture:size(1)):narrow(2, left + 1, picture:size(2)):copy(picture)
  return conv2(padded, kernel:double())
end

--- Erosion of a picture (H,W) of 0 and 1: what is 1 wherever the kernel (3x3 ones) is.
-- @tparam tensor picture
-- @tparam[opt] tensor kernel of 0 and 1, with odd sides
-- @tparam[opt=1] number outside what lies around the picture
function M.erode(picture, kernel, outside)
  check('erode', 'the kernel', 'tensor?', kernel)
  check('erode', 'outside', 'number?', outside)
  kernel = kernel or torch.DoubleTensor(3, 3):fill(1)
  return count('erode', picture, kernel, outside or 1):eq(kernel:sum()):type(picture:type())
end

--- Dilation: what is 1 somewhere under the kernel. Arguments as those of `erode`, outside 0.
function M.dilate(picture, kernel, outside)
  check('dilate', 'the kernel', 'tensor?', kernel)
  check('dilate', 'outside', 'number?', outside)
  kernel = kernel and geometry.hflip(geometry.vflip(kernel)) or torch.DoubleTensor(3, 3):fill(1)
  return count('dilate', picture, kernel, outside or 0):gt(0):type(picture:type())
end

return M
