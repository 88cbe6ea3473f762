-- Linear algebra: values and gradients against PyTorch's (tests/golden/linalg.lua), Torch7's forms, and what is refused.
local torch = require 'tocha'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])')
local golden = dofile(here .. '../golden/linalg.lua')

-- The values of tests/golden/make_linalg.py.
local function pattern(sizes, seed)
  local i = 0
  return torch.DoubleTensor(torch.LongStorage(sizes)):apply(function()
    i = i + 1
    return math.sin(1.3 * i + 0.77 * seed)
  end)
end
local function eye(n) return torch.eye(n):double() end
local function regular(x) return x + 3 * eye(x:size(1)) end
local function positive(x) return x * x:t() + eye(x:size(1)) end
local function full(x)
  local m, n = x:size(1), x:size(2)
  return x + torch.cmul(torch.eye(m, n), torch.range(1, n):view(1, n):expand(m, n)):double():mul(2)
end
local function spread(x) return x + x:t() + torch.diag(torch.range(0, 2 * x:size(1) - 2, 2):double()) end

local function near(want, got, what)
  local a = torch.DoubleTensor(want)
  local b = got:double():contiguous():view(-1)
  assert(a:nElement() == b:nElement(), what)
  local most = torch.csub(a, b):abs():max()
  assert(most <= 1e-8 * math.max(1, a:abs():max()), ('%s: differs by %g'):format(what, most))
end

local rows = {
  ['inverse'] = { { { 4, 4 } }, function(a) return torch.inverse(regular(a)) end },
  ['gesv'] = { { { 4, 2 }, { 4, 4 } }, function(b, a) return (torch.gesv(b, regular(a))) end },
  ['gels'] = { { { 5, 2 }, { 5, 3 } }, function(b, a) return (torch.gels(b, full(a))) end },
  ['gels wide'] = { { { 3, 2 }, { 3, 5 } }, function(b, a) return (torch.gels(b, full(a))) end },
  ['trtrs'] = { { { 4, 2 }, { 4, 4 } }, function(b, a) return (torch.trtrs(b, regular(a))) end },
  ['trtrs L T'] = { { { 4, 2 }, { 4, 4 } }, function(b, a) return (torch.trtrs(b, regular(a), 'L', 'T')) end },
  ['trtrs unit'] = { { { 4, 2 }, { 4, 4 } }, function(b, a) return (torch.trtrs(b, a, 'U', 'N', 'U')) end },
  ['potrf'] = { { { 4, 4 } }, function(a) return torch.potrf(positive(a)) end },
  ['potrf L'] = { { { 4, 4 } }, function(a) return torch.potrf(positive(a), 'L') end },
  ['potrs'] = { { { 4, 2 }, { 4, 4 } }, function(b, a) return torch.potrs(b, torch.triu(regular(a))) end },
  ['potri'] = { { { 4, 4 } }, function(a) return torch.potri(torch.triu(regular(a))) end },
  ['qr'] = { { { 5, 3 } }, function(a)
    local q, r = torch.qr(full(a))
    return q * torch.abs(r) * 2 + torch.square(q) * r
  end },
  ['symeig'] = { { { 4, 4 } }, function(a) return (torch.symeig(spread(a))) end },
  ['symeig V'] = { { { 4, 4 } }, function(a) return torch.square((select(2, torch.symeig(spread(a), 'V')))) end },
  ['svd'] = { { { 3, 5 } }, function(a) return (select(2, torch.svd(full(a)))) end },
  ['svd vectors'] = { { { 3, 5 } }, function(a)
    local u, s, v = torch.svd(full(a))
    return torch.cmul(torch.square(u), s:view(1, -1):expandAs(u)) * torch.square(v):t()
  end },
}

describe('linear algebra agrees with PyTorch:', function()
  for name, want in pairs(golden) do
    it(name, function()
      local row, xs = rows[name], {}
      for i, sizes in ipairs(row[1]) do xs[i] = pattern(sizes, i) end
      near(want.value, row[2](unpack(xs)), 'value')
      if #want.grads == 0 then return end
      for _, x in ipairs(xs) do x:requiresGrad(true) end
      local y = row[2](unpack(xs))
      y:backward(pattern(y:size():totable(), 31))
      for i, x in ipairs(xs) do near(want.grads[i], x.grad, 'gradient ' .. i) end
    end)
  end
end)

