#!/usr/bin/env luajit
-- Trains a network on CIFAR-10, or on any folder or archive of small pictures with the parts train and test.
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local nn = require 'tocha.nn'
local image = require 'tocha.image'
local data = require 'tocha.data'
local train = require 'tocha.train'

-- Options -------------------------------------------------------------------------------------------------------------
local cmd = torch.CmdLine()
cmd:text 'Trains a network on CIFAR-10 and prints its accuracy on the test set.\n'
cmd:option('--data', 'cifar10-jpg.tar.gz', 'folder or tar archive with the parts train and test, a class per folder in each')
cmd:option('--model', 'small', 'small (the 122,570 parameters of 32-64-64 convolutions and dense 64) or fast', { 'small', 'fast' })
cmd:option('--width', 1, 'of the fast network')
cmd:option('--epochs', 0, 'passes over the training set; 0: what suits the model', { from = 0 })
cmd:option('--batch', 0, 'pictures a step; 0: what suits the model', { from = 0 })
cmd:option('--lr', 0, 'peak of the learning rate; 0: what suits the model')
cmd:option('--augment', false, 'small: rotation 20, shifts 0.2, shear 0.2, zoom 0.2 and horizontal flips')
cmd:option('--valid', -1, 'share of the training set held out; below 0: what suits the model')
cmd:option('--workers', 1, 'threads that prepare batches', { from = 0, to = 256 })
cmd:option('--threads', torch.getnumthreads(), 'of the engine; they do not change the result', { from = 1, to = 256 })
cmd:option('--seed', 1, 'of weights, order and augmentation', { from = 0, to = 2 ^ 32 - 1 })
cmd:option('--save', 'cifar.t7', 'checkpoint written after each epoch; "" for none')
cmd:option('--resume', '', 'checkpoint to go on from, with its settings except those given here')
cmd:option('--plot', 'cifar.png', 'picture of the learning curves; "" for none')
cmd:option('--quiet', false, 'print nothing but the last line')
train.folds.options(cmd)
local options = train.start(cmd, 'cifar')
if train.folds.run(cmd, options, { 'save', 'plot' }) then return end
local function say(...) if not options.quiet then print(...) end end

-- Models --------------------------------------------------------------------------------------------------------------
local models = {}

function models.small(classes)
  local net = nn.Sequential()
  for k, planes in ipairs { { 3, 32 }, { 32, 64 }, { 64, 64 } } do
    net:add(nn.SpatialConvolution(planes[1], planes[2], 3, 3)):add(nn.ReLU(true))
    if k < 3 then net:add(nn.SpatialMaxPooling(2, 2)) end
  end
  return net:add(nn.View(1024):setNumInputDims(3)):add(nn.Linear(1024, 64)):add(nn.ReLU(true)):add(nn.Linear(64, classes))
end

-- Convolutions without a bias, each before a batch normalisation; a residual pair in each of two stages.
local function block(net, from, to, pool)
  net:add(nn.SpatialConvolution(from, to, 3, 3, 1, 1, 1, 1):noBias())
  if pool then net:add(nn.SpatialMaxPooling(2, 2)) end
  return net:add(nn.SpatialBatchNormalization(to)):add(nn.ReLU(true))
end

local function residual(net, planes)
  local pair = block(block(nn.Sequential(), planes, planes), planes, planes)
  return net:add(nn.ConcatTable():add(nn.Identity()):add(pair)):add(nn.CAddTable())
end

-- A residual network after D. Page's "How to train your ResNet" (2018), narrowed for processors.
function models.fast(classes)
  local function planes(n) return math.floor(n * options.width / 8 + .5) * 8 end
  local net = nn.Sequential()
  block(net, 3, planes(32))
  block(net, planes(32), planes(64), true)
  residual(net, planes(64))
  block(net, planes(64), planes(128), true)
  block(net, planes(128), planes(256), true)
  residual(net, planes(256))
  net:add(nn.SpatialMaxPooling(4, 4)):add(nn.View(planes(256)):setNumInputDims(3))
  return net:add(nn.Linear(planes(256), classes):noBias()):add(nn.MulConstant(.125))
end

