--- `require 'nn'` for programs written for Torch7: sets the global nn.
--
-- Modules that Torch7 did not have (their type names start with `tocha.`) are not in this table, because packages define names
-- of their own in it; `require 'tocha.nn'` has them.
--
-- module(input [, gradOutput]) is forward (and backward), as there, and criterion(input, target) both; with an input that requires
-- a gradient, and where tocha itself calls, the call is one on the tape.
-- @module nn
local torch = require 'torch'
local class = require 'tocha.class'
local modules = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local own = require 'tocha.bindings.own'
own.context = require 'tocha.nn.path'.long

local nn = {}
for name, value in pairs(modules) do
  local mt = type(value) == 'table' and getmetatable(value)
  local typename = type(mt) == 'table' and rawget(mt, '__typename')
  if not (typename and typename:find '^tocha%.') then nn[name] = value end
end
class.place('nn', nn)

local here = debug.getinfo(1, 'S').source

local function isPlain(input)
  if not torch.isTensor(input) and torch.type(input) ~= 'table' then return false end
  for _, t in ipairs(utils.flat(input)) do
    if not torch.isTensor(t) or t:requiresGrad() then return false end
  end
  return not own.called(here)
end

local onTape, lossOnTape = nn.Module.__call__, nn.Criterion.__call__

function nn.Module:__call__(input, ...)
  if not isPlain(input) then return onTape(self, input, ...) end
  local gradOutput = ...
  self:forward(input)
  if gradOutput == nil then return self.output end
  return self.output, self:backward(input, gradOutput)
end

function nn.Criterion:__call__(input, target, ...)
  if not isPlain(input) then return lossOnTape(self, input, target, ...) end
  local loss = self:forward(input, target)
  return loss, self:backward(input, target)
end

rawset(_G, 'nn', nn)
torch.nn = torch.nn or nn
nn.THNN = require 'nn.THNN'
return nn
