local data = require 'tocha.data'
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'

-- A sum over all bytes that depends on their places.
local function digest(tensor)
  local text, a, b = tensor:storage():string(), 1, 0
  for i = 1, #text do
    a = (a + text:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return ('%04x%04x'):format(b, a)
end

describe('the embedded digits', function()
  it('are bytes of 1x28x28 and labels from 1 to 10, about equally often', function()
    local train, test = data.digits { train = 1000, test = 10 }
    assert.same({ 1000, 1, 28, 28 }, train.data:size():totable())
    assert.equal('torch.ByteTensor', train.data:type())
    assert.equal(10, test.labels:size(1))
    local count = {}
    for i = 1, 1000 do count[train.labels[i]] = (count[train.labels[i]] or 0) + 1 end
    for digit = 1, 10 do assert.truthy(count[digit] > 60 and count[digit] < 140) end
  end)

  it('are the same for a seed everywhere, and others for another seed', function()
    local one, two = data.digits { train = 50, test = 5 }, data.digits { train = 50, test = 5, seed = 2 }
    assert.equal('25a5430b', digest(one.data))
    assert.not_equal(digest(one.data), digest(two.data))
    local more = data.digits { train = 60, test = 1 }
    assert.equal(digest(one.data), digest(more.data:narrow(1, 1, 50):clone()))
  end)

  it('have no image in both sets', function()
    local train, test = data.digits { train = 200, test = 200 }
    local seen = {}
    for i = 1, 200 do seen[digest(train.data[i]:clone())] = true end
    for i = 1, 200 do assert.falsy(seen[digest(test.data[i]:clone())]) end
  end)

  it('come in under 3 seconds', function()
    local start = os.clock()
    data.digits()
    assert.truthy(os.clock() - start < 3)
  end)

  it('are too hard for a linear classifier: between 80% and 95% on the test set', function()
    torch.manualSeed(1)
    local train, test = data.digits()
    local normalize = data.normalizer(train.data)
    local net = nn.Sequential():add(nn.View(784)):add(nn.Linear(784, 10))
    local criterion, config = nn.CrossEntropyCriterion(), { learningRate = 1e-3 }
    local parameters, gradients = net:getParameters()
    for _ = 1, 4 do
      for input, target in data.batches(train, 64, { order = torch.randperm(10000):long(), transform = normalize }) do
        optim.adam(function()
          gradients:zero()
          local loss = criterion:forward(net:forward(input), target)
          net:backward(input, criterion:backward(net.output, target))
          return loss, gradients
        end, parameters, config)
      end
    end
    local confusion = optim.ConfusionMatrix(10)
    for input, target in data.batches(test, 500, { transform = normalize }) do confusion:batchAdd(net:forward(input), target) end
    confusion:updateValids()
    assert.truthy(confusion.totalValid > .8 and confusion.totalValid < .95)
  end)

  it('refuse absurd numbers', function()
    assert.error_matches(function() data.digits { train = -1 } end,
      'digits: train must be a whole number from 1 to 1000000, not %-1')
    assert.error_matches(function() data.digits { seed = 'x' } end, 'digits: seed must be a whole number')
  end)
end)

describe('batches', function()
  local set = { data = torch.ByteTensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }, labels = torch.ByteTensor { 1, 2, 3 } }

  it('cut a set in order, the last one smaller', function()
    local sizes = {}
    for x, y, k in data.batches(set, 2) do
      sizes[k] = x:size(1)
      assert.equal('torch.LongTensor', y:type())
    end
    assert.same({ 2, 1 }, sizes)
  end)

  it('follow an order', function()
    local seen = {}
    for x, y in data.batches(set, 1, { order = torch.LongTensor { 3, 1, 2 } }) do
      seen[#seen + 1] = { x[1][1], y[1] }
    end
    assert.same({ { 5, 3 }, { 1, 1 }, { 3, 2 } }, seen)
  end)

  it('split off a part that is held out', function()
    local rest, held = data.split(set, 1 / 3)
    assert.equal(2, rest.data:size(1))
    assert.equal(3, held.labels[1])
    assert.is_nil((select(2, data.split(set, 0))))
    assert.error_matches(function() data.split(set, 1) end, 'split: the share must be at least 0 and below 1, not 1')
  end)

  it('are brought to mean 0 and deviation 1', function()
    local train = data.digits { train = 300, test = 1 }
    local x = data.normalizer(train.data)(train.data)
    assert.truthy(math.abs(x:mean()) < 1e-4)
    assert.truthy(math.abs(x:clone():cmul(x):mean() - 1) < 1e-3)
  end)

  it('refuse a size of nothing and sets whose parts disagree', function()
    assert.error_matches(function() data.batches(set, 0) end, 'batches: size is 0, but a whole number above 0 is needed')
    assert.error_matches(function() data.batches({ data = set.data, labels = torch.ByteTensor(2) }, 1) end,
      'batches: 3 inputs, but 2 labels')
  end)
end)
