-- Optimizers: rules against formulas and PyTorch, objects, line searches, logger, confusion matrix.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'

-- Steps of a rule from x = (1, 2) on f = (x1^2 + 3 x2^2) / 2, in double.
local function run(method, config, steps)
  local x = torch.DoubleTensor { 1, 2 }
  local function feval(p)
    return 0.5 * (p[1] ^ 2 + 3 * p[2] ^ 2), torch.DoubleTensor { p[1], 3 * p[2] }
  end
  for _ = 1, steps do optim[method](feval, x, config) end
  return x[1], x[2]
end

describe('optim', function()
  -- method, config, x after five steps (Adam, Adagrad and RMSprop as Torch7 placed epsilon; the others as PyTorch)
  local rows = dofile((debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './')
    .. '../golden/optim.lua')
  for _, row in ipairs(rows) do
    it(('steps as %s %s'):format(row.method, row.label), function()
      local a, b = run(row.method, row.config, 5)
      assert.is_near(row.x[1], a, 1e-6 * math.abs(row.x[1]))
      assert.is_near(row.x[2], b, 1e-6 * math.abs(row.x[2]))
    end)
  end

  it('anneals the rate', function()
    local x = torch.Tensor { 1 }
    local config = { learningRate = 1, learningRateDecay = 1 }
    local function feval() return 0, torch.Tensor { 1 } end
    optim.sgd(feval, x, config)
    optim.sgd(feval, x, config)
    assert.is_near(1 - 1 - 0.5, x[1], 1e-6)
    assert.are.equal(2, config.evalCounter)
  end)

  it('takes rates and decays per element', function()
    local x = torch.Tensor { 1, 1 }
    optim.sgd(function() return 0, torch.Tensor { 1, 1 } end, x,
      { learningRate = 0.1, learningRates = torch.Tensor { 1, 2 }, weightDecays = torch.Tensor { 0, 1 } })
    assert.is_near(0.9, x[1], 1e-6)
    assert.is_near(1 - 0.1 * 2 * 2, x[2], 1e-6)
  end)

  it('takes parameters and gradients with gaps in their memory', function()
    for _, name in ipairs { 'sgd', 'adam', 'adamw', 'rmsprop', 'adagrad', 'adadelta', 'adamax', 'nag', 'asgd', 'rprop' } do
      local x, base = torch.range(1, 6), torch.zeros(3, 4)
      local view, config, same = base:t():narrow(1, 2, 2), { momentum = 0.5 }, { momentum = 0.5 }
      view:copy(x:view(2, 3))
      for k = 1, 3 do
        optim[name](function() return 0, torch.Tensor(6):fill(k) end, x, config)
        optim[name](function() return 0, torch.Tensor(1, 1):fill(k):expand(2, 3) end, view, same)
      end
      assert.is_true(view:equal(x:view(2, 3)), name)
      assert.equal(0, base:narrow(2, 1, 1):norm() + base:narrow(2, 4, 1):norm())
    end
  end)

  it('refuses nesterov without momentum', function()
    assert.error_matches(function()
      optim.sgd(function() return 0, torch.Tensor { 1 } end, torch.Tensor { 1 }, { nesterov = true })
    end, 'nesterov needs a momentum')
  end)

  it('refuses what no population or memory can be, and leaves config as it was', function()
    local function f(x) return x:sum(), torch.ones(2) end
    for _, size in ipairs { 0 / 0, 1 / 0, 2.5, 0 } do
      for _, name in ipairs { 'de', 'cmaes' } do
        assert.error_matches(function() optim[name](f, torch.ones(2), { popsize = size, maxEval = 9 }) end,
          'optim.' .. name .. ': popsize is')
      end
    end
    assert.error_matches(function() optim.lbfgs(f, torch.ones(2), { nIter = -1 }) end, 'optim.lbfgs: nIter is %-1')
    assert.error_matches(function() optim.cg(f, torch.ones(2), { maxIter = 0 / 0 }) end, 'optim.cg: maxIter is nan')
    local config = { etaplus = 'x' }
    assert.error_matches(function() optim.rprop(f, torch.ones(2), config) end, 'etaplus is a string')
    assert.same({ etaplus = 'x' }, config)
  end)

  it('take a value that is no number for the worst, without gradients', function()
    local function f(p) return p[1] > 0 and math.log(p[1]) ^ 2 or 0 / 0 end
    for _, name in ipairs { 'de', 'cmaes' } do
      torch.manualSeed(1)
      local x = optim[name](f, torch.DoubleTensor { -1 }, { maxEval = 400 })
      assert.is_near(1, x[1], .1)
    end
  end)

  it('refuses a function that returns no gradient', function()
    for _, name in ipairs { 'sgd', 'adam', 'adamw', 'rmsprop', 'adagrad', 'adadelta' } do
      assert.error_matches(function() optim[name](function() return 0 end, torch.Tensor { 1 }, {}) end,
        ': the function must give the value and its gradient, a FloatTensor of 1; the gradient is nil')
    end
  end)

  local function rosenbrock(x)
    local a, b = x[1], x[2]
    return (1 - a) ^ 2 + 100 * (b - a * a) ^ 2,
      torch.DoubleTensor { -2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a) }
  end

  for name, config in pairs {
    cg = { maxEval = 150 }, lbfgs = { maxIter = 100, lineSearch = optim.lswolfe, tolX = 1e-12, tolFun = 1e-10 },
  } do
    it(name .. ' finds the minimum of the Rosenbrock function', function()
      local x = torch.DoubleTensor { -1.2, 1 }
      local _, history = optim[name](rosenbrock, x, config)
      assert.is_true(history[#history] < 1e-8, tostring(history[#history]))
      assert.is_near(1, x[1], 1e-4)
      assert.is_near(1, x[2], 1e-4)
    end)
  end

  for _, method in ipairs { 'adamax', 'nag', 'asgd', 'rprop', 'adadelta' } do
    it(method .. ' descends', function()
      local configs = { nag = { learningRate = 0.01 }, asgd = { eta0 = 0.1 }, adadelta = { learningRate = 10 } }
      local config = configs[method] or { learningRate = 0.1 }
      local a, b = run(method, config, 50)
      assert.is_true(a * a + 3 * b * b < 13 * 0.9)
    end)
  end

  it('checks gradients', function()
    local difference = optim.checkgrad(rosenbrock, torch.DoubleTensor { -1.2, 1 }, 1e-5)
    assert.is_true(difference < 1e-6)
  end)
end)

describe('an optimizer object', function()
  local function net() return nn.Sequential():add(nn.Linear(2, 3)):add(nn.Tanh()):add(nn.Linear(3, 1)) end

  it('steps a module as the function does', function()
    local a = net()
    local b = a:clone()
    local x, target, criterion = torch.Tensor(5, 2):fill(0.3), torch.Tensor(5, 1):fill(1), nn.MSECriterion()
    local object = optim.Adam(a, { learningRate = 0.01 })
    local params, grads = b:getParameters()
    local config = { learningRate = 0.01 }
    for _ = 1, 3 do
      object:zeroGrad()
      criterion(a(x), target):backward()
      object:step()
      optim.adam(function()
        grads:zero()
        local loss = criterion:forward(b:forward(x), target)
        b:backward(x, criterion:backward(b.output, target))
        return loss, grads
      end, params, config)
    end
    assert.is_true((a:getParameters() - params):abs():max() < 1e-6)
  end)

  it('has groups with constants of their own', function()
    local p, q = torch.Tensor { 1 }:requiresGrad(true), torch.Tensor { 1 }:requiresGrad(true)
    local object = optim.SGD({ { params = { p } }, { params = { q }, learningRate = 0.5 } }, { learningRate = 0.1 })
    for _ = 1, 2 do
      object:zeroGrad()
      torch.sum(p + q):backward()
      object:step()
    end
    assert.is_near(0.8, p:detach()[1], 1e-6)
    assert.is_near(0, q:detach()[1], 1e-6)
  end)

  it('goes on from a saved state', function()
    local function fresh() return torch.Tensor { 1, 2 }:requiresGrad(true) end
    local a, b = fresh(), fresh()
    local function step(object, p)
      object:zeroGrad()
      torch.square(p):sum():backward()
      object:step()
    end
    local first = optim.Adam({ a }, { learningRate = 0.1 })
    step(first, a)
    step(first, a)
    local second = optim.Adam({ b }, { learningRate = 0.1 })
    step(second, b)
    local third = optim.Adam({ b }):load(second:state())
    step(third, b)
    assert.is_near(a:detach()[1], b:detach()[1], 1e-7)
  end)

  it('refuses a state of other parameters or with other constants when it is loaded, and stays as it was', function()
    local saved = {}
    for n = 2, 3 do
      local x = torch.ones(n):requiresGrad(true)
      local one = optim.Adam(x)
      torch.sum(x * 2):backward()
      one:step()
      saved[n] = one:state()
    end
    local x = torch.ones(2):requiresGrad(true)
    local one = optim.Adam(x)
    assert.error_matches(function() one:load(saved[3]) end,
      'optim.Adam: the state [mv] is a FloatTensor of 3, but x is a FloatTensor of 2')
    saved[2][1].config = { beta1 = 2 }
    assert.error_matches(function() one:load(saved[2]) end, 'beta1 is 2')
    assert.same({}, one:state()[1].states[1])
  end)

  it('names what is no parameter', function()
    assert.error_matches(function() optim.Adam { 3 } end, 'parameter 1 is a number, not a tensor')
    assert.error_matches(function() optim.Adam {} end, 'there are no parameters')
  end)

  it('refuses a constant when it is made', function()
    local x = torch.ones(2)
    for _, case in ipairs {
      { 'SGD', { learningRate = 'fast' }, 'optim.sgd: learningRate is a string, but a number is needed' },
      { 'SGD', { nesterov = true }, 'optim.sgd: nesterov needs a momentum' },
      { 'Adam', { learningRate = 0 / 0 }, 'optim.adam: learningRate is nan, but a number is needed' },
      { 'AdamW', { beta1 = 1 }, 'optim.adamw: beta1 is 1, but a number from 0, below 1 is needed' },
      { 'Adadelta', { eps = -1 }, 'optim.adadelta: eps is %-1, but a number from 0 is needed' },
    } do
      local here = debug.getinfo(1, 'l').currentline + 1
      local good, why = pcall(function() return optim[case[1]]({ { params = { x } } }, case[2]) end)
      assert.is_false(good)
      assert.matches('optim_spec.lua:' .. here .. ': ' .. case[3], why)
    end
    optim.SGD(x, { learningRates = torch.ones(2) }) -- a number per element
  end)
end)

describe('ConfusionMatrix', function()
  it('counts and prints as Torch7 did', function()
    local m = optim.ConfusionMatrix { 'cat', 'dog' }
    m:batchAdd(torch.Tensor { { 1, 0 }, { 0, 1 }, { 0, 1 } }, torch.LongTensor { 1, 2, 1 })
    m:add(torch.Tensor { 0, 1 }, 2)
    m:add(1, 0)
    assert.are.equal('ConfusionMatrix:\n[[       1       1]   50.000% \t[class: cat]\n'
      .. ' [       0       2]]  100.000% \t[class: dog]\n'
      .. ' + average row correct: 75% \n'
      .. ' + average rowUcol correct (VOC measure): 58.333333333333% \n'
      .. ' + global correct: 75%', tostring(m))
    assert.are.equal(0.75, m.totalValid)
    m:zero()
    assert.are.equal(0, m.mat:sum())
    assert.error_matches(function() m:add(3, 1) end, 'prediction 3, target 1, but classes run from 1 to 2')
  end)
end)

describe('Logger', function()
  it('writes columns and never fails to plot', function()
    local name = os.tmpname()
    local log = optim.Logger(name)
    log:setNames { 'train', 'test' }
    log:add { 1, 0.5 }
    log:add { 0.25, 'x' }
    log:style { '-', '-' }
    log:plot()
    local file = io.open(name)
    assert.are.equal('train\ttest\t\n 1.0000e+00\t 5.0000e-01\t\n 2.5000e-01\tx\t\n', file:read('*a'))
    file:close()
    os.remove(name)
    os.remove(name .. '.png')
    assert.error_matches(function() log:add { 1, {} } end, 'column test is a table')
    assert.error_matches(function() log:style { 1 } end, 'the style of 1 is a number')
  end)

  it('makes the folder of its file', function()
    local folder = os.tmpname()
    os.remove(folder)
    local name = folder .. '/a/run.log'
    optim.Logger(name):setNames({ 'x' }):add { 1 }
    assert.are.equal('x\t\n 1.0000e+00\t\n', assert(io.open(name)):read '*a')
    for _, path in ipairs { name, folder .. '/a', folder } do os.remove(path) end
  end)
end)
