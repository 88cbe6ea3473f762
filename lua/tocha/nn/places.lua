--- The field `indices` of max poolings: for every output the position of its element in its plane or volume, from 1.
--
-- The engine notes the place within a window, which is smaller; indices are made when they are asked for, by sending
-- the positions through the same windows.
-- @module tocha.nn.places
local torch = require 'tocha'
local F = require 'tocha.nn.functional'

local places = {}

--- Notes the height and width of an input and forgets the indices of the last one.
function places.noted(self, height, width) self.iheight, self.iwidth, self.itime, self.indices = height, width, nil, nil end

--- The same for an input, which it returns.
function places.seen(self, input)
  local dims = input:dim()
  self.itime = self.kT and input:size(dims - 2) or nil
  self.iheight, self.iwidth, self.indices = input:size(dims - 1), input:size(dims), nil
  return input
end

-- Positions from 1 with the sizes of the last input.
local function positions(self)
  local size, output = self.places:size():totable(), { self.iheight, self.iwidth }
  if self.itime then table.insert(output, 1, self.itime) end
  local count = 1
  for _, n in ipairs(output) do count = count * n end
  for d = 1, #output do size[#size - #output + d] = output[d] end
  local plane = torch.range(1, count):double():view(torch.LongStorage(output))
  return F.expand(plane, size):contiguous()
end

--- Gives a class the field.
-- @tparam table class
-- @tparam function take (self, positions) those that won
function places.give(class, take)
  function class:__index__(name)
    if name ~= 'indices' or not rawget(self, 'places') or not rawget(self, 'iheight') then return nil end
    self.indices = torch.noGrad(take, self, positions(self)):long()
    return self.indices
  end
end

return places
