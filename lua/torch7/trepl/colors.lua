--- The escape sequences of sys.colors, and those of other ways to show text: bright, dim, underline, blink, reverse, hidden.
-- @module trepl.colors
local colors = {}
for name, sequence in pairs(require 'sys.colors') do colors[name] = sequence end
for name, code in pairs { bright = 1, dim = 2, underline = 4, blink = 5, reverse = 7, hidden = 8 } do
  colors[name] = ('\27[%dm'):format(code)
end
return colors
