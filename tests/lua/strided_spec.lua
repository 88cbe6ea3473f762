local torch = require 'tocha'

-- Views that lie in memory in every way that matters; make(...) gives a tensor of these sizes.
local layouts = {
  transposed = function(make) return make(67, 130):t() end,
  ['every second column'] = function(make) return make(61, 150)[{ {}, { 2, 150, 2 } }] end,
  ['every third column'] = function(make) return make(91, 150)[{ {}, { 1, 150, 3 } }] end,
  ['one column'] = function(make) return make(4500, 3):select(2, 2) end,
  ['one column of many'] = function(make) return make(700, 11):select(2, 7) end,
  ['narrow columns'] = function(make) return make(1500, 8):narrow(2, 3, 3) end,
  ['rows of 5 of 7'] = function(make) return make(700, 7):narrow(2, 2, 5) end,
  ['rows of 3 of 4'] = function(make) return make(900, 4):narrow(2, 1, 3) end,
  ['short rows of columns'] = function(make) return make(40, 75)[{ {}, { 3, 74, 3 } }] end,
  ['a middle part'] = function(make) return make(9, 3, 300):select(2, 2) end,
  reversed = function(make) return make(8, 9, 10, 7):permute(4, 3, 2, 1) end,
  ['channels last'] = function(make) return make(3, 5, 20, 21):permute(1, 3, 4, 2) end,
  ['swapped halves'] = function(make) return make(300, 2, 17):transpose(1, 2) end,
  ['expanded rows'] = function(make) return make(1, 90):expand(80, 90), true end,
  ['expanded columns'] = function(make) return make(80, 1):expand(80, 90), true end,
  ['a few'] = function(make) return make(3, 4):t() end,
}

local function maker(name)
  return function(...)
    local t = torch[name](...)
    return name == 'ByteTensor' and t:random(0, 9) or t:random(-9, 9)
  end
end

