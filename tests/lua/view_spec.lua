local torch = require 'tocha'

local function matrix() return torch.range(1, 12):view(3, 4) end

describe('views', function()
  it('share elements', function()
    local x = matrix()
    x:narrow(2, 2, 2):fill(0)
    assert.same({ 1, 0, 0, 4 }, x[1]:totable())
    x:select(1, 2):fill(9)
    assert.equal(36, x[2]:sum())
    x:t()[1]:fill(5)
    assert.equal(5, x[3][1])
    x:view(-1)[12] = 77
    assert.equal(77, x[3][4])
  end)

  it('rearrange dimensions', function()
    local x = torch.Tensor(2, 3, 4)
    assert.same({ 4, 3, 2 }, x:transpose(1, 3):size():totable())
    assert.same({ 4, 2, 3 }, x:permute(3, 1, 2):size():totable())
    assert.same({ 2, 1, 3, 4 }, x:unsqueeze(2):size():totable())
    assert.same({ 2, 3, 4 }, x:unsqueeze(2):squeeze():size():totable())
    assert.same({ 2, 3 }, torch.Tensor(2, 1, 3, 1):squeeze():size():totable())
    assert.same({ 2, 3, 1 }, torch.Tensor(2, 1, 3, 1):squeeze(2):size():totable())
    assert.same({ 3, 1, 3 }, torch.Tensor(9):view(3, 1, -1):size():totable())
  end)

  it('expand and repeat', function()
    local x = torch.Tensor { { 1 }, { 2 } }
    assert.same({ { 1, 1, 1 }, { 2, 2, 2 } }, x:expand(2, 3):totable())
    assert.same({ { 1, 1, 1 }, { 2, 2, 2 } }, x:expandAs(torch.Tensor(2, 3)):totable())
    assert.same({ { 1, 1 }, { 2, 2 }, { 1, 1 }, { 2, 2 } }, x:repeatTensor(2, 2):totable())
    assert.same({ { 1, 2, 1, 2 }, { 1, 2, 1, 2 } }, torch.repeatTensor(torch.Tensor { 1, 2 }, 2, 2):totable())
  end)

  it('cut into parts', function()
    local parts = matrix():split(3, 2)
    assert.equal(2, #parts)
    assert.same({ 3, 1 }, parts[2]:size():totable())
    assert.equal(2, #matrix():chunk(2, 1))
    assert.same({ { 6, 7 }, { 10, 11 } }, matrix():sub(2, 3, 2, -2):totable())
    assert.same({ { 1, 2 }, { 3, 4 } }, torch.range(1, 5):unfold(1, 2, 2):totable())
  end)

  it('copy where they must', function()
    local t = matrix():t()
    assert.is_true(t:contiguous():isContiguous())
    assert.same(t:totable(), t:clone():totable())
    local x = matrix()
    local y = x:reshape(4, 3)
    y:fill(0)
    assert.equal(1, x[1][1])
    assert.same({ 4, 3 }, torch.reshape(x, 4, 3):size():totable())
  end)

  it('name what does not fit', function()
    local x = matrix()
    assert.has_error(function() x:narrow(1, 2, 5) end,
      'narrow: entries 2 to 6 are not in dimension 1 of size 3 (tensor 3x4)')
    assert.has_error(function() x:select(3, 1) end,
      'select: there is no dimension 3 in a tensor of 2 dimensions (3x4)')
    assert.has_error(function() x:select(-1, 0) end, 'select: index 0 is not in 1..4')
    assert.has_error(function() x:t():view(12) end,
      'view: the elements of the tensor (4x3) do not lie in one line; call contiguous() first or use reshape')
    assert.has_error(function() x:view(5, 2) end, 'view: 3x4 (12 elements) cannot become 5x2')
    assert.has_error(function() torch.Tensor(2, 1.5) end, 'torch.FloatTensor: size 1.5 of dimension 2 is no whole number')
  end)
end)

describe('indexing', function()
  it('reads entries, ranges and masks', function()
    local x = matrix()
    assert.equal(6, x[2][2])
    assert.equal(12, x[-1][-1])
    assert.equal(7, x[{ 2, 3 }])
    assert.equal(7, x[torch.LongStorage { 2, 3 }])
    assert.same({ 2, 6, 10 }, x[{ {}, 2 }]:totable())
    assert.same({ { 6, 7 }, { 10, 11 } }, x[{ { 2, 3 }, { 2, -2 } }]:totable())
    assert.same({ { 1, 3 }, { 5, 7 }, { 9, 11 } }, x[{ {}, { 1, 4, 2 } }]:totable())
    assert.same({ { 5, 6, 7, 8 } }, x[{ { 2 } }]:totable())
    assert.same({ 11, 12 }, x[x:gt(10)]:totable())
    assert.same({ { 9, 10, 11, 12 }, { 1, 2, 3, 4 } }, x[torch.LongTensor { 3, 1 }]:totable())
  end)

  it('assigns through them', function()
    local x = matrix()
    x[1][1] = 0
    x[{ 2, 3 }] = -7
    x[{ {}, 4 }] = torch.Tensor { 1, 2, 3 }
    x[{ { 3 }, { 1, 2 } }] = 5
    assert.same({ { 0, 2, 3, 1 }, { 5, 6, -7, 2 }, { 5, 5, 11, 3 } }, x:totable())
    x[x:lt(0)] = 100
    assert.equal(100, x[2][3])
    x[1] = 8
    x[2] = torch.Tensor { 1, 2, 3, 4 }
    assert.same({ { 8, 8, 8, 8 }, { 1, 2, 3, 4 } }, x:narrow(1, 1, 2):totable())
    x[-1] = { 4, 3, 2, 1 }
    assert.same({ 4, 3, 2, 1 }, x[3]:totable())
  end)

  it('of the longest stride is refused with its number', function()
    local s, one, two, least = torch.FloatStorage(4), 1, torch.LongStorage { 2 }, torch.LongStorage { -2 ^ 63 }
    assert.error_matches(function() torch.FloatTensor(s, one, two, least) end,
      'begins 9223372036854775808 elements before its storage')
  end)

  it('runs backwards through ranges with a negative step', function()
    local x = torch.range(1, 10)
    assert.same({ 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 }, x[{ { -1, 1, -1 } }]:totable())
    assert.same({ 9, 6, 3 }, x[{ { 9, 2, -3 } }]:totable())
    assert.same({ 4 }, x[{ { 4, 4, -5 } }]:totable())
    assert.equal(0, x[{ { 3, 4, -1 } }]:nElement())
    assert.equal(10, x[10]) -- what was read is a copy
    x[{ { 9, 2, -3 } }]:fill(0)
    assert.equal(9, x[9])
    x[{ { 9, 2, -3 } }] = torch.Tensor { 90, 60, 30 }
    assert.same({ 1, 2, 30, 4, 5, 60, 7, 8, 90, 10 }, x:totable())
    x[{ { 10, 7, -1 } }] = x[{ { 1, 4 } }]
    assert.same({ 4, 30, 2, 1 }, x:narrow(1, 7, 4):totable())
    x[{ { 3, 1, -2 } }] = 5
    assert.same({ 5, 2, 5 }, x:narrow(1, 1, 3):totable())
    local y = matrix()
    assert.same({ { 12, 11, 10, 9 }, { 4, 3, 2, 1 } }, y[{ { 3, 1, -2 }, { 4, 1, -1 } }]:totable())
    y[{ { 3, 2, -1 }, { 2, 1, -1 } }] = { { 1, 2 }, { 3, 4 } }
    assert.same({ { 1, 2, 3, 4 }, { 4, 3, 7, 8 }, { 2, 1, 11, 12 } }, y:totable())
    local z = torch.range(1, 4):requiresGrad(true)
    z[{ { 4, 2, -2 } }]:dot(torch.Tensor { 10, 1 }):backward()
    assert.same({ 0, 1, 0, 10 }, z.grad:totable())
    for _, bad in ipairs { { 1, 3, -1 }, { 11, 1, -1 }, { 3, 0, -1 }, { 3, 1, 0 }, { 3, 1 } } do
      assert.has_error(function() return x[{ bad }] end,
        ('range {%s} is not in 1..10 (dimension 1 of tensor 10)'):format(table.concat(bad, ', ')))
    end
  end)

  it('picks and writes rows by masks and indices', function()
    local x = matrix()
    local mask = torch.ByteTensor { 1, 0, 1 }
    assert.same({ { 1, 2, 3, 4 }, { 9, 10, 11, 12 } }, x[mask]:totable())
    assert.same({ { 1 }, { 3 } }, torch.range(1, 3):view(3, 1)[mask]:totable())
    assert.same({ { 2, 10 } }, x:t()[{ { 2 }, mask }]:totable())
    assert.same({ 1, 3 }, torch.range(1, 3)[mask]:totable())
    assert.same({ 0, 4 }, x[torch.ByteTensor(3):zero()]:size():totable())
    assert.same({ 3, 4, 2 }, torch.zeros(3, 4, 2)[torch.ByteTensor(3):fill(1)]:size():totable())
    x[mask] = 0
    assert.same({ { 0, 0, 0, 0 }, { 5, 6, 7, 8 }, { 0, 0, 0, 0 } }, x:totable())
    x[mask] = torch.Tensor { { 1, 2, 3, 4 }, { 4, 3, 2, 1 } }:double()
    assert.same({ { 1, 2, 3, 4 }, { 5, 6, 7, 8 }, { 4, 3, 2, 1 } }, x:totable())
    x[torch.ByteTensor { 0, 1, 1 }] = { 7, 7, 7, 9 } -- a row for each
    assert.same({ { 7, 7, 7, 9 }, { 7, 7, 7, 9 } }, x:narrow(1, 2, 2):totable())
    x[torch.LongTensor { 3, 1 }] = { { 3, 3, 3, 3 }, { 1, 1, 1, 1 } }
    x[{ {}, torch.LongTensor { 4, 2 } }] = 0
    assert.same({ { 1, 0, 1, 0 }, { 7, 0, 7, 0 }, { 3, 0, 3, 0 } }, x:totable())
    x[{ { 3, 2, -1 }, torch.ByteTensor { 1, 0, 0, 1 } }] = { { 1, 2 }, { 3, 4 } }
    assert.same({ { 1, 0, 1, 0 }, { 3, 0, 7, 4 }, { 1, 0, 3, 2 } }, x:totable())
    x[torch.ByteTensor(3):zero()] = 100
    assert.is_true(x:max() < 100)
    local z = matrix():requiresGrad(true)
    z[mask]:sum():backward()
    assert.same({ 4, 0, 4 }, z.grad:sum(2):view(-1):totable())
    assert.has_error(function() return x[torch.ByteTensor(2)] end, 'maskedSelect: mask is 2, but the tensor is 3x4')
    assert.has_error(function() return x[{ {}, mask }] end,
      'a mask of 3 cannot pick from the 4 entries of dimension 2 of tensor 3x4')
    assert.has_error(function() x[mask] = torch.Tensor(3, 4) end,
      'expand: dimension 1 of size 3 cannot become 2 (tensor 3x4): only size 1 stretches')
    assert.has_error(function() x[{ mask, torch.LongTensor { 1 } }] = 1 end,
      'assignment through more than one tensor of indices is not possible')
    assert.has_error(function() x[mask] = 'x' end, 'a string cannot be assigned to elements of a tensor')
  end)

  it('names what is out of range', function()
    local x = matrix()
    assert.has_error(function() return x[4] end, 'index 4 is not in 1..3 (dimension 1 of tensor 3x4)')
    assert.has_error(function() return x[0] end, 'index 0 is not in 1..3 (dimension 1 of tensor 3x4)')
    assert.has_error(function() x[1][5] = 1 end, 'index 5 is not in 1..4 (dimension 1 of tensor 4)')
    assert.has_error(function() return x[{ 1, { 3, 9 } }] end, 'range {3, 9} is not in 1..4 (dimension 1 of tensor 4)')
    assert.has_error(function() return x[{ 1, 1, 1 }] end, '3 indices for a tensor of 2 dimensions (3x4)')
    assert.has_error(function() return x[1.5] end, 'index 1.5 is no whole number')
  end)
end)
