-- Layers that remember or draw, criterions beyond their golden rows, second derivatives, and what bad input says.
local torch = require 'tocha'
local nn = require 'tocha.nn'

local function filled(...)
  local t = torch.Tensor(...)
  local flat = t:view(-1)
  for i = 1, flat:size(1) do flat[i] = math.sin(i) end
  return t
end

describe('batch normalization', function()
  it('moves its running statistics and evaluates with them', function()
    local m, x = nn.BatchNormalization(2, 1e-5, 0.3), torch.Tensor { { 1, 2 }, { 3, 6 }, { 5, 4 } }
    m.weight:fill(1)
    m:forward(x)
    -- mean (3, 4), unbiased variance (4, 4)
    assert.is_near(0.3 * 3, m.running_mean[1], 1e-6)
    assert.is_near(0.7 + 0.3 * 4, m.running_var[2], 1e-6)
    m:evaluate()
    local y = m:forward(x)
    assert.is_near((1 - 0.9) / math.sqrt(1.9 + 1e-5), y[1][1], 1e-6)
    assert.is_near(0.9, m.running_mean[1], 1e-6)
  end)

  it('says what input it wants', function()
    local m = nn.SpatialBatchNormalization(3)
    assert.error_matches(function() m:forward(torch.Tensor(2, 3)) end,
      'nn.SpatialBatchNormalization %(4D%) %(3%): a batch of 4 dimensions is wanted, but the input has 2')
    assert.error_matches(function() m:forward(torch.Tensor(2, 4, 1, 2):zero()) end, 'the input 2x4x1x2 has 4 channels')
  end)
end)

describe('dropout', function()
  it('keeps the mean, and gives the gradient its mask', function()
    local m, x = nn.Dropout(0.25), torch.ones(10000)
    local y = m:forward(x)
    assert.is_near(1, y:mean(), 0.05)
    assert.is_near(4 / 3, y:max(), 1e-6)
    local g = m:backward(x, torch.ones(10000))
    assert.are.equal(0, (g - y):abs():max())
  end)

  it('passes the input on while evaluating', function()
    local m, x = nn.Dropout(0.5), filled(5)
    m:evaluate()
    assert.are.equal(0, (m:forward(x) - x):abs():max())
    assert.are.equal(0, (m(x) - x):abs():max())
    m:training()
    m:forward(x)
    assert.are.equal(math.sin(1), math.sin(1) * 1)
    assert.is_near(math.sin(1), x[1], 1e-6)
  end)

  it('scales while evaluating in its first version', function()
    local m = nn.Dropout(0.5, true)
    assert.are.equal(1, m:forward(torch.ones(100)):max())
    m:evaluate()
    assert.are.equal(0.5, m:forward(torch.ones(4))[1])
    assert.are.equal(0.5, m:backward(torch.ones(4), torch.ones(4))[1])
  end)

  it('zeroes whole maps', function()
    local m = nn.SpatialDropout(0.5)
    local y = m:forward(torch.ones(8, 8, 3, 3))
    for i = 1, 8 do
      for c = 1, 8 do
        local map = y[i][c]
        assert.are.equal(map:min(), map:max())
      end
    end
    assert.is_true(y:sum() > 0 and y:sum() < 8 * 8 * 9)
  end)

  it('refuses a probability of one', function()
    assert.error_matches(function() nn.Dropout(1) end, 'nn.Dropout: p is 1, but 0 <= p < 1 is needed')
  end)
end)

describe('a lookup table', function()
  it('gives no gradient to the padding', function()
    local m, x = nn.LookupTable(4, 2, 2), torch.LongTensor { 1, 2, 4, 1 }
    m:forward(x)
    m:zeroGradParameters()
    m:backward(x, torch.ones(4, 2))
    assert.are.same({ 2, 0, 0, 1 }, m.gradWeight:select(2, 1):totable())
  end)

  it('shortens the rows it uses', function()
    local m = nn.LookupTable(3, 4, 0, 1)
    m.weight:fill(3)
    m:forward(torch.LongTensor { 2 })
    assert.is_near(1, m.weight[2]:norm(), 1e-5)
    assert.are.equal(6, m.weight[3]:norm())
  end)

  it('names an index that is out of range', function()
    assert.error_matches(function() nn.LookupTable(4, 2):forward(torch.LongTensor { 1, 5 }) end,
      'nn.LookupTable: embedding: .*5')
  end)
end)

