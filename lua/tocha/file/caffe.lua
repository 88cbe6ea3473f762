--- The layers of a network that Caffe wrote (.caffemodel): Google's protocol buffers, of which the fields that say how a network
-- for pictures is made are read, in both forms that the format has had.
-- @module tocha.file.caffe
local torch = require 'tocha'
local bytes = require 'tocha.bindings.bytes'
local dtype = require 'tocha.bindings.dtype'
local file = require 'tocha.bindings.file'
local own = require 'tocha.bindings.own'

local raise = own.raise

-- -- messages -------------------------------------------------------------------------------------------------------------

-- A place in the file: source, at (bytes before it), stop (where its message ends). Errors are tables {why}, caught in `read`.
local function fail(why) error({ why }, 0) end

local function varint(place)
  local value, scale = 0, 1
  for _ = 1, 10 do
    if place.at >= place.stop then fail 'truncated' end
    local byte = place.source[place.at + 1]
    place.at = place.at + 1
    value = value + byte % 128 * scale
    if byte < 128 then return value end
    scale = scale * 128
  end
  fail 'damaged: a number has no end'
end

-- The next field of a message: its number and its value: a number, or a place inside for what has a length.
local function field(place)
  local key = varint(place)
  local number, kind = math.floor(key / 8), key % 8
  if number == 0 then fail 'no .caffemodel file, or damaged' end
  if kind == 0 then return number, varint(place) end
  local length = kind == 2 and varint(place) or kind == 5 and 4 or kind == 1 and 8
  if not length then fail 'no .caffemodel file, or damaged' end
  if length > place.stop - place.at then fail 'truncated' end
  local inside = { source = place.source, at = place.at, stop = place.at + length }
  place.at = inside.stop
  if kind == 5 then return number, bytes.decode.Float(file.text(inside.source, inside.at, 4)) end
  return number, inside
end

local function text(place)
  if type(place) ~= 'table' then fail 'damaged: a name is none' end
  return (file.text(place.source, place.at, place.stop - place.at):gsub('%c', '?'))
end

local largest = 2 ^ 31 - 1 -- of a size

-- A size, also the first of several.
local function whole(value)
  if type(value) ~= 'number' then value = varint(value) end
  if value % 1 ~= 0 or value < 0 or value > largest then fail(('damaged: %.17g is no size'):format(value)) end
  return value
end

local function real(value)
  if type(value) ~= 'number' or value ~= value or math.abs(value) == math.huge then fail 'damaged: an option is no number' end
  return value
end

local reals = { alpha = true, beta = true, k = true, ratio = true, slope = true }

-- The fields of a message that `names` knows (number -> name), as numbers; of a repeated one the first.
local function numbers(place, names)
  if type(place) ~= 'table' then fail 'damaged: the options of a layer are none' end
  local values = {}
  while place.at < place.stop do
    local key, value = field(place)
    local name = names[key]
    if name then values[name] = values[name] or (reals[name] and real or whole)(value) end
  end
  return values
end

