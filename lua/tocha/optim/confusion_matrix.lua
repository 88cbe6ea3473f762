--- Which class was taken for which (Torch7's optim.ConfusionMatrix): rows are targets, columns predictions.
-- @module tocha.optim.confusion_matrix
local torch = require 'tocha'
local optim = require 'tocha.optim'
local own = require 'tocha.bindings.own'
local check = require 'tocha.kinds'.check
local raise = own.raise

local ConfusionMatrix = torch.class('optim.ConfusionMatrix', optim)

--- @param classes a number of classes, or a list of their names
-- @tparam[opt] table names
function ConfusionMatrix:__init(classes, names)
  if type(classes) == 'table' then classes, names = #classes, classes end
  check('ConfusionMatrix', 'classes', 'count', classes)
  if names then check('ConfusionMatrix', 'names', 'table', names) end
  self.nclasses, self.classes = classes, names or {}
  self.mat = torch.LongTensor(classes, classes):zero()
  self.valids, self.unionvalids = torch.FloatTensor(classes):zero(), torch.FloatTensor(classes):zero()
  self.totalValid, self.averageValid, self.averageUnionValid = 0, 0, 0
end

local function count(self, prediction, target)
  if target < 1 then return end -- unknown target
  if target > self.nclasses or prediction < 1 or prediction > self.nclasses then
    raise(('ConfusionMatrix: prediction %d, target %d, but classes run from 1 to %d'):format(prediction, target,
      self.nclasses))
  end
  self.mat[target][prediction] = self.mat[target][prediction] + 1
end

local function best(what, scores)
  if type(scores) == 'number' then return scores end
  if not torch.isTensor(scores) or scores:dim() ~= 1 or scores:nElement() == 0 then
    own.bad('ConfusionMatrix:add', what, 'a class or a vector of scores', scores)
  end
  local _, index = torch.max(scores, 1)
  return index[1]
end

--- One example: a class or a vector of scores, and the target class or a vector that is largest there. Targets below 1
-- are left out.
function ConfusionMatrix:add(prediction, target)
  count(self, best('the prediction', prediction), best('the target', target))
end

-- Classes (N) from (N), (N, 1) or scores (N, C).
local function classesOf(t, what)
  check('ConfusionMatrix:batchAdd', what, 'tensor', t)
  if t:dim() == 1 then return t end
  if t:dim() ~= 2 then raise(('ConfusionMatrix:batchAdd: %s have %d dimensions, not 1 or 2'):format(what, t:dim())) end
  if t:size(2) == 1 then return t:select(2, 1) end
  local _, index = torch.max(t, 2)
  return index:select(2, 1)
end

--- A batch: classes (N) or scores (N, C), and targets (N) or (N, C).
function ConfusionMatrix:batchAdd(predictions, targets)
  predictions, targets = classesOf(predictions, 'the predictions'), classesOf(targets, 'the targets')
  if predictions:size(1) ~= targets:size(1) then
    raise(('ConfusionMatrix:batchAdd: %d predictions for %d targets'):format(predictions:size(1), targets:size(1)))
  end
  for i = 1, targets:size(1) do count(self, predictions[i], targets[i]) end
end

function ConfusionMatrix:zero()
  self.mat:zero()
  self.valids:zero()
  self.unionvalids:zero()
  self.totalValid, self.averageValid, self.averageUnionValid = 0, 0, 0
end

-- The counts as Lua numbers, their sums by row and by column.
local function counts(self)
  local rows, rowSums, columnSums = self.mat:totable(), {}, {}
  for t, row in ipairs(rows) do
    rowSums[t] = 0
    for p, n in ipairs(row) do
      rowSums[t], columnSums[p] = rowSums[t] + n, (columnSums[p] or 0) + n
    end
  end
  return rows, rowSums, columnSums
end

-- Mean of the ratios whose denominator is not zero (0 / 0 without any).
local function mean(list)
  local sum, n = 0, 0
  for _, v in ipairs(list) do
    if v == v then sum, n = sum + v, n + 1 end
  end
  return sum / n
end

--- Recomputes valids (correct share of each row), unionvalids, averageValid, averageUnionValid and totalValid.
function ConfusionMatrix:updateValids()
  local rows, rowSums, columnSums = counts(self)
  local valid, union, correct, total = {}, {}, 0, 0
  for t = 1, self.nclasses do
    valid[t] = rows[t][t] / rowSums[t]
    union[t] = valid[t] == valid[t] and rows[t][t] / (rowSums[t] + columnSums[t] - rows[t][t]) or valid[t]
    self.valids[t], self.unionvalids[t] = valid[t], union[t]
    correct, total = correct + rows[t][t], total + rowSums[t]
  end
  self.totalValid, self.averageValid, self.averageUnionValid = correct / total, mean(valid), mean(union)
end

--- False rejection and false acceptance rates per class (-1 for a class without examples), then both without such
-- classes.
function ConfusionMatrix:farFrr()
  local rows, rowSums = counts(self)
  local n = self.nclasses
  local classFrr, classFar, frr, far = torch.Tensor(n):fill(-1), torch.Tensor(n):fill(-1), {}, {}
  for i = 1, n do
    if rowSums[i] > 0 then
      local sum, others = 0, 0
      for j = 1, n do
        if j ~= i and rowSums[j] > 0 then sum, others = sum + rows[j][i] / rowSums[j], others + 1 end
      end
      frr[#frr + 1], far[#far + 1] = 1 - rows[i][i] / rowSums[i], sum / others
      classFrr[i], classFar[i] = frr[#frr], far[#far]
    end
  end
  return classFrr, classFar, torch.Tensor(frr), torch.Tensor(far)
end

function ConfusionMatrix:__tostring__()
  self:updateValids()
  local rows = counts(self)
  local largest = 0
  for _, row in ipairs(rows) do largest = math.max(largest, math.max(unpack(row))) end
  local width = math.max(8, 1 + math.ceil(math.log10(math.max(largest, 1))))
  local lines = { 'ConfusionMatrix:\n[' }
  for t, row in ipairs(rows) do
    local cells = {}
    for p, n in ipairs(row) do cells[p] = ('%' .. width .. 'd'):format(n) end
    lines[#lines + 1] = ('%s[%s%s  %2.3f%% %s\n'):format(t == 1 and '' or ' ', table.concat(cells),
      t == self.nclasses and ']]' or '] ', self.valids[t] * 100,
      self.classes[1] and ('\t[class: %s]'):format(self.classes[t] or '') or '')
  end
  lines[#lines + 1] = (' + average row correct: %s%% \n'):format(self.averageValid * 100)
  lines[#lines + 1] = (' + average rowUcol correct (VOC measure): %s%% \n'):format(self.averageUnionValid * 100)
  lines[#lines + 1] = (' + global correct: %s%%'):format(self.totalValid * 100)
  return table.concat(lines)
end
