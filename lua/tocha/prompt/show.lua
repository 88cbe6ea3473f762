--- print as Torch7's th had it: tables with what is in them, a tab after each other value, colours on a terminal.
-- @module tocha.prompt.show
local torch = require 'tocha'
local file = require 'tocha.bindings.file'
local colors = require 'tocha.prompt.colors'

local show = { depth = 5 } -- levels of nested tables

local colored = file.isTerminal(1) and not os.getenv 'NO_COLOR'
local colorOf = { ['nil'] = 'Black', number = 'cyan', boolean = 'blue', ['function'] = 'magenta', userdata = 'red', cdata = 'red',
                  table = 'green', thread = 'Black' }

local function paint(color, text) return colored and color and colors[color] .. text .. colors.none or text end

--- One value in a line.
function show.value(value, nested)
  local kind = type(value)
  if kind == 'string' then return nested and paint('Black', '"') .. paint('green', value) .. paint('Black', '"') or value end
  local name = (kind == 'userdata' or kind == 'cdata') and torch.typename(value)
  if name and value.size then
    local sizes = value.nDimension and table.concat(value:size():totable(), 'x') or tostring(value:size())
    return paint('red', ('%s - %s'):format(name:gsub('^torch%.', ''), sizes == '' and 'empty' or 'size: ' .. sizes))
  end
  return paint(colorOf[kind], tostring(value))
end

local function ordered(value)
  local keys, kinds = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  for _, key in ipairs(keys) do kinds[key] = type(key) == 'number' and 1 or type(key) == 'string' and 2 or 3 end
  table.sort(keys, function(a, b)
    if kinds[a] ~= kinds[b] then return kinds[a] < kinds[b] end
    if kinds[a] == 3 then return tostring(a) < tostring(b) end
    return a < b
  end)
  return keys
end

local function writeTable(value, level)
  local indent = ('    '):rep(level)
  if next(value) == nil then
    io.write(indent, '{}\n')
    return
  end
  io.write(indent, '{\n')
  for _, key in ipairs(ordered(value)) do
    local item = value[key]
    io.write(indent, '  ', tostring(key), ' : ')
    if type(item) ~= 'table' then io.write(show.value(item, true), '\n')
    elseif level >= show.depth - 1 or next(item) == nil then io.write('{...}\n')
    else
      io.write('\n')
      writeTable(item, level + 1)
    end
  end
  io.write(indent, '}\n')
end

--- Prints the values.
function show.print(...)
  local n = select('#', ...)
  for i = 1, n do
    local value = select(i, ...)
    local kind, mt = type(value), getmetatable(value)
    if kind == 'table' and not (type(mt) == 'table' and mt.__tostring) then
      writeTable(value, 0)
    elseif kind == 'table' or kind == 'userdata' or kind == 'cdata' then
      io.write(tostring(value), '\n')
    else
      io.write(show.value(value), '\t', i == n and '\n' or '')
    end
  end
  io.flush()
end

--- Makes it the global print, and gives programs what they switch it with.
function show.install()
  local plain = print
  rawset(_G, 'print_old', plain)
  rawset(_G, 'print_new', show.print)
  rawset(_G, 'setprintlevel', function(depth)
    show.depth = depth
    rawset(_G, 'print', depth == 0 and plain or show.print)
  end)
  rawset(_G, 'print', show.print)
end

return show
