#!/usr/bin/env luajit
-- Trains a network to read digits: the example to copy.
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local data = require 'tocha.data'
local train = require 'tocha.train'

-- Options -------------------------------------------------------------------------------------------------------------
local cmd = torch.CmdLine()
cmd:text 'Trains a network to read 28x28 digits and prints its accuracy on the test set.\n'
cmd:option('--data', '', 'folder of IDX files in the layout of MNIST, gzipped or not; without it digits are drawn')
cmd:option('--model', 'cnn',
  'mlp, cnn (3x3 convolutions of 32 and 64, dense 128), cnn1 (32, dense 128) or cnn3 (32, 64, 64, dense 64)',
  { 'mlp', 'cnn', 'cnn1', 'cnn3' })
cmd:option('--valid', 0.1, 'share of the training set held out to choose the epoch; 0: the last one')
cmd:option('--epochs', 3, 'passes over the training set', { from = 1 })
cmd:option('--batch', 64, 'images a step', { from = 1 })
cmd:option('--optim', 'adam', 'adam, adamw, sgd (with Nesterov momentum), rmsprop, adagrad or adadelta',
  { 'adam', 'adamw', 'sgd', 'rmsprop', 'adagrad', 'adadelta' })
cmd:option('--lr', 0, 'peak of the learning rate; 0: what suits the optimizer')
cmd:option('--shift', 1, 'pixels by which training images move at random', { from = 0, to = 27 })
cmd:option('--seed', 1, 'of weights, order and drawn digits', { from = 0 })
cmd:option('--threads', torch.getnumthreads(), 'of the engine; they do not change the result', { from = 1 })
cmd:option('--save', 'digits.t7', 'checkpoint written after each epoch; "" for none')
cmd:option('--resume', '', 'checkpoint to go on from, with its settings except those given here')
cmd:option('--plot', 'digits.png', 'picture of the learning curves, drawn after each epoch; "" for none')
cmd:option('--quiet', false, 'print nothing but the last line')
train.folds.options(cmd)
local options, given = cmd:parse(arg)

local state = options.resume ~= '' and cmd:try(train.checkpoint.load, options.resume) or nil
for key, value in pairs(state and state.options or {}) do
  if not given[key] and key ~= 'resume' and key ~= 'quiet' then options[key] = value end
end
if options.valid < 0 or options.valid >= 1 then cmd:error '--valid wants a share from 0 to below 1' end
if options.lr < 0 or options.lr == math.huge then cmd:error '--lr wants a rate above 0' end
cmd:try(torch.setnumthreads, options.threads)
if train.folds.run(cmd, options, { 'save', 'plot' }) then return end
for _, path in ipairs { options.save, options.plot } do
  if path ~= '' then cmd:try(train.checkpoint.reserve, path) end
end
if not state then torch.manualSeed(options.seed) end
io.stdout:setvbuf 'line'
local function say(...) if not options.quiet then print(...) end end

-- Data ----------------------------------------------------------------------------------------------------------------
local trainSet, testSet
if options.data ~= '' then trainSet, testSet = cmd:try(data.mnist, options.data)
else trainSet, testSet = data.digits { seed = options.seed } end
if trainSet.data:size(3) ~= 28 or trainSet.data:size(4) ~= 28 then cmd:fail(options.data .. ': images must be 28x28') end
local normalize = data.normalizer(trainSet.data)
local validSet
if options.fold > 0 then trainSet, validSet = cmd:try(train.folds.part, trainSet, options)
else trainSet, validSet = data.split(trainSet, options.valid) end
if not trainSet then cmd:error '--valid leaves no image to train' end
local n = trainSet.data:size(1)
local function augment(images) return normalize(options.shift > 0 and data.shift(images, options.shift) or images) end

-- Model ---------------------------------------------------------------------------------------------------------------
local function convolution(net, from, to, pooled)
  net:add(nn.SpatialConvolution(from, to, 3, 3)):add(nn.ReLU(true))
  return pooled and net:add(nn.SpatialMaxPooling(2, 2, 2, 2)) or net
end

local function dense(net, inputs, hidden)
  return net:add(nn.View(inputs)):add(nn.Linear(inputs, hidden)):add(nn.ReLU(true)):add(nn.Linear(hidden, 10))
end

