--- The door to Torch7 as a program meets it: scripts/th runs a script in a process of its own.

local function run(script, ...)
  local name = os.tmpname()
  local file = assert(io.open(name, 'w'))
  file:write(script)
  file:close()
  local pipe = io.popen(('scripts/th %s %s 2>&1; echo "rc $?"'):format(name, table.concat({ ... }, ' ')))
  local text = pipe:read '*a'
  pipe:close()
  os.remove(name)
  local output, rc = text:match '^(.*)rc (%d+)\n$'
  return output, tonumber(rc)
end

describe('th', function()
  it('runs a script with torch, paths, sys, xlua and Penlight in scope', function()
    local output, rc = run([[
      assert(torch.Tensor(2):type() == 'torch.DoubleTensor' and type(torch.Tensor()) == 'userdata')
      assert(paths.concat('/a', '../b/./c') == '/b/c' and sys.clock() > 0 and xlua.progress)
      assert(stringx and tablex and path and dir and text and lapp)
      assert(unpack and table.unpack and bit32.band(6, 3) == 2)
      assert(#arg == 2 and arg[1] == 'one' and arg[2] == '--two')
      print('%d%%' % 5)
    ]], 'one', '--two')
    assert.are.equal('5%\t\n', output)
    assert.are.equal(0, rc)
  end)

  it('gives a failing script its trace and a failing exit', function()
    local output, rc = run 'error "no such thing"'
    assert.truthy(output:find('no such thing', 1, true))
    assert.are_not.equal(0, rc)
  end)

  it('keeps what Torch7 did not have out of the table nn', function()
    local output = run [[
      require 'nn'
      assert(nn.Linear and not nn.LayerNorm and require('tocha.nn').LayerNorm)
      local Mine = torch.class('nn.LayerNorm', 'nn.Module')
      assert(torch.type(nn.LayerNorm()) == 'nn.LayerNorm')
      print 'fine'
    ]]
    assert.are.equal('fine\t\n', output)
  end)
end)
