--- Runs every Lua snippet of the README and compares what it prints with its `-->` comments; checks links of documents.

local function snippets(path)
  local list, current, n = {}, nil, 0
  for line in io.lines(path) do
    n = n + 1
    if not current and line:find '^```lua%s*$' then
      current = { line = n, text = {}, want = {} }
    elseif current and line:find '^```' then
      list[#list + 1], current = current, nil
    elseif current then
      current.text[#current.text + 1] = line
      current.want[#current.want + 1] = line:match '%-%-> (.*)$'
    end
  end
  return list
end

local function run(path, snippet)
  local printed = {}
  local env = setmetatable({
    print = function(...)
      local words = {}
      for i = 1, select('#', ...) do words[i] = tostring((select(i, ...))) end
      printed[#printed + 1] = table.concat(words, '\t')
    end,
  }, { __index = _G, __newindex = function(_, name) error('the snippet sets the global ' .. name, 2) end })
  local chunk = assert(loadstring(table.concat(snippet.text, '\n'), ('@%s:%d'):format(path, snippet.line)))
  setfenv(chunk, env)()
  assert.are.same(snippet.want, printed)
end

local function documents()
  local list = { 'README.md' }
  local pipe = io.popen 'ls docs/*.md'
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

describe('the documents', function()
  for _, snippet in ipairs(snippets 'README.md') do
    it('say the truth at README.md:' .. snippet.line, function() run('README.md', snippet) end)
  end

  it('link to files that exist', function()
    for _, path in ipairs(documents()) do
      local folder = path:match '^(.*/)' or ''
      for target in assert(io.open(path)):read('*a'):gmatch '%]%(([^)#]+)' do
        if not target:find '^%a+://' then
          local file = io.open(folder .. target)
          assert(file, path .. ' links to ' .. target)
          file:close()
        end
      end
    end
  end)
end)