describe('criterions', function()
  it('take a label as a number', function()
    local c, x = nn.ClassNLLCriterion(), filled(3)
    assert.is_near(-math.sin(2), c:forward(x, 2), 1e-6)
    assert.are.same({ 0, -1, 0 }, c:backward(x, 2):totable())
  end)

  it('pair elements by count', function()
    local c = nn.MSECriterion()
    assert.are.equal(0, c:forward(torch.ones(4, 1), torch.ones(4)))
    assert.error_matches(function() c:forward(torch.ones(4, 1), torch.ones(5)) end,
      'nn.MSECriterion: the input has 4x1 elements, the target 5')
  end)

  it('name the wrong label', function()
    local x = torch.zeros(3, 10)
    for _, c in ipairs { nn.ClassNLLCriterion(), nn.CrossEntropyCriterion() } do
      assert.error_matches(function() c:forward(x, torch.LongTensor { 1, 0, 3 }) end,
        'target%[2%] = 0, but labels run from 1 to 10')
      assert.error_matches(function() c:forward(x, torch.LongTensor { 1, 2, 11 }) end,
        'target%[3%] = 11, but labels run from 1 to 10')
    end
  end)

  it('add up', function()
    local x, t = filled(3, 4), torch.zeros(3, 4)
    local mse, abs = nn.MSECriterion(), nn.AbsCriterion()
    local both = nn.MultiCriterion():add(mse, 0.5):add(abs, 2)
    assert.is_near(0.5 * mse:forward(x, t) + 2 * abs:forward(x, t), both:forward(x, t), 1e-6)
    local g = torch.mul(mse:backward(x, t), 0.5) + torch.mul(abs:backward(x, t), 2)
    assert.is_true((g - both:backward(x, t)):abs():max() < 1e-6)
    local leaf = x:clone():requiresGrad(true)
    both(leaf, t):backward()
    assert.is_true((g - leaf.grad):abs():max() < 1e-6)
    local list = nn.ParallelCriterion(true):add(mse, 0.5):add(abs, 2)
    assert.is_near(both.output, list:forward({ x, x }, t), 1e-6)
    local parts = list:backward({ x, x }, t)
    assert.is_true((parts[1] + parts[2] - g):abs():max() < 1e-6)
  end)

  it('see what modules make of input and target', function()
    local inner = nn.Linear(4, 2)
    local c = nn.ModuleCriterion(nn.MSECriterion(), inner, nn.MulConstant(2))
    local x, t = filled(3, 4), torch.ones(3, 2)
    local loss = c:forward(x, t)
    assert.is_near(nn.MSECriterion():forward(inner:forward(x), torch.mul(t, 2)), loss, 1e-6)
    local g = c:backward(x, t):clone()
    local leaf = x:clone():requiresGrad(true)
    c(leaf, t):backward()
    assert.is_true((g - leaf.grad):abs():max() < 1e-6)
    local layer = nn.CriterionTable(nn.MSECriterion())
    assert.is_near(nn.MSECriterion():forward(x, g), layer:forward { x, g }, 1e-6)
    assert.are.same({ 3, 4 }, layer:backward({ x, g })[1]:size():totable())
  end)

  it('of the old kind work on the tape', function()
    local Old = torch.class('test.OldCriterion', 'nn.Criterion', {})
    function Old:updateOutput(input) return torch.cmul(input, input):sum() end
    function Old:updateGradInput(input) return torch.mul(input, 2) end
    local c = setmetatable({}, Old)
    c:__init()
    local x = filled(3):requiresGrad(true)
    local loss = torch.mul(c(x, nil), 3)
    loss:backward()
    assert.is_near(6 * math.sin(2), x.grad[2], 1e-5)
  end)
end)

describe('gradients of gradients', function()
  it('train a critic by the norm of its gradient', function()
    local net = nn.Sequential():add(nn.Linear(3, 4)):add(nn.LeakyReLU(0.2)):add(nn.LayerNorm(4)):add(nn.Linear(4, 1))
    net:double()
    local data = filled(5, 3):double()
    local function penalty()
      local x = data:clone():requiresGrad(true)
      local g = torch.grad(torch.sum(net(x)), x, { createGraph = true })
      return torch.mean(torch.square(torch.add(torch.sqrt(torch.sum(torch.square(g), 2)), -1)))
    end
    net:zeroGradParameters()
    penalty():backward()
    local w, eps = net:get(1).weight, 1e-6
    local value, analytic = w[2][3], net:get(1).gradWeight[2][3]
    w[2][3] = value + eps
    local above = penalty():item()
    w[2][3] = value - eps
    local below = penalty():item()
    w[2][3] = value
    assert.is_near((above - below) / (2 * eps), analytic, 1e-6)
    assert.is_true(math.abs(analytic) > 1e-6)
  end)

  it('flow to a generator through a critic that has moved on', function()
    local critic, generator = nn.Linear(3, 1), nn.Linear(2, 3)
    local z = filled(4, 2)
    local fake = generator:forward(z)
    critic:forward(fake)
    critic:zeroGradParameters()
    critic:backward(fake, torch.ones(4, 1))
    critic:updateParameters(0.1)
    local g = critic:updateGradInput(fake, torch.ones(4, 1))
    assert.is_true((g[1] - critic.weight[1]):abs():max() < 1e-6)
  end)
end)

