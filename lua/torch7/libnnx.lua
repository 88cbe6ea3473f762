--- Stands for the C library of the package nnx, so that its layers written in Lua load and work. A layer that calls the library is
-- refused with a sentence when it is used.
-- @module libnnx
local torch = require 'torch'
local raise = require 'tocha.bindings.own'.raise

local missing = { __index = function(_, name)
  raise(('nnx: %s is a function of its C library, which is not there: this layer cannot be used'):format(tostring(name)))
end }

for _, name in ipairs { 'torch.FloatTensor', 'torch.DoubleTensor' } do
  local class = torch.getmetatable(name)
  class.nn = setmetatable(class.nn or {}, missing)
end

return setmetatable({}, missing)
