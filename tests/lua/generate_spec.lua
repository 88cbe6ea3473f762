-- scripts/gan.lua and scripts/vae.lua, and what they share: losses, gradient penalty, scores.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local data = require 'tocha.data'
local train = require 'tocha.train'
local files = dofile 'tests/lua/files.lua'
local adversarial, generative = train.adversarial, train.generative

local folder

local function script(name, words) return files.script(folder, name, words) end
local function fails(name, pattern, words) files.refuses(folder, name, pattern, words) end

local function exists(name)
  local file = io.open(folder .. '/' .. name)
  return file ~= nil and file:read(4) == '\137PNG'
end

-- A few digits in the layout of MNIST: drawing ten thousand takes long.
local function digits(ntrain, ntest)
  local function long(n) return string.char(0, 0, math.floor(n / 256), n % 256) end
  local function write(name, text)
    local file = assert(io.open(folder .. '/' .. name, 'wb'))
    file:write(text)
    file:close()
  end
  for part, set in pairs { train = 1, t10k = 2 } do
    local images = select(set, data.digits { train = ntrain, test = ntest })
    local n = images.data:size(1)
    write(part .. '-images-idx3-ubyte', '\0\0\8\3' .. long(n) .. long(28) .. long(28) .. images.data:storage():string())
    write(part .. '-labels-idx1-ubyte', '\0\0\8\1' .. long(n) .. images.labels:add(-1):storage():string())
  end
end

-- Both checkpoints hold the same numbers everywhere, but for the names of files.
local function same(a, b, path)
  if torch.isTensor(a) then
    assert.is_true(torch.isTensor(b) and a:isSameSizeAs(b) and (a:nElement() == 0 or a:equal(b)), path)
  elseif type(a) == 'table' then
    for key, value in pairs(a) do
      if key ~= 'options' and key ~= 'parent' then same(value, b[key], path .. '.' .. tostring(key)) end
    end
  elseif type(a) == 'number' or type(a) == 'string' then assert.equal(a, b, path) end
end

describe('scripts that make pictures', function()
  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute('mkdir ' .. folder) == 0)
    digits(64, 40)
  end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  it('gan.lua draws, judges, and goes on with the very numbers', function()
    script('train', '--data . --model mlp --epochs 1 --valid 0 --save judge.t7 --plot "" --quiet')
    local words = '--data . --model dcgan --width 4 --batch 16 --epochs 3 --conditional --spectral --loss hinge '
      .. '--out %s --save %s.t7'
    local output, err, code = script('gan', words:gsub('%%s', 'whole') .. ' --classifier judge.t7 --samples 20')
    assert.equal('', err)
    assert.equal(0, code)
    assert.matches('parameters, 64 pictures\n', output)
    assert.matches('\nepoch 3: critic [%d.]+, generator %-?[%d.]+, [%d.]+%% confident, classes from', output)
    assert.matches('\n[%d.]+%% confident, classes from [%d.]+%% to [%d.]+%%, distance [%d.]+\n$', output)
    for _, name in ipairs { 'whole-001.png', 'whole-003.png', 'whole-strip.png', 'whole-curves.png' } do
      assert.is_true(exists(name), name)
    end
    files.killed(folder, 'gan', 'state.epoch == 3', words:gsub('%%s', 'part') .. ' --classifier judge.t7 --samples 20')
    assert.equal(2, torch.load(folder .. '/part.t7').epoch)
    assert.equal(output:match '[^\n]*\n$', (script('gan', '--resume part.t7 --quiet')))
    same(torch.load(folder .. '/whole.t7'), torch.load(folder .. '/part.t7'), 'gan')
    fails('vae', 'part.t7 is no checkpoint of this script', '--resume part.t7')
    fails('gan', '%-%-model cannot be another than in part.t7, where it is dcgan', '--resume part.t7 --model mlp')
    fails('gan', 'whole.t7 holds no classifier', '--data . --classifier whole.t7 --epochs 1')
  end)

  it('gan.lua has the other losses and models, and colour pictures', function()
    for _, words in ipairs { '', '--conditional --loss wgan-gp', '--model dcgan --width 4 --loss wgan-gp --ema 0' } do
      local output, err = script('gan', '--data . --epochs 1 --batch 12 --out "" --save "" --quiet ' .. words)
      assert.equal('', err)
      assert.matches('^epoch 1: critic %-?[%d.]+, generator %-?[%d.]+\n$', output)
    end
    local image = require 'tocha.image'
    for _, class in ipairs { 'red', 'green' } do
      assert(os.execute(('mkdir -p %s/colours/%s'):format(folder, class)) == 0)
      for k = 1, 3 do image.save(('%s/colours/%s/%d.png'):format(folder, class, k), torch.rand(3, 40, 50)) end
    end
    local output, err = script('gan', '--pictures colours --model dcgan --width 2 --batch 3 --epochs 1 --save "" --conditional')
    assert.equal('', err)
    assert.matches('6 pictures\n', output)
    assert.is_true(exists 'gan-001.png')
    files.put 'no picture'
    os.execute(('cp %s %s/colours/red/4.jpg'):format(files.path(), folder))
    fails('gan', '4.jpg: no JPEG, PNG', '--pictures colours --model dcgan --width 2 --batch 7 --epochs 1 --quiet')
  end)

  it('vae.lua draws and goes on with the very numbers', function()
    local words = '--data . --hidden 16 --latent 3 --batch 16 --epochs 3 --conditional --model conv --out %s --save %s.t7'
    local output, err, code = script('vae', (words:gsub('%%s', 'whole')))
    assert.equal('', err)
    assert.equal(0, code)
    assert.matches('\nepoch 3: bound [%d.]+ train, [%d.]+ test %(divergence [%d.]+%)', output)
    for _, name in ipairs { 'reconstructions', 'samples', 'map', 'curves' } do
      assert.is_true(exists('whole-' .. name .. '.png'), name)
    end
    files.killed(folder, 'vae', 'state.epoch == 3', (words:gsub('%%s', 'part')))
    assert.equal(output:match '[^\n]*\n$', (script('vae', '--resume part.t7 --quiet')))
    same(torch.load(folder .. '/whole.t7'), torch.load(folder .. '/part.t7'), 'vae')
    assert.matches('^test bound', (script('vae', '--data . --latent 2 --epochs 1 --beta 4 --out sheet --save flat.t7 --quiet')))
    fails('gan', 'flat.t7 cannot judge these pictures: .*size mismatch', '--data . --epochs 1 --classifier flat.t7')
    assert.is_true(exists 'sheet-sheet.png')
  end)

  it('say what is wrong', function()
    fails('gan', '%-%-loss is one of bce, hinge, wgan%-gp, not "lsgan"', '--loss lsgan')
    fails('gan', '%-%-pictures wants %-%-model dcgan', '--pictures colours')
    fails('gan', '%-%-ema wants a number from 0 to below 1', '--ema 1')
    fails('gan', 'cannot read nowhere: No such file or directory', '--pictures nowhere --model dcgan')
    fails('gan', '64 pictures are less than a batch of 65', '--data . --batch 65')
    fails('gan', 'cannot read none.t7', '--data . --epochs 1 --classifier none.t7')
    fails('vae', '%-%-latent wants a whole number from 1, not 0', '--latent 0')
    fails('vae', '%-%-beta wants a weight from 0', '--beta -1')
    fails('vae', 'cannot write nowhere/x', '--out nowhere/x')
  end)
