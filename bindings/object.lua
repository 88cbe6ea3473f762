--- What scripts ask about objects below their values: addresses, classes' identities, references that they hold themselves.
-- @module tocha.bindings.object
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local class = require 'tocha.class'

local raise = own.raise
local functions = {}

-- -- files -------------------------------------------------------------------------------------------------------

-- x:write(file) and x:read(file): what stands in a file of objects behind the name of x's class. Every torch.File has the two
-- methods (lua/tocha/file).
for kind, methods in pairs { Tensor = M.tensor, Storage = M.storage } do
  for _, name in ipairs { 'write', 'read' } do
    local what = name .. kind
    methods[name] = function(self, file)
      if not class.isTypeOf(file, 'torch.File') then raise(('%s: a torch.File is needed, not a %s'):format(name, type(file))) end
      file[what](file, self)
    end
  end
end

-- -- addresses ----------------------------------------------------------------------------------------------------

local function address(pointer, asNumber)
  if asNumber then return ffi.cast('intptr_t', pointer) end
  return pointer
end

--- Address of the first element: a typed pointer, or with asNumber an intptr_t for tonumber. It is good while the storage lives
-- and is not resized.
function functions.data(object, asNumber)
  if own.isTensor(object) then
    return address(ffi.cast(M.rowOf(object).pointer, C.tch_tensor_data(object)), asNumber)
  elseif own.isStorage(object) then
    return address(ffi.cast(M.rowOfStorage(object).pointer, C.tch_storage_data(object)), asNumber)
  end
  raise(('data: a tensor or a storage is needed, not a %s'):format(type(object)))
end

--- The engine's object behind a tensor, storage or generator, as a pointer or an intptr_t.
function functions.cdata(object, asNumber)
  if not M.isObject(object) and not own.isRandom(object) then
    raise(('cdata: a tensor, storage or generator is needed, not a %s'):format(type(object)))
  end
  return address(ffi.cast('void *', object), asNumber)
end

--- A number that names an object (tensor, storage, generator, table, function, thread, value of the FFI) as long as it lives.
function functions.pointer(object)
  if M.isObject(object) or own.isRandom(object) then return own.address(object) end
  if type(object) == 'table' or type(object) == 'function' or type(object) == 'thread' or type(object) == 'userdata' then
    return tonumber((('%p'):format(object)))
  elseif type(object) == 'string' then
    return tonumber(ffi.cast('intptr_t', ffi.cast('const char *', object)))
  end
  local good, at = pcall(ffi.cast, 'const void *', object) -- a pointer, as storage:cdata() gives, or a struct
  if good and object ~= nil and type(object) == 'cdata' then return tonumber(ffi.cast('intptr_t', at)) end
  raise(('pointer: a %s has no address'):format(type(object)))
end

--- Whether two tables or objects are one.
function functions.isequal(a, b)
  return own.same(a, b) or (type(a) == 'table' and rawequal(a, b))
end

-- -- classes ------------------------------------------------------------------------------------------------------

--- What is the same for all objects of a class and for nothing else; nil if there is no such class.
functions.typename2id = class.getmetatable
--- The same of an object's class.
function functions.id(object) return class.getmetatable(class.typename(object) or '') end

--- The version of an object's class.
function functions.version(object)
  local mt = class.metatableOf(object)
  return mt and mt.__version or nil
end

--- The table to which the functions of a class's module belong.
function functions.getconstructortable(name)
  local prefix = type(name) == 'string' and name:match('^(.*)%.[^.]+$')
  return prefix and class.package(prefix) or nil
end

--- The environment of a function.
function functions.getenv(object)
  if type(object) ~= 'function' then raise(('getenv: a function is needed, not a %s'):format(type(object))) end
  return getfenv(object)
end

--- Gives a function an environment, a table.
function functions.setenv(object, env)
  if type(object) ~= 'function' or type(env) ~= 'table' then raise('setenv: a function and a table are needed') end
  setfenv(object, env)
end

--- The elements as (nested) tables of numbers.
function functions.totable(object)
  if not M.isObject(object) then raise(('totable: a tensor or a storage is needed, not a %s'):format(type(object))) end
  return object:totable()
end

-- -- references of scripts ----------------------------------------------------------------------------------------

-- By address: how many references scripts took by retain.
local retained = {}

local function retain(object)
  local at = own.address(object)
  retained[at] = (retained[at] or 0) + 1
  if own.isTensor(object) then C.tch_tensor_retain(object) else C.tch_storage_retain(object) end
  return object
end

-- Gives back a reference that retain took; false if there is none.
local function giveBack(object)
  local at = own.address(object)
  local n = retained[at]
  if not n then return false end
  retained[at] = n > 1 and n - 1 or nil
  if own.isTensor(object) then C.tch_tensor_release(object) else C.tch_storage_release(object) end
  return true
end

--- retain(): takes a reference that free gives back, for handing the address to another Lua state.
M.tensor.retain, M.storage.retain = retain, retain

--- Gives back a reference that retain took; without one the memory and the history are given back now, and the tensor stays,
-- empty.
function M.tensor:free()
  if not giveBack(self) then C.tch_tensor_free(self) end
  return self
end

--- Gives back a reference that retain took; without one nothing happens: the collector owns the storage.
function M.storage:free() giveBack(self) end

for _, name in ipairs({ 'data', 'cdata' }) do M.tensor[name], M.storage[name] = functions[name], functions[name] end

return { install = function(torch)
  for name, f in pairs(functions) do torch[name] = f end
end }
