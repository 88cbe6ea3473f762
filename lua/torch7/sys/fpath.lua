--- The folder and the name of the file that calls.
-- @module sys.fpath
local paths = require 'paths'

return function()
  local file = paths.concat((debug.getinfo(2, 'S').source:gsub('^@', '')))
  return paths.dirname(file), paths.basename(file)
end
