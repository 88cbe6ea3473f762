--- Pictures: Torch7's `image` package.
--
--     local image = require 'tocha.image'
--     local x = image.load('cat.jpg', 3)
--     image.save('small.png', image.scale(x, 64))
--
-- @module tocha.image
local image = {}
for _, part in ipairs { 'file', 'geometry', 'colour', 'filter', 'display', 'draw' } do
  for name, value in pairs(require('tocha.image.' .. part)) do image[name] = value end
end
return image
