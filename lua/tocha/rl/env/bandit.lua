--- A bandit with several arms: arm k pays a normal sum of deviation 1 about a mean of its own, which was drawn from a
-- standard normal when the environment was last seeded (Sutton and Barto 2018, section 2.3). There is one state.
-- @module tocha.rl.env.bandit
local torch = require 'tocha'
local space = require 'tocha.rl.space'
require 'tocha.rl.environment'

local Bandit = torch.class('rl.Bandit', 'rl.Environment', {})

--- @tparam[opt] table options arms (10)
function Bandit:__init(options)
  self.name, self.limit = 'Bandit', 1000
  self.actions, self.observations = space.Discrete(options and options.arms or 10), space.Discrete(1)
end

function Bandit:begin(seed)
  if seed or not self.state then
    self.state = {}
    for arm = 1, self.actions.n do self.state[arm] = torch.normal(self.generator, 0, 1) end
  end
end

function Bandit:move(arm) return torch.normal(self.generator, self.state[arm], 1), false end

function Bandit:observe() return 1 end

function Bandit:draw(canvas)
  local n = self.actions.n
  canvas:line({ 0, 80, 240, 80 }, { 120, 120, 120 })
  for arm, mean in ipairs(self.state) do
    canvas:fill((arm - 1) * 240 / n + 2, math.min(80, 80 - 22 * mean), 240 / n - 4, math.abs(22 * mean), { 70, 110, 190 })
  end
end

return Bandit
