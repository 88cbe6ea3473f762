--- The assertions of torch.Tester. Each answers whether it holds; message and tolerance come in either order.
-- @module tocha.tester.assertions
local torch = require 'tocha'
local compare = require 'tocha.tester.compare'
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise

local Tester = {}

-- -- arguments ----------------------------------------------------------------------------------------------------

local function heading(message, ...)
  if select('#', ...) > 0 then error('Unexpected arguments passed to test function', 3) end
  if message == nil or message == '' then return '' end
  if type(message) ~= 'string' then error('message parameter must be a string, not a ' .. type(message), 3) end
  return message .. '\n'
end

-- (tolerance, message) in either order, each at most once; nil counts as absent.
local function toleranceAndHeading(default, ...)
  local tolerance, message
  for i = 1, select('#', ...) do
    local value = select(i, ...)
    if type(value) == 'number' and not tolerance then
      if value < 0 then error('tolerance cannot be negative', 3) end
      tolerance = value
    elseif type(value) == 'string' and not message then
      message = value
    elseif value ~= nil then
      error(('argument %s is neither the tolerance (a number) nor the message (a string)'):format(tostring(value)), 3)
    end
  end
  return tolerance or default, heading(message)
end

-- -- assertions ---------------------------------------------------------------------------------------------------

function Tester:assert(condition, ...)
  local message = heading(...)
  if type(condition) ~= 'boolean' then
    self:_warning(' :assert should only be used for boolean conditions. To check for non-nil variables, do this '
      .. 'explicitly: Tester:assert(var ~= nil).')
  end
  return self:_assert_sub(condition, ('%sBOOL violation condition=%s'):format(message, tostring(condition)))
end

--- Deep equality of two values of any types; see tocha.tester.compare.
function Tester:assertGeneralEq(got, expected, ...)
  local tolerance, message = toleranceAndHeading(0, ...)
  local difference = compare.values(got, expected, tolerance)
  return self:_assert_sub(not difference, message .. (difference or ''))
end

function Tester:assertGeneralNe(got, unexpected, ...)
  local tolerance, message = toleranceAndHeading(0, ...)
  local text = type(got) == 'table' and 'the tables are equal' or ('%s == %s'):format(tostring(got), tostring(unexpected))
  return self:_assert_sub(compare.values(got, unexpected, tolerance), ('%sNE failed: %s'):format(message, text))
end

function Tester:eq(...) return self:assertGeneralEq(...) end
function Tester:ne(...) return self:assertGeneralNe(...) end

local comparable = { number = true, string = true }

-- Raises unless Lua can tell which of two values is less.
local function needOrder(name, a, b)
  local meta = type(a) == 'table' and getmetatable(a) or type(b) == 'table' and getmetatable(b)
  if type(a) == type(b) and comparable[type(a)] or type(meta) == 'table' and (meta.__lt or meta.__le) then return end
  raise(('%s: a %s cannot be compared with a %s'):format(name, torch.type(a), torch.type(b)))
end

local orders = {
  assertlt = { 'LT', '>=', function(a, b) return a < b end },
  assertgt = { 'GT', '<=', function(a, b) return a > b end },
  assertle = { 'LE', '>', function(a, b) return a <= b end },
  assertge = { 'GE', '<', function(a, b) return a >= b end },
  asserteq = { 'EQ', '~=', function(a, b) return a == b end },
}
for name, row in pairs(orders) do
  local word, opposite, holds = row[1], row[2], row[3]
  Tester[name] = function(self, a, b, ...)
    local message = heading(...)
    if name ~= 'asserteq' then needOrder(name, a, b) end
    return self:_assert_sub(holds(a, b), ('%s%s failed: %s %s %s'):format(message, word, tostring(a), opposite, tostring(b)))
  end
end

function Tester:assertne(a, b, ...)
  local message = heading(...)
  if type(a) == type(b) and (type(a) == 'table' or type(a) == 'userdata' or type(a) == 'cdata') then
    self:_warning(' :assertne should only be used to compare basic lua objects (numbers, booleans, etc). Consider using '
      .. 'either :assertGeneralNe or :assert(a ~= b).')
  end
  return self:_assert_sub(a ~= b, ('%sNE failed: %s == %s'):format(message, tostring(a), tostring(b)))
end

function Tester:assertalmosteq(a, b, ...)
  local tolerance, message = toleranceAndHeading(1e-16, ...)
  if not tonumber(a) or not tonumber(b) then
    raise(('assertalmosteq: two numbers are needed, not a %s and a %s'):format(torch.type(a), torch.type(b)))
  end
  return self:_assert_sub(math.abs(a - b) <= tolerance,
    ('%sALMOST_EQ failed: %s ~= %s with tolerance=%s'):format(message, tostring(a), tostring(b), tolerance))
end

local function needTensors(a, b)
  if not torch.isTensor(a) then error('First argument should be a Tensor', 3) end
  if not torch.isTensor(b) then error('Second argument should be a Tensor', 3) end
end

function Tester:assertTensorEq(a, b, ...)
  needTensors(a, b)
  local tolerance, message = toleranceAndHeading(0, ...)
  local difference = compare.tensors(a, b, tolerance, self._assertTensorEqIgnoresDims)
  if not difference and not a:isSameSizeAs(b) then
    self:_warning('Tensors have the same content but different dimensions. They are considered equal here, as Torch7 did; '
      .. 'use :eq to compare shapes too.')
  end
  return self:_assert_sub(not difference, message .. (difference or ''))
end

function Tester:assertTensorNe(a, b, ...)
  needTensors(a, b)
  local tolerance, message = toleranceAndHeading(0, ...)
  return self:_assert_sub(compare.tensors(a, b, tolerance, self._assertTensorEqIgnoresDims),
    ('%sTensorNE(==) violation: the tensors are equal, tolerance=%s'):format(message, tolerance))
end

local function needTables(a, b)
  if type(a) ~= 'table' then error('First argument should be a Table', 3) end
  if type(b) ~= 'table' then error('Second argument should be a Table', 3) end
end

function Tester:assertTableEq(a, b, ...)
  needTables(a, b)
  return self:assertGeneralEq(a, b, ...)
end

function Tester:assertTableNe(a, b, ...)
  needTables(a, b)
  return self:assertGeneralNe(a, b, ...)
end

--- f() raises an error object for which fits(error) is true.
function Tester:assertErrorObj(f, fits, ...)
  check('assertErrorObj', 'what tells the error', 'function', fits)
  local message = heading(...)
  local ok, err = pcall(f)
  return self:_assert_sub(not ok and fits(err), ('%sERROR violation: err=%s'):format(message, tostring(err)))
end

function Tester:assertError(f, ...)
  return self:assertErrorObj(f, function() return true end, ...)
end

function Tester:assertErrorMsg(f, text, ...)
  return self:assertErrorObj(f, function(err) return err == text end, ...)
end

function Tester:assertErrorPattern(f, pattern, ...)
  check('assertErrorPattern', 'the pattern', 'string', pattern)
  return self:assertErrorObj(f, function(err) return tostring(err):find(pattern) ~= nil end, ...)
end

function Tester:assertNoError(f, ...)
  local message = heading(...)
  local ok, err = pcall(f)
  return self:_assert_sub(ok, ('%sERROR violation: err=%s'):format(message, tostring(err)))
end

return Tester
