--- Parts of sets. A set is a table with `labels` (N) and `data` (N,...), or the `source` of pictures in files.
-- @module tocha.data.sets
local torch = require 'tocha'
local raise = require 'tocha.bindings.own'.raise

local sets = {}

--- The number of samples.
function sets.size(set)
  if set.data then return set.data:size(1) end
  if set.source then return set.source.index:size(1) end
  raise 'a set is a table with data, or with the source of pictures'
end

--- The samples that indices name, as a set.
-- @tparam table set
-- @tparam tensor indices LongTensor
function sets.select(set, indices)
  local part = {}
  for key, value in pairs(set) do part[key] = value end
  if set.labels then part.labels = set.labels:index(1, indices) end
  if set.data then part.data = set.data:index(1, indices) end
  if set.source then
    part.source = { names = set.source.names, index = set.source.index:index(1, indices), blob = set.source.blob }
  end
  return part
end

local function classesOf(set)
  if not set.labels then raise 'the set has no labels' end
  local labels = set.labels:detach():double()
  if labels:ne(torch.floor(labels)):any() or labels:lt(1):any() then
    raise 'the labels of a set are whole numbers from 1'
  end
  return math.max(labels:max(), set.classes and #set.classes or 0)
end

--- How often each class comes: a DoubleTensor.
function sets.classCounts(set)
  local count, ones = torch.DoubleTensor(classesOf(set)):zero(), torch.DoubleTensor(set.labels:size(1)):fill(1)
  return count:indexAdd(1, set.labels:long(), ones)
end

--- Weights that make classes of different size count the same: N / (classes * count), for a criterion.
-- @treturn tensor of the default type
function sets.classWeights(set)
  local count = sets.classCounts(set)
  local weights = torch.Tensor(count:size(1))
  for k = 1, count:size(1) do
    weights[k] = count[k] > 0 and set.labels:size(1) / (count:size(1) * count[k]) or 0
  end
  return weights
end

-- The samples of each class in a drawn order.
local function shuffledClasses(set, seed)
  local generator, classes = torch.Generator(), classesOf(set)
  torch.manualSeed(generator, seed or 1)
  if classes > 1e6 then raise(('%d classes are more than a million'):format(classes)) end
  local members = {}
  for k = 1, classes do members[k] = {} end
  local order = torch.randperm(generator, set.labels:size(1))
  for i = 1, order:size(1) do
    local list = members[set.labels[order[i]]]
    list[#list + 1] = order[i]
  end
  return members
end

local function sorted(list)
  table.sort(list)
  return torch.LongTensor(list)
end

--- Holds a share of every class back.
-- @tparam table set
-- @tparam number share of the second part, above 0 and below 1
-- @tparam[opt=1] number seed
-- @treturn table the first part
-- @treturn table the second part
function sets.stratified(set, share, seed)
  if type(share) ~= 'number' or not (share > 0 and share < 1) then
    raise(('stratified: the share must be above 0 and below 1, not %s'):format(tostring(share)))
  end
  local first, second = {}, {}
  for _, list in ipairs(shuffledClasses(set, seed)) do
    local held = math.floor(#list * share + .5)
    for i, sample in ipairs(list) do
      local part = i <= held and second or first
      part[#part + 1] = sample
    end
  end
  if #first == 0 or #second == 0 then raise(('stratified: a share of %g of %d samples leaves one part empty'):format(share,
    sets.size(set))) end
  return sets.select(set, sorted(first)), sets.select(set, sorted(second))
end

--- At most so many samples of each class, drawn from a seed.
-- @tparam table set
-- @tparam number count
-- @tparam[opt=1] number seed
function sets.few(set, count, seed)
  if type(count) ~= 'number' or count % 1 ~= 0 or count < 1 then
    raise(('few: the count must be a whole number above 0, not %s'):format(tostring(count)))
  end
  local kept = {}
  for _, list in ipairs(shuffledClasses(set, seed)) do
    for i = 1, math.min(count, #list) do kept[#kept + 1] = list[i] end
  end
  return sets.select(set, sorted(kept))
end

--- Iterates over k pairs of sets, training and validation: every sample is validated once, and every fold has its share of each
-- class. `for fold, train, valid in data.folds(set, 5) do`
function sets.folds(set, k, seed)
  local n = sets.size(set)
  if type(k) ~= 'number' or k % 1 ~= 0 or k < 2 or k > n then
    raise(('folds: k must be a whole number from 2 to %d, not %s'):format(n, tostring(k)))
  end
  local fold, next = {}, 0
  for _, list in ipairs(shuffledClasses(set, seed)) do
    for _, sample in ipairs(list) do
      fold[sample] = next % k + 1
      next = next + 1
    end
  end
  local current = 0
  return function()
    current = current + 1
    if current > k then return nil end
    local train, valid = {}, {}
    for sample = 1, n do
      local part = fold[sample] == current and valid or train
      part[#part + 1] = sample
    end
    return current, sets.select(set, torch.LongTensor(train)), sets.select(set, torch.LongTensor(valid))
  end
end

return sets
