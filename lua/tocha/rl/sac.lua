--- Soft actor-critic (Haarnoja et al. 2018), its temperature learned.
-- @module tocha.rl.sac
local torch = require 'tocha'
local optim = require 'tocha.optim'
local F = require 'tocha.nn.functional'
local network = require 'tocha.rl.network'
local OffPolicy = require 'tocha.rl.offpolicy'
local raise = require 'tocha.bindings.own'.raise

local package = {}
local SAC = torch.class('rl.SAC', 'rl.OffPolicy', package)

SAC.name = 'sac'
SAC.defaults = {
  total = 20000, gamma = .98, hidden = '128,128', rate = 1e-3, batch = 64, replay = 20000, nsteps = 1, warmup = 1000,
  every = 1, updates = 1, tau = .005, critics = 2, clip = false,
  temperature = .1, -- to begin with
  entropy = 0, -- that the temperature aims at; 0: minus the size of an action
}

function SAC:__init(envs, config)
  OffPolicy.__init(self, envs, config)
  local c = self.config
  if c.critics ~= 2 then raise 'sac: critics must be 2' end
  self.actor = OffPolicy.learner(network.build(envs.observations, network.sizes(c.hidden), 2 * self.size))
  self.parameters = self.actor.parameters
  self.logTemperature = { value = torch.FloatTensor { math.log(c.temperature) }, gradient = torch.zeros(1):float(), state = {} }
end

-- The normal distribution that is squashed: means and deviations from e^-20 to e^2.
local function before(self, seen)
  local out = self.actor.net(seen)
  return out:narrow(2, 1, self.size), torch.clamp(out:narrow(2, self.size + 1, self.size), -20, 2)
end

-- Actions of [-1, 1] by reparameterisation, and the logarithms of their densities (N,1): those of the normal distribution
-- less log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2u)) (appendix C).
local function sample(self, seen)
  local mean, logStd = before(self, seen)
  local noise = torch.randn(mean:size(1), mean:size(2)):float()
  local u = mean + torch.cmul(noise, torch.exp(logStd))
  local normal = torch.square(noise) * -.5 - logStd - .5 * math.log(2 * math.pi)
  local stretch = (u + F.softplus(u * -2, 1, 20) - math.log(2)) * -2
  return torch.tanh(u), torch.sum(normal - stretch, 2):view(-1, 1)
end

function SAC:act(observations, explore)
  self:sees(observations)
  return torch.noGrad(function()
    if not explore then return self:toBounds(torch.tanh((before(self, observations)))) end
    if self.steps < self.config.warmup then return self:toBounds(self:random(self.envs)) end
    return self:toBounds((sample(self, observations)))
  end)
end

function SAC:update(batch)
  local temperature = math.exp(self.logTemperature.value[1])
  local target = torch.noGrad(function()
    local action, logp = sample(self, batch.next)
    return self:pessimist(batch.next, action) - logp * temperature
  end)
  target:cmul(batch.discount:view(-1, 1)):add(batch.reward:view(-1, 1))
  self:learnCritics(batch, self:fromBounds(batch.action), target)
  self:climb(batch.observation, temperature)
  self:follow(self.critics)
end

-- The slope by the action of the lesser of the critics' values, summed over the batch.
local function slope(self, seen, action)
  local input = { seen, action }
  local a, b = self.critics[1].net, self.critics[2].net
  local first = a:forward(input):le(b:forward(input)):typeAs(action)
  local up = a:updateGradInput(input, first)[2]
  return up:add(b:updateGradInput(input, first * -1 + 1)[2])
end

--- The actor goes up what the critics say plus the entropy; then the temperature follows the entropy (equations 7 and 18).
function SAC:climb(seen, temperature)
  local c, actor, n = self.config, self.actor, seen:size(1)
  local action, logp = sample(self, seen)
  local up = slope(self, seen, action:detach())
  actor.gradients:zero()
  local loss = torch.mean(logp) * temperature - torch.sum(torch.cmul(action, up)) / n
  loss:backward()
  self:descend(actor.gradients, actor.parameters, actor.state, c.rate)
  local aim, t = c.entropy ~= 0 and c.entropy or -self.size, self.logTemperature
  t.gradient[1] = -(logp:detach():mean() + aim)
  optim.adam(function() return 0, t.gradient end, t.value, { learningRate = c.rate }, t.state)
end

return package.SAC
