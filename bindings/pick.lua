--- Elements picked or written by indices and masks, and tensors joined.
-- Indices are LongTensors that count from 1, masks ByteTensors.
-- @module tocha.bindings.pick
local own = require 'tocha.bindings.own'
local C = require 'tocha.bindings.library'
local M = require 'tocha.bindings.class'
local dtype = require 'tocha.bindings.dtype'
local tensor = require 'tocha.bindings.tensor'
local answer = require 'tocha.bindings.answer'
local ops = require 'tocha.bindings.op'.ops

local raise, isTensor, need = own.raise, own.isTensor, answer.need
local Tensor, functions = M.tensor, {}

local function numeric(what, value)
  if type(value) ~= 'number' then raise(('%s: a number is needed, not a %s'):format(what, type(value))) end
  return value
end

-- -- reading ------------------------------------------------------------------------------------------------------

--- index([result,] x, d, indices): those entries of dimension d, copied.
function functions.index(x, y, d, indices)
  if isTensor(y) then return ops.index_select(x, y, need('index', indices), d, 1) end
  return ops.index_select(nil, need('index', x), need('index', d), y, 1)
end

--- gather([result,] x, d, indices): along d, the entry that indices names, for each element of indices.
function functions.gather(x, y, d, indices)
  if isTensor(y) then return ops.gather(x, y, need('gather', indices), d, 1) end
  return ops.gather(nil, need('gather', x), need('gather', d), y, 1)
end

--- maskedSelect([result,] x, mask): a vector of the elements whose mask is not 0.
function functions.maskedSelect(x, y, mask)
  if mask ~= nil then return ops.masked_select(x, need('maskedSelect', y), need('maskedSelect', mask)) end
  return ops.masked_select(nil, need('maskedSelect', x), need('maskedSelect', y))
end

--- nonzero([result,] x): the positions of the elements that are not 0, one a row.
function functions.nonzero(x, y)
  if y ~= nil then return ops.nonzero(x, need('nonzero', y), 1) end
  return ops.nonzero(nil, need('nonzero', x), 1)
end

for _, name in ipairs({ 'index', 'gather', 'maskedSelect', 'nonzero' }) do Tensor[name] = functions[name] end

-- -- writing: methods work in place, functions give a new tensor --------------------------------------------------

local function writer(name, apply)
  Tensor[name] = function(self, ...) return apply(self, self, ...) end
  functions[name] = function(x, ...) return apply(nil, need(name, x), ...) end
end

--- indexCopy(x, d, indices, source): the entries of dimension d that a LongTensor names are copied from source, in order. The
-- method works in place, the function gives a new tensor.
writer('indexCopy', function(r, x, d, indices, source)
  return ops.index_copy(r, x, need('indexCopy', indices), need('indexCopy', source), d, 1)
end)
--- indexAdd(x, d, indices, source): source is added to the named entries, once for each time they are named.
writer('indexAdd', function(r, x, d, indices, source)
  return ops.index_add(r, x, need('indexAdd', indices), need('indexAdd', source), d, 1, 1)
end)
--- indexFill(x, d, indices, number): the named entries become the number.
writer('indexFill', function(r, x, d, indices, value)
  return ops.index_fill(r, x, need('indexFill', indices), d, 1, numeric('indexFill', value))
end)
--- scatter(x, d, indices, source): element by element, source (a tensor or a number) goes along d to the place that indices
-- names.
writer('scatter', function(r, x, d, indices, source)
  need('scatter', indices)
  if isTensor(source) then return ops.scatter(r, x, indices, source, d, 1) end
  return ops.scatter_fill(r, x, indices, d, 1, numeric('scatter', source))
end)
--- scatterAdd(x, d, indices, source): the same, adding.
writer('scatterAdd', function(r, x, d, indices, source)
  return ops.scatter_add(r, x, need('scatterAdd', indices), need('scatterAdd', source), d, 1)
end)
--- maskedFill(x, mask, number): the number where the mask is not 0.
writer('maskedFill', function(r, x, mask, value)
  return ops.masked_fill(r, x, need('maskedFill', mask), numeric('maskedFill', value))
end)
--- maskedCopy(x, mask, source): where the mask is not 0, the next element of source.
writer('maskedCopy', function(r, x, mask, source)
  return ops.masked_copy(r, x, need('maskedCopy', mask), need('maskedCopy', source))
end)

-- -- joining ------------------------------------------------------------------------------------------------------

-- The tensors of a list that have a shape; Torch7 joins tensors without one as if they were not there.
local function shaped(what, list)
  local kept = {}
  for i = 1, #list do
    local x = list[i]
    if not isTensor(x) then raise(('%s: entry %d is a %s, not a tensor'):format(what, i, type(x))) end
    if C.tch_tensor_dim(x) > 0 or C.tch_tensor_count(x) > 0 then kept[#kept + 1] = x end
  end
  return kept
end

-- Joins by op; what is more than the engine joins at once, piece by piece.
local atOnce = 1024
local function pieces(op, result, list, d)
  if #list <= atOnce then return op(result, list, d) end
  local parts = {}
  for first = 1, #list, atOnce do
    parts[#parts + 1] = op(nil, { unpack(list, first, math.min(first + atOnce - 1, #list)) }, d)
  end
  return pieces(ops.cat, result, parts, d)
end

local function lists(what, op, default)
  local function join(result, list, d)
    local kept = shaped(what, list)
    if #kept == 0 then
      if #list == 0 then raise(what .. ': the table is empty') end
      return result or tensor.empty(M.rowOf(list[1]))
    end
    return pieces(op, result, kept, d or default)
  end
  -- ([result,] {x, ...} [, d]) or ([result,] x, y [, d])
  return function(a, b, c, d)
    if type(a) == 'table' then return join(nil, a, b) end
    need(what, a)
    if type(b) == 'table' then return join(a, b, c) end
    need(what, b)
    if isTensor(c) then return join(a, { b, c }, d) end
    return join(nil, { a, b }, c)
  end
end

-- Tensors of fewer dimensions than d get more at their end, of size 1, as in Torch7.
local function cat(result, list, d)
  if type(d) == 'number' then
    for i = 1, #list do
      while C.tch_tensor_dim(list[i]) < d and d <= 16 do list[i] = list[i]:unsqueeze(list[i]:dim() + 1) end
    end
  end
  return ops.cat(result, list, d)
end

--- cat([result,] {x, ...} [, d]), also `concat`: joined along d, by default the last dimension.
functions.cat = lists('cat', cat, -1)
--- stack([result,] {x, ...} [, d]): joined along a new dimension at place d (1).
functions.stack = lists('stack', ops.stack, 1)
functions.concat = functions.cat
Tensor.cat, Tensor.concat = functions.cat, functions.cat

-- -- choosing between two -----------------------------------------------------------------------------------------

--- where(mask, x, y): x where the mask is not 0, else y. Tensors or numbers; all broadcast.
function functions.where(mask, x, y)
  need('where', mask)
  local row = isTensor(x) and M.rowOf(x) or isTensor(y) and M.rowOf(y) or tensor.default
  local function operand(value)
    if isTensor(value) then return value end
    return tensor.scalar(row, numeric('where', value))
  end
  if M.rowOf(mask) ~= dtype.Byte then mask = mask:ne(0) end
  return ops.where(nil, mask, operand(x), operand(y))
end

return { install = function(torch)
  for name, f in pairs(functions) do torch[name] = f end
end }
