--- nn.gModule(inputs, outputs): a module from a graph of calls.
--
-- `forwardnodes` are the nodes in the order of evaluation; their children are the nodes that use them. `backwardnodes`
-- are nodes with the same data in reverse order; their children are those that they got their input from.
-- @module tocha.nngraph.gmodule
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local nngraph = require 'tocha.nngraph'
local raise = require 'tocha.bindings.own'.raise

local gModule, container = torch.class('nn.gModule', 'nn.Container', nn)

-- -- building ------------------------------------------------------------------------------------------------------

-- A nameless node that all inputs come from.
local function source(inputs)
  local innode = nngraph.Node { annotations = { _debugLabel = 'input' } }
  if #inputs == 1 then
    inputs[1]:add(innode, true)
    return innode
  end
  for i, node in ipairs(inputs) do
    if #node.children > 0 then
      raise(('gModule: input %d, declared at %s, has inputs of its own'):format(i, node.data.annotations._debugLabel))
    end
  end
  for i, part in ipairs { innode:split(#inputs) } do inputs[i]:add(part, true) end
  innode.data.annotations._debugLabel = 'input'
  return innode
end

-- Every node must lead to an output, and every part of a split must be used.
local function check(forwardnodes)
  local known = {}
  for _, node in ipairs(forwardnodes) do known[node.data] = true end
  for _, node in ipairs(forwardnodes) do
    local data = node.data
    if data.nSplitOutputs and data.nSplitOutputs ~= #node.children then
      local used = 0
      for _, child in ipairs(node.children) do if child.data.selectindex then used = used + 1 end end
      if used < data.nSplitOutputs then
        raise(('%d of split(%d) outputs from the node declared at %s are unused'):format(data.nSplitOutputs - used,
          data.nSplitOutputs, data.annotations._debugLabel))
      end
    end
    for user in pairs(data.reverseMap) do
      if not known[user.data] then
        raise(('node declared on %s does not connect to gmodule output'):format(user.data.annotations._debugLabel))
      end
    end
  end
end

function gModule:__init(inputs, outputs)
  container.__init(self)
  for i, name in ipairs { 'inputs', 'outputs' } do
    local list = select(i, inputs, outputs)
    if type(list) ~= 'table' or torch.typename(list) then
      raise(('gModule: %s is a %s, but a table of nodes is wanted'):format(name, torch.type(list)))
    end
  end
  if nngraph.length(inputs) == 0 then raise 'gModule: there are no inputs' end
  local outnode = nngraph.Node { annotations = { _debugLabel = 'output' } }
  for i = 1, nngraph.length(outputs) do
    nngraph.checkNode(outputs[i], 'outputs', i)
    outnode:add(outputs[i], true)
  end
  for i = 1, nngraph.length(inputs) do nngraph.checkNode(inputs[i], 'inputs', i) end
  local innode = source(inputs)
  self.bg = outnode:graph()
  self.fg = self.bg:reverse()
  for i, node in ipairs(inputs) do
    if not self.bg.nodes[node] then
      raise(('gModule: input %d, declared at %s, does not connect to an output'):format(i,
        node.data.annotations._debugLabel))
    end
  end
  for _, root in ipairs(self.fg:roots()) do
    if root.data == innode.data then self.innode = root
    elseif torch.typename(root.data.module) ~= 'nnop.Parameters' then
      raise(('gModule: the node declared at %s has no input and is not among the inputs'):format(
        root.data.annotations._debugLabel))
    end
  end
  self.outnode, self.nInputs, self.verbose = outnode, #inputs, false
  self.forwardnodes, self.backwardnodes = self.fg:topsort(), self.bg:topsort()
  check(self.forwardnodes)
  for _, node in ipairs(self.forwardnodes) do
    node.data.forwardNodeId = node.id
    if node.data.module then self:add(node.data.module) end
  end
  self.output, self.gradInput = nil, nil
end

-- -- forward -------------------------------------------------------------------------------------------------------

-- What a node puts out for the list of its inputs.
local function evaluate(data, list, apply)
  if data.selectindex then
    if type(list[1]) ~= 'table' then
      raise(('split: the node declared at %s got a %s, not a table'):format(data.annotations._debugLabel, torch.type(list[1])))
    end
    return list[1][data.selectindex]
  end
  local output = list
  if #list == 1 then output = list[1] end
  if data.module then output = apply(data.module, output) end
  if data.nSplitOutputs and (type(output) ~= 'table' or #output ~= data.nSplitOutputs) then
    raise(('split(%d) cannot split %s outputs'):format(data.nSplitOutputs, type(output) == 'table' and #output or 'no'))
  end
  return output
end

-- Runs apply(module, input) along the graph; returns the list of inputs of every node, by its data.
local function run(self, input, apply)
  local count = self.nInputs or #self.innode.children
  if count <= 1 then input = { input }
  elseif type(input) ~= 'table' or #input ~= count then
    raise(('gModule: got %s inputs instead of %d'):format(type(input) == 'table' and #input or 'no table of', count))
  end
  local inputs = { [self.innode.data] = input }
  for _, node in ipairs(self.forwardnodes) do
    local data = node.data
    self.current = node
    local output = evaluate(data, inputs[data] or {}, apply)
    for _, child in ipairs(node.children) do
      local list = inputs[child.data] or {}
      inputs[child.data] = list
      list[child.data.mapindex[data]] = output
    end
    if self.verbose then print(' V : ' .. node:label()) end
  end
  self.current = nil
  return inputs
end

local function result(self, inputs)
  local list = inputs[self.outnode.data]
  if #self.outnode.children == 1 then return list[1] end
  return list
end

--- Runs func(module, input), or the method of that name, on every node.
function gModule:runForwardFunction(func, input)
  local apply = func
  if type(func) == 'string' then apply = function(module, x) return module[func](module, x) end end
  local inputs = run(self, input, apply)
  for _, node in ipairs(self.forwardnodes) do
    local list = inputs[node.data]
    if node.data == self.innode.data then -- the caller's table stays the caller's
      list = {}
      for i, x in ipairs(inputs[node.data]) do list[i] = x end
    end
    node.data.input = list
  end
  self.output = result(self, inputs)
  return self.output
end

local function forward(module, x) return module:updateOutput(x) end

function gModule:updateOutput(input) return self:runForwardFunction(forward, input) end

function gModule:compute(input) return result(self, run(self, input, nn.call)) end

-- -- backward ------------------------------------------------------------------------------------------------------

-- Nested tables with the entries of `from`, in the tensors of `to` where it has them.
local function copied(to, from)
  if torch.isTensor(from) then return (utils.recursiveCopy(torch.isTensor(to) and to or nil, from)) end
  local copy = {}
  for key, entry in pairs(from) do copy[key] = copied(type(to) == 'table' and to[key] or nil, entry) end
  return copy
end

-- The sum of what came back to a node; one part is passed on as it is.
local function total(data)
  local parts = data.gradOutput
  if #parts == 1 then return parts[1] end
  local sum = copied(data.gradOutputBuffer, parts[1])
  for i = 2, #parts do utils.recursiveAdd(sum, parts[i]) end
  data.gradOutputBuffer = sum
  return sum
end

-- Passes the gradients of a node's inputs on to the nodes that they come from.
local function give(node, gradInput)
  local data = node.data
  for _, child in ipairs(node.children) do
    local parts = child.data.gradOutput
    if data.selectindex then
      if not parts.split then
        parts.split = {}
        parts[#parts + 1] = parts.split
      end
      parts.split[data.selectindex] = gradInput
    else
      local single = #node.children == 1
      local g
      if single then g = gradInput else g = gradInput[data.mapindex[child.data]] end
      if g ~= nil then parts[#parts + 1] = g end
    end
  end
end

local function backwards(self, gradOutput, apply)
  for _, node in ipairs(self.backwardnodes) do node.data.gradOutput = {} end
  local out = self.outnode.data
  out.gradOutput[1] = gradOutput
  for _, node in ipairs(self.backwardnodes) do
    local data = node.data
    self.current = node
    if #data.gradOutput > 0 then
      local g = total(data)
      if data.module then
        local input = data.input
        if #input == 1 then input = input[1] end
        g = apply(data.module, input, g)
      end
      if data ~= self.innode.data then give(node, g) else self.gradInput = g end
    end
  end
  self.current = nil
  return self.gradInput
end

function gModule:updateGradInput(_, gradOutput)
  return backwards(self, gradOutput, function(module, x, g) return module:updateGradInput(x, g) end)
end

-- What goes on is what updateGradInput gives, which layers of programs do not always keep as their gradInput.
function gModule:backward(_, gradOutput, scale)
  scale = scale or 1
  return backwards(self, gradOutput, function(module, x, g)
    if module.backward ~= nn.Module.backward then return module:backward(x, g, scale) end
    local gradInput = module:updateGradInput(x, g)
    module:accGradParameters(x, g, scale)
    return gradInput
  end)
end

function gModule:accGradParameters(_, _, scale)
  for _, node in ipairs(self.backwardnodes) do
    local data = node.data
    if data.module and #data.gradOutput > 0 then
      local input = data.input
      if #input == 1 then input = input[1] end
      data.module:accGradParameters(input, total(data), scale or 1)
    end
  end
end

derive.seal(gModule)

-- -- state ---------------------------------------------------------------------------------------------------------

local kept = { 'input', 'gradOutput', 'gradOutputBuffer' }

function gModule:type(type, cache)
  if not type then return self._type end
  cache = cache or {}
  for _, module in ipairs(self.modules) do module:type(type, cache) end
  for _, node in ipairs(self.forwardnodes) do
    for _, key in ipairs(kept) do
      if node.data[key] then node.data[key] = utils.recursiveType(node.data[key], type, cache) end
    end
  end
  self.output = self.output and utils.recursiveType(self.output, type, cache)
  self.gradInput = self.gradInput and utils.recursiveType(self.gradInput, type, cache)
  self._type = type
  return self
end

function gModule:clearState()
  for _, node in ipairs(self.forwardnodes) do
    for _, key in ipairs(kept) do node.data[key] = nil end
  end
  for _, module in ipairs(self.modules) do module:clearState() end
  self.output, self.gradInput = nil, nil
  return self
end

function gModule:replace(callback)
  local out, index = callback(self), {}
  for i, module in ipairs(self.modules) do index[module] = i end
  for _, node in ipairs(self.forwardnodes) do
    local module = node.data.module
    if module then
      node.data.module = module:replace(callback)
      self.modules[index[module]] = node.data.module
    end
  end
  return out
end

--- Calls func(module, other's module) for each node of two graphs of one structure.
function gModule:map(other, func)
  for i, node in ipairs(self.forwardnodes) do
    local twin = other.forwardnodes[i]
    if not twin or (node.data.module == nil) ~= (twin.data.module == nil) then
      raise 'map: the graphs have different structures'
    end
    if node.data.module then func(node.data.module, twin.data.module) end
  end
end

return gModule
