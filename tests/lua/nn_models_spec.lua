-- Ten models defined as scripts for Torch7 define them: built, printed, run forwards and backwards, cloned, saved and loaded,
-- after which they give the same outputs. Widths are a fraction of the originals'.
local torch = require 'tocha'
local nn = require 'tocha.nn'
require 'tocha.nngraph'

local Conv, Pool, ReLU = nn.SpatialConvolution, nn.SpatialMaxPooling, nn.ReLU
local models = {} -- name -> function giving model, input

-- LeCun et al. 1998, by way of Torch7's tutorials
function models.LeNet()
  local net = nn.Sequential()
  net:add(Conv(1, 6, 5, 5)):add(nn.Tanh()):add(Pool(2, 2, 2, 2))
  net:add(Conv(6, 16, 5, 5)):add(nn.Tanh()):add(Pool(2, 2, 2, 2))
  net:add(nn.View(16 * 5 * 5)):add(nn.Linear(16 * 5 * 5, 120)):add(nn.Tanh())
  net:add(nn.Linear(120, 84)):add(nn.Tanh()):add(nn.Linear(84, 10)):add(nn.LogSoftMax())
  return net, torch.randn(2, 1, 32, 32)
end

-- Krizhevsky et al. 2012, in two columns as "one weird trick" has them
function models.AlexNet()
  local function column()
    local c = nn.Sequential()
    c:add(Conv(3, 6, 11, 11, 4, 4, 2, 2)):add(ReLU(true)):add(Pool(3, 3, 2, 2))
    c:add(Conv(6, 12, 5, 5, 1, 1, 2, 2)):add(ReLU(true)):add(Pool(3, 3, 2, 2))
    c:add(Conv(12, 16, 3, 3, 1, 1, 1, 1)):add(ReLU(true))
    c:add(Conv(16, 8, 3, 3, 1, 1, 1, 1)):add(ReLU(true)):add(Pool(3, 3, 2, 2))
    return c
  end
  local features = nn.Concat(2):add(column()):add(column())
  local classifier = nn.Sequential():add(nn.View(16 * 3 * 3)):add(nn.Dropout(0.5)):add(nn.Linear(144, 32))
  classifier:add(nn.Threshold(0, 1e-6)):add(nn.Dropout(0.5)):add(nn.Linear(32, 10)):add(nn.LogSoftMax())
  return nn.Sequential():add(features):add(classifier), torch.randn(2, 3, 127, 127)
end

-- Simonyan and Zisserman 2014, configuration D
function models.VGG16()
  local net, planes = nn.Sequential(), 3
  for _, width in ipairs { 4, 4, 'M', 8, 8, 'M', 16, 16, 16, 'M', 32, 32, 32, 'M', 32, 32, 32, 'M' } do
    if width == 'M' then net:add(Pool(2, 2, 2, 2):ceil())
    else
      net:add(Conv(planes, width, 3, 3, 1, 1, 1, 1)):add(nn.SpatialBatchNormalization(width, 1e-3)):add(ReLU(true))
      planes = width
    end
  end
  net:add(nn.View(-1):setNumInputDims(3)):add(nn.Dropout(0.5)):add(nn.Linear(32, 32)):add(nn.BatchNormalization(32))
  net:add(ReLU(true)):add(nn.Linear(32, 10)):add(nn.LogSoftMax())
  return net, torch.randn(3, 3, 32, 32)
end

-- Lin et al. 2013
function models.NiN()
  local net = nn.Sequential()
  local function block(from, to, size, stride, pad, ...)
    net:add(Conv(from, to, size, size, stride, stride, pad, pad)):add(nn.SpatialBatchNormalization(to, 1e-3)):add(ReLU(true))
    local previous = to
    for _, width in ipairs { ... } do
      net:add(Conv(previous, width, 1, 1)):add(nn.SpatialBatchNormalization(width, 1e-3)):add(ReLU(true))
      previous = width
    end
  end
  block(3, 12, 5, 1, 2, 10, 6)
  net:add(Pool(3, 3, 2, 2):ceil()):add(nn.Dropout())
  block(6, 12, 5, 1, 2, 12, 12)
  net:add(nn.SpatialAveragePooling(3, 3, 2, 2):ceil()):add(nn.Dropout())
  block(12, 12, 3, 1, 1, 12, 10)
  net:add(nn.SpatialAveragePooling(8, 8, 1, 1)):add(nn.View(10))
  return net, torch.randn(2, 3, 32, 32)
end

