-- The names of CmdLine, paths, xlua and sys that ten or more of 61 public script trees use, as such a script uses them.

-- Runs a script through scripts/th in a folder of its own; what it prints.
local function run(script)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute('mkdir ' .. folder) == 0)
  local file = assert(io.open(folder .. '/script.lua', 'w'))
  file:write(script)
  file:close()
  local pipe = io.popen(('scripts/th %s/script.lua %s -size 5 -quiet 2>&1'):format(folder, folder))
  local text = pipe:read '*a'
  pipe:close()
  os.execute('rm -r ' .. folder)
  return text
end

describe('a script for Torch7', function()
  it('has the names that most scripts use', function()
    local output = run [[
      local cmd = torch.CmdLine()
      cmd:text()
      cmd:text('Trains.')
      cmd:argument('-folder', 'where to write')
      cmd:option('-size', 3, 'entries', 'number')
      cmd:option('-quiet', false, 'print less')
      local opt = cmd:parse(arg)
      assert(opt.size == 5 and opt.quiet == true)

      local folder = opt.folder
      local inner = paths.concat(folder, 'a', 'b')
      assert(inner == folder .. '/a/b')
      assert(paths.mkdir(paths.concat(folder, 'a')) and paths.mkdir(inner))
      assert(paths.dirp(inner) and not paths.dirp(inner .. '/c') and not paths.dirp(arg[0]))
      assert(paths.filep(paths.concat(folder, 'script.lua')) and not paths.filep(inner))
      assert(paths.basename(inner) == 'b' and paths.basename('x/net.t7', 't7') == 'net')
      local file = assert(io.open(paths.concat(folder, 'other.lua'), 'w'))
      file:write('loaded = (loaded or 0) + 1 return "value"')
      file:close()
      assert(paths.dofile('other.lua') == 'value' and loaded == 1)

      require 'image'
      local _, size, side = dok.unpack({ { size = 4 } }, 'f', 'what it does',
        { arg = 'size', type = 'number', default = 3 }, { arg = 'side', type = 'number', defaulta = 'size' })
      assert(size == 4 and side == 4)

      local start = sys.clock()
      for i = 1, 3 do xlua.progress(i, 3) end
      assert(sys.clock() >= start and sys.clock() - start < 60)

      local x = torch.range(1, 5)
      assert(x[2.7] == 2 and x[{ 4.2 }] == 4 and x:narrow(1, 1.5, 2.9):nElement() == 2)
      x[3.9] = -1
      assert(x[3] == -1)
      print 'fine'
    ]]
    assert.matches('fine\t?\n$', output)
  end)

  it('is told what is wrong with its indices elsewhere', function()
    local torch = require 'tocha'
    assert.error_matches(function() return torch.range(1, 3)[1.5] end, 'index 1.5 is no whole number')
  end)
end)
