--- Layers that are containers of others.
-- @module tocha.nn.composed
local torch = require 'tocha'
local nn = require 'tocha.nn'
local check = require 'tocha.kinds'.check

-- (inputSize, outputSize, pieces [, preprocess]): the largest of `pieces` linear functions (Goodfellow et al. 2013)
local Maxout, maxout = torch.class('nn.Maxout', 'nn.Sequential', nn)

function Maxout:__init(inputSize, outputSize, pieces, preprocess)
  maxout.__init(self)
  check('nn.Maxout', 'outputSize', 'number', outputSize)
  check('nn.Maxout', 'pieces', 'number', pieces)
  self:add(nn.Linear(inputSize, outputSize * pieces))
  self:add(nn.View(pieces, outputSize):setNumInputDims(1))
  if preprocess then self:add(preprocess) end
  self:add(nn.Max(1, 2))
end

-- (nInputDims [, inplace]): relu(x) and relu(-x) joined along the first dimension of an example
local CReLU, crelu = torch.class('nn.CReLU', 'nn.Sequential', nn)

function CReLU:__init(nInputDims, inplace)
  crelu.__init(self)
  self.nInputDims, self.inplace = nInputDims, inplace or false
  self:add(nn.ConcatTable():add(nn.Identity()):add(nn.MulConstant(-1)))
  self:add(nn.JoinTable(1, nInputDims)):add(nn.ReLU(self.inplace))
end

function CReLU:__tostring__() return 'CReLU()' end

-- (nOutput [, bias [, eps [, affine]]]): rows of mean 0 and variance 1, then gain and bias
local LayerNormalization, layerNormalization = torch.class('nn.LayerNormalization', 'nn.Sequential', nn)

function LayerNormalization:__init(nOutput, bias, eps, affine)
  layerNormalization.__init(self)
  check('nn.LayerNormalization', 'nOutput', 'number', nOutput)
  self:add(nn.ConcatTable():add(nn.Identity()):add(nn.Sum(1, 1, true, false)))
  self:add(nn.CSubTable()):add(nn.Normalize(2, eps or 1e-10)):add(nn.MulConstant(math.sqrt(nOutput)))
  if affine == false then return end
  local gain, shift = nn.CMul(nOutput), nn.Add(nOutput)
  gain.weight:fill(1)
  shift.bias:fill(bias or 0)
  self:add(gain):add(shift)
end
