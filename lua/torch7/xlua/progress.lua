--- xlua.progress(done, total): a bar on standard output, with the time of a step and what is left.
--
-- On a terminal it is redrawn at most ten times a second; elsewhere only the last line of each bar is written.
-- @module xlua.progress
local torch = require 'torch'
local guard = require 'tocha.bindings.guard'
local file = require 'tocha.bindings.file'
local raise = require 'tocha.bindings.own'.raise

local progress = {}
local width, interval = 60, .1 -- columns of the bar; seconds between two drawings
local bar = { done = math.huge }
local terminal = file.isTerminal(1)

local units = { { 'D', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } }

--- Seconds in its two largest units: "1h2m", "3s450ms", "12ms".
function progress.formatTime(seconds)
  local text, parts = '', 0
  for _, unit in ipairs(units) do
    local count = math.floor(seconds / unit[2])
    if count > 0 and parts < 2 then
      text, parts = ('%s%d%s'):format(text, count, unit[1]), parts + 1
    end
    seconds = seconds - count * unit[2]
  end
  if parts < 2 and math.floor(seconds * 1000) > 0 or parts == 0 then
    text = ('%s%dms'):format(text, math.floor(seconds * 1000))
  end
  return text
end

--- Draws that `done` of `total` is reached; a smaller `done` than before begins a new bar.
function progress.progress(done, total)
  if type(done) ~= 'number' or type(total) ~= 'number' then
    raise(('xlua.progress: the numbers of what is done and of all are wanted, not a %s and a %s'):format(type(done), type(total)))
  end
  local now = torch.tic()
  if done <= bar.done or total ~= bar.total then
    bar = { start = now, drawn = -1, first = done, total = total }
  end
  bar.done = done
  local last = done >= total
  if bar.over or not last and (not terminal or now - bar.drawn < interval) then return end
  bar.drawn, bar.over = now, last
  local share = total > 0 and math.min(done / total, 1) or 1
  local full = math.floor(share * width)
  local steps = math.max(done - bar.first, 1)
  local step = (now - bar.start) / steps
  io.write(terminal and '\r' or '', ' [', ('='):rep(full), last and '' or '>', ('.'):rep(width - full - (last and 0 or 1)), '] ',
    ('%d/%d'):format(done, total), '  ', last and 'Tot: ' or 'ETA: ',
    progress.formatTime(last and now - bar.start or step * (total - done)), ' | Step: ', progress.formatTime(step), '   ',
    last and '\n' or '')
  io.flush()
end

return guard.functions('xlua.', progress)
