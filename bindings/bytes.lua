--- Numbers to bytes and back, in the order of little-endian machines, which are all that the engine is built for.
-- @module tocha.bindings.bytes
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local dtype = require 'tocha.bindings.dtype'

local bytes = { encode = {}, decode = {} }

for _, row in ipairs(dtype.rows) do
  local buffer = ffi.new('int64_t[1]')
  local cell = ffi.cast(row.pointer, buffer)

  --- The bytes of a number.
  bytes.encode[row.name] = function(value)
    cell[0] = row.put(value)
    return ffi.string(buffer, row.bytes)
  end

  --- The number in a string of exactly as many bytes as the type has.
  bytes.decode[row.name] = function(text)
    ffi.copy(buffer, text, row.bytes)
    return row.at(cell, 0)
  end
end

--- A string of elements of `width` bytes in the other byte order.
function bytes.swap(text, width)
  if width == 1 then return text end
  local to = ffi.new('char[?]', #text)
  local from = ffi.cast('const char *', text)
  for i = 0, #text - 1, width do
    for k = 0, width - 1 do to[i + k] = from[i + width - 1 - k] end
  end
  return ffi.string(to, #text)
end

local box, ints = own.newBox(), own.newInts()

--- A new tensor of a data type's row with the given sizes (none: a scalar), whose elements lie in a contiguous ByteTensor
-- after `skip` bytes; with `swapped` in the other byte order.
-- @treturn[1] tensor
-- @treturn[2] nil
-- @treturn[2] string why not
function bytes.tensor(row, sizes, source, skip, swapped)
  for d = 1, #sizes do ints[d - 1] = sizes[d] end
  box[0] = nil
  local room, count = tonumber(C.tch_tensor_count(source)) - skip, 1
  for d = 1, #sizes do count = count * sizes[d] end
  if count * row.bytes > room then
    return nil, ('%.0f elements of %d bytes are announced, but %.0f bytes are there'):format(count, row.bytes, room)
  end
  if C.tch_tensor_new(row.code, #sizes, ints, box) ~= 0 then return nil, ffi.string(C.tch_error()) end
  local tensor = own.wrap(box[0])
  if count == 0 then return tensor end
  local to = ffi.cast('uint8_t *', C.tch_tensor_data(tensor))
  local from = ffi.cast('const uint8_t *', C.tch_tensor_data(source)) + skip
  if swapped then
    for i = 0, count * row.bytes - 1, row.bytes do
      for k = 0, row.bytes - 1 do to[i + k] = from[i + row.bytes - 1 - k] end
    end
  else ffi.copy(to, from, count * row.bytes) end
  return tensor
end

--- Part of a contiguous ByteTensor as a string.
function bytes.text(source, skip, n)
  if n == 0 then return '' end
  return ffi.string(ffi.cast('const char *', C.tch_tensor_data(source)) + skip, n)
end

return bytes
