--- LMDB databases: Torch7's package lmdb, on the library liblmdb. Sets the global lmdb.
--
--     local db = lmdb.env { Path = './db', Name = 'db' }
--     db:open()
--     local txn = db:txn()
--     txn:put(1, torch.rand(3))
--     txn:commit()
--     local reader = db:txn(true)
--     print(reader:get(1))
--     reader:abort()
--     db:close()
--
-- Keys are strings (tostring of what is given), values what torch.serialize makes of any object; a program may set
-- lmdb.serialize and lmdb.deserialize. Nothing found and a key that is there already are answers, all else is an error. The
-- fields mdb_env, mdb_txn, mdb_dbi, mdb_cursor and the functions in lmdb.C are the library's own, which check nothing.
-- @module lmdb
local ffi = require 'ffi'
local torch = require 'torch'
local paths = require 'paths'
local dok = require 'dok'
local engine = require 'tocha.bindings.lmdbentries'
local own = require 'tocha.bindings.own'

local raise = own.raise
local lmdb = { C = setmetatable({}, { __index = function(_, name) return engine.constants[name] or engine.library[name] end }) }
rawset(_G, 'lmdb', lmdb)
own.folder(debug.getinfo(1, 'S').source:match '^@(.*)$')

local K = engine.constants

-- -- values ---------------------------------------------------------------------------------------------------------------

--- The bytes of an object, and their number.
function lmdb.serialize(x)
  local bytes = torch.serialize(x)
  return bytes, #bytes
end

--- The object that bytes are of; where they are of none, or with `binary`, a ByteTensor of them.
function lmdb.deserialize(data, size, binary)
  if not binary then
    local good, x = pcall(torch.deserialize, ffi.string(data, size))
    if good then return x end
  end
  local bytes = torch.ByteTensor(size)
  if size > 0 then ffi.copy(bytes:data(), data, size) end
  return bytes
end

