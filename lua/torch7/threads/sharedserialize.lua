--- `require 'threads.sharedserialize'` for programs written for Torch7.
-- @module threads.sharedserialize
require 'torch'
return require 'tocha.threads.sharedserialize'
