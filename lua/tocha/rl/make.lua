--- Environments by name.
-- @module tocha.rl.make
require 'tocha'
local raise = require 'tocha.bindings.own'.raise

local grid = require 'tocha.rl.env.grid'

local function lake(size)
  return function(options) return grid.FrozenLake { size = size, slippery = options and options.slippery } end
end

local makers = {
  { 'CartPole-v1', require 'tocha.rl.env.cartpole' },
  { 'MountainCar-v0', require 'tocha.rl.env.mountaincar' },
  { 'Acrobot-v1', require 'tocha.rl.env.acrobot' },
  { 'Pendulum-v1', require 'tocha.rl.env.pendulum' },
  { 'FrozenLake-v1', lake '4x4' },
  { 'FrozenLake8x8-v1', lake '8x8' },
  { 'CliffWalking-v1', grid.CliffWalking },
  { 'Taxi-v4', require 'tocha.rl.env.taxi' },
  { 'Catch', require 'tocha.rl.env.catch' },
  { 'Snake', require 'tocha.rl.env.snake' },
  { 'TicTacToe', require 'tocha.rl.env.tictactoe' },
  { 'Bandit', require 'tocha.rl.env.bandit' },
}

local function bare(name) return (name:lower():gsub('%-v%d+$', '')) end

local byName, names = {}, {}
for i, row in ipairs(makers) do byName[bare(row[1])], names[i] = row[2], row[1] end

local package = { environments = names, bare = bare }

--- An environment.
-- @tparam string name one of rl.environments; case and version may be left out
-- @tparam[opt] table options of the environment
function package.make(name, options)
  local maker = type(name) == 'string' and byName[bare(name)]
  if not maker then
    raise(('there is no environment %s; there are %s'):format(tostring(name), table.concat(names, ', ')))
  end
  return maker(options)
end

return package
