--- A plain prompt: runs each line of standard input, prints the value of an expression.
-- @module th.prompt
local file = require 'tocha.bindings.file'

local function read(prompt)
  if file.isTerminal(0) then
    io.write(prompt)
    io.flush()
  end
  return io.read '*l'
end

-- A chunk of one or more lines: an expression gives its value.
local function compile(text)
  text = text:gsub('^%s*=', '')
  local chunk = loadstring('return ' .. text, '=(input)')
  if chunk then return chunk end
  return loadstring(text, '=(input)')
end

local function answer(good, ...)
  if not good then
    io.stderr:write(tostring((...)), '\n')
  elseif select('#', ...) > 0 then
    rawset(_G, '_LAST', (...))
    print(...)
  end
end

return function()
  while true do
    local text = read 'th> '
    if not text then return end
    local chunk, why = compile(text)
    while not chunk and why:find "'<eof>'$" do
      local more = read '..> '
      if not more then break end
      text = text .. '\n' .. more
      chunk, why = compile(text)
    end
    if chunk then answer(xpcall(chunk, debug.traceback)) else answer(false, why) end
  end
end
