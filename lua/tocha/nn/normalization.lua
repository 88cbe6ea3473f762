--- Normalization by statistics of a batch or of an example.
-- @module tocha.nn.normalization
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'
local F = require 'tocha.nn.functional'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

-- (nOutput [, eps [, momentum [, affine]]]): Ioffe and Szegedy 2015. Training uses the batch's own mean and (biased)
-- variance and moves running_mean and running_var (unbiased) by `momentum`; evaluation uses those.
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

local function one(t) return F.reshape(takes.tensor(t), { 1, unpack(t:size():totable()) }) end

derive(BatchNormalization, 'self.output, self.save_mean, self.save_std = batch_norm(check(self, input), self.weight, '
  .. 'self.bias, self.running_mean, self.running_var, self.train, self.momentum, self.eps)', {
  check = function(self, input)
    if input:dim() ~= self.nDim then
      raise(('a batch of %d dimensions is wanted, but the input has %d'):format(self.nDim, input:dim()))
    end
    return input
  end })

-- Evaluation takes one example too.
for _, name in ipairs { 'updateOutput', 'updateGradInput', 'accGradParameters', 'backward', 'compute' } do
  local batches = BatchNormalization[name]
  BatchNormalization[name] = function(self, input, ...)
    if self.train or takes.tensor(input):dim() ~= self.nDim - 1 then return batches(self, input, ...) end
    local gradOutput, scale = ...
    local result = batches(self, one(input), gradOutput and one(gradOutput), scale)
    if not result then return end
    result = result:select(1, 1)
    if name == 'updateOutput' then self.output = result elseif name ~= 'compute' then self.gradInput = result end
    return result
  end
end
derive.seal(BatchNormalization)

function BatchNormalization:clearState()
  nn.utils.clear(self, 'save_mean', 'save_std')
  return batch.clearState(self)
end

function BatchNormalization:__tostring__()
  return ('%s (%dD) (%d)'):format(torch.type(self), self.nDim, self.running_mean:nElement())
end

-- (nFeature [, eps [, momentum [, affine]]]): planes (N,C,H,W), a mean and a deviation for each of C
local Spatial = torch.class('nn.SpatialBatchNormalization', 'nn.BatchNormalization', nn)
Spatial.nDim = 4
-- (nFeature [, eps [, momentum [, affine]]]): volumes (N,C,T,H,W), a mean and a deviation for each of C
local Volumetric = torch.class('nn.VolumetricBatchNormalization', 'nn.BatchNormalization', nn)
Volumetric.nDim = 5

-- (size [, eps [, affine]]): over the last dimension, or over the last dimensions of a table of sizes (Ba et al. 2016)
local LayerNorm, layer = torch.class('tocha.LayerNorm', 'nn.Module', nn)

function LayerNorm:__init(size, eps, affine)
  layer.__init(self)
  if size == nil then raise(('%s: the size of the last dimensions is wanted'):format(torch.type(self))) end
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

-- -- without running statistics --------------------------------------------------------------------------------------

-- A vector with an entry per channel, beside (N, C, ...).
local function perChannel(vector, input)
  local size = {}
  for d = 1, input:dim() do size[d] = 1 end
  size[2] = vector:size(1)
  return vector:view(torch.LongStorage(size))
end

local function affine(self, count, wanted)
  if wanted == false then return end
  parameter.new(self, 'weight', count)
  parameter.new(self, 'bias', count)
  self.weight:fill(1)
  self.bias:zero()
end

-- (groups, channels [, eps [, affine]]): statistics of a group of channels of one example (Wu and He 2018)
local GroupNorm, group = torch.class('tocha.GroupNorm', 'nn.Module', nn)

function GroupNorm:__init(groups, channels, eps, wanted)
  group.__init(self)
  if channels % groups ~= 0 then
    raise(('%d channels cannot be cut into %d groups'):format(channels, groups))
  end
  self.groups, self.channels, self.eps = groups, channels, eps or 1e-5
  affine(self, channels, wanted)
end

derive(GroupNorm, function(self, input)
  if input:size(2) ~= self.channels then
    raise(('the input has %d channels, but %d are wanted'):format(input:size(2), self.channels))
  end
  local rows = input:contiguous():view(input:size(1) * self.groups, -1)
  local output = F.layer_norm(rows, nil, nil, 1, self.eps):view(input:size())
  if not self.weight then return output end
  return torch.cmul(output, perChannel(self.weight, input)) + perChannel(self.bias, input)
end)

-- (channels [, eps [, affine]]): a group per channel (Ulyanov et al. 2016)
local InstanceNorm, instance = torch.class('tocha.InstanceNorm', 'tocha.GroupNorm', nn)

function InstanceNorm:__init(channels, eps, wanted)
  instance.__init(self, channels, channels, eps, wanted == true)
end

-- (size [, eps]): x / sqrt(mean(x^2) + eps) * w over the last dimension (Zhang and Sennrich 2019)
local RMSNorm, rms = torch.class('tocha.RMSNorm', 'nn.Module', nn)

function RMSNorm:__init(size, eps)
  rms.__init(self)
  self.eps = eps or 1e-6
  parameter.new(self, 'weight', size)
  self.weight:fill(1)
end

derive(RMSNorm, function(self, input)
  local scale = F.rsqrt(torch.add(F.mean(torch.square(input), { input:dim() }, true), self.eps))
  return torch.cmul(torch.cmul(input, scale), self.weight)
end)

-- (size [, alpha [, beta [, k]]]): x / (k + alpha / size * sum of squares over `size` neighbouring maps)^beta
local CrossMap, crossMap = torch.class('nn.SpatialCrossMapLRN', 'nn.Module', nn)

function CrossMap:__init(size, alpha, beta, k)
  crossMap.__init(self)
  parameter.number(self, 'size', size)
  self.size, self.alpha, self.beta, self.k = size, alpha or 0.0001, beta or 0.75, k or 1
end

derive(CrossMap, function(self, input)
  local dim = input:dim() - 2
  local before, after = {}, {}
  for d = 1, input:dim() do before[d], after[d] = 0, 0 end
  before[dim], after[dim] = math.floor(self.size / 2), math.floor((self.size - 1) / 2)
  local windows = F.pad(torch.square(input), before, after, 0):unfold(dim, self.size, 1)
  local sums = F.sum(windows, { windows:dim() }, false)
  return torch.cmul(input, torch.pow(torch.add(torch.mul(sums, self.alpha / self.size), self.k), -self.beta))
end)
