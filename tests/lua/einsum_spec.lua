-- torch.einsum: values against PyTorch's (tests/golden/einsum.lua), gradients against differences, and what is refused.
local torch = require 'tocha'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])')
local golden = dofile(here .. '../golden/einsum.lua')

-- Operand k of tests/golden/make_einsum.py.
local function operand(k, sizes)
  local i = -1
  local x = torch.DoubleTensor(1)
  if #sizes > 0 then x:resize(torch.LongStorage(sizes)) end
  x:apply(function()
    i = i + 1
    return ((7 * i + 3 * k) % 11 - 5) / 2
  end)
  return #sizes > 0 and x or x:reshape {}
end

describe('einsum', function()
  for _, row in ipairs(golden) do
    local equation, shapes, sizes, values = unpack(row)
    it('of ' .. equation, function()
      local xs = {}
      for k, shape in ipairs(shapes) do xs[k] = operand(k - 1, shape) end
      local y = torch.einsum(equation, xs)
      if #sizes == 0 then y = torch.DoubleTensor { y }
      else assert.same(sizes, y:size():totable()) end
      assert.is_true(torch.csub(y:view(-1), torch.DoubleTensor(values)):abs():max() < 1e-12)
      assert.is_true(torch.gradcheck(function(...) return torch.einsum(equation, ...) end, xs))
    end)
  end

  it('gives a new tensor, also of what it needs not compute', function()
    local x = torch.DoubleTensor { { 1, 2 }, { 3, 4 } }
    torch.einsum('ij->ij', x):zero()
    assert.same({ { 1, 2 }, { 3, 4 } }, x:totable())
  end)

  it('names what does not fit', function()
    local a, b = torch.DoubleTensor(2, 3), torch.DoubleTensor(4, 5)
    local function refuses(pattern, ...)
      local arguments = { ... }
      assert.error_matches(function() torch.einsum(unpack(arguments)) end, pattern)
    end
    refuses('label j has size 4 in operand 2 %(4x5%), but 3 before it', 'ij,jk->ik', a, b)
    refuses('is about 2 tensors, but 1 are given', 'ij,jk->ik', a)
    refuses('operand 1 has the sizes 2x3, but the labels "ijk"', 'ijk->i', a)
    refuses('no operand has the label z of the result', 'ij->iz', a)
    refuses('the result has the label i twice', 'ij->ii', a)
    refuses('is no list of letters', 'i-j', a)
    refuses('the equation is a number', 3, a)
    refuses('tensors are needed, not a number', 'i', 3)
    refuses('a tensor is needed, not a string', 'i', { 'x' })
  end)
end)
