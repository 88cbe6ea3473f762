--- Walks over a map of letters: FrozenLake-v1 (4x4 and 8x8) and CliffWalking-v1.
--
-- On the lake S is the start, F ice, H a hole, G the goal, worth 1; by default the ice is slippery: a move goes where it
-- should or to either side of that, each as likely. On the cliff every step costs 1, and a step over the edge (C) 100 and the
-- way back to the start.
-- @module tocha.rl.env.grid
local torch = require 'tocha'
local space = require 'tocha.rl.space'
require 'tocha.rl.environment'

local package = {}
local Grid = torch.class('rl.Grid', 'rl.Environment', package)

local cell = 24 -- pixels

--- @tparam {string,...} map rows of letters, one S among them
-- @tparam {{number,number},...} moves rows and columns by which the actions move, neighbours side by side
-- @tparam boolean slippery
function Grid:__init(map, moves, slippery)
  self.map, self.moves, self.slippery = map, moves, slippery
  self.rows, self.columns = #map, #map[1]
  self.actions = space.Discrete(#moves)
  self.observations = space.Discrete(self.rows * self.columns)
  self.picture = { self.columns * cell, self.rows * cell }
  self.home = table.concat(map):find 'S'
end

function Grid:begin() self.state = { at = self.home } end

function Grid:observe() return self.state.at end

--- The letter at a place.
function Grid:letter(at)
  local column = (at - 1) % self.columns
  return self.map[(at - 1 - column) / self.columns + 1]:sub(column + 1, column + 1)
end

-- One step in a direction, up to the border.
local function go(self, at, direction)
  local column = (at - 1) % self.columns
  local row = (at - 1 - column) / self.columns
  local by = self.moves[direction]
  row = math.min(math.max(row + by[1], 0), self.rows - 1)
  column = math.min(math.max(column + by[2], 0), self.columns - 1)
  return row * self.columns + column + 1
end

function Grid:move(action)
  local direction, n = action, #self.moves
  if self.slippery then
    local u = self:uniform()
    local turn = u < 1 / 3 and -1 or u < 1 / 3 + 1 / 3 and 0 or 1
    direction = (action - 1 + turn) % n + 1
  end
  local at = go(self, self.state.at, direction)
  local reward, terminated, to = self:enter(self:letter(at))
  self.state.at = to or at
  return reward, terminated
end

function Grid:text()
  local rows = {}
  for row, line in ipairs(self.map) do
    local here = self.state.at - (row - 1) * self.columns
    rows[row] = here >= 1 and here <= self.columns and line:sub(1, here - 1) .. '@' .. line:sub(here + 1) or line
  end
  return table.concat(rows, '\n')
end

local colours = { S = { 200, 220, 255 }, F = { 225, 240, 255 }, H = { 30, 40, 90 }, G = { 80, 180, 90 }, C = { 90, 60, 40 } }

function Grid:draw(canvas)
  for at = 1, self.rows * self.columns do
    local x, y = (at - 1) % self.columns * cell, math.floor((at - 1) / self.columns) * cell
    canvas:fill(x, y, cell - 1, cell - 1, colours[self:letter(at)])
    if at == self.state.at then canvas:dot(x + cell / 2, y + cell / 2, { 210, 70, 40 }, cell / 3) end
  end
end

-- -- FrozenLake -----------------------------------------------------------------------------------------------------

local FrozenLake = torch.class('rl.FrozenLake', 'rl.Grid', package)

local lakes = {
  ['4x4'] = { 'SFFF', 'FHFH', 'FFFH', 'HFFG' },
  ['8x8'] = { 'SFFFFFFF', 'FFFFFFFF', 'FFFHFFFF', 'FFFFFHFF', 'FFFHFFFF', 'FHHFFFHF', 'FHFFHFHF', 'FFFHFFFG' },
}

--- Actions: left, down, right, up.
-- @tparam[opt] table options size ('4x4'), slippery (true)
function FrozenLake:__init(options)
  local size = options and options.size or '4x4'
  Grid.__init(self, lakes[size], { { 0, -1 }, { 1, 0 }, { 0, 1 }, { -1, 0 } }, not options or options.slippery ~= false)
  self.name, self.limit = size == '4x4' and 'FrozenLake-v1' or 'FrozenLake8x8-v1', size == '4x4' and 100 or 200
end

function FrozenLake:enter(letter)
  return letter == 'G' and 1 or 0, letter == 'G' or letter == 'H'
end

-- -- CliffWalking ---------------------------------------------------------------------------------------------------

local CliffWalking = torch.class('rl.CliffWalking', 'rl.Grid', package)

--- Actions: up, right, down, left.
-- @tparam[opt] table options slippery (false)
function CliffWalking:__init(options)
  Grid.__init(self, { 'FFFFFFFFFFFF', 'FFFFFFFFFFFF', 'FFFFFFFFFFFF', 'SCCCCCCCCCCG' },
    { { -1, 0 }, { 0, 1 }, { 1, 0 }, { 0, -1 } }, options and options.slippery or false)
  self.name = 'CliffWalking-v1'
end

function CliffWalking:enter(letter)
  if letter == 'C' then return -100, false, self.home end
  return -1, letter == 'G'
end

return package
