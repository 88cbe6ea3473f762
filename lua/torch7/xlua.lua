--- Extensions of Lua that scripts for Torch7 lean on: progress bar, options, profiler, named arguments. Sets the globals xlua,
-- xprint, xerror, xrequire, and string.split, string.tosymbol, table.splice, table.prune.
-- @module xlua
require 'torch'
local sys = require 'sys'
local progress = require 'xlua.progress'

local xlua = { OptionParser = require 'xlua.options', Profiler = require 'xlua.profiler', progress = progress.progress,
               formatTime = progress.formatTime, _VERSION = 'tocha' }
rawset(_G, 'xlua', xlua)

local arguments = require 'xlua.arguments'
xlua.unpack, xlua.unpack_class = arguments.unpack, arguments.unpackClass
xlua.usage, xlua.usage_module = arguments.usage, arguments.usageModule

--- The values as text: tables with their keys, sorted.
function xlua.table2string(value, newline)
  if type(value) ~= 'table' then return tostring(value) end
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == 'number' and type(b) == 'number' then return a < b end
    return type(a) == type(b) and tostring(a) < tostring(b) or type(a) == 'number' and type(b) ~= 'number'
  end)
  for i, key in ipairs(keys) do
    local item = value[key]
    local text = type(item) == 'table' and xlua.table2string(item, newline) or
      type(item) == 'string' and ('%q'):format(item) or tostring(item)
    parts[i] = ('[%s] = %s'):format(tostring(key), text)
  end
  return '{' .. table.concat(parts, newline and ',\n ' or ', ') .. '}'
end

--- Prints, tables with what is in them.
function xlua.print(...)
  local parts = {}
  for i = 1, select('#', ...) do
    local value = select(i, ...)
    local mt = getmetatable(value)
    local plain = type(value) == 'table' and not (mt and mt.__tostring)
    parts[i] = plain and xlua.table2string(value, true) or tostring(value)
  end
  io.write(table.concat(parts, '\t'), '\n')
end

--- Ends with an error that names its domain and shows how the function is used.
function xlua.error(message, domain, usage)
  local colors = sys.COLORS
  local head = domain and ('<%s> '):format(domain) or ''
  error(colors.Red .. head .. tostring(message) .. colors.none .. (usage and '\n' .. tostring(usage) or ''), 2)
end

--- Calls try(); if that fails, catch(message).
function xlua.trycatch(try, catch)
  local good, why = pcall(try)
  if not good then catch(why) end
end

--- Whether a module can be found.
function xlua.installed(name)
  return package.loaded[name] ~= nil or package.searchpath(name, package.path) ~= nil
    or package.searchpath(name, package.cpath) ~= nil
end

--- A module, or nil with a note of what is missing.
function xlua.require(name)
  local good, module = pcall(require, name)
  if good then return module end
  print(('warning: <%s> could not be loaded: %s'):format(name, tostring(module)))
end

--- The defaults, replaced by what environment variables of their names say.
function xlua.envparams(defaults)
  local values = {}
  for name, default in pairs(defaults) do
    local value = os.getenv(name)
    if value == nil then
      values[name] = default
    elseif type(default) == 'number' then
      values[name] = tonumber(value) or error(('envparams: %s is %q, but a number is needed'):format(name, value), 2)
    elseif type(default) == 'boolean' then
      if value:lower() == 'true' then values[name] = true
      elseif value:lower() == 'false' then values[name] = false
      else values[name] = value end
    else
      values[name] = value
    end
  end
  return values
end

--- Sends what print and io.write show to a file as well.
function xlua.log(name, append)
  local file = assert(io.open(name, append and 'a' or 'w'))
  local write, show = io.write, print
  function io.write(...) -- luacheck: ignore
    write(...)
    file:write(...)
    file:flush()
  end
  function _G.print(...)
    show(...)
    local parts = {}
    for i = 1, select('#', ...) do parts[i] = tostring((select(i, ...))) end
    file:write(table.concat(parts, '\t'), '\n')
    file:flush()
  end
end

local known = {}
for name in pairs(_G) do known[name] = true end

--- Prints the global variables that the program made.
function xlua.who()
  local mine = {}
  for name, value in pairs(_G) do
    if not known[name] then mine[name] = value end
  end
  xlua.print(mine)
end

--- Forgets one, or all, of the global variables that the program made.
function xlua.clear(name)
  rawset(_G, name, nil)
  collectgarbage()
end
function xlua.clearall()
  for name in pairs(_G) do
    if not known[name] and not package.loaded[name] then rawset(_G, name, nil) end
  end
  collectgarbage()
end

-- -- strings and tables -------------------------------------------------------------------------------------------

-- luacheck: push ignore
--- The pieces of a text between matches of a pattern.
function string.split(text, pattern) return sys.split(text, pattern) end

--- The value of an expression.
function string.tosymbol(text)
  local value = assert(loadstring('return ' .. text))()
  if value == nil then error(('there is no %s'):format(text), 2) end
  return value
end

--- What lies at start (1) to start + length - 1 of a list, and the rest of it.
function table.splice(list, start, length)
  start, length = start or 1, length or 1
  local inside, outside = {}, {}
  for i, item in ipairs(list) do
    table.insert(i >= start and i < start + length and inside or outside, item)
  end
  return inside, outside
end

--- A list with one item of each hash(item); merge(item, earlier) says which.
function table.prune(list, hash, merge)
  local at, result = {}, {}
  for _, item in ipairs(list) do
    local key = item
    if hash then key = hash(item) end
    if not at[key] then
      table.insert(result, item)
      at[key] = #result
    else
      result[at[key]] = merge and merge(item, result[at[key]]) or item
    end
  end
  return result
end
-- luacheck: pop

rawset(_G, 'xprint', xlua.print)
rawset(_G, 'xerror', xlua.error)
rawset(_G, 'xrequire', xlua.require)
return xlua
