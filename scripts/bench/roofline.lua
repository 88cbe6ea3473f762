--- How near each workload comes to what the machine can do.
local torch = require 'tocha'
local measure = require 'bench.measure'

local explanation = [[
Limit: OpenBLAS's product of 1024 cubed takes %.2f ms (%.1f GFLOP/s; the engine's own %.1f), a copy of 64 MiB moves %.1f GB/s
(%d thread%s, least times%s).
Operations: two for each multiply-add of products, convolutions (by their definition, whatever
method runs), recurrent layers and attention. Bytes: each op reads its operands once and writes its results once, whether a
cache holds them or not. The share is of the larger of the two times that operations and bytes take at the limit.
]]

--- Prints a line for each name. make(name) gives a workload's step.
return function(names, make, threads, seconds)
  local clock = measure.clock(threads)
  local product, own = math.huge, math.huge
  local a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
  for _ = 1, 3 do -- in turn
    product = math.min(product, measure.openblas(threads, seconds / 4))
    own = math.min(own, measure.least(function() return a * b end, seconds / 4, clock))
  end
  local bandwidth, cube = measure.bandwidth(seconds / 2, clock), 2 * 1024 ^ 3
  print(explanation:format(product * 1e3, cube / product * 1e-9, cube / own * 1e-9, bandwidth * 1e-9, threads,
    threads == 1 and '' or 's', threads == 1 and ' of the processor' or ''))
  print(('%-26s %10s %10s %10s %9s %8s  %s'):format('workload', 'ms', 'MFLOP', 'GFLOP/s', 'GB/s', 'share', 'limit'))
  for _, name in ipairs(names) do
    local step = make(name)
    measure.warm(step, seconds / 5)
    local operations, bytes = torch.countWork(step)
    local t = measure.least(step, seconds, clock)
    local computing, moving = operations / cube * product, bytes / bandwidth
    print(('%-26s %10.3f %10.2f %10.1f %9.1f %7.0f%%  %s'):format(name, t * 1e3, operations * 1e-6, operations / t * 1e-9,
      bytes / t * 1e-9, math.max(computing, moving) / t * 100, computing > moving and 'product' or 'memory'))
    io.stdout:flush()
  end
end
