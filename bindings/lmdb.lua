--- LMDB databases by the library liblmdb, 0.9: environments and transactions, as tables that know what they belong to. What has
-- ended is refused before the library sees it. Errors are sentences that begin with what was asked. Entries and cursors are in
-- lmdbentries.lua.
-- @module tocha.bindings.lmdb
local ffi = require 'ffi'
local own = require 'tocha.bindings.own'
local header = require 'tocha.bindings.lmdbheader'
local pages = require 'tocha.bindings.lmdbpages'

local raise = own.raise

local lmdb = { library = header.library, constants = header.constants }
local L, K = header.library, header.constants

local function fail(op, status, note)
  raise(('%s: %s%s'):format(op, ffi.string(L.mdb_strerror(status)), note or ''))
end

--- Raises unless the status is one of the ordinary answers: done, nothing found, there already.
function lmdb.answer(op, status, note)
  if status ~= 0 and status ~= K.MDB_NOTFOUND and status ~= K.MDB_KEYEXIST then fail(op, status, note) end
  return status
end
local answer = lmdb.answer

-- -- environments ---------------------------------------------------------------------------------------------------------

local opened = setmetatable({}, { __mode = 'v' }) -- those of this Lua state by place

--- Lets go of a cursor.
function lmdb.closeCursor(cursor)
  -- While a transaction inside its own is open the library has put it by, and closes it at the end.
  if cursor.open and not cursor.txn.child then L.mdb_cursor_close(cursor.open) end
  cursor.open = nil
  cursor.txn.cursors[cursor] = nil
end

-- Ends a transaction and what is in it; the status of its commit.
local function finish(txn, commit)
  if not txn.open then return 0 end
  if txn.child then
    local status = finish(txn.child, commit)
    if status ~= 0 then commit = false end
  end
  for cursor in pairs(txn.cursors) do lmdb.closeCursor(cursor) end
  local open, status = txn.open, 0
  txn.open, txn.env.txns[txn] = nil, nil
  if txn.parent then txn.parent.child = nil end
  if commit then
    status = L.mdb_txn_commit(open)
    if status == 0 then for name in pairs(txn.named) do (txn.parent or txn.env).named[name] = true end end
  else L.mdb_txn_abort(open) end
  return status
end

local function close(env)
  if not env.open then return end
  while next(env.txns) do finish((next(env.txns))) end
  L.mdb_env_close(env.open)
  env.open, opened[env.place] = nil, nil
end

local function collect()
  collectgarbage()
  collectgarbage()
end

--- A name for a path that is the same for all its names.
function lmdb.place(file, folder)
  local room = ffi.new 'char[4097]'
  if ffi.C.realpath(file, room) ~= nil then return ffi.string(room) end
  return (ffi.C.realpath(folder, room) ~= nil and ffi.string(room) or folder) .. '/' .. file:match '[^/]*$'
end

--- Opens an environment.
-- @tparam string path
-- @tparam string place the same for all names of the path
-- @tparam string file with the data
-- @tparam table o `flags`, `mode`, `size` of the map, `databases`, `readers`
-- @treturn table environment
-- @treturn cdata its pointer in a box, with which it goes
function lmdb.open(path, place, file, o)
  if opened[place] then collect() end
  if opened[place] then raise(('lmdb.env.open: %s is open already'):format(path)) end
  if not pages.headed(file) then raise(('lmdb.env.open: %s is damaged'):format(file)) end
  local box = ffi.new 'MDB_env *[1]'
  local status = L.mdb_env_create(box)
  if status ~= 0 then fail('lmdb.env.open', status) end
  L.mdb_env_set_mapsize(box[0], o.size)
  L.mdb_env_set_maxdbs(box[0], o.databases)
  L.mdb_env_set_maxreaders(box[0], o.readers)
  -- Readers belong to their transactions, not to threads: so there may be several.
  status = L.mdb_env_open(box[0], path, bit.bor(o.flags, K.MDB_NOTLS), o.mode)
  if status ~= 0 then
    L.mdb_env_close(box[0])
    fail('lmdb.env.open: ' .. path, status)
  end
  if not pages.sound(box[0], file) then
    L.mdb_env_close(box[0])
    raise(('lmdb.env.open: %s is damaged'):format(file))
  end
  local env = { open = box[0], place = place, txns = {}, named = {}, size = o.size,
    readOnly = bit.band(o.flags, K.MDB_RDONLY) ~= 0, unlocked = bit.band(o.flags, K.MDB_NOLOCK) ~= 0 }
  opened[place] = env
  return env, ffi.gc(box, function() close(env) end)
