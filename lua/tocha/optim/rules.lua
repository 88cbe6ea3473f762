--- Update rules of first-order optimizers, each written once.
--
-- step(x, g, config, state) changes x along the gradient g and keeps in `state` what it needs the next time. The names
-- of config and state are Torch7's, so states saved by its functions go on working. What a rule understands:
-- learningRate, learningRateDecay (rate / (1 + steps * decay)), weightDecay (an L2 penalty), and what stands above it.
-- @module tocha.optim.rules
local torch = require 'tocha'
local update = require 'tocha.bindings.update'
local raise = require 'tocha.bindings.own'.raise

local rules = {}

local function like(x) return x.new():resizeAs(x):zero() end

-- The annealed rate before the step that `counter` counts, which it advances.
local function anneal(config, state, rate, counter)
  counter = counter or 'evalCounter'
  local steps = state[counter] or 0
  state[counter] = steps + 1
  return (config.learningRate or rate) / (1 + steps * (config.learningRateDecay or 0))
end

-- momentum, dampening (the momentum by default), nesterov; learningRates and weightDecays: vectors of a factor per
-- element
function rules.sgd(x, g, config, state)
  local momentum = config.momentum or 0
  local dampening = config.dampening or momentum
  local nesterov, decay = config.nesterov or false, config.weightDecay or 0
  if nesterov and not (momentum > 0 and dampening == 0) then
    raise('sgd: nesterov needs a momentum and dampening = 0')
  end
  local rate = anneal(config, state, 1e-3)
  if decay == 0 and config.weightDecays then
    g = torch.addcmul(g, 1, config.weightDecays:typeAs(x):viewAs(x), x)
  end
  local first = momentum ~= 0 and not state.dfdx
  if first then state.dfdx = like(g) end
  local velocity = momentum ~= 0 and state.dfdx or nil
  if not config.learningRates then
    update.sgd(x, g, velocity, rate, decay, momentum, dampening, nesterov, first)
    return
  end
  local before = x:clone()
  update.sgd(x, g, velocity, rate, decay, momentum, dampening, nesterov, first)
  x:add(-1, before):cmul(config.learningRates:typeAs(x):viewAs(x)):add(before)
end

local function adam(decoupled)
  return function(x, g, config, state)
    local rate = anneal(config, state, 0.001, 't')
    state.m, state.v = state.m or like(x), state.v or like(x)
    update.adam(x, g, state.m, state.v, state.t, rate, config.beta1 or 0.9, config.beta2 or 0.999,
      config.epsilon or 1e-8, config.weightDecay or (decoupled and 0.01 or 0), decoupled)
  end
end

-- beta1, beta2, epsilon: Kingma and Ba 2014, with epsilon added before the bias correction as Torch7 did
rules.adam = adam(false)
-- Loshchilov and Hutter 2017: weightDecay (0.01 by default) shrinks the weights apart from the gradient
rules.adamw = adam(true)

-- alpha, epsilon, initialMean (of the squares)
function rules.rmsprop(x, g, config, state)
  state.m = state.m or like(x):fill(config.initialMean or 0)
  update.rmsprop(x, g, state.m, anneal(config, state, 1e-2), config.alpha or 0.99, config.epsilon or 1e-8,
    config.weightDecay or 0)
end

function rules.adagrad(x, g, config, state)
  state.paramVariance = state.paramVariance or like(x)
  update.adagrad(x, g, state.paramVariance, anneal(config, state, 1e-3), config.epsilon or 1e-10,
    config.weightDecay or 0)
end

-- rho, eps; learningRate multiplies the step (1 by default)
function rules.adadelta(x, g, config, state)
  state.paramVariance, state.accDelta = state.paramVariance or like(x), state.accDelta or like(x)
  update.adadelta(x, g, state.paramVariance, state.accDelta, anneal(config, state, 1), config.rho or 0.9,
    config.eps or 1e-6, config.weightDecay or 0)
end

-- g + weightDecay * x
local function decayed(x, g, config)
  local decay = config.weightDecay or 0
  return decay == 0 and g or torch.add(g, decay, x)
end

-- beta1, beta2, epsilon: Adam with the infinity norm (Kingma and Ba 2014, algorithm 2)
function rules.adamax(x, g, config, state)
  local rate = anneal(config, state, 0.002, 't')
  local beta1, beta2 = config.beta1 or 0.9, config.beta2 or 0.999
  g = decayed(x, g, config)
  state.m, state.u = state.m or like(x), state.u or like(x)
  state.m:mul(beta1):add(1 - beta1, g)
  state.u:mul(beta2):cmax(torch.abs(g):add(config.epsilon or 1e-38))
  x:addcdiv(-rate / (1 - beta1 ^ state.t), state.m, state.u)
end

-- momentum (0.9): the caller has moved x along the velocity before it took g (rules.nagAhead); learningRates per
-- element
function rules.nag(x, g, config, state)
  local rate, momentum = anneal(config, state, 1e-3), config.momentum or 0.9
  g = decayed(x, g, config)
  if config.learningRates then g = torch.cmul(g, config.learningRates:typeAs(x):viewAs(x)) end
  state.dfdx = state.dfdx and state.dfdx:mul(momentum) or like(g)
  x:add(-rate, g)
  state.dfdx:add(-rate, g)
end

function rules.nagAhead(x, config, state)
  local momentum = config.momentum or 0.9
  if momentum <= 0 then raise('nag: the momentum must be positive') end
  if state.dfdx then x:add(momentum, state.dfdx) end
end

-- eta0, lambda, alpha, t0: averaged SGD (Bottou's sgd-2.0); state.ax is the average
function rules.asgd(x, g, config, state)
  local eta0, lambda = config.eta0 or 1e-4, config.lambda or 1e-4
  state.eta_t, state.mu_t, state.t = state.eta_t or eta0, state.mu_t or 1, state.t or 0
  x:mul(1 - lambda * state.eta_t):add(-state.eta_t, g)
  state.ax = state.ax or like(x)
  if state.mu_t == 1 then state.ax:copy(x) else update.approach(state.ax, x, state.mu_t) end
  state.t = state.t + 1
  state.eta_t = eta0 / (1 + lambda * eta0 * state.t) ^ (config.alpha or 0.75)
  state.mu_t = 1 / math.max(1, state.t - (config.t0 or 1e6))
end

-- stepsize, etaplus, etaminus, stepsizemax, stepsizemin: a step per element whose size follows the gradient's sign
function rules.rprop(x, g, config, state)
  state.delta = state.delta or like(g)
  state.stepsize = state.stepsize or like(g):fill(config.stepsize or 0.1)
  local agreement = torch.cmul(g, state.delta)
  local same, opposite = agreement:gt(0):typeAs(x), agreement:lt(0):typeAs(x)
  local factor = torch.mul(same, (config.etaplus or 1.2) - 1):add((config.etaminus or 0.5) - 1, opposite):add(1)
  state.stepsize:cmul(factor):clamp(config.stepsizemin or 1e-6, config.stepsizemax or 50)
  state.delta:copy(g):cmul(torch.mul(opposite, -1):add(1))
  x:addcmul(-1, torch.sign(state.delta), state.stepsize)
end

return rules
