--- Networks over sequences.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local steps = require 'bench.steps'

return function(workload)
  workload('lstm_train_t50_b32', function(n) -- 2 layers, input 128, hidden 256
    n = n or 32
    local net = steps.sequence { nn.LSTM(128, 256, { layers = 2 }), nn.View(-1, 256), nn.Linear(256, 65) }
    return steps.train(net, torch.randn(50, n, 128), steps.labels(50 * n, 65), nn.CrossEntropyCriterion(), optim.sgd,
      { learningRate = 0.1 })
  end)

  workload('gpt_train_b8_t128', function() -- 4 blocks, width 256, 8 heads, vocabulary 65
    local net = steps.sequence { nn.LookupTable(65, 256), nn.CAdd(128, 256) }
    for _ = 1, 4 do net:add(nn.TransformerLayer(256, 8, { causal = true })) end
    net:add(nn.LayerNorm(256)):add(nn.View(-1, 256)):add(nn.Linear(256, 65))
    return steps.train(net, steps.labels(8 * 128, 65):view(8, 128), steps.labels(8 * 128, 65), nn.CrossEntropyCriterion(),
      optim.adamw, { learningRate = 1e-3 })
  end)
end
