--- Rows of a table by index.
-- @module tocha.nn.embedding
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'
local takes = require 'tocha.nn.takes'

-- (nIndex, nOutput [, paddingValue [, maxNorm [, normType]]]): input of indices from 1 to nIndex, of any sizes, gives
-- their rows of weight (nIndex, nOutput). The row of paddingValue gets no gradient; rows longer than maxNorm are
-- shortened before use.
local LookupTable, lookup = torch.class('nn.LookupTable', 'nn.Module', nn)
LookupTable.__version = 4

function LookupTable:__init(nIndex, nOutput, paddingValue, maxNorm, normType)
  lookup.__init(self)
  parameter.new(self, 'weight', parameter.number(self, 'nIndex', nIndex), parameter.number(self, 'nOutput', nOutput))
  self.paddingValue, self.maxNorm, self.normType = paddingValue or 0, maxNorm, normType
  self:reset()
end

function LookupTable:reset(deviation)
  self.weight:normal(0, deviation or 1)
end

derive(LookupTable, 'embedding(self.weight, indices(self, input), 1, self.paddingValue or 0)', {
  indices = function(self, input)
    if input:type() ~= 'torch.LongTensor' then input = input:long() end
    if self.maxNorm then self:renorm(input) end
    return input
  end })

-- Indices have no gradient: zeros, or nothing where gradInput was taken away.
function LookupTable:updateGradInput(input)
  if self.gradInput == nil then return nil end
  if self.gradInput:type() ~= takes.tensor(input):type() then self.gradInput = input.new() end
  if not self.gradInput:isSameSizeAs(input) then self.gradInput:resizeAs(input):zero() end
  return self.gradInput
end
LookupTable.backward = nn.Module.backward

-- How often the index at each place of the input occurs in it, beside the rows of the output.
local function frequencies(input, like)
  local flat, times = input:contiguous():view(-1), {}
  for i = 1, flat:size(1) do times[flat[i]] = (times[flat[i]] or 0) + 1 end
  local counts = like.new(flat:size(1))
  for i = 1, flat:size(1) do counts[i] = times[flat[i]] end
  local size = input:size():totable()
  size[#size + 1] = 1
  return counts:view(torch.LongStorage(size))
end

local accumulate, rows = LookupTable.accGradParameters, LookupTable.compute

function LookupTable:accGradParameters(input, gradOutput, scale)
  if self.shouldScaleGradByFreq then gradOutput = torch.cdiv(gradOutput, frequencies(input, gradOutput)) end
  accumulate(self, input, gradOutput, scale)
end

function LookupTable:compute(input)
  local output = rows(self, input)
  if not self.shouldScaleGradByFreq then return output end
  local fixed = output:detach()
  return torch.add(fixed, torch.cdiv(output - fixed, frequencies(input, fixed)))
end
derive.seal(LookupTable)

--- Divides the gradient of a row by the number of times its index occurs in the input.
function LookupTable:scaleGradByFreq()
  self.shouldScaleGradByFreq = true
  return self
end

--- Takes the gradients away: what remains is accUpdateGradParameters.
function LookupTable:accUpdateOnly()
  self.gradWeight = nil
  return self
end

function LookupTable:renorm(input)
  local seen, flat = {}, input:contiguous():view(-1)
  for i = 1, flat:size(1) do
    local index = flat[i]
    if not seen[index] and index >= 1 and index <= self.weight:size(1) then
      seen[index] = true
      local row = self.weight:select(1, index)
      local norm = row:norm(self.normType or 2)
      if norm > self.maxNorm then row:mul(self.maxNorm / (norm + 1e-7)) end
    end
  end
end

function LookupTable:setPadding(value)
  self.paddingValue = value
  return self
end

function LookupTable:setMaxNorm(value)
  self.maxNorm = value
  return self
end

function LookupTable:setNormType(value)
  self.normType = value
  return self
end

-- (outputSize): indices as rows with a single 1
local OneHot, oneHot = torch.class('nn.OneHot', 'nn.Module', nn)

function OneHot:__init(outputSize)
  oneHot.__init(self)
  self.outputSize = outputSize
end

function OneHot:updateOutput(input)
  local number = type(input) == 'number'
  if number then input = torch.LongTensor { input } end
  local index = takes.tensor(input):long():contiguous():view(-1, 1)
  local flat = self.output.new(index:size(1), self.outputSize):zero():scatter(2, index, 1)
  local size = number and {} or input:size():totable()
  size[#size + 1] = self.outputSize
  self.output:set(flat:view(torch.LongStorage(size)))
  return self.output
end

function OneHot:updateGradInput(input)
  self.gradInput = torch.isTensor(input) and self.output.new():resize(input:size()):zero() or 0
  return self.gradInput
end

-- {tensor, mask}: the entries where the mask, a ByteTensor, is not 0
local Masked, masked = torch.class('nn.MaskedSelect', 'nn.Module', nn)

function Masked:__init()
  masked.__init(self)
  self.gradInput = { torch.Tensor(), torch.ByteTensor() }
end

derive(Masked, 'masked_select(input[1], input[2])')

-- {tensor, indices}: the entries of a dimension
local Index, index = torch.class('nn.Index', 'nn.Module', nn)

function Index:__init(dimension)
  index.__init(self)
  self.dimension = dimension
  self.gradInput = { torch.Tensor(), torch.LongTensor() }
end

derive(Index, 'index_select(input[1], input[2], self.dimension, 1)')
