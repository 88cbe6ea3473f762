--- Layers that draw random numbers while training.
-- @module tocha.nn.dropout
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local glue = require 'tocha.bindings.module'
local raise = require 'tocha.bindings.own'.raise

local function probability(self, p, name)
  if type(p) ~= 'number' or p < 0 or p >= 1 then
    raise(('%s: p is %s, but 0 <= p < 1 is needed'):format(name, tostring(p)))
  end
  self.p, self.train, self.noise = p, true, torch.Tensor()
end

local function noisy(self) return self.p > 0 and (self.train or self.stochastic_inference) end

local function setp(self, p)
  self.p = p
  return self
end

local function describe(self) return ('%s(%f)'):format(torch.type(self), self.p) end

local function clear(class, parent)
  function class:clearState()
    if self.noise then self.noise:set() end
    return parent.clearState(self)
  end
end

-- (p [, v1 [, inplace [, stochasticInference]]]): zeroes elements with probability p and scales the others by 1 / (1 -
-- p) while training; with v1 it scales by 1 - p while evaluating instead.
local Dropout, dropout = torch.class('nn.Dropout', 'nn.Module', nn)

function Dropout:__init(p, v1, inplace, stochasticInference)
  dropout.__init(self)
  probability(self, p == nil and 0.5 or p, 'nn.Dropout')
  self.inplace, self.v2, self.stochastic_inference = inplace, not v1, stochasticInference or false
end

derive(Dropout, 'self.output, self.noise = dropout(input, self.p, self.v2)')

-- Without noise there is at most a factor.
local function quiet(self, t) return self.v2 and t or torch.mul(t, 1 - self.p) end

local training = {
  updateOutput = Dropout.updateOutput, updateGradInput = Dropout.updateGradInput, compute = Dropout.compute,
}

function Dropout:updateOutput(input)
  if noisy(self) then
    if self.inplace then
      self.output, self.quiet = glue.need(input).new():set(glue.constant(input)), true
    elseif self.quiet then -- what an evaluation left is the input itself
      self.output, self.quiet = glue.need(input).new(), nil
    end
    return training.updateOutput(self, input)
  end
  self.output, self.quiet = quiet(self, input), true
  return self.output
end

function Dropout:updateGradInput(input, gradOutput)
  if noisy(self) then
    if self.quietGrad then self.gradInput, self.quietGrad = glue.need(input).new(), nil end
    return training.updateGradInput(self, input, gradOutput)
  end
  self.gradInput, self.quietGrad = quiet(self, gradOutput), true
  return self.gradInput
end

function Dropout:compute(input)
  if noisy(self) then return training.compute(self, input) end
  return quiet(self, input)
end

derive.seal(Dropout)
Dropout.setp, Dropout.__tostring__ = setp, describe
clear(Dropout, dropout)

-- (p [, stochasticInference]): zeroes whole feature maps with probability p while training, multiplies by 1 - p while
-- evaluating. Input (C, H, W) or (N, C, H, W); with `dims` other counts of dimensions per map.
local function mapDropout(name, dims)
  local class, parent = torch.class(name, 'nn.Module', nn)

  function class:__init(p, stochasticInference)
    parent.__init(self)
    probability(self, p == nil and 0.5 or p, name)
    self.stochastic_inference = stochasticInference or false
  end

  derive(class, function(self, input)
    if not noisy(self) then return torch.mul(input, self.p > 0 and 1 - self.p or 1) end
    local size = input:size()
    for d = input:dim(), input:dim() - dims + 1, -1 do size[d] = 1 end
    self.noise = input.new(size):bernoulli(1 - self.p)
    return torch.cmul(input, self.noise)
  end)
  class.setp, class.__tostring__ = setp, describe
  clear(class, parent)
end

-- (p = 0.5): whole planes are dropped; what stays is not scaled up in training, but down by 1 - p in evaluation, as in Torch7
mapDropout('nn.SpatialDropout', 2)
mapDropout('nn.VolumetricDropout', 3)

-- Adds normal noise while training.
local WhiteNoise, whiteNoise = torch.class('nn.WhiteNoise', 'nn.Module', nn)

function WhiteNoise:__init(mean, deviation)
  whiteNoise.__init(self)
  self.mean, self.std, self.train = mean or 0, deviation or 0.1, true
end

function WhiteNoise:__tostring__()
  return ('%s mean: %f, std: %f'):format(torch.type(self), self.mean, self.std)
end

derive(WhiteNoise, function(self, input)
  if not self.train then return input end
  return torch.add(input, input.new(input:size()):normal(self.mean, self.std))
end)
