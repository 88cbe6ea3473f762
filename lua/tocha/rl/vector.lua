--- Several environments of one kind, stepped together.
--
--     local envs = rl.Vector(8, 'CartPole')
--     local seen = envs:reset(seed)                 -- (8,4)
--     local step = envs:step(actions)               -- LongTensor (8), or FloatTensor (8,...) of a Box
--     seen = step.seen
--
-- One whose episode ends starts the next at once. A step holds
--
--     observation   what the actions were chosen for        next     what followed, the last of an episode included
--     action        as given                                seen     what the next actions are chosen for
--     reward        FloatTensor (N)                         terminated, truncated   FloatTensors (N) of 0 and 1
--     returns       undiscounted sums of the episodes that ended at this step
--
-- and tensors of its own, which no later step changes.
-- @module tocha.rl.vector
local torch = require 'tocha'
local space = require 'tocha.rl.space'
local kinds = require 'tocha.kinds'
local raise = require 'tocha.bindings.own'.raise

local most = 2 ^ 16 -- environments: a mistaken number should not take all memory

local package = {}
local Vector = torch.class('rl.Vector', package)

--- @tparam number n how many
-- @tparam function make gives an environment
function Vector:__init(n, make)
  if type(n) ~= 'number' or n < 1 or n > most or n % 1 ~= 0 then
    raise(('Vector: a whole number from 1 to %d is needed, not %s'):format(most, tostring(n)))
  end
  self.envs = {}
  for i = 1, n do
    self.envs[i] = make()
    if not torch.isTypeOf(self.envs[i], 'rl.Environment') then
      raise(('Vector: what was made is a %s, not an environment'):format(torch.type(self.envs[i])))
    end
  end
  self.n, self.name = n, self.envs[1].name
  self.observations, self.actions = self.envs[1].observations, self.envs[1].actions
  self.alternating = self.envs[1].alternating
end

--- Starts all; environment i gets the seed `seed + i - 1`.
-- @tparam[opt] number seed
-- @treturn tensor the first observations (N,...)
function Vector:reset(seed)
  kinds.check('Vector:reset', 'seed', 'whole?', seed)
  local seen = self.observations:batch(self.n)
  self.sums = {}
  for i, env in ipairs(self.envs) do
    seen[i], self.sums[i] = env:reset(seed and seed + i - 1), 0
  end
  self.seen = seen
  return seen
end

function Vector:__tostring__() return ('%d x %s'):format(self.n, tostring(self.envs[1])) end

-- All or none of the environments move.
local function check(self, actions)
  if not self.seen then raise(self.name .. ': no episode has begun: call reset') end
  if not torch.isTensor(actions) or actions:dim() == 0 or actions:size(1) ~= self.n then
    raise(('%s: %d actions are needed, one for each environment'):format(self.name, self.n))
  end
  for i = 1, self.n > 1 and self.n or 0 do -- a single environment looks itself
    if not self.actions:contains(actions[i]) then
      raise(('%s: the action %s of environment %d is not in %s'):format(self.name, space.text(actions[i]), i,
        tostring(self.actions)))
    end
  end
end

--- Does one action in each environment.
-- @tparam tensor actions (N,...)
-- @treturn table the step
function Vector:step(actions)
  check(self, actions)
  local n = self.n
  local step = { observation = self.seen, action = actions, next = self.observations:batch(n), returns = {},
                 reward = torch.FloatTensor(n), terminated = torch.FloatTensor(n), truncated = torch.FloatTensor(n) }
  local fresh
  for i, env in ipairs(self.envs) do
    local observation, reward, terminated, truncated = env:step(actions[i])
    step.next[i], step.reward[i] = observation, reward
    step.terminated[i], step.truncated[i] = terminated and 1 or 0, truncated and 1 or 0
    self.sums[i] = self.sums[i] + reward
    if terminated or truncated then
      step.returns[#step.returns + 1], self.sums[i] = self.sums[i], 0
      fresh = fresh or {}
      fresh[i] = env:reset()
    end
  end
  self.seen = step.next
  if fresh then
    self.seen = step.next:clone()
    for i, observation in pairs(fresh) do self.seen[i] = observation end
  end
  step.seen = self.seen
  return step
end

return package.Vector
