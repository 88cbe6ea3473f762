--- Draws from given weights: torch.multinomial.
-- @module tocha.bindings.draw
local own = require 'tocha.bindings.own'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local M = require 'tocha.bindings.class'
local tensor = require 'tocha.bindings.tensor'
local answer = require 'tocha.bindings.answer'

local raise, isTensor, need = own.raise, own.isTensor, answer.need
local sizes = own.newInts()

local function checked(weights)
  local total = 0
  for i = 1, #weights do
    local w = weights[i]
    if not (w >= 0 and w < math.huge) then raise(('multinomial: weight %d is %g, not a number from 0 on'):format(i, w)) end
    total = total + w
  end
  if total <= 0 then raise('multinomial: the weights of a row sum to 0') end
  return total
end

-- The first place whose running sum passes u.
local function place(weights, total, u)
  local sum, last = 0, nil
  for i = 1, #weights do
    if weights[i] > 0 then
      sum, last = sum + weights[i] / total, i
      if u < sum then return i end
    end
  end
  return last
end

local function drawRow(weights, n, replacement, generator, write)
  local total = checked(weights)
  for k = 1, n do
    if total <= 0 then raise(('multinomial: %d draws without replacement from fewer weights above 0'):format(n)) end
    local i = place(weights, total, C.tch_random_uniform(generator, 0, 1))
    write(k, i)
    if not replacement then
      weights[i] = 0
      total = 0
      for j = 1, #weights do total = total + weights[j] end
    end
  end
end

--- multinomial([result,] weights, n [, replacement]): places drawn with the given weights, for each row of a matrix.
-- @treturn torch.LongTensor
local function multinomial(first, second, n, replacement)
  local generator, result, weights = C.tch_random_default(), nil, nil
  if isTensor(second) then result, weights = need('multinomial', first), second
  else weights, n, replacement = first, second, n end
  need('multinomial', weights)
  local dim = C.tch_tensor_dim(weights)
  if dim ~= 1 and dim ~= 2 then raise('multinomial: a vector or a matrix of weights is needed') end
  if type(n) ~= 'number' or n < 1 or n % 1 ~= 0 then raise('multinomial: the number of draws is a whole number from 1 on') end
  local rows = weights:totable()
  if dim == 1 then rows = { rows } end
  if not replacement and n > #rows[1] then
    raise(('multinomial: %d draws without replacement from %d weights'):format(n, #rows[1]))
  end
  sizes[0], sizes[1] = #rows, n
  local made = tensor.new(dtype.Long, 2, sizes)
  local data = made:data()
  for r, row in ipairs(rows) do
    drawRow(row, n, replacement, generator, function(k, i) data[(r - 1) * n + k - 1] = i end)
  end
  if dim == 1 then made = made:view(n) end
  return result and result:set(made) or made
end

M.tensor.multinomial = function(weights, n, replacement) return multinomial(weights, n, replacement) end

return { install = function(torch) torch.multinomial = multinomial end }
