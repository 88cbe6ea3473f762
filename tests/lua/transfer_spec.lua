-- Networks in files, predictions, and the scripts around them: transfer, explain, search.
local torch = require 'tocha'
local data = require 'tocha.data'
local image = require 'tocha.image'
local models = require 'tocha.models'
local search = require 'tocha.train.search'
local files = dofile 'tests/lua/files.lua'
local says = files.says

local root = io.popen('pwd'):read '*l'
local folder

local function run(name, words)
  local pipe = io.popen(('cd %s && luajit %s/scripts/%s.lua %s 2>&1; echo "code $?"'):format(folder, root, name, words))
  local text = pipe:read '*a'
  pipe:close()
  local output, code = text:match '^(.*)code (%d+)\n$'
  return output, tonumber(code)
end

-- Two classes: bright pictures and dark ones.
local function fill()
  torch.manualSeed(5)
  for c, class in ipairs { 'bright', 'dark' } do
    assert(os.execute('mkdir -p ' .. folder .. '/set/' .. class) == 0)
    for k = 1, 12 do
      image.save(('%s/set/%s/%02d.jpg'):format(folder, class, k), torch.rand(3, 10, 12):mul(.3):add(c == 1 and .6 or .1))
    end
  end
end

describe('Networks for pictures', function()
  before_each(function()
    folder = files.makeFolder()
    fill()
  end)
  after_each(files.removeFolder)

  it('go into files with what prediction needs, and come back', function()
    torch.manualSeed(1)
    local net = models.cifar_resnet20 { classes = 2, names = { 'bright', 'dark' }, dense = 8 }
    local picture = folder .. '/set/dark/01.jpg'
    local before = models.predict(net, picture)
    assert.is_near(1, before[1].share + before[2].share, 1e-5)
    for _, name in ipairs { 'net.t7', torch.readSafetensors and 'net.safetensors' or nil } do
      models.save(folder .. '/' .. name, net)
      local again = models.load(folder .. '/' .. name)
      assert.same({ 'bright', 'dark' }, again.info.classes)
      assert.same({ 3, 32, 32 }, again.info.size)
      assert.same(before, models.predict(again, picture))
      local base = models.cifar_resnet20 { classes = 5, pretrained = folder .. '/' .. name, newHead = true }
      assert.equal(0, (models.state(base)['conv1.weight'] - models.state(net)['conv1.weight']):abs():max())
      says('does not fit the network', models.cifar_resnet32, { pretrained = folder .. '/' .. name, newHead = true })
    end
  end)

  it('say what a file of weights alone is for', function()
    files.write('weights.pth', 'PK\3\4')
    says('holds weights alone: models.NAME { pretrained = path }', models.load, folder .. '/weights.pth')
  end)

  it('take weights by name from tables and checkpoints', function()
    local net = models.lenet()
    local state = {}
    for name, t in pairs(models.state(net)) do state['module.' .. name] = t end
    torch.save(folder .. '/w.t7', { state_dict = state })
    local again = models.lenet { pretrained = folder .. '/w.t7' }
    assert.equal(0, (models.state(again)['fc1.weight'] - models.state(net)['fc1.weight']):abs():max())
    state['module.conv1.bias'], state.extra = torch.zeros(7), torch.zeros(1)
    torch.save(folder .. '/w.t7', { state_dict = state })
    says('conv1.bias is 7, but the network has 6', models.lenet, { pretrained = folder .. '/w.t7' })
    says('extra is not in the network', models.lenet, { pretrained = folder .. '/w.t7' })
    says('there is no option colour', models.lenet, { colour = 1 })
    says('cannot read', models.lenet, { pretrained = folder .. '/none' })
    torch.save(folder .. '/w.t7', 7)
    says('holds a number, not tensors by name', models.lenet, { pretrained = folder .. '/w.t7' })
  end)

  it('see the middle of a picture, in their size', function()
    local net = models.lenet()
    local picture = torch.zeros(1, 28, 40)
    picture:narrow(3, 7, 28):fill(.5)
    local x = models.prepare(net, picture)
    assert.same({ 1, 1, 28, 28 }, x:size():totable())
    assert.is_near((.5 - .1307) / .3081, x:min(), 1e-5)
    assert.is_near(x:min(), x:max(), 1e-6)
    says('a picture of 1 planes', models.prepare, net, torch.rand(3, 4, 4))
    assert.same({ 1, 1, 28, 28 }, models.prepare(net, torch.rand(1, 1, 1)):size():totable())
  end)

  it('learn the classes of a folder, and tell them', function()
    local common = '--data set --base cifar_resnet20 --dense 64 --batch 8 --valid .25 --threads 1 --lr 3e-3 --size 16 '
    local text, code = run('transfer', common .. '--epochs 30 --patience 30 --tune 1 --tunelr 1e-5 --unfreeze 1')
    assert.equal(0, code, text)
    assert.is_truthy(text:find('validation accuracy 100.00% after', 1, true), text)
    assert.is_truthy(text:find('precision', 1, true))
    for _, name in ipairs { 'transfer.t7', 'transfer.png', 'confusion.png' } do assert.is_truthy(io.open(folder .. '/' .. name)) end
    text, code = run('transfer', '--predict set/dark/03.jpg')
    assert.equal(0, code)
    assert.is_truthy(text:find '^dark +%d+%.%d%d%%  =+\nbright', text)
    text, code = run('explain', '--picture set/dark/03.jpg --method gradcam --filters 1 --size 32')
    assert.equal(0, code, text)
    assert.is_truthy(text:find('explain-gradcam.png: dark', 1, true), text)
    assert.same({ 3, 32, 32 }, image.load(folder .. '/explain-gradcam.png', 3, 'byte'):size():totable())
  end)

  it('go on in the middle of fine-tuning as if nothing had been', function()
    local words = '--data set --base cifar_resnet20 --dense 8 --batch 12 --valid .25 --threads 1 --size 8 --epochs 2 --tune 3 '
      .. '--unfreeze 2 --flip --plot= --confusion= --save %s.t7 --checkpoint %s-run.t7'
    local text, code = run('transfer', (words:gsub('%%s', 'whole')))
    assert.equal(0, code, text)
    files.killed(folder, 'transfer', "state.phase == 'fine-tuning' and state.epoch == 2", (words:gsub('%%s', 'part')))
    local again, fine = run('transfer', '--resume part-run.t7')
    assert.equal(0, fine, again)
    assert.is_nil(again:find('head:', 1, true))
    assert.equal(text:match 'accuracy [%d.]+%% after 5 epochs', again:match 'accuracy [%d.]+%% after 5 epochs')
    local whole, part = models.state(models.load(folder .. '/whole.t7')), models.state(models.load(folder .. '/part.t7'))
    for name, t in pairs(whole) do assert.is_true(t:equal(part[name]), name) end
    assert.same({ 'transfer.lua: part.t7 is no checkpoint, but a nn.Sequential that was saved otherwise\n', 1 },
      { run('transfer', '--resume part.t7') })
  end)

  it('are validated on folds, by a table', function()
    local text, code = run('transfer', '--data set --base cifar_resnet20 --dense 8 --batch 12 --threads 1 --size 8 --epochs 1 '
      .. '--tune 0 --folds 2 --plot= --confusion= --quiet')
    assert.equal(0, code, text)
    local a, b = text:match '\n +%d +%d +([%d.]+) +[%d.]+\n +%d +%d +([%d.]+) +[%d.]+\n'
    local mean = text:match 'validation accuracy ([%d.]+)%%, deviation [%d.]+%%, of 2 folds\n$'
    assert.is_near((a + b) / 2, tonumber(mean), .01)
    for fold = 1, 2 do assert.is_truthy(io.open(('%s/transfer-%d.t7'):format(folder, fold))) end
    assert.same({ 'transfer.lua: --fold 3 is more than --folds 2 (--help lists the options)\n', 1 },
      { run('transfer', '--data set --folds 2 --fold 3') })
    text, code = run('transfer', '--data none --folds 2')
    assert.same({ 'transfer.lua: run 1 of 2: transfer.lua: cannot read none: No such file or directory\n', 1 },
      { text:match '[^\n]*\n$', code })
  end)

  it('name a picture that cannot be read, and go on without it', function()
    local handle = assert(io.open(folder .. '/set/dark/13.jpg', 'wb'))
    handle:write '\255\216\255no JPEG'
    handle:close()
    local words = '--data set --base cifar_resnet20 --dense 8 --batch 12 --threads 1 --size 8 --epochs 1 --plot= --confusion= '
      .. '--save= '
    local text, code = run('transfer', words .. '--tune 0')
    assert.equal(1, code)
    assert.is_truthy(text:find('transfer.lua: set/dark/13.jpg: ', 1, true), text)
    text, code = run('transfer', words .. '--tune 1 --skip')
    assert.equal(0, code, text)
    assert.equal(1, select(2, text:gsub('left out: set/dark/13.jpg: ', '')), text) -- once, though each part meets it
    assert.same({ 'transfer.lua: --batch wants a whole number from 1, not 0 (--help lists the options)\n', 1 },
      { run('transfer', words .. '--batch 0') })
  end)

  it('refuse what they cannot learn from', function()
    assert(os.execute('mkdir -p ' .. folder .. '/one/only && cp ' .. folder .. '/set/dark/01.jpg ' .. folder .. '/one/only') == 0)
    assert.same({ 'transfer.lua: one holds one class: there is nothing to tell apart\n', 1 }, { run('transfer', '--data one') })
    assert.same({ 'transfer.lua: there is no base resnet7 (--help lists the options)\n', 1 },
      { run('transfer', '--data set --base resnet7') })
    local text, code = run('transfer', '--predict none.jpg --load none.t7')
    assert.equal(1, code)
    assert.is_truthy(text:find('cannot read none.t7', 1, true), text)
  end)
end)

