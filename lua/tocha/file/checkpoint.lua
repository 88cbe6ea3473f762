--- The tensors in what PyTorch's torch.save wrote: zip archives, and the older plain files. No code in them is run.
-- @module tocha.file.checkpoint
local torch = require 'tocha'
local bytes = require 'tocha.bindings.bytes'
local dtype = require 'tocha.bindings.dtype'
local file = require 'tocha.bindings.file'
local pickle = require 'tocha.file.pickle'
local own = require 'tocha.bindings.own'
local zip = require 'tocha.bindings.zip'

local raise = own.raise

local types = { Float = 'Float', Double = 'Double', Half = 'Half', BFloat16 = 'BFloat16', Long = 'Long', Int = 'Int',
                Short = 'Short', Char = 'Char', Byte = 'Byte', Bool = 'Byte' }

local function whole(value) return type(value) == 'number' and value >= 0 and value % 1 == 0 and value < 2 ^ 53 end

local function wholes(list)
  if not pickle.isList(list) or list.n > 16 then return nil end
  for i = 1, list.n do
    if not whole(list[i]) then return nil end
  end
  return list
end

-- (storage, offset, sizes, strides, ...)
local function rebuild(args)
  local storage, offset, sizes, strides = args[1], args[2], wholes(args[3]), wholes(args[4])
  if type(storage) ~= 'table' or not storage.elements or not whole(offset) or not sizes or not strides or sizes.n ~= strides.n then
    return nil
  end
  local last, count = offset, 1
  for d = 1, sizes.n do
    last, count = last + (sizes[d] - 1) * strides[d], count * sizes[d]
  end
  if count > 0 and last >= storage.count then return nil, 'a tensor reaches beyond its storage' end
  return { storage = storage, offset = offset, sizes = sizes, strides = strides, count = count }
end

local known = {
  ['torch._utils._rebuild_tensor_v2'] = rebuild, ['torch._utils._rebuild_tensor'] = rebuild,
  ['torch._utils._rebuild_parameter'] = function(args) return args[1] end,
  ['collections.OrderedDict'] = function() return { keys = {}, values = {} } end,
  ['torch.Size'] = function(args) return args[1] end,
}
for name in pairs(types) do known[('torch.%sStorage'):format(name)] = types[name] end

-- The function that makes storages of ('storage', type, key, place, count[, view]); `sources` receives them by their keys.
local function storages(sources, fetch)
  return function(id)
    if not pickle.isList(id) or id[1] ~= 'storage' or not pickle.isGlobal(id[2]) or not whole(id[5]) then
      return nil, 'a reference is no storage'
    end
    local key, row = tostring(id[3]), dtype[id[2].call]
    if not row then return nil, ('elements of %s cannot be read'):format(id[2].global) end
    if not sources[key] then
      sources[key] = { elements = row, count = id[5] }
      if fetch then
        local source = fetch(key)
        if not source then return nil, ('the data of storage %s are missing'):format(key) end
        if source:nElement() < id[5] * row.bytes then return nil, ('the data of storage %s are truncated'):format(key) end
        sources[key].bytes = source
      end
    elseif sources[key].elements ~= row then return nil, ('storage %s has two types'):format(key) end
    return sources[key]
  end
end

local function tensorOf(plan)
  local s = plan.storage
  s.tensor = s.tensor or bytes.tensor(s.elements, { s.count }, s.bytes, s.skip or 0)
  if not s.tensor then return nil end
  if plan.count == 0 then return s.tensor.new() end
  if plan.sizes.n == 0 then return bytes.tensor(s.elements, {}, s.bytes, (s.skip or 0) + plan.offset * s.elements.bytes) end
  local sizes, strides = {}, {}
  for d = 1, plan.sizes.n do sizes[d], strides[d] = plan.sizes[d], math.max(plan.strides[d], 1) end
  return s.tensor.new(s.tensor:storage(), plan.offset + 1, torch.LongStorage(sizes), torch.LongStorage(strides))
end

local deepest = 100

