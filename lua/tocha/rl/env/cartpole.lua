--- CartPole-v1: a pole stands on a cart, which is pushed left (1) or right (2). Every step that it stands is worth 1.
-- Barto, Sutton and Anderson 1983; equations of motion with a frictionless joint: Florian 2007, (23) and (24).
-- @module tocha.rl.env.cartpole
local torch = require 'tocha'
local space = require 'tocha.rl.space'
require 'tocha.rl.environment'

local CartPole = torch.class('rl.CartPole', 'rl.Environment', {})

local gravity, cart, pole, half = 9.8, 1, .1, .5 -- m/s^2, kg, kg, half the pole's length in m
local push, tick = 10, .02                       -- N, s
local widest, steepest = 2.4, 12 * math.pi / 180 -- m, rad

function CartPole:__init()
  self.name, self.limit = 'CartPole-v1', 500
  self.actions = space.Discrete(2)
  local far = { 2 * widest, math.huge, 2 * steepest, math.huge }
  self.observations = space.Box({ 4 }, { -far[1], -far[2], -far[3], -far[4] }, far)
end

function CartPole:begin()
  self.state = { x = self:uniform(-.05, .05), v = self:uniform(-.05, .05), angle = self:uniform(-.05, .05),
                 spin = self:uniform(-.05, .05) }
end

function CartPole:move(action)
  local s = self.state
  local force = action == 2 and push or -push
  -- The pole falls so fast that the order of these products shows after some seconds: it is Gymnasium's.
  local cos, sin, mass, moment = math.cos(s.angle), math.sin(s.angle), cart + pole, pole * half
  local drive = (force + moment * (s.spin * s.spin) * sin) / mass
  local turn = (gravity * sin - cos * drive) / (half * (4 / 3 - pole * (cos * cos) / mass))
  local speedUp = drive - moment * turn * cos / mass
  s.x, s.v = s.x + tick * s.v, s.v + tick * speedUp
  s.angle, s.spin = s.angle + tick * s.spin, s.spin + tick * turn
  return 1, math.abs(s.x) > widest or math.abs(s.angle) > steepest
end

function CartPole:observe()
  local s, seen = self.state, torch.FloatTensor(4)
  seen[1], seen[2], seen[3], seen[4] = s.x, s.v, s.angle, s.spin
  return seen
end

function CartPole:draw(canvas)
  local s, ground = self.state, 120
  local x = 120 + 45 * s.x
  canvas:line({ 0, ground, 240, ground }, { 120, 120, 120 })
  canvas:fill(x - 18, ground - 16, 36, 16, { 40, 40, 40 })
  canvas:line({ x, ground - 16, x + 80 * math.sin(s.angle), ground - 16 - 80 * math.cos(s.angle) }, { 200, 140, 80 }, 6)
  canvas:dot(x, ground - 16, { 90, 110, 200 }, 4)
end

return CartPole
