--- Functions of each element: `torch.f([result,] x, ...)` gives a new tensor (or writes the result), `x:f(...)` works in place
-- and `r:f(x, ...)` writes r.
--
-- In place, tensors of equal element count pair whatever their shapes, as in Torch7, and a smaller one is broadcast; functions
-- broadcast (with `pairEqualCounts` on, equal counts pair there too).
-- @module tocha.bindings.pointwise
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local size = require 'tocha.bindings.size'
local tensor = require 'tocha.bindings.tensor'
local view = require 'tocha.bindings.view'
local ops = require 'tocha.bindings.op'.ops

local raise, isTensor = own.raise, own.isTensor
local ints = own.newInts()
local Tensor = M.tensor
local functions, P = {}, { pairEqualCounts = false }

-- -- sizes --------------------------------------------------------------------------------------------------------

-- Whether y can be broadcast to x's sizes.
local function stretches(y, x)
  local lead = C.tch_tensor_dim(x) - C.tch_tensor_dim(y)
  if lead < 0 then return false end
  for d = 0, C.tch_tensor_dim(y) - 1 do
    local n = C.tch_tensor_size(y, d)
    if n ~= 1 and n ~= C.tch_tensor_size(x, d + lead) then return false end
  end
  return true
end

local function need(what, value)
  if not isTensor(value) then raise(('%s: a tensor is needed, not a %s'):format(what, type(value))) end
end

--- y as it pairs with x when x is overwritten.
local function fitted(what, x, y)
  need(what, y)
  if C.tch_tensor_same_size(x, y) then return y end
  if C.tch_tensor_count(x) == C.tch_tensor_count(y) then return view.reshaped(y, size.of(ints, x), ints) end
  if not stretches(y, x) then
    raise(('%s: a tensor of %s does not fit into one of %s'):format(what, size.text(y), size.text(x)))
  end
  return y
end

--- y as it pairs with x in a function.
local function paired(what, x, y)
  need(what, y)
  if not P.pairEqualCounts then return y end
  need(what, x)
  return C.tch_tensor_count(x) == C.tch_tensor_count(y) and fitted(what, x, y) or y
end
P.fitted, P.paired = fitted, paired

-- f(number) by way of a tensor without dimensions.
local function ofNumber(what, op, value, a, b)
  if type(value) ~= 'number' then raise(('%s: a tensor is needed, not a %s'):format(what, type(value))) end
  return op(nil, tensor.scalar(dtype.Double, value), a, b):item()
end

-- -- one tensor ---------------------------------------------------------------------------------------------------

--- Arithmetic of each element, `f([result,] x)`, in place `x:f()`, also of a number: `neg` -x, `abs`, `sign`, `square`, `sqrt`,
-- `rsqrt` 1 / sqrt x, `cinv` 1 / x, `floor`, `ceil`, `round` (halves away from 0), `trunc` (towards 0), `frac` x - trunc x.

--- Transcendental functions of each element, `f([result,] x)`, in place `x:f()`, angles in radians: `exp`, `expm1` exp x - 1,
-- `log`, `log1p` log(1 + x), `sin`, `cos`, `tan`, `asin`, `acos`, `atan`, `sinh`, `cosh`, `tanh`, `erf`.

--- Activations of each element, `f([result,] x, ...)`, in place `x:f(...)`: `sigmoid`, `logSigmoid`, `softplus(x, beta = 1, limit
-- = 20)`, `relu`, `relu6` (0 to 6), `leakyRelu(x, slope = 0.01)`, `elu(x, alpha = 1)`, `selu`, `gelu` x Phi(x), `silu` x sigmoid
-- x, `mish`, `hardtanh(x, low = -1, high = 1)`, `hardsigmoid`, `hardswish`, `softsign` x / (1 + |x|), `softshrink(x, lambda =
-- 0.5)`, `hardshrink(x, lambda = 0.5)`, `threshold(x, threshold = 0, value = 0)`: value where x is not above the threshold.
-- Torch's name -> {op, defaults of its parameters}
local unary = {
  neg = { 'neg' }, abs = { 'abs' }, sign = { 'sign' }, square = { 'square' }, sqrt = { 'sqrt' }, rsqrt = { 'rsqrt' },
  cinv = { 'reciprocal' }, floor = { 'floor' }, ceil = { 'ceil' }, round = { 'round' }, trunc = { 'trunc' }, frac = { 'frac' },
  exp = { 'exp' }, expm1 = { 'expm1' }, log = { 'log' }, log1p = { 'log1p' }, sin = { 'sin' }, cos = { 'cos' },
  tan = { 'tan' }, asin = { 'asin' }, acos = { 'acos' }, atan = { 'atan' }, sinh = { 'sinh' }, cosh = { 'cosh' },
  tanh = { 'tanh' }, erf = { 'erf' }, sigmoid = { 'sigmoid' }, logSigmoid = { 'log_sigmoid' }, softplus = { 'softplus', 1, 20 },
  relu = { 'relu' }, relu6 = { 'relu6' }, leakyRelu = { 'leaky_relu', 0.01 }, elu = { 'elu', 1 }, selu = { 'selu' },
  gelu = { 'gelu' }, silu = { 'silu' }, mish = { 'mish' }, hardtanh = { 'hardtanh', -1, 1 }, hardsigmoid = { 'hardsigmoid' },
  hardswish = { 'hardswish' }, softsign = { 'softsign' }, softshrink = { 'softshrink', 0.5 },
  hardshrink = { 'hardshrink', 0.5 }, threshold = { 'threshold', 0, 0 },
}

