--- Layers that add, multiply and compare whole tensors.
-- @module tocha.nn.arithmetic
local torch = require 'tocha'
local derive = require 'tocha.nn.derive'
local takes = require 'tocha.nn.takes'
local glue = require 'tocha.bindings.module'
local overwriting = require 'tocha.nn.inplace'
local raise = require 'tocha.bindings.own'.raise

local define = derive.class

local function pair(self) self.gradInput = { torch.Tensor(), torch.Tensor() } end
local function table_(self) self.gradInput = {} end

-- -- elementwise over a table ---------------------------------------------------------------------------------------

-- op(op(a, b), c) ... over the entries of a table
local function fold(op)
  return takes.list(1, function(_, input)
    local total = input[1]
    for i = 2, #input do total = op(total, input[i]) end
    return total
  end)
end

-- ([inplace]): tensors of one size are added up in a buffer, with inplace in the first of them
local Sum = define('nn.CAddTable', function(self, inplace) self.inplace, self.gradInput = inplace, {} end, fold(torch.add))
local broadcast = { updateOutput = Sum.updateOutput, updateGradInput = Sum.updateGradInput }

local function uniform(input)
  takes.table(input)
  for i = 2, #input do
    if not glue.alike(input[1], input[i]) then return false end
  end
  return #input > 0 and torch.isTensor(input[1])
end

function Sum:updateOutput(input)
  if not uniform(input) then return broadcast.updateOutput(self, input) end
  local first = glue.constant(input[1])
  if self.inplace then
    self.output = first.new():set(first)
  else
    local old = self.output
    if self.overwrites or not torch.isTensor(old) or old:type() ~= first:type() then self.output = first.new() end
    self.output:resizeAs(first):copy(first)
  end
  self.overwrites = self.inplace or nil
  for i = 2, #input do self.output:add(glue.constant(input[i])) end
  return self.output
end

function Sum:updateGradInput(input, gradOutput)
  if not uniform(input) then return broadcast.updateGradInput(self, input, gradOutput) end
  local old, list = torch.type(self.gradInput) == 'table' and self.gradInput or {}, {}
  for i, t in ipairs(input) do
    local mine = torch.isTensor(old[i]) and old[i]:type() == t:type() and old[i] or t.new()
    list[i] = self.inplace and mine:set(gradOutput) or mine:resizeAs(t):copy(gradOutput)
  end
  self.gradInput = list
  return list
end
derive.seal(Sum)

-- tensors of one size are multiplied, element by element
define('nn.CMulTable', table_, fold(torch.cmul))
-- {a, b}: a - b
define('nn.CSubTable', table_, takes.list(2, function(_, input) return input[1] - input[2] end))
-- {a, b}: a / b, element by element
define('nn.CDivTable', table_, takes.list(2, function(_, input) return torch.cdiv(input[1], input[2]) end))
-- the largest of tensors of one size, element by element
define('nn.CMaxTable', table_, fold(torch.cmax))
-- the smallest of tensors of one size, element by element
define('nn.CMinTable', table_, fold(torch.cmin))
-- adds the first entry, a vector, to every row of the second
define('nn.CAddTensorTable', table_, takes.anything(function(_, input)
  local out, vector = {}, takes.tensor(takes.entries(input)[1])
  for i, t in ipairs(takes.tensors(input[2], 0)) do out[i] = torch.add(t, vector) end
  return out
end))

-- -- constants ------------------------------------------------------------------------------------------------------

-- A layer of a constant; `undo` gives an input that was overwritten its values back when the gradient is asked for, because
-- the layer before may need its output.
local function constant(name, line, undo)
  local class = define(name, function(self, value, inplace)
    if type(value) ~= 'number' and not torch.isTensor(value) then
      raise(('%s: a number is wanted, not a %s'):format(name, torch.type(value)))
    end
    self.constant_scalar, self.inplace = value, inplace or false
  end, line)
  overwriting(class)
  local gradient = class.updateGradInput
  function class:updateGradInput(input, gradOutput)
    local gradInput = gradient(self, input, gradOutput)
    if self.overwrites == true then
      undo(glue.constant(input), self.constant_scalar)
      self.overwrites = 'restored'
    end
    return gradInput
  end
  derive.seal(class)
  return class
end

-- (constant [, inplace]): the input times a number
constant('nn.MulConstant', 'mul_scalar(input, self.constant_scalar)', function(x, value) x:div(value) end)

-- (constant [, inplace]): a number, or a vector for the rows of the input
local AddConstant = constant('nn.AddConstant', 'add_scalar(input, self.constant_scalar)',
  function(x, value) x:add(-value) end)

local number = { updateOutput = AddConstant.updateOutput, updateGradInput = AddConstant.updateGradInput,
  compute = AddConstant.compute }

function AddConstant:updateOutput(input)
  if not torch.isTensor(self.constant_scalar) then return number.updateOutput(self, input) end
  self.output = torch.add(glue.constant(input), self.constant_scalar)
  return self.output
end

function AddConstant:updateGradInput(input, gradOutput)
  if not torch.isTensor(self.constant_scalar) then return number.updateGradInput(self, input, gradOutput) end
  self.gradInput = glue.need(gradOutput):clone()
  return self.gradInput
end

function AddConstant:compute(input)
  if not torch.isTensor(self.constant_scalar) then return number.compute(self, input) end
  return torch.add(input, self.constant_scalar)
