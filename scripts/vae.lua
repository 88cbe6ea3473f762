#!/usr/bin/env luajit
-- Learns a code of digits from which they can be made again: a variational autoencoder (Kingma and Welling 2014).
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local data = require 'tocha.data'
local models = require 'tocha.models.vae'
local train = require 'tocha.train'
local F = require 'tocha.nn.functional'
local generative = train.generative

-- Options -------------------------------------------------------------------------------------------------------------
local cmd = torch.CmdLine()
cmd:text 'Learns a code of digits and prints the bound on their negative log likelihood, in nats a picture. Draws reconstructions,'
cmd:text 'samples, a map of the codes and curves.\n'
cmd:option('--data', '', 'folder of IDX files in the layout of MNIST; without it digits are drawn')
cmd:option('--model', 'mlp', 'mlp (one hidden layer on each side) or conv (two convolutions as well)', { 'mlp', 'conv' })
cmd:option('--hidden', 400, 'units of the hidden layers', { from = 1 })
cmd:option('--latent', 20, 'numbers of a code; with 2 a sheet of what all codes stand for is drawn too', { from = 1 })
cmd:option('--beta', 1, 'weight of the divergence of codes from a normal distribution (Higgins et al. 2017)')
cmd:option('--conditional', false, 'tell both halves the class')
cmd:option('--epochs', 10, 'passes over the training set', { from = 1 })
cmd:option('--batch', 128, 'pictures a step', { from = 1 })
cmd:option('--lr', 1e-3, 'rate of Adam')
cmd:option('--limit', 0, 'pictures of the training set to use; 0: all', { from = 0 })
cmd:option('--seed', 1, 'of weights, order, noise and drawn digits', { from = 0 })
cmd:option('--threads', torch.getnumthreads(), 'of the engine; they do not change the result', { from = 1 })
cmd:option('--out', 'vae', 'beginning of names of pictures: vae-reconstructions.png, -samples, -map, -sheet, -curves; "": none')
cmd:option('--save', 'vae.t7', 'checkpoint written after each epoch; "" for none')
cmd:option('--resume', '', 'checkpoint to go on from, with its settings except those given here')
cmd:option('--quiet', false, 'print nothing but the last line')
local options, state = train.start(cmd, 'vae', { fixed = { 'model', 'hidden', 'latent', 'conditional' },
  holds = { model = 'nn.Module', decoder = 'nn.Module', epoch = 'number', optimState = 'table', history = 'table' } })
if options.lr <= 0 then cmd:error '--lr wants a rate above 0' end
if options.beta < 0 then cmd:error '--beta wants a weight from 0' end
local function say(...) if not options.quiet then print(...) end end

-- Data ----------------------------------------------------------------------------------------------------------------
local trainSet, testSet = cmd:try(generative.digits, options)
local count, classes = data.size(trainSet), options.conditional and 10 or 0
local function flat(images) return images:float():mul(1 / 255):view(images:size(1), -1) end

-- Model ---------------------------------------------------------------------------------------------------------------
local about = { hidden = options.hidden, latent = options.latent, classes = classes }
local run = state or { script = 'vae', options = options, epoch = 0, optimState = {}, history = { train = {}, test = {} },
                       model = models[options.model].encoder(about), decoder = models[options.model].decoder(about) }
local encoder, decoder, history = run.model, run.decoder, run.history
local whole = nn.Sequential():add(encoder):add(decoder)
local weights, gradients = whole:getParameters()
say(tostring(whole))
say(('%d parameters, %d pictures to train, %d to test'):format(weights:nElement(), count, data.size(testSet)))

local function told(x, labels) return classes > 0 and generative.beside(x, labels, classes) or x end

-- Means and logarithms of variances of the codes of pictures.
local function encode(x, labels)
  local code = encoder(told(x, labels))
  return code:narrow(2, 1, options.latent), code:narrow(2, options.latent + 1, options.latent)
end

-- What the pixels cost, and the divergence KL(q(z|x) || N(0, 1)) (appendix B of the paper), both as sums over a batch.
local function bound(x, labels)
  local mean, logVariance = encode(x, labels)
  local noise = torch.randn(mean:size(1), options.latent)
  local code = mean + torch.cmul(noise, torch.exp(logVariance * .5))
  local pixels = torch.mul(F.bce_with_logits(decoder(told(code, labels)), x), x:nElement())
  local divergence = F.sum(torch.square(mean) + torch.exp(logVariance) - logVariance - 1) * .5
  return pixels, divergence
