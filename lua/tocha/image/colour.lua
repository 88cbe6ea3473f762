--- Colour spaces and colour maps. Pictures are (3,H,W); numbers run from 0 to 1, bytes to 255. Lab and YUV have other ranges
-- and are for floats and doubles.
-- @module tocha.image.colour
local torch = require 'tocha'
local engine = require 'tocha.bindings.image'
local takes = require 'tocha.image.takes'
local raise = require 'tocha.bindings.own'.raise

local M = {}

local deliver, rgb = takes.deliver, takes.rgb

for _, space in ipairs { 'hsl', 'hsv', 'lab', 'yuv' } do
  for _, way in ipairs { { 'rgb', space }, { space, 'rgb' } } do
    local name = way[1]:upper() .. '_TO_' .. way[2]:upper()
    --- From one colour space to another, `f([dst,] src)`: `rgb2hsl`, `hsl2rgb`, `rgb2hsv`, `hsv2rgb`, `rgb2lab`, `lab2rgb`,
    -- `rgb2yuv`, `yuv2rgb`.
    local op = way[1] .. '2' .. way[2]
    M[op] = function(...)
      local dst, src = takes.destination(op, ...)
      return deliver(dst, engine.colours(src, name, op))
    end
  end
end

--- Luminance (1,H,W): `rgb2y([dst,] src)`.
function M.rgb2y(...)
  local dst, src = takes.destination('rgb2y', ...)
  rgb('rgb2y', src)
  local bytes = src:type() == 'torch.ByteTensor'
  local x = bytes and src:float():div(255) or src
  local y = x[1]:clone():mul(.299):add(.587, x[2]):add(.114, x[3]):view(1, src:size(2), src:size(3))
  return deliver(dst, bytes and y:mul(255):add(.5):floor():byte() or y)
end

--- The shares of red, green and blue in their sum: `rgb2nrgb([dst,] src)`.
function M.rgb2nrgb(...)
  local dst, src = takes.destination('rgb2nrgb', ...)
  rgb('rgb2nrgb', src)
  local sum = torch.add(src[1], src[2]):add(src[3]):add(1e-6)
  local result = src:clone()
  for c = 1, 3 do result[c]:cdiv(sum) end
  return deliver(dst, result)
end

-- -- maps ----------------------------------------------------------------------------------------------------------

local mostColours = 65536

local function check(op, n)
  if type(n) ~= 'number' or n % 1 ~= 0 or n < 1 or n > mostColours then
    raise(('%s: the number of colours is whole and from 1 to %d, not %s'):format(op, mostColours, tostring(n)))
  end
end

--- n colours far from each other, as rows (n,3).
function M.colormap(n)
  check('colormap', n)
  local hsl = torch.Tensor(3, 1, n)
  for i = 0, n - 1 do
    hsl[1][1][i + 1], hsl[2][1][i + 1], hsl[3][1][i + 1] = 39 * i % 360 / 360, i / 9 % .7 + .3, .5
  end
  return M.hsl2rgb(hsl):view(3, n):t():contiguous()
end

--- n colours from blue over green to red, as rows (n,3).
function M.jetColormap(n)
  check('jetColormap', n)
  local four = torch.range(1, n):mul(4 / n)
  local map = torch.Tensor(n, 3)
  for c = 1, 3 do
    local up, down = torch.add(four, c - 2.5), torch.mul(four, -1):add(5.5 - c)
    map:select(2, c):copy(torch.cmin(up, down):clamp(0, 1))
  end
  return map
end

--- A picture of levels 1..L in the colours of jetColormap(L): `y2jet([dst,] src)`, src (H,W), (1,H,W) or (N).
function M.y2jet(...)
  local dst, src = takes.destination('y2jet', ...)
  if not torch.isTensor(src) or src:dim() < 1 or src:dim() > 3 or src:dim() == 3 and src:size(1) ~= 1 then
    raise 'y2jet: levels are a tensor of HxW, 1xHxW or N'
  end
  local height, width = src:dim() > 1 and src:size(src:dim() - 1) or 1, src:size(src:dim())
  src = src:detach()
  local levels = src:max()
  if src:min() < 1 then raise(('y2jet: levels count from 1, but one is %g'):format(src:min())) end
  local map = M.jetColormap(levels)
  map = src:type() == 'torch.ByteTensor' and map:mul(255):round():byte() or map:type(src:type())
  local index = src:contiguous():view(-1):long()
  return deliver(dst, map:index(1, index):t():contiguous():view(3, height, width))
end

return M
