--- A table of tests that refuses a second one of the same name and remembers their order.
-- @module tocha.tester.suite

local access = {}

function access:__index(name) return rawget(self, '__tests')[name] end

function access:__newindex(name, test)
  if self.__tests[name] ~= nil then error(('Test %s is already defined.'):format(tostring(name)), 2) end
  if type(test) ~= 'function' then
    error(type(test) == 'table' and 'Nested tables of tests are not supported'
      or ('Test %s is a %s, but only functions can be tests'):format(tostring(name), type(test)), 2)
  end
  self.__tests[name] = test
  self.__order[#self.__order + 1] = name
end

--- `local tests = torch.TestSuite(); function tests.sums() ... end`
local function TestSuite()
  return setmetatable({ __tests = {}, __order = {}, __isTestSuite = true }, access)
end

return TestSuite
