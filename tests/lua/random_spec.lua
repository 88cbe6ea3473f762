-- The streams of a seed are those of Torch7; the numbers were printed by it.
local torch = require 'tocha'

local function close(expected, got)
  if type(got) ~= 'table' then got = { got } end
  assert.equal(#expected, #got)
  for i = 1, #expected do
    assert.is_true(math.abs(expected[i] - got[i]) <= 1e-15 * math.max(1, math.abs(expected[i])),
      ('entry %d: %.17g is not %.17g'):format(i, got[i], expected[i]))
  end
end

describe('the stream of seed 123', function()
  local Double, Float = torch.DoubleTensor, torch.FloatTensor
  before_each(function() torch.manualSeed(123) end)

  it('uniform and normal', function()
    close({ 0.69646918727084994, 0.71295532141812146, 0.28613933874294162 }, Double(3):uniform():totable())
    torch.manualSeed(123)
    close({ 0.69646918773651123, 0.7129552960395813, 0.28613933920860291 }, Float(3):uniform():totable())
    torch.manualSeed(123)
    close({ -0.52144306271244167, -1.4914194359815409, -0.23812953316813365 }, torch.randn(Double(), 3):totable())
    torch.manualSeed(123)
    close({ 0.39293837454169989, 0.42591064283624291 }, Double(2):uniform(-1, 1):totable())
    torch.manualSeed(1) -- the parameters are rounded to the tensor's type
    close({ -0.095814742147922516, 0.57409954071044922, 0.25440880656242371, 0.49947419762611389 },
      Float(4):uniform(-1 / math.sqrt(3), 1 / math.sqrt(3)):totable())
    torch.manualSeed(123)
    close({ 0.43567081186267487, -2.4742583079446225 }, Double(2):normal(2, 3):totable())
  end)

  it('the cached half of a normal pair survives between calls, not a uniform', function()
    close({ 0.69646918727084994, 0.71295532141812146, 0.28613933874294162 }, torch.rand(Double(), 3):totable())
    close({ -0.64609899102324142, 0.31164764972861031, -0.45951018631984264 }, torch.randn(Double(), 3):totable())
    close({ 0.71915030875243247, 0.71946897055022418, 0.49111893260851502 }, torch.rand(Double(), 3):totable())
  end)

  it('whole numbers', function()
    assert.equal(2991312382, torch.random())
    local expected = {
      { Double, { 2991312382, 3062119789, 1228959102, 1840268610, 974319580 } },
      { Float, { 4967756, 8666295, 4222261, 11551957, 1240994 } },
      { torch.IntTensor, { 843828734, 914636141, 1228959102, 1840268610, 974319580 } },
      { torch.LongTensor, { 2991312382, 3062119789, 1228959102, 1840268610, 974319580 } },
      { torch.ByteTensor, { 254, 109, 126, 66, 220 } },
    }
    for _, row in ipairs(expected) do
      torch.manualSeed(123)
      assert.same(row[2], row[1](5):random():totable())
    end
    torch.manualSeed(123)
    assert.same({ 5, 2, 1, 1, 5 }, Double(5):random(1, 6):totable())
    torch.manualSeed(123)
    assert.same({ 3, 1, 9, 2, 4, 8, 5, 10, 6, 7 }, torch.randperm(10):totable())
  end)

  it('derived distributions', function()
    local expected = {
      { 'exponential', { 2 }, { 0.59613607449643169, 0.62405870041860734, 0.16853374399413973 } },
      { 'cauchy', { 0, 1 }, { 0.70972969302555899, 0.79065846734277412, -0.79529113787725692 } },
      { 'logNormal', { 1, 2 }, { 0.95802047803062884, 0.13767783226140481, 1.6883317878863759 } },
      { 'geometric', { 0.3 }, { 1, 2, 1 } },
      { 'bernoulli', { 0.3 }, { 0, 0, 1 } },
      { 'bernoulli', { torch.Tensor { .1, .3, .5 } }, { 0, 0, 1 } },
    }
    for _, row in ipairs(expected) do
      torch.manualSeed(123)
      local x = Double(3)
      close(row[3], x[row[1]](x, unpack(row[2])):totable())
    end
    torch.manualSeed(123)
    close({ 0.69646918727084994, -0.18938718695866996, 0.559439922084774, -1.1571523781472806, 0.55000227241641719, 1, 0, 8, 9 },
      { torch.uniform(), torch.normal(), torch.exponential(), torch.cauchy(), torch.logNormal(1, 2), torch.geometric(.3),
        torch.bernoulli(.3), torch.random(10), torch.random(5, 9) })
  end)

  it('draws from weights', function()
    assert.same({ 3, 3, 2, 3, 2 }, torch.multinomial(Double { .1, .2, .7 }, 5, true):totable())
    torch.manualSeed(123)
    assert.same({ 4, 3, 1 }, torch.multinomial(Double { .1, .2, .3, .4 }, 3, false):totable())
  end)
end)
