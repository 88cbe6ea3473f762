--- Acrobot-v1: two links hang from a bar; a torque of -1 (1), 0 (2) or 1 (3) between them is to swing the free end a link's
-- length above the bar. Every step but the last costs 1. Sutton 1996, with the equations of Sutton and Barto's book.
-- @module tocha.rl.env.acrobot
local torch = require 'tocha'
local space = require 'tocha.rl.space'
require 'tocha.rl.environment'

local Acrobot = torch.class('rl.Acrobot', 'rl.Environment', {})

local cos, sin, pi = math.cos, math.sin, math.pi
local tick, gravity = .2, 9.8
local mass, length, center, inertia = 1, 1, .5, 1 -- of each link
local fastest1, fastest2 = 4 * pi, 9 * pi

function Acrobot:__init()
  self.name, self.limit, self.picture = 'Acrobot-v1', 500, { 180, 180 }
  self.actions = space.Discrete(3)
  local far = { 1, 1, 1, 1, fastest1, fastest2 }
  self.observations = space.Box({ 6 }, { -1, -1, -1, -1, -fastest1, -fastest2 }, far)
end

function Acrobot:begin()
  self.state = { a1 = self:uniform(-.1, .1), a2 = self:uniform(-.1, .1), v1 = self:uniform(-.1, .1), v2 = self:uniform(-.1, .1) }
end

-- Accelerations of both angles; the second is counted from the first link.
local function accelerations(a1, a2, v1, v2, torque)
  local d1 = mass * center ^ 2 + mass * (length ^ 2 + center ^ 2 + 2 * length * center * cos(a2)) + 2 * inertia
  local d2 = mass * (center ^ 2 + length * center * cos(a2)) + inertia
  local phi2 = mass * center * gravity * cos(a1 + a2 - pi / 2)
  local phi1 = -mass * length * center * v2 * v2 * sin(a2) - 2 * mass * length * center * v2 * v1 * sin(a2)
    + (mass * center + mass * length) * gravity * cos(a1 - pi / 2) + phi2
  local dv2 = (torque + d2 / d1 * phi1 - mass * length * center * v1 * v1 * sin(a2) - phi2)
    / (mass * center ^ 2 + inertia - d2 * d2 / d1)
  return -(d2 * dv2 + phi1) / d1, dv2
end

-- One step of Runge and Kutta's fourth-order method.
local function integrate(a1, a2, v1, v2, torque)
  local h = tick / 2
  local p1, p2 = accelerations(a1, a2, v1, v2, torque)
  local qv1, qv2 = v1 + h * p1, v2 + h * p2
  local q1, q2 = accelerations(a1 + h * v1, a2 + h * v2, qv1, qv2, torque)
  local rv1, rv2 = v1 + h * q1, v2 + h * q2
  local r1, r2 = accelerations(a1 + h * qv1, a2 + h * qv2, rv1, rv2, torque)
  local sv1, sv2 = v1 + tick * r1, v2 + tick * r2
  local s1, s2 = accelerations(a1 + tick * rv1, a2 + tick * rv2, sv1, sv2, torque)
  local share = tick / 6
  return a1 + share * (v1 + 2 * qv1 + 2 * rv1 + sv1), a2 + share * (v2 + 2 * qv2 + 2 * rv2 + sv2),
    v1 + share * (p1 + 2 * q1 + 2 * r1 + s1), v2 + share * (p2 + 2 * q2 + 2 * r2 + s2)
end

-- An angle brought into [-pi, pi].
local function wrap(angle)
  while angle > pi do angle = angle - 2 * pi end
  while angle < -pi do angle = angle + 2 * pi end
  return angle
end

local function clip(x, most) return math.min(math.max(x, -most), most) end

function Acrobot:move(action)
  local s = self.state
  local a1, a2, v1, v2 = integrate(s.a1, s.a2, s.v1, s.v2, action - 2)
  s.a1, s.a2, s.v1, s.v2 = wrap(a1), wrap(a2), clip(v1, fastest1), clip(v2, fastest2)
  local up = -cos(s.a1) - cos(s.a1 + s.a2) > 1
  return up and 0 or -1, up
end

function Acrobot:observe()
  local s, seen = self.state, torch.FloatTensor(6)
  seen[1], seen[2], seen[3], seen[4], seen[5], seen[6] = cos(s.a1), sin(s.a1), cos(s.a2), sin(s.a2), s.v1, s.v2
  return seen
end

function Acrobot:draw(canvas)
  local s, x, y, size = self.state, 90, 90, 38
  canvas:line({ 0, y - size, 180, y - size }, { 160, 160, 160 })
  local x1, y1 = x + size * sin(s.a1), y + size * cos(s.a1)
  canvas:line({ x, y, x1, y1 }, { 0, 150, 160 }, 7)
  canvas:line({ x1, y1, x1 + size * sin(s.a1 + s.a2), y1 + size * cos(s.a1 + s.a2) }, { 0, 190, 120 }, 7)
  canvas:dot(x, y, { 60, 60, 60 }, 4)
  canvas:dot(x1, y1, { 60, 60, 60 }, 4)
end

return Acrobot