describe('Searches', function()
  it('run grids, go on after errors, and put the best first', function()
    local settings = search.grid { { 'a', { 1, 2 } }, { 'b', { 'x', 'y', 'z' } } }
    assert.equal(6, #settings)
    assert.same({ a = 1, b = 'y' }, settings[2])
    local runs = search.run(settings, function(s)
      if s.b == 'y' then error('no y', 0) end
      return s.a + (s.b == 'z' and .5 or 0)
    end)
    assert.same({ 2.5, 2, 1.5, 1 }, { runs[1].score, runs[2].score, runs[3].score, runs[4].score })
    assert.is_nil(runs[5].score)
    local text = search.table(runs)
    assert.is_truthy(text:find('run  a  b   score  seconds', 1, true), text)
    assert.is_truthy(text:find 'failed +%d%.%d  no y')
  end)

  it('draw from lists and ranges, the same for the same seed', function()
    local space = { { 'rate', { from = 1e-4, to = 1e-1, log = true } }, { 'n', { from = 1, to = 3, whole = true } },
      { 'k', { 'p', 'q' } } }
    local settings, below = search.random(space, 200, 2), 0
    for _, s in ipairs(settings) do
      assert.is_true(s.rate >= 1e-4 and s.rate <= 1e-1 and s.n % 1 == 0 and s.n >= 1 and s.n <= 3 and (s.k == 'p' or s.k == 'q'))
      below = below + (s.rate < 10 ^ -2.5 and 1 or 0)
    end
    assert.is_true(below > 70 and below < 130)
    assert.same(settings, search.random(space, 200, 2))
    says('rate is a range; a grid needs a list', search.grid, space)
    says('no choices for k', search.grid, { { 'k', {} } })
  end)

  it('train on folds', function()
    local set = data.fromTensors(torch.range(1, 10):view(10, 1), torch.LongTensor { 1, 1, 1, 1, 1, 2, 2, 2, 2, 2 })
    local seen = {}
    local mean, deviation, runs = search.folds(set, 5, function(train, valid, fold)
      assert.same({ 8, 2 }, { data.size(train), data.size(valid) })
      seen[valid.data[1][1]], seen[valid.data[2][1]] = true, true
      return fold
    end)
    assert.equal(10, #seen)
    assert.same({ 3, 5 }, { mean, #runs })
    assert.is_near(math.sqrt(2.5), deviation, 1e-12)
  end)

  it('run a script with its own options', function()
    folder = '.'
    local text, code = run('search', 'steps=3,abc -- ' .. root .. '/scripts/xor.lua')
    assert.equal(0, code)
    assert.is_truthy(text:find('failed: xor.lua: invalid type for option --steps (should be number)', 1, true), text)
    text, code = run('search', '--score "(%d)" --random 2 seed=1..9 -- ' .. root .. '/scripts/xor.lua --steps 2')
    assert.equal(0, code)
    assert.is_truthy(text:find('2 runs in', 1, true), text)
    text, code = run('search', 'lr=1')
    assert.same({ 'search.lua: after -- a script is needed (--help tells more)\n', 1 }, { text, code })
  end)
end)
