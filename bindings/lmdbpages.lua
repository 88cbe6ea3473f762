--- Looks through the pages of an LMDB file before liblmdb walks them: the library believes what it reads, so that a damaged page
-- would end the process. Layout: a page begins with its number (8 bytes), padding, flags, the end of its table of nodes and the
-- begin of the nodes (2 bytes each); a node with the sizes of value (4 bytes) and key, flags between them. See lmdb's mdb.c.
-- @module tocha.bindings.lmdbpages
local ffi = require 'ffi'
local header = require 'tocha.bindings.lmdbheader'

local L = header.library
local band, bor = bit.band, bit.bor
local BRANCH, LEAF, OVERFLOW, SUBPAGE = 1, 2, 4, 0x40
local BIG, SUB, DUP = 1, 2, 4                -- a node: its value lies in pages of its own; is a tree; is a list of values
local HEADER, NODE, RECORD, MOST = 16, 8, 48, 2 ^ 18
local bytes, halves, words = ffi.typeof 'const uint8_t *', ffi.typeof 'const uint16_t *', ffi.typeof 'const uint32_t *'
local longs = ffi.typeof 'const uint64_t *'

local function long(p) return tonumber(ffi.cast(longs, p)[0]) end
local function bad() error({ damaged = true }, 0) end
local function need(good) if not good then bad() end end

-- The page of a number; it and the `n - 1` after it are used here alone.
local function take(file, number, n)
  need(number >= 2 and number + n - 1 <= file.last and (number + n) * file.page <= file.size)
  for i = number, number + n - 1 do
    need(file.used[i] == 0)
    file.used[i] = 1
  end
  local p = file.base + number * file.page
  need(long(p) == number)
  return p
end

local tree

