--- torch.zeros, ones, full, eye, range, linspace, logspace and their kin.
-- A result tensor may come first, or the name of a type last; else the default type is made.
-- @module tocha.bindings.make
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local size = require 'tocha.bindings.size'
local tensor = require 'tocha.bindings.tensor'

local raise, fail, isTensor = own.raise, own.fail, own.isTensor
local sizes = own.newInts()
local make = {}

local function filled(result, value)
  local status = C.tch_tensor_fill(result, value)
  if status ~= 0 then fail(status) end
  return result
end

local function sized(what, value)
  return function(first, ...)
    if isTensor(first) then return filled(first:resize(...), value) end
    return filled(tensor.new(tensor.default, size.read(what, sizes, select('#', ...) + 1, first, ...), sizes), value)
  end
end

--- zeros([result,] sizes...)
make.zeros = sized('zeros', 0)
--- ones([result,] sizes...)
make.ones = sized('ones', 1)

--- full(sizes, value): sizes a table or a LongStorage; or full(result, sizes, value).
function make.full(first, second, value)
  if isTensor(first) then return first:resize(second):fill(value) end
  return tensor.new(tensor.default, size.read('full', sizes, 1, first), sizes):fill(second)
end

local function like(what, value)
  return function(x, other)
    if not isTensor(x) then raise(('%s: a tensor is needed, not a %s'):format(what, type(x))) end
    if other ~= nil then return filled(x:resizeAs(other), value) end
    return filled(tensor.newLike(M.rowOf(x), x), value)
  end
end

--- zerosLike([result,] x)
make.zerosLike = like('zerosLike', 0)
--- onesLike([result,] x)
make.onesLike = like('onesLike', 1)

-- Puts n numbers of a formula into a new vector, or into a result in its shape if it has n elements.
local function sequence(what, result, n, value)
  if not (n >= 1 and n < 2 ^ 53) then raise(('%s: %s entries are not possible'):format(what, tostring(n))) end
  result = result or tensor.empty(tensor.default)
  local row = M.rowOf(result).numbers
  sizes[0] = n
  local fresh = tensor.new(row, 1, sizes)
  local data = ffi.cast(row.pointer, C.tch_tensor_data(fresh))
  for i = 0, n - 1 do data[i] = value(i) end
  if result:nElement() ~= n then result:resize(n) end
  return result:copy(fresh)
end

local function numbers(what, ...)
  for i = 1, select('#', ...) do
    local value = select(i, ...)
    if type(value) ~= 'number' or value ~= value then
      raise(('%s: a number is needed, not %s'):format(what, type(value) == 'number' and 'nan' or 'a ' .. type(value)))
    end
  end
end

local function optional(f)
  return function(first, ...)
    if isTensor(first) then return f(first, ...) end
    return f(nil, first, ...)
  end
end

--- range([result,] first, last [, step]): both ends included.
make.range = optional(function(result, first, last, step)
  step = step or 1
  numbers('range', first, last, step)
  if step == 0 or (last - first) / step < 0 then
    raise(('range: steps of %g do not lead from %g to %g'):format(step, first, last))
  end
  return sequence('range', result, math.floor((last - first) / step) + 1, function(i) return first + i * step end)
end)

--- linspace([result,] first, last [, n = 100]): n equally spaced numbers.
make.linspace = optional(function(result, first, last, n)
  n = n or 100
  numbers('linspace', first, last, n)
  if n == 1 and first ~= last then raise('linspace: one entry cannot hold two ends') end
  return sequence('linspace', result, n, function(i) return n == 1 and first or first + (last - first) / (n - 1) * i end)
end)

--- logspace([result,] first, last [, n = 100]): powers of ten with equally spaced exponents.
make.logspace = optional(function(result, first, last, n)
  n = n or 100
  numbers('logspace', first, last, n)
  if n == 1 and first ~= last then raise('logspace: one entry cannot hold two ends') end
  return sequence('logspace', result, n,
    function(i) return 10 ^ (n == 1 and first or first + (last - first) / (n - 1) * i) end)
end)

--- eye([result,] n [, m]): ones on the diagonal.
make.eye = optional(function(result, n, m)
  numbers('eye', n, m or n)
  result = (result or tensor.empty(tensor.default)):resize(n, m or n):zero()
  local status = C.tch_tensor_fill(tensor.diagonal(result), 1)
  if status ~= 0 then fail(status) end
  return result
end)

--- The diagonal of a matrix as a view.
function tensor.diagonal(x)
  local n = math.min(x:size(1), x:size(2))
  return x.new():set(x:storage(), x:storageOffset(), { n }, { x:stride(1) + x:stride(2) })
end

return { install = function(torch)
  for name, f in pairs(make) do torch[name] = f end
  for _, name in ipairs({ 'range', 'linspace', 'logspace', 'eye', 'zeros', 'ones' }) do
    M.tensor[name], torch[name] = make[name], tensor.typed(make[name])
  end
end }
