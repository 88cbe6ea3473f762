--- The prompt of scripts/tocha and scripts/th, as lines that come from a pipe meet it.

describe('the prompt', function()
  it('without a script runs lines, and whatever they do goes on with the next', function()
    local name = os.tmpname()
    local file = assert(io.open(name, 'w'))
    file:write([[
setmetatable({}, { __tostring = function() error 'untold' end })
error(setmetatable({}, { __tostring = function() error 'untold' end }))
]], '\27LJ\n', [[
x y
1 +
1
for i = 1, 2 do

  y = i end
= y + 1, 'a'
_LAST; y = 7;
y;
#_RESULTS, _LAST]])
    file:close()
    local pipe = io.popen('scripts/th < ' .. name .. ' 2> ' .. name .. '.errors')
    assert.equal('2\t\n3\ta\t\n3\t3\t\n', pipe:read '*a')
    pipe:close()
    file = io.open(name .. '.errors')
    local errors = file:read '*a'
    file:close()
    os.remove(name)
    os.remove(name .. '.errors')
    for _, part in ipairs { 'untold', 'an error that is no string', 'wrong mode', "near 'y'" } do
      assert.truthy(errors:find(part, 1, true), part)
    end
  end)

  it('is there as the packages trepl and env, for any LuaJIT', function()
    for _, name in ipairs { 'trepl', 'env' } do
      local paths = "LUA_PATH='lua/torch7/?.lua;lua/?.lua;lua/?/init.lua;;'"
      local pipe = io.popen(([[echo '{ a = 1 }' | %s luajit -e "require '%s'; repl()"]]):format(paths, name))
      assert.equal('{\n  a : 1\n}\n', pipe:read '*a')
      pipe:close()
    end
  end)

  it('answers questions at the prompt, and runs commands of the system', function()
    local name = os.tmpname()
    local file = assert(io.open(name, 'w'))
    file:write [[
? torch.max
?
? nosuch
? who
$ echo some bytes
#_LAST
x = 1
who()
import 'math'
floor(2.5)
_LAST + 40;
import 'torch'
type {}, zeros(7):nElement()]]
    file:close()
    local pipe = io.popen('scripts/th < ' .. name .. ' 2>&1')
    local output = pipe:read '*a'
    pipe:close()
    os.remove(name)
    for _, part in ipairs { 'torch.max   [', 'a command of the system', 'nothing about nosuch', '\nwho()  ', 'some bytes\n11\t\n',
      '\nx\t\n2\t\ntable\t7\t\n' } do
      assert.truthy(output:find(part, 1, true), part)
    end
  end)
end)