for name, row in pairs(unary) do
  local op, a0, b0 = ops[row[1]], row[2], row[3]
  functions[name] = function(x, y, a, b)
    if isTensor(y) then return op(x, y, a or a0, b or b0) end
    if not isTensor(x) then return ofNumber(name, op, x, y or a0, a or b0) end
    return op(nil, x, y or a0, a or b0)
  end
  Tensor[name] = function(x, y, a, b)
    if isTensor(y) then return op(x, y, a or a0, b or b0) end
    return op(x, x, y or a0, a or b0)
  end
end

local function bounds(low, high)
  if type(low) ~= 'number' or type(high) ~= 'number' then raise('clamp: two numbers are needed') end
end

--- clamp([result,] x, low, high)
function functions.clamp(x, low, high, more)
  if isTensor(low) then
    bounds(high, more)
    return ops.clamp(x, low, high, more)
  end
  need('clamp', x)
  bounds(low, high)
  return ops.clamp(nil, x, low, high)
end

function Tensor:clamp(low, high, more)
  if isTensor(low) then return functions.clamp(self, low, high, more) end
  bounds(low, high)
  return ops.clamp(self, self, low, high)
end

-- -- with a number ------------------------------------------------------------------------------------------------

local function numeric(what, value, cure)
  if type(value) == 'number' then return value end
  raise(('%s: a number is needed, not a %s%s'):format(what, isTensor(value) and 'tensor' or type(value), cure or ''))
end

-- f([result,] x, number)
local function withNumber(name, op, cure)
  functions[name] = function(x, y, value)
    if isTensor(y) and value ~= nil then return op(x, y, numeric(name, value)) end
    need(name, x)
    return op(nil, x, numeric(name, y, cure))
  end
  Tensor[name] = function(x, y, value)
    if isTensor(y) and value ~= nil then return op(x, y, numeric(name, value)) end
    return op(x, x, numeric(name, y, cure))
  end
end

--- `mul([result,] x, number)`: x times a number; `div`: x by a number; `fmod`, also `mod`: the rest, with the sign of x;
-- `remainder`: the rest, with the sign of the number. In place `x:mul(number)`. (cmul, cdiv, cfmod, cremainder take a tensor.)
withNumber('mul', ops.mul_scalar, ' (cmul multiplies tensors element by element)')
withNumber('div', ops.div_scalar, ' (cdiv divides tensors element by element)')
withNumber('fmod', ops.fmod_scalar)
withNumber('remainder', ops.remainder_scalar)
functions.mod, Tensor.mod = functions.fmod, Tensor.fmod

local function power(r, x, n)
  if type(x) == 'number' then
    need('pow', n)
    return ops.pow_base(r, n, x)
  end
  return ops.pow_scalar(r, x, numeric('pow', n, ' (cpow raises to a tensor of exponents)'))
end

P.power, P.withNumber = power, withNumber

--- pow([result,] x, number) or pow([result,] number, x)
function functions.pow(x, y, z)
  if z ~= nil then return power(x, y, z) end
  if type(x) == 'number' and type(y) == 'number' then return x ^ y end
  return power(nil, x, y)
end

function Tensor:pow(x, y)
  if y ~= nil then return power(self, x, y) end
  return power(self, self, x)
end

-- -- two tensors --------------------------------------------------------------------------------------------------

-- f([result,] x, y)
local function withTensor(name, op)
  functions[name] = function(x, y, z)
    if z ~= nil then return op(x, y, paired(name, y, z)) end
    need(name, x)
    return op(nil, x, paired(name, x, y))
  end
  Tensor[name] = function(x, y, z)
    if z ~= nil then return op(x, y, paired(name, y, z)) end
    return op(x, x, fitted(name, x, y))
  end
end

P.withTensor = withTensor

--- Element by element, in place `x:cmul(y)`: `cmul([result,] x, y)` x y, `cdiv` x / y, `cpow` x^y, `atan2` the angle of (y, x),
-- `cfmod`, also `cmod`, and `cremainder` the rests, with the sign of x and of y.
withTensor('cmul', ops.mul)
withTensor('cdiv', ops.div)
withTensor('cpow', ops.pow)
withTensor('atan2', ops.atan2)
do
  local ofTensors = functions.atan2
  functions.atan2 = function(x, y, z)
    if type(x) == 'number' and type(y) == 'number' then return math.atan2(x, y) end
    return ofTensors(x, y, z)
  end
