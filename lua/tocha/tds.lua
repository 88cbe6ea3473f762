--- Collections whose contents lie outside Lua's heap: Torch7's package tds.
--
--     local tds = require 'tocha.tds'
--     local words = tds.Vec { 'a', 'b' }        -- by number: words[1], #words, words:insert(...), words:remove(i)
--     local counts = tds.Hash { a = 1 }         -- by key: counts.a, #counts
--     for key, value in tds.pairs(counts) do ... end
--
-- Values are numbers, strings, booleans, tensors, storages and collections; tables become collections. They can be saved, and
-- shared by threads (tocha.threads), for whom each single access is atomic. Collections that hold each other in a ring are
-- never given back.
-- @module tocha.tds
local torch = require 'tocha'
local shared = require 'tocha.bindings.shared'
local raise = require 'tocha.bindings.own'.raise

local tds = {}
local Vec, Hash, Counter = shared.vec, shared.hash, shared.counter

-- -- making -------------------------------------------------------------------------------------------------------

local function isList(list)
  for key in next, list do
    if type(key) ~= 'number' then return false end
  end
  return true
end

local converted

local function fill(collection, list)
  for key, value in next, list do
    collection[converted(key)] = converted(value)
  end
  return collection
end

function converted(value)
  if type(value) ~= 'table' or torch.typename(value) then return value end
  return fill(isList(value) and Vec.new() or Hash.new(), value)
end

local function constructor(class, build)
  return setmetatable({}, { __call = function(_, ...) return build(...) end, __index = class, __newindex = class,
                            __tostring = function() return class.__typename end })
end

--- A row of values: `tds.Vec()`, `tds.Vec(a, b, ...)`, `tds.Vec { a, b, ... }`. A single table is the list of values.
tds.Vec = constructor(Vec, function(...)
  local n, first = select('#', ...), (...)
  local vec = Vec.new()
  if n == 1 and type(first) == 'table' and not torch.typename(first) then
    if not isList(first) then raise 'tds.Vec: the keys of the table must be numbers' end
    return fill(vec, first)
  end
  for i = 1, n do vec[i] = converted((select(i, ...))) end
  return vec
end)

--- Values by key: `tds.Hash()`, `tds.Hash { key = value, ... }`.
tds.Hash = constructor(Hash, function(list, ...)
  if select('#', ...) > 0 or list ~= nil and type(list) ~= 'table' then raise 'tds.Hash: a table or nothing is needed' end
  return fill(Hash.new(), list or {})
end)

--- A number that threads count up together: `inc([n])` gives the value before, `get()`, `set(value)`.
tds.AtomicCounter = constructor(Counter, function() return Counter.new() end)

tds.vec, tds.hash, tds.atomic_counter = tds.Vec, tds.Hash, tds.AtomicCounter -- older names

-- -- walking ------------------------------------------------------------------------------------------------------

local function step(vec, i)
  if i < #vec then return i + 1, vec[i + 1] end
end

--- The elements of a tds.Vec in order, nil ones too.
function tds.ipairs(vec) return step, vec, 0 end

--- The pairs of a tds.Hash in the order in which they came, or the elements of a tds.Vec. Values of keys that are there may be
-- changed meanwhile.
function tds.pairs(collection)
  local class = shared.classOf(collection)
  if class == Hash then return shared.pairs(collection) end
  if class == Vec then return tds.ipairs(collection) end
  raise(('pairs: a tds.Vec or tds.Hash is needed, not a %s'):format(torch.type(collection)))
end

-- -- tds.Vec: methods ---------------------------------------------------------------------------------------------

-- Moves the value at `root` down until it is not less than those below it (heap sort, Williams 1964).
local function sift(vec, less, root, last)
  while 2 * root <= last do
    local child = 2 * root
    if child < last and less(vec[child], vec[child + 1]) then child = child + 1 end
    if not less(vec[root], vec[child]) then return end
    vec:swap(root, child)
    root = child
  end
end

--- Sorts in place. less(a, b): whether a comes before b; by default a < b.
function Vec:sort(less)
  if less == nil then less = function(a, b) return a < b end end
  if type(less) ~= 'function' then raise(('sort: a function is needed, not a %s'):format(type(less))) end
  local n = #self
  for root = math.floor(n / 2), 1, -1 do sift(self, less, root, n) end
  for last = n, 2, -1 do
    self:swap(1, last)
    sift(self, less, 1, last - 1)
  end
end

--- The elements from i to j as one string, `separator` between them.
function Vec:concat(separator, i, j)
  local parts = {}
  for k = i or 1, j or #self do parts[#parts + 1] = tostring(self[k]) end
  return table.concat(parts, separator or '')
end

--- The same as a CharStorage.
function Vec:concatstorage(...) return torch.CharStorage():string(self:concat(...)) end

-- -- text ---------------------------------------------------------------------------------------------------------

local most = 20 -- elements that are shown

-- Lines after the first are set under it.
local function entry(key, value)
  return key .. tostring(value):gsub('\n([^\n])', '\n' .. (' '):rep(#key) .. '%1')
end

function Vec:__tostring__()
  local lines = { ('tds.Vec[%d]{'):format(#self) }
  for i, value in tds.ipairs(self) do
    lines[#lines + 1] = i > most and '...' or entry(('%5d : '):format(i), value)
    if i > most then break end
  end
  lines[#lines + 1] = '}'
  return table.concat(lines, '\n')
end

function Hash:__tostring__()
  local keys, values, width = {}, {}, 0
  for key, value in shared.pairs(self) do
    if #keys == most then break end
    key = (type(key) == 'cdata' or type(key) == 'userdata') and torch.type(key) or tostring(key)
    keys[#keys + 1], values[#keys + 1] = key, value
    width = math.max(width, #key)
  end
  local lines = { ('tds.Hash[%d]{'):format(#self) }
  for i, key in ipairs(keys) do lines[#lines + 1] = entry(key .. (' '):rep(width - #key) .. ' : ', values[i]) end
  if #self > most then lines[#lines + 1] = '...' end
  lines[#lines + 1] = '}'
  return table.concat(lines, '\n')
end

function Counter:__tostring__() return 'tds.AtomicCounter=' .. self:get() end

-- -- files --------------------------------------------------------------------------------------------------------

function Vec:write(file)
  file:writeLong(#self)
  for _, value in tds.ipairs(self) do file:writeObject(value) end
end

-- How many values follow; each takes at least four bytes.
local function count(file, what)
  local n = file:readLong()
  if type(n) ~= 'number' or n < 0 or n * 4 > file:left() then
    raise(('a %s of %s elements cannot be: %.0f bytes are left (truncated?)'):format(what, tostring(n), file:left()))
  end
  return n
end

function Vec:read(file)
  local n = count(file, 'tds.Vec')
  self:resize(n)
  for i = 1, n do self[i] = file:readObject() end
end

function Hash:write(file)
  file:writeLong(#self)
  for key, value in shared.pairs(self) do
    file:writeObject(key)
    file:writeObject(value)
  end
end

function Hash:read(file)
  for _ = 1, count(file, 'tds.Hash') do
    local key = file:readObject()
    self[key] = file:readObject()
  end
end

function Counter:write(file) file:writeLong(self:get()) end
function Counter:read(file) self:set(file:readLong()) end

return tds
