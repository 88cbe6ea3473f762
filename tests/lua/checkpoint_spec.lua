local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local checkpoint = require 'tocha.train.checkpoint'

local x, y = torch.randn(32, 4), torch.randn(32, 2)

-- Steps of a run with dropout and shuffling; the state is what a checkpoint holds.
local function steps(state, n)
  local net, criterion = state.model, nn.MSECriterion()
  local parameters, gradients = net:getParameters()
  net:training()
  for _ = 1, n do
    local pick = torch.randperm(32):narrow(1, 1, 8):long()
    local input, target = x:index(1, pick), y:index(1, pick)
    optim.adam(function()
      gradients:zero()
      local loss = criterion:forward(net:forward(input), target)
      net:backward(input, criterion:backward(net.output, target))
      return loss, gradients
    end, parameters, { learningRate = 1e-2 }, state.optimState)
  end
  return parameters
end

local function fresh()
  torch.manualSeed(7)
  return { optimState = {},
    model = nn.Sequential():add(nn.Linear(4, 16)):add(nn.ReLU()):add(nn.Dropout(.3)):add(nn.Linear(16, 2)) }
end

describe('a checkpoint', function()
  local path
  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  it('holds the random numbers of its own time, of a state that was loaded too', function()
    checkpoint.save(path, { epoch = 1 })
    local state = checkpoint.load(path)
    torch.manualSeed(5)
    checkpoint.save(path, state)
    local want = torch.random()
    checkpoint.load(path)
    assert.equal(want, torch.random())
  end)

  it('goes on with the very numbers of a run that never stopped', function()
    local whole = steps(fresh(), 20):clone()
    local state = fresh()
    steps(state, 9)
    checkpoint.save(path, state)
    torch.manualSeed(99)
    torch.randn(10)
    local resumed = steps(checkpoint.load(path), 11)
    assert.same(whole:totable(), resumed:totable())
  end)

  it('does not disturb the run that it is taken of', function()
    local whole = steps(fresh(), 12):clone()
    local state = fresh()
    steps(state, 5)
    checkpoint.save(path, state)
    assert.same(whole:totable(), steps(state, 7):totable())
  end)

  it('leaves the old one when the disk is full, and says so', function()
    assert.error_matches(function() checkpoint.reserve '/nowhere/x' end, 'cannot write /nowhere/x: No such file')
    assert.error_matches(function() checkpoint.save('/dev/full', fresh()) end, 'cannot write /dev/full: No space left on device')
  end)

  it('of another kind is refused', function()
    torch.save(path, { model = 1 })
    assert.error_matches(function() checkpoint.load(path) end, 'is no checkpoint, but a table that was saved otherwise')
    assert.error_matches(function() checkpoint.load '/nowhere/c.t7' end, 'cannot read /nowhere/c.t7: No such file or directory')
  end)
end)
