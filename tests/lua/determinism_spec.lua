-- The same seed gives the same bits, whatever the number of threads, on each instruction set that the processor has.

local program = [[
local torch, nn, optim = require 'tocha', require 'tocha.nn', require 'tocha.optim'
local threads, wanted = %d, '%s'
if torch.config().cpu ~= wanted then print 'absent' os.exit(0) end
torch.setnumthreads(threads)
torch.manualSeed(7)
local net = nn.Sequential():add(nn.SpatialConvolution(3, 16, 3, 3, 1, 1, 1, 1)):add(nn.SpatialBatchNormalization(16))
  :add(nn.ReLU(true)):add(nn.SpatialMaxPooling(2, 2)):add(nn.SpatialConvolution(16, 32, 3, 3)):add(nn.Tanh())
  :add(nn.View(-1, 32 * 14 * 14)):add(nn.Dropout(0.3)):add(nn.Linear(32 * 14 * 14, 300)):add(nn.ReLU()):add(nn.Linear(300, 10))
local criterion = nn.CrossEntropyCriterion()
local parameters, gradients = net:getParameters()
local input, target = torch.randn(48, 3, 32, 32), torch.LongTensor(48):random(1, 10)
local state = {}
for _ = 1, 3 do
  optim.adam(function()
    gradients:zero()
    local loss = criterion:forward(net:forward(input), target)
    net:backward(input, criterion:backward(net.output, target))
    return loss, gradients
  end, parameters, state)
end
local hash = 5381
local bytes = parameters:storage():string()
for i = 1, #bytes do hash = (hash * 33 + bytes:byte(i)) %% 4294967296 end
print(('%%.0f'):format(hash))
]]

local function run(threads, isa)
  local path = os.tmpname()
  local file = assert(io.open(path, 'w'))
  file:write(program:format(threads, isa))
  file:close()
  local handle = io.popen(("TOCHA_ISA=%s LUA_PATH='lua/?.lua;lua/?/init.lua;;' luajit %s 2>&1"):format(isa, path))
  local answer = handle:read '*a'
  handle:close()
  os.remove(path)
  return answer
end

describe('three steps of training', function()
  for _, isa in ipairs { 'baseline', 'avx2', 'avx512' } do
    it('end in the same bits with 1, 2 and 3 threads, ' .. isa, function()
      local one = run(1, isa)
      if one == 'absent\n' then return pending('this processor has no ' .. isa) end
      assert.truthy(one:find '^%d+\n$', one)
      assert.equal(one, run(2, isa))
      assert.equal(one, run(3, isa))
    end)
  end
end)
