--- Lua states that run in threads of their own: `worker.start(code, name)`, `state:join()` (see worker.c).
-- @module tocha.bindings.worker
local C = require 'tocha.bindings.library'

local path = require 'tocha.bindings.locate' 'libtocha_worker'
local open, why = package.loadlib(path, 'luaopen_tocha_worker')
if not open then error(('tocha: %s cannot be loaded: %s'):format(path, why), 0) end
local worker = open()

--- To be called in a state that runs in a thread of its own: its number of threads is its own affair.
function worker.beGuest() C.tch_be_guest() end

return worker
