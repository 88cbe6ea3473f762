--- Moving the pixels of pictures (H,W) or (C,H,W) of bytes, floats or doubles: scale, crop, flips, rotate, warp, polar.
--
-- As in Torch7 a first argument more is the destination: it is resized, filled and returned.
-- @module tocha.image.geometry
local torch = require 'tocha'
local engine = require 'tocha.bindings.image'
local kinds = require 'tocha.kinds'
local takes = require 'tocha.image.takes'
local raise = require 'tocha.bindings.own'.raise

local M = {}

local isTensor, number, picture = torch.isTensor, takes.number, takes.picture
local deliver, destination = takes.deliver, takes.destination

-- -- scale ----------------------------------------------------------------------------------------------------------

-- Height and width that a description of a size means.
local function sizeOf(text, height, width)
  local most = tonumber(text)
  if most then return height * most / math.max(height, width), width * most / math.max(height, width) end
  text = tostring(text)
  local w, h = text:match '^(%d+)x(%d+)$'
  if w then return tonumber(h), tonumber(w) end
  local least = tonumber(text:match '^%^(%d+)$')
  if least then return height * least / math.min(height, width), width * least / math.min(height, width) end
  local up, down = text:match '^%*(%d+)/(%d+)$'
  local factor = up and up / down or tonumber(text:match '^%*(.+)$')
  if factor then return height * factor, width * factor end
  raise(('scale: could not find valid dest size in %q: WxH, MAX, ^MIN, *FACTOR or *N/D'):format(text))
end

--- A picture in another size: `scale(src, width, height, [mode])`, `scale(src, size, [mode])`, `scale(dst, src, [mode])`.
--
-- A size is "WxH", MAX (of the longer side), "^MIN" (of the shorter one), "*FACTOR" or "*N/D". Modes: `bilinear` (the default),
-- `bicubic` and `simple` as Torch7 had them (corners on corners; bilinear averages when it shrinks, the others skip); `area`;
-- `linear`, `cubic` and `lanczos` with centres on centres, anti-aliased.
function M.scale(...)
  local dst, src, width, height, mode = destination('scale', ...)
  local _, h, w = picture('scale', src)
  if dst then
    mode = width
    if dst:dim() ~= src:dim() or dst:dim() == 3 and dst:size(1) ~= src:size(1) then
      raise 'scale: destination and picture must have the same number of dimensions and planes'
    end
    height, width = dst:size(dst:dim() - 1), dst:size(dst:dim())
  elseif type(height) ~= 'number' then
    mode = height
    height, width = sizeOf(width, h, w)
  end
  height, width = number('scale', 'the height', height), number('scale', 'the width', width)
  return deliver(dst, engine.resize(src, math.max(math.floor(height), 1), math.max(math.floor(width), 1), mode or 'bilinear'))
end

-- -- parts ----------------------------------------------------------------------------------------------------------

local corners = {
  c = function(x, y) return math.floor(x / 2), math.floor(y / 2) end,
  tl = function() return 0, 0 end,
  tr = function(x) return x, 0 end,
  bl = function(_, y) return 0, y end,
  br = function(x, y) return x, y end,
}

-- The part from column x1 and row y1, counted from 0, to before x2 and y2.
local function part(src, x1, y1, x2, y2)
  local _, height, width = picture('crop', src)
  x1, y1 = math.floor(number('crop', 'the first column', x1)), math.floor(number('crop', 'the first row', y1))
  x2, y2 = math.floor(number('crop', 'the last column', x2)), math.floor(number('crop', 'the last row', y2))
  if x1 < 0 or y1 < 0 or x2 > width or y2 > height or x2 <= x1 or y2 <= y1 then
    raise(('crop: columns %d to %d and rows %d to %d go outside bounds of a picture of %dx%d'):format(x1, x2, y1, y2, width,
      height))
  end
  local n = src:dim()
  return src:narrow(n - 1, y1 + 1, y2 - y1):narrow(n, x1 + 1, x2 - x1)
end

