-- The less common of Torch7's maths: bits, cross products, norms, histograms, convolutions, draws from weights.
local torch = require 'tocha'

local function double(...) return torch.DoubleTensor(...) end

describe('bits', function()
  it('of integers of every width', function()
    for _, name in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long' } do
      local x = torch[name .. 'Tensor'] { 12, 10, 127 }
      assert.same({ 8, 8, 8 }, torch.bitand(x, 8):totable())
      assert.same({ 13, 11, 127 }, torch.bitor(x, 1):totable())
      assert.same({ 3, 5, 112 }, torch.bitxor(x, 15):totable())
      assert.same({ 3, 2, 31 }, torch.rshift(x, 2):totable())
      local y = x.new { 1, 2, 3 }
      assert.same({ 24, 40 }, torch.clshift(x, y):narrow(1, 1, 2):totable())
      assert.same({ 6, 2, 15 }, torch.crshift(x, y):totable())
      assert.same({ 0, 2, 3 }, torch.cbitand(x, y):totable())
      assert.same({ 13, 10, 127 }, torch.cbitor(x, y):totable())
      assert.same({ 13, 8, 124 }, x.new():cbitxor(x, y):totable())
      assert.is_true(x:lshift(1) == x)
    end
  end)

  it('of negative numbers move zeros in, and of too many places leave nothing', function()
    assert.same({ 127 }, torch.CharTensor { -1 }:rshift(1):totable())
    assert.same({ -2 }, torch.LongTensor { -1 }:lshift(1):totable())
    assert.same({ 0, 0 }, torch.IntTensor { 5, -5 }:lshift(32):totable())
    assert.same({ 0 }, torch.IntTensor { 5 }:rshift(-1):totable())
    assert.same({ 128 }, torch.ByteTensor { 64 }:lshift(1):totable())
    assert.same({ 0 }, torch.ByteTensor { 128 }:lshift(1):totable())
  end)

  it('of floating numbers are powers of 2, and nothing else', function()
    assert.same({ 6, 10 }, torch.lshift(double { 1.5, 2.5 }, 2):totable())
    assert.same({ 0.75 }, torch.rshift(torch.FloatTensor { 1.5 }, 1):totable())
    assert.has_error(function() torch.bitand(double { 1 }, 1) end,
      'bitand: a tensor of integers is needed, not a DoubleTensor')
    assert.has_error(function() torch.cbitor(torch.IntTensor { 1 }, 'x') end, 'cbitor: a tensor is needed, not a string')
  end)
end)

describe('vectors', function()
  it('have cross products along a dimension', function()
    local a, b = double { { 1, 0, 0 }, { 0, 1, 0 } }, double { { 0, 1, 0 }, { 0, 0, 1 } }
    assert.same({ { 0, 0, 1 }, { 1, 0, 0 } }, torch.cross(a, b):totable())
    assert.same({ { 0, 1 }, { 0, 0 }, { 1, 0 } }, torch.cross(a:t(), b:t(), 1):totable())
    local r = double()
    assert.is_true(torch.cross(r, a, b, 2) == r and r:sum() == 2)
    assert.same({ -2, 4, -2 }, torch.LongTensor { 1, 2, 3 }:cross(torch.LongTensor { 3, 4, 5 }):totable())
    assert.has_error(function() torch.cross(a, b, 1) end, 'cross: dimension 1 of 2x3 has not size 3')
    assert.has_error(function() torch.cross(torch.ones(2), torch.ones(2)) end, 'cross: no dimension of 2 has size 3')
    assert.is_true((torch.gradcheck(function(x, y) return torch.cross(x, y) end, { torch.randn(2, 3):double(),
      torch.randn(2, 3):double() })))
  end)

  it('are scaled down to a norm', function()
    local x = double { { 3, 4 }, { 0.3, 0.4 } }
    local y = torch.renorm(x, 2, 1, 1)
    assert.is_true((y - double { { 0.6, 0.8 }, { 0.3, 0.4 } }):abs():max() < 1e-6)
    assert.same({ 3, 4 }, x[1]:totable())
    assert.is_true(x:renorm(1, 2, 2) == x)
    assert.is_true(math.abs(x:select(2, 1):norm(1) - 2) < 1e-6)
    assert.has_error(function() torch.renorm(x[1], 2, 1, 1) end,
      'renorm: at least 2 dimensions are needed, the tensor is 2')
    assert.has_error(function() torch.renorm(x, 0, 1, 1) end, 'renorm: p must be a number above 0, not 0')
  end)

  it('are counted in bins', function()
    local x = double { { 2, 4, 2, 2, 5, 4 }, { 3, 5, 1, 5, 3, 5 }, { 3, 4, 2, 5, 5, 1 } }
    assert.same({ { 0, 3, 0, 2, 1 }, { 1, 0, 2, 0, 3 }, { 1, 1, 1, 1, 2 } }, torch.bhistc(x, 5, 1, 5):totable())
    assert.same({ { 3, 0, 0, 2, 1 } }, x:narrow(1, 1, 1):bhistc(5):totable())
    assert.same({ 2, 4, 3, 3, 6 }, torch.histc(x, 5):totable())
    assert.same({ 100 }, torch.histc(x):size():totable())
    assert.same({ 0, 6, 1 }, torch.histc(double { 1, 1, 1, 1, 1, 1, 2, 0 / 0, 99 }, 3, 0, 3):totable())
    assert.same({ 0, 3 }, torch.histc(double { 4, 4, 4 }, 2):totable())
    local r = double()
    assert.is_true(torch.histc(r, x, 5) == r)
    assert.has_error(function() torch.histc(x, 0) end, 'histc: 0 bins are not possible')
    assert.has_error(function() torch.histc(x, 3, 5, 1) end, 'histc: there is no range from 5 to 1')
  end)
end)

