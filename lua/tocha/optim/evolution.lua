--- Minimisation without gradients: differential evolution and CMA-ES, in Torch7's form
-- `x, {f0, ..., f} = method(opfunc, x, config, state)`. The gradient that opfunc returns is not looked at.
-- @module tocha.optim.evolution
local torch = require 'tocha'
local optim = require 'tocha.optim'

-- config's constants with what is missing from `defaults`, or from state where config has nothing.
local function settings(config, state, defaults)
  local out = {}
  for key, value in pairs(defaults) do
    out[key] = config and config[key] or state and state[key] or value
  end
  return out
end

--- Differential evolution, rand/1/bin (Storn and Price 1997): popsize (10 per dimension), scaleFactor (0.7),
-- crossoverRate (0.5), maxEval (or maxFEs; 500).
function optim.de(opfunc, x, config, state)
  local n = x:nElement()
  local set = settings(config, state, { popsize = 10 * n, scaleFactor = 0.7, crossoverRate = 0.5,
    maxEval = config and config.maxFEs or 500 })
  local size = math.max(4, set.popsize)
  local flat = x:contiguous():view(-1)
  local people, values = {}, {}
  local function value(p) return (opfunc(p:viewAs(x))) end
  for i = 1, size do
    people[i] = i == 1 and flat:clone() or flat.new(n):uniform(-1, 1):add(flat)
    values[i] = value(people[i])
  end
  local history, best, evaluations = { values[1] }, 1, size
  for i = 2, size do if values[i] < values[best] then best = i end end
  while evaluations < set.maxEval do
    for i = 1, size do
      local picked, others = { [i] = true }, {}
      while #others < 3 do
        local k = torch.random(1, size)
        if not picked[k] then picked[k], others[#others + 1] = true, people[k] end
      end
      local mutant = torch.add(others[1], set.scaleFactor, others[2] - others[3])
      local keep = flat.new(n):uniform():ge(set.crossoverRate)
      keep[torch.random(1, n)] = 0
      mutant[keep] = people[i][keep]
      local f = value(mutant)
      evaluations = evaluations + 1
      if f <= values[i] then people[i], values[i] = mutant, f end
      if values[i] < values[best] then best = i end
      if evaluations >= set.maxEval then break end
    end
    history[#history + 1] = values[best]
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
  local n = x:nElement()
  local set = settings(config, state, { sigma = 0.5, popsize = 4 + math.floor(3 * math.log(n)), maxEval = 1000 * n,
    ftarget = -math.huge })
  local size, sigma = math.max(4, set.popsize), set.sigma
  local r = rates(n, size)
  local mean = torch.DoubleTensor(n):copy(x:contiguous():view(-1))
  local covariance = torch.eye(n):double()
  local path, stepPath = mean.new(n):zero(), mean.new(n):zero()
  local best, bestValue = mean:clone(), (opfunc(x))
  local history, evaluations = { bestValue }, 1
  while evaluations < set.maxEval and bestValue > set.ftarget do
    local lengths, axes = torch.symeig(covariance, 'V')
    lengths = lengths:clamp(1e-30, math.huge):sqrt()
    local people = {}
    for k = 1, size do
      local y = axes * torch.cmul(lengths, mean.new(n):normal())
      local p = torch.add(mean, sigma, y)
      people[k] = { y = y, x = p, f = (opfunc(p:typeAs(x):viewAs(x))) }
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
