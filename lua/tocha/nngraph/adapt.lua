--- Modules that graphs need: tables of one entry, nested tables, criterions as modules.
-- @module tocha.nngraph.adapt
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'
local takes = require 'tocha.nn.takes'
local nngraph = require 'tocha.nngraph'
local raise = require 'tocha.bindings.own'.raise

-- {x} -> x
local JustElement = torch.class('nngraph.JustElement', 'nn.Module', nngraph)

function JustElement:updateOutput(input)
  self.output = input[1]
  return self.output
end

function JustElement:updateGradInput(_, gradOutput)
  self.gradInput = { gradOutput }
  return self.gradInput
end

function JustElement:compute(input) return input[1] end
derive.seal(JustElement)

-- x -> {x}
local JustTable = torch.class('nngraph.JustTable', 'nn.Module', nngraph)

function JustTable:updateOutput(input)
  self.output = { input }
  return self.output
end

function JustTable:updateGradInput(_, gradOutput)
  self.gradInput = gradOutput[1]
  return self.gradInput
end

function JustTable:compute(input) return { input } end
derive.seal(JustTable)

--- A node that puts out a nested table of nodes.
function nngraph.nest(value)
  if torch.typename(value) == 'nngraph.Node' then return nn.Identity()(value) end
  if type(value) ~= 'table' or #value == 0 then raise 'nest: a node or a list of nodes is wanted' end
  local nodes = {}
  for i, entry in ipairs(value) do nodes[i] = nngraph.nest(entry) end
  if #nodes == 1 then return nngraph.JustTable()(nodes[1]) end
  return nn.Identity()(nodes)
end

-- (criterion): {prediction, target} -> the loss as a tensor of one element; no gradient reaches the target
local FromCriterion, fromCriterion = torch.class('nn.ModuleFromCriterion', 'nn.Module', nn)

function FromCriterion:__init(criterion)
  fromCriterion.__init(self)
  parameter.part(self, 'criterion', criterion)
  self.criterion = criterion
  self.gradInput = { torch.Tensor(), torch.Tensor() }
end

function FromCriterion:updateOutput(input)
  self.output:resize(1)[1] = self.criterion:updateOutput(takes.entries(input)[1], input[2])
  return self.output
end

function FromCriterion:updateGradInput(input, gradOutput)
  local g = self.criterion:updateGradInput(takes.entries(input)[1], input[2])
  self.gradInput[1]:resizeAs(g):copy(g):mul(takes.entries(gradOutput)[1])
  self.gradInput[2]:resizeAs(takes.tensor(input[2])):zero()
  return self.gradInput
end

return nngraph
