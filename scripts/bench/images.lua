--- Workloads of small convolutional networks.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local steps = require 'bench.steps'
local sequence, train, infer, labels, leaky, relu = steps.sequence, steps.train, steps.infer, steps.labels, steps.leaky, steps.relu

local function mnistCnn()
  return sequence { nn.SpatialConvolution(1, 32, 3, 3), relu(), nn.SpatialMaxPooling(2, 2), nn.SpatialConvolution(32, 64, 3, 3),
    relu(), nn.SpatialMaxPooling(2, 2), nn.View(-1, 1600), nn.Linear(1600, 128), relu(), nn.Linear(128, 10) }
end

local function cifarCnn()
  return sequence { nn.SpatialConvolution(3, 32, 3, 3), relu(), nn.SpatialMaxPooling(2, 2), nn.SpatialConvolution(32, 64, 3, 3),
    relu(), nn.SpatialMaxPooling(2, 2), nn.SpatialConvolution(64, 64, 3, 3), relu(), nn.View(-1, 1024), nn.Linear(1024, 64),
    relu(), nn.Linear(64, 10) }
end

-- A workload's function takes another batch than the one it is named for.
return function(workload)
  workload('mnist_cnn_train_b64', function(n)
    n = n or 64
    return train(mnistCnn(), torch.randn(n, 1, 28, 28), labels(n, 10), nn.CrossEntropyCriterion(), optim.adam, {})
  end)

  workload('mnist_cnn_infer_b1', function() return infer(mnistCnn(), torch.randn(1, 1, 28, 28)) end)

  workload('mnist_cnn_infer_b64', function(n) return infer(mnistCnn(), torch.randn(n or 64, 1, 28, 28)) end)

  workload('cifar_cnn_train_b32', function(n)
    n = n or 32
    return train(cifarCnn(), torch.randn(n, 3, 32, 32), labels(n, 10), nn.CrossEntropyCriterion(), optim.adam, {})
  end)

  workload('dcgan_step_b32', function()
    local G = sequence { nn.SpatialFullConvolution(100, 128, 7, 7), nn.SpatialBatchNormalization(128), relu(),
      nn.SpatialFullConvolution(128, 64, 4, 4, 2, 2, 1, 1), nn.SpatialBatchNormalization(64), relu(),
      nn.SpatialFullConvolution(64, 1, 4, 4, 2, 2, 1, 1), nn.Tanh() }
    local D = sequence { nn.SpatialConvolution(1, 64, 4, 4, 2, 2, 1, 1), leaky(), nn.SpatialConvolution(64, 128, 4, 4, 2, 2, 1, 1),
      nn.SpatialBatchNormalization(128), leaky(), nn.View(-1, 128 * 49), nn.Linear(128 * 49, 1), nn.Sigmoid() }
    return steps.adversarial(G, D, torch.randn(32, 1, 28, 28), torch.Tensor(32, 100, 1, 1), 2e-4)
  end)
end
