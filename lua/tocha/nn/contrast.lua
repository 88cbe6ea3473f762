--- Normalisation by the neighbourhood in an image, over all its planes (Jarrett et al. 2009): (N, C, H, W) or (C, H, W).
--
-- A kernel of odd sizes weighs the neighbours; as a vector it stands for its outer product with itself. Where it reaches
-- over the border, sums are divided by the part of it that lies inside.
-- @module tocha.nn.contrast
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local batch = require 'tocha.nn.example'.batch
local root = require 'tocha.nn.root'
local raise = require 'tocha.bindings.own'.raise

local function initialize(self, nInputPlane, kernel)
  self.nInputPlane = nInputPlane or 1
  self.kernel = kernel and kernel:clone() or torch.Tensor(9, 9):fill(1)
  local dims = self.kernel:dim()
  if (dims ~= 1 and dims ~= 2) or self.kernel:size(1) % 2 == 0 or self.kernel:size(dims) % 2 == 0 then
    raise(('%s: the kernel is a vector or a matrix of odd sizes'):format(torch.type(self)))
  end
end

-- The kernels to apply one after the other, (1, 1, height, width), each of sum 1.
local function kernels(self, like)
  local k = torch.div(self.kernel, self.kernel:sum()):typeAs(like)
  if k:dim() == 2 then return { k:view(1, 1, k:size(1), k:size(2)) } end
  return { k:view(1, 1, 1, -1), k:view(1, 1, -1, 1) }
end

-- Weighted means of x (N, C, H, W) over the planes and the neighbourhood: (N, 1, H, W)
local function localMean(self, x)
  local mean, inside = F.mean(x, { 2 }, true), x.new(1, 1, x:size(3), x:size(4)):fill(1)
  for _, kernel in ipairs(kernels(self, x)) do
    local pad = { (kernel:size(3) - 1) / 2, (kernel:size(4) - 1) / 2 }
    mean = F.conv2d(mean, kernel, nil, nil, pad)
    inside = F.conv2d(inside, kernel, nil, nil, pad)
  end
  return mean, inside
end

local function images(self, input)
  local x, back = batch(input, 3, '(N, C, H, W)')
  if x:size(2) ~= self.nInputPlane then
    raise(('the input has %d planes, but %d are wanted'):format(x:size(2), self.nInputPlane))
  end
  return x, back
end

local function subtract(self, x)
  local mean, inside = localMean(self, x)
  return x - torch.cdiv(mean, inside)
end

local function divide(self, x)
  local squares, inside = localMean(self, torch.square(x))
  return torch.cdiv(x, F.threshold(torch.cdiv(root(squares, 2), inside), self.threshold, self.thresval))
end

-- (nInputPlane [, kernel]): x minus the mean of its neighbourhood
local Subtractive, subtractive = torch.class('nn.SpatialSubtractiveNormalization', 'nn.Module', nn)

function Subtractive:__init(nInputPlane, kernel)
  subtractive.__init(self)
  initialize(self, nInputPlane, kernel)
end

derive(Subtractive, function(self, input)
  local x, back = images(self, input)
  return back(subtract(self, x))
end)

-- (nInputPlane [, kernel, threshold, thresval]): x divided by the root of the mean square of its neighbourhood, by
-- thresval where that is not above the threshold
local Divisive, divisive = torch.class('nn.SpatialDivisiveNormalization', 'nn.Module', nn)

local function initializeDivisive(self, nInputPlane, kernel, threshold, thresval)
  initialize(self, nInputPlane, kernel)
  self.threshold = threshold or 1e-4
  self.thresval = thresval or self.threshold
end

function Divisive:__init(...)
  divisive.__init(self)
  initializeDivisive(self, ...)
end

derive(Divisive, function(self, input)
  local x, back = images(self, input)
  return back(divide(self, x))
end)

-- (nInputPlane [, kernel, threshold, thresval]): the one after the other
local Contrastive, contrastive = torch.class('nn.SpatialContrastiveNormalization', 'nn.Module', nn)

function Contrastive:__init(...)
  contrastive.__init(self)
  initializeDivisive(self, ...)
end

derive(Contrastive, function(self, input)
  local x, back = images(self, input)
  return back(divide(self, subtract(self, x)))
end)
