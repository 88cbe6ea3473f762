--- A queue of messages between Lua states: rows of values (tds.Vec), at most `size` of them. Made in one state, found by its id in
-- others.
-- @classmod tocha.threads.queue
local shared = require 'tocha.bindings.shared'

local Queue = {}
Queue.__index = Queue

-- The parts, in the order in which they lie in the Vec by which the queue is found.
local parts = { 'messages', 'mutex', 'filled', 'emptied', 'closed', 'size' }

--- A new queue.
function Queue.new(size)
  local self = setmetatable({ messages = shared.vec.new(), mutex = shared.mutex.new(), filled = shared.condition.new(),
                              emptied = shared.condition.new(), closed = shared.counter.new(), size = size }, Queue)
  self.frame = shared.vec.new()
  for i, part in ipairs(parts) do self.frame[i] = self[part] end
  self.frame:cross()
  return self
end

--- The queue of an id, made in whatever state.
function Queue.find(id)
  local self = setmetatable({ frame = shared.vec.find(id) }, Queue)
  for i, part in ipairs(parts) do self[part] = self.frame[i] end
  return self
end

function Queue:id() return self.frame:id() end

function Queue:count() return #self.messages end
function Queue:isFull() return #self.messages >= self.size end

local function isClosed(self) return self.closed:get() > 0 end

-- Waits on a condition while `blocked()`; the mutex is held.
local function await(self, condition, blocked)
  while blocked() and not isClosed(self) do condition:wait(self.mutex) end
end

--- Appends a message; waits while the queue is full. False if it is closed.
function Queue:put(message)
  self.mutex:lock()
  await(self, self.emptied, function() return #self.messages >= self.size end)
  local open = not isClosed(self)
  if open then self.messages:insert(message) end
  self.mutex:unlock()
  self.filled:signal()
  return open
end

--- The oldest message; waits while there is none. nil if the queue is closed and empty.
function Queue:take()
  self.mutex:lock()
  await(self, self.filled, function() return #self.messages == 0 end)
  local message = self.messages[1]
  if message then self.messages:remove(1) end
  self.mutex:unlock()
  self.emptied:signal()
  return message
end

--- From now on nobody waits: put gives false, take what is left and then nil.
function Queue:close()
  self.mutex:lock()
  self.closed:set(1)
  self.mutex:unlock()
  self.filled:broadcast()
  self.emptied:broadcast()
end

return Queue
