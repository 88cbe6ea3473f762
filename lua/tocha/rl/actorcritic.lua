--- Actor and critic from rollouts: REINFORCE (Williams 1992), A2C (Mnih et al. 2016) and PPO (Schulman et al. 2017).
--
-- A rollout is `horizon` steps of all environments. Its advantages are estimated as in Schulman et al. 2016 (GAE), then each
-- algorithm learns from it in its own way, and it is forgotten.
-- @module tocha.rl.actorcritic
local torch = require 'tocha'
local nn = require 'tocha.nn'
local Agent = require 'tocha.rl.agent'
local Normalizer = require 'tocha.rl.normalizer'
local network = require 'tocha.rl.network'
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise
local policy = require 'tocha.rl.policy'

local package = {}
local ActorCritic = torch.class('rl.ActorCritic', 'rl.Agent', package)

function ActorCritic:__init(envs, config)
  Agent.__init(self, envs, config)
  local c = self.config
  self.discrete = torch.type(envs.actions) == 'rl.Discrete'
  local hidden = network.sizes(c.hidden)
  local outputs = envs.actions:size()
  self.actor = network.scaleLast(network.build(envs.observations, hidden, outputs, c.activation), .01)
  self.critic = network.build(envs.observations, hidden, 1, c.activation)
  self.both = nn.ConcatTable():add(self.actor):add(self.critic)
  if not self.discrete then -- the logarithms of the deviations, whatever is seen
    self.spread, self.origin = nn.Add(outputs), torch.zeros(1, outputs):float()
    self.spread.bias:fill(c.logStd)
    self.both:add(self.spread)
  end
  self.parameters, self.gradients = self.both:float():getParameters()
  if c.normalize and torch.type(envs.observations) == 'rl.Box' then self.seen = Normalizer(envs.observations:size()) end
  if c.normalize then self.gains, self.gain = Normalizer(1), torch.zeros(envs.n):float() end
  self.optimState, self.rollout = {}, {}
end

-- The policy for observations, off or on the tape.
local function policyOf(self, observations)
  local out = self.actor(observations)
  if self.discrete then return policy.categorical(out) end
  return policy.gaussian(out, self.spread(self.origin))
end

local function looked(self, observations) return self.seen and self.seen:apply(observations) or observations end

local function valueOf(self, observations) return self.critic(observations):view(-1) end

--- Actions of a Box are cut off at its bounds for the environment; learning goes by what was drawn.
function ActorCritic:act(observations, explore)
  self:sees(observations)
  return torch.noGrad(function()
    if self.seen and explore then self.seen:add(observations) end
    local now = policyOf(self, looked(self, observations))
    local action = explore and now:sample() or now:best()
    if explore then self.drawn, self.logp = action, now:logProb(action) end
    return self.discrete and action or self.actions:clip(action)
  end)
end

-- Rewards in units of the deviation of their discounted sums.
local function scaled(self, step)
  if not self.gains then return step.reward end
  self.gain:mul(self.config.gamma):add(step.reward)
  self.gains:add(self.gain:view(-1, 1))
  self.gain:cmul(torch.add(torch.cmax(step.terminated, step.truncated) * -1, 1))
  return torch.div(step.reward, self.gains:deviation()[1]):clamp(-10, 10)
end

function ActorCritic:learn(step)
  self:took(step)
  if not self.drawn then raise(self.name .. ': learn wants a step of actions that act(observations, true) gave') end
  torch.noGrad(function()
    local reward = scaled(self, step)
    local last = looked(self, step.next)
    if step.truncated:max() > 0 then -- what would have followed counts, though the episode is cut here
      local cut = torch.cmul(step.truncated, torch.add(step.terminated * -1, 1))
      reward = reward + torch.cmul(cut, valueOf(self, last)) * self.config.gamma
    end
    local seen = looked(self, step.observation)
    self.rollout[#self.rollout + 1] = { observation = seen, action = self.drawn, logp = self.logp, reward = reward,
      value = valueOf(self, seen), live = torch.add(torch.cmax(step.terminated, step.truncated) * -1, 1) }
  end)
  self:advance()
  if not self:full(step) then return end
  local batch = self:estimate(looked(self, step.seen))
  self.rollout = {}
  self:update(batch)
end

--- Whether it is time to learn from the rollout, which ends with this step.
function ActorCritic:full(_) return #self.rollout >= self.config.horizon end

-- One tensor of the entries' fields, steps first: (T * N, ...).
local function joined(rollout, name)
  local list = {}
  for t, entry in ipairs(rollout) do list[t] = entry[name] end
  return torch.cat(list, 1)
end

