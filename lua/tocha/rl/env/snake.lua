--- Snake: eat and grow (1 each), and do not run into the wall or yourself (-1, the end). Actions: up, right, down, left; a
-- turn straight back goes on as before. Seen are the pixels (3,H,W): body, head, food.
-- @module tocha.rl.env.snake
local torch = require 'tocha'
local space = require 'tocha.rl.space'
require 'tocha.rl.environment'

local Snake = torch.class('rl.Snake', 'rl.Environment', {})

local directions = { { -1, 0 }, { 0, 1 }, { 1, 0 }, { 0, -1 } }
local cell = 16

--- @tparam[opt] table options size (8): rows and columns
function Snake:__init(options)
  self.size = options and options.size or 8
  self.name, self.limit, self.picture = 'Snake', 500, { cell * self.size, cell * self.size }
  self.actions = space.Discrete(4)
  self.observations = space.Box({ 3, self.size, self.size }, 0, 1)
end

-- Food on a free place, if there is one.
local function feed(self)
  local s, taken, free = self.state, {}, {}
  for _, at in ipairs(s.body) do taken[at] = true end
  for at = 1, self.size * self.size do
    if not taken[at] then free[#free + 1] = at end
  end
  s.food = #free > 0 and free[self:pick(#free)] or nil
end

Snake.ranges = { direction = { 1, 4 } }

function Snake:begin()
  local middle = math.floor(self.size / 2) * self.size + math.floor(self.size / 2)
  self.state = { body = { middle, middle - 1 }, direction = 2 } -- the head first
  feed(self)
end

function Snake:move(action)
  local s = self.state
  if (action - s.direction) % 4 ~= 2 then s.direction = action end
  local by, head = directions[s.direction], s.body[1] - 1
  local row, column = math.floor(head / self.size) + by[1], head % self.size + by[2]
  if row < 0 or row >= self.size or column < 0 or column >= self.size then return -1, true end
  local at = row * self.size + column + 1
  local eats = at == s.food
  if not eats then s.body[#s.body] = nil end
  for _, other in ipairs(s.body) do
    if other == at then return -1, true end
  end
  table.insert(s.body, 1, at)
  if not eats then return 0, false end
  feed(self)
  return 1, s.food == nil
end

function Snake:observe()
  local s, seen = self.state, torch.FloatTensor(3, self.size, self.size):zero()
  local flat = seen:view(3, -1)
  for _, at in ipairs(s.body) do flat[{ 1, at }] = 1 end
  if s.body[1] then flat[{ 2, s.body[1] }] = 1 end
  if s.food then flat[{ 3, s.food }] = 1 end
  return seen
end

-- The letter or colour of a place.
local function look(self, at, head, body, food, empty)
  local s = self.state
  if at == s.body[1] then return head end
  for _, other in ipairs(s.body) do
    if other == at then return body end
  end
  return at == s.food and food or empty
end

function Snake:text()
  local rows = {}
  for row = 0, self.size - 1 do
    local line = {}
    for column = 1, self.size do line[column] = look(self, row * self.size + column, '@', 'o', '*', '.') end
    rows[row + 1] = table.concat(line)
  end
  return table.concat(rows, '\n')
end

function Snake:draw(canvas)
  for at = 1, self.size * self.size do
    local colour = look(self, at, { 250, 220, 90 }, { 90, 190, 90 }, { 220, 70, 60 }, { 30, 30, 40 })
    canvas:fill((at - 1) % self.size * cell, math.floor((at - 1) / self.size) * cell, cell - 1, cell - 1, colour)
  end
end

return Snake
