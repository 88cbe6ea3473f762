--- What a training script needs around its loop: a progress bar, checkpoints, rates, pictures, the loop itself.
-- @module tocha.train
return {
  Progress = require 'tocha.train.progress',
  checkpoint = require 'tocha.train.checkpoint',
  schedule = require 'tocha.train.schedule',
  plot = require 'tocha.train.plot',
  grid = require 'tocha.train.grid',
  Metrics = require 'tocha.train.metrics',
  fit = require 'tocha.train.fit',
  search = require 'tocha.train.search',
}
