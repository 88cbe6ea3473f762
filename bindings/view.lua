--- Other views of the same elements, and the functions that rearrange: narrow, select, transpose, view, expand, repeatTensor ...
-- All but clone, reshape and repeatTensor share the elements; all can be differentiated.
-- @module tocha.bindings.view
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local size = require 'tocha.bindings.size'
local tensor = require 'tocha.bindings.tensor'
local ops = require 'tocha.bindings.op'.ops

local raise, isTensor, integer = own.raise, own.isTensor, own.integer
local wrap, fail = own.wrap, own.fail
local box, ints = own.newBox(), own.newInts()
local Tensor = M.tensor
local V = {}

local function need(what, value)
  if not isTensor(value) then raise(('%s: a tensor is needed, not a %s'):format(what, type(value))) end
end

-- -- parts --------------------------------------------------------------------------------------------------------

-- Entries of dimension d (from 0) of size n; `what` names the function that the script called.
local function narrowed(what, x, d, n, first, count)
  if first < 1 or count < 0 or first + count - 1 > n then
    raise(('%s: entries %d to %d are not in dimension %d of size %d (tensor %s)'):format(what, first, first + count - 1, d + 1,
      n, size.text(x)))
  end
  box[0] = nil
  local status = C.tch_slice(x, d, first - 1, count, 1, box)
  if status ~= 0 then fail(status, what) end
  return wrap(box[0])
end

--- Entries first, first + 1, ..., count of them, of dimension d.
function Tensor:narrow(d, first, count)
  d, first, count = size.dimension('narrow', self, d), integer(first), integer(count)
  local n = tonumber(C.tch_tensor_size(self, d))
  if first < 0 then first = first + n + 1 end
  return narrowed('narrow', self, d, n, first, count)
end

--- Entry i of dimension d, which goes away: a view, or the number of a vector (as x[i], whatever d), as in Torch7.
function Tensor:select(d, i)
  if C.tch_tensor_dim(self) == 1 then return M.get(self, integer(i)) end
  d, i = size.dimension('select', self, d), integer(i)
  if i == 0 then raise(('select: index 0 is not in 1..%d'):format(self:size(d + 1))) end
  box[0] = nil
  local status = C.tch_select(self, d, i > 0 and i - 1 or i, box)
  if status ~= 0 then fail(status) end
  return wrap(box[0])
end

--- sub(first, last [, first, last ...]): a range of each leading dimension; negative positions count from the end.
function Tensor:sub(...)
  local n = select('#', ...)
  if n == 0 or n % 2 == 1 then raise('sub: pairs of first and last are needed, one pair per dimension') end
  local result = self
  for d = 1, n / 2 do
    local first, last = select(2 * d - 1, ...)
    first, last = integer(first), integer(last)
    local k = size.dimension('sub', self, d)
    local count = tonumber(C.tch_tensor_size(self, k))
    if first < 0 then first = first + count + 1 end
    if last < 0 then last = last + count + 1 end
    result = narrowed('sub', result, k, count, first, last - first + 1)
  end
  return result
end

--- Windows of `length` every `step` entries along d; the window is a new last dimension.
function Tensor:unfold(d, length, step)
  return ops.unfold(nil, self, d, length, step)
end