--- A part of a picture: `crop(src, x1, y1, [x2, y2])`, columns x1 (from 0) to before x2, or
-- `crop(src, format, width, height)` with the format "c" (centre), "tl", "tr", "bl" or "br". With a destination and x2 and y2
-- the part is scaled into it; with a destination alone it says the size.
function M.crop(...)
  local dst, src, x1, y1, x2, y2 = destination('crop', ...)
  local _, height, width = picture('crop', src)
  if type(x1) == 'string' then
    local w, h = number('crop', 'the width', y1), number('crop', 'the height', x2)
    if not corners[x1] then raise 'crop format must be "c"|"tl"|"tr"|"bl"|"br"' end
    x1, y1 = corners[x1](width - w, height - h)
    x2, y2 = x1 + w, y1 + h
  elseif not x2 then
    if not dst then raise 'crop: where the part ends is missing' end
    picture('crop', dst)
    x1, y1 = number('crop', 'the first column', x1), number('crop', 'the first row', y1)
    return dst:copy(part(src, x1, y1, x1 + dst:size(dst:dim()), y1 + dst:size(dst:dim() - 1)))
  end
  local cut = part(src, x1, y1, x2, y2)
  return dst and M.scale(dst, cut) or cut:clone()
end

--- Moves a picture by whole pixels to the right and down; what comes in is 0. `translate([dst,] src, x, y)`.
function M.translate(...)
  local dst, src, x, y = destination('translate', ...)
  local _, height, width = picture('translate', src)
  x, y = math.floor(number('translate', 'x', x)), math.floor(number('translate', 'y', y))
  local result, n = src.new():resizeAs(src):zero(), src:dim()
  local w, h = width - math.abs(x), height - math.abs(y)
  if w > 0 and h > 0 then
    local from = src:narrow(n - 1, math.max(-y, 0) + 1, h):narrow(n, math.max(-x, 0) + 1, w)
    result:narrow(n - 1, math.max(y, 0) + 1, h):narrow(n, math.max(x, 0) + 1, w):copy(from)
  end
  return deliver(dst, result)
end

-- -- mirrors --------------------------------------------------------------------------------------------------------

local function mirror(src, dim)
  return src:index(dim, torch.range(src:size(dim), 1, -1):long())
end

--- Turns one dimension of a tensor around: `flip([dst,] src, dim)`.
function M.flip(...)
  local dst, src, dim = destination('flip', ...)
  if not isTensor(src) then raise('flip: a tensor is needed, not a ' .. type(src)) end
  if type(dim) ~= 'number' or dim < 1 or dim > src:dim() or dim % 1 ~= 0 then
    raise(('flip: dimension %s of a tensor of %d dimensions'):format(tostring(dim), src:dim()))
  end
  return deliver(dst, mirror(src, dim))
end

--- Left becomes right: `hflip([dst,] src)`.
function M.hflip(...)
  local dst, src = destination('hflip', ...)
  picture('hflip', src)
  return deliver(dst, mirror(src, src:dim()))
end

--- Top becomes bottom: `vflip([dst,] src)`.
function M.vflip(...)
  local dst, src = destination('vflip', ...)
  picture('vflip', src)
  return deliver(dst, mirror(src, src:dim() - 1))
end

-- -- rotate, warp, affine -------------------------------------------------------------------------------------------

--- Turns a picture about its centre by an angle in radians, counter-clockwise; corners that come in are 0.
-- `rotate([dst,] src, theta, [mode])`, mode simple (the default), bilinear, bicubic or lanczos.
function M.rotate(...)
  local dst, src, theta, mode = destination('rotate', ...)
  local _, height, width = picture('rotate', src)
  theta = number('rotate', 'the angle', theta)
  local c, s, y, x = math.cos(theta), math.sin(theta), (height - 1) / 2, (width - 1) / 2
  local matrix = { c, s, y - c * y - s * x, -s, c, x + s * y - c * x }
  return deliver(dst, engine.affine(src, matrix, height, width, mode or 'simple', 'border'))