end

local function alive(op, env)
  if not env or not env.open then raise(op .. ': the environment is not open') end
  return env.open
end

-- The open transaction of an environment that is none of readers.
local function writer(env)
  for txn in pairs(env.txns) do if not txn.readOnly then return txn end end
end

--- Closes an environment and ends the transactions that read in it.
function lmdb.close(env)
  if not env or not env.open then return end
  if writer(env) then collect() end
  if writer(env) then raise 'lmdb.env.close: a transaction that writes is open: commit or abort it' end
  close(env)
end

--- The statistics of an environment.
function lmdb.stat(env)
  local stat, list = ffi.new 'MDB_stat[1]', {}
  answer('lmdb.env.stat', L.mdb_env_stat(alive('lmdb.env.stat', env), stat))
  for _, name in ipairs { 'psize', 'depth', 'branch_pages', 'leaf_pages', 'overflow_pages', 'entries' } do
    list[name] = tonumber(stat[0]['ms_' .. name])
  end
  return list
end

--- Frees the places of readers that died; how many.
function lmdb.checkReaders(env)
  local n = ffi.new 'int[1]'
  answer('lmdb.env.reader_check', L.mdb_reader_check(alive('lmdb.env.reader_check', env), n))
  return n[0]
end

-- -- transactions ---------------------------------------------------------------------------------------------------------

-- Raises where the library would wait for ever, or read what is being written.
local function admit(env, readOnly, parent)
  if readOnly and parent then raise 'lmdb.txn: a transaction inside another one writes: it cannot be read-only' end
  if readOnly and not env.unlocked or parent then return end
  local function hindered() return env.unlocked and next(env.txns) and (not readOnly or writer(env)) or writer(env) end
  if hindered() then collect() end
  if hindered() then
    raise(writer(env) and not readOnly and 'lmdb.txn: a transaction that writes is open already: commit or abort it' or
      'lmdb.txn: without locks (NOLOCK) nothing is read while a transaction writes')
  end
end

--- Begins a transaction.
-- @tparam table env
-- @tparam boolean readOnly
-- @tparam[opt] table parent that it is part of
-- @treturn table transaction
-- @treturn cdata its pointer in a box, with which it goes
function lmdb.begin(env, readOnly, parent)
  local open = alive('lmdb.txn', env)
  if env.readOnly and not readOnly then raise 'lmdb.txn: the environment is read-only: only txn(true) is possible' end
  if parent then
    lmdb.usable('lmdb.txn', parent)
    if parent.env ~= env then raise 'lmdb.txn: the outer transaction is of another environment' end
  end
  admit(env, readOnly, parent)
  local box = ffi.new 'MDB_txn *[1]'
  local function begin() return L.mdb_txn_begin(open, parent and parent.open, readOnly and K.MDB_RDONLY or 0, box) end
  local status = begin()
  if status == K.MDB_READERS_FULL then
    collect()
    status = begin()
  elseif status == K.MDB_MAP_RESIZED and not next(env.txns) then -- another process wrote more
    L.mdb_env_set_mapsize(open, 0)
    status = begin()
  end
  if status ~= 0 then fail('lmdb.txn', status) end
  local txn = { open = box[0], env = env, readOnly = readOnly, parent = parent, cursors = {}, named = {} }
  env.txns[txn] = true
  if parent then parent.child = txn end
  return txn, ffi.gc(box, function() finish(txn) end)
end

