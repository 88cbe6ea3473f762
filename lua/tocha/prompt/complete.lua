--- What an unfinished name at the prompt may become: fields of tables, methods of objects, words of Lua.
-- @module tocha.prompt.complete
local torch = require 'tocha'

local words = {}
for word in ([[and break do else elseif end false for function if in local nil not or repeat return then true until
  while]]):gmatch '%a+' do words[word] = true end

-- The tables in which a value's fields are found, nearest first.
local function sources(value)
  local list, seen = {}, {}
  local function add(t)
    if type(t) ~= 'table' or seen[t] then return end
    seen[t], list[#list + 1] = true, t
    local mt = getmetatable(t)
    if type(mt) == 'table' then
      add(rawget(mt, '__index'))
      if torch.typename(mt) or rawget(mt, '__typename') then add(mt) end
    end
  end
  local name = torch.typename(value)
  if type(value) == 'string' then add(string) else add(value) end
  if name then add(torch.getmetatable(name)) end
  return list
end

local complete = {}

--- The value of a name such as 'torch' or 'model.modules' in a table; nil if there is none. Reading fields may run a script's own
-- __index.
function complete.valueOf(name, scope)
  local value = scope
  for part in name:gmatch '[^.:]+' do
    local known, field = pcall(function() return value[part] end)
    if not known or field == nil then return nil end
    value = field
  end
  return value
end

--- The names that a word may become, in order; a function ends with its bracket. Names with _ in front come when it was typed.
-- @tparam string word 'torch.ra', 'x:si', 'pri'
-- @tparam string before the line up to it
-- @tparam[opt=_G] table scope
-- @treturn {string,...} nil inside a string
function complete.names(word, before, scope)
  local quote
  for mark in before:gmatch '[\'"]' do
    if not quote then quote = mark elseif quote == mark then quote = nil end
  end
  if quote then return nil end
  scope = scope or _G
  local owner, separator, part = word:match '^(.*)([.:])([%w_]*)$'
  part = part or word
  local value, list, seen = scope, {}, {}
  if owner then value = complete.valueOf(owner, scope) end
  if value == nil then return list end
  local function offer(name, kind)
    if type(name) ~= 'string' or seen[name] or name:sub(1, #part) ~= part or not name:find '^[%a_][%w_]*$' then return end
    if name:sub(1, 1) == '_' and part:sub(1, 1) ~= '_' then return end
    if separator == ':' and kind ~= 'function' then return end
    seen[name] = true
    list[#list + 1] = (owner and owner .. separator or '') .. name .. (kind == 'function' and '(' or '')
  end
  for _, source in ipairs(sources(value)) do
    for name, field in next, source do offer(name, type(field)) end
  end
  if not owner then
    for name in pairs(words) do offer(name) end
  end
  table.sort(list)
  return list
end

return complete
