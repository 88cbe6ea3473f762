--- Making tensors and asking about them: constructors in all of Torch7's forms, sizes, storage, resize, set, copy, fill.
-- @module tocha.bindings.tensor
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local size = require 'tocha.bindings.size'
local nested = require 'tocha.bindings.nested'

local raise, isTensor, isStorage, integer = own.raise, own.isTensor, own.isStorage, own.integer
local fail, wrap = own.fail, own.wrap
local box, sizes, strides = own.newBox(), own.newInts(), own.newInts()
local Tensor = M.tensor
local T = { default = dtype.Float }

-- -- making -------------------------------------------------------------------------------------------------------

local function empty(row)
  local status = C.tch_tensor_empty(row.code, box)
  if status ~= 0 then fail(status) end
  return wrap(box[0])
end

--- A tensor of the n sizes in a buffer, contents undefined; n = 0 gives an empty tensor.
local function new(row, n, buffer)
  if n == 0 then return empty(row) end
  local status = C.tch_tensor_new(row.code, n, buffer, box)
  if status ~= 0 then fail(status) end
  return wrap(box[0])
end

--- A tensor of a type with another's sizes, contents undefined.
local function newLike(row, tensor)
  local n = size.of(sizes, tensor)
  if n == 0 and C.tch_tensor_count(tensor) == 0 then return empty(row) end
  local status = C.tch_tensor_new(row.code, n, sizes, box)
  if status ~= 0 then fail(status) end
  return wrap(box[0])
end

--- A tensor without dimensions that holds a number.
local function scalar(row, value)
  local status = C.tch_tensor_new(row.code, 0, sizes, box)
  if status ~= 0 then fail(status) end
  local tensor = wrap(box[0])
  status = C.tch_tensor_fill(tensor, value)
  if status ~= 0 then fail(status) end
  return tensor
end

local function withoutLast(n, ...) return unpack({ ... }, 1, n - 1) end

--- f(result, ...) that also takes the name of a tensor type as its last argument: the result is an empty tensor of it then.
function T.typed(f)
  return function(...)
    local n = select('#', ...)
    local name = n > 0 and select(n, ...)
    if type(name) ~= 'string' or own.truncates and tonumber(name) then return f(...) end
    local row = dtype.byTensor[name]
    if not row then raise(('%q is not the name of a tensor type'):format(name)) end
    return f(empty(row), withoutLast(n, ...))
  end
end

-- The arguments (storage, offset, sizes, strides) in Torch7's two forms: two LongStorages or tables, or pairs of numbers.
-- Returns ndim (nil: as long as the storage) and whether strides were given.
local function viewArguments(what, n, first, ...)
  if n == 0 then return nil end
  if type(first) ~= 'number' then
    local second = ...
    local ndim = size.read(what, sizes, 1, first)
    if n == 1 then return ndim, false end
    if size.read(what, strides, 1, second) ~= ndim then
      raise(('%s: there are %d sizes, but another number of strides'):format(what, ndim))
    end
    return ndim, true
  end
  local list = { first, ... }
  local ndim = math.ceil(n / 2)
  if ndim > 16 then raise(('%s: %d dimensions are too many, 16 are possible'):format(what, ndim)) end
  local step = 1
  for d = ndim, 1, -1 do
    sizes[d - 1] = integer(list[2 * d - 1])
    local stride = list[2 * d] and integer(list[2 * d]) or -1
    strides[d - 1] = stride < 0 and step or stride
    step = strides[d - 1] * math.max(tonumber(sizes[d - 1]), 1)
  end
  return ndim, true
end

