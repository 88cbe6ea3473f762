--- `require 'optnet'` for programs written for Torch7.
-- @module optnet
require 'nn'
return require 'tocha.nn.optnet'
