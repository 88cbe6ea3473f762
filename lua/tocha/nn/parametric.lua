--- Transfer functions with parameters, with noise, or with a say in the gradient.
-- @module tocha.nn.parametric
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'
local F = require 'tocha.nn.functional'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

local define = derive.class

-- A vector of one value per plane, beside (C), (N, C), (C, H, W) or (N, C, H, W); as it is for a single value.
local function perPlane(vector, input)
  if vector:size(1) == 1 then return vector end
  local size = {}
  for d = 1, input:dim() do size[d] = 1 end
  size[input:dim() % 2 == 0 and 2 or 1] = vector:size(1)
  return vector:view(torch.LongStorage(size))
end

-- ([nOutputPlane]): max(0, x) + a min(0, x), one a for all or one per plane
local PReLU = define('nn.PReLU', function(self, nOutputPlane)
  self.nOutputPlane = nOutputPlane or 0
  parameter.new(self, 'weight', nOutputPlane or 1)
  self:reset()
end, function(self, input)
  local negative = torch.cmul(perPlane(self.weight, input), torch.mul(F.relu(torch.mul(input, -1)), -1))
  return F.relu(input) + negative
end)

function PReLU:reset() self.weight:fill(0.25) end

-- (lower, upper): the slope for negative x is drawn per element while training, their mean while evaluating
local RReLU = define('nn.RReLU', function(self, lower, upper, inplace)
  self.lower, self.upper, self.inplace, self.train = lower or 1 / 8, upper or 1 / 3, inplace or false, true
  if self.lower > self.upper or self.lower < 0 then raise('nn.RReLU: 0 <= lower <= upper is needed') end
  self.noise = torch.Tensor()
end, function(self, input)
  if not self.train then return F.leaky_relu(input, (self.lower + self.upper) / 2) end
  self.noise = input.new(input:size()):uniform(self.lower, self.upper)
  return F.relu(input) - torch.cmul(self.noise, F.relu(torch.mul(input, -1)))
end)

function RReLU:__tostring__()
  return ('%s (l:%f, u:%f)'):format(torch.type(self), self.lower, self.upper)
end

-- ([dim]): the first half of a dimension times the sigmoid of the second
define('nn.GatedLinearUnit', function(self, dim) self.dim = dim end, function(self, input)
  local dim = self.dim or input:dim()
  local half = input:size(dim) / 2
  if half % 1 ~= 0 then raise(('dimension %d has %d entries, which cannot be halved'):format(dim, half * 2)) end
  return torch.cmul(input:narrow(dim, 1, half), torch.sigmoid(input:narrow(dim, half + 1, half)))
end)

-- -- gradients of their own -----------------------------------------------------------------------------------------

-- Passes the input on; the gradient is what update(self, input, gradOutput) makes of it.
local function passing(name, init, update)
  local class, parent = torch.class(name, 'nn.Module', nn)
  class.__init = function(self, ...)
    parent.__init(self)
    if init then init(self, ...) end
  end
  function class:updateOutput(input)
    self.output = input
    return input
  end
  function class:updateGradInput(input, gradOutput)
    self.gradInput = update(self, input, gradOutput)
    return self.gradInput
  end
  return class
end

-- (lambda): -lambda times the gradient (Ganin and Lempitsky 2015)
local Reversal = passing('nn.GradientReversal', function(self, lambda) self.lambda = lambda or 1 end,
  function(self, _, gradOutput) return torch.mul(gradOutput, -self.lambda) end)

function Reversal:setLambda(lambda)
  self.lambda = lambda
  return self
end

-- the input forward, zeros backward
passing('nn.ZeroGrad', nil, function(_, input) return takes.tensor(input).new():resizeAs(input):zero() end)

-- (l1weight [, sizeAverage [, provideOutput]]): adds the gradient of l1weight * |x|_1
passing('nn.L1Penalty', function(self, l1weight, sizeAverage, provideOutput)
  self.l1weight = parameter.number(self, 'l1weight', l1weight)
  self.sizeAverage, self.provideOutput = sizeAverage or false, provideOutput ~= false
end, function(self, input, gradOutput)
  local weight = self.sizeAverage and self.l1weight / takes.tensor(input):nElement() or self.l1weight
  self.loss = weight * torch.abs(takes.tensor(input)):sum()
  local penalty = torch.mul(torch.sign(input), weight)
  return self.provideOutput and torch.add(penalty, gradOutput) or penalty
end)

-- -- constants and mixtures -----------------------------------------------------------------------------------------

-- (value [, nInputDim]): a constant, repeated over a batch
define('nn.Constant', function(self, value, nInputDim)
  if type(value) ~= 'number' and not torch.isTensor(value) then raise('nn.Constant: a tensor or a number is wanted') end
  self.value = type(value) == 'number' and torch.Tensor { value } or value
  self.nInputDim = nInputDim
end, takes.anything(function(self, input)
  if not (self.nInputDim and takes.tensor(input):dim() > self.nInputDim) then return self.value:clone() end
  local size = self.value:size():totable()
  table.insert(size, 1, 1)
  local view = self.value:view(torch.LongStorage(size))
  size[1] = input:size(1)
  return view:expand(torch.LongStorage(size)):clone()
end))

-- {gates (N, K), {expert1, ..., expertK}} or {gates, experts with K in dimension dim}: the experts weighted by the
-- gates
define('nn.MixtureTable', function(self, dim) self.dim, self.gradInput = dim, {} end, takes.anything(function(self, input)
  local gates, experts = takes.tensor(takes.entries(input)[1]), input[2]
  local batch = gates:dim() > 1
  if torch.isTensor(experts) then
    local dim, size = self.dim or (batch and 2 or 1), {}
    for d = 1, experts:dim() do size[d] = 1 end
    size[dim] = gates:size(gates:dim())
    if batch then size[1] = gates:size(1) end
    return torch.sum(torch.cmul(experts, gates:contiguous():view(torch.LongStorage(size))), dim):select(dim, 1)
  end
  local total
  for k, expert in ipairs(takes.tensors(experts, 1)) do
    local size = {}
    for d = 1, expert:dim() do size[d] = 1 end
    if batch then size[1] = gates:size(1) end
    local gate = gates:select(gates:dim(), k):contiguous():view(torch.LongStorage(size))
    local term = torch.cmul(expert, gate)
    total = total and total + term or term
  end
  return total
end))
