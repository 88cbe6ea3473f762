--- Finding the fault in a graph: names from local variables, and a picture of where a pass failed.
-- @module tocha.nngraph.debug
local torch = require 'tocha'
local nn = require 'tocha.nn'
local graph = require 'tocha.nngraph.graph'
local nngraph = require 'tocha.nngraph'

local gModule = nn.gModule
local plain = {}

-- Writes NAME.svg, or NAME.dot, with the failing node in red; passes the error on.
local function checked(name)
  return function(self, ...)
    local results = { xpcall(function(...) return plain[name](self, ...) end, function(message)
      local node = self.current
      if node then
        local data = node.data
        data.annotations.graphAttributes = data.annotations.graphAttributes or {}
        data.annotations.graphAttributes.color = 'red'
        local prefix = self.name or ('nngraph_%sin_%dout'):format(self.nInputs or 1, #self.outnode.children)
        graph.render(self.fg:todot(prefix), prefix)
        io.stderr:write(('nngraph: failed in the node declared at %s; see %s.svg\n'):format(
          data.annotations._debugLabel, prefix))
      end
      return message
    end, ...) }
    if not results[1] then error(results[2], 0) end
    return unpack(results, 2)
  end
end

--- While on, a pass that fails draws its graph.
function nngraph.setDebug(on)
  for _, name in ipairs { 'runForwardFunction', 'updateGradInput', 'backward', 'accGradParameters' } do
    plain[name] = plain[name] or gModule[name]
    gModule[name] = on and checked(name) or plain[name]
  end
end

--- Gives the nodes that the caller holds in local variables their names (those that have none yet).
function nngraph.annotateNodes(level)
  level = (level or 1) + 1
  local i = 1
  while true do
    local name, value = debug.getlocal(level, i)
    if not name then break end
    if torch.typename(value) == 'nngraph.Node' and not value.data.annotations.name then value:annotate { name = name } end
    i = i + 1
  end
end

--- Draws a gModule; returns the names of the files.
function nngraph.display(module, prefix)
  prefix = prefix or os.tmpname()
  graph.render(module.fg:todot(module.name or 'gModule'), prefix)
  return prefix .. '.svg', prefix .. '.dot'
end

nngraph.simple_print = {
  todot = function(g, title) return g:todot(title) end,
  dot = function(g, title, name) graph.dot(g, title, name) end,
}

return nngraph
