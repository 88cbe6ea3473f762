local torch = require 'tocha'

describe('operators of tensors', function()
  it('are looked for in the class of their type first', function()
    function torch.ShortTensor:__sub(other) return { self:totable(), other } end
    assert.same({ { 4 }, 3 }, torch.ShortTensor { 4 } - 3)
    torch.getmetatable('torch.ShortTensor').__sub = nil
    assert.same({ 1 }, (torch.ShortTensor { 4 } - 3):totable())
    assert.is_false(torch.Tensor():isSetTo(torch.Tensor()))
    assert.is_true(torch.Tensor.isTensor(torch.Tensor()) and not torch.Tensor.isTensor(3))
    assert.equal(torch.getdefaulttensortype(), torch.ShortTensor { 4 }:real():type())
  end)
end)

describe('torch.class', function()
  local shapes = {}
  local Shape = torch.class('geo.Shape', shapes)
  function Shape:__init(name) self.name = name end
  function Shape:area() return 0 end
  function Shape:__add__(other) return self:area() + other:area() end
  function Shape:__call__(k) return k * self:area() end
  local Square, parent = torch.class('geo.Square', 'geo.Shape')
  function Square:__init(side)
    parent.__init(self, 'square')
    self.side = side
  end
  function Square:area() return self.side ^ 2 end
  function Square:__tostring__() return 'square of ' .. self.side end

  it('makes objects that inherit', function()
    local s = shapes.Square(3)
    assert.equal(parent, Shape)
    assert.equal('square', s.name)
    assert.equal(9, s:area())
    assert.equal('square of 3', tostring(s))
    assert.equal('geo.Square', tostring(getmetatable(s)))
    assert.equal(13, s + Square(2))
    assert.equal(18, s(2))
  end)

  it('makes objects by new too', function()
    local square = shapes.Square.new(3)
    assert.equal('geo.Square', torch.type(square))
    assert.equal(3, square.side)
  end)

  it('answers about types', function()
    local s = shapes.Square(1)
    assert.equal('geo.Square', torch.typename(s))
    assert.equal('geo.Square', torch.type(s))
    assert.equal('table', torch.type({}))
    assert.is_nil(torch.typename({}))
    assert.is_true(torch.isTypeOf(s, 'geo.Shape'))
    assert.is_true(torch.isTypeOf(s, shapes.Shape))
    assert.is_true(torch.isTypeOf(s, Square))
    assert.is_false(torch.isTypeOf(s, 'Shape'))
    assert.is_false(torch.isTypeOf(shapes.Shape('x'), 'geo.Square'))
    assert.equal(Shape, torch.getmetatable('geo.Shape'))
    assert.equal('geo.Square', torch.type(torch.factory('geo.Square')()))
  end)

  it('keeps what a class that is defined again had', function()
    local package = {}
    local First = torch.class('again.Thing', package)
    function First:name() return 'thing' end
    local object = package.Thing()
    local Second = torch.class('again.Thing', package)
    function Second:size() return 1 end
    assert.same({ 'thing', 1, 'thing' }, { object:name(), object:size(), package.Thing():name() })
    local Child = torch.class('again.Child', 'again.Thing', package)
    assert.equal(Child, (torch.class('again.Child', 'again.Thing', package)))
    torch.class('again.Base', package)
    assert.not_equal(Child, (torch.class('again.Child', 'again.Base', package)))
  end)

  it('replaces a class that the library defined', function()
    local ours = torch.class.ours
    torch.class.ours = function() return true end
    local old = torch.class('again.Own', {})
    torch.class.ours = ours
    local new = torch.class('again.Own', {})
    assert.not_equal(old, new)
    assert.equal(new, (torch.class('again.Own', {})))
  end)

  it('sets no globals', function()
    torch.class('Lonely')
    assert.is_nil(rawget(_G, 'Lonely'))
    assert.is_nil(rawget(_G, 'torch'))
  end)

  it('says what is wrong', function()
    assert.has_error(function() torch.class('geo.Circle', 'geo.Nothing') end,
      'class geo.Circle: there is no class geo.Nothing to inherit from')
    assert.has_error(function() torch.class('torch.FloatTensor') end,
      'class torch.FloatTensor belongs to the library and cannot be defined again')
    assert.has_error(function() return shapes.Square(1) * 2 end, 'geo.Square has no method __mul__')
  end)

  it('gives tensors methods at run time', function()
    torch.getmetatable('torch.FloatTensor').twice = function(x) return x * 2 end
    assert.same({ 2, 4 }, torch.Tensor { 1, 2 }:twice():totable())
    assert.is_nil(torch.DoubleTensor(1).twice)
    function torch.FloatTensor:thrice() return self * 3 end
    assert.same({ 3 }, torch.Tensor { 1 }:thrice():totable())
    torch.FloatTensor.twice, torch.FloatTensor.thrice = nil, nil
  end)
end)

