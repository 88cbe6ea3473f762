--- The house rules of docs/architecture.md that a program can check: who may lean on whom, what may be exported, called,
-- set and committed, and how long things may grow.

local function files(folders, pattern)
  local list = {}
  local pipe = io.popen(('find %s -type f -name "%s" | sort'):format(folders, pattern))
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read '*a'
  file:close()
  return text
end

local function lines(text)
  if text:sub(-1) ~= '\n' then text = text .. '\n' end
  return text:gmatch '([^\n]*)\n'
end

-- C without comments and strings, its lines kept.
local function bareC(text)
  text = text:gsub('/%*.-%*/', function(comment) return (comment:gsub('[^\n]', '')) end)
  return (text:gsub('"[^"\n]*"', '""'):gsub('//[^\n]*', ''))
end

local function none(breaches) assert.are.equal('', table.concat(breaches, '\n')) end

-- Which folders of engine/ a folder may include from, besides itself. op/ and autograd/ are two halves of one layer.
local mayInclude = {
  kernel = {},
  core = { kernel = true },
  op = { core = true, kernel = true, autograd = true },
  autograd = { core = true, kernel = true, op = true },
  optim = { core = true, kernel = true },
  plan = { core = true, kernel = true },
  io = { core = true, kernel = true },
  image = { core = true, kernel = true },
  data = { core = true, kernel = true, io = true, image = true },
}
-- Headers without a folder, and who may include them.
local rootHeaders = { ['tocha.h'] = 'core op autograd optim plan io image data', ['op_attr.h'] = 'op' }

