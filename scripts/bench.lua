#!/usr/bin/env luajit
-- Times named deep-learning workloads, one JSON line each: the wall time of one step after warm-up, in milliseconds.
-- usage: luajit scripts/bench.lua [--threads N] [--seconds S] [NAME ...]     (no NAME: all; `list` prints the names)
local root = (arg and arg[0] or ''):match('^(.*)scripts/[^/]*$')
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'

local help = [[
usage: luajit scripts/bench.lua [--threads N] [--seconds S] [NAME ...]

Times named workloads (no NAME: all of them) and prints one JSON line each:
  {"name": "gemm_1024", "median_ms": ..., "min_ms": ..., "runs": ...}

  --threads N   threads of the engine (default 2)
  --seconds S   time to measure each workload for, after a fifth of it as warm-up (default 2)
  list          print the names
  overhead      print the cost of one operation on three numbers, in microseconds]]

-- -- what the workloads share -------------------------------------------------------------------------------------

local function sequence(modules)
  local net = nn.Sequential()
  for _, m in ipairs(modules) do net:add(m) end
  return net
end

-- A perceptron of the given sizes; hidden() makes the activations between layers, last() the one at the end.
local function mlp(sizes, hidden, last)
  local net = nn.Sequential()
  for i = 1, #sizes - 1 do
    net:add(nn.Linear(sizes[i], sizes[i + 1]))
    if i < #sizes - 1 then net:add(hidden()) elseif last then net:add(last()) end
  end
  return net
end

local function leaky() return nn.LeakyReLU(0.2, true) end
local function relu() return nn.ReLU(true) end

-- One training step: zero gradients, forward, loss, backward, update.
local function train(net, x, y, criterion, method, config)
  local parameters, gradients = net:getParameters()
  local function feval()
    gradients:zero()
    local loss = criterion:forward(net:forward(x), y)
    net:backward(x, criterion:backward(net.output, y))
    return loss, gradients
  end
  return function() method(feval, parameters, config) end
end

local function infer(net, x)
  net:evaluate()
  return function() net:forward(x) end
end

local function labels(n, classes) return torch.LongTensor(n):random(1, classes) end

local function mnistCnn()
  return sequence { nn.SpatialConvolution(1, 32, 3, 3), relu(), nn.SpatialMaxPooling(2, 2), nn.SpatialConvolution(32, 64, 3, 3),
    relu(), nn.SpatialMaxPooling(2, 2), nn.View(-1, 1600), nn.Linear(1600, 128), relu(), nn.Linear(128, 10) }
end

local function cifarCnn()
  return sequence { nn.SpatialConvolution(3, 32, 3, 3), relu(), nn.SpatialMaxPooling(2, 2), nn.SpatialConvolution(32, 64, 3, 3),
    relu(), nn.SpatialMaxPooling(2, 2), nn.SpatialConvolution(64, 64, 3, 3), relu(), nn.View(-1, 1024), nn.Linear(1024, 64),
    relu(), nn.Linear(64, 10) }
end

-- One step of a generative adversarial pair: the discriminator on real and generated samples, then the generator.
local function adversarial(G, D, real, noise, rate)
  local n = real:size(1)
  local criterion = nn.BCECriterion()
  local one, zero = torch.ones(n, 1), torch.zeros(n, 1)
  local gParameters, gGradients = G:getParameters()
  local dParameters, dGradients = D:getParameters()
  local gState, dState = { learningRate = rate }, { learningRate = rate }
  local function learn(x, target)
    local y = D:forward(x)
    local loss = criterion:forward(y, target)
    D:backward(x, criterion:backward(y, target))
    return loss
  end
  local function dEval()
    dGradients:zero()
    local loss = learn(real, one)
    return loss + learn(G:forward(noise:normal()), zero), dGradients
  end
  local function gEval()
    gGradients:zero()
    local fake = G:forward(noise:normal())
    local y = D:forward(fake)
    local loss = criterion:forward(y, one)
    G:backward(noise, D:updateGradInput(fake, criterion:backward(y, one)))
    return loss, gGradients
  end
  return function()
    optim.adam(dEval, dParameters, dState)
    optim.adam(gEval, gParameters, gState)
  end
end

