--- A pool of Lua states in threads: Torch7's threads.Threads.
--
--     local pool = threads.Threads(4, function(number) require 'tocha.nn' end)    -- each state runs the functions first
--     pool:addjob(function(x) return x:sum() end, function(sum) print(sum) end, x)
--     pool:synchronize()
--
-- A job and its arguments are copied to the first state that is free, with the local variables it uses; what it returns is
-- copied back and given to the second function, which runs in this state. After `Threads.serialization('threads.sharedserialize')`
-- tensors and tds collections are shared in place of copied.
-- @classmod tocha.threads.pool
local shared = require 'tocha.bindings.shared'
local worker = require 'tocha.bindings.worker'
local raise = require 'tocha.bindings.own'.raise
local Queue = require 'tocha.threads.queue'

local Pool = {}
Pool.__index = Pool
Pool.__serialize = 'tocha.threads.serialize'

-- -- life ---------------------------------------------------------------------------------------------------------

-- The states and queues of pools that run, and of those that nobody holds any more: these are ended when the next pool is made,
-- not by the collector itself, which may run in the midst of anything. The states are told to end when this Lua state closes.
local live, dropped, running = {}, {}, 0
local manyThreads, mostThreads = 64, 1024

local function close(entry)
  for _, queue in ipairs(entry.queues) do queue:close() end
end

-- Lets the workers finish what they were given, and waits for them.
local function stop(entry)
  close(entry)
  live[entry] = nil
  local failure
  for _, state in ipairs(entry.states) do
    local good, why = state:join()
    failure = failure or not good and why
  end
  running = running - #entry.states
  return failure
end

local function stopDropped()
  if running > manyThreads then collectgarbage() end
  for _, entry in ipairs(dropped) do stop(entry) end
  dropped = {}
end

