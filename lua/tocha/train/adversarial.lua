--- What a generator and a critic learn from: losses of what the critic puts out, and the gradient penalty.
--
-- A loss is a table of three functions of outputs (N,1), without a sigmoid, on the tape: `real` and `fake` for the critic, who
-- wants the sum of both small, and `generator`. `steps` of the critic are made for one of the generator, and `penalty` is the
-- weight of the gradient penalty, none if it is absent.
-- @module tocha.train.adversarial
local torch = require 'tocha'
local F = require 'tocha.nn.functional'

local adversarial = { losses = {} }

local function softplus(x) return F.softplus(x, 1, 20) end

-- Goodfellow et al. 2014: log likelihoods; the generator's is the one that does not saturate.
adversarial.losses.bce = {
  steps = 1,
  real = function(out) return torch.mean(softplus(out * -1)) end,
  fake = function(out) return torch.mean(softplus(out)) end,
  generator = function(out) return torch.mean(softplus(out * -1)) end,
}

local function least(out) return torch.mean(out) * -1 end

-- Lim and Ye 2017.
adversarial.losses.hinge = {
  steps = 1,
  real = function(out) return torch.mean(F.relu(out * -1 + 1)) end,
  fake = function(out) return torch.mean(F.relu(out + 1)) end,
  generator = least,
}

-- Gulrajani et al. 2017: the difference of means, minus its estimate of the distance of Wasserstein.
adversarial.losses['wgan-gp'] = { steps = 5, penalty = 10, real = least, fake = torch.mean, generator = least }

--- A loss of outputs and its gradient by them.
-- @treturn number
-- @treturn tensor
function adversarial.slope(loss, output)
  local leaf = output:detach():requiresGrad(true)
  local value = loss(leaf)
  value:backward()
  return value:item(), leaf.grad
end

--- (|d critic(x) / dx| - 1)^2, averaged over points x between real and made inputs (Gulrajani et al. 2017, equation 3); it stays on
-- the tape, and its backward reaches the critic's parameters by second derivatives.
-- @tparam function critic of inputs (N,...) to (N,1)
-- @tparam tensor real (N,...)
-- @tparam tensor fake (N,...)
function adversarial.gradientPenalty(critic, real, fake)
  local n, size = real:size(1), real:size():fill(1)
  size[1] = n
  local share = torch.rand(n):typeAs(real):view(size):expandAs(real)
  local x = torch.cmul(share, real - fake):add(fake):detach():requiresGrad(true)
  local slope = torch.grad(torch.sum(critic(x)), { x }, { createGraph = true })[1]
  local length = torch.sqrt(torch.sum(torch.square(slope:view(n, -1)), 2) + 1e-12)
  return torch.mean(torch.square(length - 1))
end

return adversarial
