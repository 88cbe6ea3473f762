--- Layers that compare their input with prototypes they learn.
-- @module tocha.nn.distance
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'

local function define(name, init, forward)
  local class, parent = torch.class(name, 'nn.Module', nn)
  class.__init = function(self, ...)
    parent.__init(self)
    init(self, ...)
    self:reset()
  end
  function class:reset(deviation)
    parameter.uniform(self, deviation, self.weight:size(1))
  end
  derive(class, function(self, input)
    local output = forward(self, input:dim() == 1 and input:view(1, -1) or input)
    return input:dim() == 1 and output:view(-1) or output
  end)
  return class
end

local function rowNorm(t) return torch.add(torch.sqrt(torch.sum(torch.square(t), 2)), 1e-12) end

-- y_j = cos(w_j, x): W (outputSize, inputSize)
define('nn.Cosine', function(self, inputSize, outputSize)
  parameter.new(self, 'weight', outputSize, inputSize)
end, function(self, x)
  return torch.cdiv(torch.cdiv(x * self.weight:t(), rowNorm(self.weight):view(1, -1)), rowNorm(x):view(-1, 1))
end)

-- (N, in, 1) - (1, in, out)
local function differences(x, weight)
  return x:contiguous():view(x:size(1), x:size(2), 1) - weight:view(1, weight:size(1), weight:size(2))
end

local function length(t)
  return torch.sqrt(torch.add(torch.sum(torch.square(t), 2), 1e-18)):view(t:size(1), t:size(3))
end

-- y_j = |x - w_j|: W (inputSize, outputSize)
define('nn.Euclidean', function(self, inputSize, outputSize)
  parameter.new(self, 'weight', inputSize, outputSize)
end, function(self, x) return length(differences(x, self.weight)) end)

-- y_j = |c_j (x - w_j)|: W and C (inputSize, outputSize)
local Weighted = define('nn.WeightedEuclidean', function(self, inputSize, outputSize)
  parameter.new(self, 'weight', inputSize, outputSize)
  parameter.new(self, 'diagCov', inputSize, outputSize)
  self.diagCov:fill(1)
end, function(self, x)
  local c = self.diagCov
  return length(torch.cmul(differences(x, self.weight), c:view(1, c:size(1), c:size(2))))
end)

function Weighted:parameters()
  return { self.weight, self.diagCov }, { self.gradWeight, self.gradDiagCov }
end
