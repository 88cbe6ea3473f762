--- Storages: counted arrays of one data type.
--
--     torch.FloatStorage([n])                                       n elements, contents undefined
--     torch.FloatStorage(table)                                     its numbers
--     torch.FloatStorage(storage [, offset [, size]])               a view of a storage of the same type
--     torch.FloatStorage(filename [, shared [, size [, memory]]])   a mapped file; see tch_storage_map
--     torch.FloatStorage(n, address)                                memory that the caller keeps
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
  return row.at(data, at)
end

local function numberOf(value, where)
  local number = tonumber(value)
  if number == nil then raise(('%s: %s is no number'):format(where, tostring(value))) end
  return number
end

function M.putItem(storage, i, value)
  local at = check(storage, i)
  local data, row = elements(storage)
  data[at] = row.put(numberOf(value, 'storage'))
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
  for i = 1, n do data[i - 1] = row.put(numberOf(list[i], ('entry %d of the table'):format(i))) end
  return storage
end

local function made(status)
  if status ~= 0 then own.fail(status) end
  return own.wrapStorage(box[0])
end

local function elementsWanted(row, n)
  if type(n) ~= 'number' or n < 0 or n % 1 ~= 0 then
    raise(('%s: %s elements are not possible'):format(row.storage, tostring(n)))
  end
  return n
end

local function viewOf(row, storage, offset, n)
  local other = M.rowOfStorage(storage)
  if other ~= row then
    raise(('%s: a view of a %s is not possible (copy() converts)'):format(row.storage, other.storage))
  end
  offset = own.integer(offset or 1)
  n = own.integer(n or count(storage) - (offset - 1))
  if offset < 1 or n < 0 or offset - 1 + n > count(storage) then
    raise(('%s: %d elements from %d on do not lie in a storage of %d'):format(row.storage, n, offset, count(storage)))
  end
  return made(C.tch_storage_view(storage, row.code, (offset - 1) * row.bytes, n, box))
end

--- Storage(n): n elements, undefined; of a table of numbers; (path [, shared [, n [, readOnly]]]): a file as memory, in
-- which writes go to the file where it is shared; (storage, offset, n): a view. FloatStorage, LongStorage ... tell the type
-- of the elements.
local function construct(row, first, second, third, fourth)
  if first == nil then return new(row, 0) end
  if type(first) == 'number' then
    elementsWanted(row, first)
    if second == nil then return new(row, first) end
    local address = tonumber(second) or type(second) == 'cdata' and tonumber(ffi.cast('intptr_t', second))
    if not address then raise(('%s: the address is a number, not a %s'):format(row.storage, type(second))) end
    return made(C.tch_storage_at(row.code, first, cast('void *', cast('intptr_t', address)), box))
  elseif type(first) == 'table' then return fromTable(row, first)
  elseif type(first) == 'string' then
    local n = third == nil and -1 or elementsWanted(row, third)
    if n == 0 then n = -1 end
    local status = C.tch_storage_map(row.code, first, n, second and true or false, fourth and true or false, box)
    if status ~= 0 then own.fail(status) end
    return own.wrapFile(box[0])
  elseif own.isStorage(first) then return viewOf(row, first, second, third) end
  raise(('%s: a %s is neither a number of elements, nor a table, file name or storage'):format(row.storage, type(first)))
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
  local data, row = elements(self)
  local number = row.put(numberOf(value, 'fill'))
  for i = 0, count(self) - 1 do data[i] = number end
  return self
end

local tensorBox, size = own.newBox(), own.newInts()

local function asTensor(storage)
  size[0], tensorBox[0] = count(storage), nil
  if C.tch_tensor_view_of(storage, 0, 1, size, nil, tensorBox) ~= 0 then own.fail() end
  return own.wrap(tensorBox[0])
end

--- Copies from a storage of the same number of elements, converting.
function Storage:copy(from)
  if not own.isStorage(from) then raise('copy: a storage is needed') end
  local n = count(self)
  if count(from) ~= n then raise(('copy: a storage of %d elements into one of %d'):format(count(from), n)) end
  local status = C.tch_tensor_copy(asTensor(self), asTensor(from))
  if status ~= 0 then own.fail(status) end
  return self
end

--- The elements as a Lua table.
function Storage:totable()
  local data, row = elements(self)
  local list = {}
  for i = 1, count(self) do list[i] = row.at(data, i - 1) end
  return list
end

--- The bytes as a Lua string; string(text) makes the text's bytes the contents.
function Storage:string(text)
  local bytes = M.rowOfStorage(self).bytes
  if text ~= nil then
    if type(text) ~= 'string' or #text % bytes ~= 0 then
      raise(('string: a string whose bytes are a multiple of %d is needed'):format(bytes))
    end
    self:resize(#text / bytes)
    ffi.copy(C.tch_storage_data(self), text, #text)
    return self
  end
  return ffi.string(C.tch_storage_data(self), count(self) * M.rowOfStorage(self).bytes)
end

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
  mt.elementSize = function() return row.bytes end -- also torch.FloatStorage.elementSize(), as scripts call it
  Storage[row.method] = function(self) return self:type(row.storage) end
end

--- Converted to the default type.
function Storage:real() return self:type(require('tocha.bindings.tensor').default.storage) end

local S = { new = new, elements = elements }

--- torch.FloatStorage and its kin, into `torch`.
function S.install(torch)
  for _, row in ipairs(dtype.rows) do
    torch[row.name .. 'Storage'] = M.constructor(M.storages[row.code], function(...) return construct(row, ...) end)
  end
end

return S
