--- Moves images at random, the light augmentation that digits bear.
-- @module tocha.data.shift
local torch = require 'tocha'

--- A copy of a batch (N,C,H,W) in which every image is moved by up to `most` pixels each way; what comes in is 0.
-- Draws from the default generator.
return function(images, most)
  local n, channels, height, width = images:size(1), images:size(2), images:size(3), images:size(4)
  local wide = images.new(n, channels, height + 2 * most, width + 2 * most):zero()
  wide:narrow(3, most + 1, height):narrow(4, most + 1, width):copy(images)
  local moved = images.new(n, channels, height, width)
  for i = 1, n do
    local y, x = torch.random(1, 2 * most + 1), torch.random(1, 2 * most + 1)
    moved[i]:copy(wide[i]:narrow(2, y, height):narrow(3, x, width))
  end
  return moved
end
