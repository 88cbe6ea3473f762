--- Deep Q-networks (Mnih et al. 2015), with double targets (van Hasselt et al. 2016), dueling values (Wang et al. 2016),
-- prioritized replay (Schaul et al. 2016) and targets of several steps.
-- @module tocha.rl.dqn
local torch = require 'tocha'
local Agent = require 'tocha.rl.agent'
local Replay = require 'tocha.rl.replay'
local network = require 'tocha.rl.network'
local approach = require 'tocha.bindings.update'.approach

local package = {}
local DQN = torch.class('rl.DQN', 'rl.Agent', package)

DQN.name = 'dqn'
DQN.defaults = {
  total = 50000, gamma = .99, hidden = '128,128', rate = 1e-3, lastRate = 1e-5, batch = 64, replay = 50000,
  warmup = 1000, -- steps before learning
  every = 1, updates = 1, -- so many updates every so many steps
  tau = .005, -- share by which the target network approaches, each update
  epsilon = 1, lastEpsilon = .02, exploration = .1,
  clip = 10, -- greatest norm of the gradient
  double = true, dueling = false, prioritized = false, nsteps = 3, alpha = .6, beta = .4,
}

function DQN:__init(envs, config)
  Agent.__init(self, envs, config)
  self:need(envs, 'rl.Discrete', 'dqn needs a finite number of them: try ddpg, td3, sac or ppo')
  local c, n = self.config, envs.actions.n
  self.net = network.build(envs.observations, network.sizes(c.hidden), c.dueling and n + 1 or n)
  if c.dueling then self.net:add(network.Dueling()) end
  self.target = self.net:float():clone()
  self.parameters, self.gradients = self.net:getParameters()
  self.targetParameters = self.target:getParameters()
  self.replay = Replay(c.replay, envs.observations, envs.actions,
    { gamma = c.gamma, nsteps = c.nsteps, alpha = c.prioritized and c.alpha or nil })
  self.optimState = {}
end

function DQN:act(observations, explore)
  self:sees(observations)
  local _, actions = self.net:forward(observations):max(2)
  actions = actions:view(-1)
  if explore then
    local epsilon = self:line(self.config.epsilon, self.config.lastEpsilon, self.config.exploration)
    for i = 1, actions:size(1) do
      if torch.uniform() < epsilon then actions[i] = torch.random(1, self.actions.n) end
    end
  end
  return actions
end

function DQN:learn(step)
  self:took(step)
  local c = self.config
  self.replay:add(step)
  self:advance()
  if self.steps < c.warmup or self.steps % c.every ~= 0 or self.replay.count == 0 then return end
  for _ = 1, c.updates do self:update() end
end

-- What the entries' next observations are worth: the target network's value of the action that it, or with `double` the
-- learning network, finds best.
local function worth(self, seen)
  local values = self.target:forward(seen)
  if not self.config.double then return (values:max(2)) end
  local _, best = self.net:forward(seen):max(2)
  return values:gather(2, best)
end

--- One step of learning on a batch.
function DQN:update()
  local c, batch = self.config, self.replay:sample(self.config.batch)
  local target = worth(self, batch.next):view(-1):cmul(batch.discount):add(batch.reward)
  local values = self.net:forward(batch.observation)
  local action = batch.action:view(-1, 1)
  local errors = values:gather(2, action):view(-1):add(-1, target)
  self.loss = torch.abs(errors):mean()
  if self.replay.priority then self.replay.priority:update(batch.index, torch.abs(errors)) end
  local slope = errors:clamp(-1, 1):mul(1 / c.batch) -- of Huber's loss
  if self.replay.priority then -- undoes the bias of the draw, the more the further the run (Schaul et al., section 3.4)
    local weight = torch.pow(batch.share, -self:line(c.beta, 1))
    slope:cmul(weight:div(weight:max()))
  end
  local gradOutput = values.new():resizeAs(values):zero():scatter(2, action, slope:view(-1, 1))
  self.gradients:zero()
  self.net:backward(batch.observation, gradOutput)
  self:descend(self.gradients, self.parameters, self.optimState, self:line(c.rate, c.lastRate))
  approach(self.targetParameters, self.parameters, c.tau)
end

return package.DQN
