--- Copies between types, casts, and calls of a Lua function on every element.
-- @module tocha.bindings.convert
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local size = require 'tocha.bindings.size'
local tensor = require 'tocha.bindings.tensor'
local view = require 'tocha.bindings.view'
local ops = require 'tocha.bindings.op'.ops

local raise, fail, isTensor = own.raise, own.fail, own.isTensor
local ints = own.newInts()
local Tensor = M.tensor

local function recorded(x) return C.tch_needs_grad(x) and C.tch_grad_enabled() end

-- On the tape a copy is the op `cast` or `clone` with its result in place.
local function copyRecorded(to, from)
  if not C.tch_tensor_same_size(to, from) and C.tch_tensor_count(to) == C.tch_tensor_count(from) then
    from = view.reshaped(from, size.of(ints, to), ints)
  end
  if not C.tch_tensor_same_size(to, from) then
    raise(('copy: %s into %s'):format(size.text(from), size.text(to)))
  end
  if C.tch_tensor_dtype(to) == C.tch_tensor_dtype(from) then ops.clone(to, from)
  else ops.cast(to, from, tonumber(C.tch_tensor_dtype(to))) end
end

--- Copies the elements of a tensor or storage of equal count, in order, converting the type.
function Tensor:copy(from)
  if own.isStorage(from) then from = M.tensors[tonumber(C.tch_storage_dtype(from))].new(from) end
  if not isTensor(from) then raise(('copy: a tensor is needed, not a %s'):format(type(from))) end
  if recorded(from) then
    copyRecorded(self, from)
    return self
  end
  local status = C.tch_tensor_copy(self, from)
  if status ~= 0 then fail(status) end
  return self
end

local function cast(x, row)
  if M.rowOf(x) == row then return x end
  if C.tch_tensor_dim(x) == 0 and C.tch_tensor_count(x) == 0 then return tensor.empty(row) end
  return ops.cast(nil, x, row.code)
end

--- The type's name; or with a name the tensor itself if it is of that type, else a converted copy.
function Tensor:type(name)
  if name == nil then return M.rowOf(self).tensor end
  local row = dtype.byTensor[name]
  if not row then raise(('type: there is no tensor type %s'):format(tostring(name))) end
  return cast(self, row)
end

--- A copy of another tensor's type, or the tensor itself.
function Tensor:typeAs(other)
  if not isTensor(other) then raise('typeAs: a tensor is needed') end
  return cast(self, M.rowOf(other))
end

--- The tensor itself if it is of that type, else a converted copy: `byte()`, `char()`, `short()`, `int()`, `long()`, `float()`,
-- `double()`, `half()`, `bfloat16()`.
for _, row in ipairs(dtype.rows) do
  Tensor[row.method] = function(self) return cast(self, row) end
end

--- As the default type.
function Tensor:real() return cast(self, tensor.default) end

-- -- Lua functions on elements ------------------------------------------------------------------------------------

-- A contiguous copy of x, its elements, and the function that reads one. (Results are written back by copy, which knows the
-- tape's rules.)
local function elements(x)
  local row = M.rowOf(x).numbers
  local copy = tensor.newLike(row, x)
  local status = C.tch_tensor_copy(copy, x)
  if status ~= 0 then fail(status) end
  return copy, ffi.cast(row.pointer, C.tch_tensor_data(copy)), row.at
end

local function written(x, copy)
  local status = C.tch_tensor_copy(x, copy)
  if status ~= 0 then fail(status) end
  return x
end

local function checkFunction(what, f)
  if type(f) ~= 'function' then raise(('%s: a function is needed, not a %s'):format(what, type(f))) end
end

local function checkCount(what, x, y)
  if not isTensor(y) then raise(('%s: a tensor is needed, not a %s'):format(what, type(y))) end
  if C.tch_tensor_count(x) ~= C.tch_tensor_count(y) then
    raise(('%s: the tensors have %d and %d elements'):format(what, tonumber(C.tch_tensor_count(x)),
      tonumber(C.tch_tensor_count(y))))
  end
end

local function numberOf(what, value)
  if type(value) ~= 'number' then raise(('%s: the function returned a %s, not a number'):format(what, type(value))) end
  return value
end

--- Replaces every element v by f(v), in order; keeps it where f returns nil.
function Tensor:apply(f)
  checkFunction('apply', f)
  if C.tch_tensor_count(self) == 0 then return self end
  local copy, data, at = elements(self)
  for i = 0, tonumber(C.tch_tensor_count(self)) - 1 do
    local value = f(at(data, i))
    if value ~= nil then data[i] = numberOf('apply', value) end
  end
  return written(self, copy)
end

--- Replaces every element v by f(v, w) with the elements w of y.
function Tensor:map(y, f)
  checkFunction('map', f)
  checkCount('map', self, y)
  if C.tch_tensor_count(self) == 0 then return self end
  local copy, data, at = elements(self)
  local other, data1, at1 = elements(y)
  for i = 0, tonumber(C.tch_tensor_count(self)) - 1 do
    local value = f(at(data, i), at1(data1, i))
    if value ~= nil then data[i] = numberOf('map', value) end
  end
  assert(other)
  return written(self, copy)
end

--- Replaces every element v by f(v, w, u) with the elements of y and z.
function Tensor:map2(y, z, f)
  checkFunction('map2', f)
  checkCount('map2', self, y)
  checkCount('map2', self, z)
  if C.tch_tensor_count(self) == 0 then return self end
  local copy, data, at = elements(self)
  local other1, data1, at1 = elements(y)
  local other2, data2, at2 = elements(z)
  for i = 0, tonumber(C.tch_tensor_count(self)) - 1 do
    local value = f(at(data, i), at1(data1, i), at2(data2, i))
    if value ~= nil then data[i] = numberOf('map2', value) end
  end
  assert(other1 and other2)
  return written(self, copy)
end
