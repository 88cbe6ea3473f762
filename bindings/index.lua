--- t[i], t[{i, {a, b}, {}}], t[mask], t[indices] and assignment through them.
-- A number picks an entry and drops the dimension; {a, b} a range, {a, b, step} every step-th, {a} one entry as a range, {} all;
-- negative positions count from the end. An element is a Lua number, or a tensor without dimensions if t is on the tape.
-- A range with a negative step runs from a down to b; as strides are positive, reading through it copies, as masks and tensors of
-- indices do. A mask is a ByteTensor: of t's size it picks elements, with one dimension it picks entries of the first (rows);
-- where the door to Torch7 pairs equal counts, a mask with as many elements as t picks elements.
-- @module tocha.bindings.index
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local size = require 'tocha.bindings.size'
local pointwise = require 'tocha.bindings.pointwise'
local ops = require 'tocha.bindings.op'.ops

local raise, fail, wrap = own.raise, own.fail, own.wrap
local isTensor, isStorage, integer = own.isTensor, own.isStorage, own.integer
local box, at, out = own.newBox(), own.newInts(), ffi.new('double[1]')

local function outOfRange(tensor, i, d)
  raise(('index %s is not in 1..%d (dimension %d of tensor %s)'):format(tostring(i), tonumber(C.tch_tensor_size(tensor, d)),
    d + 1, size.text(tensor)))
end

-- Position i of dimension d, counted from 0.
local function position(tensor, i, d)
  if type(i) ~= 'number' or i % 1 ~= 0 then
    if not own.truncates or type(i) ~= 'number' or i - i ~= 0 then raise(('index %s is no whole number'):format(tostring(i))) end
    i = integer(i)
  end
  local n = tonumber(C.tch_tensor_size(tensor, d))
  local p = i < 0 and i + n or i - 1
  if i == 0 or p < 0 or p >= n then outOfRange(tensor, i, d) end
  return p
end

local function selected(tensor, d, p)
  box[0] = nil
  local status = C.tch_select(tensor, d, p, box)
  if status ~= 0 then fail(status) end
  return wrap(box[0])
end

local function recorded(tensor)
  return C.tch_needs_grad(tensor) and C.tch_grad_enabled()
end

-- Entry p of the first dimension; the way of a loop over m[i][j].
local function row(tensor, p)
  if recorded(tensor) then return selected(tensor, 0, p) end
  box[0] = nil
  local status = C.tch_tensor_row(tensor, p, box)
  if status ~= 0 then fail(status) end
  return wrap(box[0])
end

-- The entries of a range, in the order of the tensor, and whether the range runs the other way.
local function range(tensor, d, part)
  local n = tonumber(C.tch_tensor_size(tensor, d))
  if #part == 0 then return tensor, false end
  local first = integer(part[1])
  local last, step = integer(part[2] or first), integer(part[3] or 1)
  local a, b = first < 0 and first + n + 1 or first, last < 0 and last + n + 1 or last
  local down = step < 0
  if down then a, b, step = b, a, -step end -- from a up to b
  if #part > 3 or step == 0 or a < 1 or b > n or b < a - 1 then
    raise(('range {%s} is not in 1..%d (dimension %d of tensor %s)'):format(table.concat(part, ', '), n, d + 1,
      size.text(tensor)))
  end
  local count = math.floor((b - a) / step) + 1
  if down then a = b - (count - 1) * step end
  return ops.slice(nil, tensor, d + 1, a - 1, count, step), down
end

local function isMask(key) return tonumber(C.tch_tensor_dtype(key)) == tonumber(C.TCH_BYTE) end

local function keyOf(tensor)
  if own.floatsAreMasks and tonumber(C.tch_tensor_dtype(tensor)) == tonumber(C.TCH_FLOAT) then return tensor:byte() end
  return tensor
end

-- The positions that a mask with one dimension names in dimension d of a tensor; other tensors of indices as they are.
local function positions(tensor, d, key)
  if not isMask(key) then return key end
  local n = tonumber(C.tch_tensor_size(tensor, d))
  if C.tch_tensor_dim(key) ~= 1 or tonumber(C.tch_tensor_size(key, 0)) ~= n then
    raise(('a mask of %s cannot pick from the %d entries of dimension %d of tensor %s'):format(size.text(key), n, d + 1,
      size.text(tensor)))
  end
  return ops.nonzero(nil, key, 1):view(-1)
end

-- Whether a mask picks entries of the first dimension, not elements.
local function picksRows(tensor, mask)
  if C.tch_tensor_dim(mask) ~= 1 or C.tch_tensor_dim(tensor) < 2 then return false end
  if pointwise.pairEqualCounts and C.tch_tensor_count(mask) == C.tch_tensor_count(tensor) then return false end
  return C.tch_tensor_size(mask, 0) == C.tch_tensor_size(tensor, 0)
end

-- The number of entries of a list of positions that name one element, or nil; fills `at`.
local function elementAt(tensor, list)
  local n = C.tch_tensor_dim(tensor)
  if #list ~= n or n == 0 then return nil end
  for d = 0, n - 1 do
    local i = list[d + 1]
    if type(i) ~= 'number' then return nil end
    at[d] = position(tensor, i, d)
  end
  return n
