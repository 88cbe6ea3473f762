--- Finds workloads that became slower: their times are compared with OpenBLAS's product on the same machine at the same time,
-- and that ratio with a recorded one.
local torch = require 'tocha'
local measure = require 'bench.measure'

local folder = arg[0]:match '^(.*/)' or ''
local path = folder .. 'bench/ratios.txt'

local TOLERANCE = 1.1 -- how much slower than recorded passes
local ROUNDS = 3      -- measurements, each beside one of OpenBLAS
local AGAIN = 4       -- more of them for a workload that seems slow: the least time counts

-- The processor, as far as ratios depend on it: its family and model, and the instruction set in use.
local function machine()
  local file = io.open '/proc/cpuinfo'
  local text = file and file:read '*a' or ''
  if file then file:close() end
  local function field(name) return text:match('\n' .. name .. '%s*: ([^\n]*)') or '?' end
  return ('%s %s/%s %s'):format(field 'vendor_id', field 'cpu family', field 'model', torch.config().cpu)
end

-- {[machine] = {[workload] = ratio}}; a line of the file is `machine: workload ratio`.
local function read()
  local all = {}
  local file = io.open(path)
  if not file then return all end
  for line in file:lines() do
    local where, name, ratio = line:match '^([^#]-): (%S+) (%S+)$'
    if where then
      all[where] = all[where] or {}
      all[where][name] = tonumber(ratio)
    end
  end
  file:close()
  return all
end

local function write(all)
  local lines = {}
  for where, ratios in pairs(all) do
    for name, ratio in pairs(ratios) do lines[#lines + 1] = ('%s: %s %.4g'):format(where, name, ratio) end
  end
  table.sort(lines)
  local file = assert(io.open(path, 'w'))
  file:write("# Processor time of a step with one thread / that of OpenBLAS's product of 1024 cubed, by `make bench-record`.\n")
  file:write(table.concat(lines, '\n'), '\n')
  file:close()
end

-- Ratio of a workload; measured again while it is above `recorded` by more than the tolerance.
local function ratio(step, recorded, seconds)
  local best, product, rounds = math.huge, math.huge, 0
  measure.warm(step, seconds / 4)
  repeat
    product = math.min(product, measure.openblas(1, seconds / 5))
    best = math.min(best, measure.least(step, seconds / ROUNDS, os.clock))
    rounds = rounds + 1
    local slow = recorded and best / product > recorded * TOLERANCE
  until rounds >= (slow and ROUNDS + AGAIN or ROUNDS)
  return best / product
end

-- Least processor time of `require 'tocha'` in milliseconds.
local function startup()
  local best = math.huge
  for _ = 1, 5 do
    local pipe = io.popen(([['%s' -e "package.path = '%s../lua/?.lua;%s../lua/?/init.lua;' .. package.path
      local t = os.clock() require 'tocha' print((os.clock() - t) * 1e3)"]]):format(arg[-1], folder, folder))
    best = math.min(best, tonumber(pipe:read '*a') or math.huge)
    pipe:close()
  end
  return best
end

-- Fixed bounds, not ratios: the time to load, and the library's size without symbols, where `strip` is there.
local function bounds()
  local good, time = true, startup()
  local function say(what, value, unit, bound)
    good = good and value <= bound
    print(('%-26s %7.2f %s of %g%s'):format(what, value, unit, bound, value <= bound and '' or '   TOO MUCH'))
  end
  say("require 'tocha'", time, 'ms', 20)
  local library = (os.getenv 'TOCHA_BUILD' or folder .. '../build') .. '/libtocha.so'
  local stripped = os.tmpname()
  local pipe = io.popen(("strip -o '%s' '%s' 2>/dev/null && wc -c < '%s'"):format(stripped, library, stripped))
  local size = tonumber(pipe:read '*a') or 0
  pipe:close()
  os.remove(stripped)
  if size > 0 then say('library, stripped', size / 1e6, 'MB', 3) end
  return good
end

--- Compares, or with `record` writes what is measured. make(name) gives a workload's step. Returns whether all is well.
return function(names, make, seconds, record)
  torch.setnumthreads(1)
  local all, here, slow = read(), machine(), {}
  local known = all[here]
  if not known and not record then
    print(('no ratios are recorded for %s: `make bench-record` on a state that is known to be good writes them'):format(here))
    return false
  end
  all[here] = known or {}
  print(('%-26s %10s %10s %8s'):format('workload', 'recorded', 'now', 'change'))
  for _, name in ipairs(names) do
    local old = known and known[name]
    local new = ratio(make(name), not record and old, seconds)
    local worse = old and new > old * TOLERANCE
    if worse then slow[#slow + 1] = name end
    print(('%-26s %10s %10.4g %8s%s'):format(name, old and ('%.4g'):format(old) or '-', new,
      old and ('%+.0f%%'):format((new / old - 1) * 100) or '', worse and not record and '   SLOWER' or ''))
    io.stdout:flush()
    if record then all[here][name] = new end
    collectgarbage()
    torch.trim()
  end
  if record then write(all) end
  local good = bounds()
  if #slow > 0 and not record then print(#slow .. ' slower by more than a tenth: ' .. table.concat(slow, ', ')) end
  return good and (record or #slow == 0)
end
