--- Runs that differ in their settings: on a grid, at random, over folds; with a table at the end.
--
--     local search = train.search
--     local runs = search.run(search.grid { { 'lr', { 1e-3, 1e-2 } }, { 'batch', { 32, 64 } } }, function(setting)
--       return accuracyWith(setting.lr, setting.batch)
--     end)
--     print(search.table(runs))
--
-- A space is a list of {name, choices}: a list of values, or {from =, to =, log = (boolean), whole = (boolean)} for random search.
-- @module tocha.train.search
local torch = require 'tocha'
local sets = require 'tocha.data.sets'
local check = require 'tocha.kinds'.check
local signed = require 'tocha.signed'
local raise = require 'tocha.bindings.own'.raise

local search = {}

local function checkSpace(space)
  if type(space) ~= 'table' or #space == 0 then raise 'search: a list of {name, choices} is needed' end
  for _, row in ipairs(space) do
    if type(row) ~= 'table' or type(row[1]) ~= 'string' or type(row[2]) ~= 'table' then
      raise 'search: each entry of the space is {name, choices}'
    end
    local choices = row[2]
    if choices.from then
      if type(choices.from) ~= 'number' or type(choices.to) ~= 'number' or choices.from > choices.to
        or choices.log and choices.from <= 0 then
        raise(('search: the range of %s is not one from a lower to a higher number'):format(row[1]))
      end
    elseif #choices == 0 then raise(('search: there are no choices for %s'):format(row[1])) end
  end
end

