--- Operators of tensors: + - / % ^ of elements with numbers and tensors (broadcast), * between tensors the matrix product.
-- @module tocha.bindings.operators
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local pointwise = require 'tocha.bindings.pointwise'
local matrix = require 'tocha.bindings.matrix'
local ops = require 'tocha.bindings.op'.ops

local isTensor, paired, power = own.isTensor, pointwise.paired, pointwise.power
local operators = M.operators

local function need(what, value)
  if not isTensor(value) then own.raise(('%s: a %s cannot be combined with a tensor'):format(what, type(value))) end
end

function operators.mul(a, b)
  if type(b) == 'number' then return ops.mul_scalar(nil, a, b) end
  if type(a) == 'number' then return ops.mul_scalar(nil, b, a) end
  need('*', a)
  need('*', b)
  return matrix.product(a, b)
end

function operators.add(a, b)
  if type(b) == 'number' then return ops.add_scalar(nil, a, b) end
  if type(a) == 'number' then return ops.add_scalar(nil, b, a) end
  need('+', a)
  return ops.add(nil, a, paired('+', a, b), 1)
end

function operators.sub(a, b)
  if type(b) == 'number' then return ops.add_scalar(nil, a, -b) end
  if type(a) == 'number' then return ops.sub_from(nil, b, a) end
  need('-', a)
  return ops.sub(nil, a, paired('-', a, b), 1)
end

function operators.div(a, b)
  if type(b) == 'number' then return ops.div_scalar(nil, a, b) end
  if type(a) == 'number' then return ops.div_into(nil, b, a) end
  need('/', a)
  return ops.div(nil, a, paired('/', a, b))
end

function operators.mod(a, b)
  if type(b) == 'number' then return ops.remainder_scalar(nil, a, b) end
  need('%', a)
  return ops.remainder(nil, a, paired('%', a, b))
end

function operators.pow(a, b)
  if isTensor(a) and isTensor(b) then return ops.pow(nil, a, b) end
  return power(nil, a, b)
end

function operators.unm(a) return ops.neg(nil, a) end

