#!/usr/bin/env luajit
-- The network of train.lua written with tensors and the tape alone: no modules, no criterion, no optimizer.
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local F = require 'tocha.nn.functional'
local data = require 'tocha.data'
local train = require 'tocha.train'

local cmd = torch.CmdLine()
cmd:text 'Trains the convolutional network of train.lua with tensors and gradients alone.\n'
cmd:option('--epochs', 2, 'passes over the training set', { from = 1 })
cmd:option('--batch', 64, 'images a step', { from = 1 })
cmd:option('--train', 10000, 'images to train', { from = 1, to = 1e6 })
cmd:option('--lr', 0.05, 'peak of the learning rate')
cmd:option('--seed', 1, 'of weights, order and drawn digits', { from = 0 })
cmd:option('--quiet', false, 'print nothing but the last line')
local options = cmd:parse(arg)
torch.manualSeed(options.seed)

local trainSet, testSet = cmd:try(data.digits, { seed = options.seed, train = options.train })
local normalize = data.normalizer(trainSet.data)

-- A leaf of the tape, drawn so that its outputs keep the size of its inputs (He et al. 2015).
local parameters = {}
local function weight(fanIn, ...)
  local w = torch.Tensor(...):normal(0, math.sqrt(2 / fanIn)):requiresGrad(true)
  parameters[#parameters + 1] = w
  return w
end
local function bias(n)
  local b = torch.Tensor(n):zero():requiresGrad(true)
  parameters[#parameters + 1] = b
  return b
end

local w1, b1 = weight(9, 32, 1, 3, 3), bias(32)
local w2, b2 = weight(32 * 9, 64, 32, 3, 3), bias(64)
local w3, b3 = weight(1600, 128, 1600), bias(128)
local w4, b4 = weight(128, 10, 128), bias(10)

local function network(x)                                                   -- (N,1,28,28)
  x = F.max_pool2d(torch.relu(F.conv2d(x, w1, b1)), 2, 2)             -- (N,32,13,13)
  x = F.max_pool2d(torch.relu(F.conv2d(x, w2, b2)), 2, 2)             -- (N,64,5,5)
  x = torch.relu(F.linear(x:reshape(x:size(1), 1600), w3, b3))           -- (N,128)
  return F.linear(x, w4, b4)                                            -- (N,10)
end

local function test()
  local right = 0
  torch.noGrad(function()
    for x, y in data.batches(testSet, 250, { transform = normalize }) do
      local _, guess = network(x):max(2)
      right = right + guess:view(-1):eq(y):sum()
    end
  end)
  return 100 * right / testSet.data:size(1)
end

local momentum = {}
for i, p in ipairs(parameters) do momentum[i] = torch.Tensor():resizeAs(p):zero() end

local n = options.train
local total = math.ceil(n / options.batch) * options.epochs
local step = 0
for epoch = 1, options.epochs do
  local bar = train.Progress(n, { label = ('epoch %d/%d'):format(epoch, options.epochs), unit = 'images', quiet = options.quiet })
  for x, y, k in data.batches(trainSet, options.batch, { order = torch.randperm(n):long(), transform = normalize }) do
    local loss = F.cross_entropy(network(x), y, nil, 1) -- labels count from 1
    loss:backward()
    local rate = options.lr * train.schedule.cosine(step, total)
    step = step + 1
    torch.noGrad(function()
      for i, p in ipairs(parameters) do
        momentum[i]:mul(.9):add(p.grad)
        p:add(-rate, momentum[i])
        p.grad:zero()
      end
    end)
    bar:update(math.min(k * options.batch, n), ('loss %.4f'):format(loss:item()))
  end
  bar:finish()
  if not options.quiet then print(('epoch %d: %.2f%% test'):format(epoch, test())) end
end
print(('test accuracy %.2f%%'):format(test()))
