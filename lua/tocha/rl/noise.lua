--- Noise that lets a policy without chance explore: a sample for each of N environments at every step.
-- @module tocha.rl.noise
local torch = require 'tocha'
local kinds = require 'tocha.kinds'
local signed = require 'tocha.signed'

local noise = {}

-- -- independent ------------------------------------------------------------------------------------------------------

local Gaussian = torch.class('rl.GaussianNoise', noise)

--- @tparam number n environments
-- @tparam number size of an action
-- @tparam number deviation
Gaussian.__init = signed('GaussianNoise', { 'self', 'table', 'n', 'count', 'size', 'count', 'deviation', 'finite' },
  function(self, n, size, deviation) self.n, self.size, self.deviation = n, size, deviation end)

function Gaussian:sample() return torch.randn(self.n, self.size):float():mul(self.deviation) end

--- Told which episodes ended.
function Gaussian.over() end

-- -- that lasts -------------------------------------------------------------------------------------------------------

local Ornstein = torch.class('rl.OrnsteinUhlenbeck', noise)

--- A pull back to 0 with time constant 1 / theta (Uhlenbeck and Ornstein 1930, in steps of dt as in Lillicrap et al. 2016).
Ornstein.__init = signed('OrnsteinUhlenbeck', { 'self', 'table', 'n', 'count', 'size', 'count', 'deviation', 'finite',
  'theta', 'finite?', 'dt', 'finite?' }, function(self, n, size, deviation, theta, dt)
  self.deviation, self.theta, self.dt = deviation, theta or .15, dt or .01
  self.now = torch.zeros(n, size):float()
end)

function Ornstein:sample()
  local kick = torch.randn(self.now:size(1), self.now:size(2)):float():mul(self.deviation * math.sqrt(self.dt))
  self.now:mul(1 - self.theta * self.dt):add(kick)
  return self.now:clone()
end

--- @tparam tensor ended (N), not 0 where an episode ended
function Ornstein:over(ended)
  kinds.check('OrnsteinUhlenbeck:over', 'ended', 'tensor', ended)
  for i = 1, ended:size(1) do
    if ended[i] ~= 0 then self.now[i]:zero() end
  end
end

return noise
