--- Tensors by name in the safetensors format: the length of a header (8 bytes), the header (JSON: type, shape and place of each
-- tensor), the elements.
-- @module tocha.file.safetensors
local torch = require 'tocha'
local bytes = require 'tocha.bindings.bytes'
local dtype = require 'tocha.bindings.dtype'
local file = require 'tocha.bindings.file'
local json = require 'tocha.file.json'
local own = require 'tocha.bindings.own'

local raise = own.raise
local longest = 100e6 -- bytes of a header, as the format has it

local types = { BOOL = 'Byte', U8 = 'Byte', I8 = 'Char', I16 = 'Short', I32 = 'Int', I64 = 'Long', F16 = 'Half',
  BF16 = 'BFloat16', F32 = 'Float', F64 = 'Double' }
local codes = {}
for code, name in pairs(types) do if code ~= 'BOOL' then codes[name] = code end end

local function isWhole(n) return type(n) == 'number' and n >= 0 and n % 1 == 0 and n < 2 ^ 53 end

-- -- reading ------------------------------------------------------------------------------------------------------

-- The header as a table and the byte after it, or nil and why not.
local function headerOf(source)
  local size = source:size()
  if size < 8 then return nil, 'it is no safetensors file' end
  local length = bytes.decode.Long(file.text(source, 0, 8))
  if not isWhole(length) or length > longest or length > size - 8 then
    return nil, ('truncated, or no safetensors file: a header of %.0f bytes in a file of %.0f'):format(length, size)
  end
  local header, why = json.decode(file.text(source, 8, length))
  if type(header) ~= 'table' then return nil, 'its header cannot be read: ' .. (why or 'it is no object') end
  return header, 8 + length
end

-- The row of the type, the sizes and the first byte of a header's entry, or nil and why not.
local function placeOf(entry, room)
  local sizes, place = entry.shape, entry.data_offsets
  if type(sizes) ~= 'table' or type(place) ~= 'table' or not isWhole(place[1]) or not isWhole(place[2]) then
    return nil, 'its entry is incomplete'
  end
  local row = dtype[types[entry.dtype] or false]
  if not row then return nil, ('elements of type %s cannot be read'):format(tostring(entry.dtype)) end
  if #sizes > 16 then return nil, ('it has %d dimensions, at most 16 are possible'):format(#sizes) end
  local count = 1
  for _, n in ipairs(sizes) do
    if not isWhole(n) then return nil, 'its shape is none' end
    count = count * n
  end
  if place[2] > room then return nil, 'truncated: its elements lie behind the end of the file' end
  if place[2] - place[1] ~= count * row.bytes then
    return nil, ('%.0f elements of %d bytes do not fill %.0f bytes'):format(count, row.bytes, place[2] - place[1])
  end
  return row, sizes, place[1]
end

--- The tensors of a safetensors file. They lie on the file itself, mapped: what is not looked at is not read. Writing into one
-- changes the tensor, not the file; the file must not be cut short meanwhile.
-- @tparam string path
-- @treturn {[string]=tensor} BOOL becomes Byte
-- @treturn {[string]=string} what the file says of itself
local function readSafetensors(path)
  if type(path) ~= 'string' then raise('readSafetensors: the name of the file is a ' .. torch.type(path)) end
  local source = torch.ByteStorage(path)
  local header, start = headerOf(source)
  if not header then raise(('%s: %s'):format(path, start)) end
  local tensors, about = {}, header.__metadata__
  for name, entry in pairs(header) do
    if name ~= '__metadata__' then
      local row, sizes, at = nil, 'its entry is none', nil
      if type(entry) == 'table' then row, sizes, at = placeOf(entry, source:size() - start) end
      if not row then raise(('%s: %s: %s'):format(path, name, sizes)) end
      tensors[name] = file.tensorOn(source, row, sizes, start + at)
    end
  end
  return tensors, type(about) == 'table' and about or {}
end

-- -- writing ------------------------------------------------------------------------------------------------------

local function check(name, tensor)
  if type(name) ~= 'string' or name == '__metadata__' then
    raise(('writeSafetensors: %s cannot be the name of a tensor'):format(tostring(name)))
  elseif not own.isTensor(tensor) then
    raise(('writeSafetensors: %s is a %s, not a tensor'):format(name, torch.type(tensor)))
  end
end

-- Wide elements first, so that all lie on their boundaries; within that by name.
local function ordered(tensors)
  local names = {}
  for name, tensor in pairs(tensors) do
    check(name, tensor)
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    local wide, narrow = tensors[a]:elementSize(), tensors[b]:elementSize()
    if wide ~= narrow then return wide > narrow end
    return a < b
  end)
  return names
end

local function metadata(about)
  local keys, parts = {}, {}
  for key, value in pairs(about) do
    if type(key) ~= 'string' or type(value) ~= 'string' then raise('writeSafetensors: metadata are strings by strings') end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = json.quote(key) .. ':' .. json.quote(about[key]) end
  return ('"__metadata__":{%s}'):format(table.concat(parts, ','))
end

local function headerFor(names, tensors, about)
  local parts, at = { about and metadata(about) }, 0
  for _, name in ipairs(names) do
    local tensor = tensors[name]
    local after = at + tensor:nElement() * tensor:elementSize()
    local sizes = tensor:size():totable()
    if #sizes == 0 and tensor:nElement() == 0 then sizes[1] = 0 end
    parts[#parts + 1] = ('%s:{"dtype":"%s","shape":[%s],"data_offsets":[%.0f,%.0f]}'):format(json.quote(name),
      codes[tensor:type():match '^torch%.(%w+)Tensor$'], table.concat(sizes, ','), at, after)
    at = after
  end
  local text = '{' .. table.concat(parts, ',') .. '}'
  text = text .. (' '):rep(-#text % 8)
  return bytes.encode.Long(#text) .. text
end

local function put(writer, header, names, tensors)
  local good, why = writer:write(header)
  for _, name in ipairs(names) do
    if not good then return good, why end
    local x = tensors[name]:contiguous()
    if x:nElement() > 0 then good, why = writer:writeStorage(x:storage(), x:storageOffset(), x:nElement()) end
  end
  return good, why
end

--- Writes tensors as a safetensors file, which appears whole or not at all.
-- @tparam string path
-- @tparam {[string]=tensor} tensors
-- @tparam[opt] {[string]=string} about what the file says of itself
local function writeSafetensors(path, tensors, about)
  if type(path) ~= 'string' then raise('writeSafetensors: the name of the file is a ' .. torch.type(path)) end
  if type(tensors) ~= 'table' or about ~= nil and type(about) ~= 'table' then
    raise('writeSafetensors: a table of tensors is needed, and a table of strings or nothing')
  end
  local names = ordered(tensors)
  local header = headerFor(names, tensors, about)
  local writer, why = file.create(path)
  if not writer then raise(why) end
  local good
  good, why = put(writer, header, names, tensors)
  if good then good, why = writer:commit() else writer:discard() end
  if not good then raise(why) end
end

return { readSafetensors = readSafetensors, writeSafetensors = writeSafetensors }
