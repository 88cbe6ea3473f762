--- Writing objects in Torch7's .t7 format: each object once, met again as a reference to its number.
-- @module tocha.file.writer
local torch = require 'tocha'
local kinds = require 'tocha.file.kinds'
local own = require 'tocha.bindings.own'
local File = require 'tocha.file.base'

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

local function writeTable(file, object)
  local n, trail = 0, file.trail
  for _ in next, object do n = n + 1 end
  file:writeInt(n)
  for key, value in next, object do
    trail[#trail + 1] = tostring(key)
    file:writeObject(key)
    file:writeObject(value)
    trail[#trail] = nil
  end
end

local function writeFunction(file, object)
  local good, code = pcall(string.dump, object)
  if not good then own.raise(('%s is a function of C and cannot be written'):format(file:whereIs())) end
  local upvalues, i = {}, 1
  while true do
    local name, value = debug.getupvalue(object, i)
    if not name then break end
    upvalues[i] = { name = name, value = value }
    i = i + 1
  end
  writeText(file, code)
  file:writeObject(upvalues)
end

local function writeLongs(file, list)
  file:writeLong(list)
end

local function writeTensor(file, tensor)
  file:writeInt(tensor:dim())
  writeLongs(file, tensor:size())
  writeLongs(file, tensor:stride())
  file:writeLong(tensor:storageOffset())
  file:writeObject(tensor:nElement() > 0 and tensor:storage() or nil)
end

local function writeStorage(file, storage)
  file:writeLong(storage:size())
  file['write' .. torch.typename(storage):match '^torch%.(%w+)Storage$'](file, storage)
end

local function writeClassed(file, object, name)
  local mt = torch.class.metatableOf(object)
  writeText(file, 'V ' .. tostring(mt.__version or 1))
  writeText(file, name)
  if own.isTensor(object) then return writeTensor(file, object) end
  if own.isStorage(object) then return writeStorage(file, object) end
  if type(mt.write) == 'function' then return object:write(file) end
  local fields = {}
  for key, value in next, object do fields[key] = value end
  file:writeObject(fields)
end

local write = {
  ['nil'] = function(file) file:writeInt(kinds.NIL) end,
  number = function(file, value)
    file:writeInt(kinds.NUMBER)
    file:writeDouble(value)
  end,
  boolean = function(file, value)
    file:writeInt(kinds.BOOLEAN)
    file:writeBool(value)
  end,
  string = function(file, value)
    file:writeInt(kinds.STRING)
    writeText(file, value)
  end,
  ['function'] = function(file, value)
    file:writeInt(kinds.FUNCTION)
    if isNew(file, value) then writeFunction(file, value) end
  end,
}

--- The place of the object being written, for messages: "object.model.3".
function File:whereIs()
  return 'object' .. (#self.trail > 0 and '.' .. table.concat(self.trail, '.') or '')
end

--- Writes any object: nil, number, boolean, string, table, function, tensor, storage or object of a class.
function File:writeObject(object)
  self.written, self.kept, self.trail = self.written or { count = 0 }, self.kept or {}, self.trail or {}
  local plain = write[type(object)]
  if plain then
    plain(self, object)
    return self
  end
  local name = torch.typename(object)
  if name or type(object) == 'table' then
    self:writeInt(name and kinds.OBJECT or kinds.TABLE)
    if isNew(self, object) then (name and writeClassed or writeTable)(self, object, name) end
    return self
  end
  own.raise(('%s is a %s, which cannot be written'):format(self:whereIs(), type(object)))
end

return File
