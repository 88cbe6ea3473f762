--- k-fold runs of a script: it starts itself once for each fold, and a table ends the run.
--
--     train.folds.options(cmd)                                          -- adds --folds and --fold
--     local options = train.start(cmd, 'flowers')
--     if train.folds.run(cmd, options, { 'save', 'plot' }) then return end
--     if options.fold > 0 then trainSet, validSet = cmd:try(train.folds.part, trainSet, options) end
--
-- The run of one fold prints its score as "validation accuracy 12.34%".
-- @module tocha.train.folds
local search = require 'tocha.train.search'
local sets = require 'tocha.data.sets'

local folds = {}

--- Adds the options to a command line that has --seed.
function folds.options(cmd)
  cmd:option('--folds', 0, 'train so many times, each time validating on another part of the training set; 0: once', { from = 0 })
  cmd:option('--fold', 0, 'train only once, and validate on this one of the --folds parts', { from = 0 })
end

-- The command that the script was started with, for one fold, which has to tell its score.
local function command(fold)
  local words = { os.getenv 'LUAJIT' or 'luajit', arg[0] }
  for _, word in ipairs(arg) do
    if not word:find '^%-%-?quiet$' then words[#words + 1] = word end
  end
  words[#words + 1] = '--fold'
  words[#words + 1] = fold
  return words
end

--- Runs all folds if that is asked for. If one fold is, its number enters the names of the files.
-- @tparam CmdLine cmd
-- @tparam table options
-- @tparam {string,...} files options that name files to write
-- @treturn boolean whether all is done
function folds.run(cmd, options, files)
  local k = options.folds
  if k == 1 then cmd:error '--folds wants 2 or more' end
  if options.fold > k then cmd:error(('--fold %d is more than --folds %d'):format(options.fold, k)) end
  if options.fold > 0 and options.resume == '' then
    for _, name in ipairs(files) do
      if options[name] ~= '' then options[name] = options[name]:gsub('(%.?[^./]*)$', ('-%d%%1'):format(options.fold), 1) end
    end
  end
  if k == 0 or options.fold > 0 then return false end
  if options.resume ~= '' then cmd:error '--resume goes on with one run: say which --fold' end
  local settings = {}
  for fold = 1, k do settings[fold] = { fold = fold } end
  local mean, deviation, runs = cmd:try(search.average, settings, function(setting)
    return search.command(command(setting.fold), 'validation accuracy ([%d.]+)%%')
  end, function(one)
    if not options.quiet then
      print(('fold %d of %d: %s'):format(one.number, k, one.score and ('%.2f%%'):format(one.score) or 'failed: ' .. one.why))
    end
  end)
  print(('\n%s\nvalidation accuracy %.2f%%, deviation %.2f%%, of %d folds'):format(search.table(runs), mean, deviation, k))
  return true
end

--- The fold that the options name: all other parts, and this one.
-- @tparam table set
-- @tparam table options fold, folds and seed
-- @treturn table training
-- @treturn table validation
function folds.part(set, options)
  for fold, training, validation in sets.folds(set, options.folds, options.seed) do
    if fold == options.fold then return training, validation end
  end
end

return folds
