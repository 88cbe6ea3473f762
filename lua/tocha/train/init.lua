--- What a training script needs around its loop: a progress bar, checkpoints, rates, pictures.
-- @module tocha.train
return {
  Progress = require 'tocha.train.progress',
  checkpoint = require 'tocha.train.checkpoint',
  schedule = require 'tocha.train.schedule',
  plot = require 'tocha.train.plot',
  grid = require 'tocha.train.grid',
}
