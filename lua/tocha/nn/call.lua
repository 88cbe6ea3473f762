--- module(x): a module as a function on the tape.
--
-- The result is fresh, the module keeps no state of the call, and its parameters are leaves: backward adds to their
-- gradients. A legacy layer, one with update functions of its own, keeps state between forward and backward and
-- therefore may be called once per backward.
-- @module tocha.nn.call
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local glue = require 'tocha.bindings.module'
local own = require 'tocha.bindings.own'

local Module = nn.Module

-- Legacy layers whose backward is still to come: module -> token. The function of the tape's node owns the token.
local pending = setmetatable({}, { __mode = 'kv' })

-- Whether a graph still waits for the module's backward, and not only for the collector.
local function busy(module)
  if not pending[module] then return false end
  own.collect()
  glue.sweep()
  own.collect()
  return pending[module] ~= nil
end

-- A leaf that puts a layer with parameters on the tape when none of its inputs is there.
local anchor

-- Zeros where nothing reached an output.
local function filled(gradOutputs, outs)
  for i, out in ipairs(outs) do gradOutputs[i] = gradOutputs[i] or out.new():resizeAs(out):zero() end
  return gradOutputs
end

local function legacy(module, input)
  if busy(module) then
    own.raise(('%s was called twice before its backward: it has update functions of its own and keeps one input at a time')
      :format(tostring(module)))
  end
  local plain = utils.map(glue.constant, input)
  local output = utils.map(function(t) return t:clone() end, torch.noGrad(module.updateOutput, module, plain))
  local ins, outs = utils.flat(input), utils.flat(output)
  local params = module:parameters()
  local anchored = params ~= nil and #params > 0
  if anchored then
    anchor = anchor or torch.Tensor { 0 }:requiresGrad(true)
    ins[#ins + 1] = anchor
  end
  local token, count = {}, #ins -- the function must not hold the outputs: they own the node that owns it
  local like = utils.map(glue.constant, output)
  local recorded = glue.hostNode(torch.type(module), ins, outs, function(gradOutputs, wants)
    local gradOutput = utils.unflat(like, filled(gradOutputs, utils.flat(like)))
    local gradInput = module:updateGradInput(plain, gradOutput)
    if anchored and wants(count) then module:accGradParameters(plain, gradOutput, 1) end
    if pending[module] == token then pending[module] = nil end
    return utils.map(function(t) return t:clone() end, utils.flat(gradInput))
  end)
  if recorded then pending[module] = token end
  return output
end

--- Runs a module on the tape.
function nn.call(module, input)
  if derive.computes(module) then return module:compute(input) end
  return legacy(module, input)
end

--- module(input): see the head of this file.
function Module:__call__(input, ...)
  if torch.isTensor(input) or (type(input) == 'table' and torch.type(input) == 'table') then
    local output = nn.call(self, input)
    return output
  end
  own.raise(('called with a %s where a tensor or a table of tensors is wanted'):format(torch.type(input)))
end

return nn.call
