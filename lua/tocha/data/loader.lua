--- Batches of pictures, decoded and changed at random by threads of the engine while Lua trains.
--
--     local set = data.fromFolder 'flowers'
--     local loader = data.DataLoader(set, { batch = 32, height = 64, width = 64, shuffle = true, workers = 2,
--                                           augment = { rotation = 20, hflip = true } })
--     for input, target, samples in loader:batches() do ... end
--
-- A batch is a FloatTensor (n,C,H,W) and the labels (LongTensor) of its samples. What is drawn depends on the seed, the epoch
-- and the sample alone, so a run is the same with any number of workers.
-- @module tocha.data.loader
local torch = require 'tocha'
local engine = require 'tocha.bindings.data'
local codec = require 'tocha.bindings.image'
local files = require 'tocha.data.files'
local sets = require 'tocha.data.sets'
local signed = require 'tocha.signed'
local raise = require 'tocha.bindings.own'.raise

local DataLoader = {}
DataLoader.__index = DataLoader

local fills = { constant = 0, nearest = 1, reflect = 2, wrap = 3 }

-- Options of `augment`, as the engine takes them: the value, or a function of it that gives name and value.
local augmentations = {
  rotation = true, width_shift = true, height_shift = true, shear = true, hflip = true, vflip = true, crop = true,
  brightness = true, contrast = true, saturation = true, hue = true, cutout = true, fill_value = true, area = true, ratio = true,
  zoom = function(value) return 'zoom', type(value) == 'number' and { 1 - value, 1 + value } or value end,
  fill = function(value)
    return 'fill', fills[value] or raise(('DataLoader: fill is %s, but constant, nearest, reflect or wrap is needed'):format(
      tostring(value)))
  end,
}

local known = { batch = 1, shuffle = 1, workers = 1, prefetch = 1, seed = 1, height = 1, width = 1, planes = 1, cover = 1,
                upright = 1, mean = 1, deviation = 1, scale = 1, augment = 1, skip = 1, dropLast = 1 }

local function checkNames(options)
  for name in pairs(options) do
    if not known[name] then raise(('DataLoader: there is no option %s'):format(tostring(name))) end
  end
  for name in pairs(options.augment or {}) do
    if not augmentations[name] then raise(('DataLoader: there is no augmentation %s'):format(tostring(name))) end
  end
end

-- Sizes of the first picture that can be read.
local function firstSize(source)
  local names = source.names:storage():string()
  for i = 1, math.min(source.index:size(1), 100) do
    local at = source.index[i]
    local bytes = source.blob and source.blob:narrow(1, at[2] + 1, at[3])
      or files.part(names:match('[^%z]*', at[4] + 1), at[2], at[3])
    local size = bytes and codec.size(bytes)
    if size then return size end
  end
  raise 'DataLoader: say the height and width of samples: they cannot be read from the first picture'
end

-- A number for each plane, from one for all or a list.
local function three(name, value)
  if type(value) == 'number' then return { value, value, value } end
  if #value ~= 1 and #value ~= 3 then raise(('DataLoader: %s has 1 or 3 numbers, not %d'):format(name, #value)) end
  return { value[1], value[2] or value[1], value[3] or value[1] }
end

local function configure(self, set, options)
  local images = set.data
  local size = images and { height = images:size(3), width = images:size(4), channels = images:size(2) }
    or not (options.height and options.width) and firstSize(set.source) or {}
  local settings = { seed = options.seed or 1, height = options.height or size.height, width = options.width or size.width,
                     planes = options.planes or (images and size.channels) or 3, cover = options.cover, upright = options.upright,
                     scale = options.scale, mean = options.mean and three('mean', options.mean),
                     deviation = options.deviation and three('deviation', options.deviation) }
  for name, value in pairs(settings) do self.engine:set(name, value) end
  for name, value in pairs(options.augment or {}) do
    local option = augmentations[name]
    if option == true then self.engine:set(name, value) else self.engine:set(option(value)) end
  end
end

