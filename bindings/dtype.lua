--- Facts about data types, one row each.
-- A row: `code` of the engine, `name` ("Float"), `ctype` of an element, `pointer` type, `bytes`, `floating`, `method` (the cast),
-- `tensor` and `storage` (type names), `get(value)` (element to Lua number).
-- @module tocha.bindings.dtype
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'

local function same(value) return value end

local rows = {
  { code = C.TCH_BYTE, name = 'Byte', ctype = 'uint8_t' },
  { code = C.TCH_CHAR, name = 'Char', ctype = 'int8_t' },
  { code = C.TCH_SHORT, name = 'Short', ctype = 'int16_t' },
  { code = C.TCH_INT, name = 'Int', ctype = 'int32_t' },
  { code = C.TCH_LONG, name = 'Long', ctype = 'int64_t', get = tonumber },
  { code = C.TCH_FLOAT, name = 'Float', ctype = 'float', floating = true },
  { code = C.TCH_DOUBLE, name = 'Double', ctype = 'double', floating = true },
}

local dtype = { rows = rows, byCode = {}, byTensor = {}, byStorage = {} }
for _, row in ipairs(rows) do
  row.code = tonumber(row.code)
  row.pointer = ffi.typeof(row.ctype .. ' *')
  row.bytes = ffi.sizeof(row.ctype)
  row.floating = row.floating or false
  row.get = row.get or same
  row.method = row.name:lower()
  row.tensor = 'torch.' .. row.name .. 'Tensor'
  row.storage = 'torch.' .. row.name .. 'Storage'
  dtype.byCode[row.code], dtype.byTensor[row.tensor], dtype.byStorage[row.storage] = row, row, row
  dtype[row.name] = row
end
return dtype
