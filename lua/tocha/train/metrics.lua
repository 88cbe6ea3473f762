--- What a classifier gets right: accuracy, top k, precision, recall and F1 of each class, areas under ROC curves, the confusion
-- matrix as text and as a picture.
--
--     local m = metrics.new { 'cat', 'dog' }
--     m:add(net:forward(input), target)      -- as often as there are batches
--     print(m:accuracy(), m)
--
-- @module tocha.train.metrics
local torch = require 'tocha'
local Canvas = require 'tocha.train.canvas'
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise

local Metrics = {}
Metrics.__index = Metrics

--- @tparam table|number classes names, or how many there are
function Metrics.new(classes)
  local names = classes
  if type(classes) == 'number' then
    if not (classes >= 1 and classes <= 1e6 and classes % 1 == 0) then
      raise(('metrics: a whole number of classes from 1 to 1000000 is needed, not %g'):format(classes))
    end
    names = {}
    for k = 1, classes do names[k] = tostring(k) end
  end
  if type(names) ~= 'table' or #names == 0 then raise 'metrics: the names of the classes are needed' end
  check('metrics', 'classes', 'names', names)
  local k = #names
  return setmetatable({ classes = names, matrix = torch.DoubleTensor(k, k):zero(), scores = {}, targets = {}, count = 0,
                        rankSum = {} }, Metrics)
end

