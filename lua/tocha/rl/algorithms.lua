--- Algorithms by name, and the constants with which they learn the environments that ship.
-- @module tocha.rl.algorithms
local torch = require 'tocha'
local make = require 'tocha.rl.make'
local tabular = require 'tocha.rl.tabular'
local actorcritic = require 'tocha.rl.actorcritic'
local deterministic = require 'tocha.rl.deterministic'
local own = require 'tocha.bindings.own'
local raise = own.raise

local rl = {}

local names = { 'qlearning', 'sarsa', 'dqn', 'reinforce', 'a2c', 'ppo', 'ddpg', 'td3', 'sac' }
local classes = {
  qlearning = tabular.QLearning, sarsa = tabular.Sarsa, dqn = require 'tocha.rl.dqn', reinforce = actorcritic.Reinforce,
  a2c = actorcritic.A2C, ppo = actorcritic.PPO, ddpg = deterministic.DDPG, td3 = deterministic.TD3, sac = require 'tocha.rl.sac',
}
rl.algorithms = names

-- What differs from an algorithm's own constants.
local tuned = {
  frozenlake = { qlearning = { total = 300000, gamma = .995 }, sarsa = { total = 300000, gamma = .995 } },
  frozenlake8x8 = { qlearning = { total = 1000000, gamma = .999 } },
  taxi = { qlearning = { rate = .5, lastRate = .1, exploration = .7 }, sarsa = { rate = .5, lastRate = .1, exploration = .7 } },
  cliffwalking = { qlearning = { total = 50000 }, sarsa = { total = 50000, rate = .3 } },
  tictactoe = { qlearning = { total = 1500000, gamma = 1, rate = .5, lastRate = .05, lastEpsilon = .3 } },
  bandit = { qlearning = { total = 5000, gamma = 0, lastRate = .01 } },
  catch = { dqn = { total = 10000, replay = 10000, hidden = '64', lastRate = 1e-4 } },
  snake = { dqn = { total = 300000, exploration = .3, every = 4, replay = 100000, lastRate = 1e-4 } },
  mountaincar = { dqn = { total = 120000, exploration = .4, every = 4, updates = 2, nsteps = 5, lastRate = 1e-4 } },
  acrobot = { ppo = { gamma = .99, lambda = .94, entropyWeight = .01, epochs = 4 } },
  pendulum = { ppo = { total = 150000, gamma = .9, lambda = .95, horizon = 512, batch = 64, epochs = 10 } },
}

-- Environments side by side.
local sides = { ppo = 8, a2c = 8 }

local function known(algorithm)
  if not classes[algorithm] then
    raise(('there is no algorithm %s; there are %s'):format(tostring(algorithm), table.concat(names, ', ')))
  end
end

--- How many environments an algorithm wants side by side.
function rl.width(algorithm)
  known(algorithm)
  return sides[algorithm] or 1
end

--- An agent of an algorithm for environments.
-- @tparam string algorithm one of rl.algorithms
-- @tparam Vector envs
-- @tparam[opt] table config constants, over those that suit the environment; the fields `defaults` of the classes tell them
-- @treturn Agent
function rl.agent(algorithm, envs, config)
  known(algorithm)
  if not torch.isTypeOf(envs, 'rl.Vector') then own.bad('agent', 'envs', 'an rl.Vector', envs) end
  if config ~= nil and type(config) ~= 'table' then own.bad('agent', 'config', 'a table', config) end
  local whole = {}
  for key, value in pairs((tuned[make.bare(envs.name)] or {})[algorithm] or {}) do whole[key] = value end
  for key, value in pairs(config or {}) do whole[key] = value end
  return classes[algorithm](envs, whole)
end

--- Fails unless a saved agent is of an algorithm.
function rl.check(agent, algorithm, path)
  if not torch.isTypeOf(agent, 'rl.Agent') then raise(('%s holds no run of reinforcement learning'):format(path)) end
  if algorithm and agent.name ~= algorithm then
    raise(('%s holds a run of %s, not of %s'):format(path, agent.name, algorithm))
  end
end

return rl
