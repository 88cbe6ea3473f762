--- The embedded data set: handwritten-looking digits, drawn from a seed.
-- @module tocha.data.digits
local torch = require 'tocha'
local strokes = require 'tocha.data.strokes'

local side = strokes.size
local test = 2 ^ 30 -- index of the first test image: training sets of any size never meet it

-- n images from index `first` on.
local function set(seed, first, n)
  local pixels, images, labels = {}, {}, {}
  for i = 1, n do
    labels[i] = string.char(strokes.draw(seed, first + i - 1, pixels) + 1)
    images[i] = string.char(unpack(pixels, 1, side * side))
  end
  local function bytes(list, ...)
    return torch.ByteTensor(torch.ByteStorage():string(table.concat(list)), 1, torch.LongStorage { n, ... })
  end
  return { data = bytes(images, 1, side, side), labels = bytes(labels) }
end

local function whole(options, name, default, least, most)
  local value = options[name] == nil and default or options[name]
  if type(value) ~= 'number' or value % 1 ~= 0 or value < least or value > most then
    error(('digits: %s must be a whole number from %d to %.0f, not %s'):format(name, least, most, tostring(value)), 3)
  end
  return value
end

--- Draws a training and a test set. A seed gives the same images on every machine, and a smaller set is the beginning of a
-- larger one.
-- @function digits
-- @tparam[opt] table options train (10000), test (2000): numbers of images; seed (1)
-- @treturn table training set: data, a ByteTensor (N,1,28,28), and labels, a ByteTensor (N) of 1..10 (1 is the digit 0)
-- @treturn table test set
return function(options)
  options = options or {}
  local seed = whole(options, 'seed', 1, 0, 2 ^ 53)
  local ntrain, ntest = whole(options, 'train', 10000, 1, 1e6), whole(options, 'test', 2000, 1, 1e6)
  return set(seed, 0, ntrain), set(seed, test, ntest)
end
