--- The prompt: runs each line of standard input and prints the values of an expression, unless a ; ends it. _LAST holds the last
-- value, _RESULTS all of them. `? name` tells what a function or class does, `$ command` runs a command of the system, whose
-- output _LAST holds then. At a terminal lines are edited, the tab key completes names and files, and what is typed is kept in a
-- file.
-- @module tocha.prompt
local torch = require 'tocha'
local file = require 'tocha.bindings.file'
local line = require 'tocha.bindings.line'
local complete = require 'tocha.prompt.complete'

local features = [[
  1 + 1            prints what an expression gives; with ; at its end it does not
  _LAST            the last value, _RESULTS all of them
  ? torch.max      what a function, a method (? x:view) or a class (? nn.Linear) does
  $ ls             a command of the system
  who()            the globals made here
  import 'torch'   makes all of a module global, but for names that are there
  tab              completes names and, in a string, files
  ctrl-d           ends]]

local load, xpcall, pcall, tostring = load, xpcall, pcall, tostring -- as they are before a script has others

local function unfinished(why) return why:find "'<eof>'$" end

-- A chunk of one or more lines, never bytecode: an expression gives its values, unless a ; ends it.
local function compile(text)
  text = text:gsub('^%s*=', '')
  local silent = text:find ';%s*$'
  local expression, why = load((silent and 'local _ = ' or 'return ') .. text, '=(input)', 't')
  if expression and not silent or not expression and not silent and unfinished(why) and text:find '%S' then
    return expression, why
  end
  local chunk, complaint = load(text, '=(input)', 't')
  if not chunk and silent and expression then return expression end
  return chunk, complaint
end

local function complain(message) io.stderr:write(tostring(message), '\n') end

local function keep(value)
  rawset(_G, '_LAST', value)
  table.insert(_G._RESULTS, value)
end

local atTerminal = file.isTerminal(0) and file.isTerminal(1)

local function timed(timer, ...) return timer:time().real, ... end

-- Printing runs the values' own __tostring. At a terminal the seconds that the line took follow, as in th.
local function answer(seconds, good, ...)
  if not good then return complain((...)) end
  if select('#', ...) > 0 then
    keep((...))
    local printed, why = pcall(print, ...)
    if not printed then complain(why) end
  end
  if atTerminal then io.write((' '):rep(70), ('[%.4fs]'):format(seconds), '\n') end
end

-- The handler of errors: their values may fail to tell themselves. The prompt's own calls are left out.
local function trace(message)
  local told, text = pcall(tostring, message)
  return (debug.traceback(told and text or 'an error that is no string', 2):gsub("\n%s*%[C%]: in function 'xpcall'.*$", ''))
end

-- -- what is no Lua -----------------------------------------------------------------------------------------------------

local function explain(name)
  local own = name:find '^%a+$' and ('\n' .. features):match('\n%s*(' .. name .. '%A[^\n]*)') -- who, import
  io.write(name == '' and features or require('tocha.help').text(name) or own or
    ('There is nothing about %s. Names are written as in a program: torch.max, x:view, nn.Linear.'):format(name), '\n')
end

local function execute(command)
  local pipe = io.popen(command .. ' 2>&1')
  local output = pipe:read '*a'
  pipe:close()
  io.write(output)
  keep(output)
end

-- The functions of the prompt.
local function install()
  local before = {}
  for name in pairs(_G) do before[name] = true end
  rawset(_G, '_RESULTS', {})
  rawset(_G, 'help', function(name) explain(tostring(name or '')) end)
  rawset(_G, 'who', function()
    local list = {}
    for name in pairs(_G) do
      if not before[name] and type(name) == 'string' and not name:find '^_' then list[#list + 1] = name end
    end
    table.sort(list)
    print(table.concat(list, ' '))
  end)
  rawset(_G, 'import', function(name)
    local module = rawget(_G, name)
    if type(module) ~= 'table' then module = require(name) end
    if type(module) ~= 'table' then error(('import: %s is no table'):format(tostring(name)), 2) end
    for key, value in pairs(module) do
      if rawget(_G, key) == nil then rawset(_G, key, value) end
    end
  end)
  for _, name in ipairs { 'help', 'who', 'import' } do before[name] = true end
end

-- One turn: what was typed, done; false at the end of the input.
local function turn(first, more)
  local text = line.read(first)
  if not text then return false end
  local question, command = text:match '^%s*%?%s*(.-)%s*$', text:match '^%s*%$%s*(.-)%s*$'
  if question then explain(question)
  elseif command then execute(command)
  else
    local chunk, why = compile(text)
    while not chunk and unfinished(why) do
      local rest = line.read(more)
      if not rest then break end
      text = text .. '\n' .. rest
      chunk, why = compile(text)
    end
    if chunk then
      local timer = torch.Timer()
      answer(timed(timer, xpcall(chunk, trace)))
    else complain(why) end
  end
  return true
end

--- Reads lines until they end. Ctrl-C lets go of what is typed or stops what runs.
-- @tparam[opt] table options name ('tocha'): what stands before `>`; history: the path of a file for what is typed
return function(options)
  options = options or {}
  local name = options.name or 'tocha'
  local first, more = name .. '> ', ('.'):rep(#name) .. '> '
  if options.history then line.history(options.history) end
  line.complete(complete.names)
  install()
  local again = true
  while again do
    line.interruptible()
    local good, result = pcall(turn, first, more)
    again = not good or result
    if not good then complain(tostring(result):find 'interrupted!$' and '' or result) end
  end
end
