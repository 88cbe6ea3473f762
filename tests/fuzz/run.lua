--- Random calls for a while; prints what each kind of raw error was, once, and how far it came.
-- usage: luajit tests/fuzz/run.lua [SECONDS] [SEED]      (LUA_PATH names lua/)
--        luajit tests/fuzz/run.lua --case NUMBER         one case again, its error with a trace
local folder = arg[0]:match '^(.*/)' or './'
local calls = dofile(folder .. 'calls.lua')
local list = calls.list()

dofile(folder .. 'clock.lua')('calls', function(case, journal) return calls.run(list, case, journal) end,
  function() return ('of %d functions'):format(#list) end)
