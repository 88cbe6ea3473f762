#!/usr/bin/env luajit
-- Learns to make pictures: a generator against a critic (Goodfellow et al. 2014).
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local optim = require 'tocha.optim'
local data = require 'tocha.data'
local models = require 'tocha.models.gan'
local train = require 'tocha.train'
local adversarial, generative = train.adversarial, train.generative

-- Options -------------------------------------------------------------------------------------------------------------
local cmd = torch.CmdLine()
cmd:text 'Learns to make digits, or pictures like those of a folder. Draws samples, a way between samples and curves.\n'
cmd:option('--data', '', 'folder of IDX files in the layout of MNIST; without it digits are drawn')
cmd:option('--pictures', '', 'folder or tar archive of colour pictures, a class per folder, made at 64x64; wants --model dcgan')
cmd:option('--model', 'mlp', 'mlp (dense layers) or dcgan (convolutions; Radford et al. 2015)', { 'mlp', 'dcgan' })
cmd:option('--width', 32, "planes of the largest pictures inside a dcgan's critic; its generator has twice as many", { from = 1 })
cmd:option('--loss', 'bce', 'bce, hinge or wgan-gp', { 'bce', 'hinge', 'wgan-gp' })
cmd:option('--conditional', false, 'tell both networks the class')
cmd:option('--spectral', false, 'hold the spectral norms of the critic at 1')
cmd:option('--dropout', -1, "share of numbers that an mlp's critic leaves out; below 0: what suits the loss")
cmd:option('--noise', 100, 'numbers that a picture is made from', { from = 1 })
cmd:option('--epochs', 10, 'passes over the training set', { from = 1 })
cmd:option('--batch', 64, 'pictures a step', { from = 2 })
cmd:option('--lr', 0, 'rate of Adam, which falls to 0 over the last half of the run; 0: what suits the model and the loss')
cmd:option('--beta1', -1, 'of Adam; below 0: what suits the model')
cmd:option('--ema', .999, 'decay of the average of the generator that samples are made with; 0: no average')
cmd:option('--limit', 0, 'pictures of the training set to use; 0: all', { from = 0 })
cmd:option('--classifier', '', 'checkpoint of train.lua that judges digits after each epoch')
cmd:option('--samples', 10000, 'samples of the last judgement', { from = 2 })
cmd:option('--seed', 1, 'of weights, order, noise and drawn digits', { from = 0 })
cmd:option('--threads', torch.getnumthreads(), 'of the engine; they do not change the result', { from = 1 })
cmd:option('--out', 'gan', 'beginning of names of pictures: gan-001.png ... (samples), gan-strip.png, gan-curves.png; "": none')
cmd:option('--save', 'gan.t7', 'checkpoint written after each epoch; "" for none')
cmd:option('--resume', '', 'checkpoint to go on from, with its settings except those given here')
cmd:option('--quiet', false, 'print nothing but the last line')
local options, state = train.start(cmd, 'gan', {
  fixed = { 'model', 'width', 'loss', 'conditional', 'spectral', 'noise', 'ema', 'dropout' },
  holds = { model = 'nn.Module', critic = 'nn.Module', epoch = 'number', history = 'table', generatorState = 'table',
    criticState = 'table' } })
if options.ema < 0 or options.ema >= 1 then cmd:error '--ema wants a number from 0 to below 1' end
if options.beta1 >= 1 then cmd:error '--beta1 wants a number below 1' end
if options.dropout >= 1 then cmd:error '--dropout wants a number below 1' end
if options.lr < 0 then cmd:error '--lr wants a rate above 0' end
local colour = options.pictures ~= ''
if colour and options.model ~= 'dcgan' then cmd:error '--pictures wants --model dcgan' end
if colour and options.data .. options.classifier ~= '' then cmd:error '--data and --classifier are for digits, not --pictures' end
local function say(...) if not options.quiet then print(...) end end

