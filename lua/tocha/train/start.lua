--- The beginning of a training script: reads its options, takes those of the checkpoint that it goes on from, seeds.
--
--     local options, state = train.start(cmd, 'gan', { 'model' })
--
-- The command line `cmd` has the options --seed, --threads, --save, --resume, and may have --out, the beginning of names of
-- pictures, --plot, --film and --predict: a run that has it writes nothing. --quiet and --threads are never a checkpoint's.
-- A mistake ends the script with a sentence.
-- @module tocha.train.start
local torch = require 'tocha'
local checkpoint = require 'tocha.train.checkpoint'

--- Reads the options.
-- @function start
-- @tparam CmdLine cmd
-- @tparam string kind what the checkpoint must say in its field `script`
-- @tparam[opt] {string,...} fixed options that shape what the checkpoint holds: another value than its own is refused
-- @treturn table options
-- @treturn table|nil the checkpoint, if the run goes on
-- @treturn table true by name for the options that were given
return function(cmd, kind, fixed)
  local options, given = cmd:parse(arg)
  local state = options.resume ~= '' and cmd:try(checkpoint.load, options.resume) or nil
  if state and (state.script ~= kind or type(state.options) ~= 'table') then
    cmd:fail(('%s is no checkpoint of this script'):format(options.resume))
  end
  for _, key in ipairs(state and fixed or {}) do
    local value = state.options[key]
    if given[key] and options[key] ~= value then
      value = value == '' and 'empty' or tostring(value)
      cmd:error(('--%s cannot be another than in %s, where it is %s'):format(key, options.resume, value))
    end
  end
  for key, value in pairs(state and state.options or {}) do
    if not given[key] and key ~= 'resume' and key ~= 'quiet' and key ~= 'threads' then options[key] = value end
  end
  cmd:try(torch.setnumthreads, options.threads)
  for _, path in ipairs { options.save, options.out or '', options.plot or '', options.film or '' } do
    if path ~= '' and (options.predict or '') == '' then cmd:try(checkpoint.reserve, path) end
  end
  if not state then torch.manualSeed(options.seed) end
  io.stdout:setvbuf 'line'
  return options, state, given
end
