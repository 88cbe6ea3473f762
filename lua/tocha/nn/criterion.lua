--- The base of all criterions, and how one is written: as a function of its input and target, once.
--
-- `criterion:forward(input, target)` gives a number and `criterion:backward(input, target)` the gradient towards the
-- input, off the tape; `criterion(input, target)` gives a zero-dimensional tensor on the tape.
-- @module tocha.nn.criterion
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local takes = require 'tocha.nn.takes'
local glue = require 'tocha.bindings.module'
local raise = require 'tocha.bindings.own'.raise

-- The parent of losses: forward(input, target) gives a number, backward(input, target) its gradient towards the input.
local Criterion = torch.class('nn.Criterion', nn)

function Criterion:__init()
  self.gradInput = torch.Tensor()
  self.output = 0
end

function Criterion:updateOutput(_, _) return self.output end

function Criterion:updateGradInput(_, _) return self.gradInput end

--- The loss as a number.
function Criterion:forward(input, target) return self:updateOutput(input, target) end

--- The gradient of the loss towards the input.
function Criterion:backward(input, target) return self:updateGradInput(input, target) end

function Criterion:clone() return utils.copy(self) end

--- Converts every tensor of the criterion.
function Criterion:type(type, cache)
  if not type then raise('Criterion: a type is wanted') end
  for key, value in pairs(self) do self[key] = utils.recursiveType(value, type, cache) end
  return self
end

function Criterion:float() return self:type('torch.FloatTensor') end

function Criterion:double() return self:type('torch.DoubleTensor') end

for _, name in ipairs { 'cuda', 'cudaDouble', 'cudaHalf' } do Criterion[name] = nn.Module.cuda end

-- A criterion with update functions of its own, on the tape.
local function legacy(self, input, target)
  local plain = utils.map(glue.constant, input)
  local loss = torch.noGrad(self.updateOutput, self, plain, target)
  local output = takes.tensor(utils.flat(input)[1]).new(1):fill(loss):view(torch.LongStorage())
  glue.hostNode(torch.type(self), utils.flat(input), { output }, function(gradOutputs)
    torch.noGrad(self.updateOutput, self, plain, target)
    local factor = gradOutputs[1]:item()
    return utils.flat(utils.map(function(g) return torch.mul(g, factor) end, self:updateGradInput(plain, target)))
  end)
  return output
end

--- criterion(input, target): the loss on the tape.
function Criterion:__call__(input, target)
  if derive.computes(self) then return self:compute(input, target) end
  return legacy(self, input, target)
end

function Criterion:__tostring__() return torch.type(self) end

-- -- writing criterions ---------------------------------------------------------------------------------------------

local criterion = {}

--- The class `name` whose loss is fn(self, input, target), a tensor of one element made of tape operations, or the line
-- of one op (see derive.lua).
-- @tparam string name
-- @tparam[opt] function init what the constructor does with its arguments
-- @tparam string|function loss
-- @tparam[opt] table env names that the line uses
-- @tparam[opt] string above the class it derives from, whose constructor is not run
function criterion.define(name, init, loss, env, above)
  local class = torch.class(name, above or 'nn.Criterion', nn)
  class.__init = function(self, ...)
    Criterion.__init(self)
    if init then init(self, ...) end
  end
  derive.loss(class, loss, env)
  return class
end

--- A constructor's argument sizeAverage, true by default.
function criterion.average(self, sizeAverage)
  if sizeAverage == nil then sizeAverage = true end
  self.sizeAverage = sizeAverage
end

--- The engine's code of a reduction: 1 mean, 2 sum.
function criterion.reduction(self) return self.sizeAverage and 1 or 2 end

--- The mean of the elements if the criterion averages, their sum otherwise.
function criterion.total(self, t)
  return self.sizeAverage and torch.mean(t) or torch.sum(t)
end

--- The target with the input's sizes: criterions pair elements by count.
function criterion.paired(input, target)
  if glue.alike(input, target) then return target end
  glue.constant(input)
  if takes.target(target):nElement() ~= input:nElement() then
    raise(('the input has %s elements, the target %s'):format(table.concat(input:size():totable(), 'x'),
      table.concat(target:size():totable(), 'x')))
  end
  return target:typeAs(input):contiguous():view(input:size())
end

return criterion