local function sizesOf(place)
  local sizes = {}
  while place.at < place.stop do
    local key, value = field(place)
    if key == 1 and type(value) == 'table' then
      while value.at < value.stop and #sizes <= 16 do sizes[#sizes + 1] = whole(varint(value)) end
    elseif key == 1 then sizes[#sizes + 1] = whole(value) end
    if #sizes > 16 then fail 'damaged: a tensor of more than 16 dimensions' end
  end
  return sizes
end

-- A tensor; older files have four sizes apart.
local function blob(place)
  if type(place) ~= 'table' then fail 'damaged: a tensor is none' end
  local old, sizes, data = { 0, 0, 0, 0 }, nil, nil
  while place.at < place.stop do
    local key, value = field(place)
    if key <= 4 and type(value) == 'number' then old[key] = whole(value)
    elseif key == 5 and type(value) == 'table' then data = value
    elseif key == 7 and type(value) == 'table' then sizes = sizesOf(value) end
  end
  sizes = sizes or old
  local count = 1
  for _, n in ipairs(sizes) do count = count * n end
  if not data or #sizes == 0 or (data.stop - data.at) ~= 4 * count then
    fail(('damaged: a tensor of %s has %d bytes'):format(table.concat(sizes, 'x'), data and data.stop - data.at or 0))
  end
  return file.tensorOn(data.source, dtype.Float, sizes, data.at)
end

-- -- layers ---------------------------------------------------------------------------------------------------------------

local options = {
  convolution = { [1] = 'planes', [3] = 'pad', [4] = 'kernel', [5] = 'group', [6] = 'stride', [9] = 'padH', [10] = 'padW',
                  [11] = 'kernelH', [12] = 'kernelW', [13] = 'strideH', [14] = 'strideW', [18] = 'dilation' },
  pooling = { [1] = 'method', [2] = 'kernel', [3] = 'stride', [4] = 'pad', [5] = 'kernelH', [6] = 'kernelW', [7] = 'strideH',
              [8] = 'strideW', [9] = 'padH', [10] = 'padW', [12] = 'all' },
  linear = { [1] = 'outputs', [6] = 'transposed' },
  response = { [1] = 'size', [2] = 'alpha', [3] = 'beta', [4] = 'within', [5] = 'k' },
  dropout = { [1] = 'ratio' },
  relu = { [1] = 'slope' },
}

-- Where the two forms of a layer have their fields.
local forms = {
  [2] = { name = 4, type = 5, blobs = 6, options = { [10] = 'convolution', [12] = 'dropout', [17] = 'linear', [18] = 'response',
                                                    [19] = 'pooling', [30] = 'relu' } },
  [100] = { name = 1, type = 2, blobs = 7, options = { [106] = 'convolution', [108] = 'dropout', [117] = 'linear',
                                                      [118] = 'response', [121] = 'pooling', [123] = 'relu' } },
}

-- The older form's types by number.
local types = { [1] = 'Accuracy', [3] = 'Concat', [4] = 'Convolution', [5] = 'Data', [6] = 'Dropout', [8] = 'Flatten',
  [12] = 'ImageData', [14] = 'InnerProduct', [15] = 'LRN', [17] = 'Pooling', [18] = 'ReLU', [19] = 'Sigmoid', [20] = 'Softmax',
  [21] = 'SoftmaxWithLoss', [22] = 'Split', [23] = 'TanH', [25] = 'Eltwise' }

local function layer(place, form)
  local made = { name = '', type = '', blobs = {} }
  while place.at < place.stop do
    local key, value = field(place)
    if key == form.name then made.name = text(value)
    elseif key == form.type then made.type = type(value) == 'number' and (types[value] or 'number ' .. value) or text(value)
    elseif key == form.blobs then made.blobs[#made.blobs + 1] = blob(value)
    elseif form.options[key] then made[form.options[key]] = numbers(value, options[form.options[key]]) end
  end
  return made
end

local function layers(source)
  local place, list = { source = source, at = 0, stop = source:size() }, {}
  while place.at < place.stop do
    local key, value = field(place)
    if forms[key] and type(value) == 'table' then
      list[#list + 1] = layer(value, forms[key])
      list.old = list.old or key == 2 or nil
    end
  end
  if #list == 0 then fail 'there are no layers in it' end
  return list
end

--- The layers of a .caffemodel file, in order. Their tensors lie on the file itself where that is possible, mapped.
-- @tparam string path
-- @treturn {table,...} name, type ('Convolution' ...), blobs (weights, then biases), and the options of its kind: convolution,
-- pooling, linear, response, dropout, relu; `old`: whether the file has the older form
return function(path)
  if type(path) ~= 'string' then raise('caffe: the name of the file is a ' .. torch.type(path)) end
  local source = torch.ByteStorage(path)
  local good, list = pcall(layers, source)
  if good then return list end
  raise(('%s: %s'):format(path, type(list) == 'table' and list[1] or tostring(list):gsub('^.-:%d+: ', '')))
end
