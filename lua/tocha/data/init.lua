--- Data: the embedded digits, IDX files, batches.
--
--     local data = require 'tocha.data'
--     local train, test = data.digits()
--     for input, target in data.batches(train, 64, { transform = data.normalizer(train.data) }) do ... end
--
-- @module tocha.data
local batches = require 'tocha.data.batches'
local idx = require 'tocha.data.idx'

return {
  digits = require 'tocha.data.digits',
  idx = idx.read,
  mnist = idx.mnist,
  split = batches.split,
  moments = batches.moments,
  normalizer = batches.normalizer,
  batches = batches.batches,
  shift = require 'tocha.data.shift',
}
