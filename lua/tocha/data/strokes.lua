--- Draws one handwritten-looking digit: a glyph bent by a random affine and elastic warp, stroked and anti-aliased.
--
-- Random numbers are Marsaglia's xorshift128 (Journal of Statistical Software 8, 2003), seeded by (seed, index) alone, and
-- beyond them only + - * / and square roots are used, so an image is the same on every machine and in any order.
-- @module tocha.data.strokes
local bit = require 'bit'
local glyphs = require 'tocha.data.glyphs'

local bxor, lshift, rshift, tobit = bit.bxor, bit.lshift, bit.rshift, bit.tobit
local floor, sqrt, min, max = math.floor, math.sqrt, math.min, math.max

local strokes = { size = 28 }
local size = strokes.size
local grid = 5 -- knots of the elastic warp along each side

-- -- random numbers -----------------------------------------------------------------------------------------------

local x, y, z, w = 1, 2, 3, 4

local function nextBits()
  local t = bxor(x, lshift(x, 11))
  x, y, z = y, z, w
  w = bxor(w, rshift(w, 19), t, rshift(t, 8))
  return w
end

local function uniform(a, b) return a + (b - a) * ((nextBits() % 4294967296) / 4294967296) end

-- Nearly normal, within 3.46 deviations: a sum of four uniform numbers.
local function normal(deviation)
  return deviation * 1.7320508075688772 * (uniform(-1, 1) + uniform(-1, 1) + uniform(-1, 1) + uniform(-1, 1)) / 2
end

local function begin(seed, index)
  x = bxor(tobit(seed % 4294967296), 0x6c078965)
  y = bxor(tobit(floor(seed / 4294967296) % 4294967296), 0x3f4a7c15)
  z = tobit(index)
  w = bxor(tobit(index * 40503), 0x1f123bb5)
  for _ = 1, 24 do nextBits() end
end

-- -- the pen's path -----------------------------------------------------------------------------------------------

-- Cubic through p1 and p2 with the slopes of Catmull and Rom (1974), at t in 0..1.
local function spline(p0, p1, p2, p3, t)
  return p1 + t / 2 * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
end

local steps = 4 -- pieces of a curve between two points

-- Appends the segments of a stroke to `path`, four numbers each; every point of the glyph moves by `shake`.
local function follow(stroke, shake, path, n)
  local px, py, count = {}, {}, #stroke / 2
  for i = 1, count do
    px[i] = stroke[2 * i - 1] + normal(shake)
    py[i] = stroke[2 * i] + normal(shake)
  end
  local pieces = stroke.straight and 1 or steps
  for i = 1, count - 1 do
    local before, after = max(i - 1, 1), min(i + 2, count)
    local ax, ay = px[i], py[i]
    for k = 1, pieces do
      local bx, by = px[i + 1], py[i + 1]
      if k < pieces then
        bx = spline(px[before], px[i], px[i + 1], px[after], k / pieces)
        by = spline(py[before], py[i], py[i + 1], py[after], k / pieces)
      end
      path[n + 1], path[n + 2], path[n + 3], path[n + 4] = ax, ay, bx, by
      n, ax, ay = n + 4, bx, by
    end
  end
  return n
end

-- -- the warp -----------------------------------------------------------------------------------------------------

local bendX, bendY = {}, {}

-- Displacement of a point by the knots around it, linear between them.
local function bend(knots, u, v)
  u, v = min(max(u, 0), .9999) * (grid - 1), min(max(v, 0), .9999) * (grid - 1)
  local i, j = floor(u), floor(v)
  local fu, fv, at = u - i, v - j, j * grid + i + 1
  return (1 - fv) * ((1 - fu) * knots[at] + fu * knots[at + 1])
    + fv * ((1 - fu) * knots[at + grid] + fu * knots[at + grid + 1])
end

-- Bends the path, then maps it to pixels: slant, rotation, scale and place of the digit.
local function warp(path, n)
  for k = 1, grid * grid do bendX[k], bendY[k] = normal(.035), normal(.035) end
  local s = normal(.17)                               -- sine of the rotation
  local c = sqrt(1 - s * s)
  local slant, height, width = normal(.20) - .10, uniform(15, 20.5), uniform(10.5, 17.5)
  local x0, y0 = 13.5 + normal(1.1), 13.5 + normal(1.1)
  for k = 1, n, 2 do
    local u, v = path[k], path[k + 1]
    local a = (u + bend(bendX, u, v) - .5 - slant * (v - .5)) * width
    local b = (v + bend(bendY, u, v) - .5) * height
    path[k], path[k + 1] = x0 + c * a - s * b, y0 + s * a + c * b
  end
end

-- -- ink ----------------------------------------------------------------------------------------------------------

local ink, path = {}, {}

-- Darkens the pixels around one segment: full within `radius` of it, fading over one pixel.
local function stroke(ax, ay, bx, by, radius)
  local reach = radius + .6
  local dx, dy = bx - ax, by - ay
  local scale = dx * dx + dy * dy
  scale = scale > 1e-9 and 1 / scale or 0
  local left, right = max(floor(min(ax, bx) - reach), 0), min(floor(max(ax, bx) + reach) + 1, size - 1)
  local top, bottom = max(floor(min(ay, by) - reach), 0), min(floor(max(ay, by) + reach) + 1, size - 1)
  for j = top, bottom do
    for i = left, right do
      local t = min(max(((i - ax) * dx + (j - ay) * dy) * scale, 0), 1)
      local ex, ey = ax + t * dx - i, ay + t * dy - j
      local cover = min(reach - sqrt(ex * ex + ey * ey), 1)
      local at = j * size + i + 1
      if cover > ink[at] then ink[at] = cover end
    end
  end
end

--- Draws image `index` of a seed.
-- @tparam number seed 0 to 2^53
-- @tparam number index 0 to 2^31 - 1
-- @tparam table pixels receives 784 numbers 0..255, row by row
-- @treturn number the digit, 0 to 9
function strokes.draw(seed, index, pixels)
  begin(seed, index)
  local digit = floor(uniform(0, 10))
  local variants = glyphs[digit + 1]
  local variant = variants[floor(uniform(1, #variants + 1))]
  local shake = uniform(.008, .028)
  local n = 0
  for k = 1, #variant do n = follow(variant[k], shake, path, n) end
  warp(path, n)
  for k = 1, size * size do ink[k] = 0 end
  local radius, drift = uniform(.55, 1.5), normal(.004)
  for k = 1, n, 4 do
    stroke(path[k], path[k + 1], path[k + 2], path[k + 3], max(radius + drift * (k - n / 2), .4))
  end
  local black, grain = uniform(190, 255), uniform(2, 26)
  for k = 1, size * size do
    pixels[k] = floor(min(max(ink[k] * black + grain * uniform(-1, 1), 0), 255))
  end
  return digit
end

return strokes