local models = {}
function models.mlp(net) return dense(net, 28 * 28, 256) end
function models.cnn(net) return dense(convolution(convolution(net, 1, 32, true), 32, 64, true), 64 * 5 * 5, 128) end
function models.cnn1(net) return dense(convolution(net, 1, 32, true), 32 * 13 * 13, 128) end
function models.cnn3(net)
  return dense(convolution(convolution(convolution(net, 1, 32, true), 32, 64, true), 64, 64), 64 * 3 * 3, 64)
end

local net = state and state.model or models[options.model](nn.Sequential())
local criterion = nn.CrossEntropyCriterion()
local parameters, gradients = net:getParameters()
say(tostring(net))
say(('%d parameters, %d images to train, %d to validate, %d to test'):format(parameters:nElement(), n,
  validSet and validSet.data:size(1) or 0, testSet.data:size(1)))

-- Training ------------------------------------------------------------------------------------------------------------
local rates = { adam = 2e-3, adamw = 2e-3, sgd = 0.05, rmsprop = 1e-3, adagrad = 2e-2, adadelta = 1 }
local peak = options.lr > 0 and options.lr or rates[options.optim]
local config = options.optim == 'sgd' and { momentum = .9, dampening = 0, nesterov = true } or {}
local optimState = state and state.optimState or {}
local history = state and state.history or { loss = {}, train = {}, valid = {}, test = {} }
local best = state and state.best or {}
local steps = math.ceil(n / options.batch)

local function trainEpoch(epoch)
  net:training()
  local bar = train.Progress(n, { label = ('epoch %d/%d'):format(epoch, options.epochs), unit = 'images', quiet = options.quiet })
  local loss, right, seen = 0, 0, 0
  for input, target, k in data.batches(trainSet, options.batch, { order = torch.randperm(n):long(), transform = augment }) do
    local function feval()
      gradients:zero()
      local output = net:forward(input)
      local err = criterion:forward(output, target)
      net:backward(input, criterion:backward(output, target))
      return err, gradients
    end
    config.learningRate = peak * train.schedule.cosine((epoch - 1) * steps + k - 1, options.epochs * steps)
    local _, errs = optim[options.optim](feval, parameters, config, optimState)
    local _, guess = net.output:max(2)
    seen, loss = seen + input:size(1), loss + errs[1] * input:size(1)
    right = right + guess:view(-1):eq(target):sum()
    bar:update(seen, ('loss %.4f  accuracy %.2f%%'):format(loss / seen, 100 * right / seen))
  end
  bar:finish()
  return loss / n, 100 * right / n
end

local function accuracy(set)
  net:evaluate()
  local confusion = optim.ConfusionMatrix { '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' }
  for input, target in data.batches(set, options.batch, { transform = normalize }) do
    confusion:batchAdd(net:forward(input), target)
  end
  confusion:updateValids()
  return 100 * confusion.totalValid, confusion
end

local function draw()
  train.plot.figure(options.plot, {
    { title = 'Loss', xlabel = 'epoch', ylabel = 'cross entropy', curves = { { name = 'train', y = history.loss } } },
    { title = 'Accuracy', xlabel = 'epoch', ylabel = 'percent', curves = { { name = 'train', y = history.train },
      { name = 'validation', y = history.valid }, { name = 'test', y = history.test } } },
  })
end

for epoch = (state and state.epoch or 0) + 1, options.epochs do
  local timer = torch.Timer()
  history.loss[epoch], history.train[epoch] = trainEpoch(epoch)
  if validSet then history.valid[epoch] = accuracy(validSet) end
  local confusion
  history.test[epoch], confusion = accuracy(testSet)
  local score = history.valid[epoch] or epoch
  if not best.score or score >= best.score then best = { score = score, epoch = epoch, parameters = parameters:clone() } end
  say(tostring(confusion))
  say(('epoch %d: loss %.4f, accuracy %.2f%% train, %s%.2f%% test, %.1f s'):format(epoch, history.loss[epoch], history.train[epoch],
    validSet and ('%.2f%% validation, '):format(history.valid[epoch]) or '', history.test[epoch], timer:time().real))
  if options.save ~= '' then
    cmd:try(train.checkpoint.save, options.save, { model = net, optimState = optimState, epoch = epoch, history = history,
      best = best, options = options })
  end
  if options.plot ~= '' then cmd:try(draw) end
end

if best.parameters then parameters:copy(best.parameters) end
if validSet then say(('best epoch %d, validation accuracy %.2f%%'):format(best.epoch, best.score)) end
print(('test accuracy %.2f%%'):format((accuracy(testSet))))
