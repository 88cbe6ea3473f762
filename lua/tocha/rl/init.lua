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
-- environment.lua says how an environment is used and written, vector.lua what a step holds, agent.lua what an algorithm is.
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
