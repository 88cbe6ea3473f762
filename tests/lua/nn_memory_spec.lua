-- Checkpoints, anomalies, and criterions over sequences beyond their golden rows.
local torch = require 'tocha'
local nn = require 'tocha.nn'

local function grads(model)
  local _, g = model:getParameters()
  return g
end

describe('a checkpoint', function()
  local function block()
    return nn.Sequential():add(nn.Linear(3, 4)):add(nn.BatchNormalization(4)):add(nn.Dropout(0.5)):add(nn.Tanh())
  end
  local function pair()
    torch.manualSeed(4)
    local plain = block()
    local kept = nn.Checkpoint(plain:clone())
    for _, m in ipairs { plain, kept } do m:zeroGradParameters() end
    return plain, kept, torch.randn(6, 3), torch.randn(6, 4)
  end

  it('computes what its module does, with the same noise, and keeps nothing', function()
    local plain, kept, x, g = pair()
    local a, b
    torch.manualSeed(9)
    local y = plain:forward(x):clone()
    a = plain:backward(x, g)
    local after = torch.uniform()
    torch.manualSeed(9)
    assert.are.equal(0, (kept:forward(x) - y):norm())
    assert.are.equal(0, kept.modules[1].modules[1].output:nElement())
    b = kept:backward(x, g)
    assert.are.equal(after, torch.uniform()) -- the second pass draws nothing that is seen
    assert.are.equal(0, (a - b):norm())
    assert.are.equal(0, (grads(plain) - grads(kept)):norm())
    local bn, again = plain.modules[2], kept.modules[1].modules[2]
    assert.are.equal(0, (bn.running_var - again.running_var):norm())
    assert.are.equal(0.1, again.momentum)
  end)

  it('computes it twice of the same input where the module works in place', function()
    for _, first in ipairs { nn.MulConstant(2, true), nn.ELU(1, true), nn.Dropout(0.5, false, true), nn.ReLU(true) } do
      local plain = nn.Sequential():add(first):add(nn.Linear(4, 2))
      local kept, x, g = nn.Checkpoint(plain:clone()), torch.randn(3, 4), torch.randn(3, 2)
      local results = {}
      for i, net in ipairs { plain, kept } do
        local input = x:clone()
        torch.manualSeed(1)
        net:zeroGradParameters()
        net:forward(input)
        results[i] = { net:backward(input, g:clone()), (select(2, net:getParameters())) }
      end
      for k = 1, 2 do assert.is_true(results[1][k]:equal(results[2][k]), torch.type(first)) end
    end
  end)

  it('gives its input where the module does', function()
    local x = torch.randn(3):requiresGrad(true)
    local y = nn.Checkpoint(nn.Identity())(x * 2)
    assert.is_true(y:detach():equal(x:detach() * 2))
    torch.sum(y):backward()
    assert.is_true(x.grad:equal(torch.ones(3):mul(2)))
  end)

  it('does so on the tape, also when called twice', function()
    local plain, kept, x, g = pair()
    for _, model in ipairs { plain, kept } do
      torch.manualSeed(9)
      torch.cmul(model(x) + model(torch.mul(x, 2)), g):sum():backward()
    end
    assert.is_true(grads(plain):norm() > 0)
    assert.is_true((grads(plain) - grads(kept)):norm() < 1e-5)
    local leaf = x:clone():requiresGrad(true)
    local before = grads(kept):clone()
    torch.grad(torch.sum(kept(leaf)), leaf) -- asks for no gradient of a parameter
    assert.are.equal(0, (grads(kept) - before):norm())
    assert.error_matches(function() torch.grad(torch.sum(kept(leaf)), leaf, { createGraph = true }) end, 'no gradient of its own')
  end)
end)

