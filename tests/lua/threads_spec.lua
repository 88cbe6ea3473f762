--- Lua states in threads.
-- luacheck: globals number __threadid
local torch = require 'tocha'
local threads = require 'tocha.threads'
local tds = require 'tocha.tds'

-- Pools of the tests: ended each, whatever happens.
local function with(n, f, ...)
  local pool, results = threads.Threads(n, ...)
  local good, why = pcall(f, pool, results)
  pcall(pool.terminate, pool)
  if not good then error(why, 0) end
end

local function failure(f, ...)
  local good, why = pcall(f, ...)
  assert.is_false(good)
  return why
end

describe('threads', function()
  before_each(function() threads.Threads.serialization 'tocha.threads.serialize' end)

  it('travel by a module that can save and load', function()
    local serialization = threads.Threads.serialization
    assert.has_error(function() serialization 'nonmod' end,
      "serialization: nonmod cannot be loaded: module 'nonmod' not found:")
    assert.has_error(function() serialization 'tocha.class' end,
      'serialization: the module tocha.class has no functions save and load')
    assert.equal('tocha.threads.serialize', serialization())
  end)

  it('run jobs with what they use, and give back what they return', function()
    local step, sum = 10, 0
    with(2, function(pool, results)
      assert.are.same({ { 1 }, { 2 } }, results)
      for i = 1, 6 do
        pool:addjob(function(x, nothing, text) return x * step, nothing, text .. number, __threadid == number end,
          function(y, nothing, text, same)
            assert.is_nil(nothing)
            assert.truthy(text:find '^t[12]$')
            assert.is_true(same)
            sum = sum + y
          end, i, nil, 't')
      end
      pool:synchronize()
      assert.are.equal(210, sum)
      assert.is_false(pool:hasjob())
      pool:specific(true)
      local who = {}
      for i = 1, 2 do pool:addjob(i, function() return number end, function(n) who[i] = n end) end
      pool:synchronize()
      assert.are.same({ 1, 2 }, who)
      assert.truthy(failure(pool.addjob, pool, function() end):find('specific mode', 1, true))
    end, function(i) number = i return i end)
  end)

  it('copy collections to states that did not ask for tds', function()
    with(1, function(pool)
      local list, count = tds.Vec { 1, 'b' }, nil
      pool:addjob(function() return #list, list end, function(n, copy) count = n + #copy end)
      pool:synchronize()
      assert.equal(4, count)
    end)
  end)

  it('copy tensors, or share them', function()
    local x, counter = torch.Tensor(3):fill(1), tds.AtomicCounter()
    with(1, function(pool)
      pool:addjob(function() x:fill(5) return x end, function(y) assert.are.equal(15, y:sum()) end)
      pool:synchronize()
      assert.are.equal(3, x:sum())
    end)
    threads.Threads.serialization 'tocha.threads.sharedserialize'
    with(2, function(pool)
      local h, returned = tds.Hash { a = 1 }, nil
      for _ = 1, 4 do
        pool:addjob(function()
          for _ = 1, 100 do counter:inc() end
          x:fill(5)
          h.b = 'from there'
          return x
        end, function(y) returned = y end)
      end
      pool:synchronize()
      assert.are.same({ 15, 400, 'from there' }, { x:sum(), counter:get(), h.b })
      returned:fill(2)
      assert.are.equal(6, x:sum())
      assert.truthy(failure(x.resize, x, 100):find('several threads share', 1, true))
    end)
  end)

  it('know modules and their functions by name, and upvalues by theirs', function()
    local nn, exp, t = require 'tocha.nn', math.exp, torch
    local model = nn.Linear(2, 1)
    local file = io.stdout
    with(1, function(pool)
      local same
      pool:addjob(function()
        local y = model:forward(t.ones(1, 2):float())
        return nn == require 'tocha.nn', exp == math.exp, t.type(nn.Linear(1, 1)), y
      end, function(...) same = { ... } end)
      pool:synchronize()
      assert.are.same({ true, true, 'nn.Linear' }, { same[1], same[2], same[3] })
      assert.are.equal(model:forward(torch.ones(1, 2))[1][1], same[4][1][1])
      local why = failure(pool.addjob, pool, function() return file end)
      assert.truthy(why:find('a userdata cannot be written, at the job.file', 1, true))
      local inert = torch.deserialize(torch.serialize(function() end))
      why = failure(pool.addjob, pool, function() return pool end)
      assert.matches('addjob: the job cannot be sent to a thread: a .* can', why) -- one of the parts of a pool
      why = failure(pool.addjob, pool, function() return inert end)
      assert.truthy(why:find('a function that was not loaded cannot be handed to threads', 1, true))
    end, function() require 'tocha.nn' end)
  end)

  it('tell what failed, with the trace of the thread, and go on', function()
    with(1, function(pool)
      pool:addjob(function()
        local function deeper() error 'no such thing' end
        deeper()
        return 1
      end)
      local why = failure(pool.synchronize, pool)
      assert.truthy(why:find('threads_spec.lua:%d+: %[thread 1 callback%] .-no such thing.-stack traceback.-deeper'))
      pool:addjob(function() return coroutine.create(print) end)
      assert.truthy(failure(pool.synchronize, pool):find('a thread cannot be written', 1, true))
      pool:addjob(function() return 1 end, function() error 'at the end' end)
      assert.truthy(failure(pool.synchronize, pool):find('[thread 1 endcallback]', 1, true))
      local fine
      pool:addjob(function() return 2 end, function(x) fine = x end)
      pool:synchronize()
      assert.are.equal(2, fine)
      pool:terminate()
      assert.truthy(failure(pool.addjob, pool, print):find('terminated', 1, true))
    end)
  end)

  it('wait for each other', function()
    local mutex, condition = threads.Mutex(), threads.Condition()
    assert.truthy(failure(mutex.unlock, mutex):find('does not hold', 1, true))
    mutex:lock()
    assert.truthy(failure(mutex.lock, mutex):find('holds the mutex already', 1, true))
    local thread = threads.Thread(([[
      local threads = require 'tocha.threads'
      local mutex, condition = threads.Mutex(%d), threads.Condition(%d)
      mutex:lock()
      condition:signal()
      mutex:unlock()
    ]]):format(mutex:id(), condition:id()))
    condition:wait(mutex)
    mutex:unlock()
    thread:free()
    assert.truthy(failure(threads.Mutex, 1e9):find('has the id', 1, true))
    threads.Thread([[local _, why = pcall(require 'tocha'.serialize, { require 'tocha.threads'.Mutex() })
      assert(why:find('a threads.Mutex cannot be written, at <?>.1', 1, true), why)]]):free() -- a state without tds
    assert.truthy(failure(threads.Threads, 1e5):find('a number of threads, 1 to 1024, is needed, not 100000', 1, true))
    local broken = threads.Thread 'error "broken"'
    assert.truthy(failure(broken.free, broken):find('broken', 1, true))
    local safe = threads.safe(function(x) return x + 1 end)
    assert.are.equal(3, safe(2))
    assert.is_false(pcall(safe, nil))
    assert.are.equal(4, safe(3)) -- the mutex was given up
  end)

  it('that are dropped end by themselves', function()
    for _ = 1, 3 do
      local pool = threads.Threads(2)
      pool:addjob(function() end)
    end
    collectgarbage()
    collectgarbage()
  end)

  it('ask for threads of their own', function()
    local before = torch.getnumthreads()
    with(1, function(pool)
      pool:addjob(function()
        local own = require 'tocha'
        own.setnumthreads(1)
        return own.getnumthreads()
      end, function(n) assert.are.equal(1, n) end)
      pool:synchronize()
    end)
    assert.are.equal(before, torch.getnumthreads())
  end)
end)
