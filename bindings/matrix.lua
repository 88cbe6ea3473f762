--- Products of matrices and vectors, with the names and argument orders of Torch7.
-- @module tocha.bindings.matrix
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local size = require 'tocha.bindings.size'
local answer = require 'tocha.bindings.answer'
local ops = require 'tocha.bindings.op'.ops

local raise, isTensor, need = own.raise, own.isTensor, answer.need
local Tensor, functions = M.tensor, {}
local X = {}

-- f([result,] a, b); result:f(a, b) writes result, a:f(b) gives a new tensor.
local function product(name, op)
  functions[name] = function(a, b, c)
    if c ~= nil then return op(a, need(name, b), need(name, c)) end
    return op(nil, need(name, a), need(name, b))
  end
  Tensor[name] = functions[name]
end
--- `mm([result,] a, b)`: the product of two matrices (n,k) and (k,m); `mv`: of a matrix and a vector; `bmm`: of batches (B,n,k)
-- and (B,k,m); `ger`: all products of the elements of two vectors, (n,m); `matmul`: any of these, with batches that broadcast.
product('mm', ops.mm)
product('mv', ops.mv)
product('bmm', ops.bmm)
product('ger', ops.outer)
product('matmul', ops.matmul)

local function flat(x)
  if C.tch_tensor_dim(x) == 1 then return x end
  return ops.reshape(nil, x, { -1 })
end

--- The sum of products of all elements, a number.
function functions.dot(a, b)
  return answer.number(ops.dot(nil, flat(need('dot', a)), flat(need('dot', b))))
end
Tensor.dot = functions.dot

-- Sorts the arguments [beta,] [c,] [alpha,] a, b: tensors in order; the number before c and the number before a.
local function arguments(name, tensorsWanted, ...)
  local tensors, numbers, places = {}, {}, {}
  for i = 1, select('#', ...) do
    local value = select(i, ...)
    if isTensor(value) then tensors[#tensors + 1] = value
    elseif type(value) == 'number' then
      numbers[#numbers + 1] = value
      places[#places + 1] = #tensors
    else
      raise(('%s: argument %d is a %s, neither number nor tensor'):format(name, i, type(value)))
    end
  end
  if #tensors < tensorsWanted or #tensors > tensorsWanted + 1 or #numbers > 2 then
    raise(('%s: %d or %d tensors and up to 2 numbers are needed, but there are %d and %d'):format(name, tensorsWanted,
      tensorsWanted + 1, #tensors, #numbers))
  end
  return tensors, numbers, places
end

-- f([result,] [beta,] c, [alpha,] a, b): beta c + alpha a b; c:f([beta,] [alpha,] a, b) in place.
local function sum(name, op)
  local function withAddend(result, tensors, numbers, places, before)
    local beta, alpha = 1, 1
    for i = 1, #numbers do
      if places[i] <= before then beta = numbers[i] else alpha = numbers[i] end
    end
    local n = #tensors
    return op(result, tensors[n - 2], tensors[n - 1], tensors[n], beta, alpha)
  end
  functions[name] = function(...)
    local tensors, numbers, places = arguments(name, 3, ...)
    local given = #tensors == 4
    return withAddend(given and tensors[1] or nil, tensors, numbers, places, given and 1 or 0)
  end
  Tensor[name] = function(self, ...)
    local tensors, numbers, places = arguments(name, 2, ...)
    if #tensors == 3 then return withAddend(self, tensors, numbers, places, 0) end
    local beta, alpha = 1, numbers[1] or 1
    if #numbers == 2 then beta, alpha = numbers[1], numbers[2] end
    return op(self, self, tensors[1], tensors[2], beta, alpha)
  end
end
--- `addmm([result,] [beta,] c, [alpha,] a, b)`: beta c + alpha a b, of matrices; `addmv`: of a matrix and a vector; `addr`: of
-- two vectors, all their products; `addbmm`: the sum of a batch's products; `baddbmm`: batch by batch. In place `c:addmm([beta,]
-- [alpha,] a, b)`.
sum('addmm', ops.addmm)
sum('addmv', ops.addmv)
sum('addr', ops.addr)
sum('addbmm', ops.addbmm)
sum('baddbmm', ops.baddbmm)

--- What `*` means between tensors: dot of vectors (a number), matrix by vector, matrix by matrix, batches of them.
function X.product(a, b)
  local na, nb = C.tch_tensor_dim(a), C.tch_tensor_dim(b)
  if na == 1 and nb == 1 then return functions.dot(a, b) end
  if na == 2 and nb == 1 then return ops.mv(nil, a, b) end
  if na == 2 and nb == 2 then return ops.mm(nil, a, b) end
  if na == 0 or nb == 0 then
    if C.tch_tensor_count(a) == 1 or C.tch_tensor_count(b) == 1 then return ops.mul(nil, a, b) end
    raise(('*: tensors of %s and %s have no product'):format(size.text(a), size.text(b)))
  end
  return ops.matmul(nil, a, b)
end

function X.install(torch)
  for name, f in pairs(functions) do torch[name] = f end
end

return X