end)

describe('adversarial losses', function()
  it('have the values and slopes of their formulas', function()
    local out = torch.Tensor { { .5 }, { -2 } }
    local function check(loss, want, slopes)
      local value, slope = adversarial.slope(loss, out)
      assert.is_near(want, value, 1e-5)
      for i = 1, 2 do assert.is_near(slopes[i], slope[i][1], 1e-5) end
    end
    local losses = adversarial.losses
    local function s(x) return 1 / (1 + math.exp(-x)) end
    check(losses.bce.real, (-math.log(s(.5)) - math.log(s(-2))) / 2, { (s(.5) - 1) / 2, (s(-2) - 1) / 2 })
    check(losses.bce.fake, (-math.log(1 - s(.5)) - math.log(1 - s(-2))) / 2, { s(.5) / 2, s(-2) / 2 })
    check(losses.hinge.real, (.5 + 3) / 2, { -.5, -.5 })
    check(losses.hinge.fake, 1.5 / 2, { .5, 0 })
    check(losses['wgan-gp'].fake, -.75, { .5, .5 })
    check(losses['wgan-gp'].generator, .75, { -.5, -.5 })
  end)

  it('penalize slopes other than 1, and reach the parameters by second derivatives', function()
    local critic = nn.Sequential():add(nn.Linear(3, 1))
    critic:get(1).weight:copy(torch.Tensor { { 0, 3, 4 } })
    critic:zeroGradParameters()
    local penalty = adversarial.gradientPenalty(critic, torch.randn(4, 3), torch.randn(4, 3))
    assert.is_near(16, penalty:item(), 1e-4) -- (|w| - 1)^2
    penalty:backward()
    for k, want in ipairs { 0, 2 * 4 * 3 / 5, 2 * 4 * 4 / 5 } do assert.is_near(want, critic:get(1).gradWeight[1][k], 1e-4) end
    torch.manualSeed(1)
    local net = nn.Sequential():add(nn.Linear(3, 5)):add(nn.Tanh()):add(nn.Linear(5, 1)):double()
    local real, fake = torch.randn(4, 3):double(), torch.randn(4, 3):double()
    local weights, gradients = net:getParameters()
    local function value()
      torch.manualSeed(2)
      return adversarial.gradientPenalty(net, real, fake)
    end
    gradients:zero()
    value():backward()
    for _, i in ipairs { 1, 8, 17, 23 } do
      local kept = weights[i]
      weights[i] = kept + 1e-6
      local above = value():item()
      weights[i] = kept - 1e-6
      local below = value():item()
      weights[i] = kept
      assert.is_near((above - below) / 2e-6, gradients[i], 1e-6)
    end
  end)
end)

