--- `require 'threads'` for programs written for Torch7: the states of its pools have the door open, too.
-- @module threads
require 'torch'
local threads = require 'tocha.threads'

threads.Pool.__serialize = 'threads.serialize'
threads.Pool.prelude = "require 'torch' " .. (package.loaded.cuda and "require 'cuda' " or '')
return threads
