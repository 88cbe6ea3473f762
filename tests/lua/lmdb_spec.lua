--- LMDB databases through the door to Torch7: written, read again, refused, damaged.
-- luacheck: no max line length
local files = require 'tests.lua.files'
local script = [=[
local found, why = pcall(require, 'lmdb')
if not found then print(why) os.exit() end
local ffi = require 'ffi'
local C = lmdb.C
local name = os.tmpname()
os.remove(name)
local function refused(f, ...)
  local good, why = pcall(f, ...)
  why = tostring(why)
  assert(good or why:find(debug.getinfo(1, 'S').short_src, 1, true) == 1, why) -- it names this file
  print(good, (why:gsub('^.-:%d+: ', ''):gsub(name:gsub('%p', '%%%0'), 'DB')))
end

local db = lmdb.env { Path = name .. '/a', Name = 'a', MaxDBs = 4, MapSize = 2 ^ 20 }
refused(db.stat, db)
refused(db.txn, db)
db:open()
refused(db.open, db)
local same = lmdb.env(name .. '/../' .. name:match '[^/]*$' .. '/a')
refused(same.open, same)

local x = torch.rand(40, 30)
local txn = db:txn()
for i = 1, 40 do assert(txn:put(i, x[i]) == 0) end
txn:put('table', { a = 1, b = { 'two', torch.ByteTensor { 3 } } })
print(txn:put('table', 1, C.MDB_NOOVERWRITE) == C.MDB_KEYEXIST, txn:get 'table'.b[1], txn:get 'none', #txn:get('table', true) == nil)
refused(db.txn, db)
refused(txn.put, txn, '', 1)
refused(txn.put, txn, ('k'):rep(512), 1)
refused(txn.put, txn, nil, 1)
refused(txn.put, txn, 1, 1, C.MDB_MULTIPLE)
refused(txn.put, txn, 1, 1, 'flag')
refused(txn.reset, txn)
refused(db.close, db)
txn:commit()
refused(txn.commit, txn)
refused(txn.get, txn, 1)
refused(txn.cursor, txn)
txn:abort()
local stat = db:stat()
print(stat.entries, stat.psize >= 4096, db:reader_check())

local reader, other = db:txn(true), db:txn(true)
assert(torch.dist(reader:get(7), x[7]) == 0 and torch.dist(other:get(9), x[9]) == 0)
local cursor, n = reader:cursor(), 0
repeat
  local key, value = cursor:get()
  if key ~= 'table' then assert(torch.dist(value, x[tonumber(key)]) == 0) end
  n = n + 1
until not cursor:next()
print(n, cursor:set(12), (cursor:get()), cursor:set 'none', cursor:first(), (cursor:get(C.MDB_LAST)), cursor:prev(), (cursor:get()))
print(cursor:set(3), torch.dist(cursor:getData(), x[3]), cursor:getData(nil, true):type(), cursor:last(), cursor:next())
refused(reader.put, reader, 1, 1)
refused(cursor.put, cursor, 1, 1)
refused(cursor.del, cursor)
refused(cursor.get, cursor, C.MDB_GET_MULTIPLE)
refused(cursor.get, cursor, 99)
refused(reader.dbi_open, reader, 'new', C.MDB_CREATE)
reader:reset()
refused(reader.get, reader, 1)
refused(cursor.next, cursor)
txn = db:txn()
txn:put('later', 1)
txn:commit()
reader:renew()
print(reader:get 'later', other:get 'later', cursor:set 'later')
refused(reader.renew, reader)
other:abort()
reader:abort()
refused(cursor.get, cursor)
cursor:close()

txn = db:txn()
local inner = db:txn(false, txn)
refused(txn.put, txn, 1, 1)
inner:put('inner', 1)
inner:abort()
inner = lmdb.txn(db, false, txn)
inner:put('inner', 2)
inner:commit()
cursor = txn:cursor()
print(txn:get 'inner', cursor:set 'later', cursor:del(), cursor:set 'later', cursor:put('by cursor', 'x'), (cursor:get()))
refused(cursor.put, cursor, 'elsewhere', 1, C.MDB_CURRENT)
refused(txn.dbi_open, txn, 'n', C.MDB_INTEGERKEY)
refused(txn.dbi_open, txn, nil, C.MDB_DUPSORT)
print(txn:dbi_open 'n' == C.MDB_NOTFOUND, txn:dbi_open('n', C.MDB_CREATE + C.MDB_DUPSORT), txn:put('k', 1), txn:put('k', 2), txn:get 'k')
txn:commit()
refused(cursor.next, cursor)
txn = db:txn()
refused(txn.put, txn, 'big', torch.rand(2 ^ 18))
refused(txn.commit, txn)
refused(lmdb.txn, {})
refused(lmdb.cursor, db)
refused(lmdb.env, {})
refused(lmdb.env, { Path = 'x', MapSize = 0 })
refused(lmdb.env, { Path = 'x', Mode = 999 })
for _ = 1, 20 do db:txn(true):cursor() end -- which nothing holds
db:txn()
local raw = db:txn(true)
local box = ffi.new 'MDB_val[1]'
print(lmdb.errcheck('mdb_get', raw.mdb_txn[0], raw.mdb_dbi[0], (lmdb.MDB_val(nil, 'table', true)), box), lmdb.from_MDB_val(box).a)
db:close()
refused(raw.get, raw, 1)
refused(db.stat, db)

local only = lmdb.env { Path = name .. '/a', RDONLY = true, NOLOCK = true }
only:open()
refused(only.txn, only)
print(only:txn(true):get('inner'))
only = nil
collectgarbage()
collectgarbage()
only = lmdb.env { Path = name .. '/none', RDONLY = true }
refused(only.open, only)
local single = lmdb.env { Path = name .. '/file', NOSUBDIR = true, NOLOCK = true }
single:open()
reader = single:txn(true)
refused(single.txn, single)
single:close()

local file = io.open(name .. '/a/data.mdb', 'rb')
local bytes = file:read '*a'
file:close()
math.randomseed(4)
local damaged = 0
for i = 1, 60 do
  local at = math.random(#bytes / 4096) * 4096 - 4096 + math.random(40)
  file = io.open(name .. '/a/data.mdb', 'wb')
  file:write(i % 5 == 0 and bytes:sub(1, at) or bytes:sub(1, at - 1) .. string.char(math.random(0, 255)) .. bytes:sub(at + 1))
  file:close()
  db = lmdb.env { Path = name .. '/a', MaxDBs = 2, MapSize = 2 ^ 20 }
  if pcall(db.open, db) then
    pcall(function()
      txn = db:txn()
      cursor = txn:cursor()
      repeat cursor:getData(nil, true) until not cursor:next()
      for key = 1, 40, 3 do txn:put(key, ('x'):rep(100 * key)) end
      txn:commit()
    end)
    if txn then txn:abort() end
    db:close()
  else damaged = damaged + 1 end
end
print(damaged > 12)
os.execute('rm -r ' .. name)
]=]

local expected = [=[
false	lmdb.env.stat: the environment is not open
false	lmdb.txn: the environment is not open
false	lmdb.env.open: DB/a is open already
false	lmdb.env.open: DB/a is open already
true	two	nil	false
false	lmdb.txn: a transaction that writes is open already: commit or abort it
false	lmdb.txn.put: a key has 1 to 511 bytes, not 0
false	lmdb.txn.put: a key has 1 to 511 bytes, not 512
false	lmdb.txn.put: the key is nil
false	lmdb.txn.put: the flags are MDB_NOOVERWRITE, MDB_NODUPDATA, MDB_APPEND, MDB_APPENDDUP and, of a cursor, MDB_CURRENT
false	lmdb.txn.put: the flag is a string, but one of lmdb.C.MDB_... is needed
false	lmdb.txn.reset: only a read-only transaction can be reset
false	lmdb.env.close: a transaction that writes is open: commit or abort it
false	lmdb.txn.commit: the transaction has ended
false	lmdb.txn.get: the transaction has ended
false	lmdb.cursor: the transaction has ended
41	true	0
41	true	12	false	true	table	true	9
true	0	torch.ByteTensor	true	false
false	lmdb.txn.put: the transaction is read-only
false	lmdb.cursor.put: the transaction is read-only
false	lmdb.cursor.del: the transaction is read-only
false	lmdb.cursor.get: 5 is no way to move a cursor
false	lmdb.cursor.get: 99 is no way to move a cursor
false	lmdb.txn.dbi_open: another transaction is open: a named database is opened first in one alone
false	lmdb.txn.get: the transaction was reset: renew it
false	lmdb.cursor.next: the transaction was reset: renew it
1	nil	true
false	lmdb.txn.renew: the transaction was not reset
false	lmdb.cursor.get: the cursor is closed, or its transaction has ended
false	lmdb.txn.put: a transaction inside this one is open: commit or abort it
2	true	0	false	0	by cursor
false	lmdb.cursor.put: with MDB_CURRENT the key is that of the place where the cursor stands
false	lmdb.txn.dbi_open: the flags are MDB_CREATE, MDB_REVERSEKEY, MDB_DUPSORT and MDB_REVERSEDUP
false	lmdb.txn.dbi_open: the main database cannot take another form: it has entries, or is only read
true	0	0	0	2
false	lmdb.cursor.next: the cursor is closed, or its transaction has ended
false	lmdb.txn.put: MDB_MAP_FULL: Environment mapsize limit reached (MapSize is 1048576 bytes); abort the transaction
false	lmdb.txn.commit: MDB_BAD_TXN: Transaction must abort, has a child, or is invalid; nothing was written
false	lmdb.txn: the first argument is a table, but an lmdb.env is needed
false	lmdb.cursor: the first argument is a table, but an lmdb.txn is needed
false	lmdb.env: Path is nil, but a name is needed
false	lmdb.env: MapSize is 0, but a whole number from 1 to 70368744177664 is needed
false	lmdb.env: Mode is 999, but a number of octal digits is needed
0	1
false	lmdb.txn.get: the transaction has ended
false	lmdb.env.stat: the environment is not open
false	lmdb.txn: the environment is read-only: only txn(true) is possible
2
false	lmdb.env.open: there is no folder DB/none
false	lmdb.txn: without locks (NOLOCK) nothing is read while a transaction writes
true
]=]

describe('lmdb', function()
  it('writes and reads databases, and says what it cannot', function()
    local output = files.th(script, '-l torch')
    if output:find '^lmdb: the library liblmdb is not installed' then return pending 'liblmdb is not installed' end
    assert.equal(expected, (output:gsub('\t\n', '\n')))
  end)
end)