describe('bad input', function()
  it('is refused with a sentence', function()
    for _, case in ipairs {
      { function() nn.Linear(3, 2):forward(torch.DoubleTensor(1, 3):zero()) end,
        'nn.Linear%(3 %-> 2%): linear: .*DoubleTensor' },
      { function() nn.View(4):forward(torch.zeros(5)) end, 'nn.View%(4%): an input of 5 elements cannot be viewed as 4' },
      { function() nn.SpatialMaxPooling(3, 3):forward(torch.zeros(1, 2, 2)) end, 'max_pool2d' },
      { function() nn.SelectTable(3):forward { torch.zeros(1) } end, 'the input has 1 entries and no entry 3' },
      { function() nn.Linear(3, 2)('x') end, 'called with a string where a tensor or a table of tensors is wanted' },
      { function() nn.LayerNorm(4):forward(torch.zeros(2, 3)) end, 'layer_norm' },
      { function() nn.Linear(3, 2):forward(nil) end, 'nn.Linear%(3 %-> 2%): a tensor is wanted, but a nil was given' },
      { function() nn.Sigmoid():backward(torch.zeros(2), torch.zeros(2)) end, 'forward' },
      { function() nn.BatchNormalization(2):backward(torch.zeros(3, 2), torch.zeros(3, 2)) end,
        'forward comes first' },
      { function()
        local m = nn.BatchNormalization(2)
        m:forward(filled(3, 2))
        m:backward(filled(3, 2), nil)
      end, 'the gradient of its output is missing' },
      { function()
        local m = nn.SoftMax()
        m:forward(filled(3, 2))
        m:backward(filled(4, 2), filled(4, 2))
      end, 'what its last forward computed is a FloatTensor of 3x2, but the output is a FloatTensor of 4x2' },
      { function() nn.MSECriterion():forward(torch.zeros(2), 3) end, 'a tensor is wanted as the target, but a number' },
      { function() nn.ClassNLLCriterion():forward(torch.zeros(2)) end, 'a label or a tensor of labels is wanted' },
      { function() nn.LSTM(3, 4):forward {} end, 'tocha.LSTM%(3 %-> 4%): the first entry of the input is a nil' },
    } do
      assert.error_matches(case[1], case[2])
    end
  end)

  it('of a constructor is refused by its name at the line of the call', function()
    for _, case in ipairs {
      { 'nn.Linear: size 1 of weight is missing', nn.Linear },
      { 'nn.Linear: size 1 of weight is missing', nn.Linear, 3 },
      { 'nn.Narrow: dimension and offset are needed', nn.Narrow },
      { 'nn.Replicate: the count is missing', nn.Replicate },
      { 'nn.Replicate: an input of 1 dimensions cannot get one at -1000000000', function()
        return nn.Replicate(2, -1e9):forward(torch.zeros(2))
      end },
      { 'tocha.GRU: hiddenSize is a number, not a nil', nn.GRU, 3 },
      { 'tocha.GRU: hiddenSize is a number, not a string', nn.GRU, 3, 'x' },
      { 'tocha.GRU: options are a table, not a number', nn.GRU, 3, 4, 2 },
      { 'tocha.RNN: options are a table, not a number', nn.RNN, 3, 4, 2 },
      { 'tocha.LSTM: there is no option layer, only layers bidirectional', nn.LSTM, 3, 4, { layer = 2 } },
      { 'tocha.LSTM: layers is 0, but a whole number from 1 is needed', nn.LSTM, 3, 4, { layers = 0 } },
      { 'tocha.TransformerLayer: there is no option head', nn.TransformerLayer, 4, 2, { head = 2 } },
      { 'tocha.LayerNorm: the size of the last dimensions is wanted', nn.LayerNorm },
      { 'nn.BCECriterion: weights cannot be a number', nn.BCECriterion, -1 },
      { 'nn.LayerNormalization: nOutput is nil, but a number is needed', nn.LayerNormalization },
      { 'nn.Threshold: threshold is a number, not a table', nn.Threshold, {} },
      { 'nn.Maxout: pieces is nil, but a number is needed', nn.Maxout, 2, 3 },
      { 'tocha.GroupNorm: channels is a number, not a table', nn.GroupNorm, 2, {} },
      { 'nn.SpatialLPPooling: nn.Power: argument pow is missing', nn.SpatialLPPooling },
      { 'nn.WeightNorm: a module is wanted, but a nil was given', nn.WeightNorm },
    } do
      local ok, message = pcall(case[2], unpack(case, 3))
      assert.is_false(ok)
      local where, said = message:match('^(.-):%d+: (.*)$')
      assert.is_truthy(where:find 'nn_state_spec.lua$')
      assert.are.equal(case[1], said:sub(1, #case[1]))
    end
    local Mine, parent = torch.class('test.MineAlone', 'nn.Linear', {}) -- a class of a program's own
    function Mine:__init(width) parent.__init(self, width.x, 2) end
    local _, message = pcall(Mine, {})
    assert.is_truthy(message:find 'nn_state_spec.lua:%d+: test.MineAlone: size 2 of weight is missing')
    _, message = pcall(Mine)
    assert.is_truthy(message:find "nn_state_spec.lua:%d+: attempt to index local 'width'")
  end)

  it('of the protocol is refused at the line of the call', function()
    local net = nn.Sequential():add(nn.Linear(3, 4)):add(nn.Tanh())
    for _, case in ipairs {
      { 'share', nn.Linear(2, 2), said = 'a container of 2 modules is wanted, but a nn.Linear' },
      { 'type', 'torch.Foo', said = 'there is no tensor type torch.Foo' },
      { 'type', 'torch.LongStorage', said = 'there is no tensor type' },
      { 'apply', said = 'a function of a module is wanted, not a nil' },
      { 'replace', 3, said = 'a function of a module is wanted, not a number' },
      { 'updateParameters', said = 'a rate is wanted, not a nil' },
    } do
      local ok, message = pcall(net[case[1]], net, case[2])
      assert.is_false(ok)
      assert.is_truthy(message:match('nn_state_spec.lua:%d+: .*' .. case[1] .. ': ' .. case.said), message)
    end
    assert.equal('torch.FloatTensor', net:get(1).weight:type())
    assert.error_matches(function() nn.StochasticGradient(net, nn.MSECriterion()):train(nil) end, 'train: a data set with size')
  end)

  it('leaves the module usable', function()
    local m, x = nn.Linear(3, 2), filled(4, 3)
    local y = m:forward(x):clone()
    pcall(m.forward, m, filled(4, 5))
    assert.are.equal(0, (m:forward(x) - y):abs():max())
  end)
end)

describe('a module from an older file', function()
  -- The module as an older version wrote it: without the named fields.
  local function aged(module, ...)
    for _, name in ipairs { ... } do module[name] = nil end
    return (torch.serialize(module, 'ascii'):gsub('V 2', 'V 1'))
  end

  it('BatchNormalization with inverse deviations', function()
    local layer, x = nn.BatchNormalization(3), torch.randn(5, 3)
    layer.running_var:uniform(0.5, 2)
    layer:evaluate()
    local want = layer:forward(x):clone()
    layer.running_std = torch.pow(torch.add(layer.running_var, layer.eps), -0.5)
    local loaded = torch.deserialize(aged(layer, 'running_var'), 'ascii')
    assert.is_nil(loaded.running_std)
    assert.is_true((loaded:forward(x) - want):norm() < 1e-4)
  end)

  it('convolutions and poolings without their later fields', function()
    local x = torch.randn(1, 2, 5, 5)
    local layer = nn.SpatialConvolution(2, 1, 3, 3, 1, 1, 1, 1)
    local want = layer:forward(x):clone()
    layer.padding = 1
    assert.are.equal(0, (torch.deserialize(aged(layer, 'padW', 'padH'), 'ascii'):forward(x) - want):norm())
    local pool = nn.SpatialMaxPooling(2, 2)
    want = pool:forward(x):clone()
    local loaded = torch.deserialize(aged(pool, 'padW', 'padH', 'ceil_mode'), 'ascii')
    assert.are.equal(0, (loaded:forward(x) - want):norm())
    local average = nn.SpatialAveragePooling(2, 2) -- before `divide` it added up
    want = torch.mul(average:forward(x), 4)
    loaded = torch.deserialize(aged(average, 'padW', 'padH', 'ceil_mode', 'count_include_pad', 'divide'), 'ascii')
    assert.is_true((loaded:forward(x) - want):norm() < 1e-5)
  end)
end)
