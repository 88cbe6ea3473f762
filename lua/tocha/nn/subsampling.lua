--- Pooling by sums and by p-norms.
-- @module tocha.nn.subsampling
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local batch = require 'tocha.nn.example'.batch
local parameter = require 'tocha.nn.parameter'
local root = require 'tocha.nn.root'
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise

-- (nInputPlane, kW, kH [, dW, dH]): weight_c * (sum of the window)_c + bias_c
local SubSampling, subSampling = torch.class('nn.SpatialSubSampling', 'nn.Module', nn)

function SubSampling:__init(nInputPlane, kW, kH, dW, dH)
  subSampling.__init(self)
  self.nInputPlane, self.kW, self.kH, self.dW, self.dH = nInputPlane, kW, kH, dW or 1, dH or 1
  parameter.new(self, 'weight', nInputPlane)
  parameter.new(self, 'bias', nInputPlane)
  self:reset()
end

function SubSampling:reset(deviation) parameter.uniform(self, deviation, self.kW * self.kH) end

derive(SubSampling, function(self, input)
  local x, back = batch(input, 3, '(N, C, H, W)')
  local size = { 1, self.nInputPlane, 1, 1 }
  if x:size(2) ~= self.nInputPlane then
    raise(('the input has %d planes, but %d are wanted'):format(x:size(2), self.nInputPlane))
  end
  local mean = F.avg_pool2d(x, { self.kH, self.kW }, { self.dH, self.dW })
  local weight = torch.mul(F.reshape(self.weight, size), self.kH * self.kW)
  return back(torch.add(torch.cmul(mean, weight), F.reshape(self.bias, size)))
end)

-- (nInputPlane, p, kW, kH [, dW, dH]): (sum of x^p over the window)^(1/p); the stride is the window by default
local LP, lp = torch.class('nn.SpatialLPPooling', 'nn.Sequential', nn)

function LP:__init(_, p, kW, kH, dW, dH)
  lp.__init(self)
  self.kW, self.kH, self.dW, self.dH = kW, kH, dW or kW, dH or kH
  self:add(p == 2 and nn.Square() or nn.Power(p))
  self:add(nn.SpatialAveragePooling(kW, kH, self.dW, self.dH))
  self:add(nn.MulConstant(kW * kH))
  self:add(p == 2 and nn.Sqrt() or nn.Power(1 / p))
end

function LP:reset() end

-- (width, stride, power [, batchMode]): (sum of x^power over `width` features, every `stride` of them)^(1/power); input
-- (C), (C, D1) or (C, D1, D2), with batchMode (N, C), ...
local FeatureLP, featureLP = torch.class('nn.FeatureLPPooling', 'nn.Module', nn)

function FeatureLP:__init(width, stride, power, batchMode)
  featureLP.__init(self)
  check('nn.FeatureLPPooling', 'width', 'number', width)
  check('nn.FeatureLPPooling', 'stride', 'number', stride)
  check('nn.FeatureLPPooling', 'power', 'number', power)
  if width < 2 or width > 16 then raise(('nn.FeatureLPPooling: width is %s, but 2 to 16 are possible'):format(width)) end
  if stride < 1 or stride > 4 then
    raise(('nn.FeatureLPPooling: stride is %s, but 1 to 4 are possible'):format(stride))
  end
  self.width, self.stride, self.power, self.batch_mode = width, stride, power, batchMode or false
end

derive(FeatureLP, function(self, input)
  local windows = input:unfold(self.batch_mode and 2 or 1, self.width, self.stride)
  local last = windows:dim()
  if self.power == 1 then return F.sum(windows, { last }, false) end
  local powers = self.power == 2 and torch.square(windows) or torch.pow(windows, self.power)
  return root(F.sum(powers, { last }, false), self.power)
end)

function FeatureLP:__tostring__()
  return ('%s(w%d s%d power %d batch %d)'):format(torch.type(self), self.width, self.stride, self.power,
    self.batch_mode and 1 or 0)
end