-- The definition, by loops over single elements.
local function naive(x, k, full, turn)
  local m, n, a, b = x:size(1), x:size(2), k:size(1), k:size(2)
  local low, high = full and 2 - a or 1, full and m or m - a + 1
  local left, right = full and 2 - b or 1, full and n or n - b + 1
  local y = double(high - low + 1, right - left + 1):zero()
  for i = low, high do
    for j = left, right do
      local sum = 0
      for p = 1, a do
        for q = 1, b do
          local r, s = i + p - 1, j + q - 1
          if r >= 1 and r <= m and s >= 1 and s <= n then
            sum = sum + x[r][s] * (turn and k[a - p + 1][b - q + 1] or k[p][q])
          end
        end
      end
      y[i - low + 1][j - left + 1] = sum
    end
  end
  return y
end

describe('convolutions of single images', function()
  local x, k = torch.randn(6, 5):double(), torch.randn(3, 2):double()
  local function near(a, b) assert.is_true(a:isSameSizeAs(b) and torch.csub(a, b):abs():max() < 1e-12) end

  it('are valid or full, turned or not', function()
    for _, mode in ipairs { 'V', 'F' } do
      near(naive(x, k, mode == 'F', true), torch.conv2(x, k, mode))
      near(naive(x, k, mode == 'F', false), torch.xcorr2(x, k, mode))
    end
    near(naive(x, k, false, true), x:conv2(k))
    local r = double()
    assert.is_true(torch.conv2(r, x, k, 'F') == r)
    near(naive(x, k, true, true), r)
    near(naive(x:t(), k, true, true), torch.conv2(x:t(), k, 'F'))
  end)

  it('take planes one by one or mixed', function()
    local planes, kernels = torch.randn(2, 6, 5):double(), torch.randn(2, 3, 2):double()
    local y = torch.xcorr2(planes, kernels)
    for p = 1, 2 do near(torch.xcorr2(planes[p], kernels[p]), y[p]) end
    local mixing = torch.randn(4, 2, 3, 2):double()
    local z = torch.conv2(planes, mixing, 'F')
    near(torch.conv2(planes[1], mixing[3][1], 'F') + torch.conv2(planes[2], mixing[3][2], 'F'), z[3])
  end)

  it('and of volumes', function()
    local v, kernel = torch.randn(4, 5, 6):double(), torch.randn(2, 3, 2):double()
    local y = torch.xcorr3(v, kernel)
    assert.same({ 3, 3, 5 }, y:size():totable())
    near(torch.xcorr2(v[2], kernel[1]) + torch.xcorr2(v[3], kernel[2]), y[2])
    assert.same({ 5, 7, 7 }, torch.conv3(v, kernel, 'F'):size():totable())
    near(torch.conv2(v[1], kernel[1], 'F'), torch.conv3(v, kernel, 'F')[1])
    local planes, mixing = torch.randn(2, 4, 5, 6):double(), torch.randn(3, 2, 2, 3, 2):double()
    near(torch.conv3(planes[1], mixing[3][1]) + torch.conv3(planes[2], mixing[3][2]), torch.conv3(planes, mixing)[3])
    near(torch.conv3(planes[2], mixing[1][2]), torch.conv3(planes, mixing[1])[2])
  end)

  it('have gradients, and serve integers', function()
    assert.is_true((torch.gradcheck(function(a, b) return torch.conv2(a, b, 'F') end, { x, k })))
    assert.same({ { 10 } }, torch.xcorr2(torch.LongTensor { { 1, 2 }, { 3, 4 } }, torch.LongTensor { { 1, 1 }, { 1, 1 } })
      :totable())
  end)

  it('say what does not fit', function()
    assert.has_error(function() torch.conv2(k, x) end, 'conv2: a kernel of 6x5 is greater than an input of 3x2')
    assert.has_error(function() torch.conv2(x, k:view(6)) end, 'conv2: an input of 6x5 and a kernel of 6 do not go together')
    assert.has_error(function() torch.xcorr2(x, k, 'X') end, "xcorr2: the mode is 'V' (valid) or 'F' (full), not X")
  end)
end)

