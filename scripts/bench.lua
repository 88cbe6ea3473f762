#!/usr/bin/env luajit
-- Times named deep-learning workloads, one JSON line each: the wall time of one step after warm-up, in milliseconds.
-- usage: luajit scripts/bench.lua [--threads N] [--seconds S] [MODE] [NAME ...]     (no NAME: all; `list` prints the names)
--        luajit scripts/bench.lua strided|jpeg [--help]
local folder = (arg and arg[0] or ''):match('^(.*/)') or ''
package.path = folder .. '../lua/?.lua;' .. folder .. '../lua/?/init.lua;' .. folder .. '?.lua;' .. package.path
local torch = require 'tocha'
local measure = require 'bench.measure'

local help = [[
usage: luajit scripts/bench.lua [--threads N] [--seconds S] [MODE] [NAME ...]

Times named workloads (no NAME: all of them) and prints one JSON line each:
  {"name": "gemm_1024", "median_ms": ..., "min_ms": ..., "runs": ..., "faults": ...}
where faults are the minor page faults of a step (on Linux): memory that was new to the process.

  --threads N   threads of the engine (default 2)
  --seconds S   time to measure each workload for, after a fifth of it as warm-up (default 2)
  --least       print the least time alone, in seconds; of the processor with --threads 1
  --checkpoint  networks of residual blocks compute the inside of a block again for its gradient (nn.Checkpoint)
  --tape        training steps by net(x) and loss:backward() instead of net:forward and net:backward
  --record      with check: write the ratios instead of comparing

Modes:
  list          print the names
  roofline      GFLOP/s, GB/s and the share of what OpenBLAS and a copy reach on this machine (also --roofline)
  scale         two threads against one; time of an example for batches of 8 to 256
  memory        the peak of memory over three steps of one workload, a line of JSON
  check         compare with the recorded ratios to OpenBLAS's time (bench/ratios.txt); fails at more than a tenth
  overhead      what calls on three numbers cost, in nanoseconds
  strided       what operations on views cost against contiguous tensors (strided --help tells its options)
  jpeg FILE ... decoding of these files beside libjpeg-turbo's tjbench

TOCHA_ISA=avx2 in the environment keeps the engine from AVX-512 (baseline: from AVX2 too).]]

-- -- the workloads ------------------------------------------------------------------------------------------------

local names, workloads = {}, {}
local function workload(name, make)
  names[#names + 1] = name
  workloads[name] = make
end
for _, family in ipairs { 'tensors', 'dense', 'images', 'residual', 'sequences' } do require('bench.' .. family)(workload) end

local function make(name, batch)
  torch.manualSeed(0)
  return workloads[name](batch)
end

-- -- measuring ----------------------------------------------------------------------------------------------------

-- Median and least time of a step in milliseconds, steps, page faults of a step.
local function times(step, seconds)
  step()
  measure.warm(step, seconds * 0.2)
  local list, before, stop = {}, measure.faults(), measure.now() + seconds
  while #list < 5 or measure.now() < stop do
    local t = measure.now()
    step()
    list[#list + 1] = measure.now() - t
  end
  local fresh = before and (measure.faults() - before) / #list
  table.sort(list)
  return list[math.floor(#list / 2) + 1] * 1e3, list[1] * 1e3, #list, fresh
end

local modes = {}

function modes.time(list, o)
  for _, name in ipairs(list) do
    local median, min, runs, fresh = times(make(name), o.seconds)
    print(('{"name": "%s", "median_ms": %.5f, "min_ms": %.5f, "runs": %d%s}'):format(name, median, min, runs,
      fresh and (', "faults": %.1f'):format(fresh) or ''))
    io.stdout:flush()
  end
end

function modes.least(list, o)
  for _, name in ipairs(list) do print(measure.least(make(name), o.seconds, measure.clock(o.threads))) end
end

function modes.list() print(table.concat(names, '\n')) end
function modes.overhead() require 'bench.overhead'() end
function modes.roofline(list, o) require 'bench.roofline'(list, make, o.threads, o.seconds) end
function modes.scale(_, o) require 'bench.scale'(o.wanted, make, o.seconds) end
function modes.check(list, o) return require 'bench.check'(list, make, o.seconds, o.record) end
function modes.memory(list, o)
  if #o.wanted ~= 1 then return false, 'memory wants one workload' end
  require 'bench.memory'(list[1], make)
end

-- -- the command line ---------------------------------------------------------------------------------------------

local function fail(message)
  io.stderr:write('bench: ', message, ' (--help tells more)\n')
  os.exit(2)
end

if arg[1] == 'strided' or arg[1] == 'jpeg' then os.exit(require('bench.' .. arg[1]) { unpack(arg, 2) }) end
local o, mode = { threads = 2, seconds = 2, wanted = {} }, nil
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
  elseif word == '--threads' then o.threads = number(word)
  elseif word == '--seconds' then o.seconds = number(word)
  elseif word == '--record' then o.record = true
  elseif word == '--checkpoint' or word == '--tape' then require 'bench.steps'[word:sub(3)] = true
  elseif word == '--least' or word == '--roofline' then mode = word:sub(3)
  elseif word:sub(1, 1) == '-' then fail('unknown option ' .. word)
  elseif not mode and modes[word] then mode = word
  elseif not workloads[word] then fail('no workload named ' .. word .. '; `list` prints the names')
  else o.wanted[#o.wanted + 1] = word end
  i = i + 1
end
if o.threads % 1 ~= 0 or o.threads > 256 then fail('--threads wants a whole number from 1 to 256, not ' .. o.threads) end
torch.setnumthreads(o.threads)
local good, message = modes[mode or 'time'](#o.wanted > 0 and o.wanted or names, o)
if message then fail(message) end
os.exit(good == false and 1 or 0)
