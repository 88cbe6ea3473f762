--- Who owns what the engine made, and how its failures become Lua errors.
--
-- Every tensor and storage that reaches Lua is a C reference (to which a number index is not pointer arithmetic, as it would be
-- to a pointer), entered in a ledger that gives the engine's count back when Lua has dropped it. LuaJIT's collector
-- sees 16 bytes where the engine holds megabytes, so each new tensor checks the engine's count of bytes and collects when
-- garbage may have piled up. Errors are raised at the first frame outside tocha's own files.
-- @module tocha.bindings.own
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local newLedger = require 'tocha.bindings.ledger'

local own = {}
local gc, istype, cast, plainType = ffi.gc, ffi.istype, ffi.cast, type
local tensorType, storageType = ffi.typeof('tch_tensor &'), ffi.typeof('tch_storage &')
local randomType = ffi.typeof('tch_random *')
local voidPointer = ffi.typeof('void *')

-- -- errors -------------------------------------------------------------------------------------------------------

local folders = {}

--- Declares the files of a folder (with its closing slash, without `scripts/` in it) to be tocha's own.
function own.folder(path) folders[#folders + 1] = '@' .. path end
own.folder(debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './')

--- Whether a file (as debug.getinfo gives its source) is tocha's own.
function own.isOwn(source)
  for i = 1, #folders do
    local folder = folders[i]
    if source:sub(1, #folder) == folder and not source:find('^scripts[/\\]', #folder + 1) then return true end
  end
  return false
end
local isOwn = own.isOwn

--- Whether a file of tocha called the functions of the file `source`; called from there.
function own.called(source)
  local level, info = 1
  repeat
    level = level + 1
    info = debug.getinfo(level, 'S')
  until not info or (info.what ~= 'C' and info.source ~= source)
  return info ~= nil and isOwn(info.source)
end

--- Says, before a message, where in the program's objects an error arose; lua/tocha/nn names the module there.
own.context = nil

--- Whether sizes and indices that are no whole numbers are truncated, and digits in a string are numbers there, as Torch7
-- did; else they are errors.
own.truncates = false

--- Whether a float tensor between brackets is a mask, as a CudaTensor was.
own.floatsAreMasks = false

--- Raises an error at the caller's line: the first frame outside tocha's own files.
function own.raise(message)
  if own.context then message = own.context() .. message end
  local level = 2
  local info = debug.getinfo(level, 'S')
  while info and (info.what == 'C' or isOwn(info.source)) do
    level = level + 1
    info = debug.getinfo(level, 'S')
  end
  error(message, info and level or 0)
end
local raise = own.raise

-- What scripts call the engine's functions whose errors begin with their names.
local names = {
  add_scalar = 'add', mul_scalar = 'mul', div_scalar = 'div', sub_from = 'sub', div_into = 'div', pow_scalar = 'pow',
  pow_base = 'pow', fmod_scalar = 'fmod', remainder_scalar = 'remainder', max_all = 'max', min_all = 'min',
  index_select = 'index', index_add = 'indexAdd', index_copy = 'indexCopy', index_fill = 'indexFill', scatter_fill = 'scatter',
  scatter_add = 'scatterAdd', masked_fill = 'maskedFill', masked_select = 'maskedSelect', masked_copy = 'maskedCopy',
  mul = 'cmul', div = 'cdiv', pow = 'cpow', fmod = 'cfmod', remainder = 'cremainder', maximum = 'cmax', minimum = 'cmin',
  one_hot = 'oneHot', set_threads = 'setnumthreads',
}

--- Raises the engine's last failure; after a failed allocation dropped tensors are collected first, so that the script that
-- catches the error has their memory.
-- @tparam number status
-- @tparam[opt] string what the script called, where that is not the engine's function
function own.fail(status, what)
  local message = ffi.string(C.tch_error()):gsub('^[%w_]+%f[:]', what or names)
  if status == C.TCH_ERROR_MEMORY then own.collect() end
  raise(message)
end

--- Raises a formatted error.
function own.failWith(format, ...)
  raise(format:format(...))
end

-- -- references ---------------------------------------------------------------------------------------------------

local enterTensor, sweepTensors = newLedger(C.tch_tensor_release)
local enterStorage, sweepStorages = newLedger(C.tch_storage_release)

--- Gives back at once what the collector has found dead so far.
function own.sweep()
  sweepTensors()
  sweepStorages()
end

--- Collects, and gives back what Lua has dropped.
function own.collect()
  collectgarbage()
  own.sweep()
end

local MiB, clock = 2 ^ 20, os.clock
local least, growth = 16 * MiB, 8
local room = least -- bytes of new tensors between two collections, from least to growth * least
local limit, ended = least, clock()

-- A collection marks the whole Lua heap and frees what was dropped. Bytes that pile up leave the processor's caches, so few of
-- them may, and more while collections take an eighth of the time or more; also where a Lua heap is large or much is in use.
local function relieve()
  local start = clock()
  own.collect()
  local now, live = clock(), tonumber(C.tch_memory_used())
  local share = (now - start) / (now - ended)
  if share > 1 / 8 then room = math.min(2 * room, growth * least)
  elseif share < 1 / 32 then room = math.max(room / 2, least) end
  limit, ended = live + math.max(room, live / 4, 4 * 1024 * collectgarbage('count')), now
end

--- The floor of bytes between two collections of dropped tensors (a host with little memory may lower it); eight times that
-- are between them where collections would take too long.
function own.setLeast(bytes)
  least, room = bytes, bytes
  limit = tonumber(C.tch_memory_used()) + bytes
end

local scope -- tensors made since the innermost torch.scope began, or nil

--- Takes a new reference over; NULL becomes nil.
function own.wrap(pointer)
  if pointer == nil then return nil end
  if C.tch_memory_used() > limit then relieve() end
  local tensor = cast(tensorType, pointer)
  enterTensor(tensor, pointer)
  if scope then scope[#scope + 1] = tensor end
  return tensor
end

--- A reference of Lua's own to a tensor that the engine keeps; NULL becomes nil. Not made by the scope around it.
function own.borrow(pointer)
  if pointer == nil then return nil end
  C.tch_tensor_retain(pointer)
  local tensor = cast(tensorType, pointer)
  enterTensor(tensor, pointer)
  return tensor
end

function own.wrapStorage(pointer)
  if C.tch_memory_used() > limit then relieve() end
  local storage = cast(storageType, pointer)
  enterStorage(storage, pointer)
  return storage
end

--- Takes over a storage that holds more than memory (a file): the collector gives it back by itself.
function own.wrapFile(pointer) return gc(cast(storageType, pointer), C.tch_storage_release) end

function own.borrowStorage(pointer)
  if pointer == nil then return nil end
  C.tch_storage_retain(pointer)
  local storage = cast(storageType, pointer)
  enterStorage(storage, pointer)
  return storage
end

function own.wrapRandom(pointer) return gc(pointer, C.tch_random_release) end

-- The door to Torch7 replaces the global `type`, so these do without it.
-- No tail calls here: LuaJIT gives a trace up in which there are more than 15 of them.
function own.isTensor(value)
  local is = istype(tensorType, value)
  return is
end
function own.isStorage(value) return istype(storageType, value) end
function own.isRandom(value) return istype(randomType, value) end

--- The address of a tensor's or storage's object in the engine, as a number.
function own.address(value)
  return tonumber(cast('intptr_t', cast(voidPointer, value)))
end

--- Whether two values are the same object of the engine.
function own.same(a, b)
  return plainType(a) == 'cdata' and plainType(b) == 'cdata' and cast(voidPointer, a) == cast(voidPointer, b)
end

-- -- torch.scope --------------------------------------------------------------------------------------------------

local function keep(value, kept)
  if own.isTensor(value) then
    kept[own.address(value)] = true
  elseif type(value) == 'table' and not kept[value] then
    kept[value] = true
    for k, v in next, value do
      keep(k, kept)
      keep(v, kept)
    end
  end
end

local function leave(outer, ok, ...)
  local made = scope
  scope = outer
  local kept = {}
  for i = 1, select('#', ...) do keep((select(i, ...)), kept) end
  for i = 1, #made do
    local tensor = made[i]
    if not kept[own.address(tensor)] then C.tch_tensor_free(tensor)
    elseif outer then outer[#outer + 1] = tensor end
  end
  if not ok then error((...), 0) end
  return ...
end

--- Calls fn() and empties, at its end, the tensors that were made inside and are not among its results (nor nested in tables
-- that are). What the tape needs for a later backward stays.
-- @treturn ... what fn returned
function own.scope(fn, ...)
  local outer = scope
  scope = {}
  return leave(outer, pcall(fn, ...))
end

-- -- arguments of the generated calls -----------------------------------------------------------------------------

--- A cell for an op's result.
own.newBox = ffi.typeof('tch_tensor *[1]')
--- A buffer for sizes or indices.
own.newInts = ffi.typeof('int64_t[16]')

local function describe(value)
  if type(value) == 'number' or value == nil then return tostring(value) end
  return 'a ' .. (own.isTensor(value) and 'tensor' or own.isStorage(value) and 'storage' or type(value))
end

--- Raises: an argument is not what it should be.
function own.bad(op, name, wanted, value)
  raise(('%s: %s is %s, but %s is needed'):format(names[op] or op, name, describe(value), wanted))
end

--- A whole number, or an error.
function own.integer(value)
  local number = (own.truncates or type(value) ~= 'string') and tonumber(value)
  if not number or number % 1 ~= 0 then
    if own.truncates and number and number - number == 0 then return number < 0 and math.ceil(number) or math.floor(number) end
    raise(('a whole number is needed, but %s was given'):format(describe(value)))
  end
  return number
end

--- Reads a number, a table of numbers, a LongStorage or nil into a buffer; with `dims` they are dimensions counted from 1.
-- @treturn number how many
function own.readInts(buffer, list, dims, op, name)
  if list == nil then return 0 end
  local single = type(list) == 'number'
  if not single and type(list) ~= 'table' and not own.isStorage(list) then
    own.bad(op, name, 'a number or a table of numbers', list)
  end
  local n = single and 1 or #list
  if n > 16 then raise(('%s: %s has %d entries, but at most 16 are possible'):format(op, name, n)) end
  for i = 1, n do
    local value = single and list or list[i]
    if type(value) ~= 'number' or value % 1 ~= 0 or (dims and value == 0) then
      own.bad(op, name .. (single and '' or ('[%d]'):format(i)), dims and 'a dimension, from 1,' or 'a whole number', value)
    end
    buffer[i - 1] = (dims and value > 0) and value - 1 or value
  end
  return n
end

local slots, capacity = {}, { 0, 0, 0 }

--- Puts a table of tensors into an array of pointers (one per slot, valid until the slot's next use).
-- @treturn cdata,number the array and the number of tensors; nil gives NULL and 0
function own.readTensors(list, slot)
  if list == nil then return nil, 0 end
  if type(list) ~= 'table' then raise('a table of tensors is needed, but a ' .. type(list) .. ' was given') end
  local n = #list
  if n > capacity[slot] then
    capacity[slot] = math.max(16, 2 * n)
    slots[slot] = ffi.new('tch_tensor *[?]', capacity[slot])
  end
  local array = slots[slot]
  for i = 1, n do
    local tensor = list[i]
    if not own.isTensor(tensor) and tensor ~= nil then
      raise(('entry %d of a list of tensors is a %s'):format(i, type(tensor)))
    end
    array[i - 1] = tensor
  end
  return array, n
end

return own
