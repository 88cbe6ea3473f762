--- Outputs that a run of modules in one pass left out (fuse.lua): the field is made when it is asked for.
-- @module tocha.nn.skipped
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'

local skipped = {}

-- module -> the input of its last forward
local inputs = setmetatable({}, { __mode = 'k' })

--- Leaves the output of module:updateOutput(input) out. What the module gives later is of that input as it is then.
function skipped.leave(module, input)
  module.output, inputs[module] = nil, input
end

--- Gives a class the field; update: its updateOutput.
function skipped.give(class, update)
  -- Where there is no output and none is to be made, it is empty.
  local function settle(self)
    inputs[self] = nil
    if rawget(self, 'output') == nil and rawget(self, 'weight') then self.output = self.weight.new() end
  end

  function class:__index__(name)
    if name ~= 'output' then return nil end
    local input = inputs[self]
    settle(self)
    if input then pcall(update, self, input) end -- a module changed since, to another type perhaps, has an empty one
    return rawget(self, 'output')
  end

  local clearState = class.clearState
  function class:clearState()
    settle(self)
    return clearState(self)
  end

  function class:write(file)
    settle(self)
    return nn.Module.write(self, file)
  end
  utils.plainWrites[class.write] = true -- a copy without the output makes its own
end

return skipped
