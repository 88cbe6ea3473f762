--- The entries of LMDB databases, by their keys and by cursors.
-- @module tocha.bindings.lmdbentries
local ffi = require 'ffi'
local lmdb = require 'tocha.bindings.lmdb'
local raise = require 'tocha.bindings.own'.raise

local L, K, answer = lmdb.library, lmdb.constants, lmdb.answer

-- -- entries --------------------------------------------------------------------------------------------------------------

local keyBox, valueBox = ffi.new 'MDB_val[1]', ffi.new 'MDB_val[1]'

local kept = {} -- luacheck: ignore -- what the boxes point at is not collected

local function fill(box, bytes, size)
  kept[box == keyBox and 1 or 2] = bytes
  box[0].mv_size, box[0].mv_data = size or #bytes, ffi.cast('void *', bytes)
  return box
end

local function placed(box) return box[0].mv_data, tonumber(box[0].mv_size) end

--- A value by its key.
-- @treturn[1] cdata data, until the transaction writes or ends
-- @treturn[1] number size
-- @treturn[2] nil where there is none
function lmdb.get(txn, dbi, key)
  local op = 'lmdb.txn.get'
  local status = answer(op, L.mdb_get(lmdb.usable(op, txn), dbi, fill(keyBox, key), valueBox))
  if status ~= 0 then return nil end
  return placed(valueBox)
end

local PUT = bit.bor(K.MDB_NOOVERWRITE, K.MDB_NODUPDATA, K.MDB_CURRENT, K.MDB_APPEND, K.MDB_APPENDDUP)

local function put(op, txn, flags, f, ...)
  lmdb.writable(op, txn)
  if bit.band(flags, bit.bnot(PUT)) ~= 0 then raise(op .. ': the flags are MDB_NOOVERWRITE, MDB_NODUPDATA, MDB_APPEND, '
    .. 'MDB_APPENDDUP and, of a cursor, MDB_CURRENT') end
  local status = f(...)
  return answer(op, status, status == K.MDB_MAP_FULL and (' (MapSize is %.0f bytes); abort the transaction'):format(txn.env.size))
end

--- Sets the value of a key.
-- @treturn number status: 0, or MDB_KEYEXIST
function lmdb.put(txn, dbi, key, value, size, flags)
  return put('lmdb.txn.put', txn, flags, L.mdb_put, txn.open, dbi, fill(keyBox, key), fill(valueBox, value, size), flags)
end

-- -- cursors --------------------------------------------------------------------------------------------------------------

local function place(op, cursor)
  if not cursor.open then raise(op .. ': the cursor is closed, or its transaction has ended') end
  lmdb.usable(op, cursor.txn)
  return cursor.open
end

--- A cursor in a database.
-- @treturn table cursor
-- @treturn cdata its pointer in a box, with which it goes
function lmdb.cursor(txn, dbi)
  local box = ffi.new 'MDB_cursor *[1]'
  answer('lmdb.cursor', L.mdb_cursor_open(lmdb.usable('lmdb.cursor', txn), dbi, box))
  local cursor = { open = box[0], txn = txn }
  txn.cursors[cursor] = true
  return cursor, ffi.gc(box, function() lmdb.closeCursor(cursor) end)
end

local needsKey = { [K.MDB_SET] = true, [K.MDB_SET_KEY] = true, [K.MDB_SET_RANGE] = true }
local unfit = {}
for _, name in ipairs { 'GET_BOTH', 'GET_BOTH_RANGE', 'GET_MULTIPLE', 'NEXT_MULTIPLE' } do unfit[K['MDB_' .. name]] = true end

--- Moves a cursor.
-- @tparam string op for errors
-- @tparam table cursor
-- @tparam number how one of MDB_FIRST, ...
-- @tparam[opt] string key that MDB_SET, MDB_SET_KEY and MDB_SET_RANGE look for
-- @treturn boolean whether there is an entry
function lmdb.move(op, cursor, how, key)
  local open = place(op, cursor)
  if type(how) ~= 'number' or how % 1 ~= 0 or how < 0 or how > 17 or unfit[how] then
    raise(('%s: %s is no way to move a cursor'):format(op, tostring(how)))
  end
  if needsKey[how] and not key then raise(op .. ': this way to move needs a key, which set() gives') end
  -- Without a place there is no entry: the library calls that a wrong argument.
  local status = L.mdb_cursor_get(open, fill(keyBox, key or ''), valueBox, how)
  if status == 22 and how == K.MDB_GET_CURRENT then return false end
  return answer(op, status) == 0
end

--- The key and the value where a cursor was moved last: place and size of each, until the next call.
function lmdb.entry()
  local key, keySize = placed(keyBox)
  return key, keySize, placed(valueBox)
end

--- Sets a value by a cursor, which stands there then.
-- @treturn number status: 0, or MDB_KEYEXIST
function lmdb.putAt(cursor, key, value, size, flags)
  local op = 'lmdb.cursor.put'
  local open = place(op, cursor)
  lmdb.writable(op, cursor.txn)
  if bit.band(flags, K.MDB_CURRENT) ~= 0 then
    if not lmdb.move(op, cursor, K.MDB_GET_CURRENT) or ffi.string(keyBox[0].mv_data, keyBox[0].mv_size) ~= key then
      raise(op .. ': with MDB_CURRENT the key is that of the place where the cursor stands')
    end
  end
  return put(op, cursor.txn, flags, L.mdb_cursor_put, open, fill(keyBox, key), fill(valueBox, value, size), flags)
end

--- Takes away the entry where a cursor stands; with MDB_NODUPDATA all values of its key.
-- @treturn number status: 0, or MDB_NOTFOUND
function lmdb.delete(cursor, flags)
  local op = 'lmdb.cursor.del'
  local open = place(op, cursor)
  lmdb.writable(op, cursor.txn)
  if flags ~= 0 and flags ~= K.MDB_NODUPDATA then raise(op .. ': the flag is MDB_NODUPDATA') end
  if not lmdb.move(op, cursor, K.MDB_GET_CURRENT) then return K.MDB_NOTFOUND end
  return answer(op, L.mdb_cursor_del(open, flags))
end

return lmdb
