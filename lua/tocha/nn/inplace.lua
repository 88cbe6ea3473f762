--- The option `inplace` of Torch7's layers: the output takes the input's memory.
--
-- It is for layers that need no input for their gradient, or one of which the output serves as well. On the tape, and
-- for inputs that are on it, the output has memory of its own.
-- @module tocha.nn.inplace
local glue = require 'tocha.bindings.module'
local derive = require 'tocha.nn.derive'

--- Lets a class whose updateOutput writes into self.output obey self.inplace.
return function(class)
  local update = class.updateOutput
  function class:updateOutput(input)
    if self.inplace then
      self.output, self.overwrites = glue.need(input).new():set(glue.constant(input)), true
    elseif self.overwrites then -- what is there was an input
      self.output, self.overwrites = glue.need(input).new(), nil
    end
    return update(self, input)
  end
  derive.seal(class)
end
