--- Lua states in threads, and what they share: Torch7's package threads.
--
--     local threads = require 'tocha.threads'
--     local pool = threads.Threads(2, function() require 'tocha.nn' end)
--
-- Besides pools (tocha.threads.pool): `threads.Thread(code)`, `threads.Mutex([id])`, `threads.Condition([id])`,
-- `threads.safe(f, [mutex])`. What has an `id()` is found by it in another state while it lives.
-- @module tocha.threads
require 'tocha'
local shared = require 'tocha.bindings.shared'
local worker = require 'tocha.bindings.worker'
local raise = require 'tocha.bindings.own'.raise
local Pool = require 'tocha.threads.pool'

local threads = { safe = require 'tocha.threads.safe', Pool = Pool }

--- A pool of states; also a table of its methods.
threads.Threads = setmetatable({}, { __index = Pool, __newindex = Pool, __call = function(_, ...) return Pool.new(...) end })

local function constructor(class)
  return setmetatable({}, { __index = class, __call = function(_, id)
    if id == nil then return class.new() end
    return class.find(id)
  end })
end

--- A mutex: lock(), unlock(), id(). With an id the mutex of that id.
threads.Mutex = constructor(shared.mutex)
--- A condition: wait(mutex), signal(), broadcast(), id().
threads.Condition = constructor(shared.condition)

-- The collector gives them back.
function shared.mutex.free() end
function shared.condition.free() end

-- -- a single thread ----------------------------------------------------------------------------------------------

local Thread = {}
Thread.__index = Thread
local count = 0

--- Waits for the end; a failure of the code is an error here.
function Thread:free()
  local good, why = self.state:join()
  if not good then raise('the thread failed: ' .. why) end
end
function Thread:id() return self.number end
function Thread:__tostring() return ('threads.Thread <%d>'):format(self.number) end

--- Runs a string of Lua code in a state and a thread of its own. free() waits for it.
function threads.Thread(code)
  if type(code) ~= 'string' then raise(('Thread: a string of code is needed, not a %s'):format(type(code))) end
  count = count + 1
  local state, why = worker.start(Pool.first() .. code, '=thread code')
  if not state then raise('Thread: ' .. why) end
  return setmetatable({ state = state, number = count }, Thread)
end

return setmetatable(threads, { __call = function(_, ...) return Pool.new(...) end, __index = Pool })
