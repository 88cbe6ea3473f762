--- A progress bar on standard error: done, rate, time left and a note (loss, accuracy). Where standard error is no terminal, or
-- when it is told to be quiet, it writes nothing.
--
--     local bar = Progress(10000, { label = 'epoch 1/5', unit = 'images' })
--     bar:update(6400, 'loss 0.1234')
--     bar:finish()
--
-- @module tocha.train.progress
local torch = require 'tocha'
local check = require 'tocha.kinds'.check
local file = require 'tocha.bindings.file'

local Progress = {}
Progress.__index = Progress

local barWidth, interval = 24, .1 -- letters; seconds between two drawings

--- Seconds as "42s", "3m05s" or "2h07m".
local function duration(seconds)
  if seconds >= 360000 or seconds ~= seconds then return '--' end
  seconds = math.floor(seconds + .5)
  if seconds < 60 then return seconds .. 's' end
  if seconds < 3600 then return ('%dm%02ds'):format(math.floor(seconds / 60), seconds % 60) end
  return ('%dh%02dm'):format(math.floor(seconds / 3600), math.floor(seconds / 60) % 60)
end

--- @tparam number total what `update` counts up to
-- @tparam[opt] table options label, unit ('items'), quiet, stream (a file; by default standard error, if it is a terminal)
function Progress.new(total, options)
  check('Progress', 'total', 'number', total)
  check('Progress', 'options', { label = 'name?', unit = 'name?' }, options)
  options = options or {}
  local stream = options.stream or (file.isTerminal(2) and io.stderr or nil)
  if options.quiet then stream = nil end
  return setmetatable({ total = total, label = options.label or '', unit = options.unit or 'items', stream = stream,
                        timer = torch.Timer(), last = -1, width = 0 }, Progress)
end

--- The line that stands for `done` after `seconds`.
function Progress:line(done, note, seconds)
  check('Progress', 'done', 'number', done)
  check('Progress', 'seconds', 'number', seconds)
  local share = self.total > 0 and math.min(done / self.total, 1) or 1
  local full = math.floor(share * barWidth)
  local rate = seconds > 0 and done / seconds or 0
  local left = done < self.total and duration((self.total - done) / rate) .. ' left' or duration(seconds)
  return ('%s [%s%s] %3d%%  %.0f %s/s  %s  %s'):format(self.label, ('='):rep(full), (' '):rep(barWidth - full), share * 100,
    rate, self.unit, left, note or '')
end

local function draw(self, done, note)
  local text = self:line(done, note, self.timer:time().real)
  self.stream:write('\r', text, (' '):rep(math.max(self.width - #text, 0)))
  self.stream:flush()
  self.width = #text
end

--- Tells how much is done. Draws at most ten times a second.
function Progress:update(done, note)
  if not self.stream then return end
  check('Progress', 'done', 'number', done)
  local now = self.timer:time().real
  if now - self.last < interval and done < self.total then return end
  self.last = now
  draw(self, done, note)
end

--- Takes the bar away.
function Progress:finish()
  if not self.stream then return end
  self.stream:write('\r', (' '):rep(self.width), '\r')
  self.stream:flush()
end

Progress.duration = duration
return setmetatable(Progress, { __call = function(_, ...) return Progress.new(...) end })