describe('what scripts that make pictures share', function()
  it('puts labels beside pictures', function()
    local labels = torch.LongTensor { 2, 1 }
    assert.same({ { 0, 1, 0 }, { 1, 0, 0 } }, generative.oneHot(labels, 3):totable())
    assert.same({ { 5, 0, 1 }, { 6, 1, 0 } }, generative.beside(torch.FloatTensor { { 5 }, { 6 } }, labels, 2):totable())
    local planes = generative.beside(torch.zeros(2, 1, 2, 2), labels, 2)
    assert.same({ 2, 3, 2, 2 }, planes:size():totable())
    assert.equal(4, planes[{ 1, 3 }]:sum())
    assert.equal(0, planes[{ 1, 2 }]:sum())
  end)

  it('walks along great circles', function()
    local way = generative.between(torch.Tensor { { 2, 0 } }, torch.Tensor { { 0, 2 } }, 3)
    for k, want in ipairs { { 2, 0 }, { math.sqrt(2), math.sqrt(2) }, { 0, 2 } } do
      for i = 1, 2 do assert.is_near(want[i], way[1][k][i], 1e-5) end
    end
    assert.same({ { { 1, 2 }, { 1, 2 } } }, generative.between(torch.Tensor { { 1, 2 } }, torch.Tensor { { 1, 2 } }, 2):totable())
  end)

  it('finds where points lie widest', function()
    torch.manualSeed(1)
    local points = torch.randn(500, 3)
    points:select(2, 2):mul(10)
    points:select(2, 3):mul(3)
    local seen = generative.principal(points)
    assert.is_near(points:select(2, 2):std(), seen:select(2, 1):std(), .1)
    assert.is_near(points:select(2, 3):std(), seen:select(2, 2):std(), .1)
  end)
end)

describe('the score of made pictures', function()
  -- A classifier of one pixel pair: its features are the pixels, its classes which of them is brighter.
  local function judge()
    local net = nn.Sequential():add(nn.View(-1, 2)):add(nn.Linear(2, 2))
    net:get(2).weight:copy(torch.Tensor { { 1, -1 }, { -1, 1 } })
    net:get(2).bias:zero()
    return net
  end
  local function asIs(x) return x:float() end

  it('counts confident samples and classes', function()
    local samples = torch.FloatTensor { { 9, 0 }, { 8, 0 }, { 7, 1 }, { 3, 3.1 } }:view(4, 1, 1, 2)
    local s = train.generativeScore(samples, { classifier = judge(), reference = samples, normalize = asIs })
    assert.equal(.75, s.confident)
    assert.same({ .75, .25 }, s.classes)
    assert.same({ .25, .75 }, { s.least, s.most })
    assert.is_near(0, s.distance, 1e-6)
    local options = { classifier = judge(), reference = samples, normalize = asIs }
    train.generativeScore(samples, options)
    options.reference = samples + 3 -- what is kept from the call before does not stand
    assert.is_near(18, train.generativeScore(samples, options).distance, 1e-4)
  end)

  it('measures the distance of normal distributions', function()
    torch.manualSeed(1)
    local function cloud(x, y, a, b)
      local c = torch.randn(20000, 1, 1, 2)
      c:select(4, 1):mul(a):add(x)
      c:select(4, 2):mul(b):add(y)
      return c
    end
    local s = train.generativeScore(cloud(3, 0, 1, 2), { classifier = judge(), reference = cloud(0, 1, 2, 5), normalize = asIs })
    assert.is_near(9 + 1 + (2 - 1) ^ 2 + (5 - 2) ^ 2, s.distance, .5) -- of diagonal covariances
  end)

  it('names what is missing', function()
    local function message(...) return (select(2, pcall(train.generativeScore, ...))) end
    local two = torch.zeros(2, 1, 1, 2)
    assert.matches('generativeScore: options.classifier is missing', message(two, { reference = two, normalize = asIs }))
    assert.matches('generativeScore: reference is 1, but a tensor',
      message(two, { classifier = judge(), reference = 1, normalize = asIs }))
    assert.matches('generativeScore: samples are %(N,C,H,W%)',
      message(two:view(2, 2), { classifier = judge(), reference = two, normalize = asIs }))
    assert.matches('generativeScore: nn.Tanh holds no classifier that ends in a linear layer',
      message(two, { classifier = nn.Tanh(), reference = two, normalize = asIs }))
  end)
end)
