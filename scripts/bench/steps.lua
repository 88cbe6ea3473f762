--- What the workloads share: small networks and the steps that are timed.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'

-- checkpoint: residual blocks trade time for memory; tape: training steps keep no gradient beyond its use
local steps = { checkpoint = false, tape = false }

function steps.sequence(modules)
  local net = nn.Sequential()
  for _, m in ipairs(modules) do net:add(m) end
  return net
end

-- A perceptron of the given sizes; hidden() makes the activations between layers, last() the one at the end.
function steps.mlp(sizes, hidden, last)
  local net = nn.Sequential()
  for i = 1, #sizes - 1 do
    net:add(nn.Linear(sizes[i], sizes[i + 1]))
    if i < #sizes - 1 then net:add(hidden()) elseif last then net:add(last()) end
  end
  return net
end

function steps.leaky() return nn.LeakyReLU(0.2, true) end
function steps.relu() return nn.ReLU(true) end

-- One training step: zero gradients, forward, loss, backward, update.
function steps.train(net, x, y, criterion, method, config)
  local parameters, gradients = net:getParameters()
  if net.modules then net.modules[1].gradInput = nil end -- nobody asks for the gradient of the data
  local function feval()
    gradients:zero()
    if steps.tape then
      return torch.scope(function()
        local loss = criterion(net(x), y)
        loss:backward()
        return loss:item()
      end), gradients
    end
    local loss = criterion:forward(net:forward(x), y)
    net:backward(x, criterion:backward(net.output, y))
    return loss, gradients
  end
  return function() method(feval, parameters, config) end
end

-- Compiled, as a session of an inference engine is.
function steps.infer(net, x)
  local compiled = nn.Compiled(net)
  compiled:forward(x)
  return function() compiled:forward(x) end
end

function steps.labels(n, classes) return torch.LongTensor(n):random(1, classes) end

-- One step of a generative adversarial pair: the discriminator on real and generated samples, then the generator.
function steps.adversarial(G, D, real, noise, rate)
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

return steps
