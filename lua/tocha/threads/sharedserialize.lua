--- How jobs travel between Lua states that share tensors, storages and tds collections.
-- @module tocha.threads.sharedserialize
local serialize = require 'tocha.threads.serialize'

return { save = function(object) return serialize.save(object, true) end, load = serialize.load }
