--- Bitwise functions of integers, `f([result,] x, y)`, in place `x:f(y)`: `bitand`, `bitor`, `bitxor`, `lshift`, `rshift` with a
-- number, `cbitand`, `cbitor`, `cbitxor`, `clshift`, `crshift` with a tensor.
-- @module tocha.bindings.bits
local M = require 'tocha.bindings.class'
local tensor = require 'tocha.bindings.tensor'
local pointwise = require 'tocha.bindings.pointwise'
local ops = require 'tocha.bindings.op'.ops

for _, name in ipairs({ 'bitand', 'bitor', 'bitxor', 'lshift', 'rshift' }) do
  local op = ops[name]
  pointwise.withNumber(name, function(result, x, value) return op(result, x, tensor.scalar(M.rowOf(x), value)) end)
  pointwise.withTensor('c' .. name, op)
end
