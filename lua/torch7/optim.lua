--- `require 'optim'` for programs written for Torch7: sets the global optim.
-- @module optim
require 'torch'
local optim = require 'tocha.optim'
rawset(_G, 'optim', optim)
return optim
