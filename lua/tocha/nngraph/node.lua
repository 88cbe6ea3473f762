--- A call of a module in a graph: what `nn.Linear(3, 2)(x)` gives for a node x.
-- @module tocha.nngraph.node
local torch = require 'tocha'
require 'tocha.nngraph.graph'
local nngraph = require 'tocha.nngraph'
local raise = require 'tocha.bindings.own'.raise

-- data.module is the module (none: the node passes its input on), data.mapindex[data of an input node] the place of that
-- input, data.reverseMap the nodes that use this one; data.annotations._debugLabel tells where the node was made.
-- children are the nodes that the inputs come from.
local Node, node = torch.class('nngraph.Node', 'graph.Node', nngraph)

local here = debug.getinfo(1, 'S').source:match '^@(.*[/\\])' or ''

-- "[file]:line" of the nearest caller outside the graph's own files.
local function place()
  local level = 2
  while true do
    local info = debug.getinfo(level, 'Sl')
    if not info then return '[?]:0' end
    if info.currentline > 0 and info.source:sub(1, 1) == '@' and info.source:sub(2, 1 + #here) ~= here
      and not info.source:find('tocha[/\\]class%.lua$') then
      return ('[%s]:%d'):format(info.short_src, info.currentline)
    end
    level = level + 1
  end
end

function Node:__init(data)
  node.__init(self, data)
  self.data.annotations = self.data.annotations or {}
  self.data.mapindex = self.data.mapindex or {}
  self.data.reverseMap = self.data.reverseMap or {}
  if not self.data.annotations._debugLabel then self.data.annotations._debugLabel = place() .. '_' end
end

--- Makes another node an input of this one; its place is the next.
function Node:add(child, mapped)
  if mapped then
    local map = self.data.mapindex
    if map[child.data] then -- an input that is used twice goes through a node of its own
      local again = Node {}
      again:add(child, true)
      child = again
    end
    map[#map + 1] = child.data
    map[child.data] = #map
    child.data.reverseMap[self] = true
  end
  node.add(self, child)
end

--- The entries of a table that this node puts out, as nodes.
-- @tparam number count
-- @treturn node,...
function Node:split(count)
  if count == 1 then return nngraph.JustElement()(self) end
  local label = self.data.annotations._debugLabel
  local parts = {}
  for i = 1, count do
    local part = Node { selectindex = i, annotations = { _debugLabel = ('%s-%d'):format(label, i) } }
    part:add(self, true)
    parts[i] = part
  end
  self.data.nSplitOutputs = count
  self.data.annotations._debugLabel = ('%s split at %s-mnode'):format(label, place())
  return unpack(parts)
end

--- Adds annotations: name, description, graphAttributes (of graphviz).
function Node:annotate(annotations)
  for key, value in pairs(annotations) do self.data.annotations[key] = value end
  return self
end

function Node:graphNodeName()
  return self.data.annotations.name or 'Node' .. self.id
end

function Node:graphNodeAttributes()
  local list = { tooltip = self.data.annotations._debugLabel }
  for key, value in pairs(self.data.annotations.graphAttributes or {}) do list[key] = value end
  return list
end

local function described(value)
  if torch.isTensor(value) then return value:dim() == 0 and 'empty' or table.concat(value:size():totable(), 'x') end
  if type(value) ~= 'table' then return tostring(value) end
  local parts = {}
  for i, entry in ipairs(value) do parts[i] = described(entry) end
  return '{' .. table.concat(parts, ', ') .. '}'
end

--- Name, description, module and the sizes that were last seen.
function Node:label()
  local data, lines = self.data, {}
  lines[#lines + 1] = data.annotations.name or (self.id and 'Node' .. self.id)
  lines[#lines + 1] = data.annotations.description
  if data.module then lines[#lines + 1] = 'module = ' .. tostring(data.module) end
  if data.selectindex then lines[#lines + 1] = 'selectindex = ' .. data.selectindex end
  if data.nSplitOutputs then lines[#lines + 1] = 'split = ' .. data.nSplitOutputs end
  for _, key in ipairs { 'input', 'gradOutput' } do
    if data[key] then lines[#lines + 1] = key .. ' = ' .. described(data[key]) end
  end
  return table.concat(lines, '\n')
end

-- previous - module
function Node.__sub__(previous, module) return module(previous) end

--- Fails with a sentence about what was given where a node is wanted: `list` is 'inputs' or 'outputs'.
function nngraph.checkNode(value, list, i)
  if torch.typename(value) == 'nngraph.Node' then return end
  local what = ('%s[%d] is '):format(list, i)
  if value == nil then raise(what .. 'nil (typo / bad index?)') end
  local kind = torch.isTypeOf(value, 'nn.Module') and 'an nn.Module, specifically a ' .. torch.typename(value)
    or 'a ' .. torch.type(value)
  raise(what .. kind .. ', but the only valid thing to pass is an instance of nngraph.Node')
end

--- The length of a list that may have holes.
function nngraph.length(list)
  local n = 0
  for key in pairs(list) do if type(key) == 'number' and key > n then n = key end end
  return n
end

return Node
