--- Draws by laws other than the uniform and the normal one: exponential, cauchy, logNormal, geometric, bernoulli.
-- `torch.f([generator,] ...)` gives a number, `x:f([generator,] ...)` fills a tensor.
-- @module tocha.bindings.distribution
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local random = require 'tocha.bindings.random'

local raise, fail, number = own.raise, own.fail, random.number
local Tensor = M.tensor

local function positive(what, value, name)
  if not (value > 0) then raise(('%s: %s is %g, but must be above 0'):format(what, name, value)) end
end

-- name -> {defaults of the two parameters, check(a, b) of a single draw, a draw, a filling}
local rows = {
  exponential = { 1, 0, function(rate) positive('exponential', rate, 'the rate') end,
    function(g, rate) return C.tch_random_exponential(g, rate) end,
    function(x, rate, _, g) return C.tch_tensor_exponential(x, rate, g) end },
  cauchy = { 0, 1, function(_, width) positive('cauchy', width, 'the width') end,
    function(g, median, width) return C.tch_random_cauchy(g, median, width) end,
    function(x, median, width, g) return C.tch_tensor_cauchy(x, median, width, g) end },
  logNormal = { 1, 2, function(_, deviation) positive('logNormal', deviation, 'the deviation') end,
    function(g, mean, deviation) return C.tch_random_log_normal(g, mean, deviation) end,
    function(x, mean, deviation, g) return C.tch_tensor_log_normal(x, mean, deviation, g) end },
  geometric = { 0.5, 0,
    function(p) if not (p > 0 and p < 1) then raise(('geometric: %g is not between 0 and 1'):format(p)) end end,
    function(g, p) return C.tch_random_geometric(g, p) end,
    function(x, p, _, g) return C.tch_tensor_geometric(x, p, g) end },
  bernoulli = { 0.5, 0,
    function(p) if not (p >= 0 and p <= 1) then raise(('bernoulli: %g is no probability'):format(p)) end end,
    function(g, p) return C.tch_random_bernoulli(g, p) and 1 or 0 end,
    function(x, p, _, g)
      if own.isTensor(p) then return C.tch_tensor_bernoulli_of(x, p, g) end
      return C.tch_tensor_bernoulli(x, p, g)
    end },
}

for name, row in pairs(rows) do
  local a0, b0, check, draw, fill = row[1], row[2], row[3], row[4], row[5]
  random.global[name] = random.withGenerator(function(generator, a, b)
    a, b = number(name, a, a0), number(name, b, b0)
    check(a, b)
    return draw(generator, a, b)
  end)
  Tensor[name] = function(self, first, a, b)
    local generator = C.tch_random_default()
    if own.isRandom(first) then generator = first else a, b = first, a end
    if not (name == 'bernoulli' and own.isTensor(a)) then a = number(name, a, a0) end
    local status = fill(self, a, number(name, b, b0), generator)
    if status ~= 0 then fail(status) end
    return self
  end
end
