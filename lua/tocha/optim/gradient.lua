--- What is done to gradients before a step: clipping, and penalties on the weights.
-- @module tocha.optim.gradient
local torch = require 'tocha'
local optim = require 'tocha.optim'
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise

-- Pairs {x, g} of a module, a list of tensors with gradients, or a tensor with one.
local function pairsOf(params, name)
  if torch.isTypeOf(params, 'nn.Module') then
    local xs, gs = params:parameters()
    local list = {}
    for i, x in ipairs(xs or {}) do list[i] = { x = x, g = gs[i] } end
    return list
  end
  if torch.isTensor(params) then params = { params } end
  check('optim.' .. name, 'params', 'table', params)
  local list = {}
  for i, x in ipairs(params) do
    if not torch.isTensor(x) then
      raise(('optim.%s: parameter %d is a %s, not a tensor'):format(name, i, torch.type(x)))
    end
    if x.grad then list[#list + 1] = { x = x, g = x.grad } end
  end
  return list
end

--- Shortens all gradients together to a norm of maxNorm where it is larger (Pascanu et al. 2013).
-- @param params a module, a tensor or a list of tensors
-- @tparam number maxNorm
-- @treturn number the norm before
function optim.clipGradNorm(params, maxNorm)
  check('optim.clipGradNorm', 'maxNorm', 'number', maxNorm)
  local list, total = pairsOf(params, 'clipGradNorm'), 0
  for _, p in ipairs(list) do total = total + p.g:norm() ^ 2 end
  local norm = math.sqrt(total)
  if norm > maxNorm then
    for _, p in ipairs(list) do p.g:mul(maxNorm / norm) end
  end
  return norm
end

--- Cuts every entry of the gradients to [-limit, limit].
function optim.clipGradValue(params, limit)
  check('optim.clipGradValue', 'limit', 'number', limit)
  for _, p in ipairs(pairsOf(params, 'clipGradValue')) do p.g:clamp(-limit, limit) end
end

--- Adds the gradients of l1 * |x| + l2 / 2 * x^2 over all parameters; returns that penalty.
function optim.penalize(params, l1, l2)
  check('optim.penalize', 'l1', 'number', l1)
  check('optim.penalize', 'l2', 'number?', l2)
  local penalty = 0
  for _, p in ipairs(pairsOf(params, 'penalize')) do
    local x = p.x:detach()
    if l1 ~= 0 then
      penalty = penalty + l1 * torch.abs(x):sum()
      p.g:add(l1, torch.sign(x))
    end
    if l2 and l2 ~= 0 then
      penalty = penalty + l2 / 2 * x:norm() ^ 2
      p.g:add(l2, x)
    end
  end
  return penalty
end

return optim
