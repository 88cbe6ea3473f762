--- What functions and classes are for, from the comments in the library's own files (prompt/comments.lua).
-- @module tocha.help
local torch = require 'tocha'
local comments = require 'tocha.prompt.comments'
local valueOf = require 'tocha.prompt.complete'.valueOf

local help = {}
local here, bindings, named, introductions = comments.here, comments.bindings, comments.named, comments.introductions

-- The name of the module that a table is, and no class: 'torch', 'nn', 'image' ...
local function moduleOf(value)
  local shortest
  if type(value) == 'table' and valueOf('__typename', value) then return nil end
  for name, module in pairs(package.loaded) do
    if rawequal(module, value) and type(name) == 'string' and not (shortest and #shortest <= #name) then shortest = name end
  end
  return shortest and shortest:gsub('^tocha%.', ''):gsub('^tocha$', 'torch') or nil
end

-- The module of the library that a name without a value may mean: nn where it is not loaded.
local function load(name)
  local file = name:find '^%a+$' and io.open(here .. name .. '/init.lua')
  if not file then return nil end
  file:close()
  local good, module = pcall(require, 'tocha.' .. name)
  return good and type(module) == 'table' and module or nil
end

-- The word for where a name belongs, and its last part.
local function resolve(name, scope)
  local owner, last = name:match '^(.*)[.:]([%w_]+)$'
  if not owner then return valueOf(name, scope) ~= nil and moduleOf(valueOf(name, scope)) or nil, name end
  local value = valueOf(owner, scope)
  if value == nil then return nil, last end
  if torch.isTensor(value) then return 'torch', last end
  if torch.typename(value) then return torch.type(value):match '^[^.]+', last end
  return moduleOf(value) or owner:match '^[^.:]+', last
end

-- Where the function of a name was made, and those of that name in the classes above: source:line -> how surely a comment there
-- tells about it.
local function origins(name, scope)
  local owner, last = name:match '^(.*)[.:]([%w_]+)$'
  local places, surely, object = {}, 4, owner and valueOf(owner, scope)
  local typename = object ~= nil and valueOf('__typename', object)
  local above = typename and torch.getmetatable(typename) or object
  while type(above) == 'table' and surely > 3 do
    local f = rawget(above, last)
    if type(f) == 'function' then
      local made = debug.getinfo(f, 'S')
      places[('%s:%d'):format(made.source, made.linedefined)] = surely
    end
    surely = surely - 0.1
    local mt = getmetatable(above)
    above = type(mt) == 'table' and mt.__index
  end
  return places
end

local function bound(entry) return entry.file:sub(1, #bindings) == bindings end

-- Whether a file belongs to a module.
local function belongs(path, owner)
  if owner == 'torch' then
    local folder = path:match '([^/\\]*)[/\\][^/\\]*$'
    return path:sub(1, #bindings) == bindings or folder == 'tocha' or folder == 'file' or folder == 'tester'
  end
  return path:find('[/\\]' .. owner .. '[/\\]') ~= nil or path:find('[/\\]' .. owner .. '%.lua$') ~= nil
end

-- What a question is about: arguments go, and an object means its class.
local function subject(question, scope)
  local name = question:gsub('%s*%(.*$', '')
  local value = valueOf(name, scope)
  local class = value ~= nil and name:find '^[%w_.:]+$' and not moduleOf(value) and torch.typename(value)
  return class and class:find '^%a+%.%u' and class or name
end

--- The comments about a name, the best one first.
-- @tparam string name 'torch.max', 'x:view' (x a tensor), 'nn.Linear', 'max'
-- @tparam[opt=_G] table scope where names are looked up
-- @treturn {table,...} file, text, arguments (of a constructor, maybe nil)
function help.find(name, scope)
  scope = scope or _G
  local first = name:match '^%a+'
  if first and valueOf(first, scope) == nil then scope = setmetatable({ [first] = load(first) }, { __index = scope }) end
  local value = valueOf(name, scope) -- which may load it
  comments.read(value)
  local owner, last = resolve(name, scope)
  if owner == 'torch' then last = last:match '^%u%l+(Tensor)$' or last:match '^%u%l+(Storage)$' or last end
  local list, score = {}, {}
  local method = name:find ':' ~= nil or value ~= nil and owner == 'torch' and torch[last] == nil
  local near = origins(name, scope)
  local function take(entry, surely)
    list[#list + 1] = entry
    surely = near[('@%s:%d'):format(entry.file, entry.line)] or surely
    score[entry] = surely + (entry.documents and 1.1 or 0) + (entry.method == method and 0.3 or 0)
      + (entry.tensors and 0.1 or 0) + (bound(entry) and 0 or 0.2) - #list / 1e6
  end
  local function takeModule(module)
    local entry = module and (introductions['tocha.' .. module] or introductions[module == 'torch' and 'tocha' or module])
    if entry then take(entry, 5) end
  end
  takeModule(value ~= nil and moduleOf(value) or nil)
  for _, entry in ipairs(named[last] or {}) do
    if not score[entry] and (not owner or belongs(entry.file, owner)) then take(entry, entry.names[last]) end
  end
  if not list[1] and owner then takeModule(owner .. '.' .. last:lower()) end -- data.idx
  table.sort(list, function(a, b) return score[a] > score[b] end)
  return list
end

-- LDoc's marks as words.
local function readable(text)
  text = text:gsub('@tparam%[opt=?([^%]]*)%]%s+(%S+)%s+(%S+)', function(default, kind, name)
    return ('- %s (%s%s)'):format(name, kind, default == '' and ', may be left out' or ', ' .. default)
  end)
  text = text:gsub('@tparam%s+(%S+)%s+(%S+)', '- %2 (%1)'):gsub('@param%s+(%S+)', '- %1')
  text = text:gsub('@t?return[%[%]%d]*%s+', '- returns ')
  return (text:gsub('@function[^\n]*\n?', ''):gsub('`', ''):gsub('^%s+', ''):gsub('%s+$', ''))
end

local WIDTH = 100

-- Lines that make a paragraph are filled up to WIDTH; those that begin with a space or a - stay apart.
local function filled(text)
  local lines, current = {}, nil
  for line in (text .. '\n'):gmatch '([^\n]*)\n' do
    if line == '' or line:find '^%s' or line:find '^%- ' then current = nil end
    for word in line:gmatch(line:find '^%s' and '[^\n]+' or '%S+') do
      if current and #lines[current] + 1 + #word <= WIDTH then lines[current] = lines[current] .. ' ' .. word
      else
        lines[#lines + 1] = (current and lines[current]:find '^%- ' and '  ' or '') .. word
        current = #lines
      end
    end
    if line == '' then lines[#lines + 1] = '' end
    if line:find '^%s' then current = nil end
  end
  return table.concat(lines, '\n')
end

--- What there is to read about a name, as text; nil if there is nothing. Arguments as those of `find`.
function help.text(name, scope)
  name = subject(name, scope or _G)
  local list = help.find(name, scope)
  if not list[1] then return nil end
  local parts, last = {}, name:match '[%w_]+$'
  for i, entry in ipairs(list) do
    local text = readable(entry.text)
    local arguments = entry.arguments ~= '...' and entry.arguments
    if i == 1 and arguments and not text:find '^%(' then name = ('%s(%s)'):format(name, arguments) end
    -- the first, and what stands in the file of a module, or tells more about a name of a family
    local further = list[1].names[last] == 1 and entry.names[last] == 2 and not entry.documents and not bound(entry)
    if i == 1 or further or list[1].module and entry.file == list[1].file then
      parts[#parts + 1] = text
    end
  end
  local place = list[1].file:match '[^/\\]*[/\\][^/\\]*$'
  return ('%s   [%s]\n%s'):format(name, place, filled(table.concat(parts, '\n\n')):gsub('[^\n]+', '  %0'))
end

return help
