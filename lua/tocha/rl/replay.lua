--- A replay: what an agent lived through lately, in tensors that are made once.
--
-- An entry spans `nsteps` steps: the observation and action it starts with, the sum of rewards r_1 + gamma r_2 + ..., the
-- observation after them, and the factor `discount` by which what that one is worth counts: gamma^nsteps, or 0 where the
-- world ended. So an algorithm's target is reward + discount * value(next), whatever nsteps and gamma are.
-- @module tocha.rl.replay
local torch = require 'tocha'
local Priority = require 'tocha.rl.priority'
local kinds = require 'tocha.kinds'
local raise = require 'tocha.bindings.own'.raise

local package = {}
local Replay = torch.class('rl.Replay', package)

local taken = { 'observation', 'action', 'reward', 'next', 'terminated', 'truncated' }
local names = { 'observation', 'action', 'reward', 'next', 'discount' }

--- @tparam number capacity entries; later the oldest give way
-- @param observations space
-- @param actions space
-- @tparam table options gamma (below 0 where turns alternate); nsteps (1); alpha: exponent of priorities, none if absent
function Replay:__init(capacity, observations, actions, options)
  if type(capacity) ~= 'number' or capacity < 1 or capacity % 1 ~= 0 then
    raise('Replay: a whole number from 1 is needed, not ' .. tostring(capacity))
  end
  if type(options) ~= 'table' or type(options.gamma) ~= 'number' or not (math.abs(options.gamma) <= 1) then
    raise 'Replay: options are a table with the number gamma, from -1 to 1'
  end
  kinds.check('Replay', 'observations', 'space', observations)
  kinds.check('Replay', 'actions', 'space', actions)
  kinds.check('Replay', 'options', { nsteps = 'count?', alpha = 'finite?' }, options)
  self.capacity, self.gamma, self.nsteps = capacity, options.gamma, options.nsteps or 1
  self.count, self.at = 0, 0
  self.rows = { observation = observations:batch(capacity), action = actions:batch(capacity),
                next = observations:batch(capacity), reward = torch.FloatTensor(capacity),
                discount = torch.FloatTensor(capacity) }
  self.batch = {}
  for _, name in ipairs(names) do self.batch[name] = self.rows[name].new() end
  self.batch.index = torch.LongTensor()
  self.priority = options.alpha and Priority(capacity, options.alpha) or nil
  self.waiting = {} -- per environment: entries of which less than nsteps have passed, the oldest first
end

local function store(self, entry, last, discount)
  local rows, at = self.rows, self.at % self.capacity + 1
  rows.observation[at], rows.action[at], rows.reward[at] = entry.observation, entry.action, entry.reward
  rows.next[at], rows.discount[at] = last, discount
  self.at, self.count = at, math.min(self.count + 1, self.capacity)
  if self.priority then self.priority:add(at) end
end

-- One environment's step.
local function push(self, i, step)
  local queue = self.waiting[i] or {}
  self.waiting[i] = queue
  queue[#queue + 1] = { observation = step.observation[i], action = step.action[i], reward = 0, factor = 1 }
  for _, entry in ipairs(queue) do
    entry.reward = entry.reward + entry.factor * step.reward[i]
    entry.factor = entry.factor * self.gamma
  end
  local over = step.terminated[i] == 1 or step.truncated[i] == 1
  while #queue > 0 and (over or #queue >= self.nsteps) do
    local entry = table.remove(queue, 1)
    store(self, entry, step.next[i], step.terminated[i] == 1 and 0 or entry.factor)
  end
end

--- Takes a step of a vector of environments in.
function Replay:add(step)
  if type(step) ~= 'table' then kinds.check('Replay:add', 'the step', 'table', step) end
  for k = 1, #taken do
    local name = taken[k]
    if not torch.isTensor(step[name]) then kinds.check('Replay:add', name, 'tensor', step[name]) end
  end
  for i = 1, step.reward:size(1) do push(self, i, step) end
end

--- Draws a batch of entries: observation, action, reward, next, discount and index, in tensors that the next call reuses; with
-- priorities also `share`, the probabilities of the entries.
function Replay:sample(n)
  kinds.check('Replay:sample', 'n', 'count', n)
  if self.count == 0 then raise 'replay: there is nothing to draw from yet' end
  local batch = self.batch
  batch.index:resize(n)
  if self.priority then
    batch.share = (batch.share or torch.FloatTensor()):resize(n)
    self.priority:draw(batch.index, batch.share)
  else
    batch.index:random(1, self.count)
  end
  for _, name in ipairs(names) do batch[name]:index(self.rows[name], 1, batch.index) end
  return batch
end

return package.Replay
