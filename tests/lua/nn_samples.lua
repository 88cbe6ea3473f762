-- What the specs of modules share: a small network, numbers, and a layer as scripts wrote them for Torch7.
local torch = require 'tocha'
local nn = require 'tocha.nn'

local samples = {}

function samples.mlp() return nn.Sequential():add(nn.Linear(4, 3)):add(nn.Tanh()):add(nn.Linear(3, 2)) end

function samples.filled(...)
  local t = torch.Tensor(...)
  local flat = t:view(-1)
  for i = 1, flat:size(1) do flat[i] = math.sin(i) end
  return t
end

function samples.equal(a, b) return a:isSameSizeAs(b) and (a - b):abs():max() == 0 end

-- y = a x
local Scale, scaleParent = torch.class('test.Scale', 'nn.Module', samples)
function Scale:__init(a)
  scaleParent.__init(self)
  self.weight, self.gradWeight = torch.Tensor(1):fill(a), torch.Tensor(1):zero()
end
function Scale:updateOutput(input)
  self.output:resizeAs(input):copy(input):mul(self.weight[1])
  return self.output
end
function Scale:updateGradInput(_, gradOutput)
  self.gradInput:resizeAs(gradOutput):copy(gradOutput):mul(self.weight[1])
  return self.gradInput
end
function Scale:accGradParameters(input, gradOutput, scale)
  self.gradWeight[1] = self.gradWeight[1] + (scale or 1) * torch.cmul(input, gradOutput):sum()
end

return samples
