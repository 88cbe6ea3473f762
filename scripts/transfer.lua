#!/usr/bin/env luajit
-- Teaches a network that was trained on other pictures the classes in a folder, or tells what is in a picture.
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local nn = require 'tocha.nn'
local data = require 'tocha.data'
local models = require 'tocha.models'
local train = require 'tocha.train'

-- Options -------------------------------------------------------------------------------------------------------------
local cmd = torch.CmdLine()
cmd:text 'Trains a dense head on the features of a network, then all of it at a lower rate.'
cmd:text 'With --predict it reads the network it saved and tells what is in a picture.\n'
cmd:option('--data', '', 'folder or tar archive of pictures, a class per folder')
cmd:option('--part', '', 'folder inside it that holds the classes')
cmd:option('--test', '', 'folder inside it with classes to test on; without it the figures are those of the validation')
cmd:option('--classes', '', 'names with commas between them: only these classes')
cmd:option('--base', 'mobilenet_v2', 'the network: mobilenet_v2, resnet18, ... or cifar_resnet20, ...')
cmd:option('--weights', '', "its weights: safetensors, .t7 or PyTorch's file; without them it starts from random numbers")
cmd:option('--size', 0, 'side of its input in pixels; 0: what the base was made for', { from = 0 })
cmd:option('--dense', 1024, 'units of the dense layer', { from = 1 })
cmd:option('--valid', .2, 'share of every class held out to choose the epoch')
cmd:option('--few', 0, 'pictures of each class to train on; 0: all', { from = 0 })
cmd:option('--epochs', 10, 'with the base frozen; 0: none', { from = 0 })
cmd:option('--tune', 5, 'epochs of fine-tuning; 0: none', { from = 0 })
cmd:option('--unfreeze', 0, 'how many of the last modules of the base are fine-tuned; 0: all', { from = 0 })
cmd:option('--lr', 1e-3, 'rate of the head')
cmd:option('--tunelr', 1e-4, 'rate of fine-tuning')
cmd:option('--batch', 32, 'pictures a step', { from = 1 })
cmd:option('--patience', 5, 'epochs without a better validation after which a part of the training stops', { from = 1 })
cmd:option('--augment', false, 'rotation 40, shifts 0.2, shear 0.2, zoom 0.2 and horizontal flips')
cmd:option('--rotation', 0, 'degrees either way')
cmd:option('--shift', 0, 'share of the sides')
cmd:option('--shear', 0, 'degrees')
cmd:option('--zoom', 0, 'share')
cmd:option('--flip', false, 'mirror half of the pictures')
cmd:option('--weighted', false, 'let rare classes count as much as frequent ones')
cmd:option('--skip', false, 'go on without pictures that cannot be read')
cmd:option('--workers', 1, 'threads that prepare batches', { from = 0, to = 256 })
cmd:option('--threads', torch.getnumthreads(), 'of the engine; they do not change the result', { from = 1, to = 256 })
cmd:option('--seed', 1, 'of weights, order and augmentation', { from = 0, to = 2 ^ 32 - 1 })
cmd:option('--save', 'transfer.t7', 'the network with all that prediction needs; "" for none')
cmd:option('--checkpoint', '', 'file written after each epoch, for --resume; "" for none')
cmd:option('--resume', '', 'checkpoint to go on from, with its settings except those given here')
cmd:option('--plot', 'transfer.png', 'picture of the learning curves; "" for none')
cmd:option('--confusion', 'confusion.png', 'picture of the confusion matrix; "" for none')
cmd:option('--predict', '', 'a picture: print the five likeliest classes and end')
cmd:option('--load', 'transfer.t7', 'the network for --predict')
cmd:option('--quiet', false, 'print nothing but the last line')
train.folds.options(cmd)
local options, state = train.start(cmd, 'transfer')
for _, key in ipairs { 'lr', 'tunelr', 'rotation', 'shift', 'shear', 'zoom' } do
  if options[key] < 0 or options[key] == math.huge then cmd:error(('--%s wants a number from 0'):format(key)) end
end
torch.manualSeed(options.seed) -- what a run that goes on does not find in its checkpoint begins as it did
local function say(...) if not options.quiet then print(...) end end

