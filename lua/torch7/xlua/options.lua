--- xlua.OptionParser: options of a script, as
-- `parser:option{'-l', '--lrate', action='store', dest='lrate', default=.1, help='...'}`.
-- Actions are 'store' (the default), 'store_true' and 'store_false'; `req` makes an option necessary.
-- @module xlua.options
local OptionParser = {}
OptionParser.__index = OptionParser

local function new(_, usage)
  local self = setmetatable({ usage = usage, option_descriptions = {}, option_of = {} }, OptionParser)
  self:option { '-h', '--help', action = 'store_true', dest = 'help', help = 'show this help message and exit' }
  return self
end

local function takesValue(description) return description.action == nil or description.action == 'store' end

--- Adds an option.
function OptionParser:option(description)
  table.insert(self.option_descriptions, description)
  for _, flag in ipairs(description) do self.option_of[flag] = description end
end

--- Prints why, and the help, and ends the program.
function OptionParser:fail(why)
  io.stderr:write(why, '\n')
  self:help()
  os.exit(1)
end

-- The program's arguments, `--name=value` as two.
local function split()
  local list = {}
  for _, text in ipairs(arg) do
    local flag, value = text:match '^(%-%-[%w_-]+)=(.*)'
    table.insert(list, flag or text)
    if flag then table.insert(list, value) end
  end
  return list
end

--- Reads the program's arguments.
-- @treturn table the values by `dest`
-- @treturn table what was not an option
function OptionParser:parse(values)
  values = values or {}
  local rest = {}
  for _, description in ipairs(self.option_descriptions) do
    if values[description.dest] == nil then values[description.dest] = description.default end
  end
  self.options, values.__main__ = values, arg ~= nil
  if not arg then return values, rest end

  local list, i = split(), 1
  while i <= #list do
    local text = list[i]
    local description = self.option_of[text]
    if not description then
      if text:find '^%-' then self:fail('invalid option ' .. text) end
      table.insert(rest, text)
    elseif takesValue(description) then
      i = i + 1
      if list[i] == nil then self:fail('option requires an argument ' .. text) end
      values[description.dest] = list[i]
    else
      values[description.dest] = description.action == 'store_true'
    end
    i = i + 1
  end
  if values.help then
    self:help()
    os.exit()
  end
  for _, description in ipairs(self.option_descriptions) do
    if description.req and not values[description.dest] then self:fail('option is required ' .. description[1]) end
  end
  return values, rest
end

--- The flags of an option with what they take, for the help.
function OptionParser:flags(description)
  local name = takesValue(description) and (description.metavar or description.dest:upper())
  local flags = {}
  for i, flag in ipairs(description) do
    flags[i] = name and flag .. (#flag == 2 and ' ' or '=') .. name or flag
  end
  return table.concat(flags, ', ')
end

--- Prints how the script is used.
function OptionParser:help()
  local usage = (self.usage or '%prog'):gsub('%%prog', function() return arg and arg[0] or 'script' end)
  io.write('Usage: ', usage, '\n\nOptions:\n')
  local width = 0
  for _, description in ipairs(self.option_descriptions) do width = math.max(width, #self:flags(description)) end
  for _, description in ipairs(self.option_descriptions) do
    local default = description.default
    local note = description.req and ' [REQUIRED]' or default ~= nil and (' [default = %s]'):format(tostring(default)) or ''
    io.write(('  %-' .. width .. 's  %s%s\n'):format(self:flags(description), description.help or '', note))
  end
end

--- The values as text: one a line, or (for the name of a file) those of the given flags in one piece.
function OptionParser:tostring(filename, flags)
  local parts = {}
  if not filename then
    for name, value in pairs(self.options) do table.insert(parts, (' + %s = %s\n'):format(name, tostring(value))) end
    table.sort(parts)
    local program = (arg and arg[0] or 'interpreted'):gsub('%.lua$', '')
    return ('<%s> configuration:\n%s'):format(program, table.concat(parts))
  end
  local wanted = {}
  for _, flag in ipairs(flags or {}) do wanted[flag] = true end
  for _, description in ipairs(self.option_descriptions) do
    local value = self.options[description.dest]
    if value and (next(wanted) == nil or wanted[description[1]]) then
      table.insert(parts, description[1] .. '=' .. tostring(value))
    end
  end
  return (table.concat(parts, ','):gsub('/', '|'):gsub(' ', '_'))
end

function OptionParser:summarize(compact) io.write(self:tostring(compact)) end

return setmetatable(OptionParser, { __call = new })
