--- Functions that answer for their arguments: what Lua itself says of a mistake in them becomes a sentence for the caller.
-- @module tocha.bindings.guard
local own = require 'tocha.bindings.own'

local guard = {}

--- What Lua itself said of a mistake in one of tocha's own files, as a sentence about the argument; nil for any other error.
function guard.lapse(message)
  local file, text = tostring(message):match('^(.-):%d+: (.*)$')
  if not file or not own.isOwn('@' .. file) then return nil end
  local method = text:match("^attempt to call method '([%w_]+)'")
  if method then return 'an argument has no method ' .. method end
  local name, kind = text:match("^attempt to .* '([%w_]+)' %(an? (%a+) value%)$")
  if not name then return 'wrong arguments: ' .. text end
  kind = kind == 'nil' and 'nil' or 'a ' .. kind
  if name == 'self' then return ('called on %s, but methods are called as object:method(...)'):format(kind) end
  return ('%s cannot be %s'):format(name, kind)
end

--- What an error says, in one line and without its position.
function guard.reason(message)
  return guard.lapse(message) or tostring(message):gsub('^[^\n]-:%d+: ', ''):match('^[^\n]*')
end

--- Lets the functions of a table (but metamethods) answer for their arguments: what Lua says of a mistake in them becomes an
-- error at the caller's line that names the function. With `tell` they raise no error: tell(sentence) is called.
-- Their files are tocha's own from then on, wherever they lie.
-- @treturn table list
function guard.functions(prefix, list, tell)
  for key, f in next, list do
    if type(f) == 'function' and key:sub(1, 2) ~= '__' then
      local name, source = prefix .. key .. ': ', debug.getinfo(f, 'S').source
      if not own.isOwn(source) then own.folder(source:sub(2)) end
      local function answer(good, ...)
        if good then return ... end
        local lapse = guard.lapse((...))
        if tell then tell(name .. guard.reason((...)))
        elseif lapse then own.raise(name .. lapse)
        else error((...), 0) end
      end
      list[key] = function(...) return answer(pcall(f, ...)) end
    end
  end
  return list
end

return guard
