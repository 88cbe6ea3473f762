--- torch.save, torch.load, torch.serialize, torch.deserialize: objects in Torch7's .t7 format.
--
-- Formats are 'binary' (the default), 'ascii', and 'b32' and 'b64', which are binary with longs of 4 and 8 bytes.
-- @module tocha.serialize
local torch = require 'tocha'
local own = require 'tocha.bindings.own'
local disk = require 'tocha.file.disk'
local slices = require 'tocha.file.slices'
require 'tocha.file.memory'
require 'tocha.file.pipe'
require 'tocha.file.reader'
require 'tocha.file.writer'

local raise = own.raise
local serialize = {}
local longs = { b32 = 4, b64 = 8 }

local function prepare(file, format)
  format = format or 'binary'
  if format == 'ascii' then file:ascii()
  elseif format == 'binary' then file:binary()
  elseif longs[format] then file:binary():longSize(longs[format])
  else raise(("the format is 'binary', 'ascii', 'b32' or 'b64', not %s"):format(tostring(format))) end
  return file
end

-- Writes an object that is the whole file: of slices that nothing else in it shares, only what they show.
local function writeRoot(file, object)
  if file.shared then file.alone = slices(object) end
  file:writeObject(object)
end

local function allow(file, options)
  if type(options) == 'number' then file:longSize(options)
  elseif type(options) == 'table' then file.functions = options.functions end
  return file
end

--- Writes an object to a file. The file appears whole or not at all: a failure or a kill leaves the one that was there.
-- @tparam string name
-- @param object
-- @tparam[opt='binary'] string format
-- @tparam[opt=true] boolean referenced false: objects met twice are written twice
function serialize.save(name, object, format, referenced)
  if type(name) ~= 'string' then raise('save: the name of the file is a ' .. type(name)) end
  local file = disk.SaveFile(name)
  local good, why = pcall(function()
    writeRoot(prepare(file, format):referenced(referenced), object)
  end)
  if not good then
    file:discard()
    raise('save: ' .. tostring(why):gsub('^[^\n]-:%d+: ', ''))
  end
  file:commit()
end

--- Reads an object from a file, which need not be trusted: functions in it are not loaded unless the options say so.
-- @tparam string name
-- @tparam[opt='binary'] string format
-- @tparam[opt] table options functions = true: load functions too
-- @return the object
function serialize.load(name, format, options)
  if type(name) ~= 'string' then raise('load: the name of the file is a ' .. type(name)) end
  local file = torch.DiskFile(name, 'r')
  local good, object = pcall(function() return allow(prepare(file, format), options):readObject() end)
  file:close()
  if not good then raise(tostring(object):gsub('^[^\n]-:%d+: ', '')) end
  return object
end

--- An object as a string.
function serialize.serialize(object, format)
  local file = prepare(torch.MemoryFile(), format)
  writeRoot(file, object)
  return file:string()
end

--- The object in a string that serialize gave.
function serialize.deserialize(text, format, options)
  if type(text) ~= 'string' and not torch.isStorage(text) then own.bad('deserialize', 'the text', 'a string', text) end
  return allow(prepare(torch.MemoryFile(text, 'r'), format), options):readObject()
end

function serialize.serializeToStorage(object, format)
  return torch.CharStorage():string(serialize.serialize(object, format))
end

--- The object in the bytes of a storage, or of a tensor of bytes.
function serialize.deserializeFromStorage(storage, format, options)
  if torch.isTensor(storage) then storage = torch.CharTensor(storage:nElement()):copy(storage):storage() end
  if not torch.isStorage(storage) then own.bad('deserializeFromStorage', 'the storage', 'a storage or tensor of bytes', storage) end
  return serialize.deserialize(storage:string(), format, options)
end

-- Called on what is no file, the methods of files say so.
local function guard(class)
  for name, method in pairs(class) do
    if type(method) == 'function' and not name:find '^__' then
      class[name] = function(self, ...)
        if type(self) ~= 'table' or self.isText == nil then raise(('%s: a file is needed: file:%s(...)'):format(name, name)) end
        return method(self, ...)
      end
    end
  end
end

for _, name in ipairs { 'File', 'DiskFile', 'MemoryFile', 'PipeFile' } do
  serialize[name] = torch[name]
  guard(torch.getmetatable('torch.' .. name))
end

serialize.saveobj, serialize.loadobj = serialize.save, serialize.load

return serialize
