--- Data: the embedded digits, IDX files, CIFAR, pictures in folders and archives, tables and texts, batches.
--
--     local data = require 'tocha.data'
--     local train, test = data.digits()
--     for input, target in data.batches(train, 64, { transform = data.normalizer(train.data) }) do ... end
--
-- @module tocha.data
local augment = require 'tocha.data.augment'
local batches = require 'tocha.data.batches'
local idx = require 'tocha.data.idx'
local cifar = require 'tocha.data.cifar'
local csv = require 'tocha.data.csv'
local memory = require 'tocha.data.memory'
local pictures = require 'tocha.data.pictures'
local sets = require 'tocha.data.sets'

return {
  digits = require 'tocha.data.digits',
  idx = idx.read,
  mnist = idx.mnist,
  fashionMnist = idx.fashionMnist,
  cifar10 = cifar.cifar10,
  cifar100 = cifar.cifar100,
  fromCSV = csv.fromCSV,
  readCSV = csv.readCSV,
  fromText = csv.fromText,
  fromTensors = memory.fromTensors,
  memoryLoader = memory.memoryLoader,
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
  few = sets.few,
  classCounts = sets.classCounts,
  classWeights = sets.classWeights,
  split = batches.split,
  moments = batches.moments,
  normalizer = batches.normalizer,
  batches = batches.batches,
  shift = require 'tocha.data.shift',
}
