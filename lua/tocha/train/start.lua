--- The beginning of a training script: reads its options, takes those of the checkpoint that it goes on from, seeds.
--
--     local options, state = train.start(cmd, 'gan', { fixed = { 'model' }, holds = { critic = 'nn.Module' } })
--
-- The command line `cmd` has the options --seed, --threads, --save, --resume, and may have --out, the beginning of names of
-- pictures, --plot, --film and --predict: a run that has it writes nothing. --quiet and --threads are never a checkpoint's.
-- A mistake ends the script with a sentence.
-- @module tocha.train.start
local torch = require 'tocha'
local checkpoint = require 'tocha.train.checkpoint'

local foreign = '%s is no checkpoint of this script'

-- Takes the options of a checkpoint, and fails unless it is what the script saves.
local function goOn(cmd, state, options, given, about)
  for field, kind in pairs(about.holds or {}) do
    local value = state[field]
    if type(value) ~= kind and not torch.isTypeOf(value, kind) then
      cmd:fail((foreign .. ': its field %s is no %s'):format(options.resume, field, kind))
    end
  end
  for _, key in ipairs(about.fixed or {}) do
    local value = state.options[key]
    if given[key] and options[key] ~= value then
      value = value == '' and 'empty' or tostring(value)
      cmd:error(('--%s cannot be another than in %s, where it is %s'):format(key, options.resume, value))
    end
  end
  for key, value in pairs(state.options) do
    if not given[key] and key ~= 'resume' and key ~= 'quiet' and key ~= 'threads' then
      local good = type(value) == type(options[key]) and
        (type(value) == 'boolean' or cmd:read { '--' .. key, tostring(value) } ~= nil)
      if not good then cmd:fail((foreign .. ': its option %s is %s'):format(options.resume, tostring(key), tostring(value))) end
      options[key] = value
    end
  end
end

--- Reads the options.
-- @function start
-- @tparam CmdLine cmd
-- @tparam string kind what the checkpoint must say in its field `script`
-- @tparam[opt] table about fixed: a list of options that shape what the checkpoint holds: another value than its own is refused;
-- holds: by name, the types or classes of fields of the checkpoint
-- @treturn table options
-- @treturn table|nil the checkpoint, if the run goes on
-- @treturn table true by name for the options that were given
return function(cmd, kind, about)
  local options, given = cmd:parse(arg)
  local state = options.resume ~= '' and cmd:try(checkpoint.load, options.resume) or nil
  if state and (state.script ~= kind or type(state.options) ~= 'table') then
    cmd:fail(foreign:format(options.resume))
  end
  if state then goOn(cmd, state, options, given, about or {}) end
  cmd:try(torch.setnumthreads, options.threads)
  for _, path in ipairs { options.save, options.out or '', options.plot or '', options.film or '' } do
    if path ~= '' and (options.predict or '') == '' then cmd:try(checkpoint.reserve, path) end
  end
  if not state then torch.manualSeed(options.seed) end
  io.stdout:setvbuf 'line'
  return options, state, given
end
