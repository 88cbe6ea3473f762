--- Pendulum-v1: a torque from -2 to 2 is to swing a pendulum up and hold it there. A step costs the squared angle from the
-- top, a tenth of the squared speed and a thousandth of the squared torque.
-- @module tocha.rl.env.pendulum
local torch = require 'tocha'
local space = require 'tocha.rl.space'
require 'tocha.rl.environment'

local Pendulum = torch.class('rl.Pendulum', 'rl.Environment', {})

local gravity, mass, length, tick = 10, 1, 1, .05
local fastest, strongest = 8, 2

function Pendulum:__init()
  self.name, self.limit, self.picture = 'Pendulum-v1', 200, { 160, 160 }
  self.actions = space.Box({ 1 }, -strongest, strongest)
  self.observations = space.Box({ 3 }, { -1, -1, -fastest }, { 1, 1, fastest })
end

function Pendulum:begin() self.state = { angle = self:uniform(-math.pi, math.pi), speed = self:uniform(-1, 1) } end

-- The nearest number of single precision, in which Gymnasium takes the torque (Dekker 1971, by a product with 2^29 + 1).
local function single(x)
  local far = 536870913 * x
  return far - (far - x)
end

function Pendulum:move(action)
  local s, torque = self.state, action[1]
  local tilt = (s.angle + math.pi) % (2 * math.pi) - math.pi -- 0 at the top
  local cost = tilt * tilt + .1 * s.speed * s.speed + .001 * torque * torque
  local turn = 3 * gravity / (2 * length) * math.sin(s.angle) + single(3 / (mass * length ^ 2) * torque)
  s.speed = math.min(math.max(s.speed + turn * tick, -fastest), fastest)
  s.angle = s.angle + s.speed * tick
  return -cost, false
end

function Pendulum:observe()
  local s, seen = self.state, torch.FloatTensor(3)
  seen[1], seen[2], seen[3] = math.cos(s.angle), math.sin(s.angle), s.speed
  return seen
end

function Pendulum:draw(canvas)
  local s, x, y = self.state, 80, 80
  canvas:line({ x, y, x - 60 * math.sin(s.angle), y - 60 * math.cos(s.angle) }, { 200, 80, 80 }, 10)
  canvas:dot(x, y, { 40, 40, 40 }, 4)
end

return Pendulum