-- A view of a storage into `set(storage, offset, ndim, sizes, strides)`.
local function viewOf(what, storage, set, n, offset, ...)
  offset = n > 0 and integer(offset) or 1
  local ndim, strided = viewArguments(what, n - 1 < 0 and 0 or n - 1, ...)
  if not ndim then
    ndim, sizes[0] = 1, C.tch_storage_count(storage) - (offset - 1)
    if sizes[0] < 0 then raise(('%s: offset %d is behind the storage of %d elements'):format(what, offset, #storage)) end
  end
  local status = set(storage, offset - 1, ndim, sizes, strided and strides or nil)
  if status ~= 0 then fail(status) end
end

local function checkType(what, row, other, name)
  if row ~= other then raise(('%s: a %s is needed, but a %s was given'):format(what, name(row), name(other))) end
end
local function storageName(row) return row.storage end
local function tensorName(row) return row.tensor end

--- Tensor(sizes...): a tensor of these sizes, what is in it undefined; also of a LongStorage of sizes; of nested tables of
-- numbers; on a storage [, offset, sizes, strides]; another view of a tensor. FloatTensor, DoubleTensor ... tell the type of
-- its elements.
local function construct(row, ...)
  local n, first = select('#', ...), (...)
  if n == 0 then return empty(row) end
  if type(first) == 'number' or own.truncates and type(first) == 'string' and tonumber(first) then
    return new(row, size.read(row.tensor, sizes, n, ...), sizes)
  end
  if type(first) == 'table' then return nested.read(row, first, new) end
  if isTensor(first) then
    checkType(row.tensor, row, M.rowOf(first), tensorName)
    return empty(row):set(first)
  end
  if isStorage(first) then
    local other = M.rowOfStorage(first)
    if other == row then
      viewOf(row.tensor, first, function(s, offset, ndim, sz, st)
        return C.tch_tensor_view_of(s, offset, ndim, sz, st, box)
      end, n - 1, select(2, ...))
      return wrap(box[0])
    end
    checkType(row.tensor, dtype.Long, other, storageName)
    local ndim = size.read(row.tensor, sizes, 1, first)
    local tensor = new(row, ndim, sizes)
    return n > 1 and tensor:resize(...) or tensor
  end
  raise(('%s: a tensor is made from sizes, a table, a storage or a tensor, not from a %s'):format(row.tensor, type(first)))
end

for _, row in ipairs(dtype.rows) do
  local mt = M.tensors[row.code]
  mt.new = function(...) return construct(row, ...) end
  mt.__factory = function() return empty(row) end
end

-- -- questions ----------------------------------------------------------------------------------------------------

--- Sizes as a torch.LongStorage, or the size of one dimension.
function Tensor:size(d)
  if d == nil then return size.sizes(self) end
  return tonumber(C.tch_tensor_size(self, size.dimension('size', self, d)))
end

--- How far apart neighbours along each dimension lie in the storage, or along one dimension.
function Tensor:stride(d)
  if d == nil then return size.strides(self) end
  return tonumber(C.tch_tensor_stride(self, size.dimension('stride', self, d)))
end

--- The number of dimensions; also `nDimension`, `ndimension`.
function Tensor:dim() return C.tch_tensor_dim(self) end
--- The number of elements; also `numel`.
function Tensor:nElement() return tonumber(C.tch_tensor_count(self)) end
--- Whether the elements lie in one line in order.
function Tensor:isContiguous() return C.tch_tensor_contiguous(self) end
--- Where in its storage the tensor begins, from 1.
function Tensor:storageOffset() return tonumber(C.tch_tensor_offset(self)) + 1 end
--- Bytes of an element.
function Tensor:elementSize() return M.rowOf(self).bytes end
--- The type's name: 'torch.FloatTensor'.
function Tensor:typename() return M.rowOf(self).tensor end
--- The storage, or nil of a tensor without one.
function Tensor:storage() return own.borrowStorage(C.tch_tensor_storage(self)) end

--- Whether the sizes are those of another tensor.
function Tensor:isSameSizeAs(other)
  if not isTensor(other) then raise('isSameSizeAs: a tensor is needed') end
  return C.tch_tensor_same_size(self, other)
end

--- Whether the sizes are those of a LongStorage.
function Tensor:isSize(list)
  if type(list) ~= 'table' and not isStorage(list) then raise('isSize: a torch.LongStorage or a table is needed') end
  local n = C.tch_tensor_dim(self)
  if #list ~= n then return false end
  for d = 1, n do if tonumber(C.tch_tensor_size(self, d - 1)) ~= list[d] then return false end end
  return true
end

--- Whether both show the same elements of one storage in the same way.
function Tensor:isSetTo(other)
  if not isTensor(other) then raise('isSetTo: a tensor is needed') end
  return C.tch_tensor_storage(self) ~= nil and C.tch_tensor_same_view(self, other)
end

--- Whether both lie in one storage.
function Tensor:isSharedWith(other)
  if not isTensor(other) then raise('isSharedWith: a tensor is needed') end
  local storage = C.tch_tensor_storage(self)
  return storage ~= nil and storage == C.tch_tensor_storage(other)
end

--- The number that a tensor of one element holds.
function Tensor:item()
  if C.tch_tensor_count(self) ~= 1 then raise(('item: the tensor (%s) has not one element'):format(size.text(self))) end
  local out = T.out
  for d = 0, C.tch_tensor_dim(self) - 1 do sizes[d] = 0 end
  local status = C.tch_tensor_get(self, C.tch_tensor_dim(self), sizes, out)
  if status ~= 0 then fail(status) end
  return out[0]
end
T.out = ffi.new('double[1]')

-- -- shape and storage --------------------------------------------------------------------------------------------

--- resize(sizes...) or resize(sizes, strides), with LongStorages or tables; keeps the elements' order in the storage.
function Tensor:resize(...)
  local n, strided = select('#', ...), nil
  local first, second = ...
  if n == 2 and type(first) ~= 'number' then
    if type(second) == 'number' then own.bad('resize', 'the second argument', 'a table or LongStorage of strides', second) end
    if size.read('resize', strides, 1, second) ~= size.read('resize', sizes, 1, first) then
      raise(('resize: %d sizes, but %d strides'):format(#first, #second))
    end
    strided, n = strides, 1
    for d = 0, #second - 1 do
      if strides[d] < 0 then raise(('resize: stride %d is not possible'):format(tonumber(strides[d]))) end
    end
  end
  local ndim = size.read('resize', sizes, n, ...)
  if ndim == 0 then sizes[0], ndim = 0, 1 end
  local status = C.tch_tensor_resize(self, ndim, sizes, strided)
  if status ~= 0 then fail(status) end
  return self
end

--- resizeAs(x): to the sizes of x.
function Tensor:resizeAs(other)
  if not isTensor(other) then raise('resizeAs: a tensor is needed') end
  if C.tch_tensor_same_size(self, other) then return self end
  local n = size.of(sizes, other)
  local status = C.tch_tensor_resize(self, n, sizes, nil)
  if status ~= 0 then fail(status) end
  return self
end

--- set(): empty; set(tensor): another view of its elements; set(storage, offset, sizes, strides) as in the constructor.
function Tensor:set(from, ...)
  if from == nil then
    C.tch_tensor_free(self)
  elseif isTensor(from) then
    local status = C.tch_tensor_set(self, from)
    if status ~= 0 then fail(status) end
  elseif isStorage(from) then
    checkType('set', M.rowOf(self), M.rowOfStorage(from), storageName)
    viewOf('set', from, function(s, offset, ndim, sz, st)
      return C.tch_tensor_set_storage(self, s, offset, ndim, sz, st)
    end, select('#', ...), ...)
  else
    raise(('set: a tensor or a storage is needed, not a %s'):format(type(from)))
  end
  return self
end

-- -- contents -----------------------------------------------------------------------------------------------------

--- Every element becomes the number.
function Tensor:fill(value)
  if type(value) ~= 'number' then raise(('fill: a number is needed, not a %s'):format(type(value))) end
  local status = C.tch_tensor_fill(self, value)
  if status ~= 0 then fail(status) end
  return self
end

--- Every element becomes 0.
function Tensor:zero()
  local status = C.tch_tensor_fill(self, 0)
  if status ~= 0 then fail(status) end
  return self
end

Tensor.nDimension, Tensor.numel, Tensor.ndimension, Tensor.__len__ = Tensor.dim, Tensor.nElement, Tensor.dim, Tensor.size

T.empty, T.new, T.newLike, T.scalar, T.construct = empty, new, newLike, scalar, construct

--- Makes a type the one of torch.Tensor, torch.zeros and the other functions without a type: "torch.FloatTensor".
function T.setDefault(torch, name)
  local row = dtype.byTensor[name]
  if not row or row.stored then
    raise(('setdefaulttensortype: %s is not the name of a tensor type that computes'):format(tostring(name)))
  end
  T.default = row
  torch.Tensor, torch.Storage = torch[row.name .. 'Tensor'], torch[row.name .. 'Storage']
end

function T.install(torch)
  for _, row in ipairs(dtype.rows) do
    torch[row.name .. 'Tensor'] = M.constructor(M.tensors[row.code], function(...) return construct(row, ...) end)
  end
  T.setDefault(torch, 'torch.FloatTensor')
  --- Makes a type the one of torch.Tensor, torch.zeros and the other functions without a type: 'torch.DoubleTensor'.
  function torch.setdefaulttensortype(name) T.setDefault(torch, name) end
  --- Its name.
  function torch.getdefaulttensortype() return T.default.tensor end
  --- `isTensor(value)`, `isStorage(value)`: whether it is one.
  torch.isTensor, torch.isStorage = isTensor, isStorage
  Tensor.isTensor = isTensor -- asked as torch.Tensor.isTensor(x) too
  function torch.fill(x, value)
    if not isTensor(x) then raise(('fill: a tensor is needed, not a %s'):format(type(x))) end
    return x:fill(value)
  end
  function torch.zero(x) return torch.fill(x, 0) end
end

return T
