--- Update rules of first-order optimizers, each written once.
--
-- step(x, g, config, state) changes x along the gradient g and keeps in `state` what it needs the next time. The names
-- of config and state are Torch7's, so states saved by its functions go on working. What a rule understands:
-- learningRate, learningRateDecay (rate / (1 + steps * decay)), weightDecay (an L2 penalty), and what stands above it.
-- A constant or a memory of a wrong kind is an error that names it, and then x, config and state are as they were.
-- @module tocha.optim.rules
local torch = require 'tocha'
local update = require 'tocha.bindings.update'
local takes = require 'tocha.optim.takes'
local raise = require 'tocha.bindings.own'.raise

local number, vector, memory = takes.number, takes.vector, takes.memory
local rules = {}

local function like(x) return x.new():resizeAs(x):zero() end

-- The annealed rate of this step, and its number, which state's `counter` is before it.
local function anneal(op, config, state, rate, counter)
  local steps = number(op, state, counter, 0)
  return number(op, config, 'learningRate', rate) / (1 + steps * number(op, config, 'learningRateDecay', 0)), steps + 1
end

-- momentum, dampening (the momentum by default), nesterov; learningRates and weightDecays: vectors of a factor per
-- element
function rules.sgd(x, g, config, state)
  local momentum = number('optim.sgd', config, 'momentum', 0)
  local dampening = number('optim.sgd', config, 'dampening', momentum)
  local nesterov, decay = config.nesterov and true or false, number('optim.sgd', config, 'weightDecay', 0)
  if nesterov and not (momentum > 0 and dampening == 0) then
    raise('optim.sgd: nesterov needs a momentum and dampening = 0')
  end
  local rate, steps = anneal('optim.sgd', config, state, 1e-3, 'evalCounter')
  local rates = vector('optim.sgd', config, 'learningRates', x)
  local decays = decay == 0 and vector('optim.sgd', config, 'weightDecays', x) or nil
  local velocity = momentum ~= 0 and memory('optim.sgd', state, 'dfdx', x) or nil
  local first = momentum ~= 0 and not velocity
  if first then velocity = like(g) end
  if decays then g = torch.addcmul(g, 1, decays, x) end
  local before = rates and x:clone()
  update.sgd(x, g, velocity, rate, decay, momentum, dampening, nesterov, first)
  if rates then x:add(-1, before):cmul(rates):add(before) end
  if first then state.dfdx = velocity end
  state.evalCounter = steps
end

local function adam(op, decoupled)
  return function(x, g, config, state)
    local rate, steps = anneal(op, config, state, 0.001, 't')
    local beta1, beta2 = number(op, config, 'beta1', 0.9), number(op, config, 'beta2', 0.999)
    local epsilon, decay = number(op, config, 'epsilon', 1e-8), number(op, config, 'weightDecay', decoupled and 0.01 or 0)
    local m, v = memory(op, state, 'm', x) or like(x), memory(op, state, 'v', x) or like(x)
    update.adam(x, g, m, v, steps, rate, beta1, beta2, epsilon, decay, decoupled)
    state.m, state.v, state.t = m, v, steps
  end
end

-- beta1, beta2, epsilon: Kingma and Ba 2014, with epsilon added before the bias correction as Torch7 did
rules.adam = adam('optim.adam', false)
-- Loshchilov and Hutter 2017: weightDecay (0.01 by default) shrinks the weights apart from the gradient
rules.adamw = adam('optim.adamw', true)

-- alpha, epsilon, initialMean (of the squares)
function rules.rmsprop(x, g, config, state)
  local op = 'optim.rmsprop'
  local rate, steps = anneal(op, config, state, 1e-2, 'evalCounter')
  local alpha, epsilon = number(op, config, 'alpha', 0.99), number(op, config, 'epsilon', 1e-8)
  local decay, mean = number(op, config, 'weightDecay', 0), number(op, config, 'initialMean', 0)
  local m = memory(op, state, 'm', x) or like(x):fill(mean)
  update.rmsprop(x, g, m, rate, alpha, epsilon, decay)
  state.m, state.evalCounter = m, steps
end

-- epsilon
function rules.adagrad(x, g, config, state)
  local op = 'optim.adagrad'
  local rate, steps = anneal(op, config, state, 1e-3, 'evalCounter')
  local epsilon, decay = number(op, config, 'epsilon', 1e-10), number(op, config, 'weightDecay', 0)
  local variance = memory(op, state, 'paramVariance', x) or like(x)
  update.adagrad(x, g, variance, rate, epsilon, decay)
  state.paramVariance, state.evalCounter = variance, steps
end

