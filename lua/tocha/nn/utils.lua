--- Walks over nested tables of tensors, and copies of whole modules (nn.utils of Torch7).
-- @module tocha.nn.utils
local torch = require 'tocha'
local skipped = require 'tocha.nn.skipped'
local raise = require 'tocha.bindings.own'.raise

local utils = {}

local function complain(a, b)
  raise(('expecting nested tensors or tables, got %s and %s'):format(torch.type(a), torch.type(b)))
end

-- -- copies --------------------------------------------------------------------------------------------------------

local function copyStorage(storage, seen)
  local key = torch.pointer(storage)
  local copy = seen[key]
  if not copy then
    copy = torch.getmetatable(torch.typename(storage)).new(storage:size()):copy(storage)
    seen[key] = copy
  end
  return copy
end

local function copyTensor(tensor, seen)
  local copy = tensor.new()
  if tensor:storage() then
    copy:set(copyStorage(tensor:storage(), seen), tensor:storageOffset(), tensor:size(), tensor:stride())
  end
  return copy
end

local function writesItself(object)
  local name = torch.typename(object)
  local class, module = name and torch.getmetatable(name), torch.getmetatable 'nn.Module'
  local write = type(class) == 'table' and class.write
  return type(write) == 'function' and write ~= (module and module.write)
end

