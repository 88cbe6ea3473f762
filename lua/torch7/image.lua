--- `require 'image'` for programs written for Torch7: sets the global image.
-- @module image
require 'torch'
local image = {}
for name, value in pairs(require 'tocha.image') do image[name] = value end
rawset(_G, 'image', image)
return image
