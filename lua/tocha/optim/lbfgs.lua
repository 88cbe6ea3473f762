--- L-BFGS (Nocedal and Wright, algorithms 7.4 and 7.5).
--
-- Without config.lineSearch (optim.lswolfe, or a function like it) the step is learningRate, the first one also divided
-- by the size of the gradient. A state goes on where the last call stopped.
-- @module tocha.optim.lbfgs
local torch = require 'tocha'
local takes = require 'tocha.optim.takes'
local check = require 'tocha.kinds'.check
local bad = require 'tocha.bindings.own'.bad

local op = 'optim.lbfgs'

local function size(t) return torch.abs(t):sum() end

-- Remembers the last step and how the gradient changed along it.
local function remember(state, g, correction)
  local y, s = g - state.g_old, torch.mul(state.d, state.t)
  local ys = y:dot(s)
  if ys <= 1e-10 then return end -- no curvature
  if #state.old_dirs == correction then
    table.remove(state.old_dirs, 1)
    table.remove(state.old_stps, 1)
  end
  table.insert(state.old_dirs, s)
  table.insert(state.old_stps, y)
  state.Hdiag = ys / y:dot(y)
end

-- -H g by the two loops.
local function direction(state, g)
  local q, alpha, rho = torch.mul(g, -1), {}, {}
  for i = #state.old_dirs, 1, -1 do
    rho[i] = 1 / state.old_stps[i]:dot(state.old_dirs[i])
    alpha[i] = rho[i] * state.old_dirs[i]:dot(q)
    q:add(-alpha[i], state.old_stps[i])
  end
  q:mul(state.Hdiag)
  for i = 1, #state.old_dirs do
    q:add(alpha[i] - rho[i] * state.old_stps[i]:dot(q), state.old_dirs[i])
  end
  return q
end

-- Raises unless a state is one that a call left behind, or has none of its fields.
local function resume(state, x)
  local steps = takes.number(op, state, 'nIter', 0)
  if steps < 0 or steps % 1 ~= 0 then bad(op, 'nIter', 'a whole number from 0', steps) end
  takes.number(op, state, 'funcEval', 0)
  if steps < 1 then return end
  for _, name in ipairs { 'old_dirs', 'old_stps' } do
    check(op, name, 'tensors', state[name])
    for i = 1, #state[name] do takes.memory(op, state[name], i, x) end
  end
  for _, name in ipairs { 'd', 'g_old' } do
    check(op, name, 'tensor', state[name])
    takes.memory(op, state, name, x)
  end
  for _, name in ipairs { 't', 'Hdiag' } do check(op, name, 'number', state[name]) end
end

--- @tparam function opfunc x -> f(x), gradient
-- @tparam tensor x is moved
-- @tparam[opt] table config maxIter (20), maxEval (1.25 maxIter), tolFun (1e-5, of the gradient), tolX (1e-9, of step
-- and value), nCorrection (100), learningRate (1), lineSearch, lineSearchOptions
-- @tparam[opt] table state
-- @treturn tensor x
-- @treturn {number,...} the values on the way
-- @treturn number evaluations
return function(opfunc, x, config, state)
  takes.arguments(op, opfunc, x, config, state)
  config = config or {}
  state = state or config
  local function constant(name, default) return takes.number(op, config, name, default) end
  local maxIter = constant('maxIter', 20)
  local maxEval, correction = constant('maxEval', maxIter * 1.25), constant('nCorrection', 100)
  local tolFun, tolX, rate = constant('tolFun', 1e-5), constant('tolX', 1e-9), constant('learningRate', 1)
  if config.lineSearch then check(op, 'lineSearch', 'function', config.lineSearch) end
  resume(state, x)
  local evaluate = takes.both(op, opfunc)
  local f, g = evaluate(x)
  local history, evaluations = { f }, 1
  state.funcEval, state.nIter = (state.funcEval or 0) + 1, state.nIter or 0
  if size(g) <= tolFun then return x, history, evaluations end
  for iteration = 1, maxIter do
    state.nIter = state.nIter + 1
    if state.nIter == 1 then
      state.old_dirs, state.old_stps, state.Hdiag = {}, {}, 1
    else
      remember(state, g, correction)
    end
    state.d = direction(state, g)
    state.g_old = g:clone()
    local before, slope = f, g:dot(state.d)
    if slope > -tolX then break end
    state.t = rate * (state.nIter == 1 and math.min(1, 1 / size(g)) or 1)
    local used = 0
    if config.lineSearch then
      f, g, x, state.t, used = config.lineSearch(opfunc, x, state.t, state.d, f, g, slope, config.lineSearchOptions)
      f, g = takes.value(op, f), takes.gradient(op, x, g)
      history[#history + 1] = f
    else
      x:add(state.t, state.d)
      if iteration ~= maxIter then
        f, g = evaluate(x)
        used = 1
        history[#history + 1] = f
      end
    end
    evaluations = evaluations + used
    state.funcEval = state.funcEval + used
    if iteration == maxIter or evaluations >= maxEval or size(g) <= tolFun
      or size(state.d) * math.abs(state.t) <= tolX or math.abs(f - before) < tolX then
      break
    end
  end
  return x, history, evaluations
end
