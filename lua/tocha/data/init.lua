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
local signed = require 'tocha.signed'

local changes = { rotation = 'number?', shear = 'number?', down = 'number?', right = 'number?', zoom_y = 'number?',
  zoom_x = 'number?', hflip = 'boolean?', vflip = 'boolean?', value = 'number?' }
local place = { 'path', 'string' }

return {
  digits = signed('digits', { 'options', {} }, require 'tocha.data.digits'),
  idx = signed('idx', place, idx.read),
  mnist = signed('mnist', { 'folder', 'string' }, idx.mnist),
  fashionMnist = signed('fashionMnist', { 'folder', 'string' }, idx.fashionMnist),
  cifar10 = cifar.cifar10,
  cifar100 = cifar.cifar100,
  fromCSV = signed('fromCSV', { 'path', 'string', 'options', {} }, csv.fromCSV),
  readCSV = csv.readCSV,
  fromText = signed('fromText', { 'path', 'string', 'options', { symbols = 'table?' } }, csv.fromText),
  fromTensors = memory.fromTensors,
  memoryLoader = signed('memoryLoader',
    { 'set', 'held', 'options', { batch = 'count?', seed = 'whole?', transform = 'function?' } }, memory.memoryLoader),
  fromFolder = signed('fromFolder', { 'path', 'string', 'options', { part = 'string?', classes = 'table?' } },
    pictures.fromFolder),
  fromFiles = signed('fromFiles', { 'paths', 'strings' }, pictures.fromFiles),
  DataLoader = require 'tocha.data.loader',
  transform = signed('transform', { 'picture', 'tensor', 'change', changes }, augment.transform),
  mixup = signed('mixup', { 'input', 'tensor', 'labels', 'tensor', 'classes', 'count' }, augment.mixup),
  cutmix = signed('cutmix', { 'input', 'tensor', 'labels', 'tensor', 'classes', 'count' }, augment.cutmix),
  size = signed('size', { 'set', 'set' }, sets.size),
  select = signed('select', { 'set', 'set', 'indices', 'tensor' }, sets.select),
  stratified = signed('stratified', { 'set', 'labelled', 'share', 'number', 'seed', 'whole?' }, sets.stratified),
  folds = signed('folds', { 'set', 'labelled', 'k', 'number', 'seed', 'whole?' }, sets.folds),
  few = signed('few', { 'set', 'labelled', 'count', 'count', 'seed', 'whole?' }, sets.few),
  classCounts = signed('classCounts', { 'set', 'labelled' }, sets.classCounts),
  classWeights = signed('classWeights', { 'set', 'labelled' }, sets.classWeights),
  split = signed('split', { 'set', 'held', 'share', 'number' }, batches.split),
  moments = signed('moments', { 'data', 'tensor' }, batches.moments),
  normalizer = signed('normalizer', { 'data', 'tensor' }, batches.normalizer),
  batches = signed('batches',
    { 'set', 'held', 'size', 'count', 'options', { order = 'tensor?', transform = 'function?', limit = 'number?' } },
    batches.batches),
  shift = signed('shift', { 'images', 'tensor', 'most', 'whole' }, require 'tocha.data.shift'),
}
