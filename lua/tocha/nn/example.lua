--- One example or a batch: a layer is written for batches, and an example is a batch of one.
-- @module tocha.nn.example
local F = require 'tocha.nn.functional'
local raise = require 'tocha.bindings.own'.raise

local example = {}

--- The input as a batch, and a function that gives a result the form of the input again.
-- @tparam tensor input
-- @tparam int dims dimensions of one example
-- @tparam string what the dimensions' names for the message: "(N, C, T, H, W)"
function example.batch(input, dims, what)
  if input:dim() == dims + 1 then return input, function(y) return y end end
  if input:dim() ~= dims then
    raise(('the input is %s, but %s is wanted, or one example of it'):format(
      input:dim() == 0 and 'empty' or table.concat(input:size():totable(), 'x'), what))
  end
  return F.reshape(input, { 1, unpack(input:size():totable()) }), function(y) return y:select(1, 1) end
end

return example
