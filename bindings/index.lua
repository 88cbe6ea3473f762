--- t[i], t[{i, {a, b}, {}}], t[mask] and assignment through them.
-- A number picks an entry and drops the dimension; {a, b} a range, {a, b, step} every step-th, {a} one entry as a range, {} all;
-- negative positions count from the end. An element is a Lua number, or a tensor without dimensions if t is on the tape.
-- @module tocha.bindings.index
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local size = require 'tocha.bindings.size'
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

local function range(tensor, d, part)
  local n = tonumber(C.tch_tensor_size(tensor, d))
  if #part == 0 then return tensor end
  local first = integer(part[1])
  local last, step = integer(part[2] or first), integer(part[3] or 1)
  if first < 0 then first = first + n + 1 end
  if last < 0 then last = last + n + 1 end
  if #part > 3 or step < 1 or first < 1 or last > n or last < first - 1 then
    raise(('range {%s} is not in 1..%d (dimension %d of tensor %s)'):format(table.concat(part, ', '), n, d + 1,
      size.text(tensor)))
  end
  return ops.slice(nil, tensor, d + 1, first - 1, math.floor((last - first) / step) + 1, step)
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

local function part(tensor, list)
  local d, result = 0, tensor
  if #list > C.tch_tensor_dim(tensor) then
    raise(('%d indices for a tensor of %d dimensions (%s)'):format(#list, C.tch_tensor_dim(tensor), size.text(tensor)))
  end
  for k = 1, #list do
    local index = list[k]
    if type(index) == 'table' then
      result = range(result, d, index)
      d = d + 1
    elseif isTensor(index) then
      result = ops.index_select(nil, result, index, d + 1, 1)
      d = d + 1
    else
      result = selected(result, d, position(result, index, d))
    end
  end
  return result
end

local function isMask(key) return tonumber(C.tch_tensor_dtype(key)) == tonumber(C.TCH_BYTE) end

local function badKey(key)
  raise(('a tensor cannot be indexed by a %s'):format(type(key)))
end

function M.get(tensor, key)
  if type(key) == 'number' then
    local n = C.tch_tensor_dim(tensor)
    if n == 0 then raise(('index %s: the tensor (%s) has no dimensions'):format(tostring(key), size.text(tensor))) end
    local p = position(tensor, key, 0)
    if n > 1 or recorded(tensor) then return selected(tensor, 0, p) end
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
    if isMask(key) then return ops.masked_select(nil, tensor, key) end
    return ops.index_select(nil, tensor, key, 1, 1)
  end
  badKey(key)
end

local function assign(target, value)
  if type(value) == 'number' then target:fill(value)
  elseif isTensor(value) then target:copy(value)
  elseif type(value) == 'table' then target:copy(target.new(value))
  else raise(('a %s cannot be assigned to elements of a tensor'):format(type(value))) end
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
    return assign(selected(tensor, 0, p), value)
  elseif type(key) == 'table' or isStorage(key) then
    local n = elementAt(tensor, key)
    if n and put(tensor, n, value) then return end
    for k = 1, #key do
      if isTensor(key[k]) then raise('assignment through a tensor of indices: use indexCopy') end
    end
    return assign(part(tensor, key), value)
  elseif isTensor(key) and isMask(key) then
    if isTensor(value) then return tensor:maskedCopy(key, value) end
    return tensor:maskedFill(key, value)
  end
  badKey(key)
end