--- Parts of `length` entries along d (1) in a table, the last one shorter where it does not fit.
function Tensor:split(length, d)
  d = d or 1
  local n, parts = self:size(d), {}
  if integer(length) < 1 then raise(('split: parts of %d entries are not possible'):format(length)) end
  for first = 1, n, length do
    parts[#parts + 1] = self:narrow(d, first, math.min(length, n - first + 1))
  end
  return parts
end

--- n parts (or fewer) of equal size along d.
function Tensor:chunk(n, d)
  if integer(n) < 1 then raise(('chunk: %d parts are not possible'):format(n)) end
  return self:split(math.max(1, math.ceil(self:size(d or 1) / n)), d)
end

-- torch.split([result,] x, ...): the table form of Torch7 fills a table given first.
local function intoTable(method)
  return function(first, second, ...)
    if type(first) ~= 'table' then return method(first, second, ...) end
    for i = #first, 1, -1 do first[i] = nil end
    for i, part in ipairs(method(second, ...)) do first[i] = part end
    return first
  end
end

-- -- order of dimensions ------------------------------------------------------------------------------------------

--- transpose(a, b): with two dimensions exchanged, as a view.
function Tensor:transpose(a, b)
  local n = C.tch_tensor_dim(self)
  a, b = size.dimension('transpose', self, a), size.dimension('transpose', self, b)
  for d = 0, n - 1 do ints[d] = d end
  ints[a], ints[b] = b, a
  box[0] = nil
  local status = C.tch_permute(self, ints, n, box)
  if status ~= 0 then fail(status) end
  return wrap(box[0])
end

--- The transpose of a matrix.
function Tensor:t()
  if C.tch_tensor_dim(self) ~= 2 then
    raise(('t: a matrix is needed, the tensor is %s (use transpose)'):format(size.text(self)))
  end
  return self:transpose(1, 2)
end

--- permute(d1, d2, ...): dimension i of the result is dimension d_i.
function Tensor:permute(...)
  local n = size.read('permute', ints, select('#', ...), ...)
  local list = {}
  for i = 1, n do list[i] = size.dimension('permute', self, tonumber(ints[i - 1])) + 1 end
  return ops.permute(nil, self, list)
end

-- -- other sizes --------------------------------------------------------------------------------------------------

local function reshaped(x, n, buffer, what)
  box[0] = nil
  local status = C.tch_reshape(x, buffer, n, box)
  if status ~= 0 then fail(status, what) end
  return wrap(box[0])
end

local function shares(x, y)
  return C.tch_tensor_count(x) == 0 or C.tch_tensor_storage(x) == C.tch_tensor_storage(y)
end

local function viewed(x, n, buffer)
  local y = reshaped(x, n, buffer, 'view')
  if not shares(x, y) then
    raise(('view: the elements of the tensor (%s) do not lie in one line; call contiguous() first or use reshape')
      :format(size.text(x)))
  end
  return y
end

--- view(sizes...): the same elements in the same order; one size may be -1. result:view(x, sizes...) makes result that view.
function Tensor:view(first, ...)
  if isTensor(first) then
    return self:set(viewed(first, size.read('view', ints, select('#', ...), ...), ints))
  end
  return viewed(self, size.read('view', ints, select('#', ...) + 1, first, ...), ints)
end

--- viewAs(x): a view with the sizes of x. result:viewAs(y, x) makes result the view of y.
function Tensor:viewAs(other, like)
  need('viewAs', other)
  if like ~= nil then
    need('viewAs', like)
    return self:set(viewed(other, size.of(ints, like), ints))
  end
  return viewed(self, size.of(ints, other), ints)
end

--- A copy with other sizes.
function Tensor:reshape(first, ...)
  local x, result, n = self
  if isTensor(first) then
    x, result = first, self
    n = size.read('reshape', ints, select('#', ...), ...)
  else
    n = size.read('reshape', ints, select('#', ...) + 1, first, ...)
  end
  local y = reshaped(x, n, ints)
  if result then return result:resizeAs(y):copy(y) end
  return shares(x, y) and ops.clone(nil, y) or y
end

-- x without dimensions of size 1, or without dimension d (from 0).
local function squeezed(self, d)
  local n, kept = C.tch_tensor_dim(self), 0
  for k = 0, n - 1 do
    local count = C.tch_tensor_size(self, k)
    if count ~= 1 or (d and k ~= d) then
      ints[kept] = count
      kept = kept + 1
    end
  end
  if kept == n then return self end
  if kept == 0 then ints[0], kept = 1, 1 end
  return reshaped(self, kept, ints)
end

--- squeeze([x,] [d]): without dimensions of size 1, or without dimension d if its size is 1. As in Torch7, a single element
-- becomes a number (unless it is on the tape), with d only that of a vector. result:squeeze(x, ...) makes result that view.
function Tensor:squeeze(x, d)
  if isTensor(x) then
    return self:set(squeezed(x, d ~= nil and size.dimension('squeeze', x, d)))
  end
  d = x
  local y = squeezed(self, d ~= nil and size.dimension('squeeze', self, d))
  local single = C.tch_tensor_dim(y) == 1 and C.tch_tensor_count(y) == 1
  if single and (d == nil or C.tch_tensor_dim(self) == 1) and not (C.tch_needs_grad(y) and C.tch_grad_enabled()) then
    return y:item()
  end
  return y
end

--- With a new dimension of size 1 at place d.
function Tensor:unsqueeze(d)
  local n = C.tch_tensor_dim(self)
  d = integer(d)
  if d < 0 then d = d + n + 2 end
  if d < 1 or d > n + 1 then
    raise(('unsqueeze: place %d is not in 1..%d (tensor %s)'):format(d, n + 1, size.text(self)))
  end
  for k = 0, n - 1 do ints[k < d - 1 and k or k + 1] = C.tch_tensor_size(self, k) end
  ints[d - 1] = 1
  return reshaped(self, n + 1, ints)
end

local function expanded(x, n, buffer)
  box[0] = nil
  local status = C.tch_expand(x, buffer, n, box)
  if status ~= 0 then fail(status) end
  return wrap(box[0])
end

--- Stretches dimensions of size 1 without copying; result:expand(x, sizes...) makes result that view.
function Tensor:expand(first, ...)
  if isTensor(first) then
    return self:set(expanded(first, size.read('expand', ints, select('#', ...), ...), ints))
  end
  return expanded(self, size.read('expand', ints, select('#', ...) + 1, first, ...), ints)
end

--- expandAs(x): stretched to the sizes of x, without copying. result:expandAs(y, x) makes result the view of y.
function Tensor:expandAs(other, like)
  need('expandAs', other)
  if like ~= nil then
    need('expandAs', like)
    return self:set(expanded(other, size.of(ints, like), ints))
  end
  return expanded(self, size.of(ints, other), ints)
end

--- repeatTensor(counts...): copies laid out count times along each dimension; new dimensions come first.
function Tensor:repeatTensor(first, ...)
  local x, result, counts = self, nil, own.newInts()
  local n
  if isTensor(first) then
    x, result = first, self
    n = size.read('repeatTensor', counts, select('#', ...), ...)
  else
    n = size.read('repeatTensor', counts, select('#', ...) + 1, first, ...)
  end
  local lead = n - C.tch_tensor_dim(x)
  if lead < 0 then
    raise(('repeatTensor: %d counts for a tensor of %d dimensions (%s)'):format(n, n - lead, size.text(x)))
  end
  local apart, stretched, final = {}, {}, {}
  for d = 1, n do
    local count, have = tonumber(counts[d - 1]), d > lead and x:size(d - lead) or 1
    if count < 1 then raise(('repeatTensor: %d copies are not possible'):format(count)) end
    apart[2 * d - 1], apart[2 * d] = 1, have
    stretched[2 * d - 1], stretched[2 * d] = count, have
    final[d] = count * have
  end
  if 2 * n > 16 then raise('repeatTensor: at most 8 dimensions are possible') end
  local y = ops.reshape(nil, ops.expand(nil, ops.reshape(nil, x, apart), stretched), final)
  if shares(x, y) then y = ops.clone(nil, y) end
  if result then return result:resizeAs(y):copy(y) end
  return y
end

-- -- copies -------------------------------------------------------------------------------------------------------

--- A copy with elements of its own, which lie in one line.
function Tensor:clone()
  if C.tch_tensor_dim(self) == 0 and C.tch_tensor_count(self) == 0 then return tensor.empty(M.rowOf(self)) end
  return ops.clone(nil, self)
end

--- The tensor itself if its elements lie in one line in order, else a copy for which they do.
function Tensor:contiguous()
  if C.tch_tensor_contiguous(self) then return self end
  return ops.clone(nil, self)
end

V.reshaped, V.expanded, V.squeezed = reshaped, expanded, squeezed

function V.install(torch)
  for _, name in ipairs({ 'narrow', 'select', 'sub', 'unfold', 'transpose', 't', 'permute', 'view', 'viewAs', 'reshape',
    'squeeze', 'unsqueeze', 'expand', 'expandAs', 'repeatTensor' }) do
    torch[name] = Tensor[name]
  end
  torch.split, torch.chunk = intoTable(Tensor.split), intoTable(Tensor.chunk)
end

return V
