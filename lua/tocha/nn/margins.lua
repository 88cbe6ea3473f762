--- Criterions that hold sets of labels, simplices, pairs of distances or larger targets against their input.
-- @module tocha.nn.margins
local torch = require 'tocha'
local criterion = require 'tocha.nn.criterion'
local F = require 'tocha.nn.functional'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

local define, average, total = criterion.define, criterion.average, criterion.total

local function rows(t) return t:dim() == 1 and t:view(1, -1) or t end

-- -- sets of labels -------------------------------------------------------------------------------------------------

-- Row and column of every label of (N, C), where a row ends with its first 0; and a mask of the labels.
local function labels(target, like)
  local n, c = target:size(1), target:size(2)
  local example, label, mask = {}, {}, torch.ByteTensor(n, c):zero()
  for i = 1, n do
    for j = 1, c do
      local y = target[i][j]
      if y == 0 then break end
      if y < 0 or y > c or y % 1 ~= 0 then raise(('label %s at %d, %d is not in 0..%d'):format(y, i, j, c)) end
      example[#example + 1], label[#label + 1], mask[i][y] = i, y, 1
    end
  end
  if #example == 0 then return nil end
  return torch.LongTensor(example), torch.LongTensor(label):view(-1, 1), mask:typeAs(like)
end

-- Sum over labels y and other classes i of max(0, 1 - x[y] + x[i]), divided by the number of classes; target as input,
-- labels from 1, then zeros
define('nn.MultiLabelMarginCriterion', function(self) self.sizeAverage = true end, function(self, input, target)
  local x, y = rows(input), rows(takes.target(target):detach())
  if not y:isSameSizeAs(x) or x:dim() ~= 2 then
    raise(('the input is %s, the target %s'):format(table.concat(x:size():totable(), 'x'),
      table.concat(y:size():totable(), 'x')))
  end
  local example, label, mask = labels(y, x:detach())
  if not example then return torch.mul(torch.sum(input), 0) end
  local scores = F.index_select(x, example, 1, 1)
  local gaps = F.relu(torch.add(scores - F.gather(scores, label, 2, 1), 1))
  local others = torch.add(torch.mul(mask:index(1, example), -1), 1)
  local loss = torch.div(torch.sum(torch.cmul(gaps, others)), x:size(2))
  return self.sizeAverage and torch.div(loss, x:size(1)) or loss
end)

-- -- points ---------------------------------------------------------------------------------------------------------

-- The vertices (n + 1, n) of a regular simplex around the origin, at distance 1.
local function simplex(n)
  local a = torch.zeros(n + 1, n)
  for k = 1, n do
    local before = 0
    for j = 1, k - 1 do before = before + a[k][j] ^ 2 end
    a[k][k] = math.sqrt(1 - before)
    a:narrow(1, k + 1, n + 1 - k):select(2, k):fill((a[k][k] ^ 2 - 1 - 1 / n) / a[k][k])
  end
  return a
end

-- (nClasses): squared distance from the class's corner of a simplex (Mroueh et al. 2012); input (nClasses) or (N,
-- nClasses)
local Simplex = define('nn.ClassSimplexCriterion', function(self, nClasses)
  if type(nClasses) ~= 'number' or nClasses < 2 or nClasses % 1 ~= 0 then
    raise('nn.ClassSimplexCriterion: the number of classes, from 2, is wanted')
  end
  self.nClasses, self.sizeAverage = nClasses, true
  self.simplex = torch.cat(simplex(nClasses - 1), torch.zeros(nClasses, 1), 2)
end, function(self, input, target)
  local label = type(target) == 'number' and torch.LongTensor { target } or takes.target(target):long()
  local corners = self.simplex:index(1, label):typeAs(input)
  if corners:nElement() ~= input:nElement() then
    raise(('%d labels for an input of %s'):format(label:nElement(), table.concat(input:size():totable(), 'x')))
  end
  return total(self, F.square_error(input, corners:view(input:size())))
end)

--- How near the input is to each corner.
function Simplex:getPredictions(input) return torch.mm(rows(input), self.simplex:typeAs(input):t()) end

--- The class of the nearest corner.
function Simplex:getTopPrediction(input)
  local _, class = torch.max(self:getPredictions(input), 2)
  return class:view(-1)
end

-- -- pairs ----------------------------------------------------------------------------------------------------------

-- {x, y}, distances to something alike and to something else: -log(exp(-x) / (exp(-x) + exp(-y))) (Hoffer and Ailon
-- 2015)
define('nn.DistanceRatioCriterion', average, takes.list(2, function(self, input)
  local x, y = input[1], input[2]
  if x:nElement() ~= y:nElement() then
    raise(('%d distances to something alike, but %d to something else'):format(x:nElement(), y:nElement()))
  end
  local loss = torch.sum(F.softplus(x - F.reshape(y, x:size():totable()), 1, 30))
  return self.sizeAverage and torch.div(loss, x:size(1)) or loss
end))

-- -- larger targets -------------------------------------------------------------------------------------------------

-- ([sizeAverage]): the mean squared error from the middle of a target that has more rows and columns than the input
define('nn.SpatialAutoCropMSECriterion', average, function(self, input, target)
  local dims = input:dim()
  local function text(t) return table.concat(t:size():totable(), 'x') end
  local fits = dims == takes.target(target):dim() and (dims == 3 or dims == 4)
  for d = 1, fits and dims or 0 do
    fits = fits and (d > dims - 2 and target:size(d) >= input:size(d) or target:size(d) == input:size(d))
  end
  if not fits then raise(('the target, %s, has no middle of the input, %s'):format(text(target), text(input))) end
  for d = dims - 1, dims do
    target = target:narrow(d, 1 + math.floor((target:size(d) - input:size(d)) / 2), input:size(d))
  end
  return total(self, F.square_error(input, target:typeAs(input)))
end, nil, 'nn.MSECriterion')
