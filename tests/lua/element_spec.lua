local torch = require 'tocha'

describe('a NaN of any bit pattern', function()
  -- LuaJIT keeps references to objects in NaNs whose upper bits are set.
  local patterns = { ('\255'):rep(8), '\1\2\3\4\5\0\252\255', '\0\0\0\0\0\128\251\255', '\1\0\0\0\0\0\240\127' }

  local function isNan(value) return type(value) == 'number' and value ~= value end

  for _, name in ipairs { 'Float', 'Double', 'Half', 'BFloat16' } do
    it('reaches Lua as a number from a ' .. name .. 'Tensor', function()
      for _, pattern in ipairs(patterns) do
        local bytes = name == 'Double' and pattern or name == 'Float' and pattern:sub(5):gsub('^..', '\1\2')
          or '\255\255'
        local function read() return torch.MemoryFile(bytes:rep(100), 'r'):binary() end
        assert.is_true(isNan((read()['read' .. name](read()))))
        local storage = read()['read' .. name](read(), 100)
        local x = torch[name .. 'Tensor'](storage)
        if isNan(x:double():sum()) then
          for i = 1, 100 do
            assert(isNan(x[i]) and isNan(storage[i]) and isNan(x[{ i }]))
          end
          for _, list in ipairs { x:totable(), storage:totable(), x:view(10, 10):totable()[10] } do
            for i = 1, #list do assert(isNan(list[i])) end
          end
          x:apply(function(v) assert(isNan(v)) end)
          x:map2(x, x, function(u, v, w) assert(isNan(u) and isNan(v) and isNan(w)) end)
          assert.is_truthy(tostring(x):find 'nan')
        end
        collectgarbage()
      end
    end)
  end
end)
