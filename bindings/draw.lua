--- Draws from given weights: torch.multinomial, and the alias method for many draws from the same ones.
-- @module tocha.bindings.draw
local ffi = require 'ffi'
local own = require 'tocha.bindings.own'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local M = require 'tocha.bindings.class'
local tensor = require 'tocha.bindings.tensor'
local answer = require 'tocha.bindings.answer'

local raise, fail, isTensor, need = own.raise, own.fail, own.isTensor, answer.need
local functions = {}

-- Splits off an optional generator among the first two arguments.
local function generatorOf(first, second, ...)
  if own.isRandom(first) then return first, second, ... end
  if own.isRandom(second) then return second, first, ... end
  return C.tch_random_default(), first, second, ...
end

--- multinomial([result,] [generator,] weights, n [, replacement]): places drawn with the given weights, for each row of a
-- matrix.
-- @treturn torch.LongTensor
function functions.multinomial(...)
  local generator, result, weights, n, replacement = generatorOf(...)
  if not isTensor(weights) then result, weights, n, replacement = nil, result, weights, n end
  need('multinomial', weights)
  if result then need('multinomial', result) end
  if result and M.rowOf(result) ~= dtype.Long then raise('multinomial: the result is a torch.LongTensor') end
  if type(n) ~= 'number' or n < 1 or n % 1 ~= 0 then raise('multinomial: the number of draws is a whole number from 1 on') end
  result = result or tensor.empty(dtype.Long)
  local status = C.tch_tensor_multinomial(result, weights, n, replacement and true or false, 1, generator)
  if status ~= 0 then fail(status) end
  return result
end
M.tensor.multinomial = functions.multinomial

-- -- the alias method (Vose 1991): each place is a coin between itself and one other --------------------------------

--- multinomialAliasSetup(probabilities [, state]): the coins of a vector of probabilities that sum to 1, for multinomialAlias.
-- @treturn table { places to go to (LongTensor), chances to stay (DoubleTensor) }
function functions.multinomialAliasSetup(probabilities, state)
  local p = need('multinomialAliasSetup', probabilities)
  local n = p:nElement()
  if p:dim() ~= 1 then raise('multinomialAliasSetup: a vector of probabilities is needed') end
  p = p:double():contiguous()
  if not (p:min() >= 0 and math.abs(p:sum() - 1) < 1e-3) then
    raise(('multinomialAliasSetup: the probabilities are numbers from 0 that sum to 1, but they sum to %g'):format(p:sum()))
  end
  state = state or { tensor.empty(dtype.Long), tensor.empty(dtype.Double) }
  if type(state) ~= 'table' or not isTensor(state[1]) or not isTensor(state[2]) then
    raise('multinomialAliasSetup: the state is a table of a torch.LongTensor and a torch.DoubleTensor')
  end
  local chance = p * (n / p:sum())
  local alias = tensor.empty(dtype.Long):resize(n):zero()
  local q, a = chance:data(), alias:data()
  local poor, rich = {}, {}
  for i = 0, n - 1 do
    local list = q[i] < 1 and poor or rich
    list[#list + 1] = i
  end
  while #poor > 0 and #rich > 0 do
    local small, large = table.remove(poor), rich[#rich]
    a[small] = large + 1
    q[large] = q[large] + q[small] - 1
    if q[large] < 1 then poor[#poor + 1] = table.remove(rich) end
  end
  for i = 0, n - 1 do -- what is left has a full share, but for rounding
    if a[i] == 0 then q[i], a[i] = 1, i + 1 end
  end
  state[1]:resize(n):copy(alias)
  state[2]:resize(n):copy(chance)
  return state
end

--- multinomialAlias([generator,] output, state): fills a vector of whole numbers with places drawn with replacement.
function functions.multinomialAlias(...)
  local generator, output, state = generatorOf(...)
  need('multinomialAlias', output)
  if type(state) ~= 'table' or not isTensor(state[1]) or not isTensor(state[2])
    or state[1]:nElement() ~= state[2]:nElement() or state[1]:nElement() == 0 then
    raise('multinomialAlias: a state of multinomialAliasSetup is needed')
  end
  local count, n = output:nElement(), state[1]:nElement()
  local alias, chance = state[1]:long():contiguous(), state[2]:double():contiguous()
  local made = tensor.newLike(dtype.Long, output)
  local a, q, out = alias:data(), chance:data(), ffi.cast(dtype.Long.pointer, C.tch_tensor_data(made))
  for i = 0, count - 1 do
    local place = math.floor(C.tch_random_uniform(generator, 0, n))
    out[i] = C.tch_random_bernoulli(generator, q[place]) and place + 1 or a[place]
  end
  assert(alias and chance) -- alive until here
  return output:copy(made)
end

return { install = function(torch)
  for name, f in pairs(functions) do torch[name] = f end
end }
