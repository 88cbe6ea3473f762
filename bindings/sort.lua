--- Order and running sums: sort, topk, kthvalue, median, mode, cumsum, cumprod, tril, triu, roll, flip.
-- Functions of two results give (values, indices), indices as a LongTensor that counts from 1; both may be given first.
-- @module tocha.bindings.sort
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local answer = require 'tocha.bindings.answer'
local tensor = require 'tocha.bindings.tensor'
local ops = require 'tocha.bindings.op'.ops

local isTensor, need = own.isTensor, answer.need
local Tensor, functions = M.tensor, {}

-- f([values, indices,] x, ...) from apply(values, indices, x, ...); one of the two may be given alone.
local function twoResults(name, apply)
  functions[name] = function(a, b, x, ...)
    if not isTensor(b) then return apply(nil, nil, need(name, a), b, x, ...) end
    if isTensor(x) then return apply(a, b, x, ...) end
    local values, indices = answer.one(a, b)
    return apply(values, indices, b, x, ...)
  end
  Tensor[name] = functions[name]
end

-- A dimension that may be left out before a flag.
local function lastFlag(d, flag)
  if type(d) == 'boolean' then return -1, d end
  return d or -1, flag or false
end

--- sort([values, indices,] x [, d] [, descending]): in order along d (the last), and where the elements were.
twoResults('sort', function(values, indices, x, d, descending)
  d, descending = lastFlag(d, descending)
  return ops.sort(values, indices, x, d, descending, 1)
end)

--- topk([values, indices,] x [, k = 1] [, d] [, largest] [, sorted]): the k smallest, or largest. They come sorted always.
twoResults('topk', function(values, indices, x, k, d, largest)
  if type(k) == 'boolean' then k, d, largest = 1, nil, k end
  d, largest = lastFlag(d, largest)
  return ops.topk(values, indices, x, k or 1, d, largest, 1)
end)

--- kthvalue([values, indices,] x, k [, d]): the k-th smallest along d (the last).
twoResults('kthvalue', function(values, indices, x, k, d)
  return ops.kthvalue(values, indices, x, k, d or -1, true, 1)
end)

--- median([values, indices,] x [, d]): along d (the last); of an even number the lower one.
twoResults('median', function(values, indices, x, d) return ops.median(values, indices, x, d or -1, true, 1) end)
--- mode([values, indices,] x [, d]): the most frequent value along d (the last), the smallest of several.
twoResults('mode', function(values, indices, x, d) return ops.mode(values, indices, x, d or -1, true, 1) end)

-- f([result,] x [, parameter])
local function oneResult(name, op, default)
  functions[name] = function(x, y, parameter)
    if isTensor(y) then return op(x, y, parameter or default) end
    return op(nil, need(name, x), y or default)
  end
  Tensor[name] = functions[name]
end
--- `cumsum([result,] x [, d])`: running sums along d (1); `cumprod`: products. `tril([result,] x [, k])`: a matrix with zeros
-- above its k-th diagonal (0); `triu`: below.
oneResult('cumsum', ops.cumsum, 1)
oneResult('cumprod', ops.cumprod, 1)
oneResult('tril', ops.tril, 0)
oneResult('triu', ops.triu, 0)

--- roll(x, shifts, dims): elements move along dimensions and come in at the other end; `flip(x, dims)`: they turn around. Numbers
-- or tables.
function functions.roll(x, shifts, dims) return ops.roll(nil, need('roll', x), shifts, dims) end
function functions.flip(x, dims) return ops.flip(nil, need('flip', x), dims or 1) end
Tensor.roll, Tensor.flip = functions.roll, functions.flip

--- oneHot(indices, classes): a row of zeros with a one per index, in the default type.
function functions.oneHot(indices, classes)
  return ops.one_hot(nil, need('oneHot', indices), classes, tensor.default.code, 1)
end

return { install = function(torch)
  for name, f in pairs(functions) do torch[name] = f end
end }
