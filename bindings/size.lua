--- Sizes, strides and dimensions as arguments, and the LongStorages that answer for them.
-- @module tocha.bindings.size
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local own = require 'tocha.bindings.own'
local storage = require 'tocha.bindings.storage'

local raise, integer = own.raise, own.integer
local size = {}

local function tooMany(what, n)
  raise(('%s: %d dimensions are too many, 16 are possible'):format(what, n))
end

-- Raises, unless Torch7's way is on and the value is a number or digits in a string; the buffer truncates it.
local function badSize(what, i, value)
  local number = own.truncates and tonumber(value)
  if number and number - number == 0 then return number end
  raise(('%s: size %s of dimension %d is no whole number'):format(what, tostring(value), i))
end

local function fromList(what, buffer, list)
  local n = #list
  if n > 16 then tooMany(what, n) end
  for i = 1, n do
    local value = tonumber(list[i])
    if not value or value % 1 ~= 0 then badSize(what, i, list[i]) end
    buffer[i - 1] = value
  end
  return n
end

-- Numbers from the argument list, in groups that the compiler follows without a loop.
local function fromNumbers(what, buffer, n, a, b, c, d, e, ...)
  if n > 16 then tooMany(what, n) end
  if type(a) ~= 'number' or a % 1 ~= 0 then a = badSize(what, 1, a) end
  buffer[0] = a
  if n == 1 then return n end
  if type(b) ~= 'number' or b % 1 ~= 0 then b = badSize(what, 2, b) end
  buffer[1] = b
  if n == 2 then return n end
  if type(c) ~= 'number' or c % 1 ~= 0 then c = badSize(what, 3, c) end
  buffer[2] = c
  if n == 3 then return n end
  if type(d) ~= 'number' or d % 1 ~= 0 then d = badSize(what, 4, d) end
  buffer[3] = d
  if n == 4 then return n end
  if type(e) ~= 'number' or e % 1 ~= 0 then e = badSize(what, 5, e) end
  buffer[4] = e
  for i = 6, n do
    local value = select(i - 5, ...)
    if type(value) ~= 'number' or value % 1 ~= 0 then value = badSize(what, i, value) end
    buffer[i - 1] = value
  end
  return n
end

--- Reads sizes given as numbers, as one table or as one LongStorage.
-- @tparam string what name of the function, for messages
-- @tparam cdata buffer int64_t[16]
-- @tparam number n number of arguments that follow
-- @treturn number of dimensions
function size.read(what, buffer, n, first, ...)
  if n == 0 then return 0 end
  if type(first) == 'number' then return fromNumbers(what, buffer, n, first, ...) end
  if type(first) == 'table' or own.isStorage(first) then return fromList(what, buffer, first) end
  if own.truncates and tonumber(first) then return fromNumbers(what, buffer, n, first, ...) end
  raise(('%s: sizes are numbers, a table or a torch.LongStorage, not a %s'):format(what, type(first)))
end

--- Copies a tensor's sizes into a buffer.
-- @treturn number of dimensions
function size.of(buffer, tensor)
  local n = C.tch_tensor_dim(tensor)
  for d = 0, n - 1 do buffer[d] = C.tch_tensor_size(tensor, d) end
  return n
end

--- A dimension given from 1 (or from the end, negative) as one from 0.
function size.dimension(what, tensor, d)
  d = integer(d)
  local n = C.tch_tensor_dim(tensor)
  local at = d < 0 and d + n or d - 1
  if d == 0 or at < 0 or at >= n then
    raise(('%s: there is no dimension %d in a tensor of %d dimensions (%s)'):format(what, d, n, size.text(tensor)))
  end
  return at
end

--- "2x3", "scalar" or "empty".
function size.text(tensor)
  local n = C.tch_tensor_dim(tensor)
  if n == 0 then return C.tch_tensor_count(tensor) == 0 and 'empty' or 'scalar' end
  local list = {}
  for d = 1, n do list[d] = tostring(tonumber(C.tch_tensor_size(tensor, d - 1))) end
  return table.concat(list, 'x')
end

local Long, pointer = dtype.Long, dtype.Long.pointer

--- Sizes as a LongStorage.
function size.sizes(tensor)
  local n = C.tch_tensor_dim(tensor)
  local list = storage.new(Long, n)
  local data = ffi.cast(pointer, C.tch_storage_data(list))
  for d = 0, n - 1 do data[d] = C.tch_tensor_size(tensor, d) end
  return list
end

--- Strides as a LongStorage.
function size.strides(tensor)
  local n = C.tch_tensor_dim(tensor)
  local list = storage.new(Long, n)
  local data = ffi.cast(pointer, C.tch_storage_data(list))
  for d = 0, n - 1 do data[d] = C.tch_tensor_stride(tensor, d) end
  return list
end

return size
