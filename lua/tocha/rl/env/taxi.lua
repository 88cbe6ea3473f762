--- Taxi-v4: fetch a passenger at one of four stands and bring him to another (Dietterich 2000). Every step costs 1, a pick-up
-- or set-down at the wrong place 10; the right set-down is worth 20. Actions: south, north, east, west, pick up, set down.
-- A state is ((row * 5 + column) * 5 + passenger) * 4 + destination + 1, where passenger 4 sits in the taxi.
-- @module tocha.rl.env.taxi
local torch = require 'tocha'
local space = require 'tocha.rl.space'
require 'tocha.rl.environment'

local Taxi = torch.class('rl.Taxi', 'rl.Environment', {})

-- The letters are stands; between two places of a row stands a wall or not.
local map = { 'R: | : :G', ' : | : : ', ' : : : : ', ' | : | : ', 'Y| : |B: ' }
local stands = { [0] = { 0, 0, 'R' }, { 0, 4, 'G' }, { 4, 0, 'Y' }, { 4, 3, 'B' } }
local colours = { [0] = { 220, 60, 50 }, { 60, 170, 80 }, { 225, 190, 50 }, { 70, 100, 210 } }
local cell = 30

function Taxi:__init()
  self.name, self.limit, self.picture = 'Taxi-v4', 200, { 5 * cell, 5 * cell }
  self.actions, self.observations = space.Discrete(6), space.Discrete(500)
end

Taxi.ranges = { row = { 0, 4 }, column = { 0, 4 }, passenger = { 0, 4 }, goal = { 0, 3 } }

function Taxi:begin()
  local passenger, other = self:pick(4) - 1, self:pick(3)
  self.state = { row = self:pick(5) - 1, column = self:pick(5) - 1, passenger = passenger, goal = (passenger + other) % 4 }
end

-- The number of the stand where the taxi is, or nil.
local function standHere(s)
  for k = 0, 3 do
    if stands[k][1] == s.row and stands[k][2] == s.column then return k end
  end
end

local function open(s, side) -- side: 1 east, -1 west
  local at = 2 * s.column + 1 + side
  return map[s.row + 1]:sub(at, at) == ':'
end

function Taxi:move(action)
  local s = self.state
  if action == 1 then s.row = math.min(s.row + 1, 4)
  elseif action == 2 then s.row = math.max(s.row - 1, 0)
  elseif action == 3 then s.column = open(s, 1) and s.column + 1 or s.column
  elseif action == 4 then s.column = open(s, -1) and s.column - 1 or s.column
  elseif action == 5 then
    if s.passenger == 4 or standHere(s) ~= s.passenger then return -10, false end
    s.passenger = 4
  else
    local here = standHere(s)
    if s.passenger ~= 4 or not here then return -10, false end
    s.passenger = here
    if here == s.goal then return 20, true end
  end
  return -1, false
end

function Taxi:observe()
  local s = self.state
  return ((s.row * 5 + s.column) * 5 + s.passenger) * 4 + s.goal + 1
end

function Taxi:text()
  local s, rows = self.state, {}
  for r, line in ipairs(map) do
    local at = 2 * s.column + 1
    rows[r] = '|' .. (r - 1 == s.row and line:sub(1, at - 1) .. '@' .. line:sub(at + 1) or line) .. '|'
  end
  rows[6] = ('passenger %s, to %s'):format(s.passenger == 4 and 'in the taxi' or 'at ' .. stands[s.passenger][3], stands[s.goal][3])
  return table.concat(rows, '\n')
end

function Taxi:draw(canvas)
  local s = self.state
  for k = 0, 3 do canvas:fill(stands[k][2] * cell, stands[k][1] * cell, cell, cell, colours[k], .6) end
  for row, line in ipairs(map) do
    for column = 1, 4 do
      local wall = line:sub(2 * column, 2 * column) == '|'
      local x, y = column * cell, (row - 1) * cell
      canvas:line({ x, y, x, y + cell }, wall and { 0, 0, 0 } or { 225, 225, 225 }, wall and 3 or 1)
    end
  end
  local x, y = s.column * cell, s.row * cell
  canvas:fill(x + 5, y + 9, 20, 12, s.passenger == 4 and { 80, 80, 80 } or { 240, 150, 40 })
  if s.passenger < 4 then canvas:dot(stands[s.passenger][2] * cell + 8, stands[s.passenger][1] * cell + 8, { 0, 0, 0 }, 4) end
  canvas:text(stands[s.goal][2] * cell + 20, stands[s.goal][1] * cell + 4, 'X', { 0, 0, 0 }, 1)
end

return Taxi
