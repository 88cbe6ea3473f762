--- The prompt: runs each line of standard input and prints the values of an expression, unless a ; ends it. _LAST holds the last
-- value, _RESULTS all of them. What is typed at a terminal is kept in ~/.luahistory, or the file that TREPL_HISTORY names.
-- @module th.prompt
local line = require 'tocha.bindings.line'

local function unfinished(why) return why:find "'<eof>'$" end

-- A chunk of one or more lines, never bytecode: an expression gives its values.
local function compile(text)
  text = text:gsub('^%s*=', '')
  local chunk, why
  if not text:find ';%s*$' then chunk, why = load('return ' .. text, '=(input)', 't') end
  if chunk or why and unfinished(why) and text:find '%S' then return chunk, why end
  return load(text, '=(input)', 't')
end

local function complain(message) io.stderr:write(tostring(message), '\n') end

-- Printing runs the values' own __tostring.
local function answer(good, ...)
  if not good then return complain((...)) end
  if select('#', ...) == 0 then return end
  rawset(_G, '_LAST', (...))
  table.insert(_G._RESULTS, (...))
  local printed, why = pcall(print, ...)
  if not printed then complain(why) end
end

-- The handler of errors: their values may fail to tell themselves.
local function trace(message)
  local told, text = pcall(tostring, message)
  return debug.traceback(told and text or 'an error that is no string', 2)
end

return function()
  local home = os.getenv 'HOME'
  local history = os.getenv 'TREPL_HISTORY' or home and home .. '/.luahistory'
  if history then line.history(history) end
  rawset(_G, '_RESULTS', {})
  while true do
    local text = line.read 'th> '
    if not text then return end
    local chunk, why = compile(text)
    while not chunk and unfinished(why) do
      local more = line.read '..> '
      if not more then break end
      text = text .. '\n' .. more
      chunk, why = compile(text)
    end
    if chunk then answer(xpcall(chunk, trace)) else complain(why) end
  end
end
