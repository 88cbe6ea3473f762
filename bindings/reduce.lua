--- Sums, means, extremes, norms ...: a Lua number over all elements (a tensor without dimensions where x is on the tape), or a
-- tensor along dimension d, which stays with size 1 unless `keep` is false, as in Torch7. A result may come first.
-- @module tocha.bindings.reduce
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local size = require 'tocha.bindings.size'
local tensor = require 'tocha.bindings.tensor'
local answer = require 'tocha.bindings.answer'
local pointwise = require 'tocha.bindings.pointwise'
local ops = require 'tocha.bindings.op'.ops

local raise, isTensor, need, number = own.raise, own.isTensor, answer.need, answer.number
local Tensor, functions = M.tensor, {}

local function kept(keep) return keep == nil or keep end

local function nonempty(name, x)
  if C.tch_tensor_count(need(name, x)) == 0 then raise(name .. ': the tensor is empty') end
  return x
end

-- What is folded into one number: of floats the double that it was computed in, as in Torch7.
local wide
local function whole(op, x, ...)
  if M.rowOf(x) ~= dtype.Float or (C.tch_needs_grad(x) and C.tch_grad_enabled()) then return number(op(nil, x, ...)) end
  wide = wide or tensor.scalar(dtype.Double, 0)
  return op(wide, x, ...):item()
end

-- -- f([result,] x [, d [, keep]]) ------------------------------------------------------------------------------------

--- sum([result,] x [, d [, keep]]): a number over all elements, or a tensor of the sums along d; also `mean`, `prod` and
-- `logsumexp`, the logarithm of the sum of exp x. Sums of integers are LongTensors; a result given may be of x's type.
for _, name in ipairs({ 'sum', 'mean', 'prod', 'logsumexp' }) do
  local op = ops[name]
  functions[name] = function(x, y, d, keep)
    if isTensor(y) then
      if M.rowOf(y).floating or M.rowOf(need(name, x)) ~= M.rowOf(y) then return op(x, y, d, kept(keep)) end
      return answer.into(x, op(nil, y, d, kept(keep)))
    end
    need(name, x)
    if y == nil then return whole(op, x, nil, false) end
    return op(nil, x, y, kept(d))
  end
end

--- var and std([result,] x [, d [, biased [, keep]]]): divided by n - 1, or by n if `biased`.
for _, name in ipairs({ 'var', 'std' }) do
  local op = ops[name]
  functions[name] = function(x, y, d, biased, keep)
    if isTensor(y) then return op(x, y, d, not biased, kept(keep)) end
    need(name, x)
    if y == nil or type(y) == 'boolean' then return whole(op, x, nil, not y, false) end
    return op(nil, x, y, not d, kept(biased))
  end
end

--- norm([result,] x [, p = 2 [, d [, keep]]]): (sum |x|^p)^(1/p), a number over all elements, or a tensor along d.
function functions.norm(x, y, p, d, keep)
  if isTensor(y) then return ops.norm(x, y, p or 2, d, kept(keep)) end
  need('norm', x)
  if p == nil then return whole(ops.norm, x, y or 2, nil, false) end
  return ops.norm(nil, x, y or 2, p, kept(d))
end

--- dist(x, y [, p = 2]): the norm of x - y.
function functions.dist(x, y, p)
  need('dist', x)
  return functions.norm(ops.sub(nil, x, pointwise.fitted('dist', x, y), 1), p or 2)
end

-- -- extremes: (values, indices) along d ------------------------------------------------------------------------------

--- max([values, indices,] x [, d [, keep]]): the largest element, a number; or along d the values and where they are, a
-- LongTensor from 1; `min` the smallest. `argmax(x)`, `argmin(x)`: the place among all elements in order, and the value; along
-- d: places, values.
for _, name in ipairs({ 'max', 'min' }) do
  local all, along = ops[name .. '_all'], ops[name]
  functions[name] = function(x, y, z, d, keep)
    if isTensor(z) then return along(x, y, z, d, kept(keep), 1) end
    if isTensor(y) then
      if z == nil then
        raise(('%s: a dimension is needed after a result and a tensor (c%s takes two tensors)'):format(name, name))
      end
      local values, indices = answer.one(x, y)
      return along(values, indices, y, z, kept(d), 1)
    end
    need(name, x)
    if y == nil then return number(all(nil, x)) end
    return along(nil, nil, x, y, kept(z), 1)
  end
  functions['arg' .. name] = function(x, d, keep)
    nonempty('arg' .. name, x)
    local values, indices
    if d == nil then
      values, indices = along(nil, nil, ops.reshape(nil, x:detach(), { -1 }), 1, true, 1)
      return indices:item(), values:item()
    end
    values, indices = along(nil, nil, x:detach(), d, kept(keep), 1)
    return indices, values
  end
end

-- -- diagonals --------------------------------------------------------------------------------------------------------

local function matrixOnly(name, x)
  if C.tch_tensor_dim(need(name, x)) ~= 2 then
    raise(('%s: a matrix is needed, the tensor is %s'):format(name, size.text(x)))
  end
  return x
end

-- The part of a matrix whose diagonal is the k-th one.
local function shifted(x, k)
  if k > 0 then return x:narrow(2, k + 1, x:size(2) - k) end
  if k < 0 then return x:narrow(1, 1 - k, x:size(1) + k) end
  return x
end

--- The sum of a matrix's diagonal.
function functions.trace(x)
  return tensor.diagonal(matrixOnly('trace', x)):sum()
end

--- diag([result,] x [, k]): the k-th diagonal of a matrix, or the matrix with vector x there.
function functions.diag(x, y, k)
  local result
  if isTensor(y) then result, x = need('diag', x), y else k = y end
  k = own.integer(k or 0)
  local made
  if C.tch_tensor_dim(need('diag', x)) == 1 then
    local n = x:size(1) + math.abs(k)
    made = x.new(n, n):zero()
    tensor.diagonal(shifted(made, k)):copy(x)
  else
    made = tensor.diagonal(shifted(matrixOnly('diag', x), k)):clone()
  end
  return result and result:resizeAs(made):copy(made) or made
end

--- numel(x), also `nElement`: how many elements.
functions.numel = function(x) return need('numel', x):nElement() end
functions.nElement = functions.numel

--- softmax([result,] x [, d]), `logSoftmax`: along d, by default the last dimension.
for name, op in pairs({ softmax = ops.softmax, logSoftmax = ops.log_softmax }) do
  functions[name] = function(x, y, d)
    if isTensor(y) then return op(x, y, d or -1) end
    return op(nil, need(name, x), y or -1)
  end
  Tensor[name] = function(x, y, d)
    if isTensor(y) then return op(x, y, d or -1) end
    return op(x, x, y or -1)
  end
end

for name, f in pairs(functions) do
  if Tensor[name] == nil then Tensor[name] = f end
end

return { install = function(torch)
  for name, f in pairs(functions) do torch[name] = f end
end }
