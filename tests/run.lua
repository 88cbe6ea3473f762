--- Runs the Lua tests with busted under LuaJIT (Debian's `busted` starts whatever `lua` is).
-- Usage, from the root: luajit tests/run.lua [busted's options] [file or folder ...]
-- The folder of generated files is $TOCHA_BUILD, by default `build`.
local build = os.getenv 'TOCHA_BUILD' or 'build'
package.path = ('lua/?.lua;lua/?/init.lua;%s/gen/?.lua;'):format(build) .. package.path

local execute = os.execute
function os.execute(...) -- luacheck: ignore
  local status, _, code = execute(...)
  if type(status) == 'number' then return status end
  return code or (status and 0 or 1) -- a LuaJIT with Lua 5.2's additions
end

local files = false
for i = 1, #arg do files = files or not arg[i]:find '^%-' end
if not files then table.insert(arg, 'tests/lua') end

require 'busted.runner' { standalone = false, output = 'tests/report.lua' }
