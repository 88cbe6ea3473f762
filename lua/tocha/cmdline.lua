--- torch.CmdLine: options of a script, strictly checked.
--
--     local cmd = torch.CmdLine()
--     cmd:text('Trains a network.')
--     cmd:option('--epochs', 5, 'passes over the training set')
--     cmd:option('--quiet', false, 'print nothing but the result')
--     local options = cmd:parse(arg)          -- options.epochs, options.quiet
--
-- A default tells the type: a number wants a number, a boolean is a switch that turns it over, all else takes text. Names
-- may be given with one dash or two, and as --name value or --name=value. An unknown option, a missing value or a value of
-- the wrong type ends the script with a sentence on standard error, in Torch7's words where it had any, and exit code 1; -h and
-- --help print the help.
-- @module tocha.cmdline
local torch = require 'tocha'
local guard = require 'tocha.bindings.guard'
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise

local CmdLine = torch.class('torch.CmdLine', torch)

local function bare(name) return (name:gsub('^%-+', '')) end

--- @tparam[opt] string separator of fields in names made by cmd:string
function CmdLine:__init(separator, equals)
  check('CmdLine', 'the separator', 'name?', separator or nil)
  check('CmdLine', 'equals', 'name?', equals or nil)
  self.fieldSeparator, self.equals = separator or ',', equals or '='
  self.helplines, self.options, self.arguments = {}, {}, {} -- names that classes derived from this one rely on
end

-- The option of a word, with one dash or two.
local function find(self, word)
  local options, name = self.options, bare(word)
  return options[word] or options['-' .. name] or options['--' .. name]
end