-- Prediction ----------------------------------------------------------------------------------------------------------
if options.predict ~= '' then
  local guesses = cmd:try(models.predict, cmd:try(models.load, options.load), options.predict)
  for _, guess in ipairs(guesses) do
    print(('%-20s %6.2f%%  %s'):format(guess.class, 100 * guess.share, ('='):rep(math.floor(40 * guess.share + .5))))
  end
  return
end

-- Data ----------------------------------------------------------------------------------------------------------------
if options.data == '' then cmd:error '--data is needed' end
if options.checkpoint ~= '' then cmd:try(train.checkpoint.reserve, options.checkpoint) end
if train.folds.run(cmd, options, { 'save', 'plot', 'confusion', 'checkpoint' }) then return end
if options.valid <= 0 or options.valid >= 1 then cmd:error '--valid wants a share above 0 and below 1' end
local function pictures(part, classes)
  return cmd:try(data.fromFolder, options.data, { part = part ~= '' and part or nil, classes = classes })
end
local wanted
for name in options.classes:gmatch '[^,]+' do
  wanted = wanted or {}
  wanted[#wanted + 1] = name
end
local all = pictures(options.part, wanted)
if #all.classes < 2 then cmd:fail(options.data .. ' holds one class: there is nothing to tell apart') end
local testSet = options.test ~= '' and pictures(options.test, all.classes) or nil
local trainSet, validSet
if options.fold > 0 then trainSet, validSet = cmd:try(train.folds.part, all, options)
else trainSet, validSet = cmd:try(data.stratified, all, options.valid, options.seed) end
if options.few > 0 then trainSet = cmd:try(data.few, trainSet, options.few, options.seed) end

if not models[options.base] or options.base == 'unet' then cmd:error('there is no base ' .. options.base) end
local net = cmd:try(models[options.base], { classes = #all.classes, names = all.classes, dense = options.dense, newHead = true,
                                           pretrained = options.weights ~= '' and options.weights or nil })
local info = net.info
if options.size > 0 then info.size = { info.size[1], options.size, options.size } end
info.crop = 1

if options.augment then
  for key, value in pairs { rotation = 40, shift = .2, shear = .2, zoom = .2, flip = true } do options[key] = value end
end
local augment = { rotation = options.rotation, width_shift = options.shift, height_shift = options.shift, shear = options.shear,
                  zoom = options.zoom, hflip = options.flip }
local changes = options.rotation + options.shift + options.shear + options.zoom > 0 or options.flip

local function loader(set, training)
  return data.DataLoader(set, { batch = options.batch, shuffle = training, seed = options.seed, workers = options.workers,
                                height = info.size[2], width = info.size[3], planes = info.size[1], cover = true, mean = info.mean,
                                deviation = info.deviation, skip = options.skip, augment = training and augment or nil })
end

-- Names the pictures that --skip left out, once each.
local told = {}
local function tell(source)
  local _, why = source:skipped()
  for _, sentence in ipairs(why) do
    if not told[sentence] then say('left out: ' .. sentence) end
    told[sentence] = true
  end
end

-- Training ------------------------------------------------------------------------------------------------------------
-- The frozen front of the network, with its pooling if `tuned` modules of the base are 0, and the rest that is trained.
local function split(tuned)
  local front, rest, base = nn.Sequential(), nn.Sequential(), net:get(1)
  for k = 1, base:size() do (k <= base:size() - tuned and front or rest):add(base:get(k)) end
  for k = 2, net:size() do (tuned == 0 and k <= 3 and front or rest):add(net:get(k)) end
  front:evaluate()
  return front, rest
end

-- The network with a rest that took the place of its own.
local function joined(tuned, rest)
  local base, at = net:get(1), 0
  local whole = nn.Sequential():add(nn.Sequential())
  for k = 1, base:size() do
    if k > base:size() - tuned then at = at + 1 end
    whole:get(1):add(k > base:size() - tuned and rest:get(at) or base:get(k))
  end
  for k = 2, net:size() do
    local own = tuned == 0 and k <= 3
    if not own then at = at + 1 end
    whole:add(own and net:get(k) or rest:get(at))
  end
  whole.info = info
  return whole
end

-- What the front makes of a set, in memory: for training without changes it is computed once.
local function cached(front, set, what)
  local source = loader(set)
  local bar = train.Progress(source:size(), { label = 'features of ' .. what, unit = 'pictures', quiet = options.quiet })
  local features, labels, seen = {}, {}, 0
  for input, target in source:batches() do
    features[#features + 1], labels[#labels + 1] = front:forward(input):clone(), target
    seen = seen + input:size(1)
    bar:update(seen)
  end
  bar:finish()
  tell(source)
  if seen == 0 then error('no picture could be read', 0) end
  return data.fromTensors(torch.cat(features, 1), torch.cat(labels, 1), set.classes)
end

local criterion = nn.CrossEntropyCriterion(options.weighted and data.classWeights(trainSet) or nil)
local histories = state and state.histories or {}
local function phase(name, tuned, epochs, rate)
  if epochs == 0 or state and state.phase ~= name then return end
  local front, rest = split(tuned)
  local inMemory = tuned == 0 and not changes
  local job = { net = rest, criterion = criterion, classes = all.classes, epochs = epochs, optim = 'adam', rate = rate,
                patience = options.patience, quiet = options.quiet,
                save = options.checkpoint ~= '' and options.checkpoint or nil, resume = state and options.resume or nil,
                note = { script = 'transfer', options = options, phase = name, histories = histories },
                keep = options.save ~= '' and function(best) models.save(options.save, joined(tuned, best)) end or nil }
  say(('%s: %d numbers to train, %d frozen'):format(name, rest:getParameters():nElement(),
    front:size() > 0 and #(front:parameters() or {}) > 0 and front:getParameters():nElement() or 0))
  if inMemory then
    job.loader = data.memoryLoader(cached(front, trainSet, 'training'),
      { batch = options.batch, shuffle = true, seed = options.seed })
    job.valid = data.memoryLoader(cached(front, validSet, 'validation'), { batch = options.batch })
  else
    job.loader, job.valid = loader(trainSet, true), loader(validSet)
    if front:size() > 0 then
      job.prepare = function(input, target) return front:forward(input), target end
      job.forward = function(input) return job.net:forward(front:forward(input)) end
    end
  end
  local history, best, trained = train.fit(job)
  if not inMemory then for _, source in ipairs { job.loader, job.valid } do tell(source) end end
  if best.epoch then say(('%s: best epoch %d, %.2f%% of the validation'):format(name, best.epoch, best.score)) end
  net, state = joined(tuned, trained), nil
  histories[#histories + 1] = history
  if options.save ~= '' then models.save(options.save, net) end
end

say(('%d pictures of %d classes to train, %d to validate'):format(data.size(trainSet), #all.classes, data.size(validSet)))
local timer = torch.Timer()
cmd:try(phase, 'head', 0, options.epochs, options.lr)
local modules = net:get(1):size()
cmd:try(phase, 'fine-tuning', options.unfreeze > 0 and math.min(options.unfreeze, modules) or modules, options.tune, options.tunelr)
if state then cmd:fail(('%s ends in the %s, of which no epoch is wanted'):format(options.resume, state.phase)) end

-- Figures -------------------------------------------------------------------------------------------------------------
local function over(key)
  local list = {}
  for _, history in ipairs(histories) do
    for _, value in ipairs(history[key]) do list[#list + 1] = value end
  end
  return list
end
if options.plot ~= '' and #histories > 0 then
  cmd:try(train.plot.figure, options.plot, {
    { title = 'Loss', xlabel = 'epoch', ylabel = 'training loss', curves = { { name = 'train', y = over 'loss' } } },
    { title = 'Accuracy', xlabel = 'epoch', ylabel = 'percent', curves = { { name = 'train', y = over 'train' },
      { name = 'validation', y = over 'valid' } } } })
end
local function measure(set) return cmd:try(train.Metrics.of, net, loader(set), all.classes) end
if testSet then say(('validation accuracy %.2f%%'):format(100 * measure(validSet):accuracy())) end
local metrics = measure(testSet or validSet)
say(tostring(metrics))
if options.confusion ~= '' then cmd:try(metrics.draw, metrics, options.confusion) end
print(('%s accuracy %.2f%% after %d epochs in %s'):format(testSet and 'test' or 'validation', 100 * metrics:accuracy(),
  #over 'loss', train.Progress.duration(timer:time().real)))
