--- Weights of spectral norm 1: w / s, with s the largest singular value of w as a matrix (Miyato et al. 2018).
-- @module tocha.nn.spectralnorm
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local glue = require 'tocha.bindings.module'
local raise = require 'tocha.bindings.own'.raise

-- (module [, steps]): a module with a weight (n, ...), which is read as a matrix (n, rest). A pass in training makes `steps` (1)
-- steps of the power method on the singular vectors u (n) and v (rest); s = u' w v, u and v being constants to the gradient.
-- Parameters are the module's own.
local SpectralNorm, spectral = torch.class('tocha.SpectralNorm', 'nn.Decorator', nn)
local least = 1e-12 -- length of a vector that is divided by

local function direction(t) return t:div(math.max(t:norm(), least)) end

function SpectralNorm:__init(module, steps)
  spectral.__init(self, module)
  if not torch.isTensor(module.weight) or module.weight:dim() < 2 then
    raise(('nn.SpectralNorm: a module with a matrix of weights is wanted, but %s has none'):format(torch.type(module)))
  end
  self.weight, self.gradWeight, self.bias, self.gradBias = module.weight, module.gradWeight, module.bias, module.gradBias
  module.weight, module.gradWeight = self.weight:clone(), self.gradWeight:clone()
  self.steps = steps or 1
  local w = self:matrix()
  self.u, self.v = direction(w.new(w:size(1)):normal()), w.new(w:size(2))
  self:iterate(10)
end

function SpectralNorm:matrix() return self.weight:view(self.weight:size(1), -1) end

--- Makes steps of the power method.
function SpectralNorm:iterate(steps)
  local w = self:matrix()
  for _ = 1, steps do
    self.v:mv(w:t(), self.u)
    self.u:mv(w, direction(self.v))
    direction(self.u)
  end
end

local function turn(self)
  if self.train ~= false then self:iterate(self.steps) end
end

--- The estimate of the largest singular value.
function SpectralNorm:norm() return self.u:dot(torch.mv(self:matrix(), self.v)) end

-- The module runs with the weight that the tape has.
function SpectralNorm:compute(input)
  turn(self)
  local module, weight = self.modules[1], glue.leaf(self.weight, self.gradWeight)
  local turned = F.mv(F.reshape(weight, { self.u:size(1), -1 }), self.v:clone())
  local s = torch.sum(torch.cmul(turned, self.u:clone()))
  local kept, gradient = module.weight, module.gradWeight
  module.weight, module.gradWeight = torch.cdiv(weight, s), nil
  local ok, output = pcall(nn.call, module, input)
  module.weight, module.gradWeight = kept, gradient
  if not ok then error(output, 0) end
  return output
end

function SpectralNorm:updateOutput(input)
  turn(self)
  self.s = self:norm()
  self.modules[1].weight:copy(self.weight):div(self.s)
  local output = spectral.updateOutput(self, input)
  return output
end

-- dL/dw = (g - (g w / s) u v') / s, with g the gradient of w / s (equation 12 of the paper)
function SpectralNorm:accGradParameters(input, gradOutput, scale)
  local module = self.modules[1]
  local g = module.gradWeight:zero()
  module:accGradParameters(input, gradOutput, scale or 1)
  local along = g:dot(module.weight)
  self.gradWeight:add(1 / self.s, g)
  self.gradWeight:view(self.u:size(1), -1):addr(-along / self.s, self.u, self.v)
end

function SpectralNorm:accUpdateGradParameters(...) nn.Module.sharedAccUpdateGradParameters(self, ...) end

function SpectralNorm:parameters()
  if not self.bias then return { self.weight }, { self.gradWeight } end
  return { self.weight, self.bias }, { self.gradWeight, self.gradBias }
end

SpectralNorm.zeroGradParameters, SpectralNorm.updateParameters = nn.Module.zeroGradParameters, nn.Module.updateParameters
derive.seal(SpectralNorm)