-- Lua's values for what a pickle holds; a value that occurs twice is one table.
local function plain(value, seen, depth)
  if type(value) ~= 'table' then return value end
  if depth > deepest then raise(('readCheckpoint: tables are nested deeper than %d'):format(deepest)) end
  if value == pickle.none then return nil end
  if seen[value] ~= nil then return seen[value] end
  if value.storage then
    seen[value] = tensorOf(value)
    return seen[value]
  end
  local out = {}
  seen[value] = out
  if pickle.isDictionary(value) then
    for i, key in ipairs(value.keys) do
      if type(key) == 'string' or type(key) == 'number' and key == key then out[key] = plain(value.values[i], seen, depth + 1) end
    end
  elseif pickle.isList(value) then
    for i = 1, value.n do out[i] = plain(value[i], seen, depth + 1) end
  end
  return out
end

local function fromZip(path)
  local entries, why = zip.read(path)
  if not entries then return nil, why end
  local found, source = {}, nil
  for _, entry in ipairs(entries) do
    local name = entry[1]:match '^[^/]*/(.*)$' or entry[1]
    if name == 'data.pkl' then source = entry[2]
    elseif name == 'byteorder' and bytes.text(entry[2], 0, math.min(entry[2]:nElement(), 6)) ~= 'little' then
      return nil, path .. ': its numbers are in another byte order'
    else found[name] = entry[2] end
  end
  if not source then return nil, path .. ': there is no data.pkl in it: PyTorch did not write it' end
  local value
  value, why = pickle.read(bytes.text(source, 0, source:nElement()), 1, known,
    storages({}, function(key) return found['data/' .. key] end))
  if value == nil then return nil, ('%s: %s'):format(path, why) end
  return value
end

-- Before version 1.6: pickles of a magic number, a version, the system, the object and the keys, then counts and elements.
local function fromPlain(path, source)
  local text = bytes.text(source, 0, source:nElement())
  local at, sources, parts = 1, {}, {}
  for k = 1, 5 do
    local value, why = pickle.read(text, at, known, k == 4 and storages(sources) or nil)
    if value == nil then return nil, ('%s: %s'):format(path, why) end
    parts[k], at = value, why
  end
  if not pickle.isList(parts[5]) then return nil, path .. ': the list of its storages is missing' end
  for i = 1, parts[5].n do
    local s = sources[tostring(parts[5][i])]
    local count = at + 7 <= #text and tonumber(bytes.decode.Long(text:sub(at, at + 7)))
    if not s or count ~= s.count or at + 7 + count * s.elements.bytes > #text then
      return nil, path .. ': truncated or damaged: the data of a storage do not fit'
    end
    s.bytes, s.skip = source, at + 7
    at = at + 8 + count * s.elements.bytes
  end
  for _, s in pairs(sources) do
    if not s.bytes then return nil, path .. ': the data of a storage are missing' end
  end
  return parts[4]
end

local checkpoint = {}

--- Whether bytes begin a file of PyTorch's.
function checkpoint.begins(text) return text:sub(1, 4) == 'PK\3\4' or text:sub(1, 3) == '\128\2\138' end

--- What torch.save of PyTorch wrote: tensors, numbers, texts, and dictionaries, lists and tuples of them as tables. What needs a
-- class is refused by its name.
-- @tparam string path
-- @treturn table|tensor
function checkpoint.readCheckpoint(path)
  if type(path) ~= 'string' then raise(('readCheckpoint: the name of the file is a %s'):format(torch.type(path))) end
  local source, why = file.read(path)
  if not source then raise(why) end
  local first = bytes.text(source, 0, math.min(source:nElement(), 4))
  if not checkpoint.begins(first) then raise(path .. ': PyTorch did not write this file') end
  local value
  if first:sub(1, 2) == 'PK' then
    source = nil -- luacheck: ignore 311
    value, why = fromZip(path)
  else value, why = fromPlain(path, source) end
  if value == nil then raise(why) end
  return plain(value, {}, 0)
end

return checkpoint
