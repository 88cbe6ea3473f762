--- Catch: a ball falls from a random column; a paddle at the bottom goes left (1), stays (2) or goes right (3). Catching is
-- worth 1, missing costs 1. Seen are the pixels (1,10,5), as in the Behaviour Suite (Osband et al. 2020).
-- @module tocha.rl.env.catch
local torch = require 'tocha'
local space = require 'tocha.rl.space'
require 'tocha.rl.environment'

local Catch = torch.class('rl.Catch', 'rl.Environment', {})

--- @tparam[opt] table options rows (10), columns (5)
function Catch:__init(options)
  self.rows, self.columns = options and options.rows or 10, options and options.columns or 5
  self.name, self.picture = 'Catch', { 16 * self.columns, 16 * self.rows }
  self.actions = space.Discrete(3)
  self.observations = space.Box({ 1, self.rows, self.columns }, 0, 1)
end

function Catch:begin()
  self.state = { row = 1, column = self:pick(self.columns), paddle = math.floor(self.columns / 2) + 1 }
end

function Catch:move(action)
  local s = self.state
  s.paddle = math.min(math.max(s.paddle + action - 2, 1), self.columns)
  s.row = s.row + 1
  if s.row < self.rows then return 0, false end
  return s.column == s.paddle and 1 or -1, true
end

function Catch:observe()
  local s, seen = self.state, torch.FloatTensor(1, self.rows, self.columns):zero()
  seen[{ 1, s.row, s.column }], seen[{ 1, self.rows, s.paddle }] = 1, 1
  return seen
end

function Catch:text()
  local s, rows = self.state, {}
  for r = 1, self.rows do
    local line = {}
    for c = 1, self.columns do
      line[c] = r == s.row and c == s.column and 'o' or r == self.rows and c == s.paddle and '=' or '.'
    end
    rows[r] = table.concat(line)
  end
  return table.concat(rows, '\n')
end

function Catch:draw(canvas)
  local s = self.state
  canvas:fill(0, 0, self.picture[1], self.picture[2], { 20, 20, 30 })
  canvas:fill(16 * (s.paddle - 1), 16 * (self.rows - 1) + 10, 16, 6, { 120, 200, 120 })
  canvas:dot(16 * s.column - 8, 16 * s.row - 8, { 240, 220, 120 }, 6)
end

return Catch