describe('errors', function()
  it('name the line that called', function()
    local x = torch.Tensor(2, 3)
    local calls = {
      function() local _ = x + torch.Tensor(5) end,
      function() x:narrow(1, 5, 5) end,
      function() x[7] = 1 end,
      function() torch.mm(x, x) end,
      function() x:foo() end,
      function() torch.cat({ x, 'y' }) end,
      function() torch.nothing(x) end,
      function() x.field = 1 end,
    }
    for _, call in ipairs(calls) do
      local _, message = pcall(call)
      local line = debug.getinfo(call, 'S').linedefined
      assert.truthy(message:find(('class_spec.lua:%d:'):format(line), 1, true), message)
    end
  end)

  it('reach a reload as the same library', function()
    package.loaded.tocha = nil
    assert.equal(torch, require 'tocha')
  end)
end)

describe('random numbers', function()
  it('follow the seed', function()
    torch.manualSeed(7)
    local a, state = torch.randn(5), torch.getRNGState()
    local b = torch.rand(3)
    torch.setRNGState(state)
    assert.is_true(torch.equal(b, torch.rand(3)))
    torch.manualSeed(7)
    assert.is_true(torch.equal(a, torch.randn(5)))
    assert.equal(7, torch.initialSeed())
    local g = torch.Generator(7)
    assert.is_nil(g.foo)
    assert.is_true(torch.equal(a, torch.randn(g, 5)))
  end)

  it('stay in their ranges', function()
    local p = torch.randperm(50)
    assert.same(torch.range(1, 50):totable(), (torch.sort(p)):totable())
    for _ = 1, 50 do
      local r = torch.random(3, 5)
      assert.is_true(r >= 3 and r <= 5 and r % 1 == 0)
    end
    local u = torch.Tensor(1000):uniform(2, 3)
    assert.is_true(u:min() >= 2 and u:max() <= 3)
    assert.is_true(math.abs(torch.Tensor(10000):normal(5, 2):mean() - 5) < 0.2)
    assert.same({ 2, 2 }, torch.multinomial(torch.Tensor { 0, 1 }, 2, true):totable())
    assert.has_error(function() torch.multinomial(torch.Tensor { 0, 1 }, 2) end)
  end)
end)

describe('a loop over a table', function()
  it('visits every element, whatever the compiler made of it', function() -- see bindings/iteration.lua
    local inner = { 1, 2, 3, 4, 5 }
    local outer, shortest = { a = inner, b = inner, c = inner, d = inner, e = inner }, 5
    local function interrupt(...) -- luacheck: ignore
      for i = 1, 100 do local _ = i end -- luacheck: ignore
    end
    for _ = 1, 60000 do -- the defect showed after about 41000
      interrupt()
      local n = 0
      for _, list in pairs(outer) do
        for key in pairs(list) do local _ = key end -- luacheck: ignore
        n = n + 1
      end
      shortest = math.min(shortest, n)
    end
    assert.equal(5, shortest)
  end)

  it('says what is no table', function()
    assert.error_matches(function() pairs(nil) end, "bad argument #1 to '.-' %(table expected, got nil%)")
    assert.error_matches(function() return (next(3)) end, "bad argument #1 to '.-' %(table expected, got number%)")
  end)
end)
