--- torch.gradcheck: gradients of the tape against differences, in double precision.
-- @module tocha.bindings.gradcheck
local own = require 'tocha.bindings.own'
local autograd = require 'tocha.bindings.autograd'
local ops = require 'tocha.bindings.op'.ops

local raise, isTensor = own.raise, own.isTensor

local function toLeaves(inputs)
  local leaves = {}
  for i, x in ipairs(inputs) do
    if isTensor(x) and (x:type() == 'torch.DoubleTensor' or x:type() == 'torch.FloatTensor') then
      leaves[i] = x:detach():double():clone():requiresGrad(true)
    else
      leaves[i] = x
    end
  end
  return leaves
end

local function isLeaf(x) return isTensor(x) and x:requiresGrad() end

-- A fixed weighting of the output, so that a sum does not hide errors that cancel.
local function weightsLike(y)
  local w, k = y:detach():clone(), 0
  w:apply(function()
    k = k + 1
    return 0.5 + (k * 0.618033988749895) % 1
  end)
  return w
end

-- The weighted sum of fn's output as a function of the leaves.
local function objective(fn, leaves, weights)
  local y = fn(unpack(leaves))
  if not isTensor(y) then raise('gradcheck: the function returned a ' .. type(y) .. ', not a tensor') end
  weights[1] = weights[1] or weightsLike(y)
  return ops.sum(nil, ops.mul(nil, y, weights[1]), nil, false)
end

local function difference(value, leaf, i, eps)
  local flat = leaf:detach():view(leaf:nElement())
  local x = flat[i]
  flat[i] = x + eps
  local up = value()
  flat[i] = x - eps
  local down = value()
  flat[i] = x
  return (up - down) / (2 * eps)
end

local function compare(leaves, grads, value, options, what)
  local eps, tolerance = options.eps or 1e-6, options.tolerance or 1e-5
  for k, leaf in ipairs(leaves) do
    if isLeaf(leaf) then
      local g = grads[k] and grads[k]:contiguous():view(leaf:nElement())
      for i = 1, leaf:nElement() do
        local expected, got = difference(value, leaf, i, eps), g and g[i] or 0
        if not (math.abs(expected - got) <= tolerance * math.max(1, math.abs(expected))) then
          return false, ('%s: input %d, element %d: the tape says %.10g, differences say %.10g'):format(what, k, i, got, expected)
        end
      end
    end
  end
  return true
end

local function gradients(y, leaves, options)
  local xs, places, out = {}, {}, {}
  for k, leaf in ipairs(leaves) do
    if isLeaf(leaf) then
      xs[#xs + 1] = leaf
      places[#places + 1] = k
    end
  end
  options.allowUnused = true
  local gs = autograd.grad(y, xs, options)
  for i = 1, #xs do out[places[i]] = gs[i] end
  return out
end

--- Compares the gradients of fn(inputs...) with central differences.
-- @tparam function fn of tensors, returning a tensor
-- @tparam {tensor,...} inputs floating tensors are converted to double and varied, other values passed as they are
-- @tparam[opt] table options eps (1e-6), tolerance (1e-5, relative above 1), second (also second derivatives)
-- @treturn boolean
-- @treturn string where they differ
local function gradcheck(fn, inputs, options)
  if isTensor(inputs) then inputs = { inputs } end
  if type(fn) ~= 'function' or type(inputs) ~= 'table' then raise('gradcheck: a function and a table of inputs are needed') end
  if options ~= nil and type(options) ~= 'table' then raise('gradcheck: options are a table such as {eps = 1e-6}') end
  options = options or {}
  local leaves, weights = toLeaves(inputs), {}
  local grads = gradients(objective(fn, leaves, weights), leaves, {})
  local function value() return objective(fn, leaves, weights):detach():item() end
  local ok, message = compare(leaves, grads, value, options, 'first derivative')
  if not ok or not options.second then return ok, message end

  local again = {}
  local function first()
    local gs = gradients(objective(fn, leaves, weights), leaves, { createGraph = true })
    local total
    for k in ipairs(leaves) do
      if gs[k] and gs[k]:requiresGrad() then
        again[k] = again[k] or weightsLike(gs[k])
        local part = ops.sum(nil, ops.mul(nil, gs[k], again[k]), nil, false)
        total = total and total + part or part
      end
    end
    return total
  end
  local total = first()
  if not total then return true end
  return compare(leaves, gradients(total, leaves, {}), function() return first():detach():item() end, options,
    'second derivative')
end

return { gradcheck = gradcheck, install = function(torch) torch.gradcheck = gradcheck end }