--- The rollout as a batch with advantages and returns: A_t = delta_t + gamma lambda A_{t+1}, with delta_t = r_t + gamma
-- V_{t+1} - V_t (Schulman et al. 2016, equation 16).
function ActorCritic:estimate(seen)
  return torch.noGrad(function()
    local c, rollout = self.config, self.rollout
    local following, advantage = valueOf(self, seen), torch.zeros(self.envs):float()
    for t = #rollout, 1, -1 do
      local entry = rollout[t]
      local delta = torch.cmul(following, entry.live):mul(c.gamma):add(entry.reward):add(-1, entry.value)
      advantage = torch.cmul(advantage, entry.live):mul(c.gamma * c.lambda):add(delta)
      entry.advantage, entry.target = advantage, advantage + entry.value
      following = entry.value
    end
    local batch = {}
    for _, name in ipairs { 'observation', 'action', 'logp', 'advantage', 'target' } do batch[name] = joined(rollout, name) end
    return batch
  end)
end

-- Advantages with mean 0 and deviation 1.
local function standard(x) return (x - x:mean()):div(x:std() + 1e-8) end

-- One step along the gradient of gain + value loss - entropy.
local function descend(self, batch, gain, now)
  local c = self.config
  local wrong = torch.mean(torch.square(valueOf(self, batch.observation) - batch.target))
  local loss = wrong * c.valueWeight - torch.mean(gain) - torch.mean(now:entropy()) * c.entropyWeight
  self.gradients:zero()
  loss:backward()
  self.loss = loss:item()
  Agent.descend(self, self.gradients, self.parameters, self.optimState, self:line(c.rate, c.lastRate))
end

--- With what observations are brought to scale by.
function ActorCritic:snapshot()
  return { parameters = self.parameters:clone(), seen = self.seen and self.seen:clone() }
end

function ActorCritic:adopt(kept)
  check(self.name, 'the policy', 'table', kept)
  check(self.name, 'the policy', { parameters = 'tensor', seen = self.seen and 'rl.Normalizer' }, kept)
  self.parameters:copy(kept.parameters)
  if self.seen then self.seen = kept.seen:clone() end
end

-- -- A2C ------------------------------------------------------------------------------------------------------------

local A2C = torch.class('rl.A2C', 'rl.ActorCritic', package)

A2C.name = 'a2c'
A2C.defaults = {
  total = 100000, gamma = .99, lambda = 1, hidden = '64,64', activation = 'tanh', rate = 7e-4, lastRate = 0, clip = .5,
  horizon = 5, valueWeight = .5, entropyWeight = 0, logStd = 0, normalize = false,
}

function A2C:update(batch)
  local now = policyOf(self, batch.observation)
  descend(self, batch, torch.cmul(now:logProb(batch.action), batch.advantage), now)
end

-- -- REINFORCE ------------------------------------------------------------------------------------------------------

local Reinforce = torch.class('rl.Reinforce', 'rl.A2C', package)

local longest = 1000 -- steps, if no episode ends

-- Whole episodes and lambda = 1: the advantage is what came of an action less what was expected (Sutton and Barto 2018,
-- section 13.4).
Reinforce.name = 'reinforce'
Reinforce.defaults = Agent.like(A2C.defaults, { lambda = 1, rate = 2e-3, horizon = 4 }) -- horizon: episodes

function Reinforce:full(step)
  self.ended = (self.ended or 0) + torch.cmax(step.terminated, step.truncated):sum()
  if self.ended < self.config.horizon and #self.rollout < longest then return false end
  self.ended = 0
  return true
end

-- -- PPO ------------------------------------------------------------------------------------------------------------

local PPO = torch.class('rl.PPO', 'rl.ActorCritic', package)

PPO.name = 'ppo'
PPO.defaults = {
  total = 100000, gamma = .98, lambda = .8, hidden = '64,64', activation = 'tanh', rate = 1e-3, lastRate = 0, clip = .5,
  horizon = 32, batch = 256, epochs = 20, range = .2, lastRange = .02, valueWeight = .5, entropyWeight = 0, logStd = 0,
  normalize = false,
}

--- Several passes over the rollout; a policy gains nothing by going further than `range` from the one that acted
-- (Schulman et al. 2017, equation 7).
function PPO:update(whole)
  local c, n = self.config, whole.logp:size(1)
  local range = self:line(c.range, c.lastRange)
  for _ = 1, c.epochs do
    local order = torch.randperm(n):long()
    for first = 1, n, c.batch do
      local index, batch = order:narrow(1, first, math.min(c.batch, n - first + 1)), {}
      for name, rows in pairs(whole) do batch[name] = rows:index(1, index) end
      local now, advantage = policyOf(self, batch.observation), standard(batch.advantage)
      local ratio = torch.exp(now:logProb(batch.action) - batch.logp)
      local gain = torch.cmin(torch.cmul(ratio, advantage),
        torch.cmul(torch.clamp(ratio, 1 - range, 1 + range), advantage))
      descend(self, batch, gain, now)
    end
  end
end

return package
