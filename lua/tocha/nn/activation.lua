--- Transfer functions: one row each.
-- @module tocha.nn.activation
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local overwriting = require 'tocha.nn.inplace'
local root = require 'tocha.nn.root'
local skipped = require 'tocha.nn.skipped'
local raise = require 'tocha.bindings.own'.raise

-- The dimension of the classes: (C), (N, C), (C, H, W), (N, C, H, W)
local env = { classes = function(input) return input:dim() % 2 == 1 and 1 or 2 end }

local inplace = { 'inplace', false }

-- What Torch7 printed behind the name.
local function shown(format, field)
  return function(self) return torch.type(self) .. format:format(self[field]) end
end

-- nn.LeakyReLU(true) is inplace.
local function leaky(self)
  if type(self.negval) == 'boolean' then self.negval, self.inplace = 1 / 100, self.negval end
end

local function threshold(self)
  if self.inplace and self.val > self.threshold then
    raise(('nn.Threshold: in place the value, %s, must not be above the threshold, %s'):format(self.val, self.threshold))
  end
end

--- Curves: `nn.Tanh`, `nn.Sigmoid`, `nn.LogSigmoid`, `nn.SoftSign` x / (1 + |x|), `nn.TanhShrink` x - tanh x,
-- `nn.SoftPlus(beta = 1, threshold = 20)` log(1 + exp(beta x)) / beta, and x where beta x is above the threshold.

--- Bent and cut lines: `nn.ReLU(inplace)` max(0, x), `nn.ReLU6(inplace)` at most 6, `nn.LeakyReLU(negval = 0.01, inplace)` negval
-- x below 0, `nn.ELU(alpha = 1, inplace)` alpha (exp x - 1) below 0, `nn.Threshold(threshold = 1e-6, value = 0, inplace)` the
-- value where x is not above the threshold, `nn.HardTanh(low = -1, high = 1, inplace)` and `nn.Clamp(low, high)` between the
-- two, `nn.SoftShrink(lambda = 0.5)` x moved towards 0 by lambda, `nn.HardShrink(lambda = 0.5)` 0 from -lambda to lambda.

--- Shares of the classes, exp x / sum exp x: `nn.SoftMax`, `nn.SoftMin` (of -x), `nn.LogSoftMax` their logarithms,
-- `nn.SpatialSoftMax` and `nn.SpatialLogSoftMax`. Classes are the dimension before the last two of pictures, else the last: (C),
-- (N,C), (C,H,W), (N,C,H,W).

--- Functions of each element: `nn.Exp`, `nn.Log`, `nn.Sqrt(eps = 0)`, `nn.Square`, `nn.Abs`, `nn.Power(p)` x^p.

--- Later activations: `nn.GELU` x Phi(x), `nn.SiLU` x sigmoid(x), `nn.Mish` x tanh(softplus x), `nn.SELU` 1.0507 ELU with alpha
-- 1.6733, `nn.HardSigmoid` x / 6 + 1 / 2 cut to 0..1, `nn.Hardswish` x times that. Type, forward, then the constructor's
-- arguments as {field, default}; parent, init (after the arguments), show.
local rows = {
  { 'nn.Tanh', 'tanh(input)' },
  { 'nn.Sigmoid', 'sigmoid(input)' },
  { 'nn.ReLU6', 'relu6(input)', inplace },
  { 'nn.LeakyReLU', 'leaky_relu(input, self.negval)', { 'negval', 1 / 100 }, inplace, init = leaky,
    show = shown('(%s)', 'negval') },
  { 'nn.ELU', 'elu(input, self.alpha)', { 'alpha', 1 }, inplace, show = shown(' (alpha:%f)', 'alpha') },
  { 'nn.Threshold', 'threshold(input, self.threshold, self.val)', { 'threshold', 1e-6 }, { 'val', 0 }, inplace,
    init = threshold },
  { 'nn.ReLU', 'relu(input)', inplace, parent = 'nn.Threshold', init = function(self) self.threshold, self.val = 0, 0 end },
  { 'nn.HardTanh', 'hardtanh(input, self.min_val, self.max_val)', { 'min_val', -1 }, { 'max_val', 1 }, inplace },
  { 'nn.Clamp', 'hardtanh(input, self.min_val, self.max_val)', { 'min_val' }, { 'max_val' }, inplace,
    parent = 'nn.HardTanh' },
  { 'nn.SoftPlus', 'softplus(input, self.beta, self.threshold)', { 'beta', 1 }, { 'threshold', 20 } },
  { 'nn.SoftSign', 'softsign(input)' },
  { 'nn.SoftShrink', 'softshrink(input, self.lambda)', { 'lambda', 0.5 } },
  { 'nn.HardShrink', 'hardshrink(input, self.lambda)', { 'lambda', 0.5 } },
  { 'nn.TanhShrink', function(_, x) return x - torch.tanh(x) end },
  { 'nn.LogSigmoid', 'log_sigmoid(input)' },
  { 'nn.SoftMax', 'softmax(input, classes(input))' },
  { 'nn.LogSoftMax', 'log_softmax(input, classes(input))' },
  { 'nn.SpatialSoftMax', 'softmax(input, classes(input))' },
  { 'nn.SpatialLogSoftMax', 'log_softmax(input, classes(input))' },
  { 'nn.Exp', 'exp(input)' },
  { 'nn.Log', 'log(input)' },
  { 'nn.Sqrt', function(_, x) return root(x, 2) end, { 'eps', 0 } },
  { 'nn.Square', 'square(input)' },
  { 'nn.SoftMin', function(_, x) return F.softmax(torch.mul(x, -1), env.classes(x)) end },
  { 'nn.Abs', 'abs(input)' },
  { 'nn.Power', 'pow_scalar(input, self.pow)', { 'pow' } },
  { 'tocha.GELU', 'gelu(input)' },
  { 'tocha.SiLU', 'silu(input)' },
  { 'tocha.SELU', 'selu(input)' },
  { 'tocha.Mish', 'mish(input)' },
  { 'tocha.HardSigmoid', 'hardsigmoid(input)' },
  { 'tocha.Hardswish', 'hardswish(input)' },
}

for _, row in ipairs(rows) do
  local class, parent = torch.class(row[1], row.parent or 'nn.Module', nn)
  local count = #row
  class.__init = function(self, ...)
    parent.__init(self)
    for i = 3, count do
      local name, value = row[i][1], (select(i - 2, ...))
      if value == nil then value = row[i][2] end
      if value == nil then raise(('%s: argument %s is missing'):format(row[1], name)) end
      self[name] = value
    end
    if row.init then row.init(self) end
  end
  derive(class, row[2], env)
  class.__tostring__ = row.show
  if row[count] == inplace then overwriting(class) end
end

for _, class in ipairs { nn.ReLU, nn.ReLU6 } do skipped.give(class) end