--- All combinations, the last name changing fastest.
-- @tparam table space
-- @treturn {table,...} settings by name
function search.grid(space)
  checkSpace(space)
  local settings = { {} }
  for _, row in ipairs(space) do
    if row[2].from then raise(('grid: %s is a range; a grid needs a list'):format(row[1])) end
    local longer = {}
    for _, setting in ipairs(settings) do
      for _, value in ipairs(row[2]) do
        local copy = { [row[1]] = value }
        for key, old in pairs(setting) do copy[key] = old end
        longer[#longer + 1] = copy
      end
    end
    settings = longer
  end
  return settings
end

local function draw(choices, generator)
  if not choices.from then return choices[torch.random(generator, 1, #choices)] end
  local u = torch.uniform(generator, 0, 1)
  local value = choices.log and choices.from * (choices.to / choices.from) ^ u or choices.from + u * (choices.to - choices.from)
  return choices.whole and math.floor(value + .5) or value
end

--- Settings drawn at random (Bergstra and Bengio 2012).
-- @tparam table space
-- @tparam number count
-- @tparam[opt=1] number seed
function search.random(space, count, seed)
  checkSpace(space)
  if type(count) ~= 'number' or count % 1 ~= 0 or count < 1 then
    raise(('random: the count is a whole number above 0, not %s'):format(tostring(count)))
  end
  local generator, settings = torch.Generator(), {}
  torch.manualSeed(generator, seed or 1)
  for i = 1, count do
    settings[i] = {}
    for _, row in ipairs(space) do settings[i][row[1]] = draw(row[2], generator) end
  end
  return settings
end

--- Runs every setting. One that fails is entered with its error, and the others go on.
-- @tparam table settings
-- @tparam function f f(setting, number) gives the score, larger is better, and what else to note
-- @tparam[opt] function progress called with each finished run
-- @treturn {table,...} runs {setting, score or nil, note, why, seconds, number}, the best first
function search.run(settings, f, progress)
  local runs = {}
  for i, setting in ipairs(settings) do
    local timer = torch.Timer()
    local good, score, note = pcall(f, setting, i)
    local numeric = good and type(score) == 'number' and score == score
    local run = { setting = setting, number = i, score = numeric and score or nil, note = good and note or nil,
                  why = not good and tostring(score) or not numeric and 'no score' or nil, seconds = timer:time().real }
    runs[i] = run
    if progress then progress(run) end
  end
  table.sort(runs, function(a, b)
    if a.score ~= b.score then return (a.score or -math.huge) > (b.score or -math.huge) end
    return a.number < b.number
  end)
  return runs
end

local function short(value)
  if type(value) ~= 'number' then return tostring(value) end
  return value % 1 == 0 and ('%d'):format(value) or ('%.4g'):format(value)
end

--- A table of runs as text, a column for each name.
-- @tparam table runs
-- @tparam[opt='score'] string what the score is
function search.table(runs, what)
  for i, run in ipairs(runs) do
    check('search.table', ('run %d'):format(i), { setting = 'table', number = 'number', seconds = 'number', score = 'number?',
      why = 'string?' }, run)
    for name in pairs(run.setting) do check('search.table', 'the name of a setting', 'string', name) end
  end
  local names, seen = {}, {}
  for _, run in ipairs(runs) do
    for name in pairs(run.setting) do
      if not seen[name] then seen[name], names[#names + 1] = true, name end
    end
  end
  table.sort(names)
  local rows = { { 'run', unpack(names) } }
  table.insert(rows[1], tostring(what or 'score'))
  table.insert(rows[1], 'seconds')
  for _, run in ipairs(runs) do
    local row = { tostring(run.number) }
    for _, name in ipairs(names) do row[#row + 1] = short(run.setting[name]) end
    row[#row + 1] = run.score and ('%.4g'):format(run.score) or 'failed'
    row[#row + 1] = ('%.1f'):format(run.seconds)
    if run.why then row[#row + 1] = run.why:match '^[^\n]*' end
    rows[#rows + 1] = row
  end
  local width, columns = {}, #rows[1]
  for _, row in ipairs(rows) do
    for k = 1, columns do width[k] = math.max(width[k] or 0, #row[k]) end
  end
  for i, row in ipairs(rows) do
    for k = 1, columns do row[k] = (' '):rep(width[k] - #row[k]) .. row[k] end
    rows[i] = table.concat(row, '  ')
  end
  return table.concat(rows, '\n')
end

--- Runs every setting, as search.run does, for the mean of the scores: one that fails ends all.
-- @tparam table settings
-- @tparam function f
-- @tparam[opt] function progress
-- @treturn number mean of the scores
-- @treturn number their deviation (over n - 1)
-- @treturn table runs, as of search.run
function search.average(settings, f, progress)
  local runs = search.run(settings, f, progress)
  local sum, square, n = 0, 0, 0
  for _, run in ipairs(runs) do
    if not run.score then raise(('run %d of %d: %s'):format(run.number, #runs, run.why)) end
    sum, square, n = sum + run.score, square + run.score ^ 2, n + 1
  end
  return sum / n, math.sqrt(math.max(0, (square - sum * sum / n) / (n - 1))), runs
end

--- Trains on k folds of a set: every sample is validated once.
-- @tparam table set
-- @tparam number k
-- @tparam function f f(train, valid, fold) gives the score
-- @tparam[opt=1] number seed
-- @treturn number mean, deviation and runs, as of search.average
function search.folds(set, k, f, seed)
  local parts, settings = {}, {}
  for fold, train, valid in sets.folds(set, k, seed) do
    parts[fold], settings[fold] = { train, valid }, { fold = fold }
  end
  return search.average(settings, function(setting)
    return f(parts[setting.fold][1], parts[setting.fold][2], setting.fold)
  end)
end

local function quoted(word) return "'" .. tostring(word):gsub("'", "'\\''") .. "'" end

--- Runs a command for a number in what it prints; raises its last line if there is none.
-- @tparam table words of the command
-- @tparam string pattern with one capture: the number, of which the last one counts
function search.command(words, pattern)
  local parts, score = {}, nil
  for k, word in ipairs(words) do parts[k] = quoted(word) end
  local pipe = io.popen(table.concat(parts, ' ') .. ' 2>&1')
  local text = pipe:read '*a'
  pipe:close()
  for found in text:gmatch(pattern) do score = tonumber(found) or score end
  local last = text:match '([^\n]*)\n*$'
  if not score then error(last ~= '' and last or 'it printed nothing', 0) end
  return score
end

local runs = { 'settings', 'tables', 'f', 'function', 'progress', 'function?' }
search.run, search.average = signed('search.run', runs, search.run), signed('search.average', runs, search.average)
search.table = signed('search.table', { 'runs', 'tables', 'what', 'name?' }, search.table)
search.folds = signed('search.folds', { 'set', 'labelled', 'k', 'number', 'f', 'function', 'seed', 'whole?' }, search.folds)
search.command = signed('search.command', { 'words', 'names', 'pattern', 'string' }, search.command)

return search