-- -- the workloads ------------------------------------------------------------------------------------------------

local names, workloads = {}, {}
local function workload(name, make)
  names[#names + 1] = name
  workloads[name] = make
end

workload('gemm_1024', function()
  local a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
  return function() return a * b end
end)

workload('add_relu_16m', function()
  local a, b = torch.randn(2 ^ 24), torch.randn(2 ^ 24)
  return function() return (a + b):relu() end
end)

workload('softmax_4096x1000', function()
  local a = torch.randn(4096, 1000)
  local logSoftMax = nn.LogSoftMax()
  return function() return logSoftMax:forward(a) end
end)

workload('xor_mlp_train_b4', function()
  local net = mlp({ 2, 3, 1 }, nn.Sigmoid, nn.Sigmoid)
  return train(net, torch.rand(4, 2), torch.rand(4, 1), nn.MSECriterion(), optim.sgd, { learningRate = 0.1 })
end)

workload('mnist_cnn_train_b64', function()
  return train(mnistCnn(), torch.randn(64, 1, 28, 28), labels(64, 10), nn.CrossEntropyCriterion(), optim.adam, {})
end)

workload('mnist_cnn_infer_b1', function() return infer(mnistCnn(), torch.randn(1, 1, 28, 28)) end)
workload('mnist_cnn_infer_b64', function() return infer(mnistCnn(), torch.randn(64, 1, 28, 28)) end)

workload('cifar_cnn_train_b32', function()
  return train(cifarCnn(), torch.randn(32, 3, 32, 32), labels(32, 10), nn.CrossEntropyCriterion(), optim.adam, {})
end)

workload('mlp_gan_step_b64', function()
  local G = mlp({ 100, 128, 256, 512, 1024, 784 }, leaky, nn.Tanh)
  local D = mlp({ 784, 1024, 512, 256, 1 }, leaky, nn.Sigmoid)
  return adversarial(G, D, torch.randn(64, 784), torch.Tensor(64, 100), 1e-4)
end)

workload('dcgan_step_b32', function()
  local G = sequence { nn.SpatialFullConvolution(100, 128, 7, 7), nn.SpatialBatchNormalization(128), relu(),
    nn.SpatialFullConvolution(128, 64, 4, 4, 2, 2, 1, 1), nn.SpatialBatchNormalization(64), relu(),
    nn.SpatialFullConvolution(64, 1, 4, 4, 2, 2, 1, 1), nn.Tanh() }
  local D = sequence { nn.SpatialConvolution(1, 64, 4, 4, 2, 2, 1, 1), leaky(), nn.SpatialConvolution(64, 128, 4, 4, 2, 2, 1, 1),
    nn.SpatialBatchNormalization(128), leaky(), nn.View(-1, 128 * 49), nn.Linear(128 * 49, 1), nn.Sigmoid() }
  return adversarial(G, D, torch.randn(32, 1, 28, 28), torch.Tensor(32, 100, 1, 1), 2e-4)
end)

workload('vae_step_b64', function() -- 784-400-(20, 20)-400-784, reparameterised
  local encoder = sequence { nn.Linear(784, 400), relu() }
  local mean, logVariance = nn.Linear(400, 20), nn.Linear(400, 20)
  local decoder = sequence { nn.Linear(20, 400), relu(), nn.Linear(400, 784), nn.Sigmoid() }
  local parameters, gradients = sequence { encoder, mean, logVariance, decoder }:getParameters()
  local criterion, x, state = nn.BCECriterion(nil, false), torch.rand(64, 784), {}
  local function feval()
    gradients:zero()
    local h = encoder(x)
    local m, s = mean(h), logVariance(h)
    local y = decoder(m + torch.cmul(torch.randn(64, 20), torch.exp(s * 0.5)))
    local divergence = (s + 1 - torch.square(m) - torch.exp(s)):sum() * -0.5
    local loss = criterion(y, x) + divergence
    loss:backward()
    return loss:item(), gradients
  end
  return function() optim.adam(feval, parameters, state) end
end)

workload('ddpg_update_b64', function() -- state 3, action 1, hidden 256-256, slow copies that follow by 0.005
  local function actor() return mlp({ 3, 256, 256, 1 }, relu, nn.Tanh) end
  local function critic() return mlp({ 4, 256, 256, 1 }, relu) end
  local A, slowA, C, slowC = actor(), actor(), critic(), critic()
  local aParameters, aGradients = A:getParameters()
  local cParameters, cGradients = C:getParameters()
  local slowAParameters, slowCParameters = slowA:getParameters(), slowC:getParameters()
  local criterion, aState, cState = nn.MSECriterion(), { learningRate = 1e-4 }, { learningRate = 1e-3 }
  local s, a, r, s2 = torch.randn(64, 3), torch.randn(64, 1), torch.randn(64, 1), torch.randn(64, 3)
  local rise = torch.Tensor(64, 1):fill(-1 / 64) -- gradient of minus the mean value
  local function cEval()
    local target = slowC:forward(torch.cat(s2, slowA:forward(s2), 2)) * 0.99 + r
    local x = torch.cat(s, a, 2)
    cGradients:zero()
    local loss = criterion:forward(C:forward(x), target)
    C:backward(x, criterion:backward(C.output, target))
    return loss, cGradients
  end
  local function aEval()
    aGradients:zero()
    local x = torch.cat(s, A:forward(s), 2)
    local value = C:forward(x)
    A:backward(s, C:updateGradInput(x, rise):narrow(2, 4, 1))
    return -value:mean(), aGradients
  end
  return function()
    optim.adam(cEval, cParameters, cState)
    optim.adam(aEval, aParameters, aState)
    slowAParameters:mul(0.995):add(0.005, aParameters)
    slowCParameters:mul(0.995):add(0.005, cParameters)
  end
end)

workload('policy_infer_b1', function() return infer(mlp({ 3, 256, 256, 1 }, relu, nn.Tanh), torch.randn(1, 3)) end)

-- -- measuring ----------------------------------------------------------------------------------------------------

local timer = torch.Timer()
local function now() return timer:time().real end

local function measure(step, seconds)
  step()
  local warm = now() + seconds * 0.2
  while now() < warm do step() end
  local times, stop = {}, now() + seconds
  while #times < 5 or now() < stop do
    local t = now()
    step()
    times[#times + 1] = now() - t
  end
  table.sort(times)
  return times[math.floor(#times / 2) + 1] * 1e3, times[1] * 1e3, #times
end

local function overhead()
  local a, b = torch.randn(3), torch.randn(3)
  local leaf = torch.randn(3):requiresGrad(true)
  for _, case in ipairs { { 'gradients off', a }, { 'gradients on', leaf } } do
    local x, n, best = case[2], 100000, math.huge
    for _ = 1, 5 do
      local t = now()
      for _ = 1, n do torch.add(x, b) end
      best = math.min(best, (now() - t) / n)
    end
    print(('%-14s %.2f us'):format(case[1], best * 1e6))
  end
end

-- -- the command line ---------------------------------------------------------------------------------------------

local function fail(message)
  io.stderr:write('bench: ', message, ' (--help tells more)\n')
  os.exit(2)
end

local threads, seconds, wanted = 2, 2, {}
local i = 1
local function number(option)
  i = i + 1
  local n = tonumber(arg[i])
  if not n or n <= 0 then fail(option .. ' wants a number above 0, not ' .. tostring(arg[i])) end
  return n
end
while arg[i] do
  local word = arg[i]
  if word == '--help' or word == '-h' then print(help) os.exit(0)
  elseif word == '--threads' then threads = number(word)
  elseif word == '--seconds' then seconds = number(word)
  elseif word:sub(1, 1) == '-' then fail('unknown option ' .. word)
  else wanted[#wanted + 1] = word end
  i = i + 1
end
torch.setnumthreads(threads)
torch.manualSeed(0)
if wanted[1] == 'list' then print(table.concat(names, '\n')) os.exit(0) end
if wanted[1] == 'overhead' then overhead() os.exit(0) end
for _, name in ipairs(#wanted > 0 and wanted or names) do
  if not workloads[name] then fail('no workload named ' .. name .. '; `list` prints the names') end
  local median, min, runs = measure(workloads[name](), seconds)
  print(('{"name": "%s", "median_ms": %.5f, "min_ms": %.5f, "runs": %d}'):format(name, median, min, runs))
  io.stdout:flush()
end
