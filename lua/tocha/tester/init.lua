--- Torch7's unit tests: `torch.Tester` runs functions that state assertions, `torch.TestSuite` collects them.
--
--     local tests, tester = torch.TestSuite(), torch.Tester()
--     function tests.sum() tester:eq(torch.ones(3):sum(), 3) end
--     tester:add(tests):run()
--
-- An assertion answers whether it holds and goes on; `run` prints a report and raises an error if any failed. Where a tolerance
-- and a message are possible they come in either order. Tests of a suite run in the order of their definition.
-- @module tocha.tester
local torch = require 'tocha'
local raise = require 'tocha.bindings.own'.raise
local report = require 'tocha.tester.report'

local Tester = torch.class('torch.Tester', torch)

function Tester:__init()
  self.tests, self.disabledTests = {}, {}
  self.errors, self.warnings = {}, {}
  self._order, self._warningCount = {}, {}
  self._currentTestName = ''
  -- assertTensorEq pairs equal counts whatever the shapes (with a warning); eq does not.
  self._assertTensorEqIgnoresDims = true
end

--- Stops at the first test that fails.
function Tester:setEarlyAbort(on) self.earlyAbort = on end
--- Lets errors of tests through.
function Tester:setRethrowErrors(on) self.rethrow = on end
--- Leaves the texts of failures out of the report.
function Tester:setSummaryOnly(on) self.summaryOnly = on end

-- -- outcomes -----------------------------------------------------------------------------------------------------