-- Calls f(view, another one of its kind, the type's name) for each layout and type.
local function each(types, f)
  for _, name in ipairs(types) do
    for _, layout in pairs(layouts) do
      local view, shared = layout(maker(name))
      f(view, (layout(maker(name))), name, shared)
    end
  end
end

local function same(want, got) assert.is_true(torch.equal(want, got)) end

local all = { 'FloatTensor', 'DoubleTensor', 'IntTensor', 'ByteTensor', 'ShortTensor' }

describe('elementwise functions of views', function()
  setup(function() torch.manualSeed(1) end)

  it('give what they give of contiguous tensors', function()
    each(all, function(v, u)
      local c, d = v:clone(), u:clone()
      same(c, v:contiguous())
      same(torch.add(c, d), torch.add(v, u))
      same(torch.add(c, d), torch.add(c, u))
      same(torch.cmul(c, d), torch.cmul(v, d))
      same(torch.gt(c, d), torch.gt(v, u))
      same(torch.le(c, 3), torch.le(v, 3))
      same(c:clone():add(2, d), c:clone():add(2, u))
      if v:dim() > 1 then -- a result whose order is another one
        local result = u:transpose(1, v:dim()):clone():transpose(1, v:dim())
        torch.add(result, v, 1)
        same(torch.add(c, 1), result:clone())
      end
    end)
    each({ 'FloatTensor', 'DoubleTensor' }, function(v) same(torch.exp(v:clone()), torch.exp(v)) end)
  end)

  it('take views with the same gaps that begin anywhere in a line', function()
    local x, y = torch.FloatTensor(3000, 3):random(1, 9), torch.FloatTensor(3000, 3):random(1, 9)
    for i = 1, 3 do
      for j = 1, 3 do
        local v, u = x:select(2, i):narrow(1, 1 + j, 2900), y:select(2, j):narrow(1, 1 + i, 2900)
        same(torch.add(v:clone(), u:clone()), torch.add(v, u))
        same(torch.ge(v:clone(), u:clone()), torch.ge(v, u))
      end
    end
  end)

  it('take views that no cache holds', function()
    local v, u = torch.DoubleTensor(16, 300, 203):random(1, 9):permute(3, 2, 1), torch.DoubleTensor(203, 300, 16):random(1, 9)
    same(torch.add(v:clone(), u), torch.add(v, u))
    same(torch.cmul(v:clone(), v:clone()), torch.cmul(v, v))
  end)

  it('take places that are read twice', function()
    local v = torch.FloatTensor(5000):random(1, 9):unfold(1, 3, 2)
    local c, x = v:clone(), torch.FloatTensor(v:size()):random(1, 9)
    same(torch.add(c, x), torch.add(v, x))
    same(torch.add(c, c), torch.add(v, v))
    same(torch.add(c, x), torch.add(v, x:t():clone():t()))
  end)

  it('write places that lie on top of each other one after the other', function()
    local one, windows, long = torch.zeros(1), torch.zeros(5, 5), torch.IntTensor(400):zero()
    one:expand(500):add(2)
    windows:unfold(1, 3, 1):unfold(2, 3, 1):add(1)
    long:unfold(1, 200, 1):add(torch.IntTensor(201, 200):fill(3))
    assert.equal(1000, one[1])
    local counts = torch.Tensor { 1, 2, 3, 2, 1 }
    same(torch.ger(counts, counts), windows)
    for i = 1, 400 do assert.equal(3 * math.min(i, 401 - i, 200), long[i]) end
  end)

  it('write in place and leave what lies between', function()
    each(all, function(v, u, name, shared)
      if shared then return end
      local whole = torch[name](v:storage())
      for _, write in ipairs {
        function(t) t:add(3) end, function(t) t:mul(2) end, function(t) t:add(u) end, function(t) t:cmul(u:clone()) end,
        function(t) t:copy(u) end, function(t) t:copy(u:clone()) end, function(t) t:fill(5) end,
      } do
        local c, before = v:clone(), whole:clone()
        write(c)
        write(v)
        same(c, v:clone())
        local other = torch[name](before:storage(), v:storageOffset(), v:size(), v:stride())
        other:copy(c)
        same(before, whole)
      end
    end)
  end)
end)

describe('reductions of views', function()
  local function near(want, got)
    if type(want) == 'number' then assert.is_true(math.abs(want - got) <= 1e-6 * math.max(1, math.abs(want)))
    else
      assert.same(want:size():totable(), got:size():totable())
      assert.is_true((want:double() - got:double()):abs():max() <= 1e-6 * math.max(1, want:double():abs():max()))
    end
  end

  it('give what they give of contiguous tensors', function()
    each({ 'FloatTensor', 'DoubleTensor', 'IntTensor' }, function(v, _, name)
      local c = v:clone()
      for _, f in ipairs { 'sum', 'max', 'min' } do near(c[f](c), v[f](v)) end
      for d = 1, v:dim() do
        near(c:sum(d), v:sum(d))
        near(c:prod(d):cmax(-1e6):cmin(1e6), v:prod(d):cmax(-1e6):cmin(1e6))
        for _, f in ipairs { 'max', 'min' } do
          local want, place = c[f](c, d)
          local got, at = v[f](v, d)
          same(want, got)
          same(place, at)
        end
        if name ~= 'IntTensor' then
          near(c:mean(d), v:mean(d))
          near(c:norm(2, d), v:norm(2, d))
          if v:size(d) > 1 then near(c:var(d), v:var(d)) end
        end
      end
    end)
  end)

  it('sum what repeats one entry without a look at each', function()
    local x = torch.randn(3, 1, 4)
    assert.near(0, (x:expand(3, 5, 4):sum(2) - x:expand(3, 5, 4):clone():sum(2)):abs():max(), 1e-5)
    assert.near(x:mean(), x:expand(3, 5, 4):mean(), 1e-7)
    assert.near(x:sum(), x:expand(3, 2 ^ 40, 4):sum() / 2 ^ 40, 1e-6)
    assert.equal(math.huge, torch.Tensor { math.huge }:expand(3):sum())
  end)

  it('fold nothing to what they begin with, wherever that lies', function()
    for _, x in ipairs { torch.zeros(100, 5):narrow(2, 1, 0), torch.zeros(0, 100):t(), torch.zeros(7, 100, 0):transpose(1, 2),
      torch.zeros(100, 2, 5):narrow(3, 1, 0) } do
      for name, start in pairs { sum = 0, prod = 1 } do
        local y = x[name](x, x:dim())
        same(torch.Tensor(y:size()):fill(start), y)
      end
    end
  end)

  it('find the extremes of large views in parts', function()
    local t = torch.randn(700, 901, 2)
    for _, v in ipairs { t:select(3, 2), t:select(3, 1):t(), t:narrow(2, 3, 890), t:permute(3, 2, 1) } do
      for d = 1, v:dim() do
        local want, place = v:clone():max(d)
        local got, at = v:max(d)
        same(want, got)
        same(place, at)
      end
    end
  end)

  it('find the extremes of dimensions in any order', function()
    local t = torch.FloatTensor(3, 4, 5, 20):random(1, 9)
    for i = 0, 255 do
      local a, b, c, d = i % 4 + 1, math.floor(i / 4) % 4 + 1, math.floor(i / 16) % 4 + 1, math.floor(i / 64) + 1
      if a ~= b and a ~= c and a ~= d and b ~= c and b ~= d and c ~= d then
        local v = t:permute(a, b, c, d)
        for dim = 1, 4 do
          local want, place = v:clone():max(dim)
          local got, at = v:max(dim)
          same(want, got)
          same(place, at)
        end
      end
    end
  end)

  it('do not depend on the number of threads', function()
    local before = torch.getnumthreads()
    local t = torch.randn(40, 50, 60)
    for _, v in ipairs { t:permute(3, 1, 2), t:transpose(1, 2), t:narrow(3, 5, 7), t[{ {}, {}, { 1, 60, 3 } }] } do
      for d = 1, 3 do
        torch.setnumthreads(1)
        local one, all_of = v:sum(d), v:sum()
        torch.setnumthreads(2)
        same(one, v:sum(d))
        assert.equal(all_of, v:sum())
      end
    end
    torch.setnumthreads(before)
  end)
end)

it('extremes of columns with gaps are those of contiguous ones, NaN and equal numbers included', function()
  torch.manualSeed(3)
  for i = 1, 300 do
    local make = i % 2 == 0 and torch.FloatTensor or torch.DoubleTensor
    local rows, columns, step = torch.random(1, 9), torch.random(1, i % 50 == 0 and 3000 or 40), torch.random(1, 3)
    local base = make(rows, columns * step + torch.random(0, 4)):random(1, 5)
    if i % 7 == 0 then base:view(-1)[torch.random(1, base:nElement())] = 0 / 0 end
    local v = base[{ { 1, rows, i % 5 == 0 and 2 or 1 }, { 1, columns * step, step } }]
    for _, name in ipairs { 'max', 'min' } do
      local y, place = torch[name](v, 1)
      local flat, flatPlace = torch[name](v:clone(), 1)
      assert.same(flatPlace:totable(), place:totable())
      assert.same(tostring(flat), tostring(y))
    end
  end
end)

it('extremes of long lines are found where they lie, the first of equal ones', function()
  for _, make in ipairs { torch.FloatTensor, torch.DoubleTensor } do
    local long, box = make(5000, 3):random(1, 5), make(3, 5, 90):random(1, 50)
    long[4100][2], long[4700][3], long[4800][3] = 9, 0 / 0, 0 / 0
    for _, v in ipairs { long:select(2, 1), long:select(2, 2), long:select(2, 3), long:narrow(1, 7, 700):select(2, 2), long:t(),
      box:permute(2, 3, 1), box:permute(3, 2, 1), box:permute(2, 1, 3):narrow(3, 4, 70) } do
      for d = 1, v:dim() do
        for _, name in ipairs { 'max', 'min' } do
          local y, place = torch[name](v, d)
          local flat, flatPlace = torch[name](v:clone(), d)
          assert.same(flatPlace:totable(), place:totable())
          assert.same(tostring(flat), tostring(y))
        end
      end
    end
    assert.same({ 4100, 4700 }, { (select(2, long:select(2, 2):max(1)))[1], (select(2, long:select(2, 3):min(1)))[1] })
  end
end)
