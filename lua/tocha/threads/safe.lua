--- A function that only one thread at a time runs: `threads.safe(f, [mutex])`.
-- @module tocha.threads.safe
local shared = require 'tocha.bindings.shared'
local raise = require 'tocha.bindings.own'.raise

local function leave(mutex, good, ...)
  mutex:unlock()
  if not good then error((...), 0) end
  return ...
end

return function(f, mutex)
  if type(f) ~= 'function' then raise(('safe: a function is needed, not a %s'):format(type(f))) end
  mutex = mutex or shared.mutex.new()
  return function(...)
    mutex:lock()
    return leave(mutex, pcall(f, ...))
  end
end
