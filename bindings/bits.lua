--- Bitwise functions of integers: bitand, bitor, bitxor, lshift and rshift with a number, cbitand and so on with a tensor; forms
-- as in tocha.bindings.pointwise.
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
