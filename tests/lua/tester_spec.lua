local torch = require 'tocha'

-- Runs fn with io.write caught; returns what it wrote, and the outcome of a pcall.
local function captured(fn)
  local written, write = {}, io.write
  io.write = function(...) -- luacheck: ignore
    for i = 1, select('#', ...) do written[#written + 1] = tostring((select(i, ...))) end
  end
  local ok, err = pcall(fn)
  io.write = write -- luacheck: ignore
  return table.concat(written):gsub('\27%[[%d;]*m', ''), ok, err
end

-- A tester that answers assertions with their message, without a run.
local function asking()
  local tester = torch.Tester()
  tester._success = function() return true end
  tester._failure = function(_, message) return false, message end
  return tester
end

describe('torch.Tester', function()
  it('compares deeply, within a tolerance', function()
    local t = asking()
    assert.is_true(t:eq({ 1, { x = torch.ones(2) } }, { 1, { x = torch.ones(2) } }))
    assert.is_false((t:eq({ 1, { x = torch.ones(2) } }, { 1, { x = torch.ones(2):mul(1.5) } })))
    assert.is_true(t:eq({ 1, { x = torch.ones(2) } }, { 1, { x = torch.ones(2):mul(1.5) } }, 0.5))
    assert.is_true(t:ne(1, 2))
    assert.is_false((t:ne(1, 1.25, 'far enough', 0.5)))
    assert.is_false((t:eq(torch.ones(2), torch.ones(2, 1))))
    assert.is_false((t:eq(torch.ones(2), torch.ones(2):long())))
    assert.is_true(t:eq(torch.LongStorage { 1, 2 }, torch.LongStorage { 1, 2 }))
    assert.is_false((t:eq(torch.LongStorage { 1, 2 }, torch.LongStorage { 1, 3 })))
    local nan = torch.Tensor { 0 / 0 }
    assert.is_true(t:eq(nan, nan:clone()))
    assert.is_false((t:eq(nan, torch.zeros(1), 10)))
  end)

  it('says what differs', function()
    local t = asking()
    local _, message = t:eq({ a = { 1, 2 } }, { a = { 1, 3 } }, 'these')
    assert.equal('these\nAt table location a.2: EQ failed: 2 ~= 3', message)
    _, message = t:assertTensorEq(torch.Tensor { 1, 2 }, torch.Tensor { 1, 4 }, 1, 'those')
    assert.equal('those\nTensorEQ(==) violation: max diff=2, tolerance=1', message)
    _, message = t:assertlt(2, 1)
    assert.equal('LT failed: 2 >= 1', message)
  end)

  it('catches errors', function()
    local t = asking()
    local function bad() error({ code = 3 }) end
    assert.is_true(t:assertError(bad))
    assert.is_true(t:assertErrorObj(bad, function(err) return err.code == 3 end))
    assert.is_true(t:assertErrorPattern(function() error('much ado') end, 'a.o'))
    assert.is_false((t:assertErrorMsg(function() error('much ado') end, 'nothing')))
    assert.is_false((t:assertNoError(bad)))
  end)

  it('runs a suite in order and reports', function()
    local order, tester, tests = {}, torch.Tester(), torch.TestSuite()
    function tests.zebra() order[#order + 1] = 'zebra' tester:eq(1, 1) end
    function tests.ant() order[#order + 1] = 'ant' tester:eq(1, 2, 'one is not two') end
    function tests.bee() error('stung') end
    function tests.cow() error('never called') end
    tester:add(tests):disable('cow')
    local text, ok, err = captured(function() tester:run() end)
    assert.is_false(ok)
    assert.matches('An error was found', err)
    assert.same({ 'zebra', 'ant' }, order)
    assert.matches('Running 4 tests\n', text)
    assert.matches('1/4 zebra %.+ %[PASS%]', text)
    assert.matches('2/4 ant %.+ %[FAIL%]', text)
    assert.matches('3/4 bee %.+ %[ERROR%]', text)
    assert.matches('4/4 cow %.+ %[SKIP%]', text)
    assert.matches('Completed 2 asserts in 4 tests with 1 failure and 1 error and 1 disabled', text)
    assert.matches('ant\none is not two\nEQ failed: 1 ~= 2\nstack traceback', text)
    assert.matches('stung', text)
    text, ok = captured(function() tester:run('zeb') end)
    assert.is_true(ok)
    assert.matches('Completed 1 assert in 1 test with 0 failures and 0 errors\n', text)
  end)

  it('calls what surrounds every test', function()
    local calls, tester = {}, torch.Tester()
    tester:add(function(name) calls[#calls + 1] = '+' .. name end, '_setUp')
    tester:add(function(name) calls[#calls + 1] = '-' .. name end, '_tearDown')
    tester:add(function() calls[#calls + 1] = 'body' end, 'only')
    captured(function() tester:run() end)
    assert.same({ '+only', 'body', '-only' }, calls)
    assert.has_error(function() tester:add(print, '_setUp') end, 'Only one set-up function allowed')
  end)

  it('refuses tests of one name twice', function()
    local tests = torch.TestSuite()
    function tests.a() end
    assert.has_error(function() function tests.a() end end, 'Test a is already defined.')
    assert.has_error(function() tests.b = 3 end, 'Test b is a number, but only functions can be tests')
    assert.has_error(function() torch.Tester():add(tests):add(tests) end, 'Test with name a already exists!')
  end)
end)
