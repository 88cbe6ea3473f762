local torch = require 'tocha'

local function leaf(values) return torch.DoubleTensor(values):requiresGrad(true) end

describe('backward', function()
  it('adds to the gradients of leaves', function()
    local x = leaf { 1, 2, 3 }
    assert.is_nil(x.grad)
    torch.square(x):sum():backward()
    assert.same({ 2, 4, 6 }, x.grad:totable())
    torch.square(x):sum():backward()
    assert.same({ 4, 8, 12 }, x.grad:totable())
    x.grad = nil
    assert.is_nil(x.grad)
  end)

  it('takes a gradient for more than one element', function()
    local x = leaf { 1, 2 }
    torch.square(x):backward(torch.DoubleTensor { 1, 10 })
    assert.same({ 2, 40 }, x.grad:totable())
    assert.has_error(function() torch.square(x):backward() end)
  end)

  it('goes once through a graph unless told to keep it', function()
    local x = leaf { 2 }
    local y = torch.exp(x):sum()
    y:backward(nil, { retainGraph = true })
    y:backward()
    assert.has_error(function() y:backward() end)
  end)

  it('goes through views, indexing, copies, casts and joins', function()
    local x = leaf { { 1, 2, 3 }, { 4, 5, 6 } }
    local y = x:t():narrow(1, 2, 2)[{ {}, 1 }]:float()
    torch.cat(y, y, 1):sum():backward()
    assert.same({ { 0, 2, 2 }, { 0, 0, 0 } }, x.grad:totable())
    x.grad = nil
    x[2][3]:backward()
    assert.same({ { 0, 0, 0 }, { 0, 0, 1 } }, x.grad:totable())
    x.grad = nil
    local z = torch.zeros(3):double()
    z:copy(x[1])
    z:mul(2)
    z:sum():backward()
    assert.same({ { 2, 2, 2 }, { 0, 0, 0 } }, x.grad:totable())
  end)

  it('gives numbers off the tape and tensors without dimensions on it', function()
    local x = leaf { 3, 4 }
    assert.equal(5, x:detach():norm())
    local n = x:norm()
    assert.equal(0, n:dim())
    assert.equal(5, n:item())
    assert.equal(5, torch.noGrad(function() return x:norm() end))
  end)
end)

describe('modes', function()
  it('turn recording off and on, also after an error', function()
    local x = leaf { 1 }
    assert.is_false(torch.noGrad(function() return torch.exp(x):requiresGrad() end))
    assert.has_error(function() torch.noGrad(function() error('inside', 0) end) end, 'inside')
    assert.is_true(torch.isGradEnabled())
    torch.noGrad(function()
      assert.is_true(torch.enableGrad(function() return torch.exp(x):requiresGrad() end))
    end)
    assert.is_false(torch.exp(x):detach():requiresGrad())
  end)
end)

describe('in-place writes', function()
  it('are refused on leaves and over saved tensors', function()
    local x = leaf { 1, 2 }
    assert.has_error(function() x:fill(0) end)
    assert.has_error(function() x:add(1) end)
    assert.has_error(function() x[1] = 0 end)
    torch.noGrad(function() x:add(1) end)
    assert.same({ 2, 3 }, x:detach():totable())
    local y = torch.exp(x)
    local z = torch.square(y)
    y:detach():fill(0)
    assert.has_error(function() z:sum():backward() end)
  end)
end)

describe('torch.grad', function()
  it('leaves grad alone and gives second derivatives', function()
    local x = leaf { 2 }
    local y = torch.pow(x, 3):sum()
    local g = torch.grad(y, x, { createGraph = true })
    assert.same({ 12 }, g:detach():totable())
    assert.is_nil(x.grad)
    assert.same({ 12 }, torch.grad(g:sum(), x):totable())
    assert.has_error(function() torch.grad(torch.exp(leaf { 1 }):sum(), x) end)
    assert.same({}, torch.grad(torch.exp(leaf { 1 }):sum(), { x }, { allowUnused = true }))
  end)
end)

