--- What Lua states share: collections of values outside Lua's heap, counters, mutexes and conditions.
--
-- `vec[i]`, `hash[key]`, `#vec` are the engine's; methods are looked up in the class tables, which lua/tocha/shared fills.
-- @module tocha.bindings.shared
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local class = require 'tocha.class'
local newLedger = require 'tocha.bindings.ledger'

local raise, plainType, istype = own.raise, type, ffi.istype
local shared = {}

-- Row: name of the C type, kind, name of the class. All are counted the same way, so one ledger serves.
local enter = newLedger(C.tch_shared_release)
local classes, byKind = {}, {}
for _, row in ipairs {
  { 'vec', C.TCH_VEC, 'tds.Vec' }, { 'hash', C.TCH_HASH, 'tds.Hash' }, { 'counter', C.TCH_COUNTER, 'tds.AtomicCounter' },
  { 'mutex', C.TCH_MUTEX, 'threads.Mutex' }, { 'condition', C.TCH_CONDITION, 'threads.Condition' },
} do
  local methods = { __typename = row[3], __version = 0 }
  methods.__index = methods
  local kind = { name = row[3], kind = row[2], methods = methods, reference = ffi.typeof(('tch_%s &'):format(row[1])),
                 new = C[('tch_%s_new'):format(row[1])], box = ffi.typeof(('tch_%s *[1]'):format(row[1])) }
  classes[row[1]], byKind[tonumber(row[2])] = kind, kind
  class.enter(row[3], methods)
  shared[row[1]] = methods
end

local vec, hash = classes.vec, classes.hash

-- The door to Torch7 replaces the global `type`: this does without it.
local function kindOf(value)
  for code = tonumber(C.TCH_VEC), tonumber(C.TCH_CONDITION) do
    if istype(byKind[code].reference, value) then return byKind[code] end
  end
end
class.addForeign(function(value)
  local kind = kindOf(value)
  return kind and kind.methods
end)

local function wrap(kind, pointer)
  local object = ffi.cast(kind.reference, pointer)
  enter(object, pointer)
  return object
end

local function make(kind)
  local box = kind.box()
  local status = kind.new(box)
  if status ~= 0 then own.fail(status) end
  return wrap(kind, box[0])
end

for name, kind in pairs(classes) do
  kind.methods.__factory = function() return make(kind) end
  kind.methods.new = kind.methods.__factory
  local cross = C.tch_shared_cross
  --- Makes it fit for other threads (see tch_shared_cross).
  function kind.methods.cross(self)
    if not istype(kind.reference, self) then raise(('cross: a %s is needed'):format(kind.name)) end
    local status = cross(self)
    if status ~= 0 then own.fail(status) end
    return self
  end
  --- A number by which other Lua states find it, as long as it lives.
  function kind.methods.id(self)
    if not istype(kind.reference, self) then raise(('id: a %s is needed'):format(kind.name)) end
    cross(self)
    return tonumber(C.tch_shared_id(self))
  end
  --- The object that has an id, made in whatever state.
  shared[name].find = function(id)
    local box = ffi.new 'void *[1]'
    local number = plainType(id) == 'number' and id or raise(('a number is needed to find a %s'):format(kind.name))
    local status = C.tch_shared_find(number, kind.kind, box)
    if status ~= 0 then own.fail(status) end
    return wrap(kind, box[0])
  end
end

-- -- values -------------------------------------------------------------------------------------------------------

local kinds, numbers = ffi.new 'tch_kind[2]', ffi.new 'double[2]'
local objects, bytes = ffi.new 'void *[2]', ffi.new 'int64_t[2]'

-- Puts a value into slot i of the arrays; the string itself is kept by the caller's frame.
local function give(i, value, what)
  local luaType = plainType(value)
  objects[i], bytes[i] = nil, 0
  if luaType == 'number' then kinds[i], numbers[i] = C.TCH_NUMBER, value
  elseif luaType == 'string' then kinds[i], objects[i], bytes[i] = C.TCH_STRING, ffi.cast('char *', value), #value
  elseif luaType == 'boolean' then kinds[i], numbers[i] = C.TCH_BOOLEAN, value and 1 or 0
  elseif value == nil then kinds[i] = C.TCH_NIL
  else
    local kind = own.isTensor(value) and C.TCH_TENSOR or own.isStorage(value) and C.TCH_STORAGE
    if not kind then
      kind = kindOf(value)
      kind = kind and kind.kind
    end
    if not kind then
      raise(('%s: a %s cannot be stored (numbers, strings, booleans, tensors, storages and tds objects can)')
        :format(what, class.type(value)))
    end
    kinds[i], objects[i] = kind, ffi.cast('void *', value)
  end
end

-- The value in slot i.
local function take(i)
  local kind = tonumber(kinds[i])
  if kind == 0 then return nil end
  if kind == 1 then return numbers[i] end
  if kind == 2 then return numbers[i] ~= 0 end
  local object = objects[i]
  if kind == 3 then
    local text = ffi.cast('tch_text *', object)
    local value = ffi.string(C.tch_text_data(text), bytes[i])
    C.tch_text_release(text)
    return value
  end
  if kind == 4 then return own.wrap(ffi.cast('tch_tensor *', object)) end
  if kind == 5 then return own.wrapStorage(ffi.cast('tch_storage *', object)) end
  return wrap(byKind[kind], object)
end

-- -- tds.Vec ------------------------------------------------------------------------------------------------------

local function index(key, what)
  if plainType(key) ~= 'number' or key % 1 ~= 0 or key < 1 then
    raise(('%s: the index of a tds.Vec is a whole number from 1, not %s'):format(what, tostring(key)))
  end
  return key - 1
end

local function need(kind, self, what)
  if not istype(kind.reference, self) then raise(('%s: called on a %s, but a %s is needed'):format(what, type(self), kind.name)) end
