--- Linear layers for sparse inputs. Their gradients are dense.
--
-- An input comes in several forms; each becomes one list of keys, one of values and the ends of its rows, which the op
-- `bag` multiplies with the weight.
-- @module tocha.nn.sparse
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local parameter = require 'tocha.nn.parameter'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

-- Beside a module: its last input, and what became of it.
local last = setmetatable({}, { __mode = 'k' })

local function long(t) return t:type() == 'torch.LongTensor' and t or t:long() end

-- Gives a class its functions. read(self, input) gives keys, values, ends and the form of the input; forward(self,
-- {keys, values, ends}) the output as (rows, outputs); dense(self, gradient (rows, inputs), form, input) the gradInput.
local function sparse(class, read, forward, dense)
  derive(class, takes.anything(forward))
  local inner = { updateOutput = class.updateOutput, accGradParameters = class.accGradParameters, compute = class.compute }

  local function flat(self, input)
    local keys, values, ends, form = read(self, input)
    if values:type() ~= self.weight:type() then values = values:type(self.weight:type()) end
    return { long(keys):contiguous(), values, ends }, form
  end

  local function shaped(y, form) return form == 'row' and y:select(1, 1) or y end

  function class:updateOutput(input)
    local parts, form = flat(self, utils.map(function(t) return torch.isTensor(t) and t:detach() or t end, input))
    last[self] = { input = input, parts = parts, form = form }
    self.output = shaped(inner.updateOutput(self, parts), form)
    return self.output
  end

  local function seen(self, input)
    if not last[self] or not rawequal(last[self].input, input) then self:updateOutput(input) end
    return last[self]
  end

  local function asRows(gradOutput) return takes.tensor(gradOutput):dim() == 1 and gradOutput:view(1, -1) or gradOutput end

  function class:updateGradInput(input, gradOutput)
    local gradient = self.doGradInput and asRows(gradOutput) * self:denseWeight()
    self.gradInput = gradient and dense(self, gradient, seen(self, input).form, input) or {}
    return self.gradInput
  end

  function class:accGradParameters(input, gradOutput, scale)
    inner.accGradParameters(self, seen(self, input).parts, asRows(gradOutput), scale)
    if (self.weightDecay or 0) ~= 0 then self.gradWeight:add((scale or 1) * self.weightDecay, self.weight) end
  end

  function class:compute(input)
    local parts, form = flat(self, input)
    return shaped(inner.compute(self, parts), form)
  end

  class.backward = nn.Module.backward
  derive.seal(class)
end

-- Ends of rows of the given lengths.
local function ends(lengths) return torch.cumsum(torch.LongTensor(lengths), 1) end

-- -- rows {index, value} --------------------------------------------------------------------------------------------

-- (inputSize, outputSize [, doGradInput]): nn.Linear on a row of pairs (K, 2), a table of such, or a tensor (N, K, 2).
-- With doGradInput the gradInput lists all inputs.
local SparseLinear, sparseLinear = torch.class('nn.SparseLinear', 'nn.Module', nn)

function SparseLinear:__init(inputSize, outputSize, doGradInput)
  sparseLinear.__init(self)
  parameter.new(self, 'weight', outputSize, inputSize)
  parameter.new(self, 'bias', outputSize)
  self.doGradInput, self.weightDecay, self.gradInput = doGradInput or false, 0, {}
  self:reset()
end

function SparseLinear:reset(deviation)
  parameter.uniform(self, deviation, self.weight:size(2))
  self.bias:mul(1e-6)
end

function SparseLinear:denseWeight() return self.weight end

