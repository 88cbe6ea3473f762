--- Random numbers: the default generator, generators of one's own, and tensors filled with draws.
-- Every function takes a generator (torch.Generator()) as an optional first argument.
-- @module tocha.bindings.random
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local size = require 'tocha.bindings.size'
local tensor = require 'tocha.bindings.tensor'

local raise, fail, isTensor, integer = own.raise, own.fail, own.isTensor, own.integer
local box = ffi.new('tch_random *[1]')
local sizes = own.newInts()
local Tensor = M.tensor
local R = {}

local function default() return C.tch_random_default() end

local function entropy() return tonumber(C.tch_random_entropy()) end

-- Splits an optional generator off the arguments: the first, or the second after a result.
local function withGenerator(f)
  return function(first, second, ...)
    if own.isRandom(first) then return f(first, second, ...) end
    if own.isRandom(second) then return f(second, first, ...) end
    if second == nil and select('#', ...) == 0 then return f(default(), first) end
    return f(default(), first, second, ...)
  end
end

local function number(what, value, otherwise)
  if value == nil then return otherwise end
  local n = tonumber(value)
  if not n or type(value) == 'string' then raise(('%s: a number is needed, not a %s'):format(what, type(value))) end
  return n
end

-- Raises where there is an argument more than a function of `count` numbers takes.
local function nothingMore(what, count, value)
  if value ~= nil then raise(('%s: %d numbers at most are taken, and a generator before them'):format(what, count)) end
end

-- -- generators ---------------------------------------------------------------------------------------------------

local stateBytes = tonumber(C.tch_random_state_size())

local function getState(generator, state)
  if state ~= nil and not (isTensor(state) and M.rowOf(state) == dtype.Byte) then
    raise('getRNGState: the result is a torch.ByteTensor')
  end
  state = (state or tensor.empty(dtype.Byte)):resize(stateBytes)
  C.tch_random_save(generator, C.tch_tensor_data(state))
  return state
end

local function setState(generator, state)
  if not isTensor(state) or M.rowOf(state) ~= dtype.Byte then raise('setRNGState: a torch.ByteTensor is needed') end
  state = state:contiguous()
  local status = C.tch_random_restore(generator, C.tch_tensor_data(state), C.tch_tensor_count(state))
  if status ~= 0 then fail(status) end
  return state
end

local generatorClass = M.generator
ffi.metatype('tch_random', {
  __index = function(_, key) return generatorClass[key] end,
  __newindex = function(_, key) raise(('a generator has no field %s to assign to'):format(tostring(key))) end,
  __tostring = function() return 'torch.Generator' end,
})

local function newGenerator(seed)
  local status = C.tch_random_new((seed or entropy()) % 2 ^ 64, box)
  if status ~= 0 then fail(status) end
  return own.wrapRandom(box[0])
end

local global = {}

--- Starts the stream of a seed.
global.manualSeed = withGenerator(function(generator, seed)
  C.tch_random_seed(generator, integer(seed) % 2 ^ 64)
end)

--- Starts a stream of a fresh seed, and returns the seed.
global.seed = withGenerator(function(generator)
  local seed = entropy()
  C.tch_random_seed(generator, seed)
  return seed
end)

--- The seed that the stream began with.
global.initialSeed = withGenerator(function(generator) return tonumber(C.tch_random_initial_seed(generator)) end)
--- Where the stream is, as a ByteTensor.
global.getRNGState = withGenerator(getState)
--- Goes on from what getRNGState gave.
global.setRNGState = withGenerator(setState)

-- -- single draws -------------------------------------------------------------------------------------------------

local function range(a, b)
  if b == nil then return 1, integer(a) end
  return integer(a), integer(b)
end

--- random(): 32 random bits; random(b): 1 to b; random(a, b): a to b.
global.random = withGenerator(function(generator, a, b, more)
  nothingMore('random', 2, more)
  if a == nil then return tonumber(C.tch_random_next(generator)) end
  a, b = range(a, b)
  if b < a then raise(('random: there is no whole number from %d to %d'):format(a, b)) end
  return tonumber(C.tch_random_range(generator, a, b))
end)

--- uniform(a = 0, b = 1): from a to before b.
global.uniform = withGenerator(function(generator, a, b, more)
  nothingMore('uniform', 2, more)
  return C.tch_random_uniform(generator, number('uniform', a, 0), number('uniform', b, 1))
end)

