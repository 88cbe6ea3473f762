--- Workloads of perceptrons.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local steps = require 'bench.steps'
local sequence, mlp, train, infer, leaky, relu = steps.sequence, steps.mlp, steps.train, steps.infer, steps.leaky, steps.relu

return function(workload)
  workload('xor_mlp_train_b4', function()
    local net = mlp({ 2, 3, 1 }, nn.Sigmoid, nn.Sigmoid)
    return train(net, torch.rand(4, 2), torch.rand(4, 1), nn.MSECriterion(), optim.sgd, { learningRate = 0.1 })
  end)

  workload('mlp_gan_step_b64', function()
    local G = mlp({ 100, 128, 256, 512, 1024, 784 }, leaky, nn.Tanh)
    local D = mlp({ 784, 1024, 512, 256, 1 }, leaky, nn.Sigmoid)
    return steps.adversarial(G, D, torch.randn(64, 784), torch.Tensor(64, 100), 1e-4)
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
end
