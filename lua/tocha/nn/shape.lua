--- Layers that arrange elements anew and compute nothing.
--
-- Their results are views of the input where its strides allow it. `numInputDims` (nInputDims) tells how many
-- dimensions one example has: an input with more of them is a batch.
-- @module tocha.nn.shape
local torch = require 'tocha'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'
local takes = require 'tocha.nn.takes'
local own = require 'tocha.bindings.own'

local define, raise = derive.class, own.raise

-- The numbers or the LongStorage of a constructor as a LongStorage.
local function sizes(...)
  local first = ...
  if type(first) == 'number' then return torch.LongStorage { ... } end
  if type(first) == 'string' then
    local list = { ... }
    for i, value in ipairs(list) do list[i] = own.integer(value) end
    return torch.LongStorage(list)
  end
  return torch.LongStorage(first:size()):copy(first)
end

-- A dimension counted from the end if negative, shifted by one if the input is a batch.
local function positive(dimension, input, numInputDims)
  if dimension < 0 then return input:dim() + dimension + 1 end
  if numInputDims and input:dim() == numInputDims + 1 then return dimension + 1 end
  return dimension
end

local function setNumInputDims(self, count)
  self.numInputDims = count
  return self
end

local function product(storage)
  local n = 1
  for i = 1, storage:size() do n = n * math.abs(storage[i]) end
  return n
end

-- -- identity -------------------------------------------------------------------------------------------------------

-- the input itself
local Identity = define('nn.Identity', nil, takes.anything(function(_, input) return input end))

function Identity:updateOutput(input)
  self.output = input
  return input
end

function Identity:updateGradInput(_, gradOutput)
  self.gradInput = gradOutput
  return gradOutput
end
derive.seal(Identity)

-- the input with its elements in one line: itself, or a copy
define('nn.Contiguous', nil, function(_, input) return input:contiguous() end)

-- -- sizes ----------------------------------------------------------------------------------------------------------

-- (sizes...): one -1 is inferred. A batch dimension is kept if the elements are more than the sizes say, or if
-- numInputDims says so.
local View = define('nn.View', function(self, ...) self:resetSize(...) end, function(self, input)
  local wanted, have = self.numElements, 1
  local dims = self.numInputDims or input:dim()
  for i = input:dim(), math.max(1, input:dim() - dims + 1), -1 do have = have * input:size(i) end
  if have % wanted ~= 0 then
    raise(('an input of %s elements cannot be viewed as %s'):format(table.concat(input:size():totable(), 'x'),
      table.concat(self.size:totable(), 'x')))
  end
  local batch = self.inferred and 1 or have / wanted
  for i = input:dim() - dims, 1, -1 do batch = batch * input:size(i) end
  local size = self.size:totable()
  if batch ~= 1 or (self.numInputDims and input:dim() > self.numInputDims) then table.insert(size, 1, batch) end
  return input:contiguous():view(torch.LongStorage(size))
end)

function View:resetSize(...)
  self.size = sizes(...)
  self.numElements, self.inferred = product(self.size), false
  for i = 1, self.size:size() do
    if self.size[i] < -1 or (self.size[i] == -1 and self.inferred) then
      raise('nn.View: sizes are positive, but one may be -1')
    end
    self.inferred = self.inferred or self.size[i] == -1
  end
  return self
end

View.setNumInputDims = setNumInputDims

function View:__tostring__()
  return ('%s(%s)'):format(torch.type(self), table.concat(self.size:totable(), ', '))
end

