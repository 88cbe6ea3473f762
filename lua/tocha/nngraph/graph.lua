--- Directed graphs without cycles: nodes with data and children, their order, and pictures of them (Torch7's `graph`).
-- @module tocha.nngraph.graph
local torch = require 'tocha'
local raise = require 'tocha.bindings.own'.raise

local graph = {}
package.loaded[...] = graph

-- -- nodes ---------------------------------------------------------------------------------------------------------

local Node = torch.class('graph.Node', graph)

function Node:__init(data)
  self.data = data or {}
  self.children = {} -- the list, and the place of each child in it
end

--- Adds an edge to another node; a second one to the same node changes nothing.
function Node:add(child)
  if self.children[child] then return end
  self.children[#self.children + 1] = child
  self.children[child] = #self.children
end

function Node:label()
  return tostring(self.data)
end

function Node:graphNodeName()
  return 'Node' .. self.id
end

function Node:graphNodeAttributes()
  return {}
end

--- The graph of everything that can be reached from this node.
function Node:graph()
  return graph.Graph(self)
end

-- -- graphs --------------------------------------------------------------------------------------------------------

local Graph = torch.class('graph.Graph', graph)

-- Nodes after all that can be reached from them by after[node], a list (depth first, without recursion).
local function finished(roots, after)
  local order, state = {}, {}
  for _, root in ipairs(roots) do
    local stack = { root }
    while #stack > 0 do
      local node = stack[#stack]
      local at = (state[node] or 0) + 1
      if state[node] == math.huge then stack[#stack] = nil
      elseif after[node][at] then
        state[node] = at
        local child = after[node][at]
        if not state[child] then
          state[child] = 0
          stack[#stack + 1] = child
        elseif state[child] ~= math.huge then
          raise 'the graph has a cycle'
        end
      else
        state[node] = math.huge
        order[#order + 1] = node
        stack[#stack] = nil
      end
    end
  end
  return order
end

-- Nodes and edges come up in the order of Torch7, breadth first: scripts find a node of one graph by its id in another.
function Graph:__init(root)
  self.nodes, self.edges = {}, {}
  if not root then return end
  self:addNode(root)
  for _, node in ipairs(self.nodes) do -- grows meanwhile
    for _, child in ipairs(node.children) do
      self.edges[#self.edges + 1] = { from = node, to = child }
      self:addNode(child)
    end
  end
end

function Graph:addNode(node)
  if self.nodes[node] then return end
  self.nodes[#self.nodes + 1] = node
  self.nodes[node] = #self.nodes
  node.id = #self.nodes
end

-- With all edges turned round: the nodes as they come up, and node -> the nodes that lead to it.
function Graph:turned()
  local list, before = {}, {}
  local function meet(node)
    if before[node] then return end
    list[#list + 1], before[node] = node, {}
  end
  for _, edge in ipairs(self.edges) do
    meet(edge.to)
    meet(edge.from)
    table.insert(before[edge.to], edge.from)
  end
  for _, node in ipairs(self.nodes) do meet(node) end
  return list, before
end

--- The same nodes (new ones with the same data) with all edges turned round.
function Graph:reverse()
  local turned, twin = Graph(), {}
  for _, node in ipairs((self:turned())) do
    twin[node] = torch.getmetatable(torch.typename(node))(node.data)
    turned:addNode(twin[node])
  end
  for i, edge in ipairs(self.edges) do
    twin[edge.to]:add(twin[edge.from])
    turned.edges[i] = { from = twin[edge.to], to = twin[edge.from] }
  end
  return turned
end

--- The nodes that no edge leads to.
function Graph:roots()
  local reached, roots = {}, {}
  for _, edge in ipairs(self.edges) do reached[edge.to] = true end
  for _, node in ipairs(self.nodes) do
    if not reached[node] then roots[#roots + 1] = node end
  end
  return roots
end

--- The nodes that no edge leaves.
function Graph:leaves()
  local leaves = {}
  for _, node in ipairs(self.nodes) do
    if #node.children == 0 then leaves[#leaves + 1] = node end
  end
  return leaves
end

--- The nodes, each before those that it leads to; what a node needs comes right before it where it can.
-- @treturn {node,...}
function Graph:topsort()
  local list, before = self:turned()
  local last = {}
  for _, node in ipairs(list) do
    if #node.children == 0 then last[#last + 1] = node end
  end
  local sorted = finished(last, before)
  if #sorted ~= #self.nodes then raise 'the graph has a cycle' end
  return sorted
end

-- -- pictures ------------------------------------------------------------------------------------------------------

local function quoted(value)
  value = tostring(value)
  if value:find '^[%a_][%w_]*$' then return value end
  return '"' .. value:gsub('\\', '\\\\'):gsub('"', '\\"'):gsub('\n', '\\n') .. '"'
end

local function attributes(list)
  local keys, parts = {}, {}
  for key in pairs(list) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do
    local value = key == 'label' and tostring(list[key]) or list[key]
    parts[i] = key .. '=' .. (key == 'label' and '"' .. quoted('\n' .. value):sub(4) or quoted(value))
  end
  return table.concat(parts, ' ')
end

--- The graph in the DOT language.
function Graph:todot(title)
  local lines = { 'digraph G {', ('labelloc="t";\nlabel=%s;'):format(quoted(title or '')), 'node [shape = oval];' }
  for _, node in ipairs(self.nodes) do
    local own = { label = node:label() }
    for key, value in pairs(node:graphNodeAttributes()) do own[key] = value end
    lines[#lines + 1] = ('n%d [%s];'):format(node.id, attributes(own))
  end
  for _, edge in ipairs(self.edges) do lines[#lines + 1] = ('n%d -> n%d;'):format(edge.from.id, edge.to.id) end
  lines[#lines + 1] = '}\n'
  return table.concat(lines, '\n')
end

local warned = false

--- Draws a DOT text with graphviz into PREFIX.svg; where that is not possible, a sentence says so once.
-- @treturn boolean whether there is a picture
function graph.render(dot, prefix)
  local file, reason = io.open(prefix .. '.dot', 'w')
  if file then
    file:write(dot)
    file:close()
    local function word(text) return "'" .. text:gsub("'", "'\\''") .. "'" end
    local status = os.execute(('dot -Tsvg -o %s %s 2>/dev/null'):format(word(prefix .. '.svg'), word(prefix .. '.dot')))
    if status == 0 or status == true then
      return true
    end
    reason = ("no picture: graphviz's `dot` is not there or failed; the graph stands in %s.dot"):format(prefix)
  end
  if not warned then io.stderr:write('graph: ', reason, '\n') end
  warned = true
  return false
end

--- Writes NAME.dot and, where graphviz is there, NAME.svg; without a name, into a temporary file that is named on the
-- terminal.
-- @tparam graph.Graph g
-- @tparam[opt] string title
-- @tparam[opt] string name
function graph.dot(g, title, name)
  local prefix = name or os.tmpname()
  local drawn = graph.render(g:todot(title), prefix)
  if not name then print(prefix .. (drawn and '.svg' or '.dot')) end
end

return graph
