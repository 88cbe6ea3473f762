--- The engine's fused optimizer steps, with its failures as Lua errors. Arguments as in tocha.h.
-- @module tocha.bindings.update
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'

local update = {}

local function need(name, what, value)
  if not own.isTensor(value) then own.raise(('%s: %s a tensor, not a %s'):format(name, what, type(value))) end
end

-- The step that failed, of copies without gaps where x or its gradient has some; else its failure.
local function apart(step, x, g, ...)
  if not own.isTensor(x) or not own.isTensor(g) or x:isContiguous() and g:isContiguous() then own.fail() end
  local packed = x:isContiguous() and x or x:detach():contiguous()
  if step(packed, g:detach():contiguous(), ...) ~= 0 then own.fail() end
  if not x:isContiguous() then x:copy(packed) end
end

for _, name in ipairs { 'sgd', 'adam', 'rmsprop', 'adagrad', 'adadelta' } do
  local step = C['tch_' .. name .. '_step']
  update[name] = function(x, g, ...) -- tensors
    if step(x, g, ...) ~= 0 then apart(step, x, g, ...) end
  end
end

--- Whether g is a tensor of the type of the tensor x and of as many elements.
function update.fits(x, g)
  return own.isTensor(g) and C.tch_tensor_dtype(g) == C.tch_tensor_dtype(x) and C.tch_tensor_count(g) == C.tch_tensor_count(x)
end

--- x += share * (target - x)
function update.approach(x, target, share)
  need('approach', 'x must be', x)
  need('approach', 'the target must be', target)
  if C.tch_approach(x, target, share) ~= 0 then own.fail() end
end

return update
