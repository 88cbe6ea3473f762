--- Kinds of arguments: what a value must be, and the words for it.
-- @module tocha.kinds
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

local function isCallable(value)
  if type(value) == 'function' then return true end
  local meta = type(value) == 'table' and getmetatable(value)
  return type(meta) == 'table' and meta.__call ~= nil
end

local function is(kind) return function(value) return type(value) == kind end end
local function listOf(test)
  return function(value)
    if type(value) ~= 'table' then return false end
    for _, entry in ipairs(value) do
      if not test(entry) then return false end
    end
    return true
  end
end
local function isNumber(value) return type(value) == 'number' and value == value end
local function isName(value) return type(value) == 'string' or type(value) == 'number' end
local function whole(value) return type(value) == 'number' and value % 1 == 0 end
local function isCount(value) return whole(value) and value > 0 end

--- By name: a test and the words for what passes it.
local kinds = {
  any = { function() return true end, 'anything' },
  number = { isNumber, 'a number' },
  finite = { function(value) return isNumber(value) and math.abs(value) < math.huge end, 'a finite number' },
  whole = { whole, 'a whole number' },
  count = { isCount, 'a whole number above 0' },
  string = { is 'string', 'a string' },
  boolean = { is 'boolean', 'true or false' },
  ['function'] = { isCallable, 'a function' },
  table = { is 'table', 'a table' },
  tensor = { torch.isTensor, 'a tensor' },
  colour = { function(value)
    return type(value) == 'table' and isNumber(value[1]) and isNumber(value[2]) and isNumber(value[3])
  end, 'a colour (a table of red, green and blue)' },
  module = { function(value) return torch.isTypeOf(value, 'nn.Module') end, 'a module' },
  file = { function(value) return type(value) == 'table' and value.writeObject ~= nil end, 'a file' },
  space = { function(value) return torch.isTypeOf(value, 'rl.Discrete') or torch.isTypeOf(value, 'rl.Box') end,
    'a space (rl.Discrete or rl.Box)' },
  agent = { function(value) return type(value) == 'table' and isCallable(value.act) end, 'an agent (a table with a method act)' },
  set = { isSet, 'a set (a table with data, a tensor of samples, or with a source of pictures)' },
  held = { function(value) return isSet(value) and value.data ~= nil end, 'a set (a table with data, a tensor of samples)' },
  labelled = { function(value) return isSet(value) and value.labels ~= nil end, 'a set with labels' },
  strings = { listOf(is 'string'), 'a table of strings' },
  sizes = { function(value) return type(value) == 'table' and #value > 0 and listOf(isCount)(value) end, 'a table of sizes' },
  list = { listOf(isNumber), 'a table of numbers' },
  name = { isName, 'a string' },
  names = { listOf(isName), 'a table of names' },
  tables = { listOf(is 'table'), 'a table of tables' },
  tensors = { listOf(torch.isTensor), 'a table of tensors' },
  numbers = { function(value) return type(value) == 'number' or type(value) == 'table' end, 'a number or a table of numbers' },
}

-- A kind with ? at its end takes nil too; a name with a dot is that of a class.
setmetatable(kinds, { __index = function(_, name)
  local base = name:match '^(.*)%?$'
  local row = base and kinds[base]
  kinds[name] = row and { function(value) return value == nil or row[1](value) end, row[2] }
    or { function(value) return torch.isTypeOf(value, name) end, 'an object of class ' .. name }
  return kinds[name]
end })

local orders = setmetatable({}, { __mode = 'k' }) -- names of options, sorted

local function orderOf(options)
  if not orders[options] then
    local names = {}
    for name in pairs(options) do names[#names + 1] = name end
    table.sort(names)
    orders[options] = names
  end
  return orders[options]
end

--- Raises unless a value is of a kind.
-- @tparam string op what messages begin with
-- @tparam string name of the argument
-- @param kind a name of the table above, with ? at its end where nil is fine, or a table of the kinds of options by name
-- @param value
-- @tparam[opt=''] string within what stands before the names of options: those of options in them are whole.part
local function check(op, name, kind, value, within)
  if type(kind) ~= 'table' then
    local row = kinds[kind]
    if not row[1](value) then own.bad(op, name, row[2], value) end
  elseif value ~= nil then
    if type(value) ~= 'table' then own.bad(op, name, 'a table', value) end
    for _, field in ipairs(orderOf(kind)) do
      check(op, (within or '') .. field, kind[field], value[field], (within or '') .. field .. '.')
    end
  end
end

--- A number, as itself or in a string.
local function number(op, name, value)
  local read = type(value) == 'string' and tonumber(value) or value
  if type(read) ~= 'number' or read ~= read then own.bad(op, name, 'a number', value) end
  return read
end

return { kinds = kinds, check = check, number = number }
