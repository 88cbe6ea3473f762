--- Spaces: what an environment shows and what it accepts.
--
-- Discrete(n) holds the whole numbers 1, ..., n; Box(size, low, high) FloatTensors of one size with entries from low to high.
-- @module tocha.rl.space
local torch = require 'tocha'
local kinds = require 'tocha.kinds'
local own = require 'tocha.bindings.own'
local raise = own.raise

local space = {}

-- -- whole numbers --------------------------------------------------------------------------------------------------

local Discrete = torch.class('rl.Discrete', space)

--- @tparam number n how many
function Discrete:__init(n)
  if type(n) ~= 'number' or n < 1 or n % 1 ~= 0 then raise('Discrete: a whole number from 1 is needed, not ' .. tostring(n)) end
  self.n = n
end

function Discrete:contains(value)
  return type(value) == 'number' and value % 1 == 0 and value >= 1 and value <= self.n
end

--- A value, all alike.
-- @tparam[opt] Generator generator by default the one of torch.random
function Discrete:sample(generator)
  if generator then return torch.random(generator, 1, self.n) end
  return torch.random(1, self.n)
end

--- An empty tensor for `count` values: (count).
function Discrete:batch(count) return torch.LongTensor(count) end

--- How many numbers tell a value to a network: one for each value.
function Discrete:size() return self.n end

function Discrete:__tostring__() return ('1..%d'):format(self.n) end

-- -- tensors --------------------------------------------------------------------------------------------------------

local Box = torch.class('rl.Box', space)

-- A bound as a tensor of the box's size.
local function bound(value, shape)
  local whole = torch.FloatTensor(unpack(shape))
  return type(value) == 'number' and whole:fill(value) or whole:copy(torch.FloatTensor(value))
end

--- @tparam {number,...} shape of a value
-- @tparam[opt] number|table low least entry or entries, by default without bound
-- @tparam[opt] number|table high greatest entry or entries
function Box:__init(shape, low, high)
  kinds.check('Box', 'the shape', 'sizes', shape)
  self.shape = shape
  self.low, self.high = bound(low or -math.huge, shape), bound(high or math.huge, shape)
  if not self.low:le(self.high):all() then raise 'Box: a least entry is above the greatest' end
end

function Box:contains(value)
  if not torch.isTensor(value) or not value:isSameSizeAs(self.low) then return false end
  if #self.shape > 1 then return value:float():ge(self.low):all() and value:float():le(self.high):all() end
  for i = 1, self.shape[1] do
    local x = value[i]
    if not (x >= self.low[i] and x <= self.high[i]) then return false end
  end
  return true
end

--- A value: uniform between the bounds, normal where there are none.
-- @tparam[opt] Generator generator by default the one of torch.random
function Box:sample(generator)
  generator = generator or torch.Generator(torch.random())
  local value = torch.FloatTensor(unpack(self.shape))
  if self.high:max() == math.huge or self.low:min() == -math.huge then return value:normal(generator, 0, 1) end
  return value:uniform(generator, 0, 1):cmul(self.high - self.low):add(self.low)
end

function Box:batch(count) return torch.FloatTensor(count, unpack(self.shape)) end

--- Values (N,...) with their entries brought between the bounds.
function Box:clip(values)
  if not torch.isTensor(values) or values:dim() == 0 then own.bad('Box:clip', 'what is cut off', 'a tensor (N,...)', values) end
  local size = { values:size(1), unpack(self.shape) }
  return torch.cmax(torch.cmin(values, self.high:expand(unpack(size))), self.low:expand(unpack(size)))
end

function Box:size() return self.low:nElement() end

-- The entries in one line.
function space.text(value)
  if not torch.isTensor(value) then return tostring(value) end
  local entries = value:contiguous():view(-1):totable()
  for i, x in ipairs(entries) do entries[i] = ('%.6g'):format(x) end
  return '{' .. table.concat(entries, ', ') .. '}'
end

function Box:__tostring__()
  local function text(t) return t:min() == t:max() and ('%.6g'):format(t:min()) or space.text(t) end
  return ('tensors of %s from %s to %s'):format(table.concat(self.shape, 'x'), text(self.low), text(self.high))
end

return space
