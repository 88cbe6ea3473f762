--- FISTA with backtracking (Beck and Teboulle 2009): minimizes a smooth f plus a g that has a simple proximal step.
-- @module tocha.optim.fista
local torch = require 'tocha'
local takes = require 'tocha.optim.takes'
local check = require 'tocha.kinds'.check
local bad = require 'tocha.bindings.own'.bad

local op = 'optim.FistaLS'

-- One proximal gradient step from y, with 1 / L shortened until the quadratic bound holds; returns L, the bound, the
-- tries.
local function descend(f, pl, y, xk, xkm, L, params)
  local fy, gradient = f(y, 'dx')
  fy, gradient = takes.value(op, fy), takes.gradient(op, y, gradient)
  local step = torch.Tensor():typeAs(y)
  for try = 1, params.maxline + 1 do
    step:resizeAs(y):copy(y):add(-1 / L, gradient)
    pl(step, L)
    xk:copy(step)
    local value = takes.value(op, (f(step)))
    step:add(-1, y)
    local bound = fy + gradient:dot(step) + L / 2 * step:dot(step)
    if value <= bound then return L, bound, try end
    if try > params.maxline then
      xk:copy(xkm)
      return L, bound, try
    end
    L = L * params.Lstep
  end
end

--- @tparam function f x -> value; f(x, 'dx') -> value, gradient
-- @tparam function g x -> value
-- @tparam function pl (x, L): replaces x by the minimizer of g + L/2 |. - x|^2
-- @tparam tensor x start, and result
-- @tparam[opt] table params L (0.1), Lstep (1.5), maxiter (50), maxline (20), errthres (1e-4), doFistaUpdate (otherwise
-- ISTA)
-- @treturn tensor
-- @treturn {table,...} nline, L, F, Fply, Gply, Q of every iteration
return function(f, g, pl, x, params)
  takes.arguments(op, f, x)
  check(op, 'g', 'function', g)
  check(op, 'pl', 'function', pl)
  if params then check(op, 'params', 'table', params) end
  params = params or {}
  local constants = {}
  for name, default in pairs { L = 0.1, Lstep = 1.5, maxiter = 50, maxline = 20, errthres = 1e-4 } do
    constants[name] = takes.number(op, params, name, default)
  end
  if not (constants.maxline >= 0) then bad(op, 'maxline', 'a number from 0', constants.maxline) end
  local previous, y = x:clone():zero(), x:clone():zero()
  local L, t, history = constants.L, 1, {}
  for iteration = 1, constants.maxiter do
    local bound, tries
    L, bound, tries = descend(f, pl, y, x, previous, L, constants)
    if params.doFistaUpdate then
      local following = (1 + math.sqrt(1 + 4 * t * t)) / 2
      y:copy(x):add((1 - t) / following, previous - x)
      previous:copy(x)
      t = following
    else
      y:copy(x)
      previous:copy(x)
    end
    local smooth, rest = takes.value(op, (f(y))), takes.value(op, (g(y)))
    params.L = L
    history[iteration] = { nline = tries, L = L, F = smooth + rest, Fply = smooth, Gply = rest, Q = bound }
    local last = history[iteration - 1]
    if last and math.abs(history[iteration].F - last.F) <= constants.errthres then break end
  end
  x:copy(y)
  return y, history
end
