--- Connectionist temporal classification (Graves et al. 2006).
-- @module tocha.nn.ctc
local torch = require 'tocha'
local criterion = require 'tocha.nn.criterion'
local F = require 'tocha.nn.functional'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

-- A list of rows of labels, as tables or tensors, as (N, S) and their lengths.
local function padded(rows)
  local counts, width = {}, 1
  for i, row in ipairs(rows) do
    counts[i] = torch.isTensor(row) and row:nElement() or #takes.entries(row)
    width = math.max(width, counts[i])
  end
  local labels = torch.LongTensor(#rows, width):zero()
  for i, row in ipairs(rows) do
    for k = 1, counts[i] do labels[i][k] = row[k] end
  end
  return labels, torch.LongTensor(counts)
end

-- Labels (N, S), steps (N) and counts (N) of a target for an input (T, N, C).
local function read(input, target)
  local labels, steps, counts = target, nil, nil
  local list = type(target) == 'table' and not torch.isTensor(target)
  if list and (torch.isTensor(target[1]) and target[1]:dim() == 2 or target.steps or target.counts or target.labels) then
    labels, steps, counts = target.labels or target[1], target.steps or target[2], target.counts or target[3]
  end
  local n = input:size(2)
  if torch.isTensor(labels) then
    labels = labels:long()
    if labels:dim() == 1 then labels = labels:view(1, -1) end
  elseif type(labels) == 'table' then
    local lengths
    labels, lengths = padded(labels)
    counts = counts or lengths
  else raise(('labels are wanted as the target, but a %s was given'):format(torch.type(labels))) end
  local function lengths(given, default) return given and takes.target(given):long() or torch.LongTensor(n):fill(default) end
  return labels, lengths(steps, input:size(1)), lengths(counts, labels:dim() == 2 and labels:size(2) or 0)
end

-- ([blank [, sizeAverage [, zeroInfinity]]]): minus log of the probability of the labels. Input: scores (T, N, C) or, of one
-- example, (T, C), which a log-softmax over the classes makes log-probabilities (those stay what they are). Target: labels
-- (N, S) or (S); a list of rows of labels; or {labels, steps, counts}, the last two LongTensors of the lengths of inputs and
-- targets. `blank` is the class of no label (1). Averaged, each loss is divided by its number of labels and their mean is
-- taken. A loss is infinite, and without a gradient, where the time is too short for the labels; zeroInfinity makes it 0.
criterion.define('tocha.CTCCriterion', function(self, blank, sizeAverage, zeroInfinity)
  self.blank, self.zeroInfinity = blank or 1, zeroInfinity or false
  criterion.average(self, sizeAverage)
end, function(self, input, target)
  if input:dim() == 2 then input = torch.view(input, input:size(1), 1, input:size(2)) end
  if input:dim() ~= 3 then raise(('an input of 2 or 3 dimensions is wanted, but it has %d'):format(input:dim())) end
  local labels, steps, counts = read(input, target)
  local losses = F.ctc(F.log_softmax(input, 3), labels, steps, counts, self.blank, 1)
  if self.zeroInfinity then losses = F.masked_fill(losses, torch.eq(losses:detach(), math.huge), 0) end
  if not self.sizeAverage then return torch.sum(losses) end
  return torch.mean(torch.cdiv(losses, counts:typeAs(input):clamp(1, math.huge)))
end)
