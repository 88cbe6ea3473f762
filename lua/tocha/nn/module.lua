--- The base of all layers: Torch7's nn.Module protocol.
--
-- A module keeps `output` and `gradInput` between calls and reuses them. `forward/backward` and the update functions
-- work off the tape, on the weights as they stand; `module(x)` works on the tape (see call.lua) and leaves the module
-- as it was. A parameter is a tensor field NAME with a field gradNAME ("weight", "gradWeight") beside it.
-- @module tocha.nn.module
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local skipped = require 'tocha.nn.skipped'
local flatten = require 'tocha.nn.flatten'
local raise = require 'tocha.bindings.own'.raise

-- The parent of layers: forward(input), backward(input, gradOutput), parameters(), zeroGradParameters(), training(), evaluate()
-- ...
local Module = torch.class('nn.Module', nn)

function Module:__init()
  self.gradInput = torch.Tensor()
  self.output = torch.Tensor()
  self._type = self.output:type()
end

-- -- the protocol a layer fills in ---------------------------------------------------------------------------------

function Module:updateOutput(_)
  return self.output
end

function Module:updateGradInput(_, _)
  return self.gradInput
end

function Module:accGradParameters(_, _, _) end

function Module:reset() end

--- Parameters and their gradients, in the same order; nothing for a layer that has none.
-- @treturn {tensor,...} parameters
-- @treturn {tensor,...} gradients
function Module:parameters()
  local weight, bias = self.weight, self.bias
  if weight and bias then return { weight, bias }, { self.gradWeight, self.gradBias } end
  if weight then return { weight }, { self.gradWeight } end
  if bias then return { bias }, { self.gradBias } end
end

-- -- passes --------------------------------------------------------------------------------------------------------

--- Computes and returns `self.output` for an input.
function Module:forward(input)
  return self:updateOutput(input)
end

--- Gradient towards the input; adds scale times the gradients of the parameters to them. Follows a forward of `input`.
function Module:backward(input, gradOutput, scale)
  self:updateGradInput(input, gradOutput)
  self:accGradParameters(input, gradOutput, scale or 1)
  return self.gradInput
end

--- Gradient towards the input, and a step of plain gradient descent in place of accumulation.
function Module:backwardUpdate(input, gradOutput, rate)
  self:updateGradInput(input, gradOutput)
  self:accUpdateGradParameters(input, gradOutput, rate)
  return self.gradInput
end

function Module:accUpdateGradParameters(input, gradOutput, rate)
  if self.shared then return self:sharedAccUpdateGradParameters(input, gradOutput, rate) end
  return self:defaultAccUpdateGradParameters(input, gradOutput, rate)
end

--- Lets the gradients accumulate straight into the parameters.
function Module:defaultAccUpdateGradParameters(input, gradOutput, rate)
  local gradWeight, gradBias = self.gradWeight, self.gradBias
  self.gradWeight, self.gradBias = self.weight, self.bias
  self:accGradParameters(input, gradOutput, -rate)
  self.gradWeight, self.gradBias = gradWeight, gradBias
end

function Module:sharedAccUpdateGradParameters(input, gradOutput, rate)
  if not self:parameters() then return end
  self:zeroGradParameters()
  self:accGradParameters(input, gradOutput, 1)
  self:updateParameters(rate)
end

-- -- parameters ----------------------------------------------------------------------------------------------------

function Module:zeroGradParameters()
  local _, grads = self:parameters()
  if not grads then return end
  for i = 1, #grads do grads[i]:zero() end
end

function Module:updateParameters(rate)
  if type(rate) ~= 'number' then raise(('updateParameters: a rate is wanted, not a %s'):format(torch.type(rate))) end
  local params, grads = self:parameters()
  if not params then return end
  for i = 1, #params do params[i]:add(-rate, grads[i]) end
end

--- All parameters as one vector and all gradients as another; the module's own tensors become views of them. A second
-- call, or a call on a part whose parameters lie together, moves nothing and returns views of the same vectors.
-- @treturn tensor parameters
-- @treturn tensor gradients
function Module:getParameters()
  return flatten.pair(self:parameters())
end

