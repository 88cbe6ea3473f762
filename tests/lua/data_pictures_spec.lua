local torch = require 'tocha'
local nn = require 'tocha.nn'
local data = require 'tocha.data'
local image = require 'tocha.image'
local files = dofile 'tests/lua/files.lua'
local write, says = files.write, files.says

local folder

-- Two classes of pictures 6x6, one all dark, one all bright; picture k of a class has the value 10 k more.
local function fill(n)
  for c, class in ipairs { 'bright', 'dark' } do
    assert(os.execute('mkdir -p ' .. folder .. '/set/' .. class) == 0)
    for k = 1, n do
      image.save(('%s/set/%s/%02d.png'):format(folder, class, k), torch.ByteTensor(3, 6, 6):fill((c == 1 and 150 or 0) + 10 * k))
    end
  end
  return folder .. '/set'
end

-- All inputs of an epoch, in order of the samples.
local function gather(loader, epoch)
  local all = {}
  for input, _, samples in loader:batches(epoch) do
    for i = 1, samples:size(1) do all[samples[i]] = input[i]:clone() end
  end
  return all
end

describe('Pictures in folders', function()
  before_each(function() folder = files.makeFolder() end)
  after_each(files.removeFolder)

  it('are a class each', function()
    local path = fill(3)
    write('set/notes.txt', 'no picture')
    write('set/dark/notes.txt', 'no picture')
    local set = data.fromFolder(path)
    assert.same({ 'bright', 'dark' }, set.classes)
    assert.same({ 1, 1, 1, 2, 2, 2 }, set.labels:totable())
    assert.equal(6, data.size(set))
    assert.same({ 2, 2, 2, 1, 1, 1 }, data.fromFolder(path, { classes = { 'dark', 'bright' } }).labels:sort(1, true):totable())
    assert.same({ 1, 1, 1 }, data.fromFolder(folder, { part = 'set', classes = { 'dark' } }).labels:totable())
    local training, validation = data.fromFolder(path, { valid = .33 })
    assert.same({ 1, 1, 2, 2 }, training.labels:totable())
    assert.same({ 1, 2 }, validation.labels:totable())
    says('the share must be above 0', data.fromFolder, path, { valid = 2 })
    says('holds no pictures of red', data.fromFolder, path, { classes = { 'red', 'dark' } })
    says('holds no folders with pictures', data.fromFolder, path .. '/dark')
    says('cannot read ' .. folder .. '/none', data.fromFolder, folder .. '/none')
    says('path is nil, but a string is needed', data.fromFolder)
  end)

  it('are read from archives as from folders', function()
    local path = fill(3)
    local plain = gather(data.DataLoader(data.fromFolder(path), { batch = 4 }))
    for _, archive in ipairs { 'a.tar', 'a.tar.gz' } do
      assert(os.execute(('tar -c%sf %s/%s -C %s set'):format(archive:find 'gz' and 'z' or '', folder, archive, folder)) == 0)
      local set = data.fromFolder(folder .. '/' .. archive, { part = 'set' })
      assert.same({ 'bright', 'dark' }, set.classes)
      local packed = gather(data.DataLoader(set, { batch = 4 }))
      for i = 1, 6 do assert.same(plain[i]:totable(), packed[i]:totable()) end
    end
  end)

  it('come in batches with their labels, scaled and normalised', function()
    local set = data.fromFolder(fill(3))
    local loader = data.DataLoader(set, { batch = 4, mean = { .5, 0, 0 }, deviation = .5 })
    assert.equal(2, loader:steps())
    local sizes = {}
    for input, target, samples in loader:batches() do
      sizes[#sizes + 1] = input:size(1)
      assert.same({ 3, 6, 6 }, input[1]:size():totable())
      for i = 1, samples:size(1) do
        assert.equal(set.labels[samples[i]], target[i])
        local value = (samples[i] <= 3 and 150 or 0) + 10 * ((samples[i] - 1) % 3 + 1)
        assert.is_true(math.abs(input[i][1][3][3] - (value / 255 - .5) / .5) < 1e-6)
        assert.is_true(math.abs(input[i][2][3][3] - value / 255 / .5) < 1e-6)
      end
    end
    assert.same({ 4, 2 }, sizes)
    local whole = loader:load()
    assert.same({ 6, 3, 6, 6 }, whole.data:size():totable())
    assert.equal(160, whole.data[1][1][1][1])
  end)

  it('are the same with any number of workers, and other in each epoch', function()
    local set = data.fromFolder(fill(5))
    local augment = { rotation = 30, width_shift = .2, zoom = .3, shear = 10, hflip = true, vflip = true, crop = 2, brightness = .2,
                      contrast = .2, saturation = .2, hue = .1, cutout = 2, area = { .3, 1 } }
    local function run(workers, epoch, seed)
      return gather(data.DataLoader(set, { batch = 3, shuffle = true, workers = workers, height = 8, width = 7, augment = augment,
                                           seed = seed, prefetch = 2 }), epoch)
    end
    local first = run(0, 1)
    for _, workers in ipairs { 1, 3 } do
      local again = run(workers, 1)
      for i = 1, 10 do assert.same(first[i]:totable(), again[i]:totable()) end
    end
    assert.not_same(first[1]:totable(), run(1, 2)[1]:totable())
    assert.not_same(first[1]:totable(), run(1, 1, 9)[1]:totable())
  end)

  it('that cannot be read are named, or counted and left out', function()
    local path = fill(4)
    write('set/dark/02.png', 'no picture')
    write('set/dark/03.png', '')
    local set = data.fromFolder(path)
    for workers = 0, 2 do
      local loader = data.DataLoader(set, { batch = 3, workers = workers })
      says('dark/02.png: no JPEG, PNG, PPM or PGM', gather, loader)
      loader = data.DataLoader(set, { batch = 3, workers = workers, skip = true })
      local found = gather(loader)
      assert.is_nil(found[6])
      assert.is_nil(found[7])
      assert.is_true(math.abs(found[8][1][1][1] - 40 / 255) < 1e-6)
      local n, why = loader:skipped()
      assert.equal(2, n)
      assert.is_truthy(why[2]:find('dark/03.png: the file is empty', 1, true))
      assert.equal(6, loader:load().data:size(1))
    end
    os.remove(path .. '/dark/01.png')
    says('cannot read ' .. path .. '/dark/01.png', gather, data.DataLoader(set, { batch = 3, height = 4, width = 4 }))
  end)

  it('bring any size to one, by stretching or cutting off', function()
    assert(os.execute('mkdir -p ' .. folder .. '/set/a') == 0)
    local x = torch.ByteTensor(3, 10, 30):fill(0)
    x:narrow(3, 11, 10):fill(200)
    image.save(folder .. '/set/a/wide.png', x)
    image.save(folder .. '/set/a/one.png', torch.ByteTensor(1, 1, 1):fill(9))
    local set = data.fromFolder(folder .. '/set')
    local stretched = gather(data.DataLoader(set, { height = 10, width = 10 }))
    assert.is_true(math.abs(stretched[2][1][5][5] - 200 / 255) < 1e-6)
    assert.is_true(stretched[2][1][5][1] < .01)
    local covered = gather(data.DataLoader(set, { height = 10, width = 10, cover = true, planes = 1 }))
    assert.is_true(covered[2]:min() > .78)
    assert.same({ 1, 10, 10 }, covered[2]:size():totable())
    assert.is_true(math.abs(covered[1]:max() - 9 / 255) < 1e-6)
  end)

  it('can be left in the middle of an epoch and begun again', function()
    local set = data.fromFolder(fill(8))
    local loader = data.DataLoader(set, { batch = 2, workers = 2, prefetch = 2 })
    for _ = 1, 5 do
      for _ in loader:batches() do break end -- luacheck: ignore 512
    end
    assert.equal(16, #gather(loader))
    loader:close()
    says('it is closed', loader.batches, loader)
    for _ = 1, 20 do data.DataLoader(set, { batch = 2, workers = 3 }):batches() end
    collectgarbage()
  end)

  it('refuse options that are none', function()
    local set = data.fromFolder(fill(1))
    says('there is no option batchs', data.DataLoader, set, { batchs = 3 })
    says('there is no augmentation rotate', data.DataLoader, set, { augment = { rotate = 3 } })
    says('mean has 1 or 3 numbers, not 2', data.DataLoader, set, { mean = { 1, 2 } })
    says('fill is black', data.DataLoader, set, { augment = { fill = 'black' } })
    says('rotation is a string', data.DataLoader, set, { augment = { rotation = '3' } })
    says('a batch has 1 to', gather, data.DataLoader(set, { batch = 0 }))
    says('the height and width of samples', gather, data.DataLoader(set, { height = 0, width = 3 }))
    says('must be a tensor of NxCxHxW', data.DataLoader, { data = torch.ByteTensor(3, 4) })
    says('set is a table, but a set', data.DataLoader, {})
  end)

  it('in archives that are damaged are errors', function()
    local path = fill(2)
    assert(os.execute(('tar -cf %s/a.tar -C %s set && head -c 3000 %s/a.tar > %s/b.tar')
      :format(folder, folder, folder, folder)) == 0)
    says('b.tar: truncated', data.fromFolder, folder .. '/b.tar')
    says('damaged tar archive: no header at byte 512', data.fromFolder, write('c.tar', ('x'):rep(2048)))
    assert.equal(path, folder .. '/set')
  end)
end)

describe('Sets', function()
  local function labelled() return { data = torch.range(1, 40):view(40, 1), labels = torch.range(0, 39):fmod(4):add(1):long() } end

  it('are parted with the share of every class', function()
    local train, valid = data.stratified(labelled(), .3, 5)
    assert.equal(28, train.data:size(1))
    assert.same({ 3, 3, 3, 3 }, data.classCounts(valid):totable())
    local again = select(2, data.stratified(labelled(), .3, 5))
    assert.same(valid.data:totable(), again.data:totable())
    says('leaves one part empty', data.stratified, labelled(), .01)
    says('above 0 and below 1', data.stratified, labelled(), 1)
    for _, labels in ipairs { torch.Tensor { 0, 1 }, torch.Tensor { 1.5, 1 }, torch.Tensor { 0 / 0, 1 } } do
      says('are whole numbers from 1', data.stratified, { data = torch.ones(2), labels = labels }, .5)
    end
    says('more than a million', data.stratified, { data = torch.ones(2), labels = torch.Tensor { 1, 1e9 } }, .5)
  end)

  it('are folded', function()
    local seen = {}
    for fold, train, valid in data.folds(labelled(), 5) do
      assert.equal(32, train.data:size(1))
      assert.same({ 2, 2, 2, 2 }, data.classCounts(valid):totable())
      for i = 1, 8 do seen[valid.data[i][1]] = fold end
    end
    assert.equal(40, #seen)
    says('from 2 to 40, not 41', data.folds, labelled(), 41)
  end)

  it('weigh their classes', function()
    local set = { data = torch.zeros(4, 1), labels = torch.LongTensor { 1, 1, 1, 2 } }
    local weights = data.classWeights(set)
    assert.is_true((weights - torch.Tensor { 4 / 6, 2 }):abs():max() < 1e-6)
  end)
end)

describe('Augmentation', function()
  it('moves pixels as Keras does', function()
    local x = torch.range(1, 36):double():mul(1.3):sin():mul(90):add(100):view(6, 6)
    for k, row in ipairs(dofile 'tests/golden/augment.lua') do
      local way, change, values = unpack(row)
      change.fill, change.value = way, 7
      local worst = (data.transform(x, change) - torch.DoubleTensor(values):view(6, 6)):abs():max()
      assert.is_true(worst < 1e-5, ('row %d, %s: %g'):format(k, way, worst))
    end
    says('fill is none', data.transform, x, { fill = 'none' })
  end)

  it('mixes pictures and their labels', function()
    torch.manualSeed(3)
    local x = torch.range(1, 4):view(4, 1, 1, 1):expand(4, 3, 8, 8):clone()
    local labels = torch.LongTensor { 1, 2, 3, 4 }
    for _, mix in ipairs { 'mixup', 'cutmix' } do
      for _ = 1, 20 do
        local y, q = data[mix](x, labels, 4)
        assert.is_true((q:sum(2) - 1):abs():max() < 1e-6)
        -- the mean of a picture is the mean of the labels' values by their shares
        local mean = torch.mv(q, torch.range(1, 4))
        assert.is_true((y:view(4, -1):mean(2):view(-1) - mean):abs():max() < 1e-5)
      end
    end
    for _, alpha in ipairs { 1e-310, 1e-3, 1e8 } do data.mixup(x, labels, 4, alpha) end
    says('alpha must be above 0', data.mixup, x, labels, 4, 0)
  end)

  it('has a criterion for mixed labels', function()
    local x = torch.randn(3, 4):double()
    local labels = torch.LongTensor { 2, 4, 1 }
    local plain, soft = nn.CrossEntropyCriterion():double(), nn.SoftTargetCriterion():double()
    assert.is_true(math.abs(plain:forward(x, labels) - soft:forward(x, labels)) < 1e-9)
    assert.is_true((plain:backward(x, labels) - soft:backward(x, labels)):abs():max() < 1e-9)
    local smooth = nn.SoftTargetCriterion(.1):double()
    local logp = nn.LogSoftMax():double():forward(x)
    assert.is_true(math.abs(smooth:forward(x, labels) - (.9 * plain:forward(x, labels) - .1 * logp:mean())) < 1e-9)
    says('a label is 5', smooth.forward, smooth, x, torch.LongTensor { 1, 5, 2 })
    says('the target 2x4', smooth.forward, smooth, x, torch.zeros(2, 4))
  end)
end)
