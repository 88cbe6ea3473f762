local torch = require 'tocha'

describe('dropped tensors', function()
  local function used()
    collectgarbage()
    return torch.memstats().used
  end

  it('are given back after a collection, those still held are not', function()
    local before = used()
    local kept = {}
    for i = 1, 10000 do
      local x = torch.FloatTensor(25):fill(i)
      if i % 10 == 0 then kept[#kept + 1] = x end
    end
    assert.equal(100000, used() - before)
    for i, x in ipairs(kept) do assert.equal(10 * i, x[25]) end
    for i = 1, #kept, 2 do kept[i] = false end
    assert.equal(50000, used() - before)
    for i = 2, #kept, 2 do assert.equal(10 * i, kept[i][1]) end
    kept = nil -- luacheck: ignore
    assert.equal(before, used())
  end)

  it('are given back in a loop that never makes much Lua garbage', function()
    local before, most = used(), 0
    for _ = 1, 100000 do
      torch.FloatTensor(3)
      most = math.max(most, torch.memstats().used)
    end
    -- The ledger holds 4096 entries, or up to 3 for each KiB of Lua's heap, at the most twice over.
    local entries = 2 * math.max(4096, 3 * collectgarbage('count'))
    assert.is_true(most - before < 12 * entries, most - before)
  end)

  it('are alive in the finalizer of what held them', function()
    local seen
    local function hold()
      local proxy, x = newproxy(true), torch.FloatTensor { 1, 2, 3 }
      getmetatable(proxy).__gc = function() seen = x:sum() end
    end
    local before = used()
    hold()
    for _ = 1, 3 do used() end
    assert.equal(6, seen)
    assert.equal(before, used())
  end)

  it('survive an error from a debug hook in the middle of a sweep', function()
    local before = used()
    local kept, count = {}, 0
    jit.off()
    jit.flush()
    for i = 1, 3000 do kept[i] = torch.FloatTensor { i } end
    for i = 1, 3000 do if i % 3 ~= 0 then kept[i] = false end end
    collectgarbage()
    for after = 1, 2000, 97 do
      pcall(function()
        debug.sethook(function() count = count + 1; debug.sethook(); error('stop', 0) end, '', after)
        torch.memstats()
        debug.sethook()
      end)
    end
    jit.on()
    for i = 3, 3000, 3 do assert.equal(i, kept[i][1]) end
    assert.is_true(count > 3)
    kept = nil -- luacheck: ignore
    assert.is_true(used() - before < 4 * 2000)
  end)

  it('may be used by finalizers when the Lua state closes', function()
    local script = [[
      local torch = require 'tocha'
      local x = torch.FloatTensor{1, 2, 3}
      held = newproxy(true)
      getmetatable(held).__gc = function() print(x:sum()) end
    ]]
    local path = os.tmpname()
    local file = io.open(path, 'w')
    file:write(script)
    file:close()
    local pipe = io.popen(('LUA_PATH=%q luajit %s 2>&1'):format(package.path, path))
    local said = pipe:read '*a'
    pipe:close()
    os.remove(path)
    assert.equal('6\n', said)
  end)
end)
