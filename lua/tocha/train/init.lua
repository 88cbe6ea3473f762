--- What a training script needs around its loop: its beginning, a progress bar, checkpoints, rates, pictures, the loop itself,
-- searches, folds.
-- @module tocha.train
return {
  start = require 'tocha.train.start',
  Progress = require 'tocha.train.progress',
  checkpoint = require 'tocha.train.checkpoint',
  schedule = require 'tocha.train.schedule',
  plot = require 'tocha.train.plot',
  grid = require 'tocha.train.grid',
  Metrics = require 'tocha.train.metrics',
  fit = require 'tocha.train.fit',
  search = require 'tocha.train.search',
  folds = require 'tocha.train.folds',
  adversarial = require 'tocha.train.adversarial',
  generative = require 'tocha.train.generative',
  generativeScore = require 'tocha.train.score',
}