-- Enters a pool; the proxy dies with it.
local function enter(self)
  local entry = { states = self.threads, queues = { self.mainqueue, self.threadqueue, unpack(self.threadspecificqueues) } }
  live[entry], self.entry, self.proxy = true, entry, newproxy(true)
  getmetatable(self.proxy).__gc = function()
    if live[entry] then dropped[#dropped + 1] = entry end
  end
  return entry
end

--- Lua code to be run first in another state: it sees the packages that this state sees, and the door to Torch7 if that is open
-- here (which sets `Pool.prelude`).
function Pool.first()
  return ('package.path, package.cpath = %q, %q %s '):format(package.path, package.cpath, Pool.prelude or '')
    .. "require 'tocha' require('tocha.bindings.worker').beGuest() "
end

local function code(self, i)
  return Pool.first() .. ("require 'tocha.threads.worker' (%d, %d, %d, %d, %q)"):format(self.mainqueue:id(), self.threadqueue:id(),
    self.threadspecificqueues[i]:id(), i, Pool.__serialize)
end

--- Starts n states; each runs the functions given, with its number.
-- @treturn pool
-- @treturn table what the last function returned in each state
function Pool.new(n, ...)
  if type(n) ~= 'number' or n < 1 or n % 1 ~= 0 or n > mostThreads then
    raise(('Threads: a number of threads, 1 to %d, is needed, not %s'):format(mostThreads, tostring(n)))
  end
  stopDropped()
  local self = setmetatable({ N = n, endcallbacks = { n = 0 }, errors = false, __specific = true, __running = true }, Pool)
  self.serialize = require(Pool.__serialize)
  self.threads, self.mainqueue, self.threadqueue, self.threadspecificqueues = {}, Queue.new(n), Queue.new(n), {}
  for i = 1, n do self.threadspecificqueues[i] = Queue.new(n) end
  local entry = enter(self)
  for i = 1, n do
    local state, why = worker.start(code(self, i), '=thread ' .. i, function() close(entry) end)
    if not state then
      stop(entry)
      raise(('Threads: thread %d of %d cannot be started: %s'):format(i, n, why))
    end
    self.threads[i] = state
    running = running + 1
  end
  local results = {}
  for _, init in ipairs(select('#', ...) > 0 and { ... } or { function() end }) do
    results = {}
    for i = 1, n do self:addjob(i, init, function(...) results[i] = { ... } end, i) end
  end
  self:specific(false)
  return self, results
end

local function check(self)
  if not self.__running then raise 'Threads: the pool was terminated' end
end

function Pool:isrunning() return self.__running end

--- Runs what was given, and ends the states.
function Pool:terminate()
  if not self.__running then return end
  local good, why = pcall(self.synchronize, self)
  while not good and self.endcallbacks.n > 0 do pcall(self.dojob, self) end -- the first failure is the one to tell
  self.__running = false
  local failure = stop(self.entry)
  if not good then error(why, 0) end
  if failure then raise('Threads: a thread failed: ' .. failure) end
end

-- -- jobs ---------------------------------------------------------------------------------------------------------

-- Hands a message to a state (or to whichever is free first), and remembers what is to be done with the answer.
local function send(self, queue, kind, endcallback, bytes, items)
  local number = #self.endcallbacks + 1
  self.endcallbacks[number] = endcallback
  self.endcallbacks.n = self.endcallbacks.n + 1
  local message = shared.vec.new():cross()
  message[1], message[2], message[3], message[4] = kind, number, bytes, items
  queue:put(message)
end

-- The queue a call is meant for; `what` names the call.
local function queueOf(self, i, what)
  if not self.__specific then return self.threadqueue end
  if type(i) ~= 'number' or not self.threadspecificqueues[i] then
    raise(('%s: the number of a thread, 1 to %d, is needed in specific mode, not %s'):format(what, self.N, tostring(i)))
  end
  return self.threadspecificqueues[i]
end

--- Whether addjob would not have to wait.
function Pool:acceptsjob(i)
  check(self)
  return not queueOf(self, i, 'acceptsjob'):isFull()
end

--- addjob([i,] job, [done], ...): gives job(...) to a state; done(...) gets what it returns, here, in dojob or synchronize. The
-- number of the state is for specific mode only.
function Pool:addjob(...)
  check(self)
  self.errors = false
  local first = self.__specific and 2 or 1
  local callback, endcallback = select(first, ...)
  local queue = queueOf(self, (...), 'addjob')
  if type(callback) ~= 'function' then raise(('addjob: the job is a %s, not a function'):format(type(callback))) end
  if endcallback ~= nil and type(endcallback) ~= 'function' then
    raise(('addjob: what is called at the end is a %s, not a function'):format(type(endcallback)))
  end
  local n = math.max(select('#', ...) - first - 1, 0)
  local job = { callback = callback, arguments = { select(first + 2, ...) }, n = n }
  local good, bytes, items = pcall(self.serialize.save, job)
  if not good then
    local why = tostring(bytes):gsub('^[^\n]-:%d+: ', ''):gsub('<%?>%.callback', 'the job'):gsub('<%?>%.arguments%.', 'argument ')
    raise(('addjob: the job cannot be sent to a thread: %s (make it inside the job, or require it there)'):format(why))
  end
  while queue:isFull() do self:dojob() end
  send(self, queue, 'job', endcallback or function() end, bytes, items)
end

--- Waits for the next answer and deals with it. A failure of the job, or of what is done at its end, is an error.
function Pool:dojob()
  check(self)
  self.errors = false
  if self.endcallbacks.n == 0 then raise 'dojob: no job was given' end
  local answer = self.mainqueue:take()
  local number, thread = answer[1], answer[5]
  local endcallback = self.endcallbacks[number]
  self.endcallbacks[number] = nil
  self.endcallbacks.n = self.endcallbacks.n - 1
  if not answer[2] then
    self.errors = true
    raise(('[thread %d callback] %s'):format(thread, tostring(answer[3])))
  end
  if not endcallback then return end
  local results = self.serialize.load(answer[3], answer[4])
  local good, why = xpcall(function() endcallback(unpack(results, 1, table.maxn(results))) end, debug.traceback)
  if not good then
    self.errors = true
    raise(('[thread %d endcallback] %s'):format(thread, tostring(why)))
  end
end

--- Whether a job was not dealt with yet.
function Pool:hasjob()
  check(self)
  return self.endcallbacks.n > 0
end

--- Waits for all jobs and deals with their answers.
function Pool:synchronize()
  if not self.__running then return end
  while self:hasjob() do self:dojob() end
end

--- Failures are raised at once; this is for scripts that ask.
function Pool.haserror() return false end

--- specific(true): from now on addjob says which state; specific(false): the first that is free. Without an argument: how it is.
function Pool:specific(on)
  check(self)
  if on == nil then return self.__specific end
  if type(on) ~= 'boolean' then raise(('specific: true or false is needed, not a %s'):format(type(on))) end
  self:synchronize()
  if on == self.__specific then return end
  for i = 1, self.N do
    send(self, queueOf(self, i, 'specific'), on and 'specific' or 'general', false)
  end
  self.__specific = on
  self:synchronize()
end

--- Sets the module whose save and load carry the jobs of pools made from now on, or tells it: 'threads.serialize' copies,
-- 'threads.sharedserialize' shares tensors.
function Pool.serialization(name)
  if name == nil then return Pool.__serialize end
  if type(name) ~= 'string' then raise(('serialization: the name of a module is needed, not a %s'):format(type(name))) end
  local good, module = pcall(require, name)
  if not good then raise(('serialization: %s cannot be loaded: %s'):format(name, tostring(module):match '^[^\n]*')) end
  if type(module) ~= 'table' or type(module.save) ~= 'function' or type(module.load) ~= 'function' then
    raise(('serialization: the module %s has no functions save and load'):format(name))
  end
  Pool.__serialize = name
end

return Pool
