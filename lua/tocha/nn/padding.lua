--- Layers that make images (N, C, H, W) or (C, H, W) larger: padding and up-sampling.
-- @module tocha.nn.padding
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local raise = require 'tocha.bindings.own'.raise

-- Widths per dimension for the ops that pad: nothing but the last two dimensions change.
local function widths(self, input)
  local before, after = {}, {}
  for d = 1, input:dim() do before[d], after[d] = 0, 0 end
  local y, x = input:dim() - 1, input:dim()
  before[y], after[y], before[x], after[x] = self.pad_t, self.pad_b, self.pad_l, self.pad_r
  return before, after
end

-- The input without the rows and columns that negative widths take away, and the widths that remain.
local function cropped(input, before, after)
  for d = 1, input:dim() do
    local start, stop = math.max(-before[d], 0), math.max(-after[d], 0)
    if start > 0 or stop > 0 then input = input:narrow(d, 1 + start, input:size(d) - start - stop) end
    before[d], after[d] = math.max(before[d], 0), math.max(after[d], 0)
  end
  return input
end

local function padding(name, fill)
  local class, parent = torch.class(name, 'nn.Module', nn)

  function class:__init(left, right, top, bottom)
    parent.__init(self)
    if type(left) ~= 'number' then raise(name .. ': the width of the padding is wanted') end
    self.pad_l, self.pad_r, self.pad_t, self.pad_b = left, right or left, top or left, bottom or left
  end

  derive(class, function(self, input)
    local before, after = widths(self, input)
    input = cropped(input, before, after)
    return fill(input, before, after)
  end)

  function class:__tostring__()
    return ('%s(l=%d, r=%d, t=%d, b=%d)'):format(torch.type(self), self.pad_l, self.pad_r, self.pad_t, self.pad_b)
  end
end

local REFLECT, REPLICATE = 0, 1 -- kinds of edge, see engine/op/rearrange.c

-- (left [, right, top, bottom]); negative widths crop
padding('nn.SpatialZeroPadding', function(x, before, after) return F.pad(x, before, after, 0) end)
padding('nn.SpatialReflectionPadding', function(x, before, after) return F.pad_edge(x, before, after, REFLECT) end)
padding('nn.SpatialReplicationPadding', function(x, before, after) return F.pad_edge(x, before, after, REPLICATE) end)

-- -- up-sampling ----------------------------------------------------------------------------------------------------

-- Sizes of t with the last two replaced.
local function resized(t, ...)
  local size, tail = t:size():totable(), { ... }
  size[#size], size[#size - 1] = nil, nil
  for _, n in ipairs(tail) do size[#size + 1] = n end
  return torch.LongStorage(size)
end

-- (scale): every element becomes a square of scale by scale
local Nearest, nearest = torch.class('nn.SpatialUpSamplingNearest', 'nn.Module', nn)

function Nearest:__init(scale)
  nearest.__init(self)
  if type(scale) ~= 'number' or scale < 1 or scale % 1 ~= 0 then
    raise('nn.SpatialUpSamplingNearest: the scale is a whole number from 1')
  end
  self.scale_factor = scale
end

derive(Nearest, function(self, input)
  local s, h, w = self.scale_factor, input:size(input:dim() - 1), input:size(input:dim())
  local view = input:contiguous():view(resized(input, h, 1, w, 1))
  return view:expand(resized(input, h, s, w, s)):contiguous():view(resized(input, h * s, w * s))
end)

-- The matrix (to, from) that interpolates `from` points linearly at `to` points, corners on corners.
local function interpolation(like, from, to)
  local matrix = torch.Tensor(to, from):zero():typeAs(like)
  for i = 1, to do
    local at = to > 1 and (i - 1) * (from - 1) / (to - 1) or 0
    local low = math.min(math.floor(at), from - 1)
    local share = at - low
    matrix[i][low + 1] = 1 - share
    if share > 0 then matrix[i][low + 2] = share end
  end
  return matrix
end

-- (scale) or ({oheight = , owidth = })
local Bilinear, bilinear = torch.class('nn.SpatialUpSamplingBilinear', 'nn.Module', nn)

function Bilinear:__init(size)
  bilinear.__init(self)
  if type(size) == 'table' then self.oheight, self.owidth = size.oheight, size.owidth
  elseif type(size) == 'number' and size >= 1 and size % 1 == 0 then self.scale_factor = size
  else raise('nn.SpatialUpSamplingBilinear: a whole number or {oheight = , owidth = } is wanted') end
end

derive(Bilinear, function(self, input)
  local h, w = input:size(input:dim() - 1), input:size(input:dim())
  local oh, ow = self.oheight or h * self.scale_factor, self.owidth or w * self.scale_factor
  local images = input:contiguous():view(-1, h, w)
  local n = images:size(1)
  local rows = (images:view(n * h, w) * interpolation(input, w, ow):t()):view(n, h, ow)
  local columns = rows:transpose(2, 3):contiguous():view(n * ow, h) * interpolation(input, h, oh):t()
  return columns:view(n, ow, oh):transpose(2, 3):contiguous():view(resized(input, oh, ow))
end)

function Bilinear:__tostring__()
  if self.scale_factor then return ('%s(%d)'):format(torch.type(self), self.scale_factor) end
  return ('%s(%d, %d)'):format(torch.type(self), self.oheight, self.owidth)
end

-- (factor): channels become pixels, (N, C f^2, H, W) -> (N, C, f H, f W)
local Shuffle, shuffle = torch.class('nn.PixelShuffle', 'nn.Module', nn)

function Shuffle:__init(factor)
  shuffle.__init(self)
  self.upscaleFactor = factor
end

derive(Shuffle, function(self, input)
  local f = self.upscaleFactor
  local x = input:dim() == 3 and input:contiguous():view(1, input:size(1), input:size(2), input:size(3)) or input
  local n, c, h, w = x:size(1), x:size(2) / (f * f), x:size(3), x:size(4)
  local y = x:contiguous():view(n, c, f, f, h, w):permute(1, 2, 5, 3, 6, 4):contiguous():view(n, c, h * f, w * f)
  return input:dim() == 3 and y:view(c, h * f, w * f) or y
end)
