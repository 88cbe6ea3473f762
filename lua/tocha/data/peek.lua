--- A contact sheet of what a loader gives: the pictures as the network will see them, with their classes.
-- @module tocha.data.peek
local torch = require 'tocha'
local image = require 'tocha.image'

local least, caption, gap = 96, 12, 4 -- pixels: side of a picture, height of a line, space between two

local function numberOf(value, c, default)
  if type(value) == 'table' then return value[math.min(c, #value)] end
  return value or default
end

-- A sample as bytes (3,h,w), at least `least` wide, its normalisation undone.
local function picture(sample, options)
  local x = sample:double()
  for c = 1, x:size(1) do x[c]:mul(numberOf(options.deviation, c, 1)):add(numberOf(options.mean, c, 0)) end
  x:mul(1 / (255 * (options.scale or 1 / 255)))
  local factor = math.max(1, math.ceil(least / math.max(x:size(2), x:size(3))))
  x = image.scale(x:clamp(0, 1), x:size(3) * factor, x:size(2) * factor, 'simple')
  if x:size(1) ~= 3 then x = x:narrow(1, 1, 1):expand(3, x:size(2), x:size(3)) end
  return torch.mul(x, 255):add(.5):floor():byte()
end

--- Writes the sheet.
-- @tparam table loader a DataLoader
-- @tparam string path of a PNG
-- @tparam[opt=25] number count of pictures
-- @tparam[opt=1] number epoch
return function(loader, path, count, epoch)
  local tiles, names = {}, {}
  count = math.min(count or 25, loader:size())
  for input, target in loader:batches(epoch or 1) do
    for i = 1, math.min(input:size(1), count - #tiles) do
      tiles[#tiles + 1] = picture(input[i], loader.options)
      local label = target and target[i]
      names[#tiles] = label and ((loader.set.classes or {})[label] or tostring(label)) or ''
    end
    if #tiles == count then break end
  end
  local columns = math.ceil(math.sqrt(#tiles))
  local height, width = tiles[1]:size(2) + caption + gap, tiles[1]:size(3) + gap
  local sheet = torch.ByteTensor(3, math.ceil(#tiles / columns) * height + gap, columns * width + gap):fill(255)
  for k, tile in ipairs(tiles) do
    local y, x = math.floor((k - 1) / columns) * height + gap, (k - 1) % columns * width + gap
    sheet:narrow(2, y + 1, tile:size(2)):narrow(3, x + 1, tile:size(3)):copy(tile)
    local text = names[k]:sub(1, math.floor(tile:size(3) / 6))
    image.drawText(sheet, text, x, y + tile:size(2) + 2, { color = { 0, 0, 0 }, inplace = true, wrap = false })
  end
  image.save(path, sheet)
end
