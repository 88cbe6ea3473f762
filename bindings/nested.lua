--- Nested Lua tables to tensors and back.
-- @module tocha.bindings.nested
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local ffi = require 'ffi'

local raise = own.raise
local sizes = own.newInts()
local nested = {}

-- Sizes by the first entries of each level.
local function measure(list)
  local n = 0
  while type(list) == 'table' do
    if n == 16 then raise('a table of more than 16 levels cannot become a tensor') end
    if #list == 0 and n > 0 then raise('a table with empty tables in it cannot become a tensor') end
    sizes[n] = #list
    n, list = n + 1, list[1]
  end
  return n
end

local function where(path, depth)
  local text = {}
  for i = 1, depth do text[i] = ('[%d]'):format(path[i]) end
  return table.concat(text)
end

local function fill(data, at, list, level, n, path)
  local count = tonumber(sizes[level])
  if type(list) ~= 'table' or #list ~= count then
    raise(('entry %s of the table has %s where %d entries are needed'):format(where(path, level),
      type(list) == 'table' and #list .. ' entries' or 'a ' .. type(list), count))
  end
  for i = 1, count do
    path[level + 1] = i
    if level + 1 < n then
      at = fill(data, at, list[i], level + 1, n, path)
    else
      local value = tonumber(list[i])
      if not value then raise(('entry %s of the table is a %s, not a number'):format(where(path, n), type(list[i]))) end
      data[at] = value
      at = at + 1
    end
  end
  return at
end

--- A tensor of a type from a table of numbers, or of tables of equal sizes.
-- @tparam function new makes the tensor: new(row, ndim, sizes)
function nested.read(row, list, new)
  local n = measure(list)
  if n == 1 and sizes[0] == 0 then return new(row, 0, sizes) end
  if row ~= row.numbers then return nested.read(row.numbers, list, new):type(row.tensor) end
  local tensor = new(row, n, sizes)
  fill(ffi.cast(row.pointer, C.tch_tensor_data(tensor)), 0, list, 0, n, {})
  return tensor
end

local function write(data, at, tensor, level, n, offset)
  local count, step = tonumber(C.tch_tensor_size(tensor, level)), tonumber(C.tch_tensor_stride(tensor, level))
  local list = {}
  for i = 1, count do
    if level + 1 == n then list[i] = at(data, offset)
    else list[i] = write(data, at, tensor, level + 1, n, offset) end
    offset = offset + step
  end
  return list
end

--- The elements in nested tables; the number itself for a tensor without dimensions.
function M.tensor:totable()
  local n, row = C.tch_tensor_dim(self), M.rowOf(self)
  if C.tch_tensor_count(self) == 0 and n == 0 then return {} end
  local data = ffi.cast(row.pointer, C.tch_tensor_data(self))
  if n == 0 then return row.at(data, 0) end
  return write(data, row.at, self, 0, n, 0)
end

return nested
