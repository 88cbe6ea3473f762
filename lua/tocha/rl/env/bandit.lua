--- A bandit with several arms: arm k pays a normal sum of deviation 1 about a mean of its own, which is drawn from a
-- standard normal for each machine (Sutton and Barto 2018, section 2.3). There is one state.
-- @module tocha.rl.env.bandit
local torch = require 'tocha'
local space = require 'tocha.rl.space'
require 'tocha.rl.environment'

local Bandit = torch.class('rl.Bandit', 'rl.Environment', {})

--- @tparam[opt] table options arms (10), machine (1): a number, which gives the means
function Bandit:__init(options)
  self.name, self.limit = 'Bandit', 1000
  self.actions, self.observations = space.Discrete(options and options.arms or 10), space.Discrete(1)
  self.means = torch.DoubleTensor(self.actions.n):normal(torch.Generator(options and options.machine or 1), 0, 1):totable()
end

function Bandit:begin() self.state = { last = 0, won = 0 } end -- the arm pulled last, and the sum of the rewards

function Bandit:move(arm)
  local reward = torch.normal(self.generator, self.means[arm], 1)
  self.state.last, self.state.won = arm, self.state.won + reward
  return reward, false
end

function Bandit:observe() return 1 end

function Bandit:draw(canvas)
  local n = self.actions.n
  canvas:line({ 0, 80, 240, 80 }, { 120, 120, 120 })
  for arm, mean in ipairs(self.means) do
    local colour = arm == self.state.last and { 210, 120, 40 } or { 70, 110, 190 }
    canvas:fill((arm - 1) * 240 / n + 2, math.min(80, 80 - 22 * mean), 240 / n - 4, math.abs(22 * mean), colour)
  end
end

return Bandit
