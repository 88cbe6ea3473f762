--- Environments by name.
-- @module tocha.rl.make
require 'tocha'
local constants = require 'tocha.rl.constants'
local own = require 'tocha.bindings.own'

local grid = require 'tocha.rl.env.grid'

local function lake(size)
  return function(options) return grid.FrozenLake { size = size, slippery = options and options.slippery } end
end

-- Name, maker, and the names of its options.
local makers = {
  { 'CartPole-v1', require 'tocha.rl.env.cartpole' },
  { 'MountainCar-v0', require 'tocha.rl.env.mountaincar' },
  { 'Acrobot-v1', require 'tocha.rl.env.acrobot' },
  { 'Pendulum-v1', require 'tocha.rl.env.pendulum' },
  { 'FrozenLake-v1', lake '4x4', { 'slippery' } },
  { 'FrozenLake8x8-v1', lake '8x8', { 'slippery' } },
  { 'CliffWalking-v1', grid.CliffWalking, { 'slippery' } },
  { 'Taxi-v4', require 'tocha.rl.env.taxi' },
  { 'Catch', require 'tocha.rl.env.catch', { 'rows', 'columns' } },
  { 'Snake', require 'tocha.rl.env.snake', { 'size' } },
  { 'TicTacToe', require 'tocha.rl.env.tictactoe' },
  { 'Bandit', require 'tocha.rl.env.bandit', { 'arms', 'machine' } },
}

local function bare(name) return (name:lower():gsub('%-v%d+$', '')) end

local byName, names = {}, {}
for i, row in ipairs(makers) do
  byName[bare(row[1])], byName[row[1]:lower()], names[i] = row, row, row[1]
end

local rl = { environments = names, bare = bare }

--- An environment.
-- @tparam string name one of rl.environments; case and version may be left out
-- @tparam[opt] table options of the environment: FrozenLake (true) and CliffWalking (false) slippery; Catch rows (10), columns (5);
-- Snake size (8); Bandit arms (10), machine (1), a number that gives the means of the arms
-- @treturn Environment
function rl.make(name, options)
  local row = type(name) == 'string' and byName[name:lower()]
  if not row then
    own.raise(('there is no environment %s; there are %s'):format(tostring(name), table.concat(names, ', ')))
  end
  if options ~= nil and type(options) ~= 'table' then own.bad(row[1], 'options', 'a table', options) end
  constants.check(row[1], 'option', row[3] or {}, options)
  return row[2](options)
end

return rl