end
withTensor('cfmod', ops.fmod)
withTensor('cremainder', ops.remainder)
functions.cmod, Tensor.cmod = functions.cfmod, Tensor.cfmod

-- cmax and cmin also take a number.
local function extreme(name, op, low, high)
  local function apply(r, x, y, fit)
    if type(y) ~= 'number' then return op(r, x, fit(name, x, y)) end
    return ops.clamp(r, x, low or y, high or y)
  end
  functions[name] = function(x, y, z)
    if z ~= nil then return apply(x, y, z, paired) end
    need(name, x)
    return apply(nil, x, y, paired)
  end
  Tensor[name] = function(x, y, z)
    if z ~= nil then return apply(x, y, z, paired) end
    return apply(x, x, y, fitted)
  end
end
--- The larger and the smaller element, in place `x:cmax(y)`: `cmax([result,] x, y)`, `cmin([result,] x, y)`, y a tensor or a
-- number.
extreme('cmax', ops.maximum, nil, math.huge)
extreme('cmin', ops.minimum, -math.huge, nil)

-- -- sums ---------------------------------------------------------------------------------------------------------

-- f([result,] x, number), f([result,] x, y), f([result,] x, number, y): x + y, x + number * y
local function sums(name, op, sign, method)
  local function apply(r, x, value, y)
    if y == nil then
      if type(value) == 'number' then return ops.add_scalar(r, x, sign * value) end
      return op(r, x, paired(name, x, value), 1)
    end
    return op(r, x, paired(name, x, y), numeric(name, value))
  end
  functions[name] = function(x, y, z, w)
    need(name, x)
    if isTensor(y) and z ~= nil then return apply(x, y, z, w) end
    return apply(nil, x, y, z)
  end
  Tensor[method] = function(x, y, z, w)
    if type(y) == 'number' then
      if z == nil then return ops.add_scalar(x, x, sign * y) end
      return op(x, x, fitted(name, x, z), y)
    end
    if z == nil then return op(x, x, fitted(name, x, y), 1) end
    return apply(x, y, z, w)
  end
end
--- `add([result,] x, number)`, `add([result,] x, y)`: x + y; `add([result,] x, number, y)`: x + number y; `csub` the same with
-- minus; `cadd` is add. In place `x:add(...)`, `x:csub(...)`.
sums('add', ops.add, 1, 'add')
sums('csub', ops.sub, -1, 'csub') -- the method `sub` is a view
functions.cadd, Tensor.cadd = functions.add, Tensor.add

-- f([result,] x, [number,] y, z): x + number * y z
local function withProduct(name, op)
  local function apply(r, x, value, y, z, fit)
    if isTensor(value) then value, y, z = 1, value, y end
    return op(r, x, fit(name, x, y), fit(name, x, z), numeric(name, value))
  end
  functions[name] = function(r, x, value, y, z)
    -- a result comes first where one tensor more than x, y, z is given
    local tensors = (isTensor(x) and 1 or 0) + (isTensor(value) and 1 or 0) + (isTensor(y) and 1 or 0) + (isTensor(z) and 1 or 0)
    if tensors >= 3 then return apply(r, x, value, y, z, paired) end
    need(name, r)
    return apply(nil, r, x, value, y, paired)
  end
  Tensor[name] = function(x, ...)
    local n, first, second = select('#', ...), ...
    if n >= 4 or (n == 3 and isTensor(first) and isTensor(second)) then return functions[name](x, ...) end
    return apply(x, x, first, second, (select(3, ...)), fitted)
  end
end
--- Element by element, in place `x:addcmul([number,] y, z)`: `addcmul([result,] x, [number,] y, z)` x + number y z (1 by
-- default), `addcdiv` x + number y / z.
withProduct('addcmul', ops.addcmul)
withProduct('addcdiv', ops.addcdiv)

--- lerp([result,] x, y, weight): x + weight (y - x), of tensors or numbers
function functions.lerp(x, y, z, weight)
  if type(x) == 'number' then return x + numeric('lerp', z) * (numeric('lerp', y) - x) end
  if isTensor(z) then return ops.lerp(x, y, paired('lerp', y, z), numeric('lerp', weight)) end
  need('lerp', x)
  return ops.lerp(nil, x, paired('lerp', x, y), numeric('lerp', z))
end

function Tensor:lerp(y, z, weight)
  if isTensor(z) then return ops.lerp(self, y, paired('lerp', y, z), numeric('lerp', weight)) end
  return ops.lerp(self, self, fitted('lerp', self, y), numeric('lerp', z))
end

function P.install(torch)
  for name, f in pairs(functions) do torch[name] = f end
  --- Under the Torch7 names equal element counts pair out of place too.
  function torch.setPairEqualCounts(on) P.pairEqualCounts = on and true or false end
end

return P