local function readPairs(self, input)
  local form, list = 'rows', input
  if torch.isTensor(input) then
    form, list = input:dim() == 2 and 'row' or 'tensor', { input }
    if input:dim() == 3 then list = torch.split(input, 1, 1) end
  end
  local lengths = {}
  for i, pairs_ in ipairs(takes.tensors(list, 1)) do
    if form == 'tensor' and pairs_:dim() > 1 then pairs_ = pairs_:select(1, 1) list[i] = pairs_ end
    if pairs_:dim() ~= 2 or pairs_:size(2) ~= 2 then
      raise(('rows {index, value} are wanted, but an input is %s'):format(table.concat(pairs_:size():totable(), 'x')))
    end
    lengths[i] = pairs_:size(1)
  end
  local all = F.cat(list, 1)
  return all:detach():select(2, 1), all:select(2, 2):contiguous(), ends(lengths), form
end

sparse(SparseLinear, readPairs, function(self, parts)
  return torch.add(F.bag(self.weight:t(), parts[1], parts[2], parts[3], 1), self.bias)
end, function(_, gradient, form)
  local rows = {}
  for i = 1, gradient:size(1) do
    rows[i] = gradient.new(gradient:size(2), 2)
    rows[i]:select(2, 1):copy(torch.range(1, gradient:size(2)))
    rows[i]:select(2, 2):copy(gradient[i])
  end
  return form == 'tensor' and torch.cat(rows, 1):view(#rows, -1, 2) or rows
end)

-- -- keys and values ------------------------------------------------------------------------------------------------

-- (inputSize, outputSize [, doGradInput [, keysOffset [, weight [, bias [, normalize]]]]]): weight (in, out); the input
-- is {keys, values}, {{keys...}, {values...}} for a batch, or {keys, values, sizes} for a batch in one piece. With
-- `normalize` a value counts as its share of the largest absolute value that its key had in training, plus a number
-- that is learned; the weight has four columns more, of which the first is that largest value, its inverse, whether the
-- key was met, and the number.
local IndexLinear, indexLinear = torch.class('nn.IndexLinear', 'nn.Module', nn)

function IndexLinear:__init(inputSize, outputSize, doGradInput, keysOffset, weight, bias, normalize)
  indexLinear.__init(self)
  self.normalize = normalize and 4 or 0
  self.weight = weight or torch.Tensor(inputSize, outputSize + self.normalize):zero()
  self.bias = bias or torch.Tensor(outputSize):zero()
  self.inputSize, self.outputSize = self.weight:size(1), self.weight:size(2) - self.normalize
  self.gradWeight, self.gradBias = self.weight:clone():zero(), self.bias:clone():zero()
  self.doGradInput, self.weightDecay, self.gradInput = doGradInput or false, 0, {}
  self.offset = parameter.number(self, 'keysOffset', keysOffset or 0) - 1 -- key + offset is a row from 0
end

function IndexLinear:reset(deviation)
  parameter.uniform(self, deviation, self.weight:size(2))
  self.bias:mul(1e-6)
  if self.normalize > 0 then self.weight:narrow(2, 1, self.normalize):zero() end
end

function IndexLinear:denseWeight()
  if self.normalize > 0 then raise('the gradient towards the input does not exist with normalize') end
  return self.weight:t()
end

local function readKeys(_, input)
  takes.table(input)
  local keys, values, sizes = input[1], input[2], input[3]
  if torch.isTensor(keys) ~= torch.isTensor(values) then raise('keys and values are tensors, or tables of tensors') end
  if sizes then
    takes.tensor(keys)
    local lengths = torch.isTensor(sizes) and long(sizes) or torch.LongTensor { sizes }
    return keys, values, torch.cumsum(lengths, 1), 'flat'
  elseif torch.isTensor(keys) then
    return keys, values, ends { keys:nElement() }, 'row'
  end
  local lengths = {}
  for i, k in ipairs(takes.tensors(keys, 1)) do lengths[i] = k:nElement() end
  return torch.cat(keys, 1), F.cat(values, 1), ends(lengths), 'rows'
end

-- Values as shares of the largest of their keys, which training raises.
local function normalized(self, keys, values)
  local at = torch.add(keys, self.offset + 1)
  local weight = self.weight:detach()
  local largest, plain = weight:select(2, 1), torch.abs(values:detach())
  if self.train ~= false then
    for k = 1, at:size(1) do
      local key = at[k]
      if plain[k] > largest[key] then largest[key] = plain[k] end
      weight[key][3] = 1
    end
    weight:select(2, 2):copy(torch.cinv(torch.clamp(largest, 1e-300, math.huge))):maskedFill(torch.eq(largest, 0), 0)
  end
  local known = largest:index(1, at)
  local shares = torch.cdiv(values, torch.cmax(known, torch.clamp(plain, 1e-300, math.huge)))
  return torch.add(shares, F.index_select(F.select(self.weight, 2, 3), at, 1, 1))
end

sparse(IndexLinear, readKeys, function(self, parts)
  local keys, values, rowEnds = parts[1], parts[2], parts[3]
  local weight = self.weight
  if self.normalize > 0 then
    values = normalized(self, keys, values)
    weight = weight:narrow(2, self.normalize + 1, self.outputSize)
  end
  return torch.add(F.bag(weight, keys, values, rowEnds, -self.offset), self.bias)
end, function(_, gradient, form)
  local count = gradient:size(2)
  local keys = torch.range(1, count):long()
  if form == 'row' then return { keys, gradient[1] } end
  if form == 'flat' then return { torch.repeatTensor(keys, gradient:size(1), 1), gradient } end
  local rows = { {}, {} }
  for i = 1, gradient:size(1) do rows[1][i], rows[2][i] = keys:clone(), gradient[i] end
  return rows
end)

-- -- some of the outputs --------------------------------------------------------------------------------------------

-- (inputSize, outputSize [, bias]): nn.Linear of which setPartition(indices) leaves the given outputs
local Partial, partial = torch.class('nn.PartialLinear', 'nn.Module', nn)

function Partial:__init(inputSize, outputSize, bias)
  partial.__init(self)
  local branches = nn.ParallelTable():add(nn.Identity()):add(nn.LookupTable(outputSize, inputSize))
  self.network = nn.Sequential():add(branches):add(nn.MM(false, true))
  if bias ~= false then
    parameter.new(self, 'bias', 1, outputSize)
    self.bias:zero()
  end
  self.inputsize, self.outputsize, self.allcolumns = inputSize, outputSize, torch.range(1, outputSize)
  self:resetPartition()
end

-- The layer that holds the weight (out, in), where Torch7 has it.
local function table_(self) return self.network:get(1):get(2) end

function Partial:setPartition(indices) self.partition = indices:type(self.allcolumns:type()) end

function Partial:resetPartition() self.partition = self.allcolumns end

function Partial:parameters()
  local weight = table_(self)
  return { weight.weight, self.bias }, { weight.gradWeight, self.gradBias }
end

derive(Partial, function(self, input)
  local outputs = long(self.partition)
  local weight = F.index_select(self.tableWeight, outputs, 1, 1)
  return F.linear(input, weight, self.bias and F.reshape(F.index_select(self.bias, outputs, 2, 1), { -1 }))
end)

-- The derived functions find the weight and its gradient under a name of their own while they run.
for _, name in ipairs { 'updateOutput', 'updateGradInput', 'accGradParameters', 'compute', 'backward' } do
  local run = Partial[name]
  Partial[name] = function(self, ...)
    local weight = table_(self)
    self.tableWeight, self.gradTableWeight = weight.weight, weight.gradWeight
    local result = run(self, ...)
    self.tableWeight, self.gradTableWeight = nil, nil
    return result
  end
end
derive.seal(Partial)

function Partial:accUpdateGradParameters(input, gradOutput, rate)
  nn.Module.sharedAccUpdateGradParameters(self, input, gradOutput, rate)
end

function Partial:__tostring__()
  return ('%s(%d -> %d)%s'):format(torch.type(self), self.inputsize, self.outputsize, self.bias and '' or ' without bias')
end
