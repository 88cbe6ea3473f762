--- Reading objects in Torch7's .t7 format, from files that nobody vouches for: every count is held against what is left of the
-- file, nesting has an end, code is not loaded unless `file.functions` is set or its own writeObject wrote all of the file,
-- and a class that is not known becomes an inert object with its name and fields.
-- @module tocha.file.reader
local torch = require 'tocha'
local bytes = require 'tocha.bindings.bytes'
local dtype = require 'tocha.bindings.dtype'
local kinds = require 'tocha.file.kinds'
local unloaded = require 'tocha.file.unloaded'
local File = require 'tocha.file.base'

local deepest = 1000

-- -- pieces -------------------------------------------------------------------------------------------------------

local function readCount(file, what, least)
  local n = file:readInt()
  if not n or n < 0 or n % 1 ~= 0 or n * least > file:left() then
    return file:fail('a %s of size %s cannot be: %.0f bytes are left (truncated, or no .t7 file)', what, tostring(n), file:left())
  end
  return n
end

local function readText(file)
  local n = readCount(file, 'string', 1)
  local text = file:readBytes(n)
  if n > 0 and file.isText and file.spacing then file:eatNewline() end
  return text
end

-- A binary file does not say whether its longs have 4 or 8 bytes. Of 8, the upper half of the first size or count is zero.
local function guessLong(file)
  if file.long or file.isText or file:left() < 8 then return end
  local at = file:position()
  local text = file:take(8)
  file:seek(at)
  file.long = bytes.decode.Int(text:sub(5)) == 0 and 8 or 4
end

local function notice(file, sentence, ...)
  if file.noticed then return end
  file.noticed = true
  io.stderr:write('tocha: ', file.name, ': ', sentence:format(...), '\n')
end

-- -- tensors and storages -----------------------------------------------------------------------------------------

-- What stands behind a tensor's type, as a tensor of the type `name`.
local function tensorOf(file, name)
  local n = readCount(file, 'list of dimensions', 4)
  if n > 16 then return file:fail('a tensor of %d dimensions cannot be read (at most 16)', n) end
  guessLong(file)
  local sizes, strides, offset = file:readLong(n), file:readLong(n), file:readLong()
  local storage = file:readObject()
  if storage ~= nil and torch.typename(storage) ~= name:gsub('Tensor', 'Storage') then
    return file:fail('a %s needs a storage of its type, not a %s', name, torch.type(storage))
  end
  local class = torch[name:match '%.(.*)']
  local good, tensor = pcall(function()
    if storage == nil or n == 0 and storage:size() == 0 then return class() end
    if n == 0 then return class(storage, offset, 1):narrow(1, 1, 1) end
    return class(storage, offset, sizes, strides)
  end)
  if not good then return file:fail('a tensor does not fit its storage: %s', tostring(tensor):gsub('^.-:%d+: ', '')) end
  return tensor
end

local function storageOf(file, name)
  guessLong(file)
  local n = file:readLong()
  local row = dtype.byStorage[name]
  local width = file.isText and 1 or row.name == 'Long' and file.long == 4 and 4 or row.bytes
  if not n or n < 0 or n * width > file:left() then
    return file:fail('a %s of %s elements cannot be: %.0f bytes are left (truncated?)', name, tostring(n), file:left())
  end
  return file['read' .. row.name](file, n)
end

--- Makes a tensor show what File.writeTensor wrote; Torch7's x:read(file).
function File.readTensor(file, tensor)
  local read = tensorOf(file, tensor:type())
  return read and tensor:set(read)
end

--- Fills a storage with what File.writeStorage wrote.
function File.readStorage(file, storage)
  local read = storageOf(file, torch.typename(storage))
  return read and storage:resize(read:size()):copy(read)
end

-- -- objects ------------------------------------------------------------------------------------------------------

local function inertClass(name)
  local mt = { __typename = name, __version = 1, inert = true }
  function mt.__tostring() return name .. ' (of an unknown class: its fields can be read)' end
  return mt
end

--- Reads a table into the fields of an object: what most `read` methods of classes begin with.
function File:readFields(object)
  local fields = self:readObject()
  if type(fields) ~= 'table' then
    return self:fail('a %s has a %s for its fields (damaged, or is the package of the class not loaded?)', torch.type(object),
      torch.type(fields))
  end
  for key, value in next, fields do rawset(object, key, value) end
end

-- An object of a class: made bare, entered, then filled, for it may hold itself.
local function readClassed(file, name, version, number)
  local make = torch.factory(name)
  if not make then
    file.inert = file.inert or {}
    file.inert[name] = file.inert[name] or inertClass(name)
    local object = setmetatable({}, file.inert[name])
    file.objects[number] = object
    file:readFields(object)
    return object
  end
  local object = make()
  file.objects[number] = object
  local mt = torch.class.metatableOf(object)
  if mt.isFile then return file:fail('a %s cannot be read from a file', name) end
  if type(mt.read) == 'function' then mt.read(object, file, version)
  else file:readFields(object) end
  return object
