--- The memory that a workload needs.
local torch = require 'tocha'
local measure = require 'bench.measure'

-- Peak of the resident set in MiB (proc(5): VmHWM); nil where the system does not tell.
local function resident()
  local file = io.open '/proc/self/status'
  if not file then return nil end
  local text = file:read '*a'
  file:close()
  local kib = tonumber(text:match 'VmHWM:%s*(%d+)')
  return kib and kib / 1024
end

--- Runs three steps and prints the peak as a line of JSON. One workload a process: a peak does not go down.
return function(name, make)
  local step = make(name)
  local best = math.huge
  for _ = 1, 3 do
    local start = measure.now()
    step()
    best = math.min(best, measure.now() - start)
  end
  local whole = resident()
  print(('{"name": "%s", "tensors_mib": %.1f%s, "min_ms": %.3f}'):format(name, torch.memstats().peak / 2 ^ 20,
    whole and (', "resident_mib": %.1f'):format(whole) or '', best * 1e3))
end
