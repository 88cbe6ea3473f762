--- A grid of images as one picture.
-- @module tocha.train.grid
local torch = require 'tocha'
local image = require 'tocha.bindings.image'
local signed = require 'tocha.signed'
local raise = require 'tocha.bindings.own'.raise

--- Writes images as a grid to a PNG file.
-- @function grid
-- @tparam string path
-- @tparam tensor images (N,H,W) or (N,C,H,W) with C 1 or 3: bytes, or floats of which `low` becomes black and `high` white
-- @tparam[opt] table options columns (about the square root of N), pad (2 pixels), low (0), high (1)
local function grid(path, images, options)
  options = options or {}
  local n = images:dim()
  if n ~= 3 and n ~= 4 then raise(('grid: images are NxHxW or NxCxHxW, not a tensor of %d dimensions'):format(n)) end
  if n == 3 then images = images:view(images:size(1), 1, images:size(2), images:size(3)) end
  if images:nElement() == 0 then raise 'grid: there are no images' end
  local count, channels, height, width = images:size(1), images:size(2), images:size(3), images:size(4)
  if images:type() ~= 'torch.ByteTensor' then
    local low, high = options.low or 0, options.high or 1
    images = images:double():add(-low):mul(255 / (high - low)):clamp(0, 255):add(.5):floor():byte()
  end
  local columns, pad = options.columns or math.ceil(math.sqrt(count)), options.pad or 2
  if pad < 0 then raise(('grid: pad is %d, but it cannot be below 0'):format(pad)) end
  local rows = math.ceil(count / columns)
  local sheet = torch.ByteTensor(channels, rows * (height + pad) + pad, columns * (width + pad) + pad):fill(96)
  for k = 0, count - 1 do
    local y, x = math.floor(k / columns) * (height + pad) + pad + 1, k % columns * (width + pad) + pad + 1
    sheet:narrow(2, y, height):narrow(3, x, width):copy(images[k + 1])
  end
  local good, why = image.save(path, sheet, 'png')
  if not good then raise(why) end
end

return signed('grid', { 'path', 'string', 'images', 'tensor',
  'options', { columns = 'count?', pad = 'whole?', low = 'number?', high = 'number?' } }, grid)
