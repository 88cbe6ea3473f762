--- What more threads and larger batches bring.
local torch = require 'tocha'
local measure = require 'bench.measure'

-- Workloads long enough that two threads should be nearly twice as fast.
local large = { 'gemm_1024', 'softmax_4096x1000', 'mnist_cnn_train_b64', 'cifar_cnn_train_b32', 'mnist_cnn_infer_b64',
  'mlp_gan_step_b64', 'dcgan_step_b32', 'resnet20_cifar_train_b32', 'mobilenetv2_train_b8', 'resnet18_train_b8',
  'mobilenetv2_infer_b1', 'resnet50_infer_b1', 'lstm_train_t50_b32', 'gpt_train_b8_t128' }

-- Workloads that take a batch.
local batched = { 'mnist_cnn_infer_b64', 'mnist_cnn_train_b64', 'cifar_cnn_train_b32', 'resnet20_cifar_train_b32',
  'lstm_train_t50_b32' }
local sizes = { 8, 16, 32, 64, 128, 256 }

local function threads(make, names, seconds)
  print(('%-26s %12s %12s %8s'):format('wall time, least', '1 thread', '2 threads', 'ratio'))
  for _, name in ipairs(names) do
    local step, best = make(name), { math.huge, math.huge }
    step()
    for _ = 1, 4 do
      for n = 1, 2 do
        torch.setnumthreads(n)
        best[n] = math.min(best[n], measure.least(step, seconds / 8, measure.now))
      end
    end
    print(('%-26s %9.3f ms %9.3f ms %8.2f'):format(name, best[1] * 1e3, best[2] * 1e3, best[1] / best[2]))
    io.stdout:flush()
  end
end

local function example(step, seconds)
  step()
  return measure.least(step, seconds, os.clock)
end

local function batches(make, names, seconds)
  torch.setnumthreads(1)
  print(('\n%-26s'):format 'us per example, batch' .. ('%9d'):rep(#sizes):format(unpack(sizes)))
  for _, name in ipairs(names) do
    local line = { ('%-26s'):format(name) }
    for _, n in ipairs(sizes) do
      line[#line + 1] = ('%9.1f'):format(example(make(name, n), seconds / 4) / n * 1e6)
      collectgarbage()
      torch.trim()
    end
    print(table.concat(line))
    io.stdout:flush()
  end
end

-- The entries of list that are wanted; all without names.
local function pick(list, wanted)
  if #wanted == 0 then return list end
  local set, found = {}, {}
  for _, name in ipairs(wanted) do set[name] = true end
  for _, name in ipairs(list) do if set[name] then found[#found + 1] = name end end
  return found
end

--- Prints both tables. make(name, batch) gives a workload's step.
return function(wanted, make, seconds)
  threads(make, pick(large, wanted), seconds)
  batches(make, pick(batched, wanted), seconds)
end
