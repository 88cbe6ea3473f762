--- Time: `torch.Timer`, `torch.tic`, `torch.toc`.
-- @module tocha.bindings.timer
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local guard = require 'tocha.bindings.guard'
local class = require 'tocha.class'

local real, user, system = ffi.new('double[1]'), ffi.new('double[1]'), ffi.new('double[1]')

local function clock()
  C.tch_clock(real, user, system)
  return real[0], user[0], system[0]
end

--- A stop watch that runs from its making.
-- @type torch.Timer
local Timer = class('torch.Timer')

function Timer:__init() self:reset() end

--- Back to zero; running if it ran.
function Timer:reset()
  local running = not self.stopped
  self.real, self.user, self.sys = 0, 0, 0
  self.stopped = true
  if running then self:resume() end
  return self
end

function Timer:resume()
  if self.stopped then
    self.stopped = false
    self.startReal, self.startUser, self.startSys = clock()
  end
  return self
end

function Timer:stop()
  local t = self:time()
  self.real, self.user, self.sys = t.real, t.user, t.sys
  self.stopped = true
  return self
end

--- Seconds so far: {real =, user =, sys =}.
function Timer:time()
  if self.stopped then return { real = self.real, user = self.user, sys = self.sys } end
  local r, u, s = clock()
  return { real = self.real + r - self.startReal, user = self.user + u - self.startUser, sys = self.sys + s - self.startSys }
end

guard.functions('Timer.', Timer)

local T = {}

ffi.cdef 'int usleep(unsigned int);'

--- Waits.
function T.sleep(seconds)
  local stop = clock() + seconds
  local left = seconds
  while left > 0 do
    ffi.C.usleep(math.min(left * 1e6, 999999))
    left = stop - clock()
  end
end

function T.install(torch)
  torch.Timer = Timer
  --- The time now, for `torch.toc`.
  function torch.tic() return (clock()) end
  --- Seconds since the time that `torch.tic` gave.
  function torch.toc(since)
    if type(since) ~= 'number' then own.bad('toc', 'the time since when', 'a number', since) end
    return (clock()) - since
  end
end

return T
