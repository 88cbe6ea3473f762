--- Runs numbered cases for a while: what both fuzzers do. Cases begin at 1e7 times the seed, so that processes with different
-- seeds do different ones, side by side. The case under way stands in fuzz-SEED.case until the next begins: a crash leaves it.
-- @module tests.fuzz.clock

local slow = 30 -- seconds of a case that tell of an endless loop

local function replay(run, case)
  local trace
  local plain = pcall
  pcall = function(f, ...) -- luacheck: ignore
    local args, n = { ... }, select('#', ...)
    return xpcall(function() return f(unpack(args, 1, n)) end, function(message)
      trace = trace or debug.traceback(tostring(message))
      return message
    end)
  end
  local name, wrong = run(case, function() end)
  pcall = plain -- luacheck: ignore
  print(('case %.0f: %s: %s'):format(case, name, wrong or 'nothing is wrong'))
  if trace then print(trace) end
  os.exit(wrong and 1 or 0)
end

--- Reads the arguments of the command line, runs, says what was found and ends the process.
-- @tparam string what is run, in plural
-- @tparam function run (case, journal) gives a name and what was wrong (nil: nothing); it calls journal(text) with what it is about
-- to do
-- @tparam function total gives the end of the last line
return function(what, run, total)
  if arg[1] == '--case' then replay(run, assert(tonumber(arg[2]), 'the number of a case is needed')) end
  local seconds, seed = tonumber(arg[1]) or 10, tonumber(arg[2]) or os.time() % 1e5
  local first, path = seed * 1e7, ('fuzz-%.0f.case'):format(seed)
  local journal = assert(io.open(path, 'wb'))
  journal:setvbuf 'no'
  print(('seed %.0f: a crash leaves its case in %s; --case NUMBER runs one again'):format(seed, path))
  io.stdout:flush()
  local stop, seen, n, case = os.time() + seconds, {}, 0, first
  while os.time() < stop do
    local began = os.time()
    local name, wrong = run(case, function(text)
      journal:seek('set', 0)
      journal:write(('%.0f %s\n%s'):format(case, text, (' '):rep(math.max(0, 40 - #text))))
    end)
    if os.time() - began > slow then wrong = wrong or ('it took more than %d seconds'):format(slow) end
    if wrong then
      local kind = name .. ': ' .. wrong:gsub('0x%x+', ''):gsub('%d+', '0')
      if not seen[kind] then
        seen[kind], n = true, n + 1
        print(('case %.0f: %s: %s'):format(case, name, wrong))
        io.stdout:flush()
      end
    end
    case = case + 1
  end
  journal:close()
  os.remove(path)
  print(('seed %.0f: %.0f %s %s; %d kinds of raw errors'):format(seed, case - first, what, total(), n))
  os.exit(n == 0 and 0 or 1)
end