-- Szegedy et al. 2014
function models.Inception()
  local function inception(from, one, three, five, pool)
    local concat = nn.DepthConcat(2)
    concat:add(nn.Sequential():add(Conv(from, one, 1, 1)):add(ReLU()))
    concat:add(nn.Sequential():add(Conv(from, three[1], 1, 1)):add(ReLU())
      :add(Conv(three[1], three[2], 3, 3, 1, 1, 1, 1)):add(ReLU()))
    concat:add(nn.Sequential():add(Conv(from, five[1], 1, 1)):add(ReLU())
      :add(Conv(five[1], five[2], 5, 5, 1, 1, 2, 2)):add(ReLU()))
    concat:add(nn.Sequential():add(Pool(3, 3, 1, 1, 1, 1)):add(Conv(from, pool, 1, 1)):add(ReLU()))
    return concat
  end
  local net = nn.Sequential():add(Conv(3, 8, 3, 3, 2, 2, 1, 1)):add(nn.SpatialCrossMapLRN(5, 1e-4, 0.75))
  net:add(inception(8, 4, { 4, 6 }, { 2, 3 }, 3)):add(inception(16, 4, { 4, 6 }, { 2, 3 }, 3))
  net:add(nn.SpatialAdaptiveAveragePooling(1, 1)):add(nn.Collapse(3)):add(nn.Linear(16, 5))
  return net, torch.randn(2, 3, 13, 11)
end

-- He et al. 2015, shortcuts of type B
function models.ResNet()
  local function basic(from, to, stride)
    local s = nn.Sequential()
    s:add(Conv(from, to, 3, 3, stride, stride, 1, 1):noBias()):add(nn.SpatialBatchNormalization(to)):add(ReLU(true))
    s:add(Conv(to, to, 3, 3, 1, 1, 1, 1):noBias()):add(nn.SpatialBatchNormalization(to))
    local shortcut = from == to and nn.Identity()
      or nn.Sequential():add(Conv(from, to, 1, 1, stride, stride):noBias()):add(nn.SpatialBatchNormalization(to))
    return nn.Sequential():add(nn.ConcatTable():add(s):add(shortcut)):add(nn.CAddTable(true)):add(ReLU(true))
  end
  local net = nn.Sequential():add(Conv(3, 4, 3, 3, 1, 1, 1, 1)):add(basic(4, 4, 1)):add(basic(4, 8, 2)):add(basic(8, 8, 1))
  net:add(nn.SpatialAveragePooling(4, 4, 1, 1)):add(nn.View(8):setNumInputDims(3)):add(nn.Linear(8, 3))
  return net, torch.randn(2, 3, 8, 8)
end

-- Radford et al. 2015: the generator and the discriminator, one after the other
function models.DCGAN()
  local Full, BN = nn.SpatialFullConvolution, nn.SpatialBatchNormalization
  local netG = nn.Sequential():add(Full(10, 16, 4, 4)):add(BN(16)):add(ReLU(true))
  netG:add(Full(16, 8, 4, 4, 2, 2, 1, 1)):add(BN(8)):add(ReLU(true)):add(Full(8, 3, 4, 4, 2, 2, 1, 1)):add(nn.Tanh())
  local netD = nn.Sequential():add(Conv(3, 8, 4, 4, 2, 2, 1, 1)):add(nn.LeakyReLU(0.2, true))
  netD:add(Conv(8, 16, 4, 4, 2, 2, 1, 1)):add(BN(16)):add(nn.LeakyReLU(0.2, true)):add(Conv(16, 1, 4, 4)):add(nn.Sigmoid())
  netD:add(nn.View(1):setNumInputDims(3))
  local function weights(m)
    if torch.type(m):find 'Convolution' then
      m.weight:normal(0, 0.02)
      m.bias:fill(0)
    elseif torch.type(m):find 'BatchNormalization' then m.weight:normal(1, 0.02) end
  end
  netG:apply(weights)
  netD:apply(weights)
  return nn.Sequential():add(netG):add(netD), torch.randn(3, 10, 1, 1)
end

-- A step of an LSTM by nngraph, as char-rnn builds it: {x, c, h} -> {c, h, scores}
function models.LSTM()
  local n, classes = 5, 7
  local x, c, h = nn.Identity()(), nn.Identity()(), nn.Identity()()
  local sums = nn.CAddTable() { nn.Linear(4, 4 * n)(x), nn.Linear(n, 4 * n)(h) }
  local i, f, o, g = nn.SplitTable(2)(nn.Reshape(4, n)(sums)):split(4)
  i, f, o, g = nn.Sigmoid()(i), nn.Sigmoid()(f), nn.Sigmoid()(o), nn.Tanh()(g)
  local nextC = nn.CAddTable() { nn.CMulTable() { f, c }, nn.CMulTable() { i, g } }
  local nextH = nn.CMulTable() { o, nn.Tanh()(nextC) }
  local scores = nn.LogSoftMax()(nn.Linear(n, classes)(nextH))
  local net = nn.gModule({ x, c, h }, { nextC, nextH, scores })
  return net, { torch.randn(3, 4), torch.randn(3, n), torch.randn(3, n) }
