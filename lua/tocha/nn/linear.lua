--- Layers with one weight for every pair of input and output, or for every element.
-- @module tocha.nn.linear
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local parameter = require 'tocha.nn.parameter'
local takes = require 'tocha.nn.takes'

-- y = x W' + b: x (inputSize) or (N, inputSize), W (outputSize, inputSize)
local Linear, linear = torch.class('nn.Linear', 'nn.Module', nn)

function Linear:__init(inputSize, outputSize, bias)
  linear.__init(self)
  parameter.new(self, 'weight', outputSize, inputSize)
  if bias ~= false then parameter.new(self, 'bias', outputSize) end
  self:reset()
end

function Linear:reset(deviation)
  parameter.uniform(self, deviation, self.weight:size(2))
  return self
end

Linear.noBias = parameter.noBias
derive(Linear, 'linear(input, self.weight, self.bias)')

function Linear:__tostring__()
  return ('%s(%d -> %d)%s'):format(torch.type(self), self.weight:size(2), self.weight:size(1),
    self.bias and '' or ' without bias')
end

-- y_k = x1' W_k x2 + b_k: {(N, inputSize1), (N, inputSize2)}, W (outputSize, inputSize1, inputSize2)
local Bilinear, bilinear = torch.class('nn.Bilinear', 'nn.Module', nn)

function Bilinear:__init(inputSize1, inputSize2, outputSize, bias)
  bilinear.__init(self)
  parameter.new(self, 'weight', outputSize, inputSize1, inputSize2)
  if bias ~= false then parameter.new(self, 'bias', outputSize) end
  self.gradInput = { torch.Tensor(), torch.Tensor() }
  self:reset()
end

function Bilinear:reset(deviation)
  parameter.uniform(self, deviation, self.weight:size(2))
  return self
end

derive(Bilinear, takes.list(2, function(self, input)
  local x, y, w = input[1], input[2], self.weight
  local n, k, p, q = x:size(1), w:size(1), w:size(2), w:size(3)
  local projected = torch.view(x * torch.reshape(torch.permute(w, 2, 1, 3), p, k * q), n, k, q)
  local output = torch.sum(torch.cmul(projected, torch.view(y, n, 1, q)), 3)
  output = torch.view(output, n, k)
  return self.bias and torch.add(output, self.bias) or output
end))

function Bilinear:__tostring__()
  return ('%s(%dx%d -> %d) %s'):format(torch.type(self), self.weight:size(2), self.weight:size(3), self.weight:size(1),
    self.bias and '' or ' without bias')
end

-- -- one weight per element -----------------------------------------------------------------------------------------

-- The sizes a constructor got as numbers or as a LongStorage.
local function sizes(...)
  local first = ...
  if type(first) == 'number' then return torch.LongStorage { ... } end
  return torch.LongStorage(first:size()):copy(first)
end

-- op(input, value): value has the input's elements, or those of one example, or sizes that fit the input's, or an
-- example's where that has more dimensions.
local function paired(op, input, value)
  local count = value:nElement()
  if count == input:nElement() then return op(input, F.reshape(value, input:size():totable())) end
  if value:dim() ~= input:dim() and count * input:size(1) == input:nElement() then
    return F.reshape(op(F.reshape(input, { input:size(1), count }), F.reshape(value, { 1, count })),
      input:size():totable())
  end
  if value:dim() >= input:dim() then return op(input, value) end
  return op(input, F.reshape(value, { 1, unpack(value:size():totable()) }))
end

-- (sizes...): the input times a weight for each element of these sizes; sizes of 1 are stretched
local CMul, cmul = torch.class('nn.CMul', 'nn.Module', nn)

function CMul:__init(...)
  cmul.__init(self)
  self.size = sizes(...)
  parameter.new(self, 'weight', self.size)
  self:reset()
end

function CMul:reset(deviation)
  parameter.uniform(self, deviation, self.weight:nElement())
end

derive(CMul, function(self, input) return paired(torch.cmul, input, self.weight) end)

-- (sizes...): the input plus a bias for each element of these sizes; sizes of 1 are stretched
local CAdd, cadd = torch.class('nn.CAdd', 'nn.Module', nn)

function CAdd:__init(...)
  cadd.__init(self)
  self.size = sizes(...)
  parameter.new(self, 'bias', self.size)
  self:reset()
end

function CAdd:reset(deviation)
  parameter.uniform(self, deviation, self.bias:nElement())
end

derive(CAdd, function(self, input) return paired(torch.add, input, self.bias) end)

-- A bias per element of an example, or one for all (scalar).
local Add, add = torch.class('nn.Add', 'nn.Module', nn)

function Add:__init(inputSize, scalar)
  add.__init(self)
  self.scalar = scalar
  parameter.new(self, 'bias', scalar and 1 or inputSize)
  self:reset()
end

function Add:reset(deviation)
  parameter.uniform(self, deviation, self.bias:size(1))
end

derive(Add, function(self, input)
  if self.bias:size(1) == 1 then return torch.add(input, self.bias) end
  local bias, size = self.bias, input:size():totable()
  if size[1] ~= bias:size(1) or input:nElement() ~= bias:nElement() then size[1] = 1 end
  return torch.add(input, torch.view(bias, unpack(size)))
end)

-- One factor for everything.
local Mul, mul = torch.class('nn.Mul', 'nn.Module', nn)

function Mul:__init()
  mul.__init(self)
  parameter.new(self, 'weight', 1)
  self:reset()
end

function Mul:reset(deviation)
  parameter.uniform(self, deviation, 1)
end

derive(Mul, function(self, input) return torch.cmul(input, self.weight) end)
