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

--- The one result given before x, as (values, indices): a LongTensor is for the indices, unless x is one too.
function answer.one(result, x)
  answer.need('the result', result)
  local long = C.TCH_LONG
  if C.tch_tensor_dtype(result) == long and C.tch_tensor_dtype(answer.need('x', x)) ~= long then return nil, result end
  return result, nil
end

--- Puts what was computed into a result that the caller gave, if there is one.
function answer.into(result, made)
  if result == nil then return made end
  return answer.need('the result', result):resizeAs(made):copy(made)
end

return answer
