--- Reinforcement learning: environments, algorithms, and what they share.
--
--     local rl = require 'tocha.rl'
--     local envs = rl.Vector(8, 'CartPole')
--     local agent, seen = rl.agent('ppo', envs), envs:reset(1)
--     while agent:share() < 1 do
--       local step = envs:step(agent:act(seen, true))
--       agent:learn(step)
--       seen = step.seen
--     end
--
-- or, by hand,
--
--     local env = rl.make 'FrozenLake'
--     print(env.observations, env.actions, env:reset(1))
--     local observation, reward, terminated, truncated = env:step(3)
--     print(env:render())
--
-- - rl.make(name, options), rl.environments: environments; environment.lua says how one is used and written, space.lua what
--   rl.Discrete and rl.Box hold
-- - rl.Vector: several of them; vector.lua says what a step holds
-- - rl.agent(algorithm, envs, config), rl.algorithms, rl.width: algorithms; agent.lua says what one is
-- - rl.evaluate(agent, envs, seed), rl.film(path, agent, env, seed): what a policy earns, and how that looks
-- - rl.Replay, rl.network, rl.noise: what algorithms are made of
-- @module tocha.rl
require 'tocha'
local make = require 'tocha.rl.make'
local algorithms = require 'tocha.rl.algorithms'
local space = require 'tocha.rl.space'
local Vector = require 'tocha.rl.vector'

local rl = {
  make = make.make, environments = make.environments,
  agent = algorithms.agent, algorithms = algorithms.algorithms, width = algorithms.width, check = algorithms.check,
  evaluate = require 'tocha.rl.evaluate', film = require 'tocha.rl.film',
  Discrete = space.Discrete, Box = space.Box, Environment = require 'tocha.rl.environment',
  Replay = require 'tocha.rl.replay', network = require 'tocha.rl.network', noise = require 'tocha.rl.noise',
}

--- Several environments in step.
-- @tparam number n
-- @tparam string|function kind a name for rl.make, or a function that gives an environment
-- @tparam[opt] table options of the environment
function rl.Vector(n, kind, options)
  return Vector(n, type(kind) == 'function' and kind or function() return rl.make(kind, options) end)
end

return rl