describe('the alias method', function()
  it('draws by weight', function()
    torch.manualSeed(1)
    local p = double { 0.1, 0.2, 0, 0.7 }
    local state = torch.multinomialAliasSetup(p)
    local out = torch.LongTensor(2000)
    assert.is_true(torch.multinomialAlias(out, state) == out)
    local counts = torch.histc(out:double(), 4, 0.5, 4.5):div(2000)
    assert.is_true((counts - p):abs():max() < 0.05)
    assert.equal(0, counts[3])
    assert.is_true(torch.multinomialAliasSetup(p, state) == state)
    local first, second = torch.LongTensor(5), torch.LongTensor(5)
    torch.multinomialAlias(torch.Generator(7), first, state)
    torch.multinomialAlias(torch.Generator(7), second, state)
    assert.same(first:totable(), second:totable())
    assert.has_error(function() torch.multinomialAlias(out, {}) end,
      'multinomialAlias: a state of multinomialAliasSetup is needed')
    assert.error_matches(function() torch.multinomialAliasSetup(double { 1, -1 }) end, 'numbers from 0 that sum to 1')
  end)
end)

describe('generators', function()
  it('come first or after a result, and go through files', function()
    local g = torch.Generator(5)
    local copy = torch.deserialize(torch.serialize(g))
    assert.equal('torch.Generator', torch.typename(g))
    assert.equal(torch.random(g), torch.random(copy))
    local a, b = torch.rand(g, 3), torch.rand(torch.Tensor(), copy, 3)
    assert.same(a:totable(), b:totable())
    assert.same(torch.randperm(g, 9):totable(), torch.randperm(torch.Tensor(), copy, 9):totable())
    assert.same(torch.multinomial(g, torch.ones(5), 3):totable(), torch.multinomial(copy, torch.ones(5), 3):totable())
    local state = torch.getRNGState()
    local x = torch.randn(4)
    assert.is_true(torch.setRNGState(state) == state)
    assert.same(x:totable(), torch.randn(4):totable())
  end)
end)

describe('objects', function()
  it('have addresses and classes', function()
    local x, t = torch.ones(3), {}
    assert.equal(torch.pointer(x), torch.pointer(x))
    assert.not_equal(torch.pointer(x), torch.pointer(x:clone()))
    assert.equal('number', type(torch.pointer(t)))
    assert.is_true(torch.isequal(t, t) and torch.isequal(x, x) and not torch.isequal(x, x:clone()))
    assert.equal(torch.typename2id 'torch.FloatTensor', torch.id(torch.FloatTensor()))
    assert.is_nil(torch.id(3))
    assert.same({ 1, 1, 1 }, torch.totable(x))
    assert.equal(1, torch.data(x)[2])
    assert.equal(tonumber(torch.data(x, true)), tonumber(torch.data(x:storage(), true)))
    x:retain()
    x:free()
    assert.equal(3, x:sum())
    local tds = require 'tocha.tds'
    local list, other = tds.Vec(), tds.Vec()
    assert.equal(torch.pointer(list), torch.pointer(list))
    assert.not_equal(torch.pointer(list), torch.pointer(other))
    assert.error_matches(function() torch.pointer(3) end, 'pointer: a number has no address')
  end)
end)
