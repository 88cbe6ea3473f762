--- Random calls for a while; prints what each kind of raw error was, once, and how far it came.
-- usage: luajit tests/fuzz/run.lua [SECONDS] [FIRST]   (LUA_PATH names lua/)   seconds to run, number of the first case
--        luajit tests/fuzz/run.lua --case NUMBER        one case again, its error with a trace
-- The number of the case under way stands in fuzz.case, for when the process crashes.
local folder = arg[0]:match '^(.*/)' or './'
local calls = dofile(folder .. 'calls.lua')
local list = calls.list()

if arg[1] == '--case' then
  print(calls.choose(list, tonumber(arg[2]))[1])
  io.stdout:flush()
  local trace
  local plain = pcall
  pcall = function(f, ...) -- luacheck: ignore
    local args, n = { ... }, select('#', ...)
    return xpcall(function() return f(unpack(args, 1, n)) end, function(message)
      trace = trace or debug.traceback(tostring(message))
      return message
    end)
  end
  print(select(2, calls.run(list, tonumber(arg[2]))))
  pcall = plain -- luacheck: ignore
  print(trace)
  os.exit(0)
end

local slow = 30 -- seconds of a case that tell of an endless loop
local seconds, case = tonumber(arg[1]) or 10, tonumber(arg[2]) or os.time() % 1e6 * 1000
local journal = assert(io.open('fuzz.case', 'w'))
journal:setvbuf 'no'
local stop, seen, n, first = os.time() + seconds, {}, 0, case
while os.time() < stop do
  journal:seek('set', 0)
  journal:write(('%.0f   '):format(case))
  local began = os.time()
  local name, wrong = calls.run(list, case)
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
os.remove 'fuzz.case'
print(('%.0f calls of %d functions from case %.0f on; %d kinds of raw errors'):format(case - first, #list, first, n))
os.exit(n == 0 and 0 or 1)