describe('the layers of the engine', function()
  it('lean only on those below', function()
    local breaches = {}
    for _, path in ipairs(files('engine', '*.[ch]')) do
      local layer = path:match '^engine/(%w+)/'
      for name in read(path):gmatch '#%s*include%s+"([^"]+)"' do
        local folder = name:match '^(%w+)/'
        local fine
        if layer == 'include' then fine = name == 'tocha_ops.h'
        elseif folder then fine = folder == layer or (mayInclude[layer] or {})[folder]
        else fine = rootHeaders[name] and (' ' .. rootHeaders[name] .. ' '):find(' ' .. layer .. ' ', 1, true) end
        if not fine then breaches[#breaches + 1] = path .. ' includes ' .. name end
      end
    end
    none(breaches)
  end)

  it('know nothing of Lua, print nothing and end no process', function()
    local breaches = {}
    local banned = { printf = true, fprintf = true, puts = true, putchar = true, perror = true, abort = true, exit = true,
                     _Exit = true, assert = true, longjmp = true, setjmp = true }
    -- libjpeg and libpng report errors by a jump, which must land in the same file.
    local jumps = { ['engine/io/jpeg.c'] = true, ['engine/io/png.c'] = true }
    for _, path in ipairs(files('engine', '*.[ch]')) do
      local text = read(path)
      for name in text:gmatch '#%s*include%s+<([^>]+)>' do
        -- bindings/worker.c alone knows Lua
        if name:find '^lua' or name:find '^lauxlib' then breaches[#breaches + 1] = path .. ' includes ' .. name end
      end
      for name in bareC(text):gmatch '%f[%w_]([%a_][%w_]*)%s*%(' do
        if banned[name] and not (jumps[path] and name:find 'jmp$') then breaches[#breaches + 1] = path .. ' calls ' .. name end
      end
    end
    none(breaches)
  end)

  it('export names that start with tch_', function()
    local library = (os.getenv 'TOCHA_BUILD' or 'build') .. '/libtocha.so'
    local pipe, breaches, exported = io.popen('nm -D --defined-only ' .. library), {}, 0
    for line in pipe:lines() do
      local kind, name = line:match '(%a) ([%w_.@]+)$'
      exported = exported + 1
      -- sanitizers add names of their own
      if not name:find '^tch_' and not name:find '^_' then breaches[#breaches + 1] = kind .. ' ' .. name end
    end
    pipe:close()
    assert.is_true(exported > 100)
    none(breaches)
  end)
end)

describe('the layers of Lua', function()
  -- Modules that each folder may require.
  local mayRequire = {
    bindings = { '^ffi$', '^bit$', '^jit', '^table%.', '^tocha%.bindings', '^tocha%.class$' },
    ['lua/tocha'] = { '^bit$', '^jit', '^table%.', '^tocha' },
    scripts = { '^bit$', '^jit', '^tocha', '^bench%.' },
  }

  it('lean only on those below; only bindings require ffi', function()
    local breaches = {}
    for folder, allowed in pairs(mayRequire) do
      for _, path in ipairs(files(folder, '*.lua')) do
        for name in read(path):gmatch "%f[%w_]require%s*%(?%s*['\"]([^'\"]+)['\"]" do
          local fine = false
          for _, pattern in ipairs(allowed) do fine = fine or name:find(pattern) ~= nil end
          if not fine then breaches[#breaches + 1] = path .. ' requires ' .. name end
        end
      end
    end
    none(breaches)
  end)

  it('may be required first, each package of them', function()
    local breaches = {}
    for _, path in ipairs(files('lua/tocha', 'init.lua')) do
      local name = path:match '^lua/(.-)/init.lua$':gsub('/', '.')
      local command = [[LUA_PATH='lua/?.lua;lua/?/init.lua' luajit -e "require '%s'" 2>&1]]
      local pipe = io.popen(command:format(name))
      local text = pipe:read '*a'
      pipe:close()
      if text ~= '' then breaches[#breaches + 1] = name .. ': ' .. text end
    end
    none(breaches)
  end)

  it('set no globals', function()
    local breaches = {}
    for _, path in ipairs(files('bindings lua/tocha scripts ' .. (os.getenv 'TOCHA_BUILD' or 'build') .. '/gen', '*.lua')) do
      local pipe = io.popen('luajit -bl ' .. path .. ' 2>&1')
      for line in pipe:lines() do
        local name = line:match 'GSET.*; "(.-)"'
        if name then breaches[#breaches + 1] = path .. ' sets ' .. name end
      end
      pipe:close()
    end
    none(breaches)
  end)
end)

describe('the sources', function()
  it('hold no generated file', function()
    local breaches = {}
    for _, path in ipairs(files('bindings engine lua scripts tests', '*')) do
      if path:find '%.o$' or path:find '%.so$' or path:find '%.a$' or read(path):find('generated by bindings/mk%w+%.lua from') then
        if path ~= 'bindings/mkops.lua' and path ~= 'tests/lua/layers_spec.lua' then breaches[#breaches + 1] = path end
      end
    end
    none(breaches)
    assert.truthy(read '.gitignore':find('/build/', 1, true))
  end)

  -- Norms with a little air: a C file of 500 lines, a Lua file of 300, a function 60, a line 120 columns (132 with air).
  it('stay within their lengths', function()
    local breaches = {}
    local function note(...) breaches[#breaches + 1] = string.format(...) end
    local function check(path, most, opens, closes)
      local n, start = 0, nil
      for line in lines(read(path)) do
        n = n + 1
        local _, columns = line:gsub('[^\128-\191]', '')
        if columns > 132 then note('%s:%d has %d columns', path, n, columns) end
        if opens(line) then start = start or n end
        if line:find(closes) and start then
          if n - start > 66 then note('%s:%d: a function of %d lines', path, start, n - start + 1) end
          start = nil
        end
      end
      if n > most then note('%s has %d lines', path, n) end
    end
    for _, path in ipairs(files('engine', '*.[ch]')) do
      if path ~= 'engine/include/tocha.h' then
        check(path, 600, function(line) return line:find '^[%a].*%)%s*{$' ~= nil end, '^}')
      end
    end
    for _, path in ipairs(files('bindings lua scripts', '*.lua')) do
      check(path, 360, function(line)
        return (line:find '^function ' or line:find '^local function ') ~= nil and not line:find 'end$'
      end, '^end')
    end
    none(breaches)
  end)
end)
