--- Collections outside Lua's heap.
local torch = require 'tocha'
local tds = require 'tocha.tds'

describe('tds', function()
  it('Vec keeps values by number, nil too', function()
    local v = tds.Vec(4, 'five', nil, true, torch.Tensor { 1, 2 })
    assert.are.equal(5, #v)
    assert.are.same({ 4, 'five', true }, { v[1], v[2], v[4] })
    assert.is_nil(v[3])
    assert.is_nil(v[6])
    assert.is_true(v[5] == v[5])
    v:insert(1, 'first')
    v:insert('last')
    v[10] = 10
    assert.are.same({ 'first', 'last', 10, 10 }, { v[1], v[7], v[10], #v })
    v:remove(1)
    v:remove()
    assert.are.same({ 4, 8 }, { v[1], #v })
    v:resize(2)
    assert.are.equal('4,five', v:concat ',')
    assert.has_error(function() v[0] = 1 end)
    assert.has_error(function() v[1] = {} end)
    assert.has_error(function() v[1] = v end)
  end)

  it('sorts', function()
    local v = tds.Vec()
    for i = 1, 200 do v[i] = i * 7919 % 211 end
    v:sort(function(a, b) return a > b end)
    for i = 2, #v do assert.is_true(v[i - 1] >= v[i]) end
  end)

  it('Hash finds what was put in and forgets what was taken out', function()
    local h, n = tds.Hash(), 2000
    for i = 1, n do h['w' .. i] = i end
    for i = 1, n, 2 do h['w' .. i] = nil end
    assert.are.equal(n / 2, #h)
    for i = 1, n do assert.are.equal(i % 2 == 0 and i or nil, h['w' .. i]) end
    local count = 0
    for key, value in tds.pairs(h) do
      assert.are.equal('w' .. value, key)
      count = count + 1
    end
    assert.are.equal(n / 2, count)
    h[true], h[1.5], h[0] = 'yes', 'half', 'zero'
    assert.are.same({ 'yes', 'half', 'zero' }, { h[true], h[1.5], h[-0] })
    assert.is_nil(h['1.5'])
    assert.has_error(function() h[0 / 0] = 1 end)
  end)

  it('keeps its contents out of the Lua heap, and gives them back', function()
    local function words()
      local v = tds.Vec()
      for i = 1, 20000 do v[i] = 'a word of some length ' .. i end
      return v
    end
    words() -- Lua's table of strings may grow by that
    collectgarbage()
    collectgarbage()
    local before = collectgarbage 'count'
    local v = words()
    collectgarbage()
    collectgarbage()
    assert.is_true(collectgarbage 'count' - before < 200)
    assert.are.equal('a word of some length 777', v[777])
  end)

  it('survives deep nests', function()
    local deep = tds.Vec()
    for _ = 1, 20000 do deep = tds.Vec(deep) end
    deep = nil -- luacheck: ignore
    collectgarbage()
    assert.has_error(function()
      local v = tds.Vec()
      for _ = 1, 300 do v = tds.Vec(v) end
      v:cross()
    end)
  end)

  it('is saved and loaded', function()
    local v = tds.Vec { 1, { 2, 3 }, { a = 'b' }, torch.Tensor { 4 } }
    v[5] = tds.AtomicCounter()
    v[5]:inc(3)
    local w = torch.deserialize(torch.serialize(v))
    assert.are.equal('tds.Vec', torch.type(w))
    assert.are.same({ 1, 3, 'b', 4, 3 }, { w[1], w[2][2], w[3].a, w[4][1], w[5]:get() })
    assert.are.equal('tds.Vec[3]{\n    1 : 1\n    2 : tds.Vec[2]{\n            1 : 2\n            2 : 3\n        }\n'
      .. '    3 : tds.Hash[1]{\n        a : b\n        }\n}', tostring(tds.Vec { 1, { 2, 3 }, { a = 'b' } }))
  end)

  it('that other states may see hands out views of tensors', function()
    local x = torch.Tensor { 1, 2, 3, 4 }
    local v = tds.Vec(x):cross()
    local y = v[1]
    y:resize(2, 2):fill(7)
    assert.are.equal(7, x[4])
    assert.are.equal(1, v[1]:dim())
    assert.has_error(function() x:resize(5) end)
    assert.are.equal(4, x:nElement())
  end)
end)
