--- `require 'threads.serialize'` for programs written for Torch7.
-- @module threads.serialize
require 'torch'
return require 'tocha.threads.serialize'