end
derive.seal(AddConstant)

-- -- products -------------------------------------------------------------------------------------------------------

-- {A, B}: matrices, or batches of matrices
define('nn.MM', function(self, transA, transB)
  pair(self)
  self.transA, self.transB = transA or false, transB or false
end, takes.list(2, function(self, input)
  local a, b = input[1], input[2]
  local rows, columns = a:dim() - 1, a:dim()
  if self.transA then a = a:transpose(rows, columns) end
  if self.transB then b = b:transpose(rows, columns) end
  return rows == 1 and torch.mm(a, b) or torch.bmm(a, b)
end))

-- {M, v}: a matrix and a vector, or batches of them
define('nn.MV', function(self, trans)
  pair(self)
  self.trans = trans or false
end, takes.list(2, function(self, input)
  local m, v = input[1], input[2]
  if self.trans then m = m:transpose(m:dim() - 1, m:dim()) end
  if m:dim() == 2 then return torch.mv(m, v) end
  local product = torch.bmm(m, v:view(v:size(1), v:size(2), 1))
  return product:view(product:size(1), product:size(2))
end))

local function rows(t) return t:dim() == 1 and t:view(1, -1) or t end

-- Sums over the second dimension, as (N).
local function across(t) return torch.sum(t, 2):view(-1) end

-- {a, b}: the dot product of vectors, or of the rows of matrices as (N)
define('nn.DotProduct', pair, takes.list(2, function(_, input)
  return across(torch.cmul(rows(input[1]), rows(input[2])))
end))

-- {a, b}: the cosine of the angle between vectors, or between the rows of matrices as (N)
define('nn.CosineDistance', pair, takes.list(2, function(_, input)
  local a, b = rows(input[1]), rows(input[2])
  local norms = torch.cmul(torch.add(across(torch.square(a)), 1e-12), torch.add(across(torch.square(b)), 1e-12))
  return torch.cdiv(across(torch.cmul(a, b)), torch.sqrt(norms))
end))

-- (sum |a - b|^p)^(1/p)
define('nn.PairwiseDistance', function(self, p)
  pair(self)
  self.norm = p or 2
end, takes.list(2, function(self, input)
  local distance = torch.abs(rows(input[1]) - rows(input[2]))
  if self.norm == 1 then return across(distance) end
  return torch.pow(torch.add(across(torch.pow(distance, self.norm)), 1e-12), 1 / self.norm)
end))

-- x / (sum |x|^p + eps)^(1/p) per row
local Normalize = define('nn.Normalize', function(self, p, eps)
  if type(p) ~= 'number' or p <= 0 then raise('nn.Normalize: a positive norm is wanted') end
  self.p, self.eps = p, eps or 1e-10
end, function(self, input)
  local x = rows(input)
  local norm
  if self.p == math.huge then norm = torch.add((torch.max(torch.abs(x), 2)), self.eps)
  else
    local powers = self.p == 2 and torch.square(x) or torch.pow(torch.abs(x), self.p)
    norm = torch.pow(torch.add(torch.sum(powers, 2), self.eps), 1 / self.p)
  end
  return torch.cdiv(x, norm:view(-1, 1)):view(input:size())
end)

function Normalize:__tostring__()
  return (self.p % 1 == 0 and '%s(%d)' or '%s(%f)'):format(torch.type(self), self.p)
end

-- -- over a dimension -----------------------------------------------------------------------------------------------

local function positive(self, input)
  local dim = self.dimension
  if dim < 0 then dim = input:dim() + dim + 1
  elseif self.nInputDims and input:dim() == self.nInputDims + 1 then dim = dim + 1 end
  if dim > input:dim() then
    raise(('dimension %d of an input of %d dimensions'):format(dim, input:dim()))
  end
  return dim
end

local function without(t, dim) return t:dim() > 1 and t:select(dim, 1) or t end

local function sum(self, input)
  local dim = positive(self, input)
  local total = torch.sum(input, dim)
  if self.sizeAverage then total = torch.div(total, input:size(dim)) end
  return self.squeeze == false and total or without(total, dim)
end

local function dimension(self, dim, nInputDims) self.dimension, self.nInputDims = dim or 1, nInputDims end

-- ([dimension = 1 [, nInputDims [, sizeAverage [, squeeze]]]]): the sum along a dimension; with nInputDims an input of more
-- dimensions is a batch
define('nn.Sum', function(self, dim, nInputDims, sizeAverage, squeeze)
  dimension(self, dim, nInputDims)
  self.sizeAverage, self.squeeze = sizeAverage or false, squeeze ~= false
end, sum)

-- ([dimension = 1 [, nInputDims]]): the mean along a dimension
define('nn.Mean', function(self, dim, nInputDims)
  dimension(self, dim, nInputDims)
  self.sizeAverage, self.squeeze = true, true
end, sum, 'nn.Sum')

local function extreme(op)
  return function(self, input)
    local dim = positive(self, input)
    return without((op(input, dim)), dim)
  end
end

-- ([dimension = 1 [, nInputDims]]): the largest along a dimension
define('nn.Max', dimension, extreme(torch.max))
-- ([dimension = 1 [, nInputDims]]): the smallest along a dimension
define('nn.Min', dimension, extreme(torch.min))