--- One vector of many tensors, which become views of it (Torch7's helper of getParameters).
Module.flatten = flatten.tensors

-- -- state ---------------------------------------------------------------------------------------------------------

function Module:training() self.train = true end

function Module:evaluate() self.train = false end

--- Makes the named fields ("weight", "bias", ...) views of another module's.
function Module:share(other, ...)
  for _, name in ipairs({ ... }) do
    if self[name] ~= nil then
      self[name]:set(other[name])
      self.shared, other.shared = true, true
    end
  end
  return self
end

--- A deep copy; tensors that shared a storage share one in the copy. The named fields are shared with the original.
function Module:clone(...)
  local copy = utils.copy(self)
  if select('#', ...) > 0 then copy:share(self, ...) end
  return copy
end

--- A copy whose parameters and gradients are all shared with the original.
function Module:sharedClone()
  local shared = {}
  local params, grads = self:parameters()
  for _, list in ipairs({ params or {}, grads or {} }) do
    for i = 1, #list do shared[list[i]] = true end
  end
  return utils.copy(self, shared)
end

local integers = { ['torch.ByteTensor'] = true, ['torch.CharTensor'] = true, ['torch.ShortTensor'] = true,
  ['torch.IntTensor'] = true, ['torch.LongTensor'] = true }

--- With a type, converts every tensor of the module but indices and masks, and keeps sharing (across several calls, if
-- they get one cache); without, the module's type.
function Module:type(type, cache)
  if not type then return self._type end
  local make = torch.getmetatable(type)
  if not make or not make.new or not torch.isTensor(make.new()) then
    raise(('type: there is no tensor type %s'):format(tostring(type)))
  end
  cache = cache or {}
  skipped.complete(self)
  for key, value in pairs(self) do
    if not (torch.isTensor(value) and integers[value:type()]) then
      self[key] = utils.recursiveType(value, type, cache)
    end
  end
  self._type = type
  return self
end

function Module:float(cache) return self:type('torch.FloatTensor', cache) end

function Module:double(cache) return self:type('torch.DoubleTensor', cache) end

--- There are no tensors outside the processor's memory: an error that says so.
function Module:cuda() raise(torch.type(self) .. ': there is no CUDA here; tensors are in the memory of the processor') end

--- Drops the buffers of the last pass. They are not emptied: one may be an input, or somebody's result.
function Module:clearState()
  for _, name in ipairs { 'output', 'gradInput' } do
    skipped.drop(self, name)
    local value = self[name]
    if torch.isTensor(value) then self[name] = value.new()
    elseif torch.type(value) == 'table' then self[name] = {}
    else self[name] = nil end
  end
  return self
end

--- An older name of clearState.
function Module:empty() return self:clearState() end

-- -- trees ---------------------------------------------------------------------------------------------------------

-- Refuses what cannot be called.
local function called(name, callback)
  if type(callback) == 'function' then return end
  local mt = getmetatable(callback)
  if type(mt) ~= 'table' or not mt.__call then
    raise(('%s: a function of a module is wanted, not a %s'):format(name, torch.type(callback)))
  end
end

--- Calls callback(module) on this module and all below it, parents first.
function Module:apply(callback)
  called('apply', callback)
  callback(self)
  if self.modules then
    for _, module in ipairs(self.modules) do module:apply(callback) end
  end
end

--- Puts callback(module) in place of each module, parents first; returns what stands for this one.
function Module:replace(callback)
  called('replace', callback)
  local out = callback(self)
  if self.modules then
    for i, module in ipairs(self.modules) do self.modules[i] = module:replace(callback) end
  end
  return out
end

--- The modules of exactly this type, and beside each the container that holds it.
-- @treturn {module,...}
-- @treturn {module,...}
function Module:findModules(typename, container)
  local found, holders = {}, {}
  if torch.typename(self) == typename then
    found[1], holders[1] = self, container or self
  end
  for _, child in ipairs(self.modules or {}) do
    local inner, above = child:findModules(typename, self)
    for i = 1, #inner do
      found[#found + 1], holders[#holders + 1] = inner[i], above[i]
    end
  end
  return found, holders
end

--- This module and all below it, parents first.
function Module:listModules()
  local list = { self }
  for _, child in ipairs(self.modules or {}) do
    for _, module in ipairs(child:listModules()) do list[#list + 1] = module end
  end
  return list
end

function Module:__tostring__()
  return torch.type(self)
end

return Module
