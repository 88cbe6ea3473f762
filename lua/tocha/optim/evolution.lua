--- Minimisation without gradients: differential evolution and CMA-ES, in Torch7's form
-- `x, {f0, ..., f} = method(opfunc, x, config, state)`. The gradient that opfunc returns is not looked at.
-- @module tocha.optim.evolution
local torch = require 'tocha'
local optim = require 'tocha.optim'
local takes = require 'tocha.optim.takes'
local bad = require 'tocha.bindings.own'.bad

-- config's constants with what is missing from `defaults`, or from state where config has nothing.
local function settings(op, config, state, defaults)
  local out = {}
  for key, value in pairs(defaults) do
    out[key] = takes.number(op, config or {}, key, takes.number(op, state or {}, key, value))
  end
  local size = out.popsize
  if size ~= defaults.popsize and not (size >= 1 and size < 2 ^ 31 and size % 1 == 0) then
    bad(op, 'popsize', 'a whole number from 1', size)
  end
  return out
end

-- What opfunc gives, where a value that is no number is worse than any other.
local function valueOf(op, opfunc)
  return function(p)
    local f = takes.value(op, (opfunc(p)))
    return f == f and f or math.huge
  end
end

--- Differential evolution, best/1/bin (Storn and Price 1997), from x and points drawn between minRegion (-30) and
-- maxRegion (30): popsize (10 per dimension), scaleFactor (0.7), crossoverRate (0.5), maxEval (or maxFEs; 500). Draws
-- come from a generator of its own. The second result has the value of every evaluation.
function optim.de(opfunc, x, config, state)
  takes.arguments('optim.de', opfunc, x, config, state)
  local n = x:nElement()
  local set = settings('optim.de', config, state, { popsize = 10 * n, scaleFactor = 0.7, crossoverRate = 0.5, minRegion = -30,
    maxRegion = 30, maxEval = takes.number('optim.de', config or {}, 'maxFEs', 500) })
  local size, random = math.max(3, set.popsize), torch.Generator()
  torch.manualSeed(random, 1)
  local people, values, history, evaluate = {}, {}, {}, valueOf('optim.de', opfunc)
  local function value(p)
    history[#history + 1] = evaluate(p:viewAs(x))
    return history[#history]
  end
  local function other(...) -- somebody who is none of those
    while true do
      local k, taken = torch.random(random, 1, size), false
      for _, one in ipairs { ... } do taken = taken or one == k end
      if not taken then return k end
    end
  end
  local best = 1
  for i = 1, size do
    people[i] = i == 1 and x:clone():view(-1) or x.new(n):uniform(random, set.minRegion, set.maxRegion)
    values[i] = value(people[i])
    if values[i] < values[best] then best = i end
  end
  while #history < set.maxEval do
    local leader = people[best]:clone()
    for i = 1, math.min(size, set.maxEval - #history) do
      local a = other(i)
      local mutant = torch.add(leader, set.scaleFactor, people[a] - people[other(i, a)])
      local sure = torch.random(random, 1, n)
      for k = 1, n do
        if k ~= sure and torch.uniform(random, 0, 1) >= set.crossoverRate then mutant[k] = people[i][k] end
      end
      local f = value(mutant)
      if f <= values[i] then people[i], values[i] = mutant, f end
      if values[i] < values[best] then best = i end
    end
  end
  x:copy(people[best]:viewAs(x))
  return x, history
end

-- Weights and rates of Hansen's tutorial (2016), table 1, for n dimensions and `size` samples.
local function rates(n, size)
  local r, total, squares = { mu = math.floor(size / 2), weights = {} }, 0, 0
  for i = 1, r.mu do
    r.weights[i] = math.log((size + 1) / 2) - math.log(i)
    total = total + r.weights[i]
  end
  for i = 1, r.mu do
    r.weights[i] = r.weights[i] / total
    squares = squares + r.weights[i] ^ 2
  end
  local e = 1 / squares
  r.effective = e
  r.path = (4 + e / n) / (n + 4 + 2 * e / n)
  r.stepPath = (e + 2) / (n + e + 5)
  r.one = 2 / ((n + 1.3) ^ 2 + e)
  r.many = math.min(1 - r.one, 2 * (e - 2 + 1 / e) / ((n + 2) ^ 2 + e))
  r.damping = 1 + 2 * math.max(0, math.sqrt((e - 1) / (n + 1)) - 1) + r.stepPath
  r.expected = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)) -- length of a standard normal vector
  return r
end

--- Covariance matrix adaptation (Hansen 2016, "The CMA evolution strategy: a tutorial"): sigma (0.5), popsize
-- (4 + 3 log n), maxEval (1000 per dimension), ftarget (stop below). The third result is the number of evaluations.
function optim.cmaes(opfunc, x, config, state)
  takes.arguments('optim.cmaes', opfunc, x, config, state)
  local n, value = x:nElement(), valueOf('optim.cmaes', opfunc)
  local set = settings('optim.cmaes', config, state, { sigma = 0.5, popsize = 4 + math.floor(3 * math.log(n)), maxEval = 1000 * n,
    ftarget = -math.huge })
  local size, sigma = math.max(4, set.popsize), set.sigma
  local r = rates(n, size)
  local mean = torch.DoubleTensor(n):copy(x:contiguous():view(-1))
  local covariance = torch.eye(n):double()
  local path, stepPath = mean.new(n):zero(), mean.new(n):zero()
  local best, bestValue = mean:clone(), value(x)
  local history, evaluations = { bestValue }, 1
  while evaluations < set.maxEval and bestValue > set.ftarget do
    local lengths, axes = torch.symeig(covariance, 'V')
    lengths = lengths:clamp(1e-30, math.huge):sqrt()
    local people = {}
    for k = 1, size do
      local y = axes * torch.cmul(lengths, mean.new(n):normal())
      local p = torch.add(mean, sigma, y)
      people[k] = { y = y, x = p, f = value(p:typeAs(x):viewAs(x)) }
    end
    evaluations = evaluations + size
    table.sort(people, function(a, b) return a.f < b.f end)
    if people[1].f < bestValue then best, bestValue = people[1].x, people[1].f end
    local step, spread = mean.new(n):zero(), covariance:clone():zero()
    for i = 1, r.mu do
      step:add(r.weights[i], people[i].y)
      spread:addr(r.weights[i], people[i].y, people[i].y)
    end
    mean:add(sigma, step)
    local white = axes * torch.cdiv(axes:t() * step, lengths)
    stepPath:mul(1 - r.stepPath):add(math.sqrt(r.stepPath * (2 - r.stepPath) * r.effective), white)
    local length, decay = stepPath:norm(), 1 - (1 - r.stepPath) ^ (2 * evaluations / size)
    local moving = length / math.sqrt(decay) < (1.4 + 2 / (n + 1)) * r.expected
    path:mul(1 - r.path)
    if moving then path:add(math.sqrt(r.path * (2 - r.path) * r.effective), step) end
    local stall = moving and 0 or r.one * r.path * (2 - r.path)
    covariance:mul(1 - r.one - r.many + stall):add(r.many, spread):addr(r.one, path, path)
    sigma = sigma * math.exp(r.stepPath / r.damping * (length / r.expected - 1))
    history[#history + 1] = bestValue
  end
  x:copy(best:typeAs(x):viewAs(x))
  return x, history, evaluations
end

return optim
