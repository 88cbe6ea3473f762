--- Which tensors of an object are slices that alone use their storage, so that only what they show needs to be saved.
-- @module tocha.file.slices
local torch = require 'tocha'
local own = require 'tocha.bindings.own'
local unloaded = require 'tocha.file.unloaded'

-- Elements from the first that a tensor shows to the last, as {first =, size =}; strides are never negative.
local function rangeOf(tensor)
  local size = 1
  for d = 1, tensor:dim() do size = size + (tensor:size(d) - 1) * tensor:stride(d) end
  return { first = tensor:storageOffset(), size = size }
end

-- Counts who uses each storage; `opaque` if an object writes itself, for what it writes cannot be seen.
local walk

local function walkTable(found, object)
  for key, value in next, object do
    walk(found, key)
    walk(found, value)
  end
end

local function walkUpvalues(found, fn)
  for i = 1, math.huge do
    local name, value = debug.getupvalue(fn, i)
    if not name then return end
    walk(found, value)
  end
end

local function walkTensor(found, tensor)
  local at = own.address(tensor)
  if tensor:nElement() == 0 or found.seen[at] then return end
  found.seen[at] = tensor
  local storage = own.address(tensor:storage())
  found.users[storage] = (found.users[storage] or 0) + 1
  found.tensors[#found.tensors + 1] = { tensor = tensor, at = at, storage = storage }
end

walk = function(found, value)
  if own.isTensor(value) then walkTensor(found, value)
  elseif own.isStorage(value) then found.users[own.address(value)] = math.huge
  elseif (type(value) == 'table' or type(value) == 'function') and not found.seen[value] then
    found.seen[value] = true
    if type(value) == 'function' then return walkUpvalues(found, value) end
    local held = unloaded.of(value)
    if held then return walk(found, held.upvalues) end
    local mt = torch.class.metatableOf(value)
    if mt and type(mt.write) == 'function' then found.opaque = true end
    walkTable(found, value)
  end
end

--- What an object's lone slices show of their storages.
-- @treturn table|nil address of a tensor -> {first =, size =} in elements of its storage
return function(object)
  local found = { seen = {}, users = {}, tensors = {} }
  -- What cannot be walked (types of the FFI in the upvalues of a function) cannot be written: the writer names it.
  if not pcall(walk, found, object) or found.opaque then return nil end
  local alone = {}
  for _, entry in ipairs(found.tensors) do
    local range = found.users[entry.storage] == 1 and rangeOf(entry.tensor)
    if range and range.size < entry.tensor:storage():size() then alone[entry.at] = range end
  end
  return alone
end
