--- Draws by a formula from uniform or normal ones: exponential, cauchy, logNormal, geometric, bernoulli.
-- `torch.f([generator,] ...)` gives a number, `x:f([generator,] ...)` fills a tensor.
-- @module tocha.bindings.distribution
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local tensor = require 'tocha.bindings.tensor'
local random = require 'tocha.bindings.random'

local raise, fail, number = own.raise, own.fail, random.number
local Tensor = M.tensor

local function uniform(generator) return C.tch_random_uniform(generator, 0, 1) end

local function positive(what, value, name)
  if not (value > 0) then raise(('%s: %s is %g, but must be above 0'):format(what, name, value)) end
  return value
end

-- name -> {defaults of the two parameters, check(a, b), draw(generator, a, b)}
local rows = {
  exponential = { 1, 0, function(rate) positive('exponential', rate, 'the rate') end,
    function(g, rate) return -math.log(1 - uniform(g)) / rate end },
  cauchy = { 0, 1, function(_, sigma) positive('cauchy', sigma, 'the width') end,
    function(g, median, sigma) return median + sigma * math.tan(math.pi * (uniform(g) - 0.5)) end },
  logNormal = { 1, 2, function(_, deviation) positive('logNormal', deviation, 'the deviation') end,
    function(g, mean, deviation) return math.exp(C.tch_random_normal(g, mean, deviation)) end },
  geometric = { 0.5, 0,
    function(p) if not (p > 0 and p < 1) then raise(('geometric: %g is not between 0 and 1'):format(p)) end end,
    function(g, p) return math.floor(math.log(1 - uniform(g)) / math.log(p)) + 1 end },
  bernoulli = { 0.5, 0,
    function(p) if not (p >= 0 and p <= 1) then raise(('bernoulli: %g is no probability'):format(p)) end end,
    function(g, p) return uniform(g) <= p and 1 or 0 end },
}

-- Fills a tensor by draw(i), in the order of the elements.
local function filled(x, draw)
  local row = M.rowOf(x)
  local copy = tensor.newLike(row, x)
  local data = ffi.cast(row.pointer, C.tch_tensor_data(copy))
  for i = 0, tonumber(C.tch_tensor_count(copy)) - 1 do data[i] = draw(i) end
  local status = C.tch_tensor_copy(x, copy)
  if status ~= 0 then fail(status) end
  return x
end

-- One probability per element.
local function bernoulliOf(x, p, generator)
  if C.tch_tensor_count(x) ~= C.tch_tensor_count(p) then
    raise(('bernoulli: %d probabilities for %d elements'):format(p:nElement(), x:nElement()))
  end
  local chances = p:detach():double():contiguous()
  local data = chances:data()
  rows.bernoulli[3](chances:min())
  rows.bernoulli[3](chances:max())
  filled(x, function(i) return rows.bernoulli[4](generator, data[i]) end)
  return x, chances
end

for name, row in pairs(rows) do
  local a0, b0, check, draw = row[1], row[2], row[3], row[4]
  random.global[name] = random.withGenerator(function(generator, a, b)
    a, b = number(name, a, a0), number(name, b, b0)
    check(a, b)
    return draw(generator, a, b)
  end)
  Tensor[name] = function(self, first, a, b)
    local generator = C.tch_random_default()
    if own.isRandom(first) then generator = first else a, b = first, a end
    if name == 'bernoulli' and own.isTensor(a) then return (bernoulliOf(self, a, generator)) end
    a, b = number(name, a, a0), number(name, b, b0)
    check(a, b)
    if C.tch_tensor_count(self) == 0 then return self end
    return filled(self, function() return draw(generator, a, b) end)
  end
end
