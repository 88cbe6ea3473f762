--- The beginning of a training script: reads its options, takes those of the checkpoint that it goes on from, seeds.
--
--     local options, state = train.start(cmd, { epochs = 1, batch = 1, seed = 0 })
--
-- The command line `cmd` has the options --seed, --threads, --save and --resume; --quiet and --threads are never a checkpoint's.
-- A mistake ends the script with a sentence.
-- @module tocha.train.start
local torch = require 'tocha'
local checkpoint = require 'tocha.train.checkpoint'

--- @tparam CmdLine cmd
-- @tparam table whole least values of the options that are whole numbers, by name
-- @tparam[opt] string kind what the checkpoint must say in its field `script`
-- @treturn table options
-- @treturn table|nil the checkpoint, if the run goes on
return function(cmd, whole, kind)
  local options, given = cmd:parse(arg)
  local state = options.resume ~= '' and cmd:try(checkpoint.load, options.resume) or nil
  if state and (state.script ~= kind or type(state.options) ~= 'table') then
    cmd:fail(('%s is no checkpoint of this script'):format(options.resume))
  end
  for key, value in pairs(state and state.options or {}) do
    if not given[key] and key ~= 'resume' and key ~= 'quiet' and key ~= 'threads' then options[key] = value end
  end
  for key, least in pairs(whole) do
    local value = options[key]
    if value < least or value % 1 ~= 0 then
      cmd:error(('--%s wants a whole number from %d, not %g'):format(key, least, value))
    end
  end
  cmd:try(torch.setnumthreads, options.threads)
  if options.save ~= '' then cmd:try(checkpoint.reserve, options.save) end
  if not state then torch.manualSeed(options.seed) end
  io.stdout:setvbuf 'line'
  return options, state
end
