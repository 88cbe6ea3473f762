--- Stands for the C library of the package unsup, so that its layers written in Lua load and work. Sets the global unsup.
-- @module libunsup
local torch = require 'torch'
local own = require 'tocha.bindings.own'

local unsup = {}
rawset(_G, 'unsup', unsup)
own.folder(debug.getinfo(1, 'S').source:match '^@(.*)$')

--- Brings each element nearer to 0 by lambda, those within lambda of it to 0; in place: tensor:shrinkage(lambda).
local function shrinkage(tensor, lambda)
  if not torch.isTensor(tensor) then own.bad('shrinkage', 'the first argument', 'a tensor', tensor) end
  if type(lambda) ~= 'number' or not (lambda >= 0) then own.bad('shrinkage', 'lambda', 'a number from 0', lambda) end
  if lambda == 0 then return tensor end
  return tensor:add(-1, torch.clamp(tensor, -lambda, lambda))
end

for _, name in ipairs { 'torch.FloatTensor', 'torch.DoubleTensor' } do torch.getmetatable(name).shrinkage = shrinkage end

return unsup