describe('torch.gradcheck', function()
  it('passes right gradients', function()
    local a, b = torch.randn(3, 2), torch.randn(2)
    assert.is_true(torch.gradcheck(function(x, y) return torch.cmul(torch.sigmoid(x), y:expandAs(x)) end, { a, b }))
    assert.is_true(torch.gradcheck(function(x) return torch.square(x) end, { a }, { second = true }))
  end)

  it('passes second derivatives where only the result was saved and another factor varies', function()
    for _, name in ipairs({ 'tanh', 'exp', 'sigmoid', 'softmax', 'sqrt' }) do
      assert.is_true(torch.gradcheck(function(x, y) return torch.cmul(torch[name](x), y) end,
        { torch.rand(3) + 0.5, torch.randn(3) }, { second = true }))
    end
  end)

  it('finds wrong ones', function()
    local wrong = function(x) return torch.cmul(x, x:detach()) end
    local ok, message = torch.gradcheck(wrong, { torch.randn(2) })
    assert.is_false(ok)
    assert.truthy(message:find('first derivative: input 1, element 1', 1, true))
  end)
end)

describe('functions written in Lua', function()
  local Double
  before_each(function()
    Double = torch.Function('Double', {
      forward = function(context, x)
        context.factor = 2
        return x * 2
      end,
      backward = function(context, gradOutput) return gradOutput * context.factor end,
    })
  end)

  it('take part in backward', function()
    local x = leaf { 1, 2 }
    torch.square(Double(torch.exp(x))):sum():backward()
    local expected = torch.exp(x:detach() * 2) * 8
    assert.is_true((x.grad - expected):abs():max() < 1e-9)
    assert.is_true(torch.gradcheck(Double, { torch.randn(3) }))
    assert.is_true(torch.gradcheck(function(v) return torch.square(Double(v)) end, { torch.randn(3) }, { second = true }))
  end)

  it('are forgotten with their graphs, also when the context keeps the result', function()
    local Tanh = torch.Function('Tanh', {
      forward = function(context, x)
        context.y = torch.tanh(x)
        return context.y
      end,
      backward = function(context, g) return torch.cmul(g, 1 - torch.square(context.y)) end,
    })
    assert.is_true(torch.gradcheck(Tanh, { torch.randn(3) }))
    local x = leaf { 1 }
    collectgarbage()
    local before = torch.memstats().used
    for _ = 1, 200 do Tanh(x:expand(1000)) end
    collectgarbage()
    Tanh(x) -- sweeps
    collectgarbage()
    assert.is_true(torch.memstats().used - before < 1e5)
  end)

  it('report their errors and leave the mode as it was', function()
    local Bad = torch.Function('Bad', { forward = function(_, x) return x * 1 end,
      backward = function() error('no gradient today', 0) end })
    local y = Bad(leaf { 1 }):sum()
    assert.has_error(function() y:backward() end, 'no gradient today')
    assert.is_true(torch.isGradEnabled())
  end)
end)

describe('torch.scope', function()
  it('frees what was made inside and not returned', function()
    local lost, kept
    local result = torch.scope(function()
      lost, kept = torch.ones(3), torch.ones(2)
      return { nested = { kept } }
    end)
    assert.equal(0, lost:nElement())
    assert.equal(2, result.nested[1]:sum())
  end)

  it('keeps what the tape needs, and nests', function()
    local x = leaf { 1, 2 }
    local loss = torch.scope(function()
      local y = torch.scope(function() return torch.square(torch.exp(x)) end)
      return y:sum()
    end)
    loss:backward()
    assert.equal(2, x.grad:nElement())
    assert.has_error(function() torch.scope(function() error('inside', 0) end) end, 'inside')
  end)
end)

describe('memory', function()
  it('stays flat in a loop that drops tensors', function()
    local function loop(n)
      for _ = 1, n do torch.Tensor(2500):add(1) end
      return torch.memstats()
    end
    loop(1000)
    local before = torch.memstats().used
    local peak = loop(20000)
    assert.is_true(peak.used - before < 80 * 2 ^ 20, ('%d bytes piled up'):format(peak.used - before))
  end)
end)
