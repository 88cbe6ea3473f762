--- What each module is in a plan of the engine: networks walked into the steps of bindings/plan.lua.
--
-- A row takes the plan, the module and what it reads, and gives what it makes: a value of the plan, or a table of them. A module
-- without a row, or with functions of its own in place of its class's, is refused by name.
-- @module tocha.nn.steps
local torch = require 'tocha'
local engine = require 'tocha.bindings.plan'
local own = require 'tocha.bindings.own'

local steps, rows = {}, {}

local function refuse(m, why)
  own.raise(('nn.Compiled: %s %s; use the network itself, or compile the parts around it'):format(tostring(m):match '^[^\n]*',
    why or 'is not among the modules that can be compiled'))
end

local function walk(plan, m, x)
  local row = rows[torch.type(m)]
  if not row or rawget(m, 'updateOutput') then refuse(m) end
  return row(plan, m, x)
end

local function single(m, x)
  if type(x) ~= 'number' then refuse(m, 'has a table of inputs here') end
  return x
end

-- -- containers -------------------------------------------------------------------------------------------------------

local function inRow(plan, m, x)
  for _, child in ipairs(m.modules) do x = walk(plan, child, x) end
  return x
end

local function all(plan, m, x)
  local made = {}
  for i, child in ipairs(m.modules) do made[i] = walk(plan, child, x) end
  return made
end

local function planes(plan, m, list, dimension)
  if dimension ~= 2 then refuse(m, 'joins along another dimension than that of the planes') end
  return plan:join(list)
end

rows['nn.Sequential'], rows['tocha.Checkpoint'], rows['tocha.Compiled'] = inRow, inRow, inRow
rows['nn.ConcatTable'] = all
rows['nn.Concat'] = function(plan, m, x) return planes(plan, m, all(plan, m, x), m.dimension) end
rows['nn.ParallelTable'] = function(plan, m, x)
  local made = {}
  for i, child in ipairs(m.modules) do made[i] = walk(plan, child, x[i]) end
  return made
end
rows['nn.JoinTable'] = function(plan, m, x)
  local shift = m.nInputDims and m.nInputDims > 0 and 1 or 0 -- dimensions are counted without the batch's
  return planes(plan, m, x, m.dimension + shift)
end
rows['nn.CAddTable'] = function(plan, _, x)
  local sum = x[1]
  for i = 2, #x do sum = plan:add(sum, x[i]) end
  return sum