--- Adds a batch.
-- @tparam tensor scores (N,K), larger is likelier
-- @tparam tensor targets (N) labels of 1..K
function Metrics:add(scores, targets)
  check('metrics', 'scores', 'tensor', scores)
  check('metrics', 'targets', 'tensor', targets)
  local k = #self.classes
  if scores:dim() ~= 2 or scores:size(2) ~= k or targets:nElement() ~= scores:size(1) then
    raise(('metrics: scores of Nx%d and N labels are needed'):format(k))
  end
  local x, y = scores:detach():float(), targets:long():view(-1)
  local _, guess = x:max(2)
  guess = guess:view(-1)
  for i = 1, y:size(1) do
    if y[i] < 1 or y[i] > k then raise(('metrics: a label is %d, but there are %d classes'):format(y[i], k)) end
    self.matrix[y[i]][guess[i]] = self.matrix[y[i]][guess[i]] + 1
  end
  self.scores[#self.scores + 1], self.targets[#self.targets + 1] = x:clone(), y:clone()
  self.count = self.count + y:size(1)
end

local function whole(self)
  if self.count == 0 then raise 'metrics: nothing was added yet' end
  return torch.cat(self.scores, 1), torch.cat(self.targets, 1)
end

--- The share of samples whose class has the largest score.
function Metrics:accuracy() return self.count > 0 and torch.diag(self.matrix):sum() / self.count or 0 / 0 end

--- The share of samples whose class is among the k largest scores.
function Metrics:top(k)
  check('metrics', 'k', 'number', k)
  local scores, targets = whole(self)
  local own = scores:gather(2, targets:view(-1, 1))
  local better = scores:gt(own:expand(scores:size(1), scores:size(2))):double():sum(2):view(-1)
  return better:lt(k):double():mean()
end

--- Precision, recall and F1 of each class and their means: a list of {class, count, precision, recall, f1}, `mean` with the same.
-- A share of nothing is 0.
function Metrics:perClass()
  local rows, mean = {}, { class = 'mean', count = self.count, precision = 0, recall = 0, f1 = 0 }
  local function share(a, b) return b > 0 and a / b or 0 end
  for k, class in ipairs(self.classes) do
    local right, is, guessed = self.matrix[k][k], self.matrix[k]:sum(), self.matrix:select(2, k):sum()
    local p, r = share(right, guessed), share(right, is)
    rows[k] = { class = class, count = is, precision = p, recall = r, f1 = share(2 * p * r, p + r) }
    for _, name in ipairs { 'precision', 'recall', 'f1' } do mean[name] = mean[name] + rows[k][name] / #self.classes end
  end
  rows.mean = mean
  return rows
end

--- The area under the ROC curve of a class against the others: the chance that a sample of it has a larger score than one that is
-- not (Mann and Whitney 1947); equal scores count half. nil if one of the two kinds is missing.
function Metrics:rocArea(class)
  if not self.classes[class] then raise(('metrics: there is no class %s'):format(tostring(class))) end
  local scores, targets = whole(self)
  local x, order = torch.sort(scores:select(2, class):contiguous(), 1)
  local n, positive, sum, i = x:size(1), 0, 0, 1
  while i <= n do
    local last = i
    while last < n and x[last + 1] == x[i] do last = last + 1 end
    for j = i, last do
      if targets[order[j]] == class then positive, sum = positive + 1, sum + (i + last) / 2 end
    end
    i = last + 1
  end
  if positive == 0 or positive == n then return nil end
  return (sum - positive * (positive + 1) / 2) / (positive * (n - positive))
end

--- The confusion matrix (rows are truths) and the table of precision, recall and F1 as text.
function Metrics:__tostring()
  local width = 4
  for _, name in ipairs(self.classes) do width = math.max(width, math.min(#name, 12)) end
  local lines = {}
  local function cell(text) return ('%' .. width + 1 .. 's'):format(tostring(text):sub(1, width)) end
  local head = { cell '' }
  for _, name in ipairs(self.classes) do head[#head + 1] = cell(name) end
  lines[1] = table.concat(head) .. '   precision  recall      F1'
  local rows = self:perClass()
  for k, row in ipairs(rows) do
    local line = { cell(row.class) }
    for j = 1, #self.classes do line[j + 1] = cell(('%d'):format(self.matrix[k][j])) end
    lines[#lines + 1] = table.concat(line) .. ('    %6.2f%%  %6.2f%%  %6.2f%%'):format(100 * row.precision, 100 * row.recall,
      100 * row.f1)
  end
  lines[#lines + 1] = ('accuracy %.2f%%, mean precision %.2f%%, recall %.2f%%, F1 %.2f%%'):format(100 * self:accuracy(),
    100 * rows.mean.precision, 100 * rows.mean.recall, 100 * rows.mean.f1)
  return table.concat(lines, '\n')
end

--- Draws the confusion matrix: rows are truths, and a cell is as dark as the share of its row.
-- @tparam string path of a PNG
function Metrics:draw(path)
  check('metrics', 'path', 'string', path)
  local k, side, left = #self.classes, 44, 20
  for _, name in ipairs(self.classes) do left = math.max(left, Canvas.textWidth(name, 1.5) + 20) end
  local top = left
  local canvas = Canvas.new(left + k * side + 10, top + k * side + 10)
  for i, name in ipairs(self.classes) do
    local row = self.matrix[i]
    local total = math.max(row:sum(), 1)
    canvas:text(10, top + (i - .5) * side - 5, name, { 0, 0, 0 })
    canvas:text(left + (i - .5) * side - 5, top - 8, name, { 0, 0, 0 }, 1.5, true)
    for j = 1, k do
      local share = row[j] / total
      local x, y = left + (j - 1) * side, top + (i - 1) * side
      canvas:fill(x + 1, y + 1, side - 2, side - 2, { 245 - 215 * share, 245 - 165 * share, 250 - 90 * share })
      local text = ('%d'):format(row[j])
      canvas:text(x + (side - Canvas.textWidth(text, 1.2)) / 2, y + side / 2 - 4, text, share > .5 and { 255, 255, 255 } or
        { 60, 60, 60 }, 1.2)
    end
  end
  canvas:save(path)
end

--- A network's metrics over one epoch of a loader, or over whatever gives inputs and targets.
-- @tparam module net
-- @tparam table loader with batches() or an iterator function
-- @tparam table|number classes
-- @tparam[opt] function forward scores of a batch (net:forward by default)
function Metrics.of(net, loader, classes, forward)
  local m = Metrics.new(classes)
  check('metrics', 'net', 'module', net)
  check('metrics', 'forward', 'function?', forward)
  if type(loader) ~= 'function' then
    check('metrics', 'loader', 'table', loader)
    check('metrics', 'loader', { batches = 'function' }, loader)
  end
  net:evaluate()
  for input, target in type(loader) == 'function' and loader or loader:batches() do
    m:add(forward and forward(input) or net:forward(input), target)
  end
  return m
end

return Metrics