end

ffi.metatype('tch_vec', {
  __index = function(self, key)
    if plainType(key) ~= 'number' then return vec.methods[key] end
    local status = C.tch_vec_get(self, index(key, 'tds.Vec'), kinds, numbers, objects, bytes)
    if status ~= 0 then own.fail(status) end
    return take(0)
  end,
  __newindex = function(self, key, value)
    local i = index(key, 'tds.Vec')
    give(0, value, 'tds.Vec')
    local status = C.tch_vec_put(self, i, kinds[0], numbers[0], objects[0], bytes[0])
    if status ~= 0 then own.fail(status) end
  end,
  __len = function(self) return tonumber(C.tch_vec_count(self)) end,
  __eq = own.same,
  __tostring = function(self) return vec.methods.__tostring__(self) end,
})

--- insert(value) at the end, insert(i, value) before the i-th.
function vec.methods.insert(self, ...)
  need(vec, self, 'insert')
  local n = select('#', ...)
  if n ~= 1 and n ~= 2 then raise 'insert: a value, or an index and a value are needed' end
  local at = n == 1 and tonumber(C.tch_vec_count(self)) or index((...), 'insert')
  give(0, (select(n, ...)), 'insert')
  if at > tonumber(C.tch_vec_count(self)) then
    local status = C.tch_vec_resize(self, at)
    if status ~= 0 then own.fail(status) end
  end
  local status = C.tch_vec_insert(self, at, kinds[0], numbers[0], objects[0], bytes[0])
  if status ~= 0 then own.fail(status) end
end

--- Takes out the i-th, by default the last; those above move down.
function vec.methods.remove(self, i)
  need(vec, self, 'remove')
  C.tch_vec_remove(self, i == nil and C.tch_vec_count(self) - 1 or index(i, 'remove'))
end

--- Cuts it, or fills it up with nil, to n elements.
function vec.methods.resize(self, n)
  need(vec, self, 'resize')
  if plainType(n) ~= 'number' or n < 0 or n % 1 ~= 0 then raise(('resize: %s elements are not possible'):format(tostring(n))) end
  local status = C.tch_vec_resize(self, n)
  if status ~= 0 then own.fail(status) end
end

--- Exchanges the i-th and the j-th element.
function vec.methods.swap(self, i, j)
  need(vec, self, 'swap')
  C.tch_vec_swap(self, index(i, 'swap'), index(j, 'swap'))
end

-- -- tds.Hash -----------------------------------------------------------------------------------------------------

ffi.metatype('tch_hash', {
  __index = function(self, key)
    give(0, key, 'tds.Hash')
    local status = C.tch_hash_get(self, kinds, numbers, objects, bytes)
    if status ~= 0 then own.fail(status) end
    return take(0)
  end,
  __newindex = function(self, key, value)
    give(0, key, 'tds.Hash')
    give(1, value, 'tds.Hash')
    local status = C.tch_hash_put(self, kinds, numbers, objects, bytes)
    if status ~= 0 then own.fail(status) end
  end,
  __len = function(self) return tonumber(C.tch_hash_count(self)) end,
  __eq = own.same,
  __tostring = function(self) return hash.methods.__tostring__(self) end,
})

--- An iterator over the pairs.
function shared.pairs(self)
  need(hash, self, 'pairs')
  local at = ffi.new 'int64_t[1]'
  return function()
    local status = C.tch_hash_next(self, at, kinds, numbers, objects, bytes)
    if status ~= 0 then own.fail(status) end
    if kinds[0] == C.TCH_NIL then return nil end
    local value = take(1)
    return take(0), value
  end
end

-- -- counter, mutex, condition ------------------------------------------------------------------------------------

for _, name in ipairs { 'counter', 'mutex', 'condition' } do
  local kind = classes[name]
  ffi.metatype('tch_' .. name, { __index = kind.methods, __eq = own.same, __tostring = function(self)
    local show = kind.methods.__tostring__
    return show and show(self) or ('%s <%d>'):format(kind.name, kind.methods.id(self))
  end })
end

local counter, mutex, condition = classes.counter, classes.mutex, classes.condition

--- Adds 1 (or n) and returns the value before, as one step.
function counter.methods.inc(self, n)
  need(counter, self, 'inc')
  return tonumber(C.tch_counter_add(self, n or 1))
end
function counter.methods.get(self)
  need(counter, self, 'get')
  return tonumber(C.tch_counter_get(self))
end
function counter.methods.set(self, value)
  need(counter, self, 'set')
  C.tch_counter_set(self, own.integer(value))
end

local function try(status)
  if status ~= 0 then own.fail(status) end
end

--- Waits until no other thread holds it, and holds it.
function mutex.methods.lock(self)
  need(mutex, self, 'lock')
  try(C.tch_mutex_lock(self))
end
function mutex.methods.unlock(self)
  need(mutex, self, 'unlock')
  try(C.tch_mutex_unlock(self))
end

--- Waits for a signal; the mutex is held by the caller, given up meanwhile, and held again afterwards.
function condition.methods.wait(self, held)
  need(condition, self, 'wait')
  need(mutex, held, 'wait')
  try(C.tch_condition_wait(self, held))
end
function condition.methods.signal(self)
  need(condition, self, 'signal')
  C.tch_condition_signal(self)
end
function condition.methods.broadcast(self)
  need(condition, self, 'broadcast')
  C.tch_condition_broadcast(self)
end

--- The class of a shared object, or nil.
function shared.classOf(value)
  local kind = kindOf(value)
  return kind and kind.methods or nil
end

--- Whether a value can be put into a collection.
function shared.storable(value)
  return own.isTensor(value) or own.isStorage(value) or shared.classOf(value) ~= nil
end

return shared