-- (sizes... [, batchMode]): without batchMode the first dimension is a batch unless the element counts agree.
local Reshape = define('nn.Reshape', function(self, ...)
  local args = { ... }
  if type(args[#args]) == 'boolean' then self.batchMode = table.remove(args) end
  self.size = sizes(unpack(args))
  self.nelement = product(self.size)
end, function(self, input)
  local single = self.batchMode == false
    or (self.batchMode == nil and input:nElement() == self.nelement and input:size(1) ~= 1)
  local size = self.size:totable()
  if not single then table.insert(size, 1, input:size(1)) end
  return input:contiguous():view(torch.LongStorage(size))
end)

function Reshape:__tostring__()
  return ('%s(%s)'):format(torch.type(self), table.concat(self.size:totable(), 'x'))
end

-- All dimensions from `first` (2) on become one.
define('tocha.Flatten', function(self, first) self.first = first or 2 end, function(self, input)
  local size = {}
  for i = 1, math.min(self.first - 1, input:dim()) do size[i] = input:size(i) end
  size[#size + 1] = -1
  return input:contiguous():view(torch.LongStorage(size))
end)

-- (nInputDim): that many dimensions at the end become one
define('nn.Collapse', function(self, nInputDim)
  self.nInputDim = parameter.number(self, 'nInputDim', nInputDim)
end, function(self, input)
  input = input:contiguous()
  if input:dim() > self.nInputDim then return input:view(input:size(1), -1) end
  return input:view(-1)
end)

-- (dim [, numInputDims]): takes a dimension of size 1 away, or all of them.
local Squeeze = define('nn.Squeeze', function(self, dim, numInputDims)
  self.dim, self.numInputDims = dim, numInputDims
end, function(self, input)
  local batch = self.numInputDims and input:dim() == self.numInputDims + 1
  if self.dim then
    local dim = batch and self.dim + 1 or self.dim
    return input:dim() > 1 and input:size(dim) == 1 and input:squeeze(dim) or input
  end
  local size = {}
  for i = 1, input:dim() do
    if input:size(i) ~= 1 or (batch and i == 1) then size[#size + 1] = input:size(i) end
  end
  if #size == 0 then size[1] = 1 end
  return input:contiguous():view(torch.LongStorage(size))
end)
Squeeze.setNumInputDims = setNumInputDims

-- (pos [, numInputDims]): puts a dimension of size 1 in.
local Unsqueeze = define('nn.Unsqueeze', function(self, pos, numInputDims)
  self.pos = pos or raise('nn.Unsqueeze: the position is missing')
  self.numInputDims = numInputDims
end, function(self, input)
  local at = self.pos + (self.numInputDims and input:dim() - self.numInputDims or 0)
  if at < 1 or at > input:dim() + 1 or at % 1 ~= 0 then
    raise(('position %s does not exist in an input of %d dimensions'):format(tostring(self.pos), input:dim()))
  end
  local size = input:size():totable()
  table.insert(size, at, 1)
  return input:contiguous():view(torch.LongStorage(size))
end)
Unsqueeze.setNumInputDims = setNumInputDims

function Unsqueeze:__tostring__()
  return ('%s(dim %d)'):format(torch.type(self), self.pos)
end

-- -- order ----------------------------------------------------------------------------------------------------------

-- ({a, b}, ...): exchanges dimensions, pair by pair.
local Transpose = define('nn.Transpose', function(self, ...)
  self.permutations = { ... }
  for _, pair in ipairs(self.permutations) do
    if type(pair) ~= 'table' or type(pair[1]) ~= 'number' or type(pair[2]) ~= 'number' then
      raise('nn.Transpose: pairs of dimensions are wanted: {a, b}, ...')
    end
  end
end, function(self, input)
  local offset = self.numInputDims and input:dim() - self.numInputDims or 0
  for _, pair in ipairs(self.permutations) do input = input:transpose(pair[1] + offset, pair[2] + offset) end
  return input:contiguous()
end)
Transpose.setNumInputDims = setNumInputDims

-- -- parts ----------------------------------------------------------------------------------------------------------

-- (dimension, offset [, length]): a negative length counts from the end.
define('nn.Narrow', function(self, dimension, offset, length)
  if not dimension or not offset then raise('nn.Narrow: dimension and offset are needed') end
  self.dimension, self.index, self.length = dimension, parameter.number(self, 'offset', offset), length or 1
end, function(self, input)
  local dim = positive(self.dimension, input)
  local index, length = self.index, self.length
  if length < 0 then length = input:size(dim) - index + length + 2 end
  if index < 0 then index, length = 1, input:size(dim) - length end
  return input:narrow(dim, index, length)
end)

-- (dimension, index): one entry of a dimension, which goes; negative ones count from the end
define('nn.Select', function(self, dimension, index)
  self.dimension, self.index = parameter.number(self, 'dimension', dimension), parameter.number(self, 'index', index)
end,
  function(self, input)
    local dim = positive(self.dimension, input)
    return input:select(dim, self.index < 0 and input:size(dim) + self.index + 1 or self.index)
  end)

-- (count [, dim [, ndim]]): repeats the input along a new dimension.
define('nn.Replicate', function(self, count, dim, ndim)
  if type(count) ~= 'number' then raise('nn.Replicate: the count is missing') end
  self.nfeatures, self.dim, self.ndim = count, dim or 1, ndim
end, function(self, input)
  local dim = self.dim + (self.ndim and input:dim() > self.ndim and 1 or 0)
  local size = input:size():totable()
  if dim < 1 or dim > #size + 1 or dim % 1 ~= 0 then
    raise(('an input of %d dimensions cannot get one at %s'):format(#size, tostring(dim)))
  end
  table.insert(size, dim, 1)
  local view = input:contiguous():view(torch.LongStorage(size))
  size[dim] = self.nfeatures
  return view:expand(torch.LongStorage(size))
end)

-- (dim, pad [, nInputDim [, value [, index]]]): |pad| elements before index, counted from the left (pad < 0) or right.
define('nn.Padding', function(self, dim, pad, nInputDim, value, index)
  self.dim, self.pad = parameter.number(self, 'dim', dim), parameter.number(self, 'pad', pad)
  self.nInputDim, self.value, self.index = nInputDim, value or 0, parameter.number(self, 'index', index or 1)
end, function(self, input)
  local dim, count = self.dim, math.abs(self.pad)
  if self.nInputDim and input:dim() ~= self.nInputDim then dim = dim + 1 end
  local size, length = input:size(), input:size(dim)
  size[dim] = count
  local filling = input.new(size):fill(self.value)
  local index = self.pad > 0 and length - self.index + 2 or self.index
  local parts = {}
  if index > 1 then parts[1] = input:narrow(dim, 1, index - 1) end
  parts[#parts + 1] = filling
  if index <= length then parts[#parts + 1] = input:narrow(dim, index, length - index + 1) end
  return torch.cat(parts, dim)
end)

-- -- tables ---------------------------------------------------------------------------------------------------------

-- (dimension [, nInputDims]): tensors joined along a dimension
define('nn.JoinTable', function(self, dimension, nInputDims)
  self.dimension, self.nInputDims, self.gradInput = parameter.number(self, 'dimension', dimension), nInputDims, {}
end, takes.list(1, function(self, input)
  return torch.cat(input, positive(self.dimension, input[1], self.nInputDims))
end))

-- (dimension [, nInputDims]): a table of the entries of a dimension
local Split = define('nn.SplitTable', function(self, dimension, nInputDims)
  self.dimension, self.nInputDims = parameter.number(self, 'dimension', dimension), nInputDims
end, function(self, input)
  local dim, parts = positive(self.dimension, input, self.nInputDims), {}
  for i = 1, input:size(dim) do parts[i] = input:select(dim, i) end
  return parts
end)

local split = Split.updateOutput
-- A table and views of its own each time, as in Torch7: f(split:forward(a), split:forward(b)).
function Split:updateOutput(input)
  self.output = {}
  return split(self, input)
end
derive.seal(Split)
