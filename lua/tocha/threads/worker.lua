--- What runs in the Lua states of a pool: takes jobs from a queue, sends back what they return.
--
-- Messages to a worker are rows: 'job', number, bytes, shared objects; or 'general', 'specific': which of the two queues is next.
-- Messages back: number, whether it went well, bytes and shared objects (or a sentence and nil), number of the thread.
-- @module tocha.threads.worker
local shared = require 'tocha.bindings.shared'
local Queue = require 'tocha.threads.queue'

local function trace(message)
  if type(message) ~= 'string' and not (getmetatable(message) or {}).__tostring then
    message = ('(an error that is a %s)'):format(type(message))
  end
  local text = debug.traceback(tostring(message), 2) -- no tail call: level 2 is where the error arose
  return text
end

local function run(serialize, message)
  local job = serialize.load(message[3], message[4])
  local results = { job.callback(unpack(job.arguments, 1, job.n)) }
  return serialize.save(results)
end

--- Runs until the queues are closed.
-- @tparam number main id of the queue to the main state
-- @tparam number general id of the queue that all workers read
-- @tparam number specific id of this worker's own queue
-- @tparam number number of this worker
-- @tparam string package name of the module with save and load
return function(main, general, specific, number, package)
  main, general, specific = Queue.find(main), Queue.find(general), Queue.find(specific)
  _G.__threadid = number -- luacheck: ignore
  local serialize = require(package)
  local queue = specific
  for message in function() return queue:take() end do
    if message[1] == 'general' then queue = general
    elseif message[1] == 'specific' then queue = specific end
    local answer = shared.vec.new():cross()
    answer[1], answer[5] = message[2], number
    if message[1] == 'job' then
      local good, bytes, items = xpcall(function() return run(serialize, message) end, trace)
      answer[2], answer[3], answer[4] = good, bytes, items
    else
      answer[2] = true
    end
    message = nil -- luacheck: ignore
    main:put(answer)
  end
end
