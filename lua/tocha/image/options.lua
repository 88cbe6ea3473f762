--- Arguments by name or by position, as Torch7's packages took them.
-- @module tocha.image.options
local torch = require 'tocha'
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise

--- Reads f{name = value, ...} or f(value, ...).
-- @tparam string op for messages
-- @tparam table list in order, each {name, default, kind}: a default that is the name of another argument is its value; the kind
-- is one of tocha.kinds
-- @treturn table values by name
return function(op, list, ...)
  local first = ...
  local named = select('#', ...) == 1 and type(first) == 'table' and first[1] == nil and not torch.typename(first)
  local given, known = named and first or {}, {}
  for k, row in ipairs(list) do
    known[row[1]] = true
    if not named then given[row[1]] = (select(k, ...)) end
  end
  local values = {}
  for name, value in pairs(given) do
    if not known[name] then raise(('%s: there is no argument %s'):format(op, tostring(name))) end
    values[name] = value
  end
  for _, row in ipairs(list) do
    local default = row[2]
    if values[row[1]] == nil then
      if type(default) == 'string' and known[default] then default = values[default] end
      values[row[1]] = default
    end
    if row[3] then check(op, row[1], row[3], values[row[1]]) end
  end
  return values
end
