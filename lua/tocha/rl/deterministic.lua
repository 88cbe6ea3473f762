--- Policies without chance: DDPG (Lillicrap et al. 2016) and TD3 (Fujimoto, van Hoof and Meger 2018).
-- @module tocha.rl.deterministic
local torch = require 'tocha'
local nn = require 'tocha.nn'
local noise = require 'tocha.rl.noise'
local network = require 'tocha.rl.network'
local OffPolicy = require 'tocha.rl.offpolicy'

local package = {}
local DDPG = torch.class('rl.DDPG', 'rl.OffPolicy', package)

DDPG.name = 'ddpg'
DDPG.defaults = {
  total = 20000, gamma = .98, hidden = '128,128', rate = 1e-3, batch = 64, replay = 20000, nsteps = 1,
  warmup = 1000, -- steps at random before learning
  every = 1, updates = 1, -- so many updates every so many steps
  tau = .005, -- share by which the target networks approach
  noise = 'gaussian', deviation = .1, -- gaussian or ou; of actions in [-1, 1]
  critics = 1, delay = 1, smoothing = 0, reach = .5, -- TD3's: two critics, updates of the critics for one of the actor,
  clip = false,                                       -- deviation of the target's action and where that is cut off
}

local noises = { gaussian = noise.GaussianNoise, ou = noise.OrnsteinUhlenbeck }

function DDPG:__init(envs, config)
  OffPolicy.__init(self, envs, config)
  local c = self.config
  local net = network.scaleLast(network.build(envs.observations, network.sizes(c.hidden), self.size), .1):add(nn.Tanh())
  self.actor = OffPolicy.learner(net, true)
  self.parameters = self.actor.parameters
  self.noise = noises[c.noise](envs.n, self.size, c.deviation)
end

function DDPG:act(observations, explore)
  self:sees(observations)
  if not explore then return self:toBounds(self.actor.net:forward(observations)) end
  if self.steps < self.config.warmup then return self:toBounds(self:random(self.envs)) end
  return self:toBounds(torch.add(self.actor.net:forward(observations), self.noise:sample()):clamp(-1, 1))
end

function DDPG:learn(step)
  OffPolicy.learn(self, step)
  self.noise:over(torch.cmax(step.terminated, step.truncated))
end

-- The target's actions, blurred (Fujimoto et al., equation 14).
local function following(self, seen)
  local c, action = self.config, self.actor.target:forward(seen)
  if c.smoothing == 0 then return action end
  local blur = torch.randn(action:size(1), self.size):float():mul(c.smoothing):clamp(-c.reach, c.reach)
  return blur:add(action):clamp(-1, 1)
end

function DDPG:update(batch)
  local target = self:pessimist(batch.next, following(self, batch.next)):clone()
  target:cmul(batch.discount:view(-1, 1)):add(batch.reward:view(-1, 1))
  self:learnCritics(batch, self:fromBounds(batch.action), target)
  if self.learned % self.config.delay ~= 0 then return end
  self:climb(batch.observation)
  self:follow(self.critics)
  self:follow { self.actor }
end

--- The actor goes up the critic's slope: its gradient is that of the value by the action (Silver et al. 2014, theorem 1).
function DDPG:climb(seen)
  local actor, critic = self.actor, self.critics[1].net
  local input = { seen, actor.net:forward(seen) }
  local up = critic:forward(input).new(seen:size(1), 1):fill(-1 / seen:size(1))
  actor.gradients:zero()
  actor.net:backward(seen, critic:updateGradInput(input, up)[2])
  self:descend(actor.gradients, actor.parameters, actor.state, self.config.rate)
end

-- -- TD3 --------------------------------------------------------------------------------------------------------------

local TD3 = torch.class('rl.TD3', 'rl.DDPG', package)

TD3.name = 'td3'
TD3.defaults = OffPolicy.like(DDPG.defaults, { critics = 2, delay = 2, smoothing = .2 })

return package