describe('Torch7\'s forms', function()
  local a = torch.DoubleTensor { { 6.80, -6.05, -0.45 }, { -2.11, -3.30, 2.58 }, { 5.66, 5.36, -2.70 } }
  local b = torch.DoubleTensor { { 4.02, -1.56 }, { 6.19, 4 }, { -8.22, -8.67 } }

  local function same(x, y) near(x:contiguous():view(-1):totable(), y, 'tensors') end

  it('write results, in the strides that they have', function()
    local x, lu = torch.DoubleTensor(), torch.DoubleTensor(3, 3)
    local rx, rlu = torch.gesv(x, lu, b, a)
    assert.is_true(rx == x and rlu == lu)
    same(b, a * x)
    assert.same({ 1, 3 }, lu:stride():totable())
    local wide = torch.DoubleTensor(3, 6):zero()
    local part = wide:narrow(2, 2, 3)
    torch.inverse(part, a)
    same(torch.inverse(a), part)
    assert.equal(0, wide:select(2, 1):norm() + wide:narrow(2, 5, 2):norm())
    local inPlace = a:clone()
    torch.inverse(inPlace, inPlace)
    same(torch.inverse(a), inPlace)
  end)

  it('serve float and are methods', function()
    local f = a:float()
    assert.is_true((f:inverse() * f - torch.eye(3)):abs():max() < 1e-5)
    assert.equal('torch.FloatTensor', b:float():gesv(f):type())
  end)

  it('take vectors as one column', function()
    assert.same({ 3, 1 }, torch.gesv(b:select(2, 1), a):size():totable())
  end)

  it('give reflectors', function()
    local m, tau = torch.geqrf(b)
    local q, r = torch.qr(b)
    same(q, torch.orgqr(m, tau))
    same(q:t() * q, torch.eye(2):double())
    same(r, q:t() * b)
    same(torch.triu(m:narrow(1, 1, 2)), r)
    local square, factors = torch.geqrf(a)
    local whole = torch.orgqr(square, factors)
    same(whole * b, torch.ormqr(square, factors, b))
    same(whole:t() * b, torch.ormqr(square, factors, b, 'L', 'T'))
    same(b:t() * whole, torch.ormqr(square, factors, b:t(), 'R'))
    same(b:t() * whole:t(), torch.ormqr(square, factors, b:t(), 'R', 'T'))
  end)

  it('give general eigenvalues, real and imaginary', function()
    local turn = torch.DoubleTensor { { 0, -2 }, { 2, 0 } }
    same(torch.DoubleTensor { { 0, 2 }, { 0, -2 } }, torch.eig(turn))
    local e, v = torch.eig(torch.DoubleTensor { { 2, 1 }, { 0, 3 } }, 'V')
    same(torch.DoubleTensor { { 2, 0 }, { 3, 0 } }, e)
    same(v * torch.diag(e:select(2, 1)), torch.DoubleTensor { { 2, 1 }, { 0, 3 } } * v)
  end)

  it('give all vectors of a singular value decomposition', function()
    local u, s, v = torch.svd(b, 'A')
    assert.same({ 3, 3 }, u:size():totable())
    same(b, u:narrow(2, 1, 2) * torch.diag(s) * v:t())
    same(torch.eye(3):double(), u:t() * u)
  end)

  it('factor semi-definite matrices with pivots', function()
    local p = positive(pattern({ 4, 4 }, 3))
    local u, pivots = torch.pstrf(p)
    assert.equal('torch.IntTensor', pivots:type())
    local order = pivots:long()
    same(p:index(1, order):index(2, order), u:t() * u)
  end)
end)

describe('linear algebra refuses', function()
  local singular = torch.DoubleTensor { { 1, 2 }, { 2, 4 } }

  it('singular matrices, and leaves the results as they were', function()
    local result = torch.DoubleTensor { 7 }
    assert.has_error(function() torch.inverse(result, singular) end, 'inverse: the matrix is singular: U(2,2) is zero')
    assert.same({ 7 }, result:totable())
    assert.has_error(function() torch.gesv(singular, singular) end, 'gesv: the matrix is singular: U(2,2) is zero')
    assert.has_error(function() torch.trtrs(singular, torch.zeros(2, 2):double()) end,
      'trtrs: the matrix is singular: A(1,1) is zero')
    assert.has_error(function() torch.potrf(-singular) end,
      'potrf: the matrix is not positive definite: its leading minor of order 1 is not')
    assert.has_error(function() torch.pstrf(singular) end,
      'pstrf: the matrix is rank deficient (rank 1 of 2) or not positive semi-definite')
    assert.has_error(function() torch.potrs(singular, torch.zeros(2, 2):double()) end,
      'potrs: the factor is singular: entry (1,1) is zero')
  end)

  it('other shapes, types and options', function()
    assert.has_error(function() torch.inverse(torch.DoubleTensor(2, 3)) end,
      'inverse: a must be a square matrix with entries, but it is 2x3')
    assert.has_error(function() torch.gesv(torch.DoubleTensor(3, 2), singular) end,
      'gesv: b must be a matrix or vector with as many rows as a, but they are 3x2 and 2x2')
    assert.has_error(function() torch.symeig(torch.DoubleTensor { { 1, 0 / 0 }, { 0, 1 } }) end)
    assert.has_error(function() torch.symeig(singular, 'X') end, "symeig: 'X' is no option; there is 'V' or 'N', then 'U' or 'L'")
    assert.has_error(function() torch.svd(3) end, 'svd: 1 tensor is needed, or 4 with results in front, but there are 0')
    assert.has_error(function() torch.inverse(torch.LongTensor { { 1 } }) end)
    assert.has_error(function() torch.ormqr(singular, torch.DoubleTensor { 1 }, torch.DoubleTensor(3, 2)) end)
  end)
end)
