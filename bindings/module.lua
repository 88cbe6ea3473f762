--- What lua/tocha/nn needs of the engine below the tensor methods: generated calls, leaves of parameters, passes off
-- the tape.
-- @module tocha.bindings.module
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local op = require 'tocha.bindings.op'
local autograd = require 'tocha.bindings.autograd'

local glue = { ops = op.ops, schema = op.schema }
local box = own.newBox()
local wrap, fail, isTensor = own.wrap, own.fail, own.isTensor

--- t, which must be a tensor.
local function need(t)
  if not isTensor(t) then
    own.raise(('a tensor is wanted, but a %s was given'):format(own.isStorage(t) and 'storage' or type(t)))
  end
  return t
end
glue.need = need

--- t without its history.
function glue.constant(t)
  need(t)
  if not C.tch_needs_grad(t) then return t end
  if C.tch_detach(t, box) ~= 0 then fail() end
  return wrap(box[0])
end

--- An alias of a parameter that is a leaf of the tape and adds its gradient to `grad`; nil for nil, the parameter
-- itself while gradients are off.
function glue.leaf(t, grad)
  if not isTensor(t) or not isTensor(grad) or not C.tch_grad_enabled() then return t end
  if C.tch_parameter(t, grad, box) ~= 0 then fail() end
  return wrap(box[0])
end

--- A fresh leaf on t's elements, t without history if it cannot have a gradient. No torch.scope empties it.
function glue.input(t)
  need(t)
  if C.tch_detach(t, box) ~= 0 then fail() end
  local leaf = own.borrow(box[0])
  C.tch_tensor_release(box[0])
  local type = C.tch_tensor_dtype(t)
  if type == C.TCH_FLOAT or type == C.TCH_DOUBLE then
    if C.tch_requires_grad(leaf, true) ~= 0 then fail() end
  end
  return leaf
end

--- Lets go of what the tape keeps for the gradient of t.
function glue.forget(t) C.tch_forget(need(t)) end

--- A function that tells whether a value is a tensor of fewer elements.
function glue.smaller(count)
  return function(t) return isTensor(t) and C.tch_tensor_count(t) < count end
end

--- What tells two tensors apart.
glue.address = own.address

--- Lets go of the numbers and the history of a tensor.
function glue.empty(t) C.tch_tensor_free(need(t)) end

--- Whether both show the same elements in the same way.
function glue.sameView(a, b) return isTensor(a) and isTensor(b) and C.tch_tensor_same_view(a, b) end

--- Whether a and b have one type and the same sizes.
function glue.alike(a, b)
  return isTensor(a) and isTensor(b) and C.tch_tensor_dtype(a) == C.tch_tensor_dtype(b) and C.tch_tensor_same_size(a, b)
end

--- Whether a and b are tensors of different types.
function glue.differ(a, b)
  return isTensor(a) and isTensor(b) and C.tch_tensor_dtype(a) ~= C.tch_tensor_dtype(b)
end

--- A number that grows with each write to elements of t.
function glue.version(t) return tonumber(C.tch_tensor_version(need(t))) end

-- -- passes -------------------------------------------------------------------------------------------------------

local options = { retainGraph = true, allowUnused = true, offTape = true }

--- The gradients of ys, weighted by gys, towards xs; nil where an x has none. The graph stays; versions are not
-- checked. Those of the xs with an entry in `into` are added to it, times scale, and not given.
function glue.gradients(ys, gys, xs, into, scale)
  local made, weights = {}, {}
  for i = 1, #ys do
    if C.tch_needs_grad(ys[i]) then made[#made + 1], weights[#made + 1] = ys[i], gys[i] end
  end
  if #made == 0 then return {} end
  options.gradOutputs, options.into, options.scale = weights, into, scale
  local grads = autograd.grad(made, xs, options)
  options.gradOutputs, options.into = nil, nil
  return grads
end

glue.hostNode, glue.sweep = autograd.hostNode, autograd.sweep

-- -- scalars ------------------------------------------------------------------------------------------------------

local ones = {}

--- A zero-dimensional 1 of t's type.
function glue.one(t)
  local type = tonumber(C.tch_tensor_dtype(need(t)))
  local one = ones[type]
  if not one then
    if C.tch_tensor_new(type, 0, nil, box) ~= 0 then fail() end
    one = wrap(box[0])
    if C.tch_tensor_fill(one, 1) ~= 0 then fail() end
    ones[type] = one
  end
  return one
end

local value = ffi.new('double[1]')

--- The number in a zero-dimensional tensor.
function glue.item(t)
  if C.tch_tensor_get(need(t), 0, nil, value) ~= 0 then fail() end
  return value[0]
end

return glue
