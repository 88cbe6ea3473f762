--- Functions whose arguments are checked by kind before they run, so that a wrong one gets a sentence at the caller's line.
-- @module tocha.signed
local torch = require 'tocha'
local own = require 'tocha.bindings.own'

local function isSet(value)
  if type(value) ~= 'table' then return false end
  local data, labels, source = value.data, value.labels, value.source
  if value.classes ~= nil and type(value.classes) ~= 'table' then return false end
  if labels ~= nil and not (torch.isTensor(labels) and labels:dim() == 1) then return false end
  if data ~= nil then return torch.isTensor(data) and data:dim() > 0 end
  return type(source) == 'table' and torch.isTensor(source.names) and torch.isTensor(source.index) and source.index:dim() == 2
end

local function is(kind) return function(value) return type(value) == kind end end
local function whole(value) return type(value) == 'number' and value % 1 == 0 end

-- kind -> test, words
local kinds = {
  number = { function(value) return type(value) == 'number' and value == value end, 'a number' },
  whole = { whole, 'a whole number' },
  count = { function(value) return whole(value) and value > 0 end, 'a whole number above 0' },
  string = { is 'string', 'a string' },
  boolean = { is 'boolean', 'true or false' },
  ['function'] = { is 'function', 'a function' },
  table = { is 'table', 'a table' },
  tensor = { torch.isTensor, 'a tensor' },
  set = { isSet, 'a set (a table with data, a tensor of samples, or with a source of pictures)' },
  held = { function(value) return isSet(value) and value.data ~= nil end, 'a set (a table with data, a tensor of samples)' },
  labelled = { function(value) return isSet(value) and value.labels ~= nil end, 'a set with labels' },
  strings = { function(value)
    if type(value) ~= 'table' then return false end
    for _, text in ipairs(value) do
      if type(text) ~= 'string' then return false end
    end
    return true
  end, 'a table of strings' },
  numbers = { function(value) return type(value) == 'number' or type(value) == 'table' end, 'a number or a table of numbers' },
}

local function check(op, name, kind, value)
  if type(kind) == 'table' then -- the fields of options
    if value == nil then return end
    if type(value) ~= 'table' then own.bad(op, name, 'a table', value) end
    for field, of in pairs(kind) do check(op, field, of, value[field]) end
    return
  end
  local base = kind:match '^[^?]+'
  if value == nil and base ~= kind then return end
  local row = kinds[base]
  if not row[1](value) then own.bad(op, name, row[2], value) end
end

--- f behind a check of its arguments.
-- @tparam string op the name that messages begin with
-- @tparam table list name, kind, name, kind ...: a kind of the table above, with ? at its end where nil is fine, or a table of the
-- kinds of options by name
-- @tparam function f
return function(op, list, f)
  return function(...)
    for k = 1, #list, 2 do check(op, list[k], list[k + 1], (select((k + 1) / 2, ...))) end
    return f(...)
  end
end
