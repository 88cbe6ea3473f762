--- Comparisons: `x:lt(y)`, `torch.lt([result,] x, y)` with a tensor or a number give a ByteTensor of 0 and 1; equal, all, any.
-- @module tocha.bindings.compare
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local tensor = require 'tocha.bindings.tensor'
local pointwise = require 'tocha.bindings.pointwise'
local answer = require 'tocha.bindings.answer'
local ops = require 'tocha.bindings.op'.ops

local raise, need = own.raise, answer.need
local Tensor, functions = M.tensor, {}

-- y as a tensor of x's type, or both in double where the types differ.
local function operands(name, x, y)
  need(name, x)
  if type(y) == 'number' then
    local row = M.rowOf(x)
    if not row.floating and y % 1 ~= 0 then return x:double(), tensor.scalar(dtype.Double, y) end
    return x, tensor.scalar(row, y)
  end
  need(name, y)
  if M.rowOf(x) ~= M.rowOf(y) then return x:double(), y:double() end
  return x, y
end

--- lt([result,] x, y): a ByteTensor of 1 where x < y and 0 elsewhere, y a tensor or a number; also `le`, `gt`, `ge`, `eq`, `ne`.
-- A result of another type gets the 0 and 1 too.
for _, name in ipairs({ 'lt', 'le', 'gt', 'ge', 'eq', 'ne' }) do
  local op = ops[name]
  functions[name] = function(x, y, z)
    local result
    if z ~= nil then result, x, y = need(name, x), y, z end
    x, y = operands(name, x, y)
    y = pointwise.paired(name, x, y)
    if result == nil or M.rowOf(result) == dtype.Byte then return op(result, x, y) end
    local made = op(nil, x, y)
    return result:resizeAs(made):copy(made)
  end
  Tensor[name] = functions[name]
end

--- Whether two tensors have the same sizes and elements.
function functions.equal(x, y)
  need('equal', x)
  need('equal', y)
  if not C.tch_tensor_same_size(x, y) then return false end
  return C.tch_tensor_count(x) == 0 or functions.eq(x, y):all()
end
Tensor.equal = functions.equal

local function byte(name, x)
  if M.rowOf(need(name, x)) ~= dtype.Byte then raise(('%s: a torch.ByteTensor is needed, not a %s'):format(name, x:type())) end
end

--- all(x): whether no element is 0; all(x, d): along d. For ByteTensors.
function functions.all(x, d)
  byte('all', x)
  if d ~= nil then return functions.ne((x:min(d)), 0) end
  return C.tch_tensor_count(x) == 0 or x:min() ~= 0
end

--- any(x): whether an element is not 0; any(x, d): along d. For ByteTensors.
function functions.any(x, d)
  byte('any', x)
  if d ~= nil then return functions.ne((x:max(d)), 0) end
  return C.tch_tensor_count(x) ~= 0 and x:max() ~= 0
end
Tensor.all, Tensor.any = functions.all, functions.any

return { install = function(torch)
  for name, f in pairs(functions) do torch[name] = f end
end }
