--- Normalization by statistics of a batch or of an example.
-- @module tocha.nn.normalization
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'
local raise = require 'tocha.bindings.own'.raise

-- (nOutput [, eps [, momentum [, affine]]]): Ioffe and Szegedy 2015. Training uses the batch's own mean and (biased) variance
-- and moves running_mean and running_var (unbiased) by `momentum`; evaluation uses those.
local BatchNormalization, batch = torch.class('nn.BatchNormalization', 'nn.Module', nn)
BatchNormalization.nDim = 2
BatchNormalization.__version = 2

function BatchNormalization:__init(nOutput, eps, momentum, affine)
  batch.__init(self)
  if type(nOutput) ~= 'number' or nOutput < 1 then
    raise(('%s: the number of features is wanted first'):format(torch.type(self)))
  end
  if affine ~= nil and type(affine) ~= 'boolean' then
    raise(('%s: affine is true or false, not %s'):format(torch.type(self), tostring(affine)))
  end
  self.affine = affine == nil or affine
  self.eps, self.momentum, self.train = eps or 1e-5, momentum or 0.1, true
  self.running_mean, self.running_var = torch.zeros(nOutput), torch.ones(nOutput)
  if self.affine then
    parameter.new(self, 'weight', nOutput)
    parameter.new(self, 'bias', nOutput)
    self:reset()
  end
end

function BatchNormalization:reset()
  if self.weight then self.weight:uniform() end
  if self.bias then self.bias:zero() end
  self.running_mean:zero()
  self.running_var:fill(1)
end

derive(BatchNormalization, 'self.output, self.save_mean, self.save_std = batch_norm(check(self, input), self.weight, '
  .. 'self.bias, self.running_mean, self.running_var, self.train, self.momentum, self.eps)', {
  check = function(self, input)
    if input:dim() ~= self.nDim then
      raise(('a batch of %d dimensions is wanted, but the input has %d'):format(self.nDim, input:dim()))
    end
    return input
  end })

function BatchNormalization:clearState()
  nn.utils.clear(self, 'save_mean', 'save_std')
  return batch.clearState(self)
end

function BatchNormalization:__tostring__()
  return ('%s (%dD) (%d)'):format(torch.type(self), self.nDim, self.running_mean:nElement())
end

local Spatial = torch.class('nn.SpatialBatchNormalization', 'nn.BatchNormalization', nn)
Spatial.nDim = 4
local Volumetric = torch.class('nn.VolumetricBatchNormalization', 'nn.BatchNormalization', nn)
Volumetric.nDim = 5

-- (size [, eps [, affine]]): over the last dimension, or over the last dimensions of a table of sizes (Ba et al. 2016)
local LayerNorm, layer = torch.class('tocha.LayerNorm', 'nn.Module', nn)

function LayerNorm:__init(size, eps, affine)
  layer.__init(self)
  self.size = type(size) == 'table' and torch.LongStorage(size) or torch.LongStorage { size }
  self.eps = eps or 1e-5
  if affine ~= false then
    parameter.new(self, 'weight', self.size)
    parameter.new(self, 'bias', self.size)
    self:reset()
  end
end

function LayerNorm:reset()
  if self.weight then self.weight:fill(1) end
  if self.bias then self.bias:zero() end
end

derive(LayerNorm, 'self.output, self.save_mean, self.save_std = layer_norm(input, self.weight, '
  .. 'self.bias, self.size:size(), self.eps)')

function LayerNorm:clearState()
  nn.utils.clear(self, 'save_mean', 'save_std')
  return layer.clearState(self)
end

function LayerNorm:__tostring__()
  return ('%s(%s)'):format(torch.type(self), table.concat(self.size:totable(), 'x'))
end
