--- Writing objects in Torch7's .t7 format: each object once, met again as a reference to its number.
-- @module tocha.file.writer
local torch = require 'tocha'
local kinds = require 'tocha.file.kinds'
local unloaded = require 'tocha.file.unloaded'
local own = require 'tocha.bindings.own'
local File = require 'tocha.file.base'

local writeOne

-- What tells an object: a table or function is itself, a tensor or storage the address of what the engine holds.
local function identity(object)
  return (own.isTensor(object) or own.isStorage(object)) and own.address(object) or object
end

local function writeText(file, text)
  file:writeInt(#text)
  file:writeString(text)
  if #text > 0 and file.isText and file.spacing then file:writeString '\n' end
end

-- Writes the object's number; true if the object itself must follow.
local function isNew(file, object)
  local numbers = file.written
  local key = identity(object)
  local number = file.shared and numbers[key]
  if number then
    file:writeInt(number)
    return false
  end
  numbers.count = numbers.count + 1
  numbers[key] = numbers.count
  file.kept[numbers.count] = object
  file:writeInt(numbers.count)
  return true
end

-- A table's entries; nameOf(key) is how a value is called in messages.
local function writePairs(file, object, hook, nameOf)
  local n = 0
  for _ in next, object do n = n + 1 end
  file:writeInt(n)
  for key, value in next, object do
    writeOne(file, key, nil, hook)
    writeOne(file, value, nameOf(key), hook)
  end
end

local function writeTable(file, object, hook) writePairs(file, object, hook, tostring) end

-- Upvalues that two functions share have one id: that of their key.
local function idOf(file, key)
  local ids = file.upvalueIds
  if not ids[key] then ids.count, ids[key] = ids.count + 1, ids.count + 1 end
  return ids[key]
end

local function upvaluesOf(file, object)
  local upvalues = {}
  for i = 1, math.huge do
    local name, value = debug.getupvalue(object, i)
    if not name then return upvalues end
    local key = tonumber((('%p'):format(debug.upvalueid(object, i))))
    upvalues[i] = { name = name, id = idOf(file, key), value = value }
  end
end

local function writeUnloaded(file, held, hook)
  writeText(file, held.code)
  writeOne(file, unloaded.upvalues(held, function(key) return idOf(file, key) end), nil, hook)
end

local function writeFunction(file, object, hook)
  local held = unloaded.of(object)
  file.withheld[file.written.count] = held ~= nil
  if held then return writeUnloaded(file, held, hook) end
  local good, code = pcall(string.dump, object)
  if not good then own.raise('a function of C cannot be written, at ' .. file:whereIs()) end
  writeText(file, code)
  local upvalues = upvaluesOf(file, object)
  file:writeInt(kinds.TABLE)
  isNew(file, upvalues)
  file:writeInt(#upvalues)
  for i, upvalue in ipairs(upvalues) do
    writeOne(file, i)
    file:writeInt(kinds.TABLE)
    isNew(file, upvalue)
    writePairs(file, upvalue, hook, function(key) return key == 'value' and upvalue.name or nil end)
  end
end

-- The storage of a tensor and its offset there: as it is, or what the tensor shows of it where serialize.lua found nobody else.
local function storageOf(file, tensor)
  local range = file.alone and file.alone[own.address(tensor)]
  if not range then return tensor:storage(), tensor:storageOffset() end
  local storage = tensor:storage()
  return torch.getmetatable(torch.typename(storage)).new(storage, range.first, range.size), tensor:storageOffset() - range.first + 1
end

--- What of a tensor stands in a file behind its type; Torch7's x:write(file).
function File.writeTensor(file, tensor)
  local storage, offset = nil, tensor:storageOffset()
  if tensor:nElement() > 0 then storage, offset = storageOf(file, tensor) end
  file:writeInt(tensor:dim())
  file:writeLong(tensor:size())
  file:writeLong(tensor:stride())
  file:writeLong(offset)
  file:writeObject(storage)
end

--- The same of a storage.
function File.writeStorage(file, storage)
  file:writeLong(storage:size())
  file['write' .. torch.typename(storage):match '^torch%.(%w+)Storage$'](file, storage)
end

local function writeClassed(file, object, hook)
  local name, mt = torch.typename(object), torch.class.metatableOf(object)
  writeText(file, 'V ' .. tostring(mt.__version or 1))
  writeText(file, name)
  if own.isTensor(object) then return file:writeTensor(object) end
  if own.isStorage(object) then return file:writeStorage(object) end
  if type(mt.write) == 'function' then return mt.write(object, file) end
  local fields = {}
  for key, value in next, object do
    local kind, what = file:isWritableObject(value)
    if kind then fields[key] = value
    else
      io.stderr:write(('tocha: field %s of %s is a %s and is not written, at %s\n'):format(tostring(key), name, what,
        file:whereIs()))
    end
  end
  file:writeInt(kinds.TABLE)
  if isNew(file, fields) then writeTable(file, fields, hook) end
end

local write = {
  [kinds.NIL] = function() end,
  [kinds.NUMBER] = function(file, value) file:writeDouble(value) end,
  [kinds.BOOLEAN] = function(file, value) file:writeBool(value) end,
  [kinds.STRING] = writeText,
  [kinds.FUNCTION] = function(file, value, hook, original)
    if isNew(file, original) then writeFunction(file, value, hook) end
  end,
  [kinds.TABLE] = function(file, value, hook, original) if isNew(file, original) then writeTable(file, value, hook) end end,
  [kinds.OBJECT] = function(file, value, hook, original) if isNew(file, original) then writeClassed(file, value, hook) end end,
}

local plain = { ['nil'] = kinds.NIL, number = kinds.NUMBER, boolean = kinds.BOOLEAN, string = kinds.STRING,
  ['function'] = kinds.FUNCTION }

-- The kind of an object, or nil if it cannot be written, and what it is called in messages.
local function kindOf(object)
  if plain[type(object)] then return plain[type(object)], type(object) end
  if unloaded.of(object) then return kinds.FUNCTION end
  local good, name = pcall(torch.typename, object) -- a type of the FFI has no name and is no object
  if good and name then
    local mt = torch.class.metatableOf(object)
    local has = type(object) == 'table' and not mt.isFile or mt.write or own.isTensor(object) or own.isStorage(object)
    return has and kinds.OBJECT or nil, name
  end
  return type(object) == 'table' and kinds.TABLE or nil, type(object)
end

--- The kind of an object as a number, or nil and what it is if writeObject cannot write it.
function File.isWritableObject(_, object)
  if type(object) == 'function' and not pcall(string.dump, object) then return nil, 'function' end
  return kindOf(object)
end

--- The place of the object being written, for messages: "<?>.model.3".
function File:whereIs() return table.concat(self.trail, '.') end

-- name nil: the object does not count as a place of its own.
writeOne = function(file, object, name, hook)
  local original, trail = object, file.trail
  if hook then object = hook(object) end
  trail[#trail + 1] = name
  local kind, what = kindOf(object)
  if not kind then own.raise(('a %s cannot be written, at %s'):format(what, file:whereIs())) end
  file:writeInt(kind)
  write[kind](file, object, hook, original)
  if name then trail[#trail] = nil end
end

-- What a failed call began to write is not in the file.
local function forget(numbers, before)
  for key, number in next, numbers do
    if number > before then numbers[key] = nil end
  end
  numbers.count = before
end

--- Writes any object: nil, number, boolean, string, table, function, tensor, storage or object of a class. A field of an object
-- of a class that cannot be written is left out with a notice; elsewhere it is an error.
-- @param object
-- @tparam[opt='<?>'] string name what messages call the object
-- @tparam[opt] function hook gives what is written in place of each object
function File:writeObject(object, name, hook)
  if hook ~= nil and type(hook) ~= 'function' then own.bad('writeObject', 'the hook', 'a function', hook) end
  if name ~= nil and type(name) ~= 'string' then own.bad('writeObject', 'the name', 'a string', name) end
  if self.writing then
    writeOne(self, object, name, hook)
    return self
  end
  self.written, self.kept, self.upvalueIds = self.written or { count = 0 }, self.kept or {}, self.upvalueIds or { count = 0 }
  self.withheld = self.withheld or {} -- number of a function -> whether it was not loaded, which it is not from here either
  self.writing, self.trail = true, {}
  local before = self.written.count
  local good, why = pcall(writeOne, self, object, name or '<?>', hook)
  self.writing = false
  if not good then
    forget(self.written, before)
    error(why, 0)
  end
  return self
end

return File
