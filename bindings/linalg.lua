--- Linear algebra by LAPACK under Torch7's names: results come first or are made, options are letters.
-- Matrices are floating; new results lie by columns (strides 1, m), as in Torch7.
-- @module tocha.bindings.linalg
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local ops = require 'tocha.bindings.op'.ops

local isTensor = own.isTensor
local functions = {}

local upperOrLower, transposedOrNot = { 'UL', 'U' }, { 'TN', 'N' }

local function noOption(name, value, letters)
  local list = {}
  for i, option in ipairs(letters) do list[i] = ("'%s' or '%s'"):format(option[1]:sub(1, 1), option[1]:sub(2)) end
  local what = type(value) == 'string' and "'" .. value .. "'" or 'a ' .. type(value)
  own.raise(('%s: %s is no option; there is %s'):format(name, what, #list > 0 and table.concat(list, ', then ') or 'none'))
end

-- f([results...,] inputs..., letters...) calls apply(results or nils, inputs, whether each option is the first of its two
-- letters). { 'UL', 'U' } is an option with its default; one that is left out may be followed by the next. Where
-- letters.number is set a number may end the list.
local function define(name, results, inputs, letters, apply)
  functions[name] = function(...)
    local values, n = { ... }, 0
    while isTensor(values[n + 1]) do n = n + 1 end
    if n ~= inputs and n ~= inputs + results then
      own.raise(('%s: %d tensor%s needed, or %d with results in front, but there %s %d'):format(name, inputs,
        inputs == 1 and ' is' or 's are', inputs + results, n == 1 and 'is' or 'are', n))
    end
    local call, skip, at = {}, n == inputs and results or 0, n + 1
    for i = 1, n do call[skip + i] = values[i] end
    for i, option in ipairs(letters) do
      local letter = values[at]
      local given = type(letter) == 'string' and #letter == 1 and option[1]:find(letter, 1, true)
      if given or letter == nil then at = at + 1 end
      call[results + inputs + i] = (given and letter or option[2]) == option[1]:sub(1, 1)
    end
    local last = values[at]
    if last ~= nil and not (letters.number and type(last) == 'number') then noOption(name, last, letters) end
    call[results + inputs + #letters + 1] = last
    return apply(unpack(call, 1, results + inputs + #letters + 1))
  end
  M.tensor[name] = functions[name]
end

--- inverse([result,] a)
define('inverse', 1, 1, {}, function(y, a) return ops.inverse(y, a) end)
--- x, lu = gesv([x, lu,] b, a): a x = b for a square a.
define('gesv', 2, 2, {}, function(x, lu, b, a) return ops.gesv(x, lu, b, a) end)
--- x, qr = gels([x, qr,] b, a): least squares, or the least norm.
define('gels', 2, 2, {}, function(x, qr, b, a) return ops.gels(x, qr, b, a) end)

--- x, a = trtrs([x, a,] b, a [, 'U' or 'L'] [, 'N' or 'T'] [, 'N' or 'U']): a triangle a, transposed with 'T', with ones on its
-- diagonal with 'U'.
define('trtrs', 2, 2, { upperOrLower, transposedOrNot, { 'UN', 'N' } }, function(x, copy, b, a, upper, trans, unit)
  x = ops.trtrs(x, b, a, upper, trans, unit)
  if not copy then return x, a end
  return x, copy == a and a or copy:resizeAs(a):copy(a)
end)

--- potrf([result,] a [, 'U' or 'L']): Cholesky's factor of a positive definite matrix.
define('potrf', 1, 1, { upperOrLower }, function(u, a, upper) return ops.potrf(u, a, upper) end)
--- potrs([result,] b, factor [, 'U' or 'L']): the x of a x = b for the a of a Cholesky factor.
define('potrs', 1, 2, { upperOrLower }, function(x, b, u, upper) return ops.potrs(x, b, u, upper) end)
--- potri([result,] factor [, 'U' or 'L']): the inverse of the matrix of a Cholesky factor.
define('potri', 1, 1, { upperOrLower }, function(y, u, upper) return ops.potri(y, u, upper) end)
--- u, pivots = pstrf([u, pivots,] a [, 'U' or 'L'] [, tolerance]): Cholesky's factor with pivoting; pivots is an IntTensor.
define('pstrf', 2, 1, { upperOrLower, number = true }, function(u, pivots, a, upper, tolerance)
  return ops.pstrf(u, pivots, a, upper, tolerance, 1)
end)

--- q, r = qr([q, r,] a)
define('qr', 2, 1, {}, function(q, r, a) return ops.qr(q, r, a) end)
--- m, tau = geqrf([m, tau,] a): r and the reflectors that make q.
define('geqrf', 2, 1, {}, function(m, tau, a) return ops.geqrf(m, tau, a) end)
--- orgqr([q,] m, tau)
define('orgqr', 1, 2, {}, function(q, m, tau) return ops.orgqr(q, m, tau) end)
--- ormqr([result,] m, tau, b [, 'L' or 'R'] [, 'N' or 'T']): q b, q' b, b q, b q'.
define('ormqr', 1, 3, { { 'LR', 'L' }, transposedOrNot }, function(y, m, tau, b, left, trans)
  return ops.ormqr(y, m, tau, b, left, trans)
end)

--- w, v = symeig([w, v,] a [, 'N' or 'V'] [, 'U' or 'L']): eigenvalues of a symmetric matrix, in order, and with 'V' vectors.
define('symeig', 2, 1, { { 'VN', 'N' }, upperOrLower }, function(w, v, a, vectors, upper)
  return ops.symeig(w, v, a, vectors or (C.tch_needs_grad(a) and C.tch_grad_enabled()), upper)
end)
--- w, v = eig([w, v,] a [, 'N' or 'V']): eigenvalues (real, imaginary), and with 'V' vectors as LAPACK packs them.
define('eig', 2, 1, { { 'VN', 'N' } }, function(w, v, a, vectors) return ops.eig(w, v, a, vectors) end)
--- u, s, v = svd([u, s, v,] a [, 'S' or 'A']): a = u diag(s) v'; 'A' gives all columns.
define('svd', 3, 1, { { 'AS', 'S' } }, function(u, s, v, a, all) return ops.svd(u, s, v, a, all) end)

return { install = function(torch)
  for name, f in pairs(functions) do torch[name] = f end
end }
