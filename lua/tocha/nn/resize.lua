--- Inputs {x, like} of transposed convolutions: the output gets the size of `like`.
-- @module tocha.nn.resize
local torch = require 'tocha'
local derive = require 'tocha.nn.derive'
local takes = require 'tocha.nn.takes'

local resize = {}

-- Calls fn with the fields adjD set to what the size of `like` asks for.
local function adjusted(self, like, directions, fn, ...)
  local kept = {}
  for i, d in ipairs(directions) do
    local wanted = like:size(like:dim() - #directions + i)
    kept[d] = self['adj' .. d]
    self['adj' .. d] = (wanted + 2 * self['pad' .. d] - self['k' .. d]) % self['d' .. d]
  end
  local ok, result = pcall(fn, self, ...)
  for d, value in pairs(kept) do self['adj' .. d] = value end
  if not ok then error(result, 0) end
  return result
end

--- Lets a derived class take {x, like}; gradInput is {gradient, zeros} then, the zeros one element shown in every place.
-- @tparam table class with fields kD, dD, padD and adjD for each direction D
-- @tparam {string,...} directions the names of the last dimensions: {'H', 'W'}
function resize.pairs(class, directions)
  for _, name in ipairs { 'updateOutput', 'accGradParameters', 'updateGradInput', 'backward', 'compute' } do
    local plain = class[name]
    local gives = name == 'updateGradInput' or name == 'backward'
    class[name] = function(self, input, ...)
      if not torch.isTensor(input) then takes.tensors(input, 2) end
      if torch.isTensor(self.gradInput) == (type(input) == 'table') and gives then
        self.gradInput = torch.isTensor(self.gradInput) and {} or self.gradInput[1]
      end
      if torch.isTensor(input) then return plain(self, input, ...) end
      local both, like = self.gradInput, input[2]
      if gives then self.gradInput = both[1] or input[1].new() end
      local result = adjusted(self, like, directions, plain, input[1], ...)
      if not gives then return result end
      both[1] = self.gradInput
      both[2] = like.new(1):zero():view(torch.LongStorage(like:dim()):fill(1)):expandAs(like)
      self.gradInput = both
      return both
    end
  end
  derive.seal(class)
end

return resize