--- A deep copy of tables, objects, tensors and storages; what was one object twice is one object twice in the copy, and
-- tensors on one storage share a storage. Functions stay what they are. A value with objects whose class says how they are
-- written (other than nn.Module's way) is written and read, as Torch7 did, unless tensors are to be shared.
-- @param value
-- @tparam[opt] table shared set of tensors that the copy shares storage with instead
function utils.copy(value, shared)
  local ask = shared == nil -- for objects that write themselves
  shared = shared or {}
  local seen, found = {}, false
  local function walk(v)
    if seen[v] then return seen[v] end
    local copy = v
    if torch.isTensor(v) then
      copy = shared[v] and v.new():set(v) or copyTensor(v, seen)
      seen[v] = copy
    elseif torch.isStorage(v) then
      copy = copyStorage(v, seen)
    elseif type(v) == 'table' then
      copy = {}
      seen[v] = copy
      skipped.complete(v)
      for k, field in pairs(v) do copy[walk(k)] = walk(field) end
      setmetatable(copy, getmetatable(v))
      found = found or ask and writesItself(v)
    end
    return copy
  end
  local copy = walk(value)
  if not found then return copy end
  return torch.deserialize(torch.serialize(value), 'binary', { functions = true })
end

-- -- types ---------------------------------------------------------------------------------------------------------

--- Converts the tensors of a nested table, module or criterion; tensors that share keep sharing through `cache`.
function utils.recursiveType(value, type, cache)
  cache = cache or {}
  if torch.isTypeOf(value, 'nn.Module') or torch.isTypeOf(value, 'nn.Criterion') then
    return value:type(type, cache)
  elseif torch.isTensor(value) then
    if torch.typename(value) == type then return value end
    local converted = cache[value]
    if converted then return converted end
    converted = torch.getmetatable(type).new()
    local storage = value:storage()
    if storage then
      local key = torch.pointer(storage)
      local target = cache[key]
      if not target then
        target = torch.getmetatable((type:gsub('Tensor$', 'Storage'))).new(storage:size()):copy(storage)
        cache[key] = target
      end
      converted:set(target, value:storageOffset(), value:size(), value:stride())
    end
    cache[value] = converted
    return converted
  elseif torch.type(value) == 'table' then
    for k, v in pairs(value) do value[k] = utils.recursiveType(v, type, cache) end
  end
  return value
end

-- -- arithmetic on nested tables -----------------------------------------------------------------------------------

local none = {}

-- The keys of a table beside 1, 2, ... n, in the order of their names.
local function others(value, n)
  if next(value, n > 0 and n or nil) == nil then return none end
  local keys = {}
  for k in next, value do
    if type(k) ~= 'number' or k < 1 or k > n or k % 1 ~= 0 then keys[#keys + 1] = k end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

--- The same nesting of tables with f applied to every entry: in the order of the keys 1, 2, ... and then of the names of others.
function utils.map(f, value)
  if type(value) ~= 'table' then return f(value) end
  local out, n = {}, #value
  for k = 1, n do out[k] = utils.map(f, value[k]) end
  for _, k in ipairs(others(value, n)) do out[k] = utils.map(f, value[k]) end
  return out
end

--- The tensors of a nested table in the order of `map`.
function utils.flat(value, list)
  list = list or {}
  if torch.isTensor(value) then list[#list + 1] = value
  elseif type(value) == 'table' then
    local n = #value
    for i = 1, n do utils.flat(value[i], list) end
    for _, k in ipairs(others(value, n)) do utils.flat(value[k], list) end
  end
  return list
end

--- The nesting of `like` with its tensors replaced by those of the list, in the order of `flat`.
function utils.unflat(like, list, position)
  position = position or { 0 }
  if torch.isTensor(like) then
    position[1] = position[1] + 1
    return list[position[1]]
  end
  if type(like) ~= 'table' then return like end
  return utils.map(function(t) return utils.unflat(t, list, position) end, like)
end

function utils.recursiveResizeAs(t1, t2)
  if torch.isTensor(t2) then
    return (torch.isTensor(t1) and t1 or t2.new()):resize(t2:size()), t2
  elseif torch.type(t2) ~= 'table' then
    complain(t1, t2)
  end
  t1 = torch.type(t1) == 'table' and t1 or { t1 }
  for k in pairs(t2) do t1[k] = utils.recursiveResizeAs(t1[k], t2[k]) end
  for k in pairs(t1) do
    if t2[k] == nil then t1[k] = nil end
  end
  return t1, t2
end

function utils.recursiveFill(t, value)
  if torch.isTensor(t) then return t:fill(value) end
  if torch.type(t) ~= 'table' then complain(t, t) end
  for k, v in pairs(t) do t[k] = utils.recursiveFill(v, value) end
  return t
end

--- t1 += value * t2 (value may be left out).
function utils.recursiveAdd(t1, value, t2)
  if t2 == nil then value, t2 = 1, value end
  if torch.isTensor(t1) and torch.isTensor(t2) then return t1:add(value, t2), t2 end
  if torch.type(t2) ~= 'table' then complain(t1, t2) end
  t1 = torch.type(t1) == 'table' and t1 or { t1 }
  for k in pairs(t2) do t1[k] = utils.recursiveAdd(t1[k], value, t2[k]) end
  return t1, t2
end

function utils.recursiveCopy(t1, t2)
  if torch.isTensor(t2) then
    return (torch.isTensor(t1) and t1 or t2.new()):resize(t2:size()):copy(t2), t2
  elseif torch.type(t2) ~= 'table' then
    complain(t1, t2)
  end
  t1 = torch.type(t1) == 'table' and t1 or { t1 }
  for k in pairs(t2) do t1[k] = utils.recursiveCopy(t1[k], t2[k]) end
  return t1, t2
end

-- -- views and fields ----------------------------------------------------------------------------------------------

--- A view of t with a dimension of size 1 put in at `dim`; addSingletonDimension([view,] t [, dim]).
function utils.addSingletonDimension(view, t, dim)
  if not torch.isTensor(t) then view, t, dim = nil, view, t end
  dim = dim or 1
  if dim < 1 or dim > t:dim() + 1 then
    raise(('addSingletonDimension: dimension %d of a tensor of %d dimensions'):format(dim, t:dim()))
  end
  local size, stride = t:size():totable(), t:stride():totable()
  table.insert(size, dim, 1)
  table.insert(stride, dim, 1)
  return (view or t.new()):set(t:storage(), t:storageOffset(), torch.LongStorage(size), torch.LongStorage(stride))
end

--- output as a view of input with the given sizes, of a copy where input has holes.
function utils.contiguousView(output, input, ...)
  output = output or input.new()
  if not input:isContiguous() then input = input:clone() end
  return output:view(input, ...)
end

--- Empties the named fields: a tensor loses its elements, a table its entries, anything else goes.
function utils.clear(self, ...)
  local names = { ... }
  if torch.type(names[1]) == 'table' then names = names[1] end
  for _, name in ipairs(names) do
    local value = self[name]
    if torch.isTensor(value) then value:set()
    elseif torch.type(value) == 'table' then self[name] = {}
    elseif value ~= nil then self[name] = nil end
  end
  return self
end

return utils
