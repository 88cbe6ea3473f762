local torch = require 'tocha'

describe('constructors', function()
  it('take sizes, tables, storages and tensors', function()
    assert.same({ 2, 3 }, torch.Tensor(2, 3):size():totable())
    assert.same({ 2, 3 }, torch.Tensor(torch.LongStorage { 2, 3 }):size():totable())
    assert.same({ { 1, 2 }, { 3, 4 } }, torch.Tensor({ { 1, 2 }, { 3, 4 } }):totable())
    local storage = torch.FloatStorage { 1, 2, 3, 4, 5, 6 }
    assert.same({ 2, 3 }, torch.Tensor(storage, 2, torch.LongStorage { 2 }):totable())
    assert.same({ { 1, 4 }, { 2, 5 } }, torch.Tensor(storage, 1, 2, 1, 2, 3):totable())
    assert.same({ 3, 4, 5, 6 }, torch.Tensor(storage, 3):totable())
    local x = torch.Tensor { 1, 2 }
    torch.Tensor(x)[1] = 7
    assert.equal(7, x[1])
    assert.equal(0, torch.Tensor():dim())
    assert.equal(0, torch.Tensor():nElement())
  end)

  it('of a LongTensor take a LongStorage as contents', function()
    assert.same({ 5, 6 }, torch.LongTensor(torch.LongStorage { 5, 6 }):totable())
  end)

  it('make every type', function()
    for _, name in ipairs({ 'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double' }) do
      local x = torch[name .. 'Tensor'] { 1, 2, 3 }
      assert.equal('torch.' .. name .. 'Tensor', torch.typename(x))
      assert.equal('torch.' .. name .. 'Tensor', x:type())
      assert.equal('torch.' .. name .. 'Storage', torch.type(x:storage()))
      assert.equal(2, x[2])
    end
    assert.equal('torch.FloatTensor', torch.Tensor(1):type())
  end)

  it('follow the default type', function()
    torch.setdefaulttensortype('torch.DoubleTensor')
    local made, zeros = torch.Tensor(1):type(), torch.zeros(1):type()
    torch.setdefaulttensortype('torch.FloatTensor')
    assert.equal('torch.DoubleTensor', made)
    assert.equal('torch.DoubleTensor', zeros)
    assert.has_error(function() torch.setdefaulttensortype('torch.Nonsense') end)
  end)

  it('make ranges and matrices', function()
    assert.same({ 1, 2, 3 }, torch.range(1, 3):totable())
    assert.same({ 5, 3, 1 }, torch.range(5, 1, -2):totable())
    assert.same({ 0, 0.5, 1 }, torch.linspace(0, 1, 3):totable())
    assert.same({ 1, 10, 100 }, torch.logspace(0, 2, 3):totable())
    assert.same({ { 1, 0, 0 }, { 0, 1, 0 } }, torch.eye(2, 3):totable())
    assert.same({ { 0, 0 } }, torch.zeros(1, 2):totable())
    local r = torch.Tensor()
    torch.ones(r, 2)
    assert.same({ 1, 1 }, r:totable())
    assert.same({ 4, 4 }, torch.full({ 2 }, 4):totable())
  end)
end)