-- Data ----------------------------------------------------------------------------------------------------------------
-- batches(epoch) iterates over pictures from -1 to 1 and their labels; all batches are whole.
local channels, side, classes = 1, 28, 10
local count, batches, judge
if colour then
  channels, side = 3, 64
  local set = cmd:try(data.fromFolder, options.pictures)
  if options.limit > 0 then
    local some = torch.randperm(torch.Generator(options.seed), data.size(set)):long()
    set = data.select(set, some:narrow(1, 1, math.min(options.limit, data.size(set))))
  end
  classes, count = #set.classes, data.size(set)
  local loader = data.DataLoader(set, { batch = options.batch, height = side, width = side, cover = true, mean = .5,
    deviation = .5, shuffle = true, dropLast = true, seed = options.seed, augment = { hflip = true } })
  function batches(epoch) return loader:batches(epoch) end
else
  local trainSet, testSet, all = cmd:try(generative.digits, options)
  judge = options.classifier ~= '' and cmd:try(train.generativeScore.prepare, { classifier = options.classifier,
    reference = testSet.data, normalize = data.normalizer(all) })
  count = data.size(trainSet)
  function batches()
    return data.batches(trainSet, options.batch, { order = torch.randperm(count):long(),
      limit = math.floor(count / options.batch), transform = function(x) return x:float():mul(2 / 255):add(-1) end })
  end
end
if count < options.batch then cmd:fail(('%d pictures are less than a batch of %d'):format(count, options.batch)) end
local given = options.conditional and classes or 0 -- numbers that tell the class
local loss = adversarial.losses[options.loss]
local dropout = options.dropout >= 0 and options.dropout or (loss.penalty or options.spectral) and 0 or .3

-- Models --------------------------------------------------------------------------------------------------------------
local run = state or { script = 'gan', options = options, epoch = 0, history = { critic = {}, generator = {} },
                       generatorState = {}, criticState = {} }
local sort = ('of %d planes in %d classes'):format(channels, classes)
if (run.sort or sort) ~= sort then cmd:fail(('%s had pictures %s, not %s'):format(options.resume, run.sort, sort)) end
run.sort = sort
if not state then
  local kind = models[options.model]
  run.model = kind.generator { inputs = options.noise + given, channels = channels, side = side, width = 2 * options.width }
  run.critic = kind.critic { channels = channels, side = side, width = options.width, classes = given, dropout = dropout,
    spectral = options.spectral, statistics = not loss.penalty and not options.spectral } -- neither goes with them
  run.fixed = torch.randn(64, options.noise)
end
local generator, critic, history = run.model, run.critic, run.history
local weights, gradients = generator:getParameters()
local criticWeights, criticGradients = critic:getParameters()
if not state and options.ema > 0 then run.average = optim.Average(generator, options.ema, 10) end
say(('%s\n%s'):format(generator, critic))
say(('%d and %d parameters, %d pictures'):format(weights:nElement(), criticWeights:nElement(), count))

-- Samples -------------------------------------------------------------------------------------------------------------
local function told(x, labels) return given > 0 and generative.beside(x, labels, classes) or x end

-- Pictures (N,C,H,W) from -1 to 1 by the averaged generator.
local function make(noise, labels)
  if run.average then run.average:swap() end
  local made = generative.evaluate(generator, told(noise, labels))
  if run.average then run.average:swap() end
  return made:view(-1, channels, side, side)
end

-- Of up to 16 classes each has columns of its own, and on the strip rows.
local function draw(epoch)
  local shown = math.min(classes, 16)
  local look = { columns = given > 0 and shown * math.max(math.floor(10 / shown), 1) or 8, low = -1, high = 1 }
  local n = math.floor(64 / look.columns) * look.columns
  train.grid(('%s-%03d.png'):format(options.out, epoch), make(run.fixed:narrow(1, 1, n), generative.inTurn(n, shown)), look)
  local way = generative.between(run.fixed:narrow(1, 1, 5), run.fixed:narrow(1, 6, 5), 10):view(50, -1)
  look.columns = 10
  train.grid(options.out .. '-strip.png', make(way, generative.inTurn(5, classes):view(5, 1):expand(5, 10):reshape(50)), look)
  local curves = { { name = 'critic', y = history.critic }, { name = 'generator', y = history.generator } }
  look = { title = options.model .. ' ' .. options.loss, xlabel = 'epoch', ylabel = 'loss' }
  train.plot(options.out .. '-curves.png', curves, look)
