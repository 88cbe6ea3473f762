--- `require 'optnet.graphgen'` for programs written for Torch7: the graph of a network's data, for graph.dot.
--
-- graphgen(net, input) runs net:forward(input) and returns a graph.Graph: a node for the input and one for each call of a module,
-- with edges from what made a tensor to what read it. A container stands there only where its output is none of its children's.
-- @module optnet.graphgen
local torch = require 'torch'
require 'nn'
local graph = require 'graph'
local watch = require 'tocha.nn.watch'
local raise = require 'tocha.bindings.own'.raise

local function tensors(value, visit)
  if torch.isTensor(value) then visit(torch.pointer(value))
  elseif type(value) == 'table' then
    for _, entry in ipairs(value) do tensors(entry, visit) end
  end
end

return function(net, input)
  if not torch.isTypeOf(net, 'nn.Module') then raise(('graphgen: a network is needed, not a %s'):format(torch.type(net))) end
  local source, makers = graph.Node 'Input', {} -- pointer of a tensor -> the node that wrote it last
  tensors(input, function(t) makers[t] = source end)
  local function join(node, value)
    tensors(value, function(t)
      if makers[t] and makers[t] ~= node then makers[t]:add(node) end
    end)
  end
  watch(net:listModules(), function(m, output, x)
    local made = not m.modules
    tensors(output, function(t) made = made or not makers[t] end)
    if not made then return end
    local node = graph.Node((tostring(m):match '^[^\n{]*':gsub(' $', '')))
    if m.modules then
      for _, child in ipairs(m.modules) do join(node, child.output) end
    else
      join(node, x)
    end
    tensors(output, function(t) makers[t] = node end)
  end, function() net:updateOutput(input) end)
  return source:graph()
end
