--- Weights as length times direction: w = g v / |v| (Salimans and Kingma 2016).
-- @module tocha.nn.weightnorm
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local parameter = require 'tocha.nn.parameter'
local glue = require 'tocha.bindings.module'
local raise = require 'tocha.bindings.own'.raise

-- (module [, outputDim]): a module with a weight; every entry of its dimension outputDim (1) has a length of its own.
-- Parameters v (n, rest), g (n, 1) and the module's bias.
local WeightNorm, weightNorm = torch.class('nn.WeightNorm', 'nn.Decorator', nn)
local EPS = 1e-4 -- |v| is sqrt(v v' + EPS)

function WeightNorm:__init(module, outputDim)
  weightNorm.__init(self, module)
  if not torch.isTensor(module.weight) then
    raise(('nn.WeightNorm: a module with a weight is wanted, but %s has none'):format(torch.type(module)))
  end
  self.outputDim, self.weightSize = outputDim or 1, module.weight:size()
  self.weight, self.gradWeight, self.bias, self.gradBias = module.weight, module.gradWeight, module.bias, module.gradBias
  local n = module.weight:size(self.outputDim)
  self.viewIn = torch.LongStorage { n, module.weight:nElement() / n }
  parameter.new(self, 'v', self.viewIn)
  parameter.new(self, 'g', n, 1)
  self:resetInit()
end

function WeightNorm:resetInit()
  self.v:normal(0, math.sqrt(2 / self.viewIn[2]))
  self.g:copy(torch.norm(self.v, 2, 2))
  if self.bias then self.bias:zero() end
end

-- The dimensions with outputDim first.
local function rowOrder(self, dims)
  local order = { self.outputDim }
  for d = 1, dims do
    if d ~= self.outputDim then order[#order + 1] = d end
  end
  return order
end

local function rows(self, t) return F.permute(t, rowOrder(self, t:dim())) end

local function lengths(v) return torch.sqrt(torch.add(torch.sum(torch.square(v), 2), EPS)) end

-- The weight (n, rest) of directions and lengths.
local function product(v, g) return torch.cmul(v, torch.cdiv(F.reshape(g, { -1, 1 }), lengths(v))) end

function WeightNorm:updateWeight()
  if not self.weight then -- files of Torch7 leave it out
    local module = self.modules[1]
    module.weight, module.gradWeight = self.v.new(self.weightSize), self.v.new(self.weightSize):zero()
    self.weight, self.gradWeight = module.weight, module.gradWeight
  end
  local target = rows(self, self.weight)
  target:copy(product(self.v, self.g):viewAs(target))
end

-- The module runs with the weight that the tape has.
function WeightNorm:compute(input)
  local weight = product(glue.leaf(self.v, self.gradV), glue.leaf(self.g, self.gradG))
  local size, order, back = rows(self, self.weight):size():totable(), rowOrder(self, self.weight:dim()), {}
  for i, d in ipairs(order) do back[d] = i end
  local module = self.modules[1]
  local kept, gradient = module.weight, module.gradWeight
  module.weight, module.gradWeight = F.permute(F.reshape(weight, size), back):contiguous(), nil
  local ok, output = pcall(nn.call, module, input)
  module.weight, module.gradWeight = kept, gradient
  if not ok then error(output, 0) end
  return output
end

-- Evaluation computes the weight once.
function WeightNorm:evaluate()
  if self.train ~= false then
    self:updateWeight()
    weightNorm.evaluate(self)
  end
end

function WeightNorm:updateOutput(input)
  if self.train ~= false or not self.weight then self:updateWeight() end
  local output = weightNorm.updateOutput(self, input)
  return output
end

-- dL/dg = w' v / |v|, dL/dv = g w' / |v| - g (w' v) v / |v|^3, with w' the gradient of the weight
function WeightNorm:accGradParameters(input, gradOutput, scale)
  self.gradWeight:zero()
  self.modules[1]:accGradParameters(input, gradOutput, scale or 1)
  local gradient, length = rows(self, self.gradWeight):clone():view(self.viewIn), lengths(self.v)
  local along, g = torch.cdiv(torch.sum(torch.cmul(gradient, self.v), 2), length), self.g:view(-1, 1)
  self.gradG:view(-1):add(along:view(-1))
  local factor = torch.cdiv(g, length)
  self.gradV:add(torch.cmul(gradient, factor))
  self.gradV:add(-1, torch.cmul(self.v, torch.cdiv(torch.cmul(factor, along), length)))
end

function WeightNorm:accUpdateGradParameters(...)
  nn.Module.sharedAccUpdateGradParameters(self, ...)
end

function WeightNorm:parameters()
  if not self.bias then return { self.v, self.g }, { self.gradV, self.gradG } end
  return { self.v, self.g, self.bias }, { self.gradV, self.gradG, self.gradBias }
end

WeightNorm.zeroGradParameters, WeightNorm.updateParameters =
  nn.Module.zeroGradParameters, nn.Module.updateParameters
derive.seal(WeightNorm)

-- -- a linear layer of its own ---------------------------------------------------------------------------------------

-- (inputSize, outputSize [, bias [, eps]]): nn.Linear with such weights; parameters v (out, in), g (out, 1) and bias.
-- A |v| below eps counts as eps. `weight` is that of the last pass.
local Linear = torch.class('nn.LinearWeightNorm', 'nn.Linear', nn)

function Linear:__init(inputSize, outputSize, bias, eps)
  nn.Module.__init(self)
  self.inputSize, self.outputSize, self.eps = inputSize, outputSize, eps or 1e-16
  parameter.new(self, 'v', outputSize, inputSize)
  parameter.new(self, 'g', outputSize, 1)
  self.weight = torch.Tensor(outputSize, inputSize)
  if bias ~= false then parameter.new(self, 'bias', outputSize) end
  self:reset()
end

function Linear:reset(deviation)
  parameter.uniform(self, deviation, self.inputSize)
  return self:initFromWeight()
end

--- Takes length and direction from a weight (its own).
function Linear:initFromWeight(weight)
  weight = weight or self.weight
  self.g:copy(torch.norm(weight, 2, 2)):clamp(self.eps, math.huge)
  self.v:copy(weight)
  return self
end

local function weightOf(self)
  local length = torch.clamp(torch.sqrt(torch.sum(torch.square(self.v), 2)), self.eps, math.huge)
  return torch.cmul(self.v, torch.cdiv(self.g, length))
end

derive(Linear, function(self, input)
  local weight = weightOf(self)
  self.weight = weight:detach()
  return F.linear(input, weight, self.bias)
end)

function Linear:updateWeightMatrix() self.weight = weightOf(self) end

--- An nn.Linear as one of these.
function Linear.fromLinear(linear)
  local module = nn.LinearWeightNorm(linear.weight:size(2), linear.weight:size(1), linear.bias ~= nil)
  module.weight:copy(linear.weight)
  if linear.bias then module.bias:copy(linear.bias) end
  return module:initFromWeight()
end

--- The same layer as an nn.Linear.
function Linear:toLinear()
  local linear = nn.Linear(self.inputSize, self.outputSize, self.bias ~= nil)
  linear.weight:copy(weightOf(self))
  if self.bias then linear.bias:copy(self.bias) end
  return linear
end

function Linear:accUpdateGradParameters(...) nn.Module.sharedAccUpdateGradParameters(self, ...) end

Linear.parameters = WeightNorm.parameters

function Linear:__tostring__()
  return ('%s(%d -> %d)%s'):format(torch.type(self), self.inputSize, self.outputSize,
    self.bias and '' or ' without bias')
end