local function add(list, row) list[#list + 1] = row end

--- Adds a line of text to the help.
function CmdLine:text(text)
  add(self.helplines, text or '')
end

local function checkChoices(name, kind, choices)
  if choices.from == nil then return check('CmdLine', 'the choices of option ' .. name, 'names', choices) end
  check('CmdLine', 'from of option ' .. name, 'number', choices.from)
  check('CmdLine', 'to of option ' .. name, 'number?', choices.to)
  if kind ~= 'number' then raise(('CmdLine: option %s has a range, but its default is a %s'):format(name, kind)) end
end

--- Adds an option.
-- @tparam string name with its dash
-- @param default value; its type is the option's
-- @tparam[opt] string help
-- @tparam[opt] table choices the values that are allowed: a list, or { from = 1, to = 9 } for whole numbers (`to` may be left out);
-- or, as in Torch7, the name of the value's type: 'number', 'string' or 'boolean' ('table': for derived classes that read it)
function CmdLine:option(name, default, help, choices)
  if type(name) ~= 'string' or not name:find '^%-' then raise 'CmdLine: the name of an option starts with a dash' end
  local kind = type(default)
  if default == nil then raise(('CmdLine: option %s has no default value'):format(name)) end
  if type(choices) == 'string' and kind ~= choices then
    raise(('CmdLine: option %s has wrong default type value: a %s, not a %s'):format(name, kind, choices))
  end
  local row, earlier = { key = name, default = default, help = help or '', type = kind }, find(self, name)
  if type(choices) == 'table' then
    checkChoices(name, kind, choices)
    row.choices = choices
  end
  if earlier then self.options[earlier.key] = nil end
  self.options[name] = row
  add(self.helplines, row)
end

--- Adds an argument without a dash; it must be given.
-- @tparam string name
-- @tparam[opt] string help
-- @tparam[opt] string kind type of the value: 'string' (the default) or 'number'
function CmdLine:argument(name, help, kind)
  if type(name) ~= 'string' then raise('CmdLine: the name of an argument is a ' .. type(name) .. ', not a string') end
  local row = { key = name, help = help or '', type = kind or 'string', argument = true }
  add(self.arguments, row)
  add(self.helplines, row)
end

--- Prints the message and a pointer to the help on standard error and exits with code 1.
function CmdLine:error(message)
  self:fail(message .. ' (--help lists the options)')
end

--- Calls a function; its error becomes a sentence on standard error and exit code 1.
-- @treturn ... what the function returned
function CmdLine:try(fn, ...)
  local function finish(good, ...)
    if good then return ... end
    self:fail((tostring((...)):gsub('^[^\n]-:%d+: ', '')))
  end
  return finish(pcall(fn, ...))
end

--- Prints a sentence on standard error and exits with code 1.
function CmdLine.fail(_, message)
  io.stderr:write((arg and arg[0] or 'script'):match '[^/\\]*$', ': ', message, '\n')
  os.exit(1, true)
end

local function number(row, text)
  local value = tonumber(text)
  if value and value == value then return value end
  return nil, ('invalid %s %s (should be number), not %q'):format(row.argument and 'argument type for argument'
    or 'type for option', row.key, text)
end

local function oneOf(row, value)
  for _, choice in ipairs(row.choices) do
    if choice == value then return value end
  end
  return nil, ('%s is one of %s, not %q'):format(row.key, table.concat(row.choices, ', '), tostring(value))
end

local function whole(row, value)
  local from, to = row.choices.from, row.choices.to or 2 ^ 53
  if value >= from and value <= to and value % 1 == 0 then return value end
  return nil, ('%s wants a whole number from %g%s, not %g'):format(row.key, from,
    row.choices.to and (' to %.16g'):format(to) or '', value)
end

-- The value of an option from its text, or nil and a sentence.
local function convert(row, text)
  local value = text
  if row.type ~= 'number' and row.type ~= 'string' then
    return nil, ('unknown required option type %s (option %s)'):format(row.type, row.key)
  end
  if row.type == 'number' then
    local why
    value, why = number(row, text)
    if not value then return nil, why end
  end
  if row.choices then return (row.choices.from and whole or oneOf)(row, value) end
  return value
end

-- Reads the option at list[i]; gives the index of the next word, or nil and a sentence.
local function readOption(self, list, i, values, given)
  local word, text = list[i], nil
  local row = find(self, word)
  if not row then
    word, text = list[i]:match '^([^=]+)=(.*)$'
    row = word and find(self, word)
  end
  if not row then return nil, ('invalid argument: %s (unknown option)'):format(list[i]) end
  local key = bare(row.key)
  given[key] = true
  if row.type == 'boolean' then
    if text then return nil, word .. ' is a switch and takes no value' end
    values[key] = not row.default
    return i + 1
  end
  local after = text and i or i + 1
  text = text or list[after]
  if text == nil then return nil, 'missing argument for option ' .. row.key end
  local value, why = convert(row, text)
  if value == nil then return nil, why end
  values[key] = value
  return after + 1
end

--- The defaults of the options, by name without dashes.
function CmdLine:default()
  local values = {}
  for name, row in pairs(self.options) do values[bare(name)] = row.default end
  return values
end

--- Reads a list of words without printing or exiting.
-- @tparam table list
-- @treturn[1] table values by name without dashes
-- @treturn[1] table true by name for what the list gave
-- @treturn[2] nil
-- @treturn[2] string what is wrong, or 'help' where the help was asked for
function CmdLine:read(list)
  if type(list) ~= 'table' then raise(('CmdLine: a table of words is needed, not a %s'):format(type(list))) end
  local values, given, seen, i = self:default(), {}, 0, 1
  while i <= #list do
    local word = list[i]
    if type(word) ~= 'string' then raise(('CmdLine: word %d is a %s, not a string'):format(i, type(word))) end
    if word:find '^%-' and not tonumber(word) then
      if not find(self, word) and (word == '-h' or bare(word) == 'help') then return nil, 'help' end
      local after, why = readOption(self, list, i, values, given)
      if not after then return nil, why end
      i = after
    else
      seen = seen + 1
      local row = self.arguments[seen]
      if not row then return nil, 'invalid argument: ' .. word end
      local value, why = convert(row, word)
      if value == nil then return nil, why end
      values[bare(row.key)], i = value, i + 1
    end
  end
  local lacking = self.arguments[seen + 1]
  if lacking then return nil, ('not enough arguments: <%s> is missing'):format(bare(lacking.key)) end
  return values, given
end

--- Reads the words of a command line; a mistake ends the script with a sentence.
-- @tparam[opt] table list words; by default the script's own, `arg`
-- @treturn table values by name without dashes
-- @treturn table true by name for what was given
function CmdLine:parse(list)
  local values, why = self:read(list or arg or {})
  if values then return values, why end
  if why ~= 'help' then return self:error(why) end
  self:help()
  os.exit(0, true)
end

--- Prints the help.
function CmdLine:help(list)
  local words = { 'Usage: luajit', (list or arg or {})[0] or 'script' }
  for _, row in ipairs(self.arguments) do words[#words + 1] = '<' .. bare(row.key) .. '>' end
  print(table.concat(words, ' ') .. ' [options]')
  for _, row in ipairs(self.helplines) do
    if type(row) == 'string' then print(row)
    else
      local default = ''
      if not row.argument and row.default ~= nil and row.default ~= '' and row.default ~= false then
        default = ' [' .. tostring(row.default) .. ']'
      end
      print(('  %-11s %s%s'):format(row.argument and '<' .. bare(row.key) .. '>' or row.key, row.help, default))
    end
  end
end

--- A name for a run: "name,epochs=3" from the arguments and the options that differ from their defaults; switches are t or f.
-- @tparam string prefix
-- @tparam table values what parse returned
-- @tparam[opt] table ignore keys with true to leave out
function CmdLine:string(prefix, values, ignore)
  check('CmdLine', 'the prefix', 'name?', prefix)
  check('CmdLine', 'the values', 'table', values)
  check('CmdLine', 'what is ignored', 'table?', ignore)
  ignore = ignore or {}
  local parts, keys = { prefix ~= '' and prefix or nil }, {}
  local function field(key)
    local value = values[key]
    if type(value) == 'boolean' then value = value and 't' or 'f' end
    add(parts, key .. self.equals .. tostring(value))
  end
  for _, row in ipairs(self.arguments) do
    local key = bare(row.key)
    if values[key] ~= nil and not ignore[key] then field(key) end
  end
  for name, row in pairs(self.options) do
    local key = bare(name)
    local differs = values[key] ~= row.default or ignore[key] == false
    if values[key] ~= nil and differs and not ignore[key] then add(keys, key) end
  end
  table.sort(keys)
  for _, key in ipairs(keys) do field(key) end
  return table.concat(parts, self.fieldSeparator)
end

--- The terminal stays silent about what log writes.
function CmdLine:silent() self.isSilent = true end

--- Puts the time, and a name, before every line that log writes.
-- @tparam[opt] string name
-- @tparam[opt='%Y-%m-%d %H:%M:%S'] string format of os.date
function CmdLine:addTime(name, format)
  self.dateFormat = (format or '%Y-%m-%d %H:%M:%S') .. (name and ('[%s]: '):format(name) or '')
end

--- From now on writes what the script prints into a file as well, after a head with the time and the values.
-- @param file a path, or a file that is open
-- @tparam[opt] table values what parse returned
function CmdLine:log(file, values)
  if io.type(file) ~= 'file' then
    local handle, why = io.open(file, 'w')
    if not handle then raise('CmdLine: cannot write ' .. why) end
    file = handle
  end
  self.print = self.print or print
  rawset(_G, 'print', function(...)
    if not self.isSilent then self.print(...) end
    local words = { self.dateFormat and os.date(self.dateFormat) }
    for i = 1, select('#', ...) do words[#words + 1] = tostring((select(i, ...))) end
    file:write(table.concat(words, ' '), '\n')
    file:flush()
  end)
  print('[program started on ' .. os.date() .. ']')
  print '[command line arguments]'
  local keys = {}
  for key in pairs(values or {}) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do print(key, values[key]) end
  print '[----------------------]'
end

guard.functions('CmdLine.', CmdLine)
return CmdLine