--- normal(mean = 0, deviation = 1)
global.normal = withGenerator(function(generator, mean, deviation, more)
  nothingMore('normal', 2, more)
  mean, deviation = number('normal', mean, 0), number('normal', deviation, 1)
  if not (deviation >= 0 and deviation < math.huge) then
    raise(('normal: the standard deviation is %g, but must be a finite number from 0'):format(deviation))
  end
  return C.tch_random_normal(generator, mean, deviation)
end)

-- -- tensors ------------------------------------------------------------------------------------------------------

-- Draws in the order of the elements; a result in holes is drawn aside.
local function method(what, fill, a0, b0)
  return function(self, first, a, b, more)
    local generator = default()
    if own.isRandom(first) then generator = first else a, b, more = first, a, b end
    nothingMore(what, 2, more)
    local status = fill(self, number(what, a, a0), number(what, b, b0), generator)
    if status ~= 0 then fail(status) end
    return self
  end
end

Tensor.uniform = method('uniform', function(t, a, b, g) return C.tch_tensor_uniform(t, a, b, g) end, 0, 1)
Tensor.normal = method('normal', function(t, a, b, g) return C.tch_tensor_normal(t, a, b, g) end, 0, 1)
--- random([generator,] [a,] [b]): whole numbers.
function Tensor:random(first, a, b)
  local generator = default()
  if own.isRandom(first) then generator = first else a, b = first, a end
  local status
  if a == nil then status = C.tch_tensor_random_any(self, generator)
  else
    a, b = range(a, b)
    status = C.tch_tensor_random(self, a, b, generator)
  end
  if status ~= 0 then fail(status) end
  return self
end

--- randperm([result,] n): 1, ..., n in random order.
global.randperm = withGenerator(function(generator, result, n)
  if not isTensor(result) then result, n = tensor.empty(tensor.default), result end
  if type(n) ~= 'number' or n < 1 or n % 1 ~= 0 then
    raise(('randperm: a whole number from 1 on is needed, not %s'):format(tostring(n)))
  end
  sizes[0] = n
  local fresh = tensor.new(M.rowOf(result), 1, sizes)
  local status = C.tch_tensor_randperm(fresh, n, 1, generator)
  if status ~= 0 then fail(status) end
  return result:resize(n):copy(fresh)
end)

local function sized(what, fill)
  return withGenerator(function(generator, first, ...)
    local result
    if isTensor(first) then
      result = first:resize(...)
    else
      result = tensor.new(tensor.default, size.read(what, sizes, select('#', ...) + 1, first, ...), sizes)
    end
    local status = fill(result, 0, 1, generator)
    if status ~= 0 then fail(status) end
    return result
  end)
end

--- rand([result,] sizes...): uniform in [0, 1).
global.rand = sized('rand', function(t, a, b, g) return C.tch_tensor_uniform(t, a, b, g) end)
--- randn([result,] sizes...): normal with mean 0 and deviation 1.
global.randn = sized('randn', function(t, a, b, g) return C.tch_tensor_normal(t, a, b, g) end)

R.withGenerator, R.number, R.global = withGenerator, number, global

function R.install(torch)
  for name, f in pairs(global) do torch[name] = f end
  --- A generator of one's own, from a seed or a fresh one.
  function torch.Generator(seed) return newGenerator(seed ~= nil and integer(seed) or nil) end
  for _, name in ipairs({ 'manualSeed', 'seed', 'initialSeed', 'random', 'uniform', 'normal' }) do
    generatorClass[name] = global[name]
  end
  generatorClass.getState, generatorClass.setState = global.getRNGState, global.setRNGState
  generatorClass.__factory = newGenerator
  local function need(file)
    if type(file) ~= 'table' or not file.writeByte then own.bad('Generator', 'the file', 'a file', file) end
    return file
  end
  --- In files a generator is its state.
  function generatorClass:write(file) need(file):writeByte(global.getRNGState(self):storage()) end
  function generatorClass:read(file) global.setRNGState(self, torch.ByteTensor(need(file):readByte(stateBytes))) end
  for _, name in ipairs({ 'rand', 'randn', 'randperm' }) do
    Tensor[name] = function(self, ...) return global[name](self, ...) end
    torch[name] = tensor.typed(global[name])
  end
  -- torch.f(x, ...) is x:f(...).
  for _, name in ipairs({ 'random', 'uniform', 'normal', 'exponential', 'cauchy', 'logNormal', 'geometric', 'bernoulli' }) do
    torch[name] = function(x, ...)
      if isTensor(x) then return Tensor[name](x, ...) end
      return global[name](x, ...)
    end
  end
end

return R
