--- Facts about data types, one row each.
-- A row: `code` of the engine, `name` ("Float"), `ctype` of an element, `pointer` type, `bytes`, `floating` (computes with
-- fractions), `stored` (is not computed with), `method` (the cast), `tensor` and `storage` (type names), `at(data, i)` (the number
-- at a place), `put(number)` (what is stored for a number), and `numbers`, the row of the type in which elements can be written
-- as Lua numbers: another one for types that are only stored.
-- @module tocha.bindings.dtype
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'

local function whole(data, i) return data[i] end
local function same(value) return value end

local rows = {
  { code = C.TCH_BYTE, name = 'Byte', ctype = 'uint8_t' },
  { code = C.TCH_CHAR, name = 'Char', ctype = 'int8_t' },
  { code = C.TCH_SHORT, name = 'Short', ctype = 'int16_t' },
  { code = C.TCH_INT, name = 'Int', ctype = 'int32_t' },
  { code = C.TCH_LONG, name = 'Long', ctype = 'int64_t', at = function(data, i) return tonumber(data[i]) end },
  { code = C.TCH_FLOAT, name = 'Float', ctype = 'float', floating = true, at = C.tch_float_at },
  { code = C.TCH_DOUBLE, name = 'Double', ctype = 'double', floating = true, at = C.tch_double_at },
  { code = C.TCH_HALF, name = 'Half', ctype = 'uint16_t', at = C.tch_half_at, put = C.tch_half_bits },
  { code = C.TCH_BFLOAT16, name = 'BFloat16', ctype = 'uint16_t', at = C.tch_bfloat16_at, put = C.tch_bfloat16_bits },
}

local dtype = { rows = rows, byCode = {}, byTensor = {}, byStorage = {} }
for _, row in ipairs(rows) do
  row.code = tonumber(row.code)
  row.pointer = ffi.typeof(row.ctype .. ' *')
  row.bytes = ffi.sizeof(row.ctype)
  row.floating = row.floating or false
  row.stored = row.put ~= nil
  row.at, row.put = row.at or whole, row.put or same
  row.method = row.name:lower()
  row.tensor = 'torch.' .. row.name .. 'Tensor'
  row.storage = 'torch.' .. row.name .. 'Storage'
  dtype.byCode[row.code], dtype.byTensor[row.tensor], dtype.byStorage[row.storage] = row, row, row
  dtype[row.name] = row
end
for _, row in ipairs(rows) do row.numbers = row.stored and dtype.Double or row end
return dtype