end

local function pictures(code, labels)
  return torch.noGrad(function() return torch.sigmoid(decoder(told(code, labels))):view(-1, 28, 28) end)
end

-- Training ------------------------------------------------------------------------------------------------------------
local function epoch(number)
  local label = ('epoch %d/%d'):format(number, options.epochs)
  local bar = train.Progress(count, { label = label, unit = 'pictures', quiet = options.quiet })
  local sum, seen = 0, 0
  for x, labels in data.batches(trainSet, options.batch, { order = torch.randperm(count):long(), transform = flat }) do
    local n = x:size(1)
    gradients:zero()
    local pixels, divergence = bound(x, labels)
    local loss = (pixels + divergence * options.beta) / n
    loss:backward()
    optim.adam(function() return 0, gradients end, weights, { learningRate = options.lr }, run.optimState)
    sum, seen = sum + pixels:item() + divergence:item(), seen + n
    bar:update(seen, ('bound %.2f'):format(sum / seen))
  end
  bar:finish()
  return sum / seen
end

-- The bound on the test set (beta counts for learning alone), and its share that is divergence.
local function test()
  local sum, code = 0, 0
  torch.noGrad(function()
    for x, labels in data.batches(testSet, 500, { transform = flat }) do
      local pixels, divergence = bound(x, labels)
      sum, code = sum + pixels:item() + divergence:item(), code + divergence:item()
    end
  end)
  return sum / data.size(testSet), code / data.size(testSet)
end

-- Pictures ------------------------------------------------------------------------------------------------------------
local function drawMap()
  local n = math.min(2000, data.size(testSet))
  local labels = testSet.labels:narrow(1, 1, n)
  local spots = generative.principal(torch.noGrad(function() return (encode(flat(testSet.data:narrow(1, 1, n)), labels)) end))
  local curves = {}
  for k = 1, 10 do curves[k] = { name = tostring(k - 1), x = {}, y = {}, style = '.' } end
  for i = 1, n do
    local curve = curves[labels[i]]
    curve.x[#curve.x + 1], curve.y[#curve.y + 1] = spots[i][1], spots[i][2]
  end
  train.plot(options.out .. '-map.png', curves, { title = options.latent > 2 and 'codes, two principal components' or 'codes' })
end

local function draw()
  local n = math.min(40, data.size(testSet))
  local x, labels = flat(testSet.data:narrow(1, 1, n)), testSet.labels:narrow(1, 1, n)
  local again = pictures(torch.noGrad(function() return (encode(x, labels)) end), labels)
  local both = torch.stack({ x:view(n, 28, 28), again }, 2):view(2 * n, 28, 28)
  train.grid(options.out .. '-reconstructions.png', both, { columns = 10 })
  train.grid(options.out .. '-samples.png', pictures(run.fixed, generative.inTurn(100, 10)), { columns = 10 })
  drawMap()
  if options.latent == 2 then
    local sheet = torch.Tensor(400, 2)
    for k = 0, 399 do sheet[k + 1][1], sheet[k + 1][2] = k % 20 * .25 - 2.375, math.floor(k / 20) * .25 - 2.375 end
    train.grid(options.out .. '-sheet.png', pictures(sheet, torch.LongTensor(400):fill(4)), { columns = 20, pad = 0 })
  end
  train.plot(options.out .. '-curves.png', { { name = 'train', y = history.train }, { name = 'test', y = history.test } },
    { title = 'Bound', xlabel = 'epoch', ylabel = 'nats a picture' })
end

run.fixed = run.fixed or torch.randn(100, options.latent)
for number = run.epoch + 1, options.epochs do
  local timer = torch.Timer()
  history.train[number] = cmd:try(epoch, number)
  if history.train[number] ~= history.train[number] then cmd:fail 'the bound is no number: a lower --lr may help' end
  local value, divergence = test()
  history.test[number] = value
  run.epoch = number
  say(('epoch %d: bound %.2f train, %.2f test (divergence %.2f), %.1f s'):format(number, history.train[number],
    history.test[number], divergence, timer:time().real))
  if options.out ~= '' then cmd:try(draw) end
  if options.save ~= '' then cmd:try(train.checkpoint.save, options.save, run) end
end
print(('test bound %.2f nats'):format(history.test[run.epoch]))
