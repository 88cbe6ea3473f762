--- Sets that are tensors, and batches of them without threads: features, tables of numbers.
-- @module tocha.data.memory
local torch = require 'tocha'
local batches = require 'tocha.data.batches'
local sets = require 'tocha.data.sets'
local raise = require 'tocha.bindings.own'.raise

local memory = {}

--- A set of tensors whose first dimensions agree.
-- @tparam tensor data (N,...)
-- @tparam[opt] tensor labels (N) of 1..K
-- @tparam[opt] table classes names
-- @treturn table set
function memory.fromTensors(data, labels, classes)
  if not torch.isTensor(data) or data:dim() < 1 then raise 'fromTensors: a tensor of data is needed' end
  if labels and not (torch.isTensor(labels) and labels:dim() == 1 and labels:size(1) == data:size(1)) then
    raise(('fromTensors: %d labels in one dimension are needed'):format(data:size(1)))
  end
  if labels and labels:min() < 1 then raise(('fromTensors: labels start at 1, but one is %d'):format(labels:min())) end
  return { data = data, labels = labels and labels:long(), classes = classes }
end

local Memory = {}
Memory.__index = Memory

--- A loader of a set in memory, of any shape: what training asks of a DataLoader, without changes of the samples.
-- @tparam table set
-- @tparam[opt] table options batch (32), shuffle (false), seed (1), transform: applied to inputs
function memory.memoryLoader(set, options)
  options = options or {}
  return setmetatable({ set = set, options = options, batch = options.batch or 32, seed = options.seed or 1, epoch = 0 }, Memory)
end

--- The number of samples.
function Memory:size() return sets.size(self.set) end

--- The number of batches of an epoch.
function Memory:steps() return math.ceil(self:size() / self.batch) end

--- Iterates over one epoch (the one after the last by default): input, target.
function Memory:batches(epoch)
  self.epoch = epoch or self.epoch + 1
  local generator = torch.Generator()
  torch.manualSeed(generator, (self.seed * 1000003 + self.epoch) % 2 ^ 32)
  local order = self.options.shuffle and torch.randperm(generator, self:size()):long() or nil
  return batches.batches(self.set, self.batch, { order = order, transform = self.options.transform })
end

return memory
