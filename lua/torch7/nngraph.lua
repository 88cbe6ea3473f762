--- `require 'nngraph'` for programs written for Torch7: sets the globals nngraph, nn and graph.
-- @module nngraph
local nn = require 'nn'
require 'graph'
local nngraph = require 'tocha.nngraph'
local modules = require 'tocha.nn'
nn.gModule, nn.ModuleFromCriterion = modules.gModule, modules.ModuleFromCriterion
rawset(_G, 'nngraph', nngraph)
return nngraph
