--- What a run of tests prints: a line for each test, a summary, and the failures at length.
-- @module tocha.tester.report
local report = {}

local columns = 80
local codes = { red = 31, green = 32, yellow = 33, magenta = 35, cyan = 36 }

-- Colours where a program runs, as Torch7 did; NO_COLOR turns them off.
local function coloured(text, colour)
  if not rawget(_G, 'arg') or os.getenv 'NO_COLOR' then return text end
  return ('\27[0;%dm%s\27[0m'):format(codes[colour], text)
end

local function counted(n, what) return ('%d %s%s'):format(n, what, n == 1 and '' or 's') end

local verdicts = { WAIT = 'cyan', PASS = 'green', FAIL = 'red', ERROR = 'magenta', SKIP = 'yellow' }

function report.start(n) io.write('Running ' .. counted(n, 'test') .. '\n') end

--- The line of a test; WAIT is written first and overwritten by the verdict.
function report.line(i, n, name, verdict, warned)
  local place = ('%' .. #tostring(n) .. 'd/%d '):format(i, n)
  local dots = ('.'):rep(columns - 8 - #place - #name)
  io.write(('%s%s%s %s [%s]%s'):format(verdict == 'WAIT' and '' or '\r', coloured(place, 'cyan'), name, dots,
    coloured(verdict, verdicts[verdict]), verdict == 'WAIT' and '' or '\n'))
  if warned then io.write((' '):rep(columns - 10) .. '[' .. coloured('+warning', 'yellow') .. ']\n') end
  io.flush()
end

function report.abort() io.write('Aborting on first error, not all tests have been executed\n') end

--- @tparam table counts asserts, tests, failures, errors, warnings, disabled
function report.summary(counts)
  local parts = {
    ('Completed %s in %s with %s'):format(counted(counts.asserts, 'assert'), counted(counts.tests, 'test'),
      coloured(counted(counts.failures, 'failure'), counts.failures == 0 and 'green' or 'red')),
    coloured(counted(counts.errors, 'error'), counts.errors == 0 and 'green' or 'magenta'),
  }
  if counts.warnings > 0 then parts[#parts + 1] = coloured(counted(counts.warnings, 'warning'), 'yellow') end
  if counts.disabled > 0 then parts[#parts + 1] = coloured(counts.disabled .. ' disabled', 'yellow') end
  io.write(table.concat(parts, ' and ') .. '\n')
end

--- Texts between rulers; each is one write.
function report.sections(...)
  local ruler = ('-'):rep(columns) .. '\n'
  local first = true
  for i = 1, select('#', ...) do
    for _, text in ipairs((select(i, ...))) do
      if first then io.write(ruler) end
      first = false
      io.write(text .. '\n')
      io.write(ruler)
    end
  end
end

return report
