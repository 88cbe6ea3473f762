--- Criterions made of other criterions, and criterions as layers.
-- @module tocha.nn.multicriterion
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'
local takes = require 'tocha.nn.takes'

-- Sum of weight * criterion(input, target) over criterions that see the same input and target.
local Multi, multi = torch.class('nn.MultiCriterion', 'nn.Criterion', nn)

function Multi:__init()
  multi.__init(self)
  self.criterions, self.weights = {}, {}
end

function Multi:add(loss, weight)
  parameter.part(self, 'criterion', loss)
  self.criterions[#self.criterions + 1], self.weights[#self.weights + 1] = loss, weight or 1
  return self
end

function Multi:updateOutput(input, target)
  self.output = 0
  for i, loss in ipairs(self.criterions) do
    self.output = self.output + self.weights[i] * loss:updateOutput(input, target)
  end
  return self.output
end

function Multi:updateGradInput(input, target)
  self.gradInput = utils.recursiveFill((utils.recursiveResizeAs(self.gradInput, input)), 0)
  for i, loss in ipairs(self.criterions) do
    utils.recursiveAdd(self.gradInput, self.weights[i], loss:updateGradInput(input, target))
  end
  return self.gradInput
end

function Multi:compute(input, target)
  local sum
  for i, loss in ipairs(self.criterions) do
    local term = torch.mul(loss(input, target), self.weights[i])
    sum = sum and sum + term or term
  end
  return sum
end

-- The same with an input and a target of its own for each criterion; with repeatTarget one target for all.
local Parallel, parallel = torch.class('nn.ParallelCriterion', 'nn.Criterion', nn)

function Parallel:__init(repeatTarget)
  parallel.__init(self)
  self.criterions, self.weights, self.gradInput, self.repeatTarget = {}, {}, {}, repeatTarget
end

Parallel.add = Multi.add

local function targetOf(self, target, i) return self.repeatTarget and target or takes.entries(target)[i] end

function Parallel:updateOutput(input, target)
  self.output = 0
  for i, loss in ipairs(self.criterions) do
    self.output = self.output + self.weights[i] * loss:updateOutput(takes.entries(input)[i], targetOf(self, target, i))
  end
  return self.output
end

function Parallel:updateGradInput(input, target)
  self.gradInput = utils.recursiveFill((utils.recursiveResizeAs(self.gradInput, input)), 0)
  for i, loss in ipairs(self.criterions) do
    utils.recursiveAdd(self.gradInput[i], self.weights[i], loss:updateGradInput(input[i], targetOf(self, target, i)))
  end
  return self.gradInput
end

function Parallel:compute(input, target)
  local sum
  for i, loss in ipairs(self.criterions) do
    local term = torch.mul(loss(takes.entries(input)[i], targetOf(self, target, i)), self.weights[i])
    sum = sum and sum + term or term
  end
  return sum
end

-- criterion(inputModule(input), targetModule(target)); either module may be nil
local Around, around = torch.class('nn.ModuleCriterion', 'nn.Criterion', nn)

function Around:__init(criterion_, inputModule, targetModule, castTarget)
  around.__init(self)
  parameter.part(self, 'criterion', criterion_)
  self.criterion, self.inputModule, self.targetModule = criterion_, inputModule, targetModule
  self.castTarget = castTarget == nil or castTarget
end

local function targetOfModule(self, target)
  return self.targetModule and self.targetModule:forward(target) or target
end

function Around:updateOutput(input, target)
  local inner = self.inputModule and self.inputModule:forward(input) or input
  self.output = self.criterion:forward(inner, targetOfModule(self, target))
  return self.output
end

function Around:updateGradInput(input, target)
  local inner = self.inputModule and self.inputModule.output or input
  local gradInput = self.criterion:backward(inner, self.targetModule and self.targetModule.output or target)
  self.gradInput = self.inputModule and self.inputModule:updateGradInput(input, gradInput) or gradInput
  return self.gradInput
end

function Around:compute(input, target)
  local inner = self.inputModule and nn.call(self.inputModule, input) or input
  return self.criterion(inner, targetOfModule(self, target))
end

-- A criterion as a layer of {input, target}.
local Table, table_ = torch.class('nn.CriterionTable', 'nn.Module', nn)

function Table:__init(criterion_)
  table_.__init(self)
  parameter.part(self, 'criterion', criterion_)
  self.criterion = criterion_
  self.gradInput = { criterion_.gradInput }
end

function Table:updateOutput(input)
  takes.entries(input)
  self.output = self.criterion:updateOutput(input[1], input[2])
  return self.output
end

function Table:updateGradInput(input)
  takes.entries(input)
  self.gradInput = { self.criterion:updateGradInput(input[1], input[2]) }
  return self.gradInput
end

function Table:compute(input)
  takes.entries(input)
  local loss = self.criterion(input[1], input[2])
  return loss
end

for _, class in ipairs { Multi, Parallel, Around, Table } do derive.seal(class) end
