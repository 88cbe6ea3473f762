--- Networks as graphs of calls (Torch7's nngraph): after `require 'tocha.nngraph'` a module called without an input, or
-- with nodes, is a node, and `nn.gModule(inputs, outputs)` makes a module of them.
--
--     local x = nn.Identity()()
--     local h = nn.Tanh()(nn.Linear(4, 3)(x))          -- or: x - nn.Linear(4, 3) - nn.Tanh()
--     local net = nn.gModule({x}, {nn.Linear(3, 1)(h)})
--
-- Calls with tensors stay what they are (tocha.nn.call).
-- @module tocha.nngraph
local torch = require 'tocha'
local nn = require 'tocha.nn'
local raise = require 'tocha.bindings.own'.raise

local nngraph = {}
package.loaded[...] = nngraph

require 'tocha.nngraph.node'
require 'tocha.nngraph.gmodule'
require 'tocha.nngraph.adapt'
require 'tocha.nngraph.debug'

local Module, Criterion = nn.Module, nn.Criterion

-- Whether a call's argument is meant for a graph.
local function graphical(count, input)
  if count == 0 or input == nil then return true end
  if torch.typename(input) == 'nngraph.Node' or torch.isTypeOf(input, 'nn.Module') then return true end
  if torch.type(input) ~= 'table' then return false end
  if next(input) == nil then return true end
  for _, value in pairs(input) do
    if torch.typename(value) == 'nngraph.Node' then return true end
  end
  return false
end

local function nodeOf(module, count, input)
  if count > 0 and input == nil then nngraph.checkNode(nil, 'inputs', 1) end
  if torch.type(input) == 'table' and next(input) == nil then
    raise('cannot pass an empty table of inputs. To indicate no incoming connections, leave the second set of parens blank.')
  end
  local node = nngraph.Node { module = module }
  if torch.type(input) ~= 'table' then input = { input } end
  for i = 1, nngraph.length(input) do
    nngraph.checkNode(input[i], 'inputs', i)
    node:add(input[i], true)
  end
  return node
end

local onTape = Module.__call__

function Module:__call__(...)
  local count, input = select('#', ...), (...)
  if graphical(count, input) then
    if count > 1 then raise 'pass several inputs as one table: module {a, b}' end
    return nodeOf(self, count, input)
  end
  return onTape(self, ...)
end

-- -module is module(); previous - module is module(previous)
function Module:__unm__() return self() end
function Module.__sub__(previous, module) return module(previous) end

local lossOnTape = Criterion.__call__

function Criterion:__call__(...)
  if graphical(select('#', ...), (...)) then return nn.ModuleFromCriterion(self)(...) end
  return lossOnTape(self, ...)
end

return nngraph
