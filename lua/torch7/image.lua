--- `require 'image'` for programs written for Torch7: sets the global image, and dok, which came with it.
-- @module image
require 'torch'
require 'dok'
local image = {}
for name, value in pairs(require 'tocha.image') do image[name] = value end
rawset(_G, 'image', image)
return image