-- What lies in the node of a leaf: its value, of `size` bytes at p.
local function value(file, p, flags, size, room, kind)
  if band(flags, BIG) ~= 0 then
    need(flags == BIG and room >= 8)
    local number = long(p)
    need(number <= file.last)
    local first = file.base + number * file.page
    need((number + 1) * file.page <= file.size)
    local n = ffi.cast(words, first + 12)[0]
    need(ffi.cast(halves, first + 10)[0] == OVERFLOW and n >= 1 and HEADER + size <= n * file.page)
    p = take(file, number, n) + HEADER
  else need(size <= room) end
  if kind == 'free' then -- a list of pages: how many, then their numbers, falling
    need(flags == 0 or flags == BIG)
    need(size >= 8 and (long(p) + 1) * 8 == size)
    local above = file.last + 1
    for i = 1, long(p) do
      local number = long(p + 8 * i)
      need(number >= 2 and number < above)
      above = number
      file.free[#file.free + 1] = number
    end
  elseif band(flags, SUB) ~= 0 then
    need(size == RECORD and kind ~= 'values')
    local form = ffi.cast(halves, p + 4)[0]
    -- A named database of another form is never opened.
    if band(flags, DUP) ~= 0 then tree(file, p, 'values') elseif band(form, 0x38) == 0 then tree(file, p, 'named') end
  elseif band(flags, DUP) ~= 0 then
    need(kind ~= 'values' and size >= HEADER)
    need(band(ffi.cast(halves, p + 10)[0], 0x6f) == bor(LEAF, SUBPAGE))
    file.nodes(file, p, size, 'values', 1)
  else need(flags <= BIG) end
end

-- The nodes of a page of `room` bytes at p; `depth` levels from it downwards.
local function nodes(file, p, room, kind, depth)
  local head = ffi.cast(halves, p)
  local lower, upper = head[6], head[7]
  need(lower >= HEADER and lower % 2 == 0 and lower <= upper and upper <= room)
  local n = (lower - HEADER) / 2
  need(n >= (depth > 1 and 2 or 1))
  for i = 0, n - 1 do
    local at = head[8 + i]
    need(at >= upper and at % 2 == 0 and at + NODE <= room)
    local node = ffi.cast(halves, p + at)
    local size, flags, key = node[0] + node[1] * 65536, node[2], node[3]
    need(at + NODE + key <= room and (kind ~= 'free' or key == 8 or (depth > 1 and i == 0)))
    if depth > 1 then file.page_(file, size + flags * 2 ^ 32, kind, depth - 1)
    else
      need(key <= 511 and (key > 0 or kind == 'values'))
      value(file, p + at + NODE + key, flags, size, room - at - NODE - key, kind)
    end
  end
end

local function page(file, number, kind, depth)
  file.left = file.left - 1
  if file.left < 0 then error(file, 0) end
  local p = take(file, number, 1)
  need(ffi.cast(halves, p + 10)[0] == (depth > 1 and BRANCH or LEAF))
  nodes(file, p, file.page, kind, depth)
end

-- A tree by its record at p.
function tree(file, p, kind)
  local depth, root = ffi.cast(halves, p + 6)[0], ffi.cast(longs, p + 40)[0]
  if root == 0xffffffffffffffffULL then return need(depth == 0) end
  need(depth >= 1 and depth <= 32)
  page(file, tonumber(root), kind, depth)
end

local pages = {}

-- The bytes at the beginning of a page that has the newest state at the time `id`.
local function meta(base, pageSize, id) return base + HEADER + (id % 2) * pageSize end

--- Whether the first two pages of a file can be given to the library, which divides by what they say.
-- @tparam string path
-- @treturn boolean also where there is no file, or of another format, which the library says itself
function pages.headed(path)
  local file = io.open(path, 'rb')
  if not file then return true end
  local first, size = file:read(160), nil
  for _ = 1, 2 do
    if not first or #first < 160 or ffi.cast(words, first)[4] ~= 0xBEEFC0DE then break end
    local next_ = ffi.cast(words, first)[10]
    if next_ < 512 or next_ > 32768 or band(next_, next_ - 1) ~= 0 or (size and size ~= next_) then
      file:close()
      return false
    end
    size = next_
    file:seek('set', size)
    first = file:read(160)
  end
  file:close()
  return true
end

-- Whether the trees in a mapped file are sound: nodes within their pages, pages within the file and used once. Of more than
-- 2^18 pages of nodes (a GiB) the rest is not looked through, which would take seconds.
-- base: where the file of `size` bytes is mapped; id: of the state that is read
local function sound(base, pageSize, size, id)
  base = ffi.cast(bytes, base)
  local p = meta(base, pageSize, id)
  local last = long(p + 120)
  if long(p + 128) ~= id or last >= 2 ^ 47 / pageSize then return false end
  if ffi.cast(words, p + 24)[0] ~= pageSize then return false end
  local n = math.min(last, math.floor(size / pageSize)) + 1
  local file = { base = base, page = pageSize, size = size, last = last, used = ffi.new('uint8_t[?]', n + 1), free = {},
    left = MOST, nodes = nodes, page_ = page }
  local good, why = pcall(function()
    need(band(ffi.cast(halves, p + 28)[0], 0xbfff) == 8) -- integer keys; MDB_NOSUBDIR is kept here too
    tree(file, p + 24, 'free')
    tree(file, p + 72, 'main')
    for _, number in ipairs(file.free) do need(number >= n or file.used[number] == 0) end
  end)
  if good or why == file then return true end
  return type(why) ~= 'table' and error(why, 0)
end

--- Whether the newest state in the file of an open environment is sound. The reader keeps others from writing over it meanwhile.
-- @tparam cdata env
-- @tparam string file
-- @treturn boolean
function pages.sound(env, file)
  local txn, stat, fd = ffi.new 'MDB_txn *[1]', ffi.new 'MDB_stat[1]', ffi.new 'int[1]'
  if L.mdb_txn_begin(env, nil, header.constants.MDB_RDONLY, txn) ~= 0 then return true end -- said when the program begins
  local handle, good = io.open(file, 'rb'), true
  local size = handle and handle:seek 'end' or 0
  L.mdb_env_stat(env, stat)
  L.mdb_env_get_fd(env, fd)
  local base = size > 0 and ffi.C.mmap(nil, size, 1, 1, fd[0], 0) -- to be read, shared
  if base and ffi.cast('intptr_t', base) ~= -1 then
    good = sound(base, stat[0].ms_psize, size, tonumber(L.mdb_txn_id(txn[0])))
    ffi.C.munmap(base, size)
  end
  if handle then handle:close() end
  L.mdb_txn_abort(txn[0])
  return good
end

return pages
