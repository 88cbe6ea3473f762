--- `require 'threads.safe'` for programs written for Torch7.
-- @module threads.safe
require 'torch'
return require 'tocha.threads.safe'