local recipes = {
  small = { epochs = options.augment and 20 or 15, batch = 32, lr = 1e-3, valid = .1, optim = 'adam', config = {},
            criterion = nn.CrossEntropyCriterion(),
            schedule = train.schedule.cosine,
            augment = options.augment and { rotation = 20, width_shift = .2, height_shift = .2, shear = .2, zoom = .2,
                                            hflip = true } or nil },
  fast = { epochs = 17, batch = 128, lr = .15, valid = 0, optim = 'sgd',
           config = { momentum = .9, dampening = 0, nesterov = true, weightDecay = 5e-4 },
           criterion = nn.SoftTargetCriterion(.1),
           augment = { crop = 3, hflip = true, fill = 'reflect', cutout = 8 },
           -- up over a fifth of the run, then down to almost nothing, both in straight lines
           schedule = function(step, total)
             local share = (step + .5) / total
             return share < .2 and share / .2 or (1 - share) / .8 + 1e-3
           end },
}
local recipe = recipes[options.model]
if options.lr < 0 then cmd:error '--lr wants a rate above 0' end
for _, key in ipairs { 'epochs', 'batch', 'lr' } do if options[key] == 0 then options[key] = recipe[key] end end
if options.valid < 0 then options.valid = recipe.valid end
if options.valid >= 1 then cmd:error '--valid wants a share below 1' end
if options.width < .25 or options.width > 64 then cmd:error '--width wants a factor from 0.25 to 64' end

-- Data ----------------------------------------------------------------------------------------------------------------
local function read(part)
  return data.DataLoader(cmd:try(data.fromFolder, options.data, { part = part }), { batch = 500, height = 32, width = 32 }):load()
end
local trainSet, testSet = cmd:try(read, 'train'), cmd:try(read, 'test')
local mean, deviation = {}, {}
for c = 1, 3 do mean[c], deviation[c] = data.moments(trainSet.data:narrow(2, c, 1)) end
for c = 1, 3 do mean[c], deviation[c] = mean[c] / 255, deviation[c] / 255 end
local function loader(set, augment)
  return data.DataLoader(set, { batch = augment ~= nil and options.batch or 500, shuffle = augment ~= nil, seed = options.seed,
                                workers = options.workers, mean = mean, deviation = deviation, augment = augment })
end
local validSet
if options.fold > 0 then trainSet, validSet = cmd:try(train.folds.part, trainSet, options)
elseif options.valid > 0 then trainSet, validSet = cmd:try(data.stratified, trainSet, options.valid, options.seed) end

-- Training ------------------------------------------------------------------------------------------------------------
local net = models[options.model](#trainSet.classes)
net.info = { size = { 3, 32, 32 }, mean = mean, deviation = deviation, crop = 1, classes = trainSet.classes } -- for prediction
say(tostring(net))
say(('%d parameters, %d pictures to train, %d to validate, %d to test'):format(net:getParameters():nElement(),
  data.size(trainSet), validSet and data.size(validSet) or 0, data.size(testSet)))

-- The fast network sees a test picture and its mirror image, and with half the weight both moved by a pixel either way.
local pad = nn.SpatialReflectionPadding(1, 1, 1, 1):float()
local function forward(input)
  if options.model == 'small' then return net:forward(input) end
  local wide, scores = pad:forward(input), input.new(input:size(1), #trainSet.classes):zero()
  for at, weight in ipairs { .5, 1, .5 } do
    local moved = wide:narrow(3, at, 32):narrow(4, at, 32):contiguous()
    for _, picture in ipairs { moved, image.flip(moved, 4) } do scores:add(weight, net:forward(picture)) end
  end
  return scores
end

local history, best
history, best, net = cmd:try(train.fit, {
  net = net, criterion = recipe.criterion, loader = loader(trainSet, recipe.augment or {}), valid = validSet and loader(validSet),
  classes = trainSet.classes, epochs = options.epochs, optim = recipe.optim, config = recipe.config, rate = options.lr,
  schedule = recipe.schedule, save = options.save ~= '' and options.save or nil,
  plot = options.plot ~= '' and options.plot or nil, quiet = options.quiet,
  resume = options.resume ~= '' and options.resume or nil, note = { script = 'cifar', options = options },
})
if best.epoch then say(('best epoch %d, validation accuracy %.2f%%'):format(best.epoch, best.score)) end
local metrics = train.Metrics.of(net, loader(testSet), testSet.classes, forward)
say(tostring(metrics))
local spent = { seconds = 0, cpu = 0 }
for key in pairs(spent) do
  for _, seconds in pairs(history[key]) do spent[key] = spent[key] + seconds end
end
print(('test accuracy %.2f%% after %d epochs in %s, %s of processor time'):format(100 * metrics:accuracy(), #history.loss,
  train.Progress.duration(spent.seconds), train.Progress.duration(spent.cpu)))
