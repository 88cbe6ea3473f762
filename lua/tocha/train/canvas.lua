--- A picture in memory to draw on: anti-aliased lines, rectangles, text; saved as PNG.
--
-- Coordinates are pixels from the top left corner, (0, 0) to (width, height); colours are tables of red, green, blue, 0..255.
-- @module tocha.train.canvas
local torch = require 'tocha'
local image = require 'tocha.bindings.image'
local raise = require 'tocha.bindings.own'.raise
local font = require 'tocha.train.font'

local floor, min, max, sqrt = math.floor, math.min, math.max, math.sqrt

local Canvas = {}
Canvas.__index = Canvas

--- A canvas of one colour (white by default).
function Canvas.new(width, height, colour)
  local self = setmetatable({ width = width, height = height, planes = { {}, {}, {} } }, Canvas)
  for c = 1, 3 do
    local plane, value = self.planes[c], colour and colour[c] or 255
    for i = 1, width * height do plane[i] = value end
  end
  return self
end

local function blend(self, i, colour, cover)
  local planes = self.planes
  for c = 1, 3 do
    local plane = planes[c]
    plane[i] = plane[i] + cover * (colour[c] - plane[i])
  end
end

-- A piece of a line: every pixel is covered by its distance from it.
local function piece(self, x1, y1, x2, y2, colour, radius)
  local dx, dy = x2 - x1, y2 - y1
  local scale = dx * dx + dy * dy
  scale = scale > 0 and 1 / scale or 0
  local reach = radius + .5
  for y = max(floor(min(y1, y2) - reach), 0), min(floor(max(y1, y2) + reach), self.height - 1) do
    for x = max(floor(min(x1, x2) - reach), 0), min(floor(max(x1, x2) + reach), self.width - 1) do
      local px, py = x + .5, y + .5
      local along = ((px - x1) * dx + (py - y1) * dy) * scale
      -- A pixel beyond an end belongs to the next piece, unless the piece is a dot.
      local t = min(max(along, 0), 1)
      local ex, ey = x1 + t * dx - px, y1 + t * dy - py
      local cover = min(max(reach - sqrt(ex * ex + ey * ey), 0), 1)
      local at = y * self.width + x + 1
      if cover > (self.mask[at] or 0) then self.mask[at] = cover end
    end
  end
end

--- Draws lines through points { x1, y1, x2, y2, ... }, `width` pixels wide (1).
function Canvas:line(points, colour, width)
  local radius, longest = (width or 1) / 2, 24
  self.mask = {} -- strongest cover per pixel, so that joints are not darker
  for k = 1, #points - 3, 2 do
    local x1, y1, x2, y2 = points[k], points[k + 1], points[k + 2], points[k + 3]
    local n = min(max(math.ceil(max(math.abs(x2 - x1), math.abs(y2 - y1)) / longest), 1), 10000)
    for j = 0, n - 1 do
      local a, b = j / n, (j + 1) / n
      piece(self, x1 + a * (x2 - x1), y1 + a * (y2 - y1), x1 + b * (x2 - x1), y1 + b * (y2 - y1), colour, radius)
    end
  end
  for at, cover in pairs(self.mask) do blend(self, at, colour, cover) end
end

--- A filled rectangle of whole pixels.
function Canvas:fill(x, y, width, height, colour, cover)
  for j = max(floor(y), 0), min(floor(y + height), self.height) - 1 do
    for i = max(floor(x), 0), min(floor(x + width), self.width) - 1 do blend(self, j * self.width + i + 1, colour, cover or 1) end
  end
end

--- A dot.
function Canvas:dot(x, y, colour, radius)
  self:line({ x, y, x, y }, colour, 2 * (radius or 2))
end

local step = 6 -- units from letter to letter

--- Width of a text in pixels.
function Canvas.textWidth(text, size) return (#tostring(text) * step - 2) * (size or 1.5) end

--- Writes text with its top left corner at (x, y); `size` pixels are one unit of the font. Upright if `turned` is set: then
-- (x, y) is the lower left corner, and the text runs upwards.
function Canvas:text(x, y, text, colour, size, turned)
  size, text = size or 1.5, tostring(text)
  for k = 1, #text do
    local left = (k - 1) * step
    for stroke in (font[text:sub(k, k)] or font['?']):gmatch '%d+' do
      local points = {}
      for px, py in stroke:gmatch '(%d)(%d)' do
        local u, v = (left + px) * size, py * size
        points[#points + 1] = turned and x + v or x + u
        points[#points + 1] = turned and y - u or y + v
      end
      self:line(points, colour, max(1, size * .8))
    end
  end
end

--- The picture as a ByteTensor (3, height, width).
function Canvas:tensor()
  local rows = {}
  for c = 1, 3 do
    local plane = self.planes[c]
    for y = 0, self.height - 1 do
      local row = {}
      for x = 1, self.width do row[x] = string.char(floor(min(max(plane[y * self.width + x], 0), 255) + .5)) end
      rows[#rows + 1] = table.concat(row)
    end
  end
  return torch.ByteTensor(torch.ByteStorage():string(table.concat(rows)), 1, torch.LongStorage { 3, self.height, self.width })
end

--- Writes the picture as PNG.
function Canvas:save(path)
  local good, why = image.save(path, self:tensor(), 'png')
  if not good then raise(why) end
end

return Canvas