end

-- Words to a vector: convolutions of several widths over embeddings, the largest of each (Kim 2014)
function models.Encoder()
  local widths = nn.ConcatTable()
  for _, width in ipairs { 2, 3 } do
    widths:add(nn.Sequential():add(nn.TemporalConvolution(6, 4, width)):add(ReLU()):add(nn.Max(1, 2)))
  end
  local net = nn.Sequential():add(nn.LookupTable(20, 6)):add(widths):add(nn.JoinTable(1, 1)):add(nn.Dropout(0.3))
  net:add(nn.Linear(8, 3)):add(nn.LogSoftMax())
  return net, torch.range(1, 14):long():view(2, 7)
end

-- Kingma and Welling 2013; the noise is an input
function models.VAE()
  local encoder = nn.Sequential():add(nn.Linear(12, 8)):add(nn.Tanh())
    :add(nn.ConcatTable():add(nn.Linear(8, 3)):add(nn.Linear(8, 3)))
  local spread = nn.Sequential()
    :add(nn.ParallelTable():add(nn.Sequential():add(nn.MulConstant(0.5)):add(nn.Exp())):add(nn.Identity()))
    :add(nn.CMulTable())
  local function pick(...)
    local table_ = nn.ConcatTable()
    for _, index in ipairs { ... } do table_:add(nn.SelectTable(index)) end
    return table_
  end
  local sampler = nn.Sequential()
    :add(nn.ConcatTable():add(nn.SelectTable(1)):add(nn.Sequential():add(pick(2, 3)):add(spread))):add(nn.CAddTable())
  local decoder = nn.Sequential():add(nn.Linear(3, 8)):add(nn.Tanh()):add(nn.Linear(8, 12)):add(nn.Sigmoid())
  local net = nn.Sequential():add(nn.ParallelTable():add(encoder):add(nn.Identity())):add(nn.FlattenTable())
  return net:add(sampler):add(decoder), { torch.randn(4, 12), torch.randn(4, 3) }
end

-- -- what each must do ------------------------------------------------------------------------------------------------

local map, flat = nn.utils.map, nn.utils.flat

local function same(a, b, what, tolerance)
  a, b = flat(a), flat(b)
  assert.are.equal(#a, #b)
  for i, t in ipairs(a) do assert.is_true(torch.abs(t - b[i]):max() <= (tolerance or 0), what) end
end

local function copied(value) return map(function(t) return t:clone() end, value) end

local function gradOf(output) return map(function(t) return t:clone():normal() end, output) end

local names = {}
for name in pairs(models) do names[#names + 1] = name end
table.sort(names)

for _, name in ipairs(names) do
  describe(name, function()
    torch.manualSeed(7)
    local model, input = models[name]()

    it('is printed', function()
      local text = tostring(model)
      assert.is_truthy(text:find('nn.', 1, true))
      assert.are.equal(text, tostring(model:clone()))
    end)

    it('runs and is trained', function()
      model:training()
      local params, grads = model:getParameters()
      grads:zero()
      local output = model:forward(input)
      model:backward(input, gradOf(output))
      assert.is_true(grads:norm() > 0 and grads:norm() < math.huge)
      local before = params:clone()
      model:updateParameters(0.01)
      assert.is_true((params - before):norm() > 0)
    end)

    it('gives the same as a clone, and from a file', function()
      model:evaluate()
      local output = copied(model:forward(input))
      same(output, model:clone():forward(input), 'clone')
      local path = os.tmpname()
      torch.save(path, model:clearState())
      local loaded = torch.load(path)
      os.remove(path)
      same(output, loaded:forward(input), 'file')
      same(output, model:forward(input), 'after clearState')
      local g = gradOf(output)
      same(copied(model:backward(input, g)), loaded:backward(input, g), 'gradient')
    end)

    it('gives the same on the tape', function()
      model:evaluate()
      -- folded normalisation rounds otherwise
      same(copied(model:forward(input)), map(function(t) return t:detach() end, model(input)), 'tape', 1e-5)
    end)
  end)
end