local function bytesOf(op, x)
  local bytes, size = lmdb.serialize(x)
  if type(bytes) ~= 'string' and type(bytes) ~= 'cdata' then raise(op .. ': lmdb.serialize gave no bytes') end
  if type(size) ~= 'number' or size % 1 ~= 0 or size < 0 or (type(bytes) == 'string' and size > #bytes) then
    raise(op .. ': lmdb.serialize gave no size of its bytes')
  end
  return bytes, size
end

local function keyOf(op, key)
  if key == nil then raise(op .. ': the key is nil') end
  key = tostring(key)
  if #key < 1 or #key > 511 then raise(('%s: a key has 1 to 511 bytes, not %d'):format(op, #key)) end
  return key
end

local function flagsOf(op, flags)
  if flags ~= nil and (type(flags) ~= 'number' or flags % 1 ~= 0 or flags < 0 or flags >= 2 ^ 31) then
    own.bad(op, 'the flag', 'one of lmdb.C.MDB_...', flags)
  end
  return flags or 0
end

local anchors = setmetatable({}, { __mode = 'k' })

--- An MDB_val of an object, for the functions in lmdb.C; it holds its bytes. The second result is the bytes.
function lmdb.MDB_val(box, x, isKey)
  box = box or ffi.new 'MDB_val[1]'
  local bytes, size
  if isKey then bytes = tostring(x) else bytes, size = bytesOf('lmdb.MDB_val', x) end
  box[0].mv_size, box[0].mv_data = size or #bytes, ffi.cast('void *', bytes)
  anchors[box] = bytes
  return box, bytes
end

--- The object of an MDB_val.
function lmdb.from_MDB_val(box, isKey, binary)
  local size, data = tonumber(box[0].mv_size), box[0].mv_data
  if isKey then return ffi.string(data, size) end
  return lmdb.deserialize(data, size, binary)
end

--- Calls a function in lmdb.C; its status.
function lmdb.errcheck(name, ...) return lmdb.C[name](...) end

-- -- environments ---------------------------------------------------------------------------------------------------------

local Env, Txn, Cursor = torch.class('lmdb.env', lmdb), torch.class('lmdb.txn', lmdb), torch.class('lmdb.cursor', lmdb)

local function named(op, what, name)
  if type(name) ~= 'string' or name == '' or name:find '%z' then own.bad(op, what, 'a name', name) end
  return name
end

local switches = { 'NOSUBDIR', 'NOMETASYNC', 'RDONLY', 'WRITEMAP', 'MAPASYNC', 'NOSYNC', 'NOTLS', 'NOLOCK' }

function Env:__init(...)
  local rows = { { arg = 'Path', type = 'string', help = 'folder of the database' },
    { arg = 'MapSize', type = 'number', help = 'bytes that it may have', default = 2 ^ 40 } }
  for _, name in ipairs(switches) do
    rows[#rows + 1] = { arg = name, type = 'boolean', help = 'flag of the library', default = false }
  end
  rows[#rows + 1] = { arg = 'Mode', type = 'number', help = 'rights of its files, as octal digits', default = 664 }
  rows[#rows + 1] = { arg = 'MaxDBs', type = 'number', help = 'named databases in it', default = 1 }
  rows[#rows + 1] = { arg = 'MaxReaders', type = 'number', help = 'transactions that read it at a time', default = 3 }
  rows[#rows + 1] = { arg = 'Name', type = 'string', help = 'for the program', default = 'Data' }
  local args = dok.unpack({ ... }, 'lmdb.env', 'A database', unpack(rows))
  local function whole(name, least, most)
    local n = args[name]
    if type(n) ~= 'number' or n % 1 ~= 0 or n < least or n > most then
      own.bad('lmdb.env', name, ('a whole number from %d to %.0f'):format(least, most), n)
    end
    self[name] = n
  end
  for _, name in ipairs { 'Path', 'Name' } do
    self[name] = named('lmdb.env', name, args[name])
  end
  whole('MapSize', 1, 2 ^ 46)
  whole('MaxDBs', 0, 4096)
  whole('MaxReaders', 1, 65536)
  self.Mode = tonumber(args.Mode) and tonumber(tostring(args.Mode), 8) and args.Mode or
    own.bad('lmdb.env', 'Mode', 'a number of octal digits', args.Mode)
  self.flags = 0
  for _, name in ipairs(switches) do
    if args[name] then self.flags = bit.bor(self.flags, K['MDB_' .. name]) end
  end
end

--- Opens the database; the folder is made where it is missing, unless it is only read.
function Env:open()
  if self._state and self._state.open then raise(('lmdb.env.open: %s is open already'):format(self.Path)) end
  local single = bit.band(self.flags, K.MDB_NOSUBDIR) ~= 0
  local path = paths.concat(self.Path)
  local folder = single and paths.dirname(path) or path
  if not paths.dirp(folder) then
    if bit.band(self.flags, K.MDB_RDONLY) ~= 0 then raise(('lmdb.env.open: there is no folder %s'):format(folder)) end
    local made, why = paths.mkdir(folder)
    if not made then raise(('lmdb.env.open: the folder %s cannot be made: %s'):format(folder, tostring(why))) end
  end
  local file = single and path or paths.concat(path, 'data.mdb')
  self._state, self.mdb_env = engine.open(path, engine.place(file, folder), file, { flags = self.flags, size = self.MapSize,
    mode = tonumber(tostring(self.Mode), 8), databases = self.MaxDBs, readers = self.MaxReaders })
end

--- A transaction: txn(readOnly, inside another one).
function Env:txn(...) return lmdb.txn(self, ...) end

--- Frees the places of readers whose processes died; how many.
function Env:reader_check() return engine.checkReaders(self._state) end

--- psize, depth, branch_pages, leaf_pages, overflow_pages, entries.
function Env:stat() return engine.stat(self._state) end

--- Closes the database and ends the transactions that read it.
function Env:close()
  engine.close(self._state)
  self._state, self.mdb_env = nil, nil
end

-- -- transactions ---------------------------------------------------------------------------------------------------------

function Txn:__init(env, readOnly, parent)
  if torch.typename(env) ~= 'lmdb.env' then own.bad('lmdb.txn', 'the first argument', 'an lmdb.env', env) end
  if parent ~= nil and torch.typename(parent) ~= 'lmdb.txn' then
    own.bad('lmdb.txn', 'the outer transaction', 'an lmdb.txn', parent)
  end
  self._env, self._parent = env, parent
  self._state, self.mdb_txn = engine.begin(env._state, not not readOnly, parent and (parent._state or {}))
  self:dbi_open()
end

--- The database that put, get and cursors use from now on: dbi_open(name, flags); the main one without a name.
-- @treturn number 0, or lmdb.C.MDB_NOTFOUND
function Txn:dbi_open(name, flags)
  if name ~= nil then named('lmdb.txn.dbi_open', 'the name', name) end
  local dbi = ffi.new 'MDB_dbi[1]'
  local status = engine.database(self._state, name, flagsOf('lmdb.txn.dbi_open', flags), dbi)
  if status == 0 then self.mdb_dbi = dbi end
  return status
end

local function ended(self) self._state, self.mdb_txn = nil, nil end

--- Writes what was done; the transaction has ended then.
function Txn:commit()
  local state = self._state
  ended(self)
  engine.commit(state)
end

--- Forgets what was done; the transaction has ended then.
function Txn:abort()
  if self._state then engine.abort(self._state) end
  ended(self)
end

--- Lets a reader go until renew.
function Txn:reset() engine.reset(self._state) end
--- Reads what is there now.
function Txn:renew()
  engine.renew(self._state)
  return 0
end

--- Sets the value of a key.
-- @treturn number 0, or lmdb.C.MDB_KEYEXIST where a flag asks for a new key
function Txn:put(key, data, flag)
  local op = 'lmdb.txn.put'
  local bytes, size = bytesOf(op, data)
  if not self._state then raise(op .. ': the transaction has ended') end
  return engine.put(self._state, self.mdb_dbi[0], keyOf(op, key), bytes, size, flagsOf(op, flag))
end

--- The value of a key, or nil; with `binary` its bytes as a ByteTensor.
function Txn:get(key, binary)
  local data, size = engine.get(self._state, self.mdb_dbi[0], keyOf('lmdb.txn.get', key))
  if data then return lmdb.deserialize(data, size, binary or false) end
end

--- A cursor in the database, on its first entry.
function Txn:cursor() return lmdb.cursor(self) end

--- Nothing: entries are not kept.
function Txn:clear() end -- luacheck: ignore

-- -- cursors --------------------------------------------------------------------------------------------------------------

function Cursor:__init(txn)
  if torch.typename(txn) ~= 'lmdb.txn' then own.bad('lmdb.cursor', 'the first argument', 'an lmdb.txn', txn) end
  self._txn = txn
  self._state, self.mdb_cursor = engine.cursor(txn._state, txn.mdb_dbi[0])
  self:first()
end

local closed = { txn = {} }

local function moved(self, op, how) return engine.move(op, self._state or closed, how, self._key) end

local function entry(self, op, how, binary)
  if not moved(self, op, how or K.MDB_GET_CURRENT) then return nil end
  local key, keySize, data, size = engine.entry()
  self._key = ffi.string(key, keySize)
  return self._key, lmdb.deserialize(data, size, binary or false)
end

--- The key and the value where the cursor stands, or where `op` (lmdb.C.MDB_NEXT ...) moves it; nil where there is nothing.
function Cursor:get(op, binary) return entry(self, 'lmdb.cursor.get', op, binary) end

--- The value alone.
function Cursor:getData(op, binary)
  local key, data = entry(self, 'lmdb.cursor.getData', op, binary)
  if key then return data end
end

--- Goes to a key; whether it is there.
function Cursor:set(key)
  self._key = keyOf('lmdb.cursor.set', key)
  return moved(self, 'lmdb.cursor.set', K.MDB_SET)
end

--- Moves by `op`; whether there is an entry.
function Cursor:move(op) return moved(self, 'lmdb.cursor.move', op or K.MDB_GET_CURRENT) end

for name, op in pairs { next = 'NEXT', prev = 'PREV', first = 'FIRST', last = 'LAST' } do
  Cursor[name] = function(self) return moved(self, 'lmdb.cursor.' .. name, K['MDB_' .. op]) end
end

--- Sets a value and goes there.
-- @treturn number 0, or lmdb.C.MDB_KEYEXIST where a flag asks for a new key or value
function Cursor:put(key, data, flag)
  local op = 'lmdb.cursor.put'
  local bytes, size = bytesOf(op, data)
  self._key = keyOf(op, key)
  return engine.putAt(self._state or closed, self._key, bytes, size, flagsOf(op, flag))
end

--- Takes the entry away; with lmdb.C.MDB_NODUPDATA all values of the key.
-- @treturn number 0, or lmdb.C.MDB_NOTFOUND
function Cursor:del(flag) return engine.delete(self._state or closed, flagsOf('lmdb.cursor.del', flag)) end

--- Lets go of the cursor.
function Cursor:close()
  if self._state and self._state.open then engine.closeCursor(self._state) end
  self._state, self.mdb_cursor = nil, nil
end

return lmdb
