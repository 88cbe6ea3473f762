--- nn.Kmeans: clustering as a layer; nn.StochasticGradient: Torch7's training loop.
-- @module tocha.nn.kmeans
local torch = require 'tocha'
local nn = require 'tocha.nn'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

-- (k, dim [, scale]): input (N, dim) gives the number of the nearest of k centres, the rows of weight. The gradient of
-- a centre is the mean way from its examples to it, so that a step of 1 makes it their mean. `loss` is the sum of
-- squared distances.
local Kmeans, kmeans = torch.class('nn.Kmeans', 'nn.Module', nn)

function Kmeans:__init(k, dim, scale)
  kmeans.__init(self)
  if not (k and dim and k > 0 and dim > 0) then raise('nn.Kmeans: the numbers of clusters and of dimensions are needed') end
  self.k, self.dim, self.scale, self.loss = k, dim, scale, 0
  self.weight, self.gradWeight = torch.Tensor(k, dim), torch.Tensor(k, dim):zero()
  self.clusterSampleCount = torch.Tensor(k):zero()
  self:reset()
end

function Kmeans:reset(bound)
  bound = bound or 1
  self.weight:uniform(-bound, bound)
end

local function check(self, input)
  if takes.tensor(input):dim() == 2 and input:size(2) == self.dim then return input end
  raise(('examples of %d numbers are wanted, but the input is %s'):format(self.dim,
    table.concat(input:size():totable(), 'x')))
end

--- Centres are examples drawn at random.
function Kmeans:initRandom(input)
  check(self, input)
  if input:size(1) < self.k then raise(('%d examples for %d clusters'):format(input:size(1), self.k)) end
  for i = 1, self.k do self.weight[i]:copy(input[torch.random(1, input:size(1))]) end
end

-- Squared distances (N, k) of examples from centres.
local function distances(input, centres)
  local n, k, dim = input:size(1), centres:size(1), input:size(2)
  local away = input:contiguous():view(n, 1, dim):expand(n, k, dim) - centres:view(1, k, dim):expand(n, k, dim)
  return torch.sum(torch.square(away), 3):view(n, k)
end

--- Every centre after the first is one of the (1 - p) N examples that are farthest from the centres before it.
function Kmeans:initKmeansPlus(input, p)
  check(self, input)
  self.p = p or self.p or 0.95
  if self.p < 0 or self.p > 1 then raise('p is between 0 and 1') end
  local n = input:size(1)
  local far = math.max(1, math.ceil((1 - self.p) * n))
  self.weight[1]:copy(input[torch.random(1, n)])
  for i = 2, self.k do
    local nearest = torch.min(distances(input, self.weight:narrow(1, 1, i - 1)), 2):view(-1)
    local _, order = torch.sort(nearest, 1, true)
    self.weight[i]:copy(input[order[torch.random(1, far)]])
  end
end

function Kmeans:updateOutput(input)
  local nearest, cluster = torch.min(distances(check(self, input), self.weight), 2)
  self.loss = nearest:sum()
  self.nearest = cluster:view(-1)
  self.output:resize(input:size(1)):copy(self.nearest)
  return self.output
end

function Kmeans:updateGradInput(input)
  self.gradInput:resize(takes.tensor(input):size()):zero()
  return self.gradInput
end

function Kmeans:accGradParameters(input, _, scale)
  scale = self.scale or scale or 1
  if type(scale) ~= 'number' or not (scale > 0) then raise('the scale must be a number above 0, not ' .. tostring(scale)) end
  local counts = self.clusterSampleCount:zero()
  counts:indexAdd(1, self.nearest, takes.tensor(input).new(input:size(1)):fill(1))
  local ways = self.weight:index(1, self.nearest) - input
  local sums = self.weight:clone():zero():indexAdd(1, self.nearest, ways)
  self.gradWeight:add(scale, torch.cdiv(sums, torch.clamp(counts, 1, math.huge):view(-1, 1):expandAs(sums)))
end

function Kmeans:clearState()
  self.nearest = nil
  return kmeans.clearState(self)
end

-- -- training -------------------------------------------------------------------------------------------------------

-- (module, criterion): train(dataset) goes through the examples dataset[i] = {input, target}, dataset:size() of them,
-- one at a time. Fields: learningRate, learningRateDecay, maxIteration (of the whole set; 0: endless), shuffleIndices,
-- hookExample(self, example), hookIteration(self, iteration, error), verbose.
local Stochastic = torch.class('nn.StochasticGradient', nn)

function Stochastic:__init(module, criterion)
  self.module, self.criterion = module, criterion
  self.learningRate, self.learningRateDecay, self.maxIteration = 0.01, 0, 25
  self.shuffleIndices, self.verbose = true, true
end

local function step(self, example, rate)
  local module, criterion = self.module, self.criterion
  local input, target = example[1], example[2]
  local loss = criterion:forward(module:forward(input), target)
  local gradient = criterion:updateGradInput(module.output, target)
  module:updateGradInput(input, gradient)
  module:accUpdateGradParameters(input, gradient, rate)
  return loss
end

--- Trains the module and returns the mean loss of the last round.
function Stochastic:train(dataset)
  if type(dataset) ~= 'table' and type(dataset) ~= 'userdata' or not dataset.size then
    raise(('train: a data set with size() and examples {input, target} is wanted, not a %s'):format(torch.type(dataset)))
  end
  local count, rate, iteration, mean = dataset:size(), self.learningRate, 1, nil
  local order = self.shuffleIndices and torch.randperm(count) or torch.range(1, count)
  local function say(...)
    if self.verbose then print(...) end
  end
  say('# StochasticGradient: training')
  while self.maxIteration <= 0 or iteration <= self.maxIteration do
    local sum = 0
    for t = 1, count do
      local example = dataset[order[t]]
      sum = sum + step(self, example, rate)
      if self.hookExample then self.hookExample(self, example) end
    end
    mean = sum / count
    if self.hookIteration then self.hookIteration(self, iteration, mean) end
    say('# current error = ' .. mean)
    iteration = iteration + 1
    rate = self.learningRate / (1 + iteration * self.learningRateDecay)
  end
  say('# StochasticGradient: you have reached the maximum number of iterations')
  say('# training error = ' .. tostring(mean))
  return mean
end
