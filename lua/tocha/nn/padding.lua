--- Layers that put a border around images (N, C, H, W) or (C, H, W) and volumes.
-- @module tocha.nn.padding
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local parameter = require 'tocha.nn.parameter'
local raise = require 'tocha.bindings.own'.raise

-- Fields of the widths, and what they are called in print: before and after, from the last dimension on.
local images = { { 'pad_l', 'l' }, { 'pad_r', 'r' }, { 'pad_t', 't' }, { 'pad_b', 'b' } }
local volumes = { { 'pleft', 'left' }, { 'pright', 'right' }, { 'ptop', 'top' }, { 'pbottom', 'bottom' },
  { 'pfront', 'front' }, { 'pback', 'back' } }

-- Widths per dimension for the ops that pad.
local function widths(self, input, fields)
  local before, after, dims = {}, {}, input:dim()
  if dims < #fields / 2 + 1 then
    raise(('an input of %d or %d dimensions is wanted, but it has %d'):format(#fields / 2 + 1, #fields / 2 + 2, dims))
  end
  for d = 1, dims do before[d], after[d] = 0, 0 end
  for i = 1, #fields, 2 do
    local d = dims - (i - 1) / 2
    before[d], after[d] = self[fields[i][1]], self[fields[i + 1][1]]
  end
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

local function padding(name, fields, fill)
  local class, parent = torch.class(name, 'nn.Module', nn)

  function class:__init(...)
    parent.__init(self)
    local first = ...
    if type(first) ~= 'number' then raise(name .. ': the width of the padding is wanted') end
    for i, field in ipairs(fields) do self[field[1]] = (select(i, ...)) or first end
  end

  derive(class, function(self, input)
    local before, after = widths(self, input, fields)
    input = cropped(input, before, after)
    return fill(input, before, after)
  end)

  function class:__tostring__()
    local parts = {}
    for i, field in ipairs(fields) do parts[i] = ('%s=%d'):format(field[2], self[field[1]]) end
    return ('%s(%s)'):format(torch.type(self), table.concat(parts, ', '))
  end
end

local REFLECT, REPLICATE = 0, 1 -- kinds of edge, see engine/op/rearrange.c

local function zeros(x, before, after) return F.pad(x, before, after, 0) end
local function reflect(x, before, after) return F.pad_edge(x, before, after, REFLECT) end
local function replicate(x, before, after) return F.pad_edge(x, before, after, REPLICATE) end

--- `nn.SpatialZeroPadding(left [, right, top, bottom])`, `nn.SpatialReflectionPadding` what lies within mirrored at the edge,
-- `nn.SpatialReplicationPadding` the edge repeated, `nn.VolumetricReplicationPadding(left [, right, top, bottom, front, back])`:
-- all as the first by default; negative widths crop.
padding('nn.SpatialZeroPadding', images, zeros)
padding('nn.SpatialReflectionPadding', images, reflect)
padding('nn.SpatialReplicationPadding', images, replicate)
padding('nn.VolumetricReplicationPadding', volumes, replicate)

-- (factor): channels become pixels, (N, C f^2, H, W) -> (N, C, f H, f W)
local Shuffle, shuffle = torch.class('nn.PixelShuffle', 'nn.Module', nn)

function Shuffle:__init(factor)
  shuffle.__init(self)
  parameter.number(self, 'factor', factor)
  self.upscaleFactor = factor
end

derive(Shuffle, function(self, input)
  local f = self.upscaleFactor
  local x = input:dim() == 3 and input:contiguous():view(1, input:size(1), input:size(2), input:size(3)) or input
  local n, c, h, w = x:size(1), x:size(2) / (f * f), x:size(3), x:size(4)
  local y = x:contiguous():view(n, c, f, f, h, w):permute(1, 2, 5, 3, 6, 4):contiguous():view(n, c, h * f, w * f)
  return input:dim() == 3 and y:view(c, h * f, w * f) or y
end)
