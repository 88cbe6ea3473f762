--- Optimizers.
--
-- As functions, Torch7's form: `x, {fx} = optim.adam(opfunc, x, config, state)` where opfunc(x) returns f(x) and its
-- gradient; config names the rule's constants, state (config itself if left out) keeps what the rule remembers. As
-- objects: `local opt = optim.Adam(model, {learningRate = 1e-3})`, then `opt:zeroGrad()`, backward, `opt:step()`. The
-- rules and their constants stand in rules.lua.
-- @module tocha.optim
local optim = {}
package.loaded[...] = optim

local rules = require 'tocha.optim.rules'
local optimizer = require 'tocha.optim.optimizer'
local takes = require 'tocha.optim.takes'
local check = require 'tocha.kinds'.check

local arguments, takeGradient, isTensor = takes.arguments, takes.gradient, require 'tocha'.isTensor

-- A tensor; where the rule is one call of the engine, that looks at its type and size.
local function takeTensor(op, x, g)
  if isTensor(g) then return g end
  return takeGradient(op, x, g)
end

-- Torch7's functional form of a rule.
local function functional(op, step, take, ahead)
  return function(opfunc, x, config, state)
    arguments(op, opfunc, x, config, state)
    config = config or {}
    state = state or config
    if ahead then ahead(x, config, state) end
    local fx, gradient = opfunc(x)
    step(x, take(op, x, gradient), config, state)
    return x, { fx }
  end
end

--- `sgd(opfunc, x, config, state)`, `adam`, `adamw`, `rmsprop`, `adagrad`, `adadelta`, `adamax`, `nag`: one step of the rule;
-- rules.lua tells what config may hold. Returns x and {the value before}. `SGD(params, config)`, `Adam`, `AdamW`, `RMSprop`,
-- `Adagrad`, `Adadelta`, `Adamax`: the same as objects; params is a module, a tensor, a list of tensors, or a list of groups
-- {params =, learningRate = ...}.
for name, class in pairs {
  sgd = 'SGD', adam = 'Adam', adamw = 'AdamW', rmsprop = 'RMSprop', adagrad = 'Adagrad', adadelta = 'Adadelta',
  adamax = 'Adamax',
} do
  optim[name] = functional('optim.' .. name, rules[name], name == 'adamax' and takeGradient or takeTensor)
  optim[class] = optimizer(class, rules[name])
end
optim.nag = functional('optim.nag', rules.nag, takeGradient, rules.nagAhead)

--- Averaged SGD; returns the average as a third value.
function optim.asgd(opfunc, x, config, state)
  arguments('optim.asgd', opfunc, x, config, state)
  config = config or {}
  state = state or config
  local fx, gradient = opfunc(x)
  rules.asgd(x, takeGradient('optim.asgd', x, gradient), config, state)
  return x, { fx }, state.ax
end

--- Resilient propagation; config.niter steps (1) in one call.
function optim.rprop(opfunc, x, config, state)
  arguments('optim.rprop', opfunc, x, config, state)
  config = config or {}
  -- config and state both have a field `stepsize`: one is a number, the other a vector
  local own = not state
  if own then
    state = config.rprop or {}
    if type(state) ~= 'table' then check('optim.rprop', 'config.rprop', 'table', state) end
  end
  local history = {}
  for i = 1, takes.number('optim.rprop', config, 'niter', 1) do
    local fx, gradient = opfunc(x)
    rules.rprop(x, takeGradient('optim.rprop', x, gradient), config, state)
    history[i] = fx
    if own then config.rprop = state end
  end
  return x, history
end

optim.checkgrad = require 'tocha.optim.checkgrad'
optim.cg = require 'tocha.optim.cg'
optim.lswolfe = require 'tocha.optim.lswolfe'
optim.lbfgs = require 'tocha.optim.lbfgs'
optim.FistaLS = require 'tocha.optim.fista'
require 'tocha.optim.evolution'
require 'tocha.optim.gradient'
require 'tocha.optim.average'
require 'tocha.optim.logger'
require 'tocha.optim.confusion_matrix'

return optim
