--- A gradient against central differences.
-- @module tocha.optim.checkgrad
local torch = require 'tocha'
local takes = require 'tocha.optim.takes'
local check = require 'tocha.kinds'.check

--- Compares the gradient that opfunc(x) returns with central differences of its value.
-- @tparam function opfunc x -> f(x), gradient
-- @tparam tensor x
-- @tparam[opt=1e-7] number eps
-- @treturn number |g - e| / |g + e|
-- @treturn tensor g, the gradient
-- @treturn tensor e, its estimate
return function(opfunc, x, eps)
  takes.arguments('optim.checkgrad', opfunc, x)
  check('optim.checkgrad', 'eps', 'number?', eps)
  eps = eps or 1e-7
  local both = takes.both('optim.checkgrad', opfunc, true)
  local _, gradient = both(x)
  gradient = gradient:clone():resizeAs(x)
  local flat = x:view(-1)
  local estimate = gradient.new(flat:size(1))
  for i = 1, flat:size(1) do
    local value = flat[i]
    flat[i] = value + eps
    local above = both(x)
    flat[i] = value - eps
    local below = both(x)
    flat[i] = value
    estimate[i] = (above - below) / (2 * eps)
  end
  estimate:resizeAs(x)
  return torch.norm(gradient - estimate) / torch.norm(gradient + estimate), gradient, estimate
end
