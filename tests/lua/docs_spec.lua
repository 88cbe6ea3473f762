-- Runs the code of documents and compares every `expression --> number` with what the expression gives.
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'

-- The Lua of a document, with checks in place of its arrows, and their number.
local function programOf(document)
  local lines, checks, inside = {}, 0, false
  for line in io.lines(here .. '../../docs/' .. document) do
    if line:find('^```') then inside = line == '```lua'
    elseif inside then
      local expression, number = line:match('^(.-) %-%-> (%S+)$')
      if expression then
        checks = checks + 1
        line = ('check(%q, %s, %s)'):format(expression, expression, number)
      end
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, '\n'), checks
end

-- document, number of arrows
for document, arrows in pairs { ['backprop.md'] = 19, ['layers.md'] = 8 } do
  it(('docs/%s gives the numbers it prints'):format(document), function()
    local program, checks = programOf(document)
    assert.are.equal(arrows, checks)
    local chunk = assert(loadstring(program, '=' .. document))
    setfenv(chunk, setmetatable({ check = function(expression, value, number)
      local off = math.abs(value - number)
      if off > 1e-7 or off ~= off then
        error(('%s is %.10f, the page says %s'):format(expression, value, number), 0)
      end
    end }, { __index = _G }))
    chunk()
  end)
end

describe('the comments in the sources', function()
  it('make reference pages', function()
    if os.execute 'command -v ldoc >/dev/null 2>&1' ~= 0 then pending 'ldoc is not installed' return end
    local folder = os.tmpname()
    os.remove(folder)
    local code = os.execute(('cd %s../.. && ldoc --quiet --config docs/config.ld --dir %s . >/dev/null 2>&1'):format(here, folder))
    os.execute('rm -r ' .. folder)
    assert.equal(0, code)
  end)
end)
