--- `require 'tds'` for programs written for Torch7. The global pairs and ipairs walk through its collections from then on.
-- @module tds
require 'torch'
local tds = require 'tocha.tds'
local shared = require 'tocha.bindings.shared'

local plainPairs, plainIpairs = pairs, ipairs

function _G.pairs(value)
  if shared.classOf(value) then return tds.pairs(value) end
  return plainPairs(value)
end

function _G.ipairs(value)
  if shared.classOf(value) == shared.vec then return tds.ipairs(value) end
  return plainIpairs(value)
end

return tds