end

local function score(n)
  local pictures = make(torch.randn(n, options.noise), generative.inTurn(n, classes))
  local s = train.generativeScore(pictures:add(1):mul(127.5), judge)
  return ('%.1f%% confident, classes from %.1f%% to %.1f%%, distance %.2f'):format(100 * s.confident, 100 * s.least,
    100 * s.most, s.distance)
end

-- Training ------------------------------------------------------------------------------------------------------------
local careful = options.model == 'mlp' or loss.penalty ~= nil
local rate = options.lr > 0 and options.lr or careful and 1e-4 or 5e-4
local config = { beta1 = options.beta1 >= 0 and options.beta1 or careful and .5 or .2, beta2 = loss.penalty and .9 or .999 }
local function descend(x, gradient, memory) optim.adam(function() return 0, gradient end, x, config, memory) end

-- The critic learns from real and made pictures.
local function criticStep(real, fake, labels)
  criticGradients:zero()
  local sum = 0
  for _, part in ipairs { { loss.real, real }, { loss.fake, fake } } do
    local input = told(part[2], labels)
    local value, slope = adversarial.slope(part[1], critic:forward(input))
    critic:backward(input, slope)
    sum = sum + value
  end
  if loss.penalty then
    local penalty = adversarial.gradientPenalty(function(x) return critic(told(x, labels)) end, real, fake) * loss.penalty
    penalty:backward()
    sum = sum + penalty:item()
  end
  descend(criticWeights, criticGradients, run.criticState)
  return sum
end

-- The generator learns how the critic, as it now is, likes what was made.
local function generatorStep(input, fake, labels)
  local shown = told(fake, labels)
  local value, slope = adversarial.slope(loss.generator, critic:forward(shown))
  gradients:zero()
  local wish = critic:updateGradInput(shown, slope):narrow(2, 1, fake:size(2))
  generator:backward(input, wish:contiguous())
  descend(weights, gradients, run.generatorState)
  if run.average then run.average:update() end
  return value
end

local function epoch(number)
  local bar = train.Progress(count, { label = ('epoch %d/%d'):format(number, options.epochs), unit = 'pictures',
    quiet = options.quiet })
  local critics, generators, k, steps = 0, 0, 0, 0
  for real, labels in batches(number) do
    local n = real:size(1)
    config.learningRate = rate * math.min(1, 2 * (1 - (number - 1 + k * n / count) / options.epochs))
    if options.model == 'mlp' then real = real:view(n, -1) end
    local input = told(torch.randn(n, options.noise), labels)
    local fake = generator:forward(input)
    critics, k = critics + criticStep(real, fake, labels), k + 1
    if k % loss.steps == 0 then generators, steps = generators + generatorStep(input, fake, labels), steps + 1 end
    bar:update(k * n, ('critic %.3f  generator %.3f'):format(critics / k, generators / math.max(steps, 1)))
  end
  bar:finish()
  history.critic[number], history.generator[number] = critics / k, generators / math.max(steps, 1)
end

for number = run.epoch + 1, options.epochs do
  local timer, note = torch.Timer(), ''
  cmd:try(epoch, number)
  run.epoch = number
  if history.critic[number] ~= history.critic[number] then cmd:fail 'the loss is no number: a lower --lr may help' end
  if judge then note = ', ' .. cmd:try(score, 1000) end
  say(('epoch %d: critic %.4f, generator %.4f%s, %.1f s'):format(number, history.critic[number], history.generator[number], note,
    timer:time().real))
  if options.out ~= '' then cmd:try(draw, number) end
  if options.save ~= '' then cmd:try(train.checkpoint.save, options.save, run) end
end
print(judge and cmd:try(score, options.samples) or ('epoch %d: critic %.4f, generator %.4f'):format(run.epoch,
  history.critic[run.epoch], history.generator[run.epoch]))