describe('a checkpoint on the tape', function()
  -- Peak in bytes of a step of four blocks in a process of its own.
  local function peak(wrap)
    local pipe = io.popen(([[luajit -e "package.path = 'lua/?.lua;lua/?/init.lua;' .. package.path
      local torch, nn = require 'tocha', require 'tocha.nn'
      local net = nn.Sequential()
      for _ = 1, 4 do
        local block = nn.Sequential()
        for _ = 1, 4 do block:add(nn.Linear(64, 64)):add(nn.Tanh()) end
        net:add(%s(block))
      end
      local x = torch.randn(2048, 64)
      torch.scope(function() torch.mean(net(x)):backward() end)
      print(torch.memstats().peak)"]]):format(wrap))
    local bytes = tonumber(pipe:read '*l')
    pipe:close()
    return bytes
  end

  it('needs less memory than none, also where a scope holds what is made', function()
    assert.is_true(peak 'nn.Checkpoint' < 0.75 * peak '')
  end)

  it('gives a gradient as often as the graph is retained, and once more', function()
    local net, x = nn.Sequential():add(nn.Checkpoint(nn.Tanh())):add(nn.Checkpoint(nn.Tanh())), torch.randn(3):requiresGrad(true)
    local y = torch.sum(net(x))
    local first = torch.grad(y, x, { retainGraph = true }):clone()
    y:backward({ retainGraph = true })
    y:backward()
    assert.is_true((x.grad - first * 2):norm() < 1e-6)
    assert.error_matches(function() y:backward() end, 'backward')
  end)

  it('leaves its module what that keeps', function()
    local Seen, seen = torch.class('tests.Seen', 'nn.Module', {})
    function Seen:__init() seen.__init(self) end
    function Seen:updateOutput(input)
      self.sum = self.sum or input:clone():zero()
      self.sum:add(input)
      self.output = input * 2
      return self.output
    end
    function Seen:updateGradInput(_, gradOutput) self.gradInput = gradOutput * 2 return self.gradInput end
    local module, x = Seen(), torch.Tensor { 1, 2 }:requiresGrad(true)
    torch.sum(nn.Checkpoint(module)(x)):backward()
    assert.are.same({ 2, 2 }, x.grad:totable())
    assert.are.same({ 2, 4 }, module.sum:totable())
  end)
end)

describe('detectAnomaly names', function()
  local function model(last)
    local net = nn.Sequential():add(nn.Linear(3, 2)):add(nn.Sequential():add(last))
    net:get(1).weight:fill(0)
    net:get(1).bias:fill(0)
    return net, torch.ones(1, 3)
  end
  local function message(net, fn)
    local ok, why = pcall(nn.detectAnomaly, net, fn)
    assert.is_false(ok)
    return why
  end

  it('the module whose output is not finite', function()
    local net, x = model(nn.Log())
    for _, run in ipairs { function() net:forward(x) end, function() net(x) end } do
      assert.is_truthy(message(net, run):find('model[2][1] nn.Log: infinity at [1][1] in the output', 1, true))
    end
  end)

  it('the module whose gradient is not finite', function()
    local net, x = model(nn.Power(0.5))
    for _, run in ipairs { function() net:forward(x) net:backward(x, torch.ones(1, 2)) end,
      function() torch.sum(net(x)):backward() end } do
      local why = message(net, run)
      assert.is_truthy(why:find('model[2][1] nn.Power: infinity at [1][1] in the gradient of its input', 1, true), why)
    end
  end)

  it('the input, and leaves no trace', function()
    local net, x = model(nn.Tanh())
    x[1][2] = 0 / 0
    assert.is_truthy(message(net, function() net:forward(x) end):find('NaN at [1][2] in the input', 1, true))
    x[1][2] = 1
    assert.are.same({ 1, nil, 3 }, { nn.detectAnomaly(net, function() return 1, nil, 3 end) })
    net:forward(torch.Tensor(1, 3):fill(0 / 0))
    torch.sum(net(x) + net(x)):backward() -- called twice: still layers of the tape
    assert.are.equal(0, net:forward(x):norm())
  end)
end)

describe('CTCCriterion', function()
  it('takes lists of labels of other lengths', function()
    torch.manualSeed(1)
    local x, c = torch.randn(6, 2, 4), nn.CTCCriterion(1, false)
    local both = c:forward(x, { { 2, 3, 3 }, { 4 } })
    local first = c:forward(x:narrow(2, 1, 1), { { 2, 3, 3 } })
    local second = c:forward(x:narrow(2, 2, 1), { torch.LongTensor { 4 } })
    assert.is_near(first + second, both, 1e-4)
    local labels = torch.LongTensor { { 2, 3, 3 }, { 4, 1, 1 } }
    local steps, counts = torch.LongTensor { 6, 6 }, torch.LongTensor { 3, 1 }
    assert.is_near(both, c:forward(x, { labels, steps, counts }), 1e-5)
    local short = c:forward(x, { labels = labels, steps = torch.LongTensor { 6, 4 }, counts = counts })
    assert.is_near(first + c:forward(x:narrow(2, 2, 1):narrow(1, 1, 4), { { 4 } }), short, 1e-4)
  end)

  it('is infinite where the time is too short', function()
    local x = torch.zeros(2, 1, 3)
    assert.are.equal(math.huge, nn.CTCCriterion():forward(x, { { 2, 2 } }))
    local c = nn.CTCCriterion(1, true, true)
    assert.are.equal(0, c:forward(x, { { 2, 2 } }))
    assert.are.equal(0, c:backward(x, { { 2, 2 } }):norm())
  end)

  it('says what is wrong', function()
    local c, x = nn.CTCCriterion(), torch.zeros(3, 2, 4)
    for words, target in pairs {
      ['target%[2%]%[1%] = 1, but labels run from 1 to 4, without the blank 1'] = { { 2 }, { 1 } },
      ['target%[1%]%[1%] = 5'] = { { 5 }, { 2 } }, ['the target, %(examples, labels%), is 1x1'] = { { 2 } },
      ['steps'] = { torch.LongTensor { { 2 }, { 2 } }, torch.LongTensor { 4, 3 } }, ['a number was given'] = 3,
    } do
      assert.error_matches(function() c:forward(x, target) end, words)
    end
  end)
end)

describe('a recurrent layer', function()
  it('gives back at its next forward what its gradient needed, without waiting for the collector', function()
    local net, x, g = nn.LSTM(8, 32, { layers = 2 }), torch.randn(20, 4, 8), torch.randn(20, 4, 32)
    local function steps(n)
      for _ = 1, n do
        net:forward(x)
        net:backward(x, g)
      end
      return torch.memstats().used
    end
    collectgarbage()
    collectgarbage 'stop'
    local before = steps(2)
    local grown = (steps(4) - before) / 4
    collectgarbage 'restart'
    local output, kept = 20 * 4 * 32 * 4, 2 * 20 * 4 * 5 * 32 * 4
    assert.is_true(grown < 2 * output, grown)
    assert.is_true(grown < kept / 4)
  end)
end)
