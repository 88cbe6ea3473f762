--- Fields `output` and `gradInput` that a pass left out: they are made when they are asked for.
--
-- What makes them is a record: a table with `fill(record)`, which gives them to one module or to several, and `like`, a tensor of
-- their type. It holds modules weakly. A tensor that was the field is written by the passes after as long as anything holds it.
-- Copies of a module get what it has left out, files an empty tensor.
-- @module tocha.nn.skipped
local torch = require 'tocha'
local glue = require 'tocha.bindings.module'

local skipped = {}

local function table_(mode) return setmetatable({}, { __mode = mode }) end

-- Field -> module -> record; field -> module -> the tensor that the field was last, as long as anything holds it.
local records = { output = table_ 'k', gradInput = table_ 'k' }
local tensors = { output = table_ 'kv', gradInput = table_ 'kv' }

--- The record of a field that is left out; nil if it is not.
function skipped.left(module, field) return rawget(module, field) == nil and records[field][module] or nil end

--- The tensor that somebody may hold as a module's field, so that the next pass is to write it; nil if there is none.
function skipped.held(module, field)
  local t = rawget(module, field)
  if t == nil then t = tensors[field][module] end
  return torch.isTensor(t) and t:nElement() > 0 and t or nil
end

--- Leaves a field out. t: what `held` gave, with the field's numbers.
function skipped.leave(module, field, record, t)
  module[field], records[field][module], tensors[field][module] = nil, record, t
end

local function put(module, field, t)
  records[field][module], tensors[field][module] = nil, t
  rawset(module, field, t)
end

--- For records: gives the module the field, if the record is still what makes it.
function skipped.put(record, module, field, t)
  if module and skipped.left(module, field) == record then put(module, field, tensors[field][module] or t) end
end

local function fill(record, module, field)
  local t = tensors[field][module]
  if t then return put(module, field, t) end
  pcall(record.fill, record)
  -- Where a module or what it read has changed since there is nothing to be had.
  if rawget(module, field) == nil then put(module, field, record.like.new()) end
end

--- Makes what a module has left out.
function skipped.complete(module)
  for field in pairs(records) do
    local record = skipped.left(module, field)
    if record then fill(record, module, field) end
  end
end

--- Gives a field that is left out a tensor to write: the one that somebody holds, or an empty one.
function skipped.drop(module, field)
  local record = skipped.left(module, field)
  if record then put(module, field, tensors[field][module] or record.like.new()) end
end

--- Adds empty tensors to a copy of a module's fields.
function skipped.blank(module, fields)
  for field in pairs(records) do
    local record = skipped.left(module, field)
    if record then fields[field] = record.like.new() end
  end
end

--- Gives a class the fields. `pairs` has them too where it asks the metatable, as the door's does.
function skipped.give(class)
  function class:__pairs()
    skipped.complete(self)
    return next, self
  end
  local others = class.__index__
  function class:__index__(name)
    local list = records[name]
    if not list then return others and others(self, name) end
    local record = list[self]
    if record then fill(record, self, name) end
    return rawget(self, name)
  end
end

--- The state of tensors that a record computes from.
function skipped.seen(list)
  local versions = {}
  for i, t in ipairs(list) do versions[i] = glue.version(t) end
  return { tensors = list, versions = versions }
end

--- Whether nothing was written to them since.
function skipped.stand(seen)
  for i, t in ipairs(seen.tensors) do
    if glue.version(t) ~= seen.versions[i] then return false end
  end
  return true
end

return skipped
