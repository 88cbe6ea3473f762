--- Memory for time: nn.Checkpoint(module) forgets what the module computed and computes it again for the gradient (Chen et
-- al. 2016). Random numbers of the second pass are those of the first, and running statistics move once.
-- @module tocha.nn.checkpoint
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local fuse = require 'tocha.nn.fuse'
local glue = require 'tocha.bindings.module'
local raise = require 'tocha.bindings.own'.raise

local Checkpoint, checkpoint = torch.class('tocha.Checkpoint', 'nn.Decorator', nn)

function Checkpoint:__init(module) checkpoint.__init(self, module) end

-- Runs f with the generator as it was at `state`, and running statistics that stand still; both are as before afterwards.
local function again(module, state, f, ...)
  local now, momenta = torch.getRNGState(), {}
  for _, m in ipairs(module:listModules()) do
    if m.running_mean and m.momentum then momenta[m], m.momentum = m.momentum, 0 end
  end
  torch.setRNGState(state)
  local ok, result = pcall(f, ...)
  for m, momentum in pairs(momenta) do m.momentum = momentum end
  torch.setRNGState(now)
  if not ok then error(result, 0) end
  return result
end

-- What the last forward started from, beside the module.
local states = setmetatable({}, { __mode = 'k' })

-- The input for a pass of a module that may write over it, which must not be done twice (to a ReLU that makes no difference).
local function kept(module, input)
  for _, m in ipairs(module:listModules()) do
    if m.inplace and not fuse.activates(m) then
      return utils.map(function(t) return torch.isTensor(t) and t:clone() or t end, input)
    end
  end
  return input
end

function Checkpoint:updateOutput(input)
  states[self] = torch.getRNGState()
  self.output = self.modules[1]:updateOutput(kept(self.modules[1], input))
  self.modules[1]:clearState()
  return self.output
end

local function pass(method)
  return function(self, input, gradOutput, ...)
    local module, rest = self.modules[1], { ... }
    input = kept(module, input)
    return again(module, states[self] or torch.getRNGState(), function()
      module:updateOutput(input)
      if method == 'accGradParameters' then module:updateGradInput(input, gradOutput) end -- a container's children need it
      local result = module[method](module, input, gradOutput, unpack(rest))
      module:clearState()
      return result
    end)
  end
end

local gradient, whole = pass 'updateGradInput', pass 'backward'
Checkpoint.accGradParameters = pass 'accGradParameters'

function Checkpoint:updateGradInput(input, gradOutput)
  self.gradInput = gradient(self, input, gradOutput)
  return self.gradInput
end

function Checkpoint:backward(input, gradOutput, scale)
  self.gradInput = whole(self, input, gradOutput, scale or 1)
  return self.gradInput
end

-- What f returns; all else that it makes is gone afterwards, but for what the module keeps.
local function alone(module, f)
  return (torch.scope(function()
    local result = f()
    module:clearState()
    return result, module
  end))
end

-- Puts the call on the tape when no input of it is there.
local anchor

-- The gradients of leaves that ys with the weights gs give; those of parameters are accumulated if `all`.
local function gradients(ys, gs, leaves, all)
  local made, weights = {}, {}
  for i, y in ipairs(ys) do
    if gs[i] and y:requiresGrad() then made[#made + 1], weights[#weights + 1] = y, gs[i] end
  end
  if #made == 0 then return {} end
  if not all then return torch.grad(made, leaves, { gradOutputs = weights, allowUnused = true }) end
  local total = 0
  torch.enableGrad(function()
    for i, y in ipairs(made) do total = total + torch.sum(torch.cmul(y, weights[i])) end
  end)
  total:backward()
  local grads = {}
  for i, leaf in ipairs(leaves) do grads[i] = leaf.grad end
  return grads
end

function Checkpoint:compute(input)
  local module, state = self.modules[1], torch.getRNGState()
  local plain = utils.map(glue.input, input) -- tensors of its own: the container around may let go of the input's (passing.lua)
  local output = alone(module, function()
    return torch.noGrad(function() return utils.map(function(t) return t:clone() end, nn.call(module, plain)) end)
  end)
  anchor = anchor or torch.Tensor { 0 }:requiresGrad(true)
  local ins = { anchor, unpack(utils.flat(input)) }
  glue.hostNode(torch.type(self), ins, utils.flat(output), function(gradOutputs, wants)
    if torch.isGradEnabled() then raise('tocha.Checkpoint: its gradient has no gradient of its own') end
    return alone(module, function()
      local own = utils.map(glue.input, plain)
      local leaves = utils.flat(own)
      local ys = again(module, state, function() return utils.flat(torch.enableGrad(nn.call, module, own)) end)
      local grads = { anchor.new(1):zero() }
      local got = gradients(ys, gradOutputs, leaves, wants(1))
      for i, leaf in ipairs(leaves) do
        grads[i + 1] = got[i] or leaf:detach():clone():zero()
        glue.empty(leaf)
      end
      return grads
    end)
  end, function()
    for _, t in ipairs(utils.flat(plain)) do glue.empty(t) end
  end)
  return output
end
derive.seal(Checkpoint)

return Checkpoint
