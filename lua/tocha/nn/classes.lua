--- Criterions over classes and embeddings that Torch7 did not have: smoothed labels, rare classes, triplets.
-- @module tocha.nn.classes
local torch = require 'tocha'
local criterion = require 'tocha.nn.criterion'
local F = require 'tocha.nn.functional'
local takes = require 'tocha.nn.takes'

local define, average = criterion.define, criterion.average

-- Of every example: the weight of its class (1 without weights), 0 where the target is `ignore`; and the targets with
-- a class in place of what is ignored.
local function weighted(self, input, target)
  target = takes.target(target):long()
  local counted = target:ne(self.ignoreIndex)
  local class = torch.cmul(target, counted:long()):add(counted:eq(0):long())
  local w = counted:typeAs(input)
  if self.weights then w:cmul(self.weights:typeAs(input):index(1, class)) end
  return w, class
end

-- Sum of the examples' losses by their weights, or the mean of it.
local function gathered(self, losses, w)
  local total = torch.sum(torch.cmul(losses, w))
  return self.sizeAverage and torch.div(total, w:sum()) or total
end

local function classCriterion(self, weights, sizeAverage, ignoreIndex)
  self.weights, self.ignoreIndex = weights and takes.tensor(weights), ignoreIndex or -100
  average(self, sizeAverage)
end

-- (smoothing [, weights [, sizeAverage [, ignoreIndex]]]): cross entropy with targets that give `smoothing` (0.1) of
-- their mass to all classes alike (Szegedy et al. 2016, section 7). Input (N, C), target (N) from 1.
define('tocha.LabelSmoothingCriterion', function(self, smoothing, ...)
  self.smoothing = smoothing or 0.1
  classCriterion(self, ...)
end, function(self, input, target)
  local logs = F.log_softmax(input, 2)
  local w, class = weighted(self, input, target)
  local hit = torch.view(torch.gather(logs, 2, class:view(-1, 1)), -1)
  local all = self.weights and torch.cmul(logs, self.weights:typeAs(input)) or logs
  local spread = torch.cmul(F.sum(all, { 2 }, false), w:ne(0):typeAs(input))
  local total = torch.mul(torch.add(torch.mul(torch.sum(torch.cmul(hit, w)), 1 - self.smoothing),
    torch.mul(torch.sum(spread), self.smoothing / input:size(2))), -1)
  return self.sizeAverage and torch.div(total, w:sum()) or total
end)

-- (gamma [, weights [, sizeAverage [, ignoreIndex]]]): -(1 - p)^gamma log p of the target's class (Lin et al. 2017,
-- equation 4; gamma 2). Input (N, C), target (N) from 1.
define('tocha.FocalCriterion', function(self, gamma, ...)
  self.gamma = gamma or 2
  classCriterion(self, ...)
end, function(self, input, target)
  local w, class = weighted(self, input, target)
  local hit = torch.view(torch.gather(F.log_softmax(input, 2), 2, class:view(-1, 1)), -1)
  local rest = F.clamp(torch.add(torch.mul(torch.exp(hit), -1), 1), 0, 1)
  return gathered(self, torch.mul(torch.cmul(torch.pow(rest, self.gamma), hit), -1), w)
end)

local function distance(a, b) -- as PyTorch's, which keeps away from the root of 0
  return torch.sqrt(F.sum(torch.square(torch.add(torch.add(a, -1, b), 1e-6)), { 2 }, false))
end

-- (margin [, sizeAverage]): max(0, |a - p| - |a - n| + margin) of {a, p, n}, each (N, D) (Schroff et al. 2015; margin
-- 1). The target is not looked at.
define('tocha.TripletMarginCriterion', function(self, margin, sizeAverage)
  self.margin = margin or 1
  average(self, sizeAverage)
  self.gradInput = { torch.Tensor(), torch.Tensor(), torch.Tensor() }
end, takes.list(3, function(self, input)
  local apart = torch.add(distance(input[1], input[2]), -1, distance(input[1], input[3]))
  return criterion.total(self, F.relu(torch.add(apart, self.margin)))
end))
