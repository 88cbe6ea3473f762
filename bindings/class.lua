--- The classes of tensors and storages: one ordinary table of methods per data type, behind one metatype each.
--
-- All tensors are `tch_tensor &`. Their metatype's __index is a function that looks a name up in the table of the tensor's data
-- type, so that methods can be added at run time (`torch.getmetatable('torch.FloatTensor').f = ...`), and hands anything
-- else to the index functions that index.lua and storage.lua put here.
-- @module tocha.bindings.class
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local own = require 'tocha.bindings.own'
local class = require 'tocha.class'

local M = {
  tensors = {},     -- code -> class of tensors
  storages = {},    -- code -> class of storages
  tensor = {},      -- methods of every tensor; given to the classes by `seal`
  storage = {},     -- methods of every storage
  properties = {},  -- name -> function(tensor): fields that are computed
  setters = {},     -- name -> function(tensor, value)
}

for _, row in ipairs(dtype.rows) do
  M.tensors[row.code] = { __typename = row.tensor }
  M.storages[row.code] = { __typename = row.storage }
  class.enter(row.tensor, M.tensors[row.code])
  class.enter(row.storage, M.storages[row.code])
  M.tensors[row.code].__index, M.storages[row.code].__index = M.tensors[row.code], M.storages[row.code]
end

local tensors, storages, properties = M.tensors, M.storages, M.properties

M.generator = { __typename = 'torch.Generator' } -- filled by random.lua
M.generator.__index = M.generator
class.enter('torch.Generator', M.generator)

class.addForeign(function(value)
  if own.isTensor(value) then return tensors[tonumber(C.tch_tensor_dtype(value))] end
  if own.isStorage(value) then return storages[tonumber(C.tch_storage_dtype(value))] end
  if own.isRandom(value) then return M.generator end
end)

--- The data type's row of a tensor or storage.
function M.rowOf(tensor)
  if tensor == nil then own.raise('a tensor is needed, but nothing was given') end -- NULL to C
  return dtype.byCode[tonumber(C.tch_tensor_dtype(tensor))]
end
function M.rowOfStorage(storage) return dtype.byCode[tonumber(C.tch_storage_dtype(storage))] end

-- -- tensors ------------------------------------------------------------------------------------------------------

local function tensorIndex(tensor, key)
  if type(key) ~= 'string' then return M.get(tensor, key) end
  local method = tensors[tonumber(C.tch_tensor_dtype(tensor))][key]
  if method ~= nil then return method end
  local property = properties[key]
  if property then return property(tensor) end
end

local function tensorNewIndex(tensor, key, value)
  if type(key) ~= 'string' then return M.put(tensor, key, value) end
  local set = M.setters[key]
  if not set then own.raise(('a tensor has no field %s to assign to'):format(key)) end
  set(tensor, value)
end

-- Operators are looked up by name when used, so that the files that define them may come later, and in the class first, where
-- a program may have put its own: function torch.HalfTensor:__sub(other) ...
local function operator(name)
  local method = '__' .. name
  return function(a, b)
    local found = tensors[tonumber(C.tch_tensor_dtype(own.isTensor(a) and a or b))][method]
    return (found or M.operators[name])(a, b)
  end
end

M.operators = {}

-- == asks whether two values are one object, as in Torch7.
local function same(a, b) return M.isObject(a) and M.isObject(b) and own.same(a, b) end
function M.isObject(value) return own.isTensor(value) or own.isStorage(value) end

ffi.metatype('tch_tensor', {
  __index = tensorIndex, __newindex = tensorNewIndex,
  __add = operator 'add', __sub = operator 'sub', __mul = operator 'mul', __div = operator 'div', __mod = operator 'mod',
  __pow = operator 'pow', __unm = operator 'unm',
  __eq = same,
  __len = function(tensor) return tensor:size() end,
  __tostring = function(tensor) return tensor:__tostring__() end,
  __concat = function(a, b) return tostring(a) .. tostring(b) end,
  __call = function() own.raise('a tensor cannot be called') end,
})

-- -- storages -----------------------------------------------------------------------------------------------------

ffi.metatype('tch_storage', {
  __index = function(storage, key)
    if type(key) ~= 'string' then return M.getItem(storage, key) end
    return storages[tonumber(C.tch_storage_dtype(storage))][key]
  end,
  __newindex = function(storage, key, value)
    if type(key) == 'string' then own.raise(('a storage has no field %s to assign to'):format(key)) end
    M.putItem(storage, key, value)
  end,
  __eq = same,
  __len = function(storage) return tonumber(C.tch_storage_count(storage)) end,
  __tostring = function(storage) return storage:__tostring__() end,
  __concat = function(a, b) return tostring(a) .. tostring(b) end,
})

--- The callable table of a class, as `torch.FloatTensor`: fields are read from and written to the class.
function M.constructor(mt, build)
  return class.markConstructor(setmetatable({}, { __call = function(_, ...) return build(...) end, __index = mt, __newindex = mt,
                                                  __metatable = mt }))
end

local function guarded(name, method, is, what)
  return function(self, ...)
    if not is(self) then
      own.raise(('%s: called on %s; methods of a %s are called as x:%s(...)'):format(name,
        self == nil and 'nothing' or 'a ' .. type(self), what, name))
    end
    return method(self, ...)
  end
end

--- Makes the common methods check that they are called on a tensor or storage.
function M.guard()
  local function takes(name) -- x.cat({a, b}) is how Torch7's methods of lists may be called
    return name == 'cat' and function(value) return own.isTensor(value) or type(value) == 'table' end or own.isTensor
  end
  for name, method in pairs(M.tensor) do M.tensor[name] = guarded(name, method, takes(name), 'tensor') end
  for name, method in pairs(M.storage) do M.storage[name] = guarded(name, method, own.isStorage, 'storage') end
end

--- Gives the common methods and operators to the class of every data type that has none of its own by that name.
function M.seal()
  for _, row in ipairs(dtype.rows) do
    for name, f in pairs(M.operators) do
      if tensors[row.code]['__' .. name] == nil then tensors[row.code]['__' .. name] = f end
    end
    for name, method in pairs(M.tensor) do
      if tensors[row.code][name] == nil then tensors[row.code][name] = method end
    end
    for name, method in pairs(M.storage) do
      if storages[row.code][name] == nil then storages[row.code][name] = method end
    end
  end
end

return M
