--- Named arguments under their older name: sets the global dok.
-- @module dok
local xlua = require 'xlua'
local dok = { unpack = xlua.unpack, usage = xlua.usage, error = xlua.error }
rawset(_G, 'dok', dok)
return dok
