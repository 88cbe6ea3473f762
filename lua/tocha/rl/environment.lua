--- What all environments share: the protocol, its checks, the time limit, random numbers, frames.
--
--     local env = rl.make 'CartPole'
--     local observation = env:reset(seed)
--     observation, reward, terminated, truncated = env:step(action)
--
-- `terminated`: the world came to an end; `truncated`: only the time is up, and what would follow still has a value.
-- After either the next call is reset. Observations belong to the caller. Whole numbers (states, actions) count from 1.
--
-- A subclass has `name`, the spaces `observations` and `actions`, perhaps `limit` (steps of an episode), keeps what changes
-- in the table `state` of plain values, and has the methods
--
--     begin()            makes self.state for a new episode
--     move(action)       changes it; gives the reward and whether the world ended
--     observe()          what is seen of it
--     text()             it in letters
--     draw(canvas)       it in a picture of self.picture = {width, height}
--
-- An environment draws from a generator of its own, so that it does as the seed of reset says, whatever else draws; without a
-- seed the first reset draws one.
-- @module tocha.rl.environment
local torch = require 'tocha'
local space = require 'tocha.rl.space'
local Canvas = require 'tocha.train.canvas'
local kinds = require 'tocha.kinds'
local check = kinds.check
local own = require 'tocha.bindings.own'
local raise = own.raise

local package = {}
local Environment = torch.class('rl.Environment', package)

Environment.picture = { 240, 160 }

--- Starts an episode.
-- @tparam[opt] number seed of all that is random from here on; by default the numbers go on
-- @return the first observation
function Environment:reset(seed)
  if seed ~= nil and (type(seed) ~= 'number' or seed % 1 ~= 0) then own.bad(self.name, 'seed', 'a whole number', seed) end
  self:seeded(seed)
  self:begin(seed)
  return self:started()
end

-- Makes the generator, anew if there is a seed.
function Environment:seeded(seed)
  if seed or not self.generator then self.generator = torch.Generator(seed or torch.random()) end
end

local whole = kinds.kinds.whole[1]

-- Raises unless a state has the fields of a fresh one, with finite numbers where that has numbers, in the ranges that the class
-- gives in the table `ranges`.
local function compare(self, state)
  local generator, before = self.generator, self.state
  self.generator = torch.Generator(0)
  self:begin()
  local fresh = self.state
  self.generator, self.state = generator, before
  for key, value in pairs(fresh) do
    local range = self.ranges and self.ranges[key]
    if range and not (whole(state[key]) and state[key] >= range[1] and state[key] <= range[2]) then
      own.bad(self.name, ('the state %s'):format(key), ('a whole number from %d to %d'):format(unpack(range)), state[key])
    end
    check(self.name, ('the state %s'):format(key), type(value) == 'number' and 'finite' or type(value), state[key])
  end
end

--- Starts an episode in a given state.
-- @tparam table state as the field `state` shows it
-- @return the first observation
function Environment:restore(state)
  if type(state) ~= 'table' then own.bad(self.name, 'state', 'a table', state) end
  if torch.class.isLibrary(self) then compare(self, state) end
  self:seeded()
  local before = self.state
  self.state = {}
  for key, value in pairs(state) do self.state[key] = value end
  if torch.isTypeOf(self.observations, 'rl.Discrete') and not self.observations:contains(self:observe()) then
    self.state = before
    raise(self.name .. ': there is no such state')
  end
  return self:started()
end

function Environment:started()
  self.steps, self.over = 0, false
  return self:observe()
end

--- Does one action.
-- @param action of the space `actions`
-- @return the observation that follows
-- @treturn number reward
-- @treturn boolean terminated
-- @treturn boolean truncated
function Environment:step(action)
  if self.over ~= false then
    raise(('%s: %s: call reset'):format(self.name, self.over and 'the episode is over' or 'no episode has begun'))
  end
  if not self.actions:contains(action) then
    raise(('%s: the action %s is not in %s'):format(self.name, space.text(action), tostring(self.actions)))
  end
  local reward, terminated = self:move(action)
  self.steps = self.steps + 1
  local truncated = self.limit ~= nil and self.steps >= self.limit
  self.over = terminated or truncated
  if type(reward) ~= 'number' or reward ~= reward then
    raise(('%s: the reward of step %d is %s, not a number'):format(self.name, self.steps, tostring(reward)))
  end
  return self:observe(), reward, terminated, truncated
end

-- -- random numbers -------------------------------------------------------------------------------------------------

--- A number from `low` (0) to below `high` (1).
function Environment:uniform(low, high)
  return torch.uniform(self.generator, low or 0, high or 1)
end

--- A whole number from 1 to n.
function Environment:pick(n) return torch.random(self.generator, 1, n) end

-- -- pictures -------------------------------------------------------------------------------------------------------

--- The state for people: as letters, or as a picture (3,H,W) of bytes.
-- @tparam[opt='text'] string mode 'text' or 'image'
function Environment:render(mode)
  if self.state == nil then raise(self.name .. ': no episode has begun: call reset') end
  if mode == nil or mode == 'text' then return self:text() end
  if mode ~= 'image' then raise(("%s: render knows 'text' and 'image', not '%s'"):format(self.name, tostring(mode))) end
  local canvas = Canvas.new(unpack(self.picture))
  self:draw(canvas)
  return canvas:tensor()
end

--- By default the names and numbers of the state.
function Environment:text()
  local keys, words = {}, {}
  for key in pairs(self.state) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do
    local value = self.state[key]
    words[i] = ('%s %s'):format(key, type(value) == 'number' and ('%.3f'):format(value) or tostring(value))
  end
  return ('%s: step %d: %s'):format(self.name, self.steps, table.concat(words, ', '))
end

--- Name and spaces.
function Environment:__tostring__()
  return ('%s: observations %s, actions %s'):format(self.name, tostring(self.observations), tostring(self.actions))
end

-- -- files ----------------------------------------------------------------------------------------------------------

--- Everything but the generator, whose state stands for it.
function Environment:write(file)
  check('Environment:write', 'the file', 'file', file)
  local plain = {}
  for key, value in pairs(self) do plain[key] = value end
  plain.generator = self.generator and torch.getRNGState(self.generator)
  file:writeObject(plain)
end

function Environment:read(file)
  check('Environment:read', 'the file', 'file', file)
  for key, value in pairs(file:readObject()) do self[key] = value end
  local saved = self.generator
  if not saved then return end
  self.generator = torch.Generator(0)
  torch.setRNGState(self.generator, saved)
end

return package.Environment
