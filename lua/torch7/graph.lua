--- `require 'graph'` for programs written for Torch7: sets the global graph.
-- @module graph
require 'torch'
local graph = require 'tocha.nngraph.graph'
rawset(_G, 'graph', graph)
return graph
