--- Q-learning (Watkins 1989) and SARSA (Rummery and Niranjan 1994): a value for each state and action.
-- @module tocha.rl.tabular
local torch = require 'tocha'
local Agent = require 'tocha.rl.agent'
local check = require 'tocha.kinds'.check
local own = require 'tocha.bindings.own'
local raise = own.raise

local package = {}
local QLearning = torch.class('rl.QLearning', 'rl.Agent', package)

QLearning.name = 'qlearning'
QLearning.defaults = {
  total = 200000, gamma = .99,
  rate = .1, lastRate = .001, -- of learning, in a line over the run
  epsilon = 1, lastEpsilon = .05, exploration = .5, -- share of random actions, in a line over that part of the run
  start = 0, -- value of what was never tried
}

function QLearning:__init(envs, config)
  Agent.__init(self, envs, config)
  self:need(envs, 'rl.Discrete', 'a table needs a finite number of them')
  if torch.type(envs.observations) ~= 'rl.Discrete' then
    raise(('%s: the observations of %s are %s; a table needs a finite number of them: try dqn or ppo'):format(self.name,
      envs.name, tostring(envs.observations)))
  end
  self.values = {} -- of action a in state s at (s - 1) * n + a
  for i = 1, envs.observations.n * envs.actions.n do self.values[i] = self.config.start end
end

-- The best action of a state and its value; of several best ones any.
local function best(self, state)
  local n, values = self.actions.n, self.values
  local at = (state - 1) * n
  local top, action, ties = values[at + 1], 1, 1
  for a = 2, n do
    local value = values[at + a]
    if value > top then top, action, ties = value, a, 1
    elseif value == top then
      ties = ties + 1
      if torch.random(1, ties) == 1 then action = a end
    end
  end
  return action, top
end

-- What the policy does in a state.
local function choose(self, state, explore)
  if explore and torch.uniform() < self:line(self.config.epsilon, self.config.lastEpsilon, self.config.exploration) then
    return torch.random(1, self.actions.n)
  end
  return (best(self, state))
end

function QLearning:act(observations, explore)
  self:sees(observations)
  local n = observations:size(1)
  local actions = torch.LongTensor(n)
  for i = 1, n do
    local state = observations[i]
    if not self.observations:contains(state) then
      raise(('%s: the observation %s is not in %s'):format(self.name, tostring(state), tostring(self.observations)))
    end
    actions[i] = choose(self, state, explore)
  end
  return actions
end

--- What the state that environment i came to is worth.
function QLearning:follow(step, i)
  local _, value = best(self, step.next[i])
  return value
end

function QLearning:learn(step)
  self:took(step)
  local n, values, gamma = self.actions.n, self.values, self.config.gamma
  local rate = self:line(self.config.rate, self.config.lastRate)
  for i = 1, self.envs do
    local at = (step.observation[i] - 1) * n + step.action[i]
    local target = step.reward[i]
    if step.terminated[i] == 0 then target = target + gamma * self:follow(step, i) end
    values[at] = values[at] + rate * (target - values[at])
  end
  self:advance()
end

function QLearning:snapshot() return torch.DoubleTensor(self.values) end

function QLearning:adopt(kept)
  if not torch.isTensor(kept) or kept:dim() ~= 1 or kept:size(1) ~= #self.values then
    own.bad(self.name, 'the policy', ('a vector of %d numbers'):format(#self.values), kept)
  end
  self.values = kept:totable()
end

function QLearning:write(file)
  check(self.name, 'the file', 'file', file)
  local plain = {}
  for key, value in pairs(self) do plain[key] = value end
  plain.values = self:snapshot()
  file:writeObject(plain)
end

function QLearning:read(file)
  check(self.name, 'the file', 'file', file)
  for key, value in pairs(file:readObject()) do self[key] = value end
  self.values = self.values:totable()
end

-- -- SARSA ----------------------------------------------------------------------------------------------------------

local Sarsa = torch.class('rl.Sarsa', 'rl.QLearning', package)

Sarsa.name = 'sarsa'

--- The action that follows is chosen before learning; act then does as planned.
function Sarsa:act(observations, explore)
  if not explore then return QLearning.act(self, observations, false) end
  local actions = self.planned or QLearning.act(self, observations, true)
  self.planned = nil
  return actions
end

function Sarsa:follow(step, i)
  local state, action = step.next[i], self.planned[i]
  if step.truncated[i] == 1 then action = choose(self, state, true) end -- the plan is for the next episode
  return self.values[(state - 1) * self.actions.n + action]
end

function Sarsa:learn(step)
  self:took(step)
  self.planned = QLearning.act(self, step.seen, true)
  QLearning.learn(self, step)
end

return package
