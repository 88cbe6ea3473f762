--- The criterions: one definition each. Rules of size averaging and of batches are Torch7's.
-- @module tocha.nn.criterions
local torch = require 'tocha'
local nn = require 'tocha.nn'
local criterion = require 'tocha.nn.criterion'
local F = require 'tocha.nn.functional'
local takes = require 'tocha.nn.takes'
local own = require 'tocha.bindings.own'

local raise = own.raise
local define, average, total, paired = criterion.define, criterion.average, criterion.total, criterion.paired

-- A label, or a tensor of labels, as a LongTensor.
local function labels(target)
  if type(target) == 'number' then return torch.LongTensor { target } end
  if not torch.isTensor(target) then
    raise(('a label or a tensor of labels is wanted as the target, but a %s was given'):format(torch.type(target)))
  end
  return target:type() == 'torch.LongTensor' and target or target:long()
end

-- For one sample Torch7 read the first label, whatever came after it.
local function labelsFor(input, target)
  target = labels(target)
  local legacy = own.truncates and torch.isTensor(input) and input:dim() == 1 and target:dim() == 1 and target:size(1) > 1
  return legacy and target:narrow(1, 1, 1) or target
end

-- What the lines below use.
local env = { labels = labels, labelsFor = labelsFor, paired = paired, reduction = criterion.reduction }

-- -- distances ------------------------------------------------------------------------------------------------------

-- ([sizeAverage = true]): (x - y)^2, summed and divided by their number
define('nn.MSECriterion', average, 'mse(input, paired(input, target), reduction(self))', env)
-- ([sizeAverage = true]): |x - y|, summed and divided by their number
define('nn.AbsCriterion', average, 'abs_loss(input, paired(input, target), reduction(self))', env)
-- 0.5 d^2 where |d| < 1, |d| - 0.5 elsewhere
define('nn.SmoothL1Criterion', average, 'smooth_l1(input, paired(input, target), reduction(self))', env)

-- (delta): 0.5 d^2 where |d| < delta, delta (|d| - 0.5 delta) elsewhere
define('tocha.HuberCriterion', function(self, delta, sizeAverage)
  self.delta = delta or 1
  average(self, sizeAverage)
end, function(self, input, target)
  return torch.mul(total(self, F.smooth_error(input, paired(input, target), self.delta)), self.delta)
end)

-- (weight [, sizeAverage]): squares weighted element by element
define('nn.WeightedMSECriterion', function(self, weight, sizeAverage)
  self.weight = weight:clone()
  average(self, sizeAverage)
end, function(self, input, target)
  return total(self, torch.cmul(F.square_error(input, paired(input, target)), self.weight:typeAs(input)))
end, nil, 'nn.MSECriterion')

-- -- probabilities --------------------------------------------------------------------------------------------------

local function weighted(self, weights, sizeAverage)
  average(self, sizeAverage)
  if weights ~= nil and not torch.isTensor(weights) then
    raise(('%s: weights cannot be a %s'):format(torch.type(self), torch.type(weights)))
  end
  if weights ~= nil and weights:dim() ~= 1 then
    raise(('%s: weights are a vector, not a tensor of %d dimensions'):format(torch.type(self), weights:dim()))
  end
  self.weights = weights
end

-- ([weights [, sizeAverage]]): input in (0, 1), target in [0, 1]; a weight per column of (N, C), or per element of (C)
define('nn.BCECriterion', weighted, 'bce(input, paired(input, target), self.weights, reduction(self))', env)

-- The same on logits; Torch7's name for it averages over the classes too.
for _, name in ipairs { 'tocha.BCEWithLogitsCriterion', 'nn.MultiLabelSoftMarginCriterion' } do
  define(name, weighted, 'bce_with_logits(input, paired(input, target), self.weights, reduction(self))', env)
end

-- sum target * (log target - input), per element when averaged; input are log-probabilities
define('nn.DistKLDivCriterion', average, function(self, input, target)
  target = paired(input, target)
  local logs = torch.log(torch.clamp(target, 1e-300, math.huge))
  return total(self, torch.cmul(target, logs - input))
end)

-- -- classes --------------------------------------------------------------------------------------------------------

local function classes(self, weights, sizeAverage, ignoreIndex)
  weighted(self, weights, sizeAverage)
  self.ignoreIndex = ignoreIndex or -100
end

-- ([weights [, sizeAverage [, ignoreIndex]]]): input log-probabilities (C), (N, C) or (N, C, H, W), target labels from
-- 1
for _, name in ipairs { 'nn.ClassNLLCriterion', 'nn.SpatialClassNLLCriterion' } do
  define(name, classes, 'nll(input, labelsFor(input, target), self.weights, 1, self.ignoreIndex, reduction(self))', env)
end

