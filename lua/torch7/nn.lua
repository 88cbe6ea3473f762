--- `require 'nn'` for programs written for Torch7: sets the global nn.
--
-- Modules that Torch7 did not have (their type names start with `tocha.`) are not in this table, because packages define names
-- of their own in it; `require 'tocha.nn'` has them.
-- @module nn
local torch = require 'torch'
local class = require 'tocha.class'
local modules = require 'tocha.nn'
require('tocha.bindings.own').context = require 'tocha.nn.path'.long

local nn = {}
for name, value in pairs(modules) do
  local mt = type(value) == 'table' and getmetatable(value)
  local typename = type(mt) == 'table' and rawget(mt, '__typename')
  if not (typename and typename:find '^tocha%.') then nn[name] = value end
end
class.place('nn', nn)
rawset(_G, 'nn', nn)
torch.nn = torch.nn or nn
return nn
