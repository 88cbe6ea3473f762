-- Minimisation without gradients, clipping, penalties, averages, rates over a run.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local schedule = require 'tocha.train.schedule'

local function valley(x)
  local f = 0
  for i = 1, x:size(1) - 1 do f = f + 100 * (x[i + 1] - x[i] ^ 2) ^ 2 + (1 - x[i]) ^ 2 end
  return f
end

describe('without gradients', function()
  before_each(function() torch.manualSeed(3) end)

  it('cmaes finds the end of the valley, in the tensor it was given', function()
    local x = torch.DoubleTensor(5):zero()
    local y, history, evaluations = optim.cmaes(valley, x, { sigma = 0.5, maxEval = 6000, ftarget = 1e-10 })
    assert.is_true(rawequal(x, y))
    assert.is_true(history[1] == 4 and history[#history] <= 1e-10 and evaluations <= 6000)
    for i = 1, 5 do assert.is_near(1, x[i], 1e-3) end
  end)

  it('de finds it too, and spends no more than it may', function()
    local count, x = 0, torch.zeros(2)
    local _, history = optim.de(function(p)
      count = count + 1
      return valley(p)
    end, x, { popsize = 30, scaleFactor = 0.5, crossoverRate = 0.9, maxEval = 3000 })
    assert.equal(3000, count)
    assert.is_true(history[#history] < 1e-4 and math.abs(x[1] - 1) < 0.02)
  end)
end)

describe('gradients', function()
  local function model()
    local net = nn.Sequential():add(nn.Linear(3, 2)):add(nn.Linear(2, 1))
    local _, grads = net:parameters()
    for i, g in ipairs(grads) do g:fill(i) end
    return net, grads
  end

  it('are shortened together, and only if they are too long', function()
    local net, grads = model()
    local norm = math.sqrt(6 * 1 + 2 * 4 + 2 * 9 + 16)
    assert.is_near(norm, optim.clipGradNorm(net, 2 * norm), 1e-5)
    assert.equal(4, grads[4][1])
    assert.is_near(norm, optim.clipGradNorm(net, 1), 1e-5)
    assert.is_near(4 / norm, grads[4][1], 1e-6)
  end)

  it('are cut entry by entry', function()
    local net, grads = model()
    optim.clipGradValue(net, 2.5)
    assert.same({ 2, 2.5 }, { grads[2][1], grads[4][1] })
  end)

  it('get penalties, also those of tensors on the tape', function()
    local x = torch.Tensor { 3, -4 }:requiresGrad(true)
    torch.sum(x):backward()
    assert.is_near(0.5 * 7 + 0.1 / 2 * 25, optim.penalize(x, 0.5, 0.1), 1e-5)
    assert.is_near(1 + 0.5 + 0.3, x.grad[1], 1e-6)
    assert.is_near(1 - 0.5 - 0.4, x.grad[2], 1e-6)
  end)

  it('are refused where a number stands for a tensor', function()
    assert.error_matches(function() optim.clipGradNorm({ 1 }, 1) end, 'clipGradNorm: parameter 1 is a number')
  end)
end)

describe('an average of weights', function()
  local function run(decay)
    local net = nn.Linear(1, 1)
    net.weight:fill(0)
    local average = optim.Average(net, decay)
    for step = 1, 4 do
      net.weight:fill(step)
      average:update()
    end
    average:swap()
    local mean = net.weight[1][1]
    average:swap()
    assert.equal(4, net.weight[1][1])
    return mean
  end
  it('weighs all steps the same', function() assert.is_near(2.5, run(), 1e-6) end)
  it('averages running statistics as well', function()
    local net = nn.Sequential():add(nn.BatchNormalization(2))
    local average = optim.Average(net, 0.5)
    net:get(1).running_var:fill(3)
    average:update()
    average:swap()
    assert.is_near(2, net:get(1).running_var[2], 1e-6)
    assert.equal(0, net:get(1).running_mean[1])
  end)
  it('forgets old ones with a decay', function()
    assert.is_near(((0.5 * 0.5 + 0.5 * 2) * 0.5 + 0.5 * 3) * 0.5 + 0.5 * 4, run(0.5), 1e-6)
  end)
end)

describe('a rate over a run', function()
  it('is PyTorch\'s', function()
    local golden = dofile((debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './') .. '../golden/schedule.lua')
    local plateau = schedule.plateau(2, 0.5)
    local ours = {
      cosine = function(i) return schedule.cosine(i, 20, 0) end,
      step = function(i) return schedule.step(i, 6, 0.5) end,
      warmup = function(i) return schedule.warmup(i, 5) end,
      oneCycle = function(i) return schedule.oneCycle(i, 20) end,
      plateau = function(i) return plateau(golden.losses[i + 1]) end,
    }
    for name, f in pairs(ours) do
      for i, want in ipairs(golden[name]) do assert.is_near(want, f(i - 1), 1e-12, name .. ' ' .. i) end
    end
  end)

  it('with a warm-up rises in a straight line and then falls as it would without', function()
    for i = 0, 9 do assert.is_near((i + 0.5) / 10, schedule.cosine(i, 100), 1e-12) end
    for i = 10, 99 do assert.is_near(schedule.cosine(i - 10, 90, 0), schedule.cosine(i, 100), 1e-12) end
  end)

  it('falls in steps, rises at first, goes up and down once', function()
    assert.same({ 1, 0.5, 0.25 }, { schedule.step(9, 10, 0.5), schedule.step(10, 10, 0.5), schedule.step(29, 10, 0.5) })
    assert.same({ 0.25, 1, 1 }, { schedule.warmup(0, 4), schedule.warmup(3, 4), schedule.warmup(9, 4) })
    local top, at = 0, nil
    for i = 0, 99 do
      local rate = schedule.oneCycle(i, 100)
      if rate > top then top, at = rate, i end
    end
    assert.is_true(top > 0.99 and top <= 1 and at >= 29 and at <= 30)
    assert.is_true(schedule.oneCycle(0, 100) < 0.06 and schedule.oneCycle(99, 100) < 1e-3)
  end)

  it('falls when losses stay on a plateau', function()
    local factor = schedule.plateau(2, 0.5)
    local got = {}
    for i, loss in ipairs { 3, 2, 2, 2, 2, 1, 1, 1, 1 } do got[i] = factor(loss) end
    assert.same({ 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25 }, got)
  end)
end)
