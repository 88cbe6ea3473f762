--- xlua.unpack: arguments by position or by name, with defaults, and a help text when they are wrong.
-- @module xlua.arguments
local torch = require 'torch'

local arguments = {}

--- How a function is used. More arguments are rows {arg =, type =, help =, default =, req =}, or {tabled = rows}.
function arguments.usage(name, description, example, ...)
  local rows = { ... }
  if rows[1] and rows[1].tabled then rows = rows[1].tabled end
  local lines = { '', name, description and '' or nil }
  if description then lines[#lines + 1] = description end
  if example then lines[#lines + 1] = '\n' .. tostring(example) end
  lines[#lines + 1] = '\nARGS:'
  for _, row in ipairs(rows) do
    if row.arg then
      local note = row.req and ' [REQUIRED]' or row.default ~= nil and (' [default = %s]'):format(tostring(row.default)) or ''
      lines[#lines + 1] = ('  - %s : %s -- %s%s'):format(row.arg, row.type or 'any', row.help or '', note)
    end
  end
  return table.concat(lines, '\n') .. '\n'
end

-- A single table without list items and class holds arguments by name.
local function byName(args)
  return #args == 1 and type(args[1]) == 'table' and #args[1] == 0 and torch.typename(args[1]) == nil
end

--- The arguments by name (in a table that also has them by position), then each of them.
-- @tparam table args what the function was given
-- @tparam string name of the function, for the help
-- @tparam string description
-- @param ... rows {arg =, type =, help =, default = or defaulta = the name of another, req =}
function arguments.unpack(args, name, description, ...)
  local rows, n = { ... }, select('#', ...)
  local usage = setmetatable({}, { __tostring = function()
    return arguments.usage(name, description, nil, unpack(rows, 1, n))
  end })
  local given = byName(args) and args[1] or nil
  local values = { usage = usage }
  for i = 1, n do
    local row = rows[i]
    local value = args[i]
    if given then value = given[row.arg] end
    if value == nil then value = row.default end
    if value == nil and row.defaulta then value = values[row.defaulta] end
    if value == nil and row.req then
      error(('%s: the argument %s is missing\n%s'):format(name, row.arg, tostring(usage)), 3)
    end
    values[i], values[row.arg] = value, value
  end
  return values, unpack(values, 1, n)
end

--- Puts the arguments into the fields of an object.
function arguments.unpackClass(object, args, name, description, ...)
  for key, value in pairs((arguments.unpack(args, name, description, ...))) do
    if type(key) == 'string' then object[key] = value end
  end
end

--- Makes tostring(module) tell what the module is for.
function arguments.usageModule(module, name, description)
  local text = ('%s\n%s'):format(name, description or '')
  local mt = getmetatable(module) or {}
  mt.__tostring = function() return text end
  setmetatable(module, mt)
  return text
end

return arguments
