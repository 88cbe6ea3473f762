--- MountainCar-v0: a car in a valley pushes left (1), not at all (2) or right (3), too weakly to climb straight to the flag.
-- Every step costs 1. Moore 1990, with the constants of Sutton and Barto 2018, example 10.1.
-- @module tocha.rl.env.mountaincar
local torch = require 'tocha'
local space = require 'tocha.rl.space'
require 'tocha.rl.environment'

local MountainCar = torch.class('rl.MountainCar', 'rl.Environment', {})

local left, right, flag, fastest = -1.2, .6, .5, .07
local force, gravity = .001, .0025

local function clip(x, low, high) return math.min(math.max(x, low), high) end

function MountainCar:__init()
  self.name, self.limit = 'MountainCar-v0', 200
  self.actions = space.Discrete(3)
  self.observations = space.Box({ 2 }, { left, -fastest }, { right, fastest })
end

function MountainCar:begin() self.state = { x = self:uniform(-.6, -.4), v = 0 } end

function MountainCar:move(action)
  local s = self.state
  s.v = clip(s.v + (action - 2) * force - gravity * math.cos(3 * s.x), -fastest, fastest)
  s.x = clip(s.x + s.v, left, right)
  if s.x == left and s.v < 0 then s.v = 0 end
  return -1, s.x >= flag and s.v >= 0
end

function MountainCar:observe()
  local seen = torch.FloatTensor(2)
  seen[1], seen[2] = self.state.x, self.state.v
  return seen
end

function MountainCar:draw(canvas)
  local function at(x) return (x - left) / (right - left) * 230 + 5, 130 - 55 * (math.sin(3 * x) + .8) end
  local hill = {}
  for i = 0, 60 do hill[2 * i + 1], hill[2 * i + 2] = at(left + i / 60 * (right - left)) end
  canvas:line(hill, { 90, 90, 90 }, 2)
  local x, y = at(flag)
  canvas:line({ x, y, x, y - 26, x + 12, y - 21, x, y - 16 }, { 200, 60, 40 }, 2)
  x, y = at(self.state.x)
  canvas:dot(x, y - 6, { 40, 80, 180 }, 6)
end

return MountainCar
