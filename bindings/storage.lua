--- Storages: counted arrays of one data type. `torch.FloatStorage(n | table | string | storage)`, `s[i]`, sizes of tensors.
-- @module tocha.bindings.storage
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'

local cast, raise = ffi.cast, own.raise
local box = ffi.new('tch_storage *[1]')
local Storage = M.storage

local function count(storage) return tonumber(C.tch_storage_count(storage)) end

-- The elements as a typed pointer, and the row of the type.
local function elements(storage)
  local row = M.rowOfStorage(storage)
  return cast(row.pointer, C.tch_storage_data(storage)), row
end

local function check(storage, i)
  i = own.integer(i)
  local n = count(storage)
  if i < 1 or i > n then raise(('storage: index %s is not in 1..%d'):format(tostring(i), n)) end
  return i - 1
end

function M.getItem(storage, i)
  local at = check(storage, i)
  local data, row = elements(storage)
  return row.get(data[at])
end

local function numberOf(value, where)
  local number = tonumber(value)
  if number == nil then raise(('%s: %s is no number'):format(where, tostring(value))) end
  return number
end

function M.putItem(storage, i, value)
  local at = check(storage, i)
  elements(storage)[at] = numberOf(value, 'storage')
end

--- A new storage of a type's row with n elements, undefined.
local function new(row, n)
  local status = C.tch_storage_new(row.code, n, box)
  if status ~= 0 then own.fail(status) end
  return own.wrapStorage(box[0])
end

local function fromTable(row, list)
  local n = #list
  local storage = new(row, n)
  local data = elements(storage)
  for i = 1, n do data[i - 1] = numberOf(list[i], ('entry %d of the table'):format(i)) end
  return storage
end

local function fromString(row, text)
  if #text % row.bytes ~= 0 then
    raise(('%s: a string of %d bytes is no whole number of elements of %d bytes'):format(row.storage, #text, row.bytes))
  end
  local storage = new(row, #text / row.bytes)
  ffi.copy(C.tch_storage_data(storage), text, #text)
  return storage
end

local function construct(row, first, ...)
  if first == nil then return new(row, 0) end
  if type(first) == 'number' then
    if select('#', ...) > 0 then return fromTable(row, { first, ... }) end
    if first < 0 or first % 1 ~= 0 then raise(('%s: %s elements are not possible'):format(row.storage, tostring(first))) end
    return new(row, first)
  elseif type(first) == 'table' then return fromTable(row, first)
  elseif type(first) == 'string' then return fromString(row, first)
  elseif own.isStorage(first) then return new(row, count(first)):copy(first) end
  raise(('%s: a %s is neither a number of elements, nor a table, string or storage to copy'):format(row.storage, type(first)))
end

--- Number of elements.
function Storage:size() return count(self) end

--- Changes the number of elements; the ones that remain keep their values.
function Storage:resize(n)
  local status = C.tch_storage_resize(self, own.integer(n))
  if status ~= 0 then own.fail(status) end
  return self
end

--- Sets every element.
function Storage:fill(value)
  local data, number = elements(self), numberOf(value, 'fill')
  for i = 0, count(self) - 1 do data[i] = number end
  return self
end

--- Copies from a storage of the same number of elements, converting.
function Storage:copy(from)
  if not own.isStorage(from) then raise('copy: a storage is needed') end
  local n = count(self)
  if count(from) ~= n then raise(('copy: a storage of %d elements into one of %d'):format(count(from), n)) end
  local target, row = elements(self)
  local source, other = elements(from)
  if row == other then ffi.copy(target, source, n * row.bytes)
  else for i = 0, n - 1 do target[i] = source[i] end end
  return self
end

--- The elements as a Lua table.
function Storage:totable()
  local data, row = elements(self)
  local list = {}
  for i = 1, count(self) do list[i] = row.get(data[i - 1]) end
  return list
end

--- The bytes as a Lua string.
function Storage:string()
  return ffi.string(C.tch_storage_data(self), count(self) * M.rowOfStorage(self).bytes)
end

--- Address of the elements, a raw typed pointer that is good while the storage lives and is not resized.
function Storage:data() return (elements(self)) end
function Storage:cdata() return self end
function Storage:elementSize() return M.rowOfStorage(self).bytes end

--- The type's name, or a converted copy.
function Storage:type(name)
  local row = M.rowOfStorage(self)
  if not name then return row.storage end
  local to = dtype.byStorage[name]
  if not to then raise(('there is no storage type %s'):format(tostring(name))) end
  if to == row then return self end
  return new(to, count(self)):copy(self)
end

function Storage:typename() return M.rowOfStorage(self).storage end

for _, row in ipairs(dtype.rows) do
  local mt = M.storages[row.code]
  mt.new = function(...) return construct(row, ...) end
  mt.__factory = function() return new(row, 0) end
  Storage[row.method] = function(self) return self:type(row.storage) end
end

local S = { new = new, elements = elements }

--- torch.FloatStorage and its kin, into `torch`.
function S.install(torch)
  for _, row in ipairs(dtype.rows) do
    torch[row.name .. 'Storage'] = M.constructor(M.storages[row.code], function(...) return construct(row, ...) end)
  end
end

return S
