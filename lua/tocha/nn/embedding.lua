--- Rows of a table by index.
-- @module tocha.nn.embedding
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'

-- (nIndex, nOutput [, paddingValue [, maxNorm [, normType]]]): input of indices from 1 to nIndex, of any sizes, gives
-- their rows of weight (nIndex, nOutput). The row of paddingValue gets no gradient; rows longer than maxNorm are
-- shortened before use.
local LookupTable, lookup = torch.class('nn.LookupTable', 'nn.Module', nn)
LookupTable.__version = 4

function LookupTable:__init(nIndex, nOutput, paddingValue, maxNorm, normType)
  lookup.__init(self)
  parameter.new(self, 'weight', nIndex, nOutput)
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

-- Indices have no gradient.
function LookupTable:updateGradInput(input)
  if self.gradInput:type() ~= input:type() then self.gradInput = input.new() end
  if not self.gradInput:isSameSizeAs(input) then self.gradInput:resizeAs(input):zero() end
  return self.gradInput
end
derive.seal(LookupTable)

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
  local index = input:long():contiguous():view(-1, 1)
  local flat = self.output.new(index:size(1), self.outputSize):zero():scatter(2, index, 1)
  local size = input:size():totable()
  size[#size + 1] = self.outputSize
  self.output:set(flat:view(torch.LongStorage(size)))
  return self.output
end

function OneHot:updateGradInput(input)
  self.gradInput = input.new():resizeAs(input):zero()
  return self.gradInput
end

-- {tensor, indices}: the entries of a dimension
local Index, index = torch.class('nn.Index', 'nn.Module', nn)

function Index:__init(dimension)
  index.__init(self)
  self.dimension = dimension
  self.gradInput = { torch.Tensor(), torch.LongTensor() }
end

derive(Index, 'index_select(input[1], input[2], self.dimension, 1)')