-- rho, eps; learningRate multiplies the step (1 by default)
function rules.adadelta(x, g, config, state)
  local op = 'optim.adadelta'
  local rate, steps = anneal(op, config, state, 1, 'evalCounter')
  local rho, eps, decay = number(op, config, 'rho', 0.9), number(op, config, 'eps', 1e-6), number(op, config, 'weightDecay', 0)
  local variance = memory(op, state, 'paramVariance', x) or like(x)
  local delta = memory(op, state, 'accDelta', x) or like(x)
  update.adadelta(x, g, variance, delta, rate, rho, eps, decay)
  state.paramVariance, state.accDelta, state.evalCounter = variance, delta, steps
end

-- g + decay * x
local function decayed(x, g, decay) return decay == 0 and g or torch.add(g, decay, x) end

-- beta1, beta2, epsilon: Adam with the infinity norm (Kingma and Ba 2014, algorithm 2)
function rules.adamax(x, g, config, state)
  local op = 'optim.adamax'
  local rate, steps = anneal(op, config, state, 0.002, 't')
  local beta1, beta2 = number(op, config, 'beta1', 0.9), number(op, config, 'beta2', 0.999)
  local epsilon = number(op, config, 'epsilon', 1e-38)
  local m, u = memory(op, state, 'm', x) or like(x), memory(op, state, 'u', x) or like(x)
  g = decayed(x, g, number(op, config, 'weightDecay', 0))
  m:mul(beta1):add(1 - beta1, g)
  u:mul(beta2):cmax(torch.abs(g):add(epsilon))
  x:addcdiv(-rate / (1 - beta1 ^ steps), m, u)
  state.m, state.u, state.t = m, u, steps
end

local function nagMomentum(config) return number('optim.nag', config, 'momentum', 0.9) end

-- momentum (0.9): the caller has moved x along the velocity before it took g (rules.nagAhead); learningRates per
-- element
function rules.nag(x, g, config, state)
  local op = 'optim.nag'
  local rate, steps = anneal(op, config, state, 1e-3, 'evalCounter')
  local momentum, rates = nagMomentum(config), vector(op, config, 'learningRates', x)
  local velocity = memory(op, state, 'dfdx', x)
  g = decayed(x, g, number(op, config, 'weightDecay', 0))
  if rates then g = torch.cmul(g, rates) end
  velocity = velocity and velocity:mul(momentum) or like(g)
  x:add(-rate, g)
  velocity:add(-rate, g)
  state.dfdx, state.evalCounter = velocity, steps
end

function rules.nagAhead(x, config, state)
  local momentum, velocity = nagMomentum(config), memory('optim.nag', state, 'dfdx', x)
  if momentum <= 0 then raise('optim.nag: the momentum must be positive') end
  if velocity then x:add(momentum, velocity) end
end

-- eta0, lambda, alpha, t0: averaged SGD (Bottou's sgd-2.0); state.ax is the average
function rules.asgd(x, g, config, state)
  local op = 'optim.asgd'
  local eta0, lambda = number(op, config, 'eta0', 1e-4), number(op, config, 'lambda', 1e-4)
  local alpha, t0 = number(op, config, 'alpha', 0.75), number(op, config, 't0', 1e6)
  local eta, mu = number(op, state, 'eta_t', eta0), number(op, state, 'mu_t', 1)
  local steps, average = number(op, state, 't', 0) + 1, memory(op, state, 'ax', x) or like(x)
  x:mul(1 - lambda * eta):add(-eta, g)
  if mu == 1 then average:copy(x) else update.approach(average, x, mu) end
  state.ax, state.t = average, steps
  state.eta_t = eta0 / (1 + lambda * eta0 * steps) ^ alpha
  state.mu_t = 1 / math.max(1, steps - t0)
end

-- stepsize, etaplus, etaminus, stepsizemax, stepsizemin: a step per element whose size follows the gradient's sign
function rules.rprop(x, g, config, state)
  local op = 'optim.rprop'
  local start = number(op, config, 'stepsize', 0.1)
  local plus, minus = number(op, config, 'etaplus', 1.2), number(op, config, 'etaminus', 0.5)
  local least, most = number(op, config, 'stepsizemin', 1e-6), number(op, config, 'stepsizemax', 50)
  local delta = memory(op, state, 'delta', x) or like(g)
  local sizes = memory(op, state, 'stepsize', x) or like(g):fill(start)
  local agreement = torch.cmul(g, delta)
  local same, opposite = agreement:gt(0):typeAs(x), agreement:lt(0):typeAs(x)
  local factor = torch.mul(same, plus - 1):add(minus - 1, opposite):add(1)
  sizes:cmul(factor):clamp(least, most)
  delta:copy(g):cmul(torch.mul(opposite, -1):add(1))
  x:addcmul(-1, torch.sign(delta), sizes)
  state.delta, state.stepsize = delta, sizes
end

return rules
