--- Policies as distributions over actions, on the tape.
--
-- A policy is made of what a network puts out: Categorical of logits (N,n), Gaussian of means (N,A) and the logarithms (1,A) of
-- the deviations. sample() and best() give actions as an environment's space has them; logProb(actions) and entropy() are (N).
-- @module tocha.rl.policy
local torch = require 'tocha'

local policy = {}

-- -- choices --------------------------------------------------------------------------------------------------------

local Categorical = {}
Categorical.__index = Categorical

function policy.categorical(logits)
  return setmetatable({ logp = torch.logSoftmax(logits, 2) }, Categorical)
end

--- Actions (N) by Gumbel's draw: the largest of log p + noise.
function Categorical:sample()
  local noise = torch.rand(self.logp:size(1), self.logp:size(2)):typeAs(self.logp):clamp(1e-20, 1):log():mul(-1):log()
  local _, action = (self.logp - noise):max(2)
  return action:view(-1)
end

function Categorical:best()
  local _, action = self.logp:max(2)
  return action:view(-1)
end

function Categorical:logProb(actions)
  return self.logp:gather(2, actions:view(-1, 1)):view(-1)
end

function Categorical:entropy()
  return torch.sum(torch.cmul(torch.exp(self.logp), self.logp), 2):view(-1) * -1
end

-- -- normal ---------------------------------------------------------------------------------------------------------

local Gaussian = {}
Gaussian.__index = Gaussian

--- @tparam tensor mean (N,A)
-- @tparam tensor logStd (1,A)
function policy.gaussian(mean, logStd)
  return setmetatable({ mean = mean, logStd = logStd:expandAs(mean) }, Gaussian)
end

function Gaussian:sample()
  local noise = torch.randn(self.mean:size(1), self.mean:size(2)):typeAs(self.mean)
  return noise:cmul(torch.exp(self.logStd)):add(self.mean)
end

function Gaussian:best() return self.mean end

local halfLog2Pi = .5 * math.log(2 * math.pi)

function Gaussian:logProb(actions)
  local off = torch.cmul(actions - self.mean, torch.exp(self.logStd * -1))
  return torch.sum(torch.square(off) * -.5 - self.logStd, 2):view(-1) - halfLog2Pi * self.mean:size(2)
end

function Gaussian:entropy()
  return torch.sum(self.logStd, 2):view(-1) + (halfLog2Pi + .5) * self.mean:size(2)
end

return policy