-- The sizes of t that are not 1, one at least.
local function nonSingle(t)
  local size = {}
  for d = 1, t:dim() do
    if t:size(d) ~= 1 then size[#size + 1] = t:size(d) end
  end
  return #size > 0 and size or { 1 }
end

-- ([weights [, sizeAverage]]): the same on unnormalized scores. The criterion that Torch7 made of it is `nll`; whichever
-- sizeAverage was changed last holds.
local CrossEntropy = define('nn.CrossEntropyCriterion', function(self, ...)
  self.nll = nn.ClassNLLCriterion(...)
  self.sizeAverage, self.oldSizeAverage = self.nll.sizeAverage, self.nll.sizeAverage
end, 'cross_entropy(scores(self, input), labels(target), self.nll.weights, 1, ignored(self), averaged(self))', {
  labels = function(target)
    target = labels(target)
    return target:dim() > 1 and F.reshape(target, nonSingle(target)) or target
  end,
  -- (N, C, 1, 1) counts as (N, C)
  scores = function(_, input) return input:dim() > 2 and F.reshape(input, nonSingle(input)) or input end,
  ignored = function(self) return self.nll.ignoreIndex or -100 end,
  averaged = function(self)
    if self.sizeAverage ~= self.oldSizeAverage then
      self.nll.sizeAverage, self.oldSizeAverage = self.sizeAverage, self.sizeAverage
    end
    return criterion.reduction(self.nll)
  end,
})

local squeezed = CrossEntropy.updateGradInput
function CrossEntropy:updateGradInput(input, target)
  local gradInput = squeezed(self, input, target)
  if gradInput:dim() ~= input:dim() then self.gradInput = gradInput:viewAs(input) end
  return self.gradInput
end
require 'tocha.nn.derive'.seal(CrossEntropy)

-- -- margins --------------------------------------------------------------------------------------------------------

local function clip(t) return F.relu(t) end

-- y in {1, -1}: max(0, margin - y x)
define('nn.MarginCriterion', function(self, margin)
  self.margin, self.sizeAverage = margin or 1, true
end, function(self, input, target)
  return total(self, clip(torch.add(torch.mul(torch.cmul(input, paired(input, target)), -1), self.margin)))
end)

-- log(1 + exp(-y x))
define('nn.SoftMarginCriterion', average, function(self, input, target)
  return total(self, F.softplus(torch.mul(torch.cmul(input, paired(input, target)), -1), 1, 1e9))
end)

-- y = 1: x, y = -1: max(0, margin - x)
local function hinge(self, distance, target)
  local y = type(target) == 'number' and distance.new(distance:size()):fill(target) or paired(distance, target)
  local positive = torch.eq(y, 1):typeAs(distance)
  local far = clip(torch.add(torch.mul(distance, -1), self.margin))
  return total(self, torch.cmul(positive, distance) + torch.cmul(torch.add(torch.mul(positive, -1), 1), far))
end

-- ([margin = 1 [, sizeAverage]]): distances x with y = 1: x, y = -1: max(0, margin - x)
define('nn.HingeEmbeddingCriterion', function(self, margin)
  self.margin, self.sizeAverage = margin or 1, true
end, hinge)

-- {a, b}: the hinge of the L1 distance
define('nn.L1HingeEmbeddingCriterion', function(self, margin)
  self.margin, self.sizeAverage, self.gradInput = margin or 1, false, { torch.Tensor(), torch.Tensor() }
end, takes.list(2, function(self, input, target)
  local distance = torch.abs(input[1] - input[2])
  distance = distance:dim() == 2 and torch.sum(distance, 2):view(-1) or torch.sum(distance:view(-1), 1)
  return hinge(self, distance, target)
end))

-- {a, b}, y = 1: 1 - cos(a, b), y = -1: max(0, cos(a, b) - margin)
define('nn.CosineEmbeddingCriterion', function(self, margin)
  self.margin, self.sizeAverage, self.gradInput = margin or 0, true, { torch.Tensor(), torch.Tensor() }
end, takes.list(2, function(self, input, target)
  local cosine = nn.call(nn.CosineDistance(), input)
  local y = type(target) == 'number' and cosine.new(cosine:size()):fill(target) or paired(cosine, target)
  local positive = torch.eq(y, 1):typeAs(cosine)
  local near, far = torch.add(torch.mul(cosine, -1), 1), clip(torch.add(cosine, -self.margin))
  return total(self, torch.cmul(positive, near) + torch.cmul(torch.add(torch.mul(positive, -1), 1), far))
end))

-- {a, b}, y in {1, -1}: max(0, -y (a - b) + margin)
define('nn.MarginRankingCriterion', function(self, margin)
  self.margin, self.sizeAverage, self.gradInput = margin or 1, true, { torch.Tensor(), torch.Tensor() }
end, takes.list(2, function(self, input, target)
  local difference = input[1] - input[2]
  local scaled = type(target) == 'number' and torch.mul(difference, -target)
    or torch.mul(torch.cmul(difference, paired(difference, target)), -1)
  return total(self, clip(torch.add(scaled, self.margin)))
end))

-- (p [, weights [, margin]]): sum over the other classes of max(0, margin - x[y] + x[i])^p, divided by the number of
-- classes
define('nn.MultiMarginCriterion', function(self, p, weights, margin)
  if p ~= nil and p ~= 1 and p ~= 2 then raise('nn.MultiMarginCriterion: p is 1 or 2') end
  self.p, self.weights, self.margin, self.sizeAverage = p or 1, weights and takes.tensor(weights), margin or 1, true
end, function(self, input, target)
  local x = input:dim() == 1 and input:view(1, -1) or input
  local count = x:size(2)
  local index = labels(target):view(-1, 1)
  local mask = x.new(x:size()):zero():scatter(2, index, 1)
  local chosen = torch.gather(x, 2, index)
  local gaps = clip(torch.add(x - chosen, self.margin))
  if self.p == 2 then gaps = torch.square(gaps) end
  gaps = torch.cmul(gaps, torch.add(torch.mul(mask, -1), 1))
  if self.weights then
    gaps = torch.cmul(gaps, self.weights:typeAs(x):index(1, index:view(-1)):view(-1, 1))
  end
  local sum = torch.div(torch.sum(gaps), count)
  return self.sizeAverage and torch.div(sum, x:size(1)) or sum
end)

-- Sum of absolute values of the input; there is no target.
define('nn.L1Cost', nil, function(_, input) return torch.sum(torch.abs(input)) end)
