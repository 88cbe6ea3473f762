--- Workloads of single operations.
local torch = require 'tocha'
local nn = require 'tocha.nn'

return function(workload)
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
end
