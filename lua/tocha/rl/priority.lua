--- Priorities of a replay: a tree of sums, in which drawing and changing cost the logarithm of its size.
-- Schaul et al. 2016, section 3.3 and appendix B.2.1.
-- @module tocha.rl.priority
local torch = require 'tocha'
local kinds = require 'tocha.kinds'
local raise = require 'tocha.bindings.own'.raise

local package = {}
local Priority = torch.class('rl.Priority', package)

--- @tparam number capacity of how many entries
-- @tparam number alpha exponent of the priorities
function Priority:__init(capacity, alpha)
  kinds.check('Priority', 'capacity', 'count', capacity)
  kinds.check('Priority', 'alpha', 'number', alpha)
  self.alpha, self.leaves, self.top = alpha, 1, 1
  while self.leaves < capacity do self.leaves = 2 * self.leaves end
  self.sums = {} -- [1] the root, [k] the sum of [2k] and [2k + 1]; entry i is at leaves + i - 1
  for k = 1, 2 * self.leaves - 1 do self.sums[k] = 0 end
end

local function put(self, i, value)
  local sums, k = self.sums, self.leaves + i - 1
  sums[k] = value
  k = (k - k % 2) / 2
  while k >= 1 do
    sums[k] = sums[2 * k] + sums[2 * k + 1]
    k = (k - k % 2) / 2
  end
end

--- A new entry: it is drawn as readily as the most urgent so far.
function Priority:add(i) put(self, i, self.top) end

--- New errors of entries.
-- @tparam LongTensor index
-- @tparam tensor errors their absolute values
function Priority:update(index, errors)
  kinds.check('Priority:update', 'index', 'tensor', index)
  kinds.check('Priority:update', 'errors', 'tensor', errors)
  if index:dim() ~= 1 or errors:dim() ~= 1 or index:size(1) ~= errors:size(1) then
    raise 'Priority:update: index and errors are vectors of one size'
  end
  errors = errors:detach()
  for k = 1, index:size(1) do
    local i = index[k]
    if not (i >= 1 and i <= self.leaves and i % 1 == 0) then
      raise(('Priority:update: index %d is %s, but entries run from 1 to %d'):format(k, tostring(i), self.leaves))
    end
  end
  for k = 1, index:size(1) do
    local value = (errors[k] + 1e-6) ^ self.alpha
    self.top = math.max(self.top, value)
    put(self, index[k], value)
  end
end

--- Draws entries, one from each of n equal parts of the whole.
-- @tparam LongTensor index (n) to write into
-- @tparam tensor share (n) to write their probabilities into
function Priority:draw(index, share)
  local sums, n = self.sums, index:size(1)
  local total = sums[1]
  for j = 1, n do
    local mass, k = (j - 1 + torch.uniform()) * total / n, 1
    while k < self.leaves do
      k = 2 * k
      if mass >= sums[k] and sums[k + 1] > 0 then
        mass = mass - sums[k]
        k = k + 1
      end
    end
    index[j], share[j] = k - self.leaves + 1, sums[k] / total
  end
end

function Priority:write(file)
  file:writeObject { alpha = self.alpha, leaves = self.leaves, top = self.top, sums = torch.DoubleTensor(self.sums) }
end

function Priority:read(file)
  for key, value in pairs(file:readObject()) do self[key] = value end
  self.sums = self.sums:totable()
end

return package.Priority