--- A loader of a set: pictures from files (`data.fromFolder`) or tensors (N,C,H,W), bytes or floats from 0 to 255.
-- @tparam table set
-- @tparam[opt] table options
--
-- - batch (32), shuffle (false), dropLast (false): no smaller last batch; seed (1)
-- - workers (1): threads; 0: the batches are made when asked for. prefetch (4): batches made ahead
-- - height, width: of the samples (those of the first picture); cover (false): keep the proportions and cut off what is too
--   much, not stretch; planes (3): or 1; upright (true): follow orientation tags
-- - scale (1/255), mean (0), deviation (1), numbers or one for each plane: result = (scale * value - mean) / deviation
-- - skip (false): leave samples that cannot be read out, and count them, instead of failing
-- - augment: drawn for each sample: rotation and shear (degrees either way), width_shift and height_shift (shares), zoom (share,
--   or {from, to}), hflip, vflip, fill ('nearest', 'constant', 'reflect', 'wrap') and fill_value (0 to 255), as in Keras's
--   ImageDataGenerator; crop (pixels to move by); area ({from, to}, a box of this share) and ratio ({from, to}, of its width to its
--   height); brightness, contrast, saturation (shares), hue (share of the circle); cutout (side in pixels)
function DataLoader.new(set, options)
  options = options or {}
  checkNames(options)
  if set.data and (set.data:dim() ~= 4) then raise 'DataLoader: data must be a tensor of NxCxHxW' end
  local self = setmetatable({ set = set, options = options, count = sets.size(set), batch = options.batch or 32,
                              shuffle = options.shuffle or false, workers = options.workers or 1,
                              prefetch = options.prefetch or 4, seed = options.seed or 1, skip = options.skip or false,
                              dropLast = options.dropLast or false, epoch = 0 }, DataLoader)
  self.engine = engine.loader(set.source or { images = set.data })
  configure(self, set, options)
  return self
end

--- The number of samples.
function DataLoader:size() return self.count end

--- The number of batches of an epoch.
function DataLoader:steps()
  return (self.dropLast and math.floor or math.ceil)(self.count / self.batch)
end

local function order(self)
  local generator = torch.Generator()
  torch.manualSeed(generator, (self.seed * 1000003 + self.epoch) % 2 ^ 32)
  local all = self.shuffle and torch.randperm(generator, self.count):long() or torch.range(1, self.count):long()
  return self.dropLast and self:steps() > 0 and all:narrow(1, 1, self:steps() * self.batch) or all
end

--- Iterates over one epoch.
-- @tparam[opt] number epoch the one after the last by default
-- @treturn function iterator that gives input, target (LongTensor, nil without labels) and the numbers of the samples
function DataLoader:batches(epoch)
  self.epoch = epoch or self.epoch + 1
  self.engine:begin(order(self), self.epoch, self.batch, self.workers, self.prefetch, self.skip)
  return function()
    local input, samples = self.engine:next()
    if not input then return nil end
    return input, self.set.labels and self.set.labels:index(1, samples), samples
  end
end

--- How many samples were left out since the loader was made, and a list of why (the first hundred).
function DataLoader:skipped() return self.engine:skipped() end

--- Ends the threads; the loader is of no use afterwards. The collector does the same, later.
function DataLoader:close() self.engine:close() end

--- Writes the first pictures of an epoch, as the network will see them, with their classes to a PNG file.
-- @tparam string path
-- @tparam[opt=25] number count
-- @tparam[opt=1] number epoch
function DataLoader:peek(path, count, epoch)
  return require 'tocha.data.peek'(self, path, count, epoch)
end

--- All samples in one tensor, in order and unchanged: for sets that fit in memory.
-- @treturn table set with data, a ByteTensor (N,C,H,W), labels and classes
-- @treturn number how many samples were left out, as option skip allows
-- @treturn table why
function DataLoader:load()
  local plain = { scale = 1 }
  for _, name in ipairs { 'batch', 'workers', 'prefetch', 'height', 'width', 'planes', 'cover', 'upright', 'skip' } do
    plain[name] = self.options[name]
  end
  local loader, n, all, samples = DataLoader.new(self.set, plain), 0, nil, {}
  for input, _, numbers in loader:batches() do
    all = all or torch.ByteTensor(self.count, input:size(2), input:size(3), input:size(4))
    all:narrow(1, n + 1, input:size(1)):copy(input:add(.5))
    samples[#samples + 1] = numbers
    n = n + input:size(1)
  end
  if n == 0 then raise 'DataLoader: no picture could be read' end
  local labels = self.set.labels and self.set.labels:index(1, torch.cat(samples, 1))
  return { data = all:narrow(1, 1, n), labels = labels, classes = self.set.classes }, loader:skipped()
end

DataLoader.new = signed('DataLoader', { 'set', 'set', 'options', {
  batch = 'whole?', shuffle = 'boolean?', dropLast = 'boolean?', seed = 'whole?', workers = 'whole?', prefetch = 'whole?',
  skip = 'boolean?', mean = 'numbers?', deviation = 'numbers?', augment = {},
} }, DataLoader.new)
DataLoader.batches = signed('batches', { 'loader', 'table', 'epoch', 'whole?' }, DataLoader.batches)

return setmetatable(DataLoader, { __call = function(_, ...) return DataLoader.new(...) end })