end

-- What a list of positions names. With `later` (a table) it is a view, and what a view cannot say is noted there: the dimensions
-- that run the other way, and {dimension, indices}.
local function part(tensor, list, later)
  local d, result = 0, tensor
  if #list > C.tch_tensor_dim(tensor) then
    raise(('%d indices for a tensor of %d dimensions (%s)'):format(#list, C.tch_tensor_dim(tensor), size.text(tensor)))
  end
  for k = 1, #list do
    local index = list[k]
    if type(index) == 'table' then
      local down
      result, down = range(result, d, index)
      d = d + 1
      if down then
        if later then later.turned[#later.turned + 1] = d else result = ops.flip(nil, result, { d }) end
      end
    elseif isTensor(index) then
      index = positions(result, d, index)
      d = d + 1
      if not later then result = ops.index_select(nil, result, index, d, 1)
      elseif later.indices then raise('assignment through more than one tensor of indices is not possible')
      else later.dim, later.indices = d, index end
    else
      result = selected(result, d, position(result, index, d))
    end
  end
  return result
end

local function badKey(key)
  raise(('a tensor cannot be indexed by a %s'):format(key == nil and 'nil' or type(key)))
end

function M.get(tensor, key)
  if type(key) == 'number' then
    local n = C.tch_tensor_dim(tensor)
    if n == 0 then raise(('index %s: the tensor (%s) has no dimensions'):format(tostring(key), size.text(tensor))) end
    local p = position(tensor, key, 0)
    if n > 1 or recorded(tensor) then return row(tensor, p) end
    at[0] = p
    local status = C.tch_tensor_get(tensor, 1, at, out)
    if status ~= 0 then fail(status) end
    return out[0]
  elseif type(key) == 'table' or isStorage(key) then
    local n = not recorded(tensor) and elementAt(tensor, key)
    if not n then return part(tensor, key) end
    local status = C.tch_tensor_get(tensor, n, at, out)
    if status ~= 0 then fail(status) end
    return out[0]
  elseif isTensor(key) then
    key = keyOf(key)
    if isMask(key) then
      if not picksRows(tensor, key) then return ops.masked_select(nil, tensor, key) end
      key = positions(tensor, 0, key)
    end
    return ops.index_select(nil, tensor, key, 1, 1)
  end
  badKey(key)
end

-- A value as a tensor of target's type.
local function valueFor(target, value)
  if isTensor(value) then return value:typeAs(target) end
  if type(value) == 'table' then return target.new(value) end
  raise(('a %s cannot be assigned to elements of a tensor'):format(value == nil and 'nil' or type(value)))
end

local function assign(target, value)
  if type(value) == 'number' then target:fill(value)
  elseif isTensor(value) then target:copy(value)
  else target:copy(valueFor(target, value)) end
end

-- Assigns where ranges of the view run the other way and indices pick in one of its dimensions.
local function assignLater(target, value, later)
  local turned, d, indices = later.turned, later.dim, later.indices
  if type(value) == 'number' then
    if indices then target:indexFill(d, indices, value) else target:fill(value) end
    return
  end
  value = valueFor(target, value)
  local shape = target:size()
  if indices then
    if indices:nElement() == 0 then return end
    shape[d] = indices:nElement()
  end
  local n = 1
  for i = 1, #shape do n = n * shape[i] end
  value = value:nElement() == n and value:reshape(shape) or value:expand(shape)
  if #turned > 0 then value = ops.flip(nil, value, turned) end
  if indices then target:indexCopy(d, indices, value) else target:copy(value) end
end

local function put(tensor, n, value)
  if type(value) ~= 'number' then
    if isTensor(value) and C.tch_tensor_count(value) == 1 and not recorded(value) then value = value:item()
    else return false end
  end
  local status = C.tch_tensor_put(tensor, n, at, value)
  if status ~= 0 then fail(status) end
  return true
end

function M.put(tensor, key, value)
  if type(key) == 'number' then
    local n = C.tch_tensor_dim(tensor)
    if n == 0 then raise(('index %s: the tensor (%s) has no dimensions'):format(tostring(key), size.text(tensor))) end
    local p = position(tensor, key, 0)
    at[0] = p
    if n == 1 and put(tensor, 1, value) then return end
    return assign(row(tensor, p), value)
  elseif type(key) == 'table' or isStorage(key) then
    local n = elementAt(tensor, key)
    if n and put(tensor, n, value) then return end
    local later = { turned = {} }
    local target = part(tensor, key, later)
    if #later.turned > 0 or later.indices then return assignLater(target, value, later) end
    return assign(target, value)
  elseif isTensor(key) then
    key = keyOf(key)
    if isMask(key) and not picksRows(tensor, key) then
      if isTensor(value) then return tensor:maskedCopy(key, value) end
      return tensor:maskedFill(key, value)
    end
    return assignLater(tensor, value, { turned = {}, dim = 1, indices = positions(tensor, 0, key) })
  end
  badKey(key)
end
