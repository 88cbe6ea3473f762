--- Functions of the vectors along a dimension and of all entries at once: cross, renorm, histc, bhistc.
-- A result may come first: f([result,] x, ...), result:f(x, ...).
-- @module tocha.bindings.vector
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local C = require 'tocha.bindings.library'
local size = require 'tocha.bindings.size'
local answer = require 'tocha.bindings.answer'
local ops = require 'tocha.bindings.op'.ops

local raise, isTensor, need = own.raise, own.isTensor, answer.need
local functions = {}

-- -- cross --------------------------------------------------------------------------------------------------------

local function crossDimension(a, d)
  local n = C.tch_tensor_dim(a)
  if d == nil then
    for k = 1, n do
      if a:size(k) == 3 then return k end
    end
    raise(('cross: no dimension of %s has size 3'):format(size.text(a)))
  end
  d = size.dimension('cross', a, d) + 1
  if a:size(d) ~= 3 then raise(('cross: dimension %d of %s has not size 3'):format(d, size.text(a))) end
  return d
end

--- cross([result,] a, b [, d]): products of the vectors along d, by default the first dimension of size 3.
function functions.cross(a, b, c, d)
  if isTensor(c) then return answer.into(a, functions.cross(b, c, d)) end
  need('cross', a)
  need('cross', b)
  if not C.tch_tensor_same_size(a, b) then
    raise(('cross: the tensors are %s and %s'):format(size.text(a), size.text(b)))
  end
  d = crossDimension(a, c)
  local function turned(x, by) return ops.roll(nil, x, -by, d) end
  return ops.sub(nil, ops.mul(nil, turned(a, 1), turned(b, 2)), ops.mul(nil, turned(a, 2), turned(b, 1)), 1)
end

-- -- renorm -------------------------------------------------------------------------------------------------------

local function renorm(result, x, p, d, most)
  need('renorm', x)
  if type(p) ~= 'number' or p <= 0 then raise(('renorm: p must be a number above 0, not %s'):format(tostring(p))) end
  if type(most) ~= 'number' then raise('renorm: the greatest norm must be a number') end
  local n = C.tch_tensor_dim(x)
  if n < 2 then raise(('renorm: at least 2 dimensions are needed, the tensor is %s'):format(size.text(x))) end
  local others, at = {}, size.dimension('renorm', x, d) + 1
  for k = 1, n do
    if k ~= at then others[#others + 1] = k end
  end
  local norms = ops.norm(nil, x, p, others, true)
  local factors = ops.div_into(nil, ops.add_scalar(nil, norms, 1e-7), most)
  factors = ops.where(nil, norms:gt(most), factors, norms.new(1):fill(1))
  return ops.mul(result, x, factors)
end

--- renorm([result,] x, p, d, most): each x:select(d, i) scaled down to a p-norm of `most` where it has a greater one.
function functions.renorm(x, y, ...)
  if isTensor(y) then return renorm(x, y, ...) end
  return renorm(nil, x, y, ...)
end

function M.tensor:renorm(x, ...)
  if isTensor(x) then return renorm(self, x, ...) end
  return renorm(self, self, x, ...)
end

-- -- histograms ---------------------------------------------------------------------------------------------------

local function histogram(name, rows)
  local function count(result, x, bins, low, high)
    return ops.histc(result, need(name, x), bins, low, high, rows)
  end
  functions[name] = function(x, y, ...)
    if isTensor(y) then return count(x, y, ...) end
    return count(nil, x, y, ...)
  end
end

--- histc([result,] x [, bins = 100] [, low, high]): counts of the entries in equal bins, by default from the least to the
-- greatest.
histogram('histc', false)
--- bhistc([result,] x [, bins = 100] [, low, high]): the same for each row of a matrix.
histogram('bhistc', true)

for name, f in pairs(functions) do
  if M.tensor[name] == nil then M.tensor[name] = f end
end

return { install = function(torch)
  for name, f in pairs(functions) do torch[name] = f end
end }
