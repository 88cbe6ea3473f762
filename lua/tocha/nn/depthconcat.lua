--- nn.DepthConcat: branches whose results have different sizes.
-- @module tocha.nn.depthconcat
local torch = require 'tocha'
local nn = require 'tocha.nn'
local branches = require 'tocha.nn.branches'
local F = require 'tocha.nn.functional'
local takes = require 'tocha.nn.takes'

-- (dimension): x -> f1(x), f2(x), ... joined along the dimension; smaller results stand in the middle of zeros
local DepthConcat, concat = torch.class('nn.DepthConcat', 'nn.Concat', nn)

function DepthConcat:__init(dimension) concat.__init(self, dimension) end

-- The largest size of every dimension.
local function largest(outputs)
  local size = takes.tensors(outputs, 1)[1]:size():totable()
  for i = 2, #outputs do
    for d = 1, #size do size[d] = math.max(size[d], outputs[i]:size(d)) end
  end
  return size
end

-- Rows that are missing before t's in dimension d.
local function before(t, size, d) return math.floor((size[d] - t:size(d)) / 2) end

local function join(self, outputs)
  branches.dimensionOf(self, 'dimension')
  local size, padded = largest(outputs), {}
  for i, t in ipairs(outputs) do
    local first, last = {}, {}
    for d = 1, #size do
      first[d] = d == self.dimension and 0 or before(t, size, d)
      last[d] = d == self.dimension and 0 or size[d] - t:size(d) - first[d]
    end
    padded[i] = F.pad(t, first, last, 0)
  end
  return torch.cat(padded, self.dimension)
end

local function part(self, gradOutput, i)
  local outputs, offset = {}, 1
  takes.tensor(gradOutput)
  branches.dimensionOf(self, 'dimension')
  for k, module in ipairs(self.modules) do
    outputs[k] = module.output
    if k < i then offset = offset + module.output:size(self.dimension) end
  end
  local mine, size = outputs[i], largest(outputs)
  for d = 1, #size do
    local first = d == self.dimension and offset or before(mine, size, d) + 1
    gradOutput = gradOutput:narrow(d, first, mine:size(d))
  end
  return gradOutput
end

branches.define(DepthConcat, { input = branches.whole, gradOutput = part, join = join, gradInput = branches.sum })