-- The test's name, the message, and the lines of the program between the assertion and the runner.
function Tester:_addDebugInfo(message)
  local lines = {}
  for line in debug.traceback('', 3):gmatch('[^\n]+') do
    if line:find('[C]: in function \'xpcall\'', 1, true) then break end
    if not line:find('tocha/tester/', 1, true) then lines[#lines + 1] = line end
  end
  local name = self._currentTestName
  return ('%s%s\n%s\n'):format(name ~= '' and name .. '\n' or '', message, table.concat(lines, '\n'))
end

function Tester:_success()
  local name = self._currentTestName
  if self.assertionPass then self.assertionPass[name] = (self.assertionPass[name] or 0) + 1 end
  return true
end

function Tester:_failure(message)
  if self.rethrow then error(message, 2) end
  local name = self._currentTestName
  if self.assertionFail then self.assertionFail[name] = (self.assertionFail[name] or 0) + 1 end
  self.errors[#self.errors + 1] = self:_addDebugInfo(message)
  return false
end

function Tester:_warning(message)
  local name = self._currentTestName
  self._warningCount[name] = (self._warningCount[name] or 0) + 1
  self.warnings[#self.warnings + 1] = self:_addDebugInfo(message)
end

--- Counts an assertion: `message` is for its failure.
function Tester:_assert_sub(holds, message)
  if holds then return self:_success() end
  return self:_failure(message)
end

for name, assertion in pairs(require 'tocha.tester.assertions') do Tester[name] = assertion end

-- -- collecting ---------------------------------------------------------------------------------------------------

-- Names of a table of tests, in the order of a suite's definition or of the alphabet.
local function ordered(list)
  if list.__isTestSuite then return list.__order, list.__tests end
  local names = {}
  for name in pairs(list) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  return names, list
end

local fixtures = { _setUp = 'Only one set-up function allowed', _tearDown = 'Only one tear-down function allowed' }

--- Adds a function under a name, or the functions of a suite or table. `_setUp` and `_tearDown` run around every test.
-- @treturn torch.Tester itself
function Tester:add(tests, name)
  if type(tests) == 'table' then
    if name ~= nil then raise('a table of tests brings its own names: leave the name out') end
    if not tests.__isTestSuite then self:_warning('Should use TestSuite rather than plain lua table') end
    local names, functions = ordered(tests)
    for _, key in ipairs(names) do
      if type(functions[key]) == 'table' then raise('Nested sets of tests are not supported') end
      self:add(functions[key], key)
    end
    return self
  end
  if type(tests) ~= 'function' then raise('Only tables of functions and functions supported') end
  if fixtures[name] then
    if rawget(self, name) then raise(fixtures[name]) end
    self[name] = tests
    return self
  end
  name = name or 'unknown'
  if self.tests[name] ~= nil then raise(('Test with name %s already exists!'):format(tostring(name))) end
  self.tests[name] = tests
  self._order[#self._order + 1] = name
  return self
end

local function listed(names, what)
  if type(names) == 'string' then names = { names } end
  if type(names) ~= 'table' then raise(what .. ': a name or a table of names is needed') end
  return names
end

--- Tests that are not to be run; the report shows them as skipped.
function Tester:disable(names)
  for _, name in ipairs(listed(names, 'disable')) do
    if not self.tests[name] then raise(("Unrecognized test '%s'"):format(tostring(name))) end
    self.disabledTests[name] = true
  end
  return self
end

-- Names of the tests that match one of the patterns (nil: all), in order.
function Tester:_getTests(patterns)
  if patterns == nil then return self._order end
  local chosen, names = {}, {}
  for _, pattern in ipairs(listed(patterns, 'run')) do
    local found = false
    for _, name in ipairs(self._order) do
      if tostring(name):match(pattern) then found, chosen[name] = true, true end
    end
    if not found then raise(("Couldn't find test '%s'"):format(pattern)) end
  end
  for _, name in ipairs(self._order) do
    if chosen[name] then names[#names + 1] = name end
  end
  return names
end

-- -- running ------------------------------------------------------------------------------------------------------

-- Runs a test: "PASS", "FAIL", "ERROR" or "SKIP".
function Tester:_runOne(name)
  if self.disabledTests[name] then return 'SKIP' end
  local before = #self.errors
  if rawget(self, '_setUp') then self._setUp(name) end
  local ok, err = true, nil
  if self.rethrow then self.tests[name]()
  else ok, err = xpcall(self.tests[name], debug.traceback) end
  if rawget(self, '_tearDown') then self._tearDown(name) end
  if not ok then
    self.testError[name] = 1
    self.errors[#self.errors + 1] = ('%s\n Function call failed\n%s\n'):format(name, tostring(err))
    return 'ERROR'
  end
  return #self.errors == before and 'PASS' or 'FAIL'
end

function Tester:_run(names)
  report.start(#names)
  for i, name in ipairs(names) do
    self._currentTestName = name
    report.line(i, #names, name, 'WAIT')
    local verdict = self:_runOne(name)
    report.line(i, #names, name, verdict, verdict == 'PASS' and self._warningCount[name] > 0)
    if self.earlyAbort and i < #names and (verdict == 'FAIL' or verdict == 'ERROR') then
      report.abort()
      break
    end
    collectgarbage()
  end
  self._currentTestName = ''
end

function Tester:_report(names)
  local counts = { asserts = 0, tests = #names, failures = 0, errors = 0, disabled = 0, warnings = self._warningCount[''] or 0 }
  for _, name in ipairs(names) do
    counts.asserts = counts.asserts + self.assertionPass[name] + self.assertionFail[name]
    counts.failures = counts.failures + (self.assertionFail[name] > 0 and 1 or 0)
    counts.errors = counts.errors + self.testError[name]
    counts.warnings = counts.warnings + (self._warningCount[name] > 0 and 1 or 0)
    counts.disabled = counts.disabled + (self.disabledTests[name] and 1 or 0)
  end
  self.countasserts = counts.asserts
  report.summary(counts)
  if not self.summaryOnly then report.sections(self.errors, self.warnings) end
  return counts.failures + counts.errors
end

--- Runs all tests, or those whose names match a pattern or one of a table of them, and prints a report.
-- An error is raised at the end if a test failed.
function Tester:run(patterns)
  local names = self:_getTests(patterns)
  self.assertionPass, self.assertionFail, self.testError = {}, {}, {}
  for _, name in ipairs(names) do
    self.assertionPass[name], self.assertionFail[name], self.testError[name], self._warningCount[name] = 0, 0, 0, 0
  end
  self:_run(names)
  if self:_report(names) > 0 then raise('An error was found while running tests!') end
  return 0
end

return { Tester = torch.Tester, TestSuite = require 'tocha.tester.suite' }
