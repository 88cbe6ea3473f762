--- Cutting a set into parts and batches, and bringing bytes to a scale that networks like. A set is a table of `data` and
-- `labels` whose first dimensions agree.
-- @module tocha.data.batches
local torch = require 'tocha'
local raise = require 'tocha.bindings.own'.raise

local batches = {}

local function count(set, what)
  local n = set.data:size(1)
  if set.labels and set.labels:size(1) ~= n then
    raise(('%s: %d inputs, but %d labels'):format(what, n, set.labels:size(1)))
  end
  return n
end

--- Holds the last part of a set back; both results are views.
-- @tparam table set
-- @tparam number share of the second part, 0 <= share < 1
-- @treturn table the first part
-- @treturn table|nil the second part, nil if it has no entries
function batches.split(set, share)
  if type(share) ~= 'number' or not (share >= 0 and share < 1) then
    raise(('split: the share must be at least 0 and below 1, not %s'):format(tostring(share)))
  end
  local n = count(set, 'split')
  local held = math.floor(n * share + .5)
  local function part(first, length)
    return length > 0 and { data = set.data:narrow(1, first, length),
      labels = set.labels and set.labels:narrow(1, first, length) } or nil
  end
  return part(1, n - held), part(n - held + 1, held)
end

--- Mean and deviation of a tensor's elements, summed a piece at a time, so that large byte tensors need no float copy.
-- @treturn number mean
-- @treturn number standard deviation, 1 for constant data
function batches.moments(data)
  local sum, square, piece = 0, 0, 100
  for i = 1, data:size(1), piece do
    torch.scope(function() -- gives the copies back at once
      local x = data:narrow(1, i, math.min(piece, data:size(1) - i + 1)):double()
      sum, square = sum + x:sum(), square + x:dot(x)
    end)
  end
  local mean = sum / data:nElement()
  local variance = square / data:nElement() - mean * mean
  return mean, variance > 0 and math.sqrt(variance) or 1
end

--- A function that turns a batch of bytes into floats of mean 0 and deviation 1, by the moments of `data`.
function batches.normalizer(data)
  local mean, deviation = batches.moments(data)
  return function(x) return x:float():add(-mean):mul(1 / deviation) end
end

--- Iterates over a set: `for input, target in data.batches(set, 64) do`. The last batch may be smaller.
-- @tparam table set
-- @tparam number size of a batch
-- @tparam[opt] table options order: a LongTensor of indices (torch.randperm(n):long() shuffles); transform: applied to inputs;
-- limit: at most so many batches
-- @treturn function iterator that gives inputs, targets (LongTensor) and the number of the batch
function batches.batches(set, size, options)
  options = options or {}
  if type(size) ~= 'number' or size < 1 or size % 1 ~= 0 then
    raise(('batches: the size must be a whole number above 0, not %s'):format(tostring(size)))
  end
  local order, transform = options.order, options.transform
  local n = order and order:size(1) or count(set, 'batches')
  local total = math.min(math.ceil(n / size), options.limit or math.huge)
  local k = 0
  return function()
    if k >= total then return nil end
    local first = k * size + 1
    local length = math.min(size, n - first + 1)
    k = k + 1
    local function pick(tensor)
      if order then return tensor:index(1, order:narrow(1, first, length)) end
      return tensor:narrow(1, first, length)
    end
    local x = pick(set.data)
    return transform and transform(x) or x, set.labels and pick(set.labels):long(), k
  end
end

return batches
