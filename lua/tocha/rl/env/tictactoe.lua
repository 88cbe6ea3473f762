--- Tic-tac-toe against oneself: the players take turns, and each step is seen and rewarded from the side of who is to move.
--
-- An observation is the board in digits to base 3, first field lowest, plus 1: 0 free, 1 of the player to move, 2 of the
-- other. Completing a line is worth 1; a field that is taken loses the game (-1). The field `alternating` tells algorithms that
-- what follows is worth to a player the opposite of what it is worth to the next.
-- @module tocha.rl.env.tictactoe
local torch = require 'tocha'
local space = require 'tocha.rl.space'
local signed = require 'tocha.signed'
local raise = require 'tocha.bindings.own'.raise
require 'tocha.rl.environment'

local TicTacToe = torch.class('rl.TicTacToe', 'rl.Environment', {})

local lines = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 }, { 1, 4, 7 }, { 2, 5, 8 }, { 3, 6, 9 }, { 1, 5, 9 }, { 3, 5, 7 } }

function TicTacToe:__init()
  self.name, self.alternating, self.picture = 'TicTacToe', true, { 96, 96 }
  self.actions, self.observations = space.Discrete(9), space.Discrete(3 ^ 9)
end

TicTacToe.ranges = { turn = { 1, 2 } }

function TicTacToe:begin()
  self.state = { turn = 1 } -- [field]: 1 or 2, the player; nil: free
end

function TicTacToe:observe()
  local s, code = self.state, 0
  for field = 9, 1, -1 do code = 3 * code + (s[field] == nil and 0 or s[field] == s.turn and 1 or 2) end
  return code + 1
end

--- The fields that are free.
function TicTacToe:legal()
  if not self.state then raise 'TicTacToe: no episode has begun: call reset' end
  local free = {}
  for field = 1, 9 do
    if not self.state[field] then free[#free + 1] = field end
  end
  return free
end

local function wins(s, player)
  for _, line in ipairs(lines) do
    if s[line[1]] == player and s[line[2]] == player and s[line[3]] == player then return true end
  end
  return false
end

function TicTacToe:move(field)
  local s, player = self.state, self.state.turn
  s.turn = 3 - player
  if s[field] then return -1, true end
  s[field] = player
  if wins(s, player) then return 1, true end
  return 0, #self:legal() == 0
end

-- The value of a board for the player to move, and the best fields; boards are kept by their code.
local function solve(self, known)
  local code, s = self:observe(), self.state
  if known[code] then return unpack(known[code]) end
  local best, choices = -2, nil
  for _, field in ipairs(self:legal()) do
    local reward, over = self:move(field)
    local value = over and reward or -solve(self, known)
    s[field], s.turn = nil, 3 - s.turn
    if value > best then best, choices = value, { field }
    elseif value == best then choices[#choices + 1] = field end
  end
  known[code] = { best, choices }
  return best, choices
end

local solved = {}

--- A field that a player who never errs would take, any of those that are as good.
function TicTacToe:perfect()
  if #self:legal() == 0 then raise 'TicTacToe: no field is free' end
  local _, fields = solve(self, solved)
  return fields[self:pick(#fields)]
end

--- Plays `games` games of one policy against another, the sides by turns; a policy is a function of the environment.
-- @treturn number won by the first
-- @treturn number drawn
-- @treturn number lost
TicTacToe.match = signed('TicTacToe:match', { 'self', 'rl.TicTacToe', 'first', 'function', 'second', 'function', 'games', 'count' },
  function(self, first, second, games)
  local won, drawn, lost = 0, 0, 0
  for game = 1, games do
    self:reset()
    local mine, reward, over = game % 2 == 1, 0, false
    while not over do
      local _
      _, reward, over = self:step((mine and first or second)(self))
      if not mine then reward = -reward end
      mine = not mine
    end
    if reward > 0 then won = won + 1 elseif reward < 0 then lost = lost + 1 else drawn = drawn + 1 end
  end
  return won, drawn, lost
end)

local marks = { 'X', 'O' }

function TicTacToe:text()
  local s, rows = self.state, {}
  for row = 0, 2 do
    local line = {}
    for column = 1, 3 do line[column] = marks[s[3 * row + column]] or '.' end
    rows[row + 1] = table.concat(line, ' ')
  end
  return table.concat(rows, '\n')
end

function TicTacToe:draw(canvas)
  for k = 1, 2 do
    canvas:line({ 32 * k, 4, 32 * k, 92 }, { 60, 60, 60 }, 2)
    canvas:line({ 4, 32 * k, 92, 32 * k }, { 60, 60, 60 }, 2)
  end
  for field = 1, 9 do
    local mark = marks[self.state[field]]
    local x, y = (field - 1) % 3 * 32 + 10, math.floor((field - 1) / 3) * 32 + 8
    if mark then canvas:text(x, y, mark, mark == 'X' and { 40, 80, 200 } or { 210, 70, 40 }, 3) end
  end
end

return TicTacToe