--- The pointer of a transaction in which something can be done now.
function lmdb.usable(op, txn)
  if not txn or not txn.open then raise(op .. ': the transaction has ended') end
  if txn.child then raise(op .. ': a transaction inside this one is open: commit or abort it') end
  if txn.resting then raise(op .. ': the transaction was reset: renew it') end
  return txn.open
end

--- The same, of one that writes.
function lmdb.writable(op, txn)
  lmdb.usable(op, txn)
  if txn.readOnly then raise(op .. ': the transaction is read-only') end
  return txn.open
end

--- Writes what a transaction did.
function lmdb.commit(txn)
  if not txn or not txn.open then raise 'lmdb.txn.commit: the transaction has ended' end
  local status = finish(txn, true)
  if status ~= 0 then fail('lmdb.txn.commit', status, '; nothing was written') end
end

--- Forgets what a transaction did.
function lmdb.abort(txn) finish(txn) end

--- Lets a reader go, which can be renewed.
function lmdb.reset(txn)
  lmdb.usable('lmdb.txn.reset', txn)
  if not txn.readOnly then raise 'lmdb.txn.reset: only a read-only transaction can be reset' end
  L.mdb_txn_reset(txn.open)
  txn.resting = true
end

--- Begins a reader again, and its cursors.
function lmdb.renew(txn)
  if not txn or not txn.open or not txn.resting then raise 'lmdb.txn.renew: the transaction was not reset' end
  answer('lmdb.txn.renew', L.mdb_txn_renew(txn.open))
  txn.resting = nil
  for cursor in pairs(txn.cursors) do answer('lmdb.txn.renew', L.mdb_cursor_renew(txn.open, cursor.open)) end
end

local FORMS = bit.bor(K.MDB_REVERSEKEY, K.MDB_DUPSORT, K.MDB_REVERSEDUP)

--- Opens a database in a transaction.
-- @tparam table txn
-- @tparam[opt] string name
-- @tparam number flags MDB_CREATE, MDB_REVERSEKEY, MDB_DUPSORT, MDB_REVERSEDUP
-- @tparam cdata dbi where its number goes
-- @treturn number 0, or MDB_NOTFOUND
function lmdb.database(txn, name, flags, dbi)
  local op = 'lmdb.txn.dbi_open'
  lmdb.usable(op, txn)
  if bit.band(flags, bit.bnot(bit.bor(FORMS, K.MDB_CREATE))) ~= 0 then
    raise(op .. ': the flags are MDB_CREATE, MDB_REVERSEKEY, MDB_DUPSORT and MDB_REVERSEDUP')
  end
  local forms, made, stat = bit.band(flags, FORMS), ffi.new 'unsigned[1]', ffi.new 'MDB_stat[1]'
  if name then
    -- The library numbers databases by transaction: two that are new to it at a time would get one number.
    for other in pairs(txn.env.txns) do
      if other ~= txn and other ~= txn.parent and not txn.env.named[name] then
        raise(op .. ': another transaction is open: a named database is opened first in one alone')
      end
    end
  elseif forms ~= 0 then
    local main = ffi.new 'MDB_dbi[1]'
    if L.mdb_dbi_open(txn.open, nil, 0, main) == 0 and L.mdb_dbi_flags(txn.open, main[0], made) == 0 and
      bit.band(made[0], forms) ~= forms and L.mdb_stat(txn.open, main[0], stat) == 0 and
      (stat[0].ms_entries > 0 or txn.readOnly) then
      raise(op .. ': the main database cannot take another form: it has entries, or is only read')
    end
  end
  local number = ffi.new 'MDB_dbi[1]'
  local status = answer(op, L.mdb_dbi_open(txn.open, name, flags, number), name and (': ' .. name))
  if status ~= 0 then return status end
  answer(op, L.mdb_dbi_flags(txn.open, number[0], made))
  if bit.band(made[0], bit.bnot(FORMS)) ~= 0 then
    raise(op .. ': databases whose keys or values are integers or all of a size are not supported')
  end
  dbi[0] = number[0]
  if name then txn.named[name] = true end
  return 0
end

return lmdb