describe('questions', function()
  it('answer about shape', function()
    local x = torch.Tensor(2, 3, 4)
    assert.equal(3, x:dim())
    assert.equal(24, x:nElement())
    assert.equal(4, x:size(3))
    assert.equal(4, x:size(-1))
    assert.same({ 12, 4, 1 }, x:stride():totable())
    assert.equal(1, x:storageOffset())
    assert.is_true(x:isContiguous())
    assert.is_false(x:transpose(1, 2):isContiguous())
    assert.is_true(x:isSameSizeAs(torch.Tensor(2, 3, 4)))
    assert.equal(2, #x:size() - 1)
    assert.is_true(torch.isTensor(x) and not torch.isTensor(x:size()) and torch.isStorage(x:size()))
  end)

  it('compare objects with ==', function()
    local x, y = torch.Tensor { 1 }, torch.Tensor { 1 }
    assert.is_true(x == x)
    assert.is_false(x == y)
    assert.is_false(x == nil)
    assert.is_false(x == 1)
    assert.is_true(x ~= 'x')
    x.grad = y
    assert.is_true(x.grad == y)
  end)
end)

describe('storage', function()
  it('is shared, resized and set', function()
    local x = torch.Tensor { 1, 2, 3, 4 }
    local y = torch.Tensor():set(x:storage(), 2, torch.LongStorage { 2 })
    y[1] = 9
    assert.same({ 1, 9, 3, 4 }, x:totable())
    x:resize(2, 2)
    assert.same({ { 1, 9 }, { 3, 4 } }, x:totable())
    assert.equal(0, x:set():nElement())
    assert.same({ 2, 3 }, torch.Tensor():resizeAs(torch.Tensor(2, 3)):size():totable())
  end)

  it('reads tables and strings, and checks indices', function()
    assert.same({ 97, 98 }, torch.ByteStorage():string('ab'):totable())
    assert.equal('ab', torch.ByteStorage { 97, 98 }:string())
    local s = torch.IntStorage(3):fill(4)
    s[2] = 5
    assert.same({ 4, 5, 4 }, s:totable())
    assert.equal(3, #s)
    assert.same({ 4, 5, 4 }, torch.DoubleStorage(3):copy(s):totable())
    assert.has_error(function() return s[4] end, 'storage: index 4 is not in 1..3')
    assert.has_error(function() s[0] = 1 end, 'storage: index 0 is not in 1..3')
  end)

  it('is emptied by free, which leaves a tensor', function()
    local x = torch.ones(3)
    x:free()
    assert.equal(0, x:nElement())
    x:resize(2):fill(1)
    assert.equal(2, x:sum())
  end)
end)

describe('contents', function()
  it('are filled, copied, cast and mapped', function()
    local x = torch.Tensor(2, 2):fill(3)
    assert.equal(12, x:sum())
    assert.same({ 3, 3, 3, 3 }, torch.Tensor(4):copy(x):totable())
    assert.same({ 1, 2 }, torch.Tensor { 1.7, 2.2 }:long():totable())
    assert.equal('torch.DoubleTensor', x:double():type())
    assert.is_true(x:float() == x)
    assert.equal('torch.ByteTensor', x:typeAs(torch.ByteTensor()):type())
    assert.same({ 2, 4 }, torch.Tensor { 1, 2 }:apply(function(v) return 2 * v end):totable())
    assert.same({ 4, 6 }, torch.Tensor { 1, 2 }:map(torch.Tensor { 3, 4 }, function(a, b) return a + b end):totable())
    assert.same({ 8 }, torch.Tensor { 1 }:map2(torch.Tensor { 3 }, torch.Tensor { 4 },
      function(a, b, c) return a + b + c end):totable())
    local t = torch.Tensor { { 1, 2 }, { 3, 4 } }:t()
    t:apply(function(v) return v * 10 end)
    assert.same({ { 10, 30 }, { 20, 40 } }, t:totable())
  end)

  it('of one element are a number', function()
    assert.equal(4, torch.Tensor { { 4 } }:item())
    assert.has_error(function() torch.Tensor(2):item() end, 'item: the tensor (2) has not one element')
  end)
end)

describe('memory', function()
  it('stays flat in a loop that drops its tensors', function()
    local C = require 'tocha.bindings.library'
    require 'tocha.bindings.own'.collect()
    local before, peak = tonumber(C.tch_memory_used()), 0
    for _ = 1, 1000 do
      local x = torch.FloatTensor(2 ^ 18) -- a MiB
      x[1] = 0
      peak = math.max(peak, tonumber(C.tch_memory_used()))
    end
    assert.is_true(peak - before < 2 ^ 20 * 130 + before / 3 + collectgarbage 'count' * 5000, peak - before)
  end)

  it('that is not there is an error, and the process goes on', function()
    local ok, message = pcall(torch.Tensor, 2 ^ 40, 2 ^ 10)
    assert.is_false(ok)
    assert.truthy(message:find('memory', 1, true), message)
    assert.equal(6, torch.ones(2, 3):sum())
    local C = require 'tocha.bindings.library'
    local x = torch.ones(1000)
    C.tch_memory_fail_after(1)
    ok, message = pcall(torch.exp, x)
    C.tch_memory_fail_after(0)
    assert.is_false(ok)
    assert.truthy(message:find('memory', 1, true), message)
    assert.equal(1000, x:sum())
  end)

  it('refuses the least index there is', function()
    local index = torch.LongTensor(1, 1):fill(-2 ^ 63)
    assert.error_matches(function() torch.zeros(1, 3):scatter(2, index, 1) end, '= %-9223372036854775808, but dimension 2')
  end)

  it('answers to the names that few scripts use', function()
    assert.same({ 1, 2, 3 }, torch.Tensor { 1 }:concat(torch.Tensor { 2, 3 }):totable())
    assert.equal(torch.Storage():type(), torch.ByteStorage(1):real():type())
    assert.is_true(torch.getnumcores() >= 1)
    local file = io.tmpfile()
    assert.is_false(torch.isatty(file))
    file:close()
  end)
end)
