--- What all algorithms share: their constants, their steps, schedules over a run.
--
-- An agent is made for a vector of environments and used with it:
--
--     local actions = agent:act(seen, true)       -- true: explore
--     agent:learn(envs:step(actions))
--
-- A subclass has the constants `defaults` and the methods act(observations, explore) and learn(step), and calls advance. What
-- an agent knows stands in its fields, so that torch.save keeps it whole. Its networks are of floats, as observations are,
-- whatever the default type is.
-- @module tocha.rl.agent
local torch = require 'tocha'
local optim = require 'tocha.optim'
local constants = require 'tocha.rl.constants'
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise

local fields = { 'observation', 'action', 'reward', 'terminated', 'truncated', 'next', 'seen' }
local package = {}
local Agent = torch.class('rl.Agent', package)

--- @tparam Vector envs for whose spaces the agent is made
-- @tparam[opt] table config constants by name, over `defaults`
function Agent:__init(envs, config)
  local names = {}
  for key in pairs(self.defaults) do names[#names + 1] = key end
  table.sort(names)
  constants.check(self.name, 'constant', names, config)
  self.config = self.like(self.defaults, config or {})
  self.observations, self.actions, self.envs, self.steps = envs.observations, envs.actions, envs.n, 0
  -- What is good for the other player is bad for this one: what follows counts negatively.
  if envs.alternating and self.config.gamma then self.config.gamma = -math.abs(self.config.gamma) end
end

--- Constants that are another algorithm's but for some.
function Agent.like(base, own)
  local all = {}
  for key, value in pairs(base) do all[key] = value end
  for key, value in pairs(own) do all[key] = value end
  return all
end

--- Fails unless the actions are as the algorithm needs them.
function Agent:need(envs, kind, hint)
  if torch.type(envs.actions) ~= kind then
    raise(('%s: the actions of %s are %s; %s'):format(self.name, envs.name, tostring(envs.actions), hint))
  end
end

--- Fails unless a step is what envs:step(actions) gives.
function Agent:took(step)
  for k = 1, #fields do
    local name = fields[k]
    if type(step) ~= 'table' or step[name] == nil then
      raise(('%s: learn wants what envs:step(actions) gives, not a %s'):format(self.name,
        type(step) == 'table' and 'table without ' .. name or torch.type(step)))
    end
  end
  for k = 1, #fields do
    if not torch.isTensor(step[fields[k]]) then check(self.name, fields[k], 'tensor', step[fields[k]]) end
  end
end

--- Fails unless observations are as envs:reset() and the steps give them.
function Agent:sees(observations)
  if not torch.isTensor(observations) or observations:dim() == 0 then
    raise(('%s: act wants the observations of all environments, not a %s'):format(self.name, torch.type(observations)))
  end
end

--- Counts a step of all environments.
function Agent:advance() self.steps = self.steps + self.envs end

--- The share of the run that is done, 0 to 1.
function Agent:share() return math.min(self.steps / self.config.total, 1) end

--- A number that goes in a line from `first` to `last` over the part `over` of the run, and stays there.
function Agent:line(first, last, over)
  return first + (last - first) * math.min(self:share() / (over or 1), 1)
end

--- A step of Adam along gradients of norm `config.clip` at most.
function Agent:descend(gradients, parameters, state, rate)
  local norm, clip = gradients:norm(), self.config.clip
  if clip and norm > clip then gradients:mul(clip / norm) end
  optim.adam(function() return 0, gradients end, parameters, { learningRate = rate }, state)
end

--- What decides the policy, to be kept while learning goes on.
function Agent:snapshot() return self.parameters:clone() end

--- Takes a kept policy back.
function Agent:adopt(kept)
  check(self.name, 'the policy', 'tensor', kept)
  self.parameters:copy(kept)
end

--- The constants in a line.
function Agent:text()
  local words = {}
  for name, value in pairs(self.config) do words[#words + 1] = name .. '=' .. tostring(value) end
  table.sort(words)
  return table.concat(words, ' ')
end

function Agent:__tostring__() return self.name .. ': ' .. self:text() end

return package.Agent
