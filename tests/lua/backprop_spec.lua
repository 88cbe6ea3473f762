-- Runs the code of docs/backprop.md and compares every `expression --> number` with what the expression gives.
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'

describe('docs/backprop.md', function()
  local lines, checks = {}, 0
  local inside = false
  for line in io.lines(here .. '../../docs/backprop.md') do
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

  it('gives the numbers it prints', function()
    assert.are.equal(19, checks)
    local chunk = assert(loadstring(table.concat(lines, '\n'), '=docs/backprop.md'))
    setfenv(chunk, setmetatable({ check = function(expression, value, number)
      if not (math.abs(value - number) <= 1e-7 + 0.6e-10) then
        error(('%s is %.10f, the page says %s'):format(expression, value, number), 0)
      end
    end }, { __index = _G }))
    chunk()
  end)
end)
