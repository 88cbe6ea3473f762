--- Many tensors as views of one vector, with whatever they shared before kept shared.
-- @module tocha.nn.flatten
local torch = require 'tocha'
local nn = require 'tocha.nn'
local raise = require 'tocha.bindings.own'.raise

local flatten = {}

-- Vectors that flattening made, by the address of their storage: a later call that would pull tensors out of one says
-- so.
local made = setmetatable({}, { __mode = 'v' })

-- The elements a tensor spans in its storage: first and last position, and whether it reaches every one between.
local function span(tensor)
  local first = tensor:storageOffset()
  local last, reached = first, 1
  for d = 1, tensor:dim() do
    if tensor:stride(d) ~= 0 then
      last = last + (tensor:size(d) - 1) * tensor:stride(d)
      reached = reached * tensor:size(d)
    end
  end
  return first, last, reached == last - first + 1
end

-- Maximal runs of storage elements that the tensors cover: {storage, key, first, last}, in order of first appearance;
-- and for every tensor its run.
local function runsOf(tensors)
  local runs, runOf, byStorage = {}, {}, {}
  for i, tensor in ipairs(tensors) do
    if tensor:nElement() > 0 then
      local key = torch.pointer(tensor:storage())
      local first, last, full = span(tensor)
      if not full then
        raise(('getParameters: parameter %d has holes between its elements (sizes %s, strides %s)'):format(i,
          table.concat(tensor:size():totable(), 'x'), table.concat(tensor:stride():totable(), ', ')))
      end
      local mine = { storage = tensor:storage(), key = key, first = first, last = last }
      byStorage[key] = byStorage[key] or {}
      for _, run in ipairs(byStorage[key]) do
        while run.into do run = run.into end
        if run ~= mine and run.first <= mine.last and mine.first <= run.last then
          run.first, run.last = math.min(run.first, mine.first), math.max(run.last, mine.last)
          if mine.order then mine.into = run end
          mine = run
        end
      end
      if not mine.order then
        mine.order = #runs + 1
        runs[mine.order] = mine
        table.insert(byStorage[key], mine)
      end
      runOf[i] = mine
    end
  end
  local kept = {}
  for _, run in ipairs(runs) do
    if not run.into then kept[#kept + 1] = run end
  end
  for i in pairs(runOf) do
    while runOf[i].into do runOf[i] = runOf[i].into end
  end
  return kept, runOf
end

-- Whether the runs follow each other without a gap in one storage.
local function adjacent(runs)
  for i = 2, #runs do
    if runs[i].key ~= runs[1].key or runs[i].first ~= runs[i - 1].last + 1 then return false end
  end
  return true
end

local function warnOfAlias(runs)
  for _, run in ipairs(runs) do
    local vector = made[run.key]
    if vector then
      nn.warn(('getParameters: these parameters lie in a vector of %d elements that an earlier getParameters returned; '
        .. 'they move to a new vector, and the earlier one no longer follows them'):format(vector:nElement()))
      return
    end
  end
end

--- One vector that holds the elements of all tensors, which become views of it. Tensors that already lie together in
-- one storage stay where they are.
-- @tparam {tensor,...} tensors of one type
-- @treturn tensor
function flatten.tensors(tensors)
  if not tensors or #tensors == 0 then return torch.Tensor() end
  local runs, runOf = runsOf(tensors)
  if #runs == 0 then return tensors[1].new() end
  local count = 0
  for _, run in ipairs(runs) do
    run.offset = count
    count = count + run.last - run.first + 1
  end
  if adjacent(runs) then
    local vector = tensors[1].new(runs[1].storage, runs[1].first, count)
    made[runs[1].key] = made[runs[1].key] or vector
    return vector
  end
  warnOfAlias(runs)
  local vector = tensors[1].new(count)
  for _, run in ipairs(runs) do
    local size = run.last - run.first + 1
    vector:narrow(1, run.offset + 1, size):copy(tensors[1].new(run.storage, run.first, size))
  end
  local storage, offsets = vector:storage(), {}
  for i in pairs(runOf) do offsets[i] = tensors[i]:storageOffset() end -- a tensor may be listed twice: it moves once
  for i, run in pairs(runOf) do
    local t = tensors[i]
    t:set(storage, offsets[i] - run.first + run.offset + 1, t:size(), t:stride())
  end
  made[torch.pointer(storage)] = vector
  return vector
end

--- The flat vectors of parameters and of gradients.
function flatten.pair(params, grads)
  local p, g = flatten.tensors(params), flatten.tensors(grads)
  if p:nElement() ~= g:nElement() then
    raise(('getParameters: %d parameters but %d gradients: share gradWeight and gradBias where weight and bias are '
      .. 'shared'):format(p:nElement(), g:nElement()))
  end
  local shift = params and #params > 0 and params[1]:storageOffset() - grads[1]:storageOffset()
  for i = 2, params and #params or 0 do
    if params[i]:storageOffset() - grads[i]:storageOffset() ~= shift then
      raise(('getParameters: parameter %d and its gradient stand at different places of their vectors'):format(i))
    end
  end
  return p, g
end

return flatten
