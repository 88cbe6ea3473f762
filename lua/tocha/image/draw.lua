--- Drawing on pictures (3,H,W): text and rectangles. As in Torch7, text counts columns and rows from 0, rectangles from 1;
-- colours are tables of red, green and blue from 0 to 255, whatever the type of the picture.
-- @module tocha.image.draw
local torch = require 'tocha'
local font = require 'tocha.train.font'
local check = require 'tocha.kinds'.check
local takes = require 'tocha.image.takes'

local M = {}
local cellWidth, cellHeight = 6, 8 -- of a letter of size 1, the space to the next one included

local optionKinds = { color = 'colour?', bg = 'colour?', size = 'number?', lineWidth = 'number?' }

local function canvas(op, src, options)
  takes.rgb(op, src)
  check(op, 'options', optionKinds, options)
  return options.inplace and src or src:clone()
end

-- A column or row: numbers between pixels are those before.
local function place(op, name, value, default)
  if value == nil then return default end
  return math.floor(takes.number(op, name, value))
end

local function scaleOf(picture) return picture:type() == 'torch.ByteTensor' and 1 or 1 / 255 end

-- Fills columns x1..x2 and rows y1..y2, as far as they are in the picture.
local function fill(picture, x1, y1, x2, y2, colour)
  x1, y1 = math.max(x1, 1), math.max(y1, 1)
  x2, y2 = math.min(x2, picture:size(3)), math.min(y2, picture:size(2))
  if x2 < x1 or y2 < y1 then return end
  local part, scale = picture:narrow(2, y1, y2 - y1 + 1):narrow(3, x1, x2 - x1 + 1), scaleOf(picture)
  for c = 1, 3 do part[c]:fill(colour[c] * scale) end
end

-- The dots of a glyph whose strokes run from dot to dot: a set of row * 6 + column.
local function dotsOf(strokes)
  local dots = {}
  local function dot(x, y) dots[math.min(y, cellHeight - 1) * cellWidth + x] = true end
  for stroke in strokes:gmatch '%d+' do
    local px, py
    for x, y in stroke:gmatch '(%d)(%d)' do
      x, y = tonumber(x), tonumber(y)
      local n = px and math.max(math.abs(x - px), math.abs(y - py)) or 0
      for k = 0, n do
        local share = n > 0 and k / n or 0
        dot(math.floor((px or x) + share * (x - (px or x)) + .5), math.floor((py or y) + share * (y - (py or y)) + .5))
      end
      px, py = x, y
    end
  end
  return dots
end

local glyphs = setmetatable({}, { __index = function(self, letter)
  self[letter] = dotsOf(font[letter] or font['?'])
  return self[letter]
end })

local function drawLetter(picture, x, y, letter, size, colour, background)
  if background then fill(picture, x, y, x + cellWidth * size - 1, y + cellHeight * size - 1, background) end
  for at in pairs(glyphs[letter]) do
    local left, top = x + at % cellWidth * size, y + math.floor(at / cellWidth) * size
    fill(picture, left, top, left + size - 1, top + size - 1, colour)
  end
end

--- Writes text with its upper left corner at column x and row y.
-- @tparam tensor src
-- @tparam string text lines are apart by "\n"
-- @tparam[opt=1] number x
-- @tparam[opt=1] number y
-- @tparam[opt] table options color ({255, 0, 0}), bg (none), size (1: letters of 5x7 dots), wrap (true: letters that would leave
-- the picture go to the next line), inplace
-- @treturn tensor src with the text in it, if options.inplace is set, else a copy
function M.drawText(src, text, x, y, options)
  options = options or {}
  local picture = canvas('drawText', src, options)
  local left, top, size = place('drawText', 'x', x, 1), place('drawText', 'y', y, 1), options.size or 1
  local background = options.bg and options.bg[1] >= 0 and options.bg or nil
  x, y = left, top
  for letter in tostring(text or ''):gmatch '.' do
    if letter == '\n' then x, y = left, y + size * cellHeight
    elseif letter ~= '\r' then
      if options.wrap ~= false and x + size * cellWidth >= picture:size(3) then x, y = 0, y + size * cellHeight end
      drawLetter(picture, x + 1, y + 1, letter, size, options.color or { 255, 0, 0 }, background)
      x = x + size * cellWidth
    end
  end
  return picture
end

--- Draws a rectangle through columns x1 and x2 and rows y1 and y2.
-- @tparam[opt] table options color ({255, 0, 0}), lineWidth (1), inplace
-- @treturn tensor src, if options.inplace is set, else a copy
function M.drawRect(src, x1, y1, x2, y2, options)
  options = options or {}
  local picture = canvas('drawRect', src, options)
  if not (x1 and y1 and x2 and y2) then return picture end
  x1, y1 = place('drawRect', 'x1', x1), place('drawRect', 'y1', y1)
  x2, y2 = place('drawRect', 'x2', x2), place('drawRect', 'y2', y2)
  local width, colour = options.lineWidth or 1, options.color or { 255, 0, 0 }
  local before = math.floor(width / 2)
  local after = width - before - 1
  for _, y in ipairs { y1, y2 } do fill(picture, x1 - before, y - before, x2 + after, y + after, colour) end
  for _, x in ipairs { x1, x2 } do fill(picture, x - before, y1 - before, x + after, y2 + after, colour) end
  return picture
end

--- A test picture (3,512,512): a landscape of gradients, discs, stripes and text, where Torch7 had a photograph.
function M.lena()
  local n = 512
  local x = torch.range(0, n - 1):view(1, n):expand(n, n):clone():div(n)
  local y = x:t():contiguous()
  local picture = torch.Tensor(3, n, n)
  for c = 1, 3 do picture[c]:copy(torch.mul(y, .3 * c - .2)):add(.9 - .2 * c):add(.1, torch.sin(torch.mul(x, 5 * c))) end
  local discs = { { .7, .25, .1, { 250, 220, 90 } }, { .3, .7, .2, { 60, 120, 70 } }, { .62, .8, .16, { 90, 60, 40 } } }
  for _, d in ipairs(discs) do
    local square = torch.square(torch.add(x, -d[1])):add(torch.square(torch.add(y, -d[2])))
    local inside, shade = square:lt(d[3] ^ 2), torch.add(y, .3):clamp(0, 1)
    for c = 1, 3 do picture[c][inside] = torch.mul(shade, d[4][c] / 255)[inside] end
  end
  for k = 0, 15 do fill(picture, 16 + 30 * k, 440, 30 + 30 * k, 480, { 16 * k, 255 - 16 * k, 128 }) end
  picture:clamp(0, 1):mul(255):add(.5):floor():div(255) -- as an image of bytes would be
  return M.drawText(picture, 'tocha', 20, 20, { size = 8, color = { 255, 255, 255 }, inplace = true })
end

--- The luminance of the test picture.
function M.fabio() return require 'tocha.image.colour'.rgb2y(M.lena())[1] end

return M