end

-- The rest of the arguments of warp and affinetransform: what stands between mode and edge differs.
local function edgeOf(op, edge, value)
  edge = edge or 'clamp'
  if edge ~= 'clamp' and edge ~= 'pad' then raise(('%s: the edge is %s, but clamp or pad is needed'):format(op, tostring(edge))) end
  if value ~= nil and edge ~= 'pad' then raise(op .. ': pad_value can only be specified if clamp_mode = "pad"') end
  return edge, value and number(op, 'the value', value)
end

--- Fetches each pixel from where a field (2,H,W) of rows and columns points.
-- `warp([dst,] src, field, [mode, offset, edge, value])`: mode bilinear (the default), simple, bicubic or lanczos; offset: the
-- field is relative to the pixel (the default); edge: clamp (the default) or pad with value (0).
function M.warp(...)
  local dst, src, field, mode, offset, edge, value = takes.beforeTwo('warp', ...)
  picture('warp', src)
  if offset == nil then offset = true end
  edge, value = edgeOf('warp', edge, value)
  return deliver(dst, engine.warp(src, field, offset and true or false, mode or 'bilinear', edge, value))
end

--- Transforms a picture about its centre by a matrix (2,2) for rows and columns, after moving it by a translation {y, x}.
-- `affinetransform([dst,] src, matrix, [mode, translation, edge, value])`, otherwise as `warp`.
function M.affinetransform(...)
  local dst, src, matrix, mode, translation, edge, value = takes.beforeTwo('affinetransform', ...)
  local _, height, width = picture('affinetransform', src)
  if not isTensor(matrix) or matrix:dim() ~= 2 or matrix:size(1) ~= 2 or matrix:size(2) ~= 2 then
    raise 'affinetransform: the matrix is a tensor of 2x2'
  end
  matrix = matrix:detach()
  local a, b, c, d = matrix[1][1], matrix[1][2], matrix[2][1], matrix[2][2]
  local ty, tx = 0, 0
  if translation then
    if isTensor(translation) then translation = translation:totable() end
    kinds.check('affinetransform', 'the translation', 'list', translation)
    ty, tx = number('affinetransform', 'the translation down', translation[1]),
      number('affinetransform', 'the translation to the right', translation[2])
  end
  local y, x = (height - 1) / 2, (width - 1) / 2
  edge, value = edgeOf('affinetransform', edge, value)
  return deliver(dst, engine.affine(src, { a, b, y - a * y - b * x - ty, c, d, x - c * y - d * x - tx }, height, width,
    mode or 'bilinear', edge, value))
end

-- -- polar ----------------------------------------------------------------------------------------------------------

local function polar(op, log)
  return function(...)
    local dst, src, interpolation, mode = destination(op, ...)
    local _, height, width = picture(op, src)
    interpolation, mode = interpolation or 'simple', mode or 'valid'
    if interpolation ~= 'simple' and interpolation ~= 'bilinear' then
      raise(('%s: the interpolation is %s, but simple or bilinear is needed'):format(op, tostring(interpolation)))
    end
    if mode ~= 'full' and mode ~= 'valid' then raise(('%s: mode is %s, but full or valid is needed'):format(op, tostring(mode))) end
    local h, w = math.max(height, width), math.max(height, width)
    if dst and dst:dim() >= 2 then h, w = dst:size(dst:dim() - 1), dst:size(dst:dim()) end
    return deliver(dst, engine.polar(src, h, w, mode == 'full', log, interpolation == 'bilinear'))
  end
end

--- A picture in polar coordinates: rows are angles, columns distances from the centre.
-- `polar([dst,] src, [interpolation, mode])`: simple (the default) or bilinear; up to the nearer side (valid, the default) or
-- to the corner (full). The size is that of dst, or a square of the longer side.
-- @function polar
M.polar = polar('polar', false)
--- The same with columns of equal steps of the distance's logarithm.
-- @function logpolar
M.logpolar = polar('logpolar', true)

return M
