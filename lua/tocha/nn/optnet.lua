--- Less memory for inference: outputs of modules that are not needed at the same time share theirs.
--
-- A forward pass is watched; then the outputs stand in as few storages as its order of calls allows, which is also faster where
-- they would not fit into the processor's caches. From then on only the network's output is to be looked at: those of modules
-- inside are overwritten on the way, so that a backward pass is refused. The names are those of Torch7's package optnet.
-- @module tocha.nn.optnet
local torch = require 'tocha'
require 'tocha.nn'
local watch = require 'tocha.nn.watch'
local raise = require 'tocha.bindings.own'.raise

local optnet = {}

-- Modules whose output is their own memory, written anew by each call.
local own = {}
for _, name in ipairs { 'SpatialConvolution', 'SpatialFullConvolution', 'SpatialDilatedConvolution', 'SpatialBatchNormalization',
  'BatchNormalization', 'SpatialMaxPooling', 'SpatialAveragePooling', 'SpatialAdaptiveAveragePooling', 'Linear', 'ReLU', 'ReLU6',
  'LeakyReLU', 'ELU', 'Sigmoid', 'Tanh', 'CAddTable', 'CMulTable', 'JoinTable' } do own['nn.' .. name] = true end

-- Containers that read no output of a child after the children's calls.
local passing = { ['nn.Sequential'] = true, ['nn.ConcatTable'] = true, ['nn.ParallelTable'] = true }

local function tensors(value, visit)
  if torch.isTensor(value) then
    if value:nElement() > 0 then visit(value) end
  elseif type(value) == 'table' then
    for _, entry in pairs(value) do tensors(entry, visit) end
  end
end

local function key(t) return torch.pointer(t:storage()) end

-- What a pass does with each storage, in the order of first writes: the tensors that stand in it, when it is written first and read
-- last. A convolution that is folded with its normalisation (fuse.lua) has no output: the normalisation reads its input.
local function uses(net, input)
  local found, order, time, folded, pending = {}, {}, 0, {}, nil
  net:forward(input)
  net:apply(function(m) folded[m] = rawget(m, 'output') == nil or nil end)
  local function read(t)
    local use = found[key(t)]
    if use then use.last = time end
  end
  watch(net:listModules(), function(m, _, x)
    if folded[m] then
      pending = x
      return
    end
    time = time + 1
    if m.inplace and torch.isTensor(x) and torch.isTensor(m.output) and key(x) == key(m.output) then
      m.output = x -- the very same, by which an activation joins the module before it (fuse.lua)
    end
    tensors(x, read)
    if pending then pending = tensors(pending, read) end
    if m.modules and not passing[torch.type(m)] then
      for _, child in ipairs(m.modules) do tensors(child.output, read) end
    end
    tensors(m.output, function(t)
      local use = found[key(t)]
      if not use then
        use = { first = time, last = time, storage = t:storage(), tensors = {}, shared = own[torch.type(m)] or false }
        found[key(t)] = use
        order[#order + 1] = use
      end
      use.tensors[t] = true
    end)
  end, function() net:updateOutput(input) end)
  return found, order
end

-- The free storage for `size` numbers: the smallest that is large enough, else the largest.
local function fitting(free, size, kind)
  local best
  for i, storage in ipairs(free) do
    local n, old = storage:size(), best and free[best]:size()
    local better = not best or n >= size and (old < size or n < old) or old < size and n > old
    if storage:type() == kind and better then best = i end
  end
  return best and table.remove(free, best)
end

-- Notes in net that its outputs share memory, or that they do not: containers look at it before a backward pass (fuse.lua).
local function mark(net, shares)
  net:apply(function(m)
    if torch.isTypeOf(m, 'nn.Sequential') then m.sharesOutputs = shares end
  end)
end

local function check(name, net)
  if not torch.isTypeOf(net, 'nn.Module') then
    raise(('%s: a network is needed, not a %s'):format(name, torch.type(net)))
  end
end

--- Makes the outputs inside net share memory, for inputs like `input`; net is in evaluation from then on, until `training()` gives
-- each its own again.
-- @param net a module
-- @param input what its forward takes
-- @param[opt] options `mode`: 'inference'; with 'training' net stays as it is, for a backward pass needs the outputs, and
-- nn.Checkpoint is what saves memory there. Other options of the package are hints and not looked at
-- @return net
function optnet.optimizeMemory(net, input, options)
  check('optimizeMemory', net)
  local mode = options and options.mode or 'inference'
  if mode == 'training' then return net end
  if mode ~= 'inference' then raise(("optimizeMemory: the mode is 'inference' or 'training', not %s"):format(tostring(mode))) end
  optnet.removeOptimization(net)
  net:evaluate()
  mark(net, true)
  local found, order = uses(net, input)
  local function keep(t)
    local use = found[key(t)]
    if use then use.shared = false end
  end
  tensors(input, keep)
  tensors(net.output, keep)
  tensors(net:parameters() or {}, keep)
  local free, busy = {}, {}
  for _, use in ipairs(order) do
    if use.shared then
      for i = #busy, 1, -1 do
        if busy[i].last < use.first then free[#free + 1] = table.remove(busy, i).storage end
      end
      local size = use.storage:size()
      local storage = fitting(free, size, use.storage:type()) or use.storage
      if storage:size() < size then storage:resize(size) end
      for t in pairs(use.tensors) do t:set(storage, t:storageOffset(), t:size(), t:stride()) end
      use.storage = storage
      busy[#busy + 1] = use
    end
  end
  net:forward(input)
  return net
end

--- Gives every module inside net an output of its own again, at its next forward.
-- @param net a module
-- @return net
function optnet.removeOptimization(net)
  check('removeOptimization', net)
  mark(net, nil)
  return net:clearState()
end

return optnet
