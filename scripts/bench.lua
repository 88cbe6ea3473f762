#!/usr/bin/env luajit
-- Times named deep-learning workloads, one JSON line each: the wall time of one step after warm-up, in milliseconds.
-- usage: luajit scripts/bench.lua [--threads N] [--seconds S] [NAME ...]     (no NAME: all; `list` prints the names)
--        luajit scripts/bench.lua strided [--help]
local folder = (arg and arg[0] or ''):match('^(.*/)') or ''
package.path = folder .. '../lua/?.lua;' .. folder .. '../lua/?/init.lua;' .. folder .. '?.lua;' .. package.path
local torch = require 'tocha'

local help = [[
usage: luajit scripts/bench.lua [--threads N] [--seconds S] [NAME ...]

Times named workloads (no NAME: all of them) and prints one JSON line each:
  {"name": "gemm_1024", "median_ms": ..., "min_ms": ..., "runs": ..., "faults": ...}
where faults are the minor page faults of a step (on Linux): memory that was new to the process.

  --threads N   threads of the engine (default 2)
  --seconds S   time to measure each workload for, after a fifth of it as warm-up (default 2)
  list          print the names
  overhead      print what calls on three numbers cost, in nanoseconds
  strided       print what operations on views cost against contiguous tensors (strided --help tells its options)]]

-- -- the workloads ------------------------------------------------------------------------------------------------

local names, workloads = {}, {}
local function workload(name, make)
  names[#names + 1] = name
  workloads[name] = make
end
for _, family in ipairs { 'tensors', 'dense', 'images', 'residual', 'sequences' } do require('bench.' .. family)(workload) end

-- -- measuring ----------------------------------------------------------------------------------------------------

local timer = torch.Timer()
local function now() return timer:time().real end

-- Minor page faults of this process so far; nil where the system does not tell: the tenth field of proc(5)'s stat, the
-- eighth behind the name, which is in parentheses and may hold anything.
local function faults()
  local file = io.open '/proc/self/stat'
  if not file then return nil end
  local text = file:read '*a'
  file:close()
  return tonumber(text:match '.*%) (.*)':match('^' .. ('%S+ '):rep(7) .. '(%d+)'))
end

-- Median and least time of a step in milliseconds, steps, page faults of a step.
local function measure(step, seconds)
  step()
  local warm = now() + seconds * 0.2
  while now() < warm do step() end
  local times, before, stop = {}, faults(), now() + seconds
  while #times < 5 or now() < stop do
    local t = now()
    step()
    times[#times + 1] = now() - t
  end
  local fresh = before and (faults() - before) / #times
  table.sort(times)
  return times[math.floor(#times / 2) + 1] * 1e3, times[1] * 1e3, #times, fresh
end

-- -- the command line ---------------------------------------------------------------------------------------------

local function fail(message)
  io.stderr:write('bench: ', message, ' (--help tells more)\n')
  os.exit(2)
end

if arg[1] == 'strided' then os.exit(require 'bench.strided' { unpack(arg, 2) }) end
local threads, seconds, wanted = 2, 2, {}
local i = 1
local function number(option)
  i = i + 1
  local n = tonumber(arg[i])
  if not n or n <= 0 then fail(option .. ' wants a number above 0, not ' .. tostring(arg[i])) end
  return n
end
while arg[i] do
  local word = arg[i]
  if word == '--help' or word == '-h' then print(help) os.exit(0)
  elseif word == '--threads' then threads = number(word)
  elseif word == '--seconds' then seconds = number(word)
  elseif word:sub(1, 1) == '-' then fail('unknown option ' .. word)
  else wanted[#wanted + 1] = word end
  i = i + 1
end
if threads % 1 ~= 0 or threads > 256 then fail('--threads wants a whole number from 1 to 256, not ' .. threads) end
torch.setnumthreads(threads)
torch.manualSeed(0)
if wanted[1] == 'list' then print(table.concat(names, '\n')) os.exit(0) end
if wanted[1] == 'overhead' then require 'bench.overhead'() os.exit(0) end
for _, name in ipairs(#wanted > 0 and wanted or names) do
  if not workloads[name] then fail('no workload named ' .. name .. '; `list` prints the names') end
  local median, min, runs, fresh = measure(workloads[name](), seconds)
  print(('{"name": "%s", "median_ms": %.5f, "min_ms": %.5f, "runs": %d%s}'):format(name, median, min, runs,
    fresh and (', "faults": %.1f'):format(fresh) or ''))
  io.stdout:flush()
end
