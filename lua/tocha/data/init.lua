--- Data: the embedded digits, IDX files, pictures in folders and archives, batches.
--
--     local data = require 'tocha.data'
--     local train, test = data.digits()
--     for input, target in data.batches(train, 64, { transform = data.normalizer(train.data) }) do ... end
--
-- @module tocha.data
local augment = require 'tocha.data.augment'
local batches = require 'tocha.data.batches'
local idx = require 'tocha.data.idx'
local pictures = require 'tocha.data.pictures'
local sets = require 'tocha.data.sets'

return {
  digits = require 'tocha.data.digits',
  idx = idx.read,
  mnist = idx.mnist,
  fromFolder = pictures.fromFolder,
  fromFiles = pictures.fromFiles,
  DataLoader = require 'tocha.data.loader',
  transform = augment.transform,
  mixup = augment.mixup,
  cutmix = augment.cutmix,
  size = sets.size,
  select = sets.select,
  stratified = sets.stratified,
  folds = sets.folds,
  classCounts = sets.classCounts,
  classWeights = sets.classWeights,
  split = batches.split,
  moments = batches.moments,
  normalizer = batches.normalizer,
  batches = batches.batches,
  shift = require 'tocha.data.shift',
}