end

local function readObjectOf(file, number)
  local version, name = 0, readText(file)
  local text = name:match '^V (%d+)$'
  if text then version, name = tonumber(text), readText(file) end
  if name == kinds.REFERENCE and file.resolve then
    file.objects[number] = file.resolve(file:readObject())
    return file.objects[number]
  end
  if file.missing and not torch.factory(name) then file.missing(name) end
  local here = kinds.onProcessor(name)
  if here and (here:find '^torch%.' or torch.factory(here)) then
    notice(file, 'it was written on a graphics card: its tensors and modules become those of the processor')
    name = here
  end
  local element, kind = name:match '^torch%.(%w+)(%u%l+)$'
  if dtype.byStorage[('torch.%sStorage'):format(element or '')] then
    local of = kind == 'Tensor' and tensorOf or kind == 'Storage' and storageOf
    if of then
      file.objects[number] = of(file, name)
      return file.objects[number]
    end
  end
  return readClassed(file, name, version, number)
end

local function readTable(file, number)
  local n, object = readCount(file, 'table', file.isText and 4 or 8), {}
  file.objects[number] = object
  for _ = 1, n do
    local key = file:readObject()
    if key == nil or key ~= key then return file:fail 'a table has a key that cannot be one' end
    object[key] = file:readObject()
  end
  return object
end

-- -- functions ----------------------------------------------------------------------------------------------------

local function loadFunction(file, code)
  local fn, why = loadstring(code, file.name)
  if fn then return fn end
  return file:fail('a function cannot be loaded: it was compiled by another variant of Lua (%s)', why)
end

-- Gives a function its upvalues; those of one id are one variable.
local function fillUpvalues(file, fn, upvalues)
  file.upvalueOwners = file.upvalueOwners or {}
  for i, upvalue in ipairs(upvalues) do
    local named = type(upvalue) == 'table' and upvalue.name ~= nil
    local id, value = named and upvalue.id, upvalue
    if named then value = upvalue.name == '_ENV' and _G or upvalue.value end
    local owner = id and file.upvalueOwners[id]
    if owner then debug.upvaluejoin(fn, i, owner.fn, owner.place)
    elseif debug.setupvalue(fn, i, value) and id then file.upvalueOwners[id] = { fn = fn, place = i } end
  end
end

local function readFunction(file, number)
  local code = readText(file)
  local allowed = file.functions or file.isOurs and not file.withheld[number]
  file.upvalueKeys = file.upvalueKeys or {}
  local fn = allowed and loadFunction(file, code) or unloaded.new(code, file.upvalueKeys)
  if number then file.objects[number] = fn end
  local upvalues = file:readObject()
  if not allowed then
    unloaded.of(fn).upvalues = upvalues
    return fn
  end
  if type(upvalues) ~= 'table' then return file:fail 'a function has no list of upvalues' end
  fillUpvalues(file, fn, upvalues)
  return fn
end

-- -- any object ---------------------------------------------------------------------------------------------------

local read = { [kinds.TABLE] = readTable, [kinds.OBJECT] = readObjectOf, [kinds.FUNCTION] = readFunction,
  [kinds.LEGACY_FUNCTION] = readFunction }

local function readReferable(file, kind)
  local number = file:readInt()
  if not number then return nil end
  local known = file.objects[number]
  if known ~= nil then return known end
  file.depth = file.depth + 1
  if file.depth > deepest then return file:fail('objects are nested more than %d deep', deepest) end
  local object = read[kind](file, number)
  file.depth = file.depth - 1
  return object
end

local function readObject(self)
  self.objects, self.depth = self.objects or {}, self.depth or 0
  local kind = self:readInt()
  if kind == kinds.NIL then return nil end
  if kind == kinds.NUMBER then return self:readDouble() end
  if kind == kinds.BOOLEAN then return self:readBool() end
  if kind == kinds.STRING then return readText(self) end
  if kind == kinds.OLD_FUNCTION then return readFunction(self) end
  if read[kind] then return readReferable(self, kind) end
  return self:fail('this is no object: its kind is %s, but kinds run from 0 to 8 (no .t7 file, or of another format)',
    tostring(kind))
end

--- Reads what writeObject wrote. In quiet mode nil stands for what cannot be read.
function File:readObject()
  if not self.isQuiet_ then return readObject(self) end
  self.isQuiet_ = false
  local good, object = pcall(readObject, self)
  self.isQuiet_ = true
  if good then return object end
  self.failed = true
end

return File
