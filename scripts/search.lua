#!/usr/bin/env luajit
-- Runs a script again and again with other values of its own options, and prints a table of what came out.
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local search = require 'tocha.train.search'

local usage = [[
usage: search.lua [--random N] [--seed N] [--score PATTERN] [--smaller] NAME=VALUES ... -- SCRIPT [ARGUMENT ...]

  NAME=a,b,c       values of the script's option --NAME: all combinations are run
  NAME=from..to    with --random: a number of this range (by its logarithm if `to` is 100 times `from` or more; whole if both are)
  --random N       N runs with values drawn at random
  --seed N         of the drawing (1)
  --score PATTERN  a Lua pattern with one capture: the number in what the script prints; the last one counts
                   ('accuracy ([%d.]+)%%')
  --smaller        smaller is better

example: tocha search lr=1e-4,1e-3,1e-2 batch=32,64 -- scripts/train.lua --epochs 1 --save '' --plot '']]

local function fail(...)
  io.stderr:write('search.lua: ', string.format(...), '\n')
  os.exit(1, true)
end

-- Arguments -----------------------------------------------------------------------------------------------------------
local options, space, command = { seed = 1, score = 'accuracy ([%d.]+)%%' }, {}, nil

local function choices(name, text)
  local from, to = text:match '^(%-?[%d.e%-]-)%.%.(%-?[%d.e%-]+)$'
  from, to = tonumber(from), tonumber(to)
  if from and to then
    return { from = from, to = to, log = from > 0 and to >= 100 * from, whole = from % 1 == 0 and to % 1 == 0 }
  end
  local list = {}
  for value in text:gmatch '[^,]+' do list[#list + 1] = tonumber(value) or value end
  if #list == 0 then fail('there are no values for %s', name) end
  return list
end

do
  local i, list = 1, arg
  local function whole(word)
    local value = tonumber(list[i + 1])
    if not value or value % 1 ~= 0 or value < 1 then fail('%s wants a whole number above 0', word) end
    i = i + 1
    return value
  end
  while i <= #list and not command do
    local word = list[i]
    if word == '-h' or word == '--help' then
      print(usage)
      return
    elseif word == '--random' then options.random = whole(word)
    elseif word == '--seed' then options.seed = whole(word)
    elseif word == '--smaller' then options.smaller = true
    elseif word == '--score' then
      options.score = list[i + 1] or fail '--score needs a pattern'
      i = i + 1
    elseif word == '--' then command = { unpack(list, i + 1) }
    else
      local name, text = word:match '^%-*([%w_%-]+)=(.+)$'
      if not name then fail('%s is neither an option nor NAME=VALUES (--help tells more)', word) end
      space[#space + 1] = { name, choices(name, text) }
    end
    i = i + 1
  end
end
if #space == 0 then fail 'NAME=VALUES is needed (--help tells more)' end
if not command or #command == 0 then fail 'after -- a script is needed (--help tells more)' end

-- Runs ----------------------------------------------------------------------------------------------------------------
local function run(setting)
  local words = { os.getenv 'LUAJIT' or 'luajit', unpack(command) }
  for _, row in ipairs(space) do
    words[#words + 1] = '--' .. row[1]
    words[#words + 1] = setting[row[1]]
  end
  local score = search.command(words, options.score)
  return options.smaller and -score or score
end

local good, settings = pcall(options.random and search.random or search.grid, space, options.random, options.seed)
if not good then fail('%s', tostring(settings):gsub('^[^\n]-:%d+: ', '')) end
io.stdout:setvbuf 'line'
local timer = torch.Timer()
local runs = search.run(settings, run, function(one)
  local words = {}
  for _, row in ipairs(space) do words[#words + 1] = ('%s=%s'):format(row[1], tostring(one.setting[row[1]])) end
  print(('run %d of %d: %s: %s'):format(one.number, #settings, table.concat(words, ' '),
    one.score and ('%.4g'):format(options.smaller and -one.score or one.score) or 'failed: ' .. one.why))
end)
if options.smaller then
  for _, one in ipairs(runs) do one.score = one.score and -one.score end
end
print(('\n%s\n%d runs in %.1f s'):format(search.table(runs), #runs, timer:time().real))
