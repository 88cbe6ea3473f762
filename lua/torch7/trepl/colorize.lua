--- Functions that colour a text, by the names of trepl.colors: colorize.red 'text'.
-- @module trepl.colorize
local colors = require 'trepl.colors'

local colorize = {}
for name, sequence in pairs(colors) do
  colorize[name] = function(text) return sequence .. text .. colors.none end
end
return colorize
