--- The library liblmdb, 0.9 (liblmdb0 in Debian), and the numbers of its header lmdb.h.
-- @module tocha.bindings.lmdbheader
local ffi = require 'ffi'

ffi.cdef [[
typedef uint16_t mode_t;
typedef struct MDB_env MDB_env;
typedef struct MDB_txn MDB_txn;
typedef struct MDB_cursor MDB_cursor;
typedef unsigned int MDB_dbi;
typedef struct MDB_val { size_t mv_size; void *mv_data; } MDB_val;
typedef struct MDB_stat { unsigned int ms_psize, ms_depth; size_t ms_branch_pages, ms_leaf_pages, ms_overflow_pages,
  ms_entries; } MDB_stat;
typedef struct MDB_envinfo { void *me_mapaddr; size_t me_mapsize, me_last_pgno, me_last_txnid; unsigned int me_maxreaders,
  me_numreaders; } MDB_envinfo;
void *mmap(void *at, size_t size, int rights, int kind, int file, int64_t from);
int munmap(void *at, size_t size);
char *realpath(const char *path, char *resolved);
char *mdb_version(int *major, int *minor, int *patch);
char *mdb_strerror(int status);
int mdb_env_create(MDB_env **env);
int mdb_env_open(MDB_env *env, const char *path, unsigned int flags, mode_t mode);
int mdb_env_stat(MDB_env *env, MDB_stat *stat);
int mdb_env_info(MDB_env *env, MDB_envinfo *info);
int mdb_env_get_fd(MDB_env *env, int *fd);
int mdb_env_sync(MDB_env *env, int force);
void mdb_env_close(MDB_env *env);
int mdb_env_set_mapsize(MDB_env *env, size_t size);
int mdb_env_set_maxreaders(MDB_env *env, unsigned int readers);
int mdb_env_set_maxdbs(MDB_env *env, MDB_dbi n);
int mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned int flags, MDB_txn **txn);
size_t mdb_txn_id(MDB_txn *txn);
int mdb_txn_commit(MDB_txn *txn);
void mdb_txn_abort(MDB_txn *txn);
void mdb_txn_reset(MDB_txn *txn);
int mdb_txn_renew(MDB_txn *txn);
int mdb_dbi_open(MDB_txn *txn, const char *name, unsigned int flags, MDB_dbi *dbi);
int mdb_dbi_flags(MDB_txn *txn, MDB_dbi dbi, unsigned int *flags);
int mdb_stat(MDB_txn *txn, MDB_dbi dbi, MDB_stat *stat);
int mdb_drop(MDB_txn *txn, MDB_dbi dbi, int del);
int mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data);
int mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned int flags);
int mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data);
int mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor);
void mdb_cursor_close(MDB_cursor *cursor);
int mdb_cursor_renew(MDB_txn *txn, MDB_cursor *cursor);
int mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *data, int op);
int mdb_cursor_put(MDB_cursor *cursor, MDB_val *key, MDB_val *data, unsigned int flags);
int mdb_cursor_del(MDB_cursor *cursor, unsigned int flags);
int mdb_cursor_count(MDB_cursor *cursor, size_t *n);
int mdb_reader_check(MDB_env *env, int *dead);
]]

local function load()
  for _, name in ipairs { 'lmdb', 'liblmdb.so.0' } do
    local found, library = pcall(ffi.load, name)
    if found then return library end
  end
  error('lmdb: the library liblmdb is not installed (Debian and Ubuntu: apt-get install liblmdb0)', 0)
end

local L = load()
if ffi.abi '32bit' then error('lmdb: a processor of 64 bits is needed', 0) end

-- The numbers of the library's header lmdb.h.
local constants = {
  MDB_FIXEDMAP = 0x01, MDB_NOSUBDIR = 0x4000, MDB_NOSYNC = 0x10000, MDB_RDONLY = 0x20000, MDB_NOMETASYNC = 0x40000,
  MDB_WRITEMAP = 0x80000, MDB_MAPASYNC = 0x100000, MDB_NOTLS = 0x200000, MDB_NOLOCK = 0x400000, MDB_NORDAHEAD = 0x800000,
  MDB_NOMEMINIT = 0x1000000, MDB_REVERSEKEY = 0x02, MDB_DUPSORT = 0x04, MDB_INTEGERKEY = 0x08, MDB_DUPFIXED = 0x10,
  MDB_INTEGERDUP = 0x20, MDB_REVERSEDUP = 0x40, MDB_CREATE = 0x40000, MDB_NOOVERWRITE = 0x10, MDB_NODUPDATA = 0x20,
  MDB_CURRENT = 0x40, MDB_RESERVE = 0x10000, MDB_APPEND = 0x20000, MDB_APPENDDUP = 0x40000, MDB_MULTIPLE = 0x80000,
  MDB_SUCCESS = 0,
}
for i, name in ipairs { 'FIRST', 'FIRST_DUP', 'GET_BOTH', 'GET_BOTH_RANGE', 'GET_CURRENT', 'GET_MULTIPLE', 'LAST', 'LAST_DUP',
  'NEXT', 'NEXT_DUP', 'NEXT_MULTIPLE', 'NEXT_NODUP', 'PREV', 'PREV_DUP', 'PREV_NODUP', 'SET', 'SET_KEY', 'SET_RANGE' } do
  constants['MDB_' .. name] = i - 1
end
for i, name in ipairs { 'KEYEXIST', 'NOTFOUND', 'PAGE_NOTFOUND', 'CORRUPTED', 'PANIC', 'VERSION_MISMATCH', 'INVALID', 'MAP_FULL',
  'DBS_FULL', 'READERS_FULL', 'TLS_FULL', 'TXN_FULL', 'CURSOR_FULL', 'PAGE_FULL', 'MAP_RESIZED', 'INCOMPATIBLE', 'BAD_RSLOT',
  'BAD_TXN', 'BAD_VALSIZE', 'BAD_DBI' } do
  constants['MDB_' .. name] = i - 30800
end

return { library = L, constants = constants }
