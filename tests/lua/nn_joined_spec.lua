-- A linear layer and a ReLU in one product, forward and backward (lua/tocha/nn/fuse.lua).
local torch = require 'tocha'
local nn = require 'tocha.nn'
local ops = require 'tocha.bindings.module'.ops

local pair = dofile 'tests/lua/nn_pair.lua'
local near, step, nearGradients, plainly = pair.near, pair.step, pair.nearGradients, pair.plainly

local function perceptron(sizes, inplace, bias)
  local net = nn.Sequential()
  for i = 1, #sizes - 1 do net:add(nn.Linear(sizes[i], sizes[i + 1], bias)):add(nn.ReLU(inplace)) end
  return net
end

-- How often the joined ops ran in f: forward, backward.
local function joined(f)
  local forward, backward, n, m = ops.linear_relu, ops.relu_linear_grad, 0, 0
  ops.linear_relu = function(...) n = n + 1 return forward(...) end
  ops.relu_linear_grad = function(...) m = m + 1 return backward(...) end
  local ok, message = pcall(f)
  ops.linear_relu, ops.relu_linear_grad = forward, backward
  if not ok then error(message, 0) end
  return n, m
end

local function shared(a, b) return torch.pointer(a:storage()) == torch.pointer(b:storage()) end

describe('a linear layer and a ReLU', function()
  for _, case in ipairs {
    { 3, 17, 5, 8 }, { 1, 1, 1, 1 }, { 40, 64, 33, 2, n = 70 }, { 6, 7, 9, n = 1 }, { 6, 7, 9, n = 0 },
    { 5, 31, 4, n = 13, strided = true },
    { 7, 9, 8, 6, n = 5, type = 'torch.DoubleTensor' }, { 12, 9, 8, n = 5, bias = false },
  } do
    local n = case.n or 4
    it(('in place do what they do apart: %s, %d rows'):format(table.concat(case, '-'), n), function()
      local net = perceptron(case, true, case.bias):type(case.type or 'torch.FloatTensor')
      local plain, inputs, outputs = plainly(net), case[1], case[#case]
      for round, rows in ipairs { n, n + 3, n } do
        local size = rows > 0 and { rows, inputs } or { inputs }
        local x = torch.randn(unpack(size)):type(net:type())
        local g = torch.randn(unpack(rows > 0 and { rows, outputs } or { outputs })):type(net:type())
        if case.strided then
          x = torch.randn(inputs, rows):t()
          g = torch.randn(rows, 2 * outputs):narrow(2, 2, outputs)
        end
        local forward, backward = joined(function() step(net, plain, x, g, round == 2) end)
        assert.same({ #case - 1, #case - 2 }, { forward, backward })
        near(net.output, plain.output)
        near(net.gradInput, plain.gradInput)
        nearGradients(net, plain)
        for i, m in ipairs(net.modules) do
          local other = plain.modules[i]
          near(m.output, other.output)
          local linear, above = i % 2 == 1, net:get(i + 1)
          if linear then assert.is_true(shared(m.output, above.output)) end
          if not linear then near(m.gradInput, other.gradInput) end
          if not linear and above then assert.is_true(shared(m.gradInput, above.gradInput)) end -- as in Torch7
        end
        near(net:updateGradInput(x, g), plain:updateGradInput(x, g))
        net:accGradParameters(x, g, 2)
        plain:accGradParameters(x, g, 2)
        nearGradients(net, plain)
      end
    end)
  end

  it('let a NaN through and stop infinities below 0', function()
    local net = perceptron({ 2, 3, 2 }, true)
    net:get(1).bias:copy(torch.Tensor { 0 / 0, -math.huge, math.huge })
    net:forward(torch.randn(2, 2))
    local y = net:get(2).output
    assert.is_true(y[1][1] ~= y[1][1] and y[1][2] == 0 and y[1][3] == math.huge)
  end)

  it('stay apart where one is not in place, is another kind, or has functions of its own', function()
    local x, g = torch.randn(3, 4), torch.randn(3, 2)
    local function count(change)
      local net = nn.Sequential():add(nn.Linear(4, 5)):add(nn.ReLU(true)):add(nn.Linear(5, 2))
      change(net)
      local plain = plainly(net)
      local counts = { joined(function() step(net, plain, x, g) end) }
      near(net.output, plain.output)
      near(net.gradInput, plain.gradInput)
      nearGradients(net, plain)
      return counts
    end
    local function wrap(i, name)
      return function(net)
        local m = net:get(i)
        local f = m[name]
        m[name] = function(...) return f(...) end
      end
    end
    assert.same({ 1, 1 }, count(function() end))
    assert.same({ 1, 1 }, count(function(net) net:get(1).weight = net:get(1).weight:t():clone():t() end))
    assert.same({ 0, 0 }, count(function(net) net:get(2).inplace = false end))
    assert.same({ 0, 0 }, count(function(net) net.modules[2] = nn.LeakyReLU(0.1, true) end))
    assert.same({ 0, 0 }, count(function(net) net.modules[2] = nn.Threshold(0.5, 0, true) end))
    for i = 1, 2 do assert.equal(0, count(wrap(i, 'updateOutput'))[1]) end
    for _, at in ipairs { { 2, 'updateGradInput' }, { 2, 'backward' }, { 2, 'accGradParameters' }, { 3, 'updateGradInput' },
      { 3, 'accGradParameters' }, { 3, 'backward' } } do
      assert.same({ 1, 0 }, count(wrap(unpack(at))))
    end
    assert.same({ 1, 0 }, count(function(net) net:insert(nn.Identity(), 3) end))
  end)

  it('twice in a network, in clones, files, other types and after clearState are themselves', function()
    local linear, relu = nn.Linear(6, 6), nn.ReLU(true)
    local net = nn.Sequential():add(linear):add(relu):add(linear):add(relu):add(nn.Linear(6, 2))
    local x = torch.randn(5, 6)
    local plain = plainly(net)
    near(net:forward(x), plain:forward(x))
    near(net:forward(x), plain:forward(x))
    net = perceptron({ 6, 8, 7, 3 }, true)
    net:forward(x)
    net:backward(x, torch.randn(5, 3))
    for _, copy in ipairs { net:clone(), torch.deserialize(torch.serialize(net)), net:clone():double(),
      net:clone():clearState() } do
      local input, gradient = x:type(copy:type()), torch.randn(5, 3):type(copy:type())
      step(copy, plainly(copy), input, gradient)
      local twin = plainly(copy)
      step(copy, twin, input, gradient)
      near(copy.gradInput, twin.gradInput)
      nearGradients(copy, twin)
    end
    net:evaluate()
    near(net:forward(x), plainly(net):forward(x))
    net:insert(nn.MulConstant(2), 2) -- apart from now on; nothing of the others is written
    local y = net:get(1):forward(x):clone()
    net:forward(x)
    near(net:get(1).output, y)
  end)

  it('share memory for their gradInputs as fb.resnet.torch has it', function()
    local net = perceptron({ 6, 8, 7, 9, 3 }, true)
    local plain = plainly(net)
    local storage = torch.FloatStorage(1)
    for _, m in ipairs(net:findModules 'nn.Linear') do m.gradInput = torch.FloatTensor(storage, 1, 0) end
    for _ = 1, 2 do
      local x, g = torch.randn(5, 6), torch.randn(5, 3)
      net:zeroGradParameters()
      plain:zeroGradParameters()
      net:forward(x)
      plain:forward(x)
      near(net:backward(x, g:clone()), plain:backward(x, g:clone()))
      nearGradients(net, plain)
    end
  end)

  it('name what is wrong', function()
    local net = perceptron({ 3, 4, 2 }, true)
    assert.error_matches(function() net:forward(torch.randn(2, 5)) end, 'model%[1%] nn.Linear%(3 %-> 4%): linear: size mismatch')
    assert.error_matches(function() net(torch.randn(2, 5)) end, 'model%[1%] nn.Linear%(3 %-> 4%): linear: size mismatch')
    local x = torch.randn(2, 3)
    net = net:forward(x) and net:add(nn.Linear(2, 1))
    net:forward(x)
    assert.error_matches(function() net:backward(x, torch.randn(3, 1)) end,
      'linear: the gradient of its output is a FloatTensor of 3x1')
    assert.error_matches(function() net:updateGradInput(x, torch.randn(3, 1)) end, 'linear: the gradient of its output is')
  end)

  for _, inplace in ipairs { false, true } do
    it('are one on the tape, where ReLU is in place ' .. tostring(inplace), function()
      local net = perceptron({ 5, 9, 7, 3 }, inplace):double()
      local plain = net:clone()
      local x, g = torch.randn(4, 5):double(), torch.randn(4, 3):double()
      local leaf, other = x:clone():requiresGrad(true), x:clone():requiresGrad(true)
      net:zeroGradParameters()
      plain:zeroGradParameters()
      local y
      assert.equal(3, (joined(function() y = net(leaf) end)))
      local z = other
      for _, m in ipairs(plain.modules) do z = m(z) end
      near(y:detach(), z:detach(), 1e-12)
      torch.sum(torch.cmul(y, g)):backward()
      torch.sum(torch.cmul(z, g)):backward()
      near(leaf.grad, other.grad, 1e-12)
      nearGradients(net, plain)
      net:zeroGradParameters() -- the gradient of a gradient
      plain:zeroGradParameters()
      local a = torch.grad(torch.sum(torch.square(net(leaf))), leaf, { createGraph = true })
      z = other
      for _, m in ipairs(plain.modules) do z = m(z) end
      local b = torch.grad(torch.sum(torch.square(z)), other, { createGraph = true })
      torch.sum(torch.square(a)):backward()
      torch.sum(torch.square(b)):backward()
      nearGradients(net, plain)
    end)
  end

  it('are two on the tape where a script has its own functions', function()
    local net, seen = perceptron({ 3, 4 }, true), 0
    net.modules[2].updateOutput = function(self, input)
      seen = seen + 1
      return nn.ReLU.updateOutput(self, input)
    end
    assert.equal(0, (joined(function() net(torch.randn(2, 3)) end)))
    assert.equal(1, seen)
  end)
end)
