--- The generated calls: `ops.NAME(out..., inputs..., attributes...)`, `ops.NAME_backward(...)` and the rows they came from.
-- @module tocha.bindings.op
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'

local ops, schema = require 'tocha.bindings.ops'(C, own)
return { ops = ops, schema = schema }
