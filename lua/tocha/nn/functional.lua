--- Every op of the engine as a function of its inputs and attributes: F.conv2d(x, weight, bias, stride, pad).
--
-- Results are fresh; where gradients are on and an input is on the tape, so are they. The rows in engine/op/*.def name
-- the arguments; dimensions count from 1.
-- @module tocha.nn.functional
require 'tocha'
local glue = require 'tocha.bindings.module'

return setmetatable({}, { __index = function(functions, name)
  local op, row = glue.ops[name], glue.schema[name]
  if not row then return nil end
  local _, outputs = row.outputs:gsub('%S+', '')
  local f
  if outputs == 1 then f = function(...) return op(nil, ...) end
  elseif outputs == 2 then f = function(...) return op(nil, nil, ...) end
  elseif outputs == 3 then f = function(...) return op(nil, nil, nil, ...) end
  else f = function(...) return op(nil, nil, nil, nil, ...) end end
  functions[name] = f
  return f
end })
