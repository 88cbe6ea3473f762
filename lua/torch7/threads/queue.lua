--- `require 'threads.queue'` for programs written for Torch7: jobs that one state puts into a queue and another runs.
--
-- Queue(size, [module]) makes one, Queue.find(id, [module]) finds it in another state; the module has save and
-- load. addjob(f, ...), dojob(), id().
-- @module threads.queue
require 'torch'
local Queue = require 'tocha.threads.queue'
local vec = require('tocha.tds').Vec

local Jobs = {}
Jobs.__index = Jobs

function Jobs:id() return self.queue:id() end

--- Puts a function and its arguments in; waits while the queue is full.
function Jobs:addjob(f, ...)
  local bytes, items = self.serialize.save { f = f, n = select('#', ...), ... }
  self.queue:put(vec(bytes, items):cross())
end

--- Takes the next job out, waiting for one, and runs it.
function Jobs:dojob()
  local message = self.queue:take()
  local job = self.serialize.load(message[1], message[2])
  return job.f(unpack(job, 1, job.n))
end

return setmetatable({ find = function(id, name)
  return setmetatable({ queue = Queue.find(id), serialize = require(name or 'threads.serialize') }, Jobs)
end }, { __call = function(_, size, name)
  return setmetatable({ queue = Queue.new(size), serialize = require(name or 'threads.serialize') }, Jobs)
end })
