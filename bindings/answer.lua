--- Results that are Lua numbers, and results given by the caller.
-- @module tocha.bindings.answer
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'

local answer = {}

--- The number in a tensor of one element, or the tensor itself where it is on the tape.
function answer.number(result)
  if C.tch_needs_grad(result) then return result end
  return result:item()
end

function answer.need(what, value)
  if not own.isTensor(value) then
    own.raise(('%s: a tensor is needed, not a %s'):format(what, type(value)))
  end
  return value
end

return answer
