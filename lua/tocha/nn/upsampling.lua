--- Up-sampling of images and volumes, nearest or linear.
-- @module tocha.nn.upsampling
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local raise = require 'tocha.bindings.own'.raise

local function whole(name, scale)
  if type(scale) ~= 'number' or scale < 1 or scale % 1 ~= 0 then
    raise(('%s: the scale is a whole number from 1, not %s'):format(name, tostring(scale)))
  end
  return scale
end

-- Repeats every entry `scale` times along the last `dims` dimensions.
local function repeated(x, scale, dims)
  local size = x:size():totable()
  local split, wide, joined = {}, {}, {}
  for d = 1, #size do
    local at = #split + 1
    split[at], wide[at], joined[d] = size[d], size[d], size[d]
    if d > #size - dims then split[at + 1], wide[at + 1], joined[d] = 1, scale, size[d] * scale end
  end
  return F.reshape(F.expand(F.reshape(x, split), wide):contiguous(), joined)
end

-- The matrix (from, to) that interpolates `from` points linearly at `to` points, corners on corners.
local function interpolation(like, from, to)
  local matrix = torch.Tensor():typeAs(like):resize(from, to):zero()
  for i = 1, to do
    local at = to > 1 and (i - 1) * (from - 1) / (to - 1) or 0
    local low = math.min(math.floor(at), from - 1)
    local share = at - low
    matrix[low + 1][i] = 1 - share
    if share > 0 then matrix[low + 2][i] = share end
  end
  return matrix
end

-- x with its last dimensions interpolated at the given sizes.
local function linear(x, sizes)
  for k, to in ipairs(sizes) do
    local dim = x:dim() - #sizes + k
    local moved = x:transpose(dim, x:dim())
    local size = moved:size():totable()
    local rows = F.reshape(moved, { -1, size[#size] }) * interpolation(x, size[#size], to)
    size[#size] = to
    x = F.reshape(rows, size):transpose(dim, x:dim())
  end
  return x:contiguous()
end

-- (scale): every pixel becomes a square of scale by scale
local Nearest, nearest = torch.class('nn.SpatialUpSamplingNearest', 'nn.Module', nn)

function Nearest:__init(scale)
  nearest.__init(self)
  self.scale_factor = whole('nn.SpatialUpSamplingNearest', scale)
end

derive(Nearest, function(self, input) return repeated(input, self.scale_factor, 2) end)

-- (scale) or ({oheight = , owidth = })
local Bilinear, bilinear = torch.class('nn.SpatialUpSamplingBilinear', 'nn.Module', nn)

function Bilinear:__init(size)
  bilinear.__init(self)
  if type(size) == 'table' and size.oheight and size.owidth then
    self.oheight, self.owidth = size.oheight, size.owidth
  elseif type(size) == 'table' then
    raise('nn.SpatialUpSamplingBilinear: oheight and owidth are needed')
  else
    self.scale_factor = whole('nn.SpatialUpSamplingBilinear', size)
  end
end

derive(Bilinear, function(self, input)
  local scale, dims = self.scale_factor, input:dim()
  return linear(input, { self.oheight or input:size(dims - 1) * scale, self.owidth or input:size(dims) * scale })
end)

function Bilinear:__tostring__()
  if self.scale_factor then return ('%s(%d)'):format(torch.type(self), self.scale_factor) end
  return ('%s(%d, %d)'):format(torch.type(self), self.oheight, self.owidth)
end

-- (scale [, mode]) or ({odepth = , oheight = , owidth = }, 'linear'): batches of images or of volumes; mode is
-- 'nearest' (default) or 'linear' ('bilinear', 'trilinear')
local Up, up = torch.class('nn.UpSampling', 'nn.Module', nn)
local modes = { nearest = 'nearest', linear = 'linear', bilinear = 'linear', trilinear = 'linear' }

function Up:__init(size, mode)
  up.__init(self)
  self.mode = modes[mode or 'nearest']
  if not self.mode then raise(('nn.UpSampling: mode is nearest or linear, not %s'):format(tostring(mode))) end
  if type(size) ~= 'table' then
    self.scale_factor = whole('nn.UpSampling', size)
  elseif self.mode == 'nearest' then
    raise('nn.UpSampling: nearest takes a scale')
  elseif not (size.oheight and size.owidth) then
    raise('nn.UpSampling: oheight and owidth are needed')
  else
    self.odepth, self.oheight, self.owidth = size.odepth, size.oheight, size.owidth
  end
end

derive(Up, function(self, input)
  local dims, scale = input:dim() - 2, self.scale_factor
  if dims ~= 2 and dims ~= 3 then
    raise(('a batch of images or volumes is wanted, but the input has %d dimensions'):format(input:dim()))
  end
  if self.mode == 'nearest' then return repeated(input, scale, dims) end
  local sizes = dims == 3 and { self.odepth or scale or raise('odepth is needed for volumes') } or {}
  sizes[#sizes + 1], sizes[#sizes + 2] = self.oheight, self.owidth
  if scale then
    for i = 1, dims do sizes[i] = input:size(i + 2) * scale end
  end
  return linear(input, sizes)
end)

function Up:__tostring__()
  if self.scale_factor then return ('%s(%dx, %s)'):format(torch.type(self), self.scale_factor, self.mode) end
  return ('%s(%s%dx%d, %s)'):format(torch.type(self), self.odepth and self.odepth .. 'x' or '', self.oheight,
    self.owidth, self.mode)
end