end
rows['nn.SelectTable'] = function(_, m, x) return x[m.index < 0 and #x + m.index + 1 or m.index] or refuse(m, 'selects nothing') end
rows['nn.Identity'] = function(_, _, x) return x end
for _, name in ipairs { 'Dropout', 'SpatialDropout' } do
  rows['nn.' .. name] = function(plan, m, x)
    if m.stochastic_inference then refuse(m, 'draws random numbers in evaluation') end
    return m.v2 == false and plan:unary(x, 'mul_scalar', 1 - m.p) or x
  end
end

-- -- layers -----------------------------------------------------------------------------------------------------------

local function geometry(m, dilated)
  return { { m.kH, m.kW }, { m.dH or 1, m.dW or 1 }, { m.padH or 0, m.padW or 0 },
    dilated and { m.dilationH or 1, m.dilationW or 1 } or { 1, 1 } }
end

local function convolution(plan, m, x)
  return plan:conv(single(m, x), m.weight, m.bias, geometry(m, true), m.groups or 1)
end
for _, name in ipairs { 'SpatialConvolution', 'SpatialConvolutionMM', 'SpatialDilatedConvolution' } do
  rows['nn.' .. name] = convolution
end

local one = { { 1, 1 }, { 1, 1 }, { 0, 0 }, { 1, 1 } }
rows['nn.Linear'] = function(plan, m, x)
  local _, h, w = plan:shape(single(m, x))
  if h * w > 1 then refuse(m, 'has planes as its input') end
  return plan:conv(x, m.weight, m.bias, one, 1)
end

local function normalization(plan, m, x)
  local scale = torch.add(m.running_var:double(), m.eps):sqrt():pow(-1)
  if m.weight then scale:cmul(m.weight:double()) end
  local shift = torch.cmul(m.running_mean:double(), scale):mul(-1)
  if m.bias then shift:add(m.bias:double()) end
  return plan:scale(single(m, x), scale:float(), shift:float())
end
rows['nn.BatchNormalization'], rows['nn.SpatialBatchNormalization'] = normalization, normalization

local function maximum(plan, m, x)
  return plan:pool(single(m, x), false, geometry(m, true), m.ceil_mode or false, true)
end
rows['nn.SpatialMaxPooling'], rows['nn.SpatialDilatedMaxPooling'] = maximum, maximum
rows['nn.SpatialAveragePooling'] = function(plan, m, x)
  if not m.divide then refuse(m, 'does not divide') end
  return plan:pool(single(m, x), true, geometry(m), m.ceil_mode or false, m.count_include_pad or false)
end
rows['nn.SpatialAdaptiveAveragePooling'] = function(plan, m, x) return plan:adaptive(single(m, x), true, m.H, m.W) end
rows['nn.SpatialAdaptiveMaxPooling'] = function(plan, m, x) return plan:adaptive(single(m, x), false, m.H, m.W) end

-- -- functions --------------------------------------------------------------------------------------------------------

local function bounds(low, high)
  return function(plan, m, x) return plan:bound(single(m, x), low or m.min_val, high or m.max_val) end
end
rows['nn.ReLU'], rows['nn.ReLU6'] = bounds(0, math.huge), bounds(0, 6)
rows['nn.HardTanh'], rows['nn.Clamp'] = bounds(), bounds()

-- The row of elementwise.def, and the fields that are its numbers.
local functions = {
  Tanh = { 'tanh' }, Sigmoid = { 'sigmoid' }, LeakyReLU = { 'leaky_relu', 'negval' }, ELU = { 'elu', 'alpha' },
  SoftPlus = { 'softplus', 'beta', 'threshold' }, SoftSign = { 'softsign' }, Threshold = { 'threshold', 'threshold', 'val' },
  LogSigmoid = { 'log_sigmoid' }, Exp = { 'exp' }, Square = { 'square' }, Abs = { 'abs' },
  MulConstant = { 'mul_scalar', 'constant_scalar' }, AddConstant = { 'add_scalar', 'constant_scalar' },
  GELU = { 'gelu' }, SiLU = { 'silu' }, SELU = { 'selu' }, Mish = { 'mish' }, HardSigmoid = { 'hardsigmoid' },
  Hardswish = { 'hardswish' },
}
for name, of in pairs(functions) do
  local function row(plan, m, x)
    local input = single(m, x)
    return plan:unary(input, of[1], of[2] and m[of[2]], of[3] and m[of[3]])
  end
  rows['nn.' .. name], rows['tocha.' .. name] = row, row
end

for name, log in pairs { SoftMax = false, LogSoftMax = true } do
  rows['nn.' .. name] = function(plan, m, x)
    local _, h, w = plan:shape(single(m, x))
    if h * w > 1 then refuse(m, 'has planes as its input') end
    return plan:softmax(x, log)
  end
end

-- -- shapes -----------------------------------------------------------------------------------------------------------

-- Asked for a batch of a size that no plane has by accident: they keep the shape, or make rows of it.
local function shaped(plan, m, x)
  local c, h, w, flat = plan:shape(single(m, x))
  local n = 7
  local probe = flat and torch.FloatTensor(n, c) or torch.FloatTensor(n, c, h, w)
  local size = m:clone():type('torch.FloatTensor'):updateOutput(probe):size()
  local same = size:size() == probe:dim() and size[1] == n and size[2] == c and (flat or size[3] == h and size[4] == w)
  if same then return x end
  if size:size() ~= 2 or size[1] ~= n then
    local made, given = table.concat(size:totable(), 'x'), table.concat(probe:size():totable(), 'x')
    refuse(m, ('makes %s of a batch of %s'):format(made, given))
  end
  return plan:flatten(x)
end
for _, name in ipairs { 'nn.View', 'nn.Reshape', 'tocha.Flatten', 'nn.Collapse', 'nn.Contiguous', 'nn.Squeeze' } do
  rows[name] = shaped
end

--- The plan of a network for images of c planes of h x w, or (`flat`) rows of c features.
function steps.compile(net, c, h, w, flat)
  local plan = engine.new(c, h, w, flat)
  local output = walk(plan, net, 0)
  if type(output) ~= 'number' then own.raise 'nn.Compiled: the network has a table of outputs' end
  plan:prepare(output)
  return plan
end

return steps
