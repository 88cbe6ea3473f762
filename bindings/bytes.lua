--- Numbers to bytes and back, in the order of little-endian machines, which are all that the engine is built for.
-- @module tocha.bindings.bytes
local ffi = require 'ffi'
local dtype = require 'tocha.bindings.dtype'

local bytes = { encode = {}, decode = {} }

for _, row in ipairs(dtype.rows) do
  local buffer = ffi.new('int64_t[1]')
  local cell = ffi.cast(row.pointer, buffer)

  --- The bytes of a number.
  bytes.encode[row.name] = function(value)
    cell[0] = value
    return ffi.string(buffer, row.bytes)
  end

  --- The number in a string of exactly as many bytes as the type has.
  bytes.decode[row.name] = function(text)
    ffi.copy(buffer, text, row.bytes)
    return tonumber(cell[0])
  end
end

--- Floats of half-precision numbers (IEEE 754 binary16) in a string.
-- @tparam string text 2 bytes a number
-- @tparam cdata storage a FloatStorage of as many elements
function bytes.halves(text, storage)
  local half = ffi.cast('const uint16_t *', text)
  for i = 1, #text / 2 do
    local bits = half[i - 1]
    local sign = bits >= 0x8000 and -1 or 1
    local exponent, fraction = math.floor(bits / 0x400) % 32, bits % 0x400
    local value
    if exponent == 31 then value = fraction == 0 and math.huge or 0 / 0
    elseif exponent == 0 then value = fraction * 2 ^ -24
    else value = (1 + fraction / 0x400) * 2 ^ (exponent - 15) end
    storage[i] = sign * value
  end
end

return bytes
