--- IDX files and the MNIST layout of four of them in a folder.
-- @module tocha.data.idx
require 'tocha'
local file = require 'tocha.bindings.file'
local raise = require 'tocha.bindings.own'.raise

local idx = {}

--- The tensor in an IDX file, gzipped or not.
-- @tparam string path
-- @treturn tensor Byte, Char, Short, Int, Float or Double, as the file says
function idx.read(path)
  local tensor, why = file.readIdx(path)
  if not tensor then raise(why) end
  return tensor
end

local function exists(path)
  local handle = io.open(path, 'rb')
  if handle then handle:close() end
  return handle ~= nil
end

-- The path of `part`-images or `part`-labels in a folder: as distributed, with a dot, gzipped or not.
local function find(folder, part, what, dims)
  local names = {}
  for _, separator in ipairs { '-', '.' } do
    for _, ending in ipairs { '', '.gz' } do
      names[#names + 1] = ('%s-%s%sidx%d-ubyte%s'):format(part, what, separator, dims, ending)
    end
  end
  for _, name in ipairs(names) do
    if exists(folder .. '/' .. name) then return folder .. '/' .. name end
  end
  raise(('%s holds no MNIST data: neither %s nor %s is there'):format(folder, names[1], names[2]))
end

local function readPart(folder, part)
  local imagePath, labelPath = find(folder, part, 'images', 3), find(folder, part, 'labels', 1)
  local images, labels = idx.read(imagePath), idx.read(labelPath)
  local function refuse(path, why, ...) raise(path .. ': ' .. why:format(...)) end
  if images:dim() ~= 3 or images:type() ~= 'torch.ByteTensor' then
    refuse(imagePath, 'images are bytes in 3 dimensions, these are a %s in %d', images:type(), images:dim())
  end
  if labels:dim() ~= 1 or labels:type() ~= 'torch.ByteTensor' then
    refuse(labelPath, 'labels are bytes in 1 dimension, these are a %s in %d', labels:type(), labels:dim())
  end
  local n = images:size(1)
  if n == 0 then refuse(imagePath, 'there are no images in it') end
  if labels:size(1) ~= n then refuse(labelPath, '%d labels, but %s holds %d images', labels:size(1), imagePath, n) end
  if labels:max() > 9 then refuse(labelPath, 'a label is %d, but digits run from 0 to 9', labels:max()) end
  return { data = images:view(n, 1, images:size(2), images:size(3)), labels = labels:add(1) }
end

--- Reads the four files of MNIST (or of a set in its layout) from a folder.
-- @tparam string folder
-- @treturn table training set: data, a ByteTensor (N,1,H,W), and labels, a ByteTensor (N) of 1..10 (1 is the digit 0)
-- @treturn table test set
function idx.mnist(folder)
  local train, test = readPart(folder, 'train'), readPart(folder, 't10k')
  for d = 3, 4 do
    if train.data:size(d) ~= test.data:size(d) then
      raise(('%s: training images are %dx%d, test images %dx%d'):format(folder, train.data:size(3), train.data:size(4),
        test.data:size(3), test.data:size(4)))
    end
  end
  return train, test
end

local clothes = { 'T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot' }

--- Reads Fashion-MNIST, which has the files of MNIST.
-- @tparam string folder
-- @treturn table training set, with classes: the names of what labels 1..10 mean
-- @treturn table test set
function idx.fashionMnist(folder)
  local train, test = idx.mnist(folder)
  train.classes, test.classes = clothes, clothes
  return train, test
end

return idx
