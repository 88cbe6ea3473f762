--- How steps are timed: the least of many, because other programs on the machine only ever add to a time.
local torch = require 'tocha'

local measure = {}

local timer = torch.Timer()

--- Seconds of a steady clock.
function measure.now() return timer:time().real end

--- A clock for steps with this many threads: processor time where one thread works, for other programs do not count in it.
function measure.clock(threads) return threads == 1 and os.clock or measure.now end

--- Minor page faults of this process so far; nil where the system does not tell: the tenth field of proc(5)'s stat, the
-- eighth behind the name, which is in parentheses and may hold anything.
function measure.faults()
  local file = io.open '/proc/self/stat'
  if not file then return nil end
  local text = file:read '*a'
  file:close()
  return tonumber(text:match '.*%) (.*)':match('^' .. ('%S+ '):rep(7) .. '(%d+)'))
end

--- Runs step for that long at least, and once at least.
function measure.warm(step, seconds)
  local stop = measure.now() + seconds
  repeat step() until measure.now() >= stop
end

-- Steps of a batch that takes 2 ms or more by the clock, so that its resolution does not matter.
local function batch(step, clock)
  local n = 1
  while true do
    local start = clock()
    for _ = 1, n do step() end
    if clock() - start >= 2e-3 then return n end
    n = n * 2
  end
end

--- Least time of a step by the clock, in seconds; batches of steps run for that long, three at least.
function measure.least(step, seconds, clock)
  local n, best, stop, rounds = batch(step, clock), math.huge, measure.now() + seconds, 0
  while rounds < 3 or measure.now() < stop do
    local start = clock()
    for _ = 1, n do step() end
    best, rounds = math.min(best, (clock() - start) / n), rounds + 1
  end
  return best
end

--- OpenBLAS's time for a product of 1024 cubed, in seconds: measured in a process of its own, in which the engine leaves all
-- products to OpenBLAS.
function measure.openblas(threads, seconds)
  local script = (arg[0]:match '^(.*/)' or '') .. 'bench.lua'
  local pipe = io.popen(("TOCHA_ISA=baseline '%s' '%s' --threads %d --seconds %g --least gemm_1024"):format(arg[-1], script,
    threads, seconds))
  local text = pipe:read '*a'
  pipe:close()
  return tonumber(text) or error 'bench: the process that measures OpenBLAS failed'
end

--- Bytes a second of a copy of 64 MiB, read and written.
function measure.bandwidth(seconds, clock)
  local a, b = torch.FloatTensor(2 ^ 24):zero(), torch.FloatTensor(2 ^ 24):zero()
  return 2 ^ 27 / measure.least(function() a:copy(b) end, seconds, clock)
end

return measure
