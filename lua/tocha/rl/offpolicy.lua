--- What DDPG, TD3 and SAC share: actions brought to [-1, 1], critics and their targets, the replay, the first steps at random.
-- @module tocha.rl.offpolicy
local torch = require 'tocha'
local Agent = require 'tocha.rl.agent'
local Replay = require 'tocha.rl.replay'
local network = require 'tocha.rl.network'
local approach = require 'tocha.bindings.update'.approach

local package = {}
local OffPolicy = torch.class('rl.OffPolicy', 'rl.Agent', package)

--- A network with what learning it takes; with `target` also the slow copy.
local function learner(net, target)
  local one = { net = net:float(), state = {} }
  one.parameters, one.gradients = net:getParameters()
  if target then
    one.target = net:clone()
    one.targetParameters = one.target:getParameters()
  end
  return one
end
OffPolicy.learner = learner

-- -- tables of networks and vectors are saved as they are; the vectors stay views of the networks' parameters ---------

function OffPolicy:__init(envs, config)
  Agent.__init(self, envs, config)
  self:need(envs, 'rl.Box', self.name .. ' needs numbers: try dqn or ppo')
  local c = self.config
  self.size = envs.actions:size()
  self.half = torch.add(envs.actions.high, -1, envs.actions.low):mul(.5):view(1, -1)
  self.middle = torch.add(envs.actions.high, envs.actions.low):mul(.5):view(1, -1)
  self.critics = {}
  for k = 1, c.critics do
    self.critics[k] = learner(network.critic(envs.observations, envs.actions, network.sizes(c.hidden)), true)
  end
  self.replay = Replay(c.replay, envs.observations, envs.actions, { gamma = c.gamma, nsteps = c.nsteps })
  self.learned = 0 -- updates
end

--- From [-1, 1] to the bounds of the actions.
function OffPolicy:toBounds(x)
  return self.actions:clip(torch.cmul(x, self.half:expandAs(x)):add(self.middle:expandAs(x)))
end

--- From the bounds to [-1, 1].
function OffPolicy:fromBounds(action)
  return (action - self.middle:expandAs(action)):cdiv(self.half:expandAs(action))
end

--- An action of [-1, 1] for each environment, all alike.
function OffPolicy:random(n) return torch.FloatTensor(n, self.size):uniform(-1, 1) end

function OffPolicy:learn(step)
  self:took(step)
  local c = self.config
  self.replay:add(step)
  self:advance()
  if self.steps < c.warmup or self.steps % c.every ~= 0 or self.replay.count == 0 then return end
  for _ = 1, c.updates do
    self.learned = self.learned + 1
    self:update(self.replay:sample(c.batch))
  end
end

--- The least of what the critics' targets say of actions in observations: (N,1).
function OffPolicy:pessimist(observation, action)
  local least
  for _, critic in ipairs(self.critics) do
    local value = critic.target:forward { observation, action }
    least = least and torch.cmin(least, value) or value
  end
  return least
end

--- Brings the critics a step nearer to targets (N,1).
function OffPolicy:learnCritics(batch, action, target)
  local n = target:size(1)
  self.loss = 0
  for _, critic in ipairs(self.critics) do
    local input = { batch.observation, action }
    local off = critic.net:forward(input) - target
    self.loss = self.loss + off:dot(off) / n
    critic.gradients:zero()
    critic.net:backward(input, off:mul(2 / n))
    self:descend(critic.gradients, critic.parameters, critic.state, self.config.rate)
  end
end

--- The slow copies come nearer.
function OffPolicy:follow(learners)
  for _, one in ipairs(learners) do approach(one.targetParameters, one.parameters, self.config.tau) end
end

return package.OffPolicy
