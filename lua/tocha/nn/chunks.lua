--- Runs of convolutions, activations in place and max poolings that a Sequential takes a few images at a time, so that what one
-- module writes is still in a cache when the next reads it, forward and backward.
--
-- What only the next module of a run reads is not kept but made when it is asked for (skipped.lua), a chunk at a time in the same
-- way: outputs before a pooling, whose places tell where its gradient goes, and all gradInputs but the first. How many images go
-- together depends on shapes alone. A run is taken whole where the batch is small, where weights are large (they would be prepared
-- for each part of the batch), and where a module has functions of its own (runs.lua).
-- @module tocha.nn.chunks
local torch = require 'tocha'
local glue = require 'tocha.bindings.module'
local fuse = require 'tocha.nn.fuse'
local places = require 'tocha.nn.places'
local runs = require 'tocha.nn.runs'
local skipped = require 'tocha.nn.skipped'

-- room: bytes of outputs that the images of a chunk have together; fewest: chunks that pay. Measured.
local chunks = { room = 2400 * 1024, fewest = 3 }
local ops = glue.ops

local LEAST = 4 -- images of a chunk

-- Images of a chunk, an even number; nothing if the batch is to be taken whole.
local function images(list, n, size)
  local each = 0
  for _, step in ipairs(list) do each = each + step.planes * step.height * step.width * size end
  local most = math.floor(chunks.room / each)
  if most < LEAST or n < chunks.fewest * most then return end
  return 2 * math.ceil(n / math.ceil(n / most) / 2)
end

local function bytes(t) return t:type() == 'torch.DoubleTensor' and 8 or 4 end

-- Calls f(first, count) for the chunks of n images.
local function each(n, size, f)
  for first = 1, n, size do f(first, math.min(size, n - first + 1)) end
end

-- -- fields that are left out ------------------------------------------------------------------------------------------

-- What somebody may hold as a module's field, and as that of an activation beside it (nil: nobody does); false where the field
-- cannot be written or is not wanted.
local function held(m, activation, field, like)
  for _, module in ipairs { m, activation } do
    local t = rawget(module, field)
    if t == nil and not skipped.left(module, field) or t ~= nil and not torch.isTensor(t) then return false end
  end
  local t, other = skipped.held(m, field), activation and skipped.held(activation, field)
  if t and not t:isContiguous() or glue.differ(t, like) or glue.differ(other, like) then return false end
  if other and not t then t = like.new() end
  return t, other
end

-- Leaves a field of m and of an activation beside it out; t, other: what `held` gave.
local function leave(m, activation, field, record, t, other)
  if other and not rawequal(other, t) then other:set(t) end
  skipped.leave(m, field, record, t)
  if activation then skipped.leave(activation, field, record, other or nil) end
end

-- Whether no two of the tensors share memory: chunks write one before they have read all of another.
local function apart(list)
  local seen = {}
  for _, t in ipairs(list) do
    local key = torch.pointer(t:storage())
    if seen[key] then return false end
    seen[key] = true
  end
  return true
end

-- What a chunk writes and the next step alone reads: two buffers of each type.
local buffers = {}

-- Room for `count` images of t, from `first` on; without t a buffer other than `taken`.
local function room(t, first, count, like, taken, planes, height, width)
  if t then return t:narrow(1, first, count) end
  local kind = like:type()
  local pair = buffers[kind] or { like.new(), like.new() }
  buffers[kind] = pair
  return pair[rawequal(pair[1], taken) and 2 or 1]:resize(count, planes, height, width)
end

-- -- forward -----------------------------------------------------------------------------------------------------------

-- Gives the modules of a step outputs for the whole batch; false where they cannot be written.
local function prepare(step, n, input)
  local m, activation = step.of[1], step.of[2]
  step.like = input
  if step.pooled then
    step.output, step.other = held(m, activation, 'output', input)
    if step.output then step.output:resize(n, step.planes, step.height, step.width) end
    return step.output ~= false
  end
  skipped.drop(m, 'output')
  local output = rawget(m, 'output')
  if not torch.isTensor(output) or glue.differ(output, input) then return false end
  if activation and not rawequal(output, rawget(activation, 'output')) then output = input.new() end
  if not output:isContiguous() then output = input.new() end
  step.output = output:resize(n, step.planes, step.height, step.width)
  if step.pools then
    local indices = m.places
    if torch.typename(indices) ~= 'torch.ByteTensor' or not indices:isContiguous() then indices = torch.ByteTensor() end
    step.places = indices:resize(n, step.planes, step.height, step.width)
  end
  return true
end

local function conv(step, x, y, weight, bias)
  local low = step.activated and 0 or nil
  ops.conv2d_fused(y, x, weight, bias, nil, nil, nil, nil, step.stride, step.pad, nil, step.groups, nil, low, step.bound)
end

local function forward(list, input, n, size)
  each(n, size, function(first, count)
    local x = input:narrow(1, first, count)
    for _, step in ipairs(list) do
      local m, y = step.of[1], room(step.output, first, count, input, x, step.planes, step.height, step.width)
      if step.pools then
        ops.max_pool2d(y, step.places:narrow(1, first, count), x, step.kernel, step.stride, step.pad, nil, step.ceil)
      else conv(step, x, y, m.weight, m.bias) end
      x = y
    end
  end)
end

-- The output that a convolution left out.
local function fillOutput(step)
  if not skipped.stand(step.seen) then return end
  local x, y = step.input, step.like.new()
  local n = x:size(1)
  y:resize(n, step.planes, step.height, step.width)
  each(n, step.size, function(first, count)
    conv(step, x:narrow(1, first, count), y:narrow(1, first, count), step.weight, step.bias)
  end)
  for k = 1, 2 do skipped.put(step, step.of[k], 'output', y) end
end

local function copyOf(t, into)
  if t == nil then return end
  return (into and not glue.differ(into, t) and into or t.new()):resizeAs(t):copy(t)
end

-- Makes a step the record of the output it left out; the weights may be others when somebody asks for it.
local function leaveOutput(step, input, size)
  local m, activation = step.of[1], step.of[2]
  local before, t, other = skipped.left(m, 'output') or {}, step.output, step.other
  step.weight, step.bias = copyOf(m.weight, before.weight), copyOf(m.bias, before.bias)
  step.fill, step.input, step.size, step.seen = fillOutput, input, size, skipped.seen { input }
  step.output, step.other = nil, nil
  leave(m, activation, 'output', step, t, other)
  if activation then activation.overwrites = true end
end

--- The output of a run that begins at modules[i], a convolution, and its last module; nothing if the run is to be taken whole.
function chunks.forward(modules, i, input)
  if not torch.isTensor(input) or input:dim() ~= 4 or input:size(1) < chunks.fewest * LEAST then return end
  local n = input:size(1)
  local list = runs.steps(modules, i, #modules, input:size(2), input:size(3), input:size(4))
  local size = list and images(list, n, bytes(input))
  if not size or glue.differ(modules[i].weight, input) then return end
  runs.ready(list, modules, input:size(2), input:size(3), input:size(4))
  input = glue.constant(input)
  local memory = { input }
  for _, step in ipairs(list) do
    if not prepare(step, n, input) then return end
    memory[#memory + 1] = step.output
  end
  if not apart(memory) then return end
  if not pcall(forward, list, input, n, size) then return end -- module by module the error gets its name
  local x = input
  for k, step in ipairs(list) do
    local m, activation = step.of[1], step.of[2]
    if step.pools then
      m.places = step.places
      places.noted(m, step.from[2], step.from[3])
    end
    if step.pooled then leaveOutput(step, x, size)
    else
      m.output, x = step.output, step.output
      if activation then activation.output, activation.overwrites = step.output, true end
    end
    if k == #list then return x, step.last end
  end
end

-- -- backward ----------------------------------------------------------------------------------------------------------

-- The gradInput of the first step for the whole batch: nil if nobody wants it, false where it cannot be written.
local function firstGradient(step, x)
  local g = rawget(step.of[1], 'gradInput')
  if g == nil and step.first == 1 then return nil end
  skipped.drop(step.of[1], 'gradInput')
  g = rawget(step.of[1], 'gradInput')
  if not torch.isTensor(g) or glue.differ(g, x) or not g:isContiguous() then return false end
  return g:resize(x:size())
end

-- Whether t is what the last forward pass left of a step.
local function fits(step, t, n)
  return torch.isTensor(t) and t:dim() == 4 and t:size(1) == n and t:size(2) == step.planes and t:size(3) == step.height
    and t:size(4) == step.width
end

-- Gives a pooling what it reads and writes; before: the step before it, last: whether the run ends with it.
local function layPool(step, before, modules, last, n)
  local m, through = step.of[1], before.of[2]
  if through and last and not fuse.stands(modules, step.last) then return false end
  step.through, step.bound, step.output, step.places = through ~= nil, before.bound, m.output, m.places
  step.whole, step.other = held(m, through, 'gradInput', step.like)
  return step.whole ~= false and fits(step, step.output, n) and fits(step, step.places, n)
    and torch.typename(step.places) == 'torch.ByteTensor' and not glue.differ(step.output, step.like)
end

local function layConv(step, first, n)
  local m, activation = step.of[1], step.of[2]
  if not step.pooled then
    step.output = m.output
    if not fits(step, step.output, n) or glue.differ(step.output, step.like) then return false end
    if activation then step.gate = held(activation, nil, 'gradInput', step.like) end
  end
  if first then step.whole = firstGradient(step, step.input) else step.whole = held(m, nil, 'gradInput', step.like) end
  step.unwanted = first and not step.whole
  return step.whole ~= false and step.gate ~= false
end

-- Gives the steps what they read and write; false where something stands against it.
local function lay(list, modules, input, gradOutput)
  local n, x, memory = input:size(1), input, { gradOutput }
  for k, step in ipairs(list) do
    step.input, step.like = x, input
    if step.pools then
      if not layPool(step, list[k - 1], modules, k == #list, n) then return false end
    elseif not layConv(step, k == 1, n) then return false end
    x = step.output or x
  end
  for k, step in ipairs(list) do
    local from = step.from
    if step.whole and k > 1 then step.whole:resize(n, from[1], from[2], from[3]) end
    if step.gate then step.gate:resize(n, step.planes, step.height, step.width) end
    for _, t in pairs { step.whole, step.gate } do memory[#memory + 1] = t end
  end
  return apart(memory)
end

-- The gradient before a step from the one behind it; scale nil: parameters get none, and the first step leaves its own out.
local function stepBack(step, first, count, g, scale)
  local m, from, like = step.of[1], step.from, step.like
  if step.pools then
    local into = room(step.whole, first, count, like, g, from[1], from[2], from[3])
    local indices, size = step.places:narrow(1, first, count), { from[2], from[3] }
    if step.through then
      local y = step.output:narrow(1, first, count)
      return ops.max_pool2d_relu_grad(into, g, indices, y, size, step.kernel, step.stride, step.pad, nil, step.ceil, step.bound)
    end
    return ops.max_pool2d_grad(into, g, indices, size, step.kernel, step.stride, step.pad, nil, step.ceil)
  end
  if step.activated and not step.pooled then
    local into = room(step.gate, first, count, like, g, step.planes, step.height, step.width)
    local y = step.output:narrow(1, first, count)
    ops[step.bound and 'relu6_backward' or 'relu_backward'](y, y, g, 1, 0, into)
    g = into
  end
  local into = not step.unwanted and room(step.whole, first, count, like, g, from[1], from[2], from[3]) or nil
  if scale or into then
    ops.conv2d_backward(step.input:narrow(1, first, count), scale and m.weight or step.weight, scale and m.bias or step.bias,
      step.stride, step.pad, nil, step.groups, nil, g, scale or 1, scale and 6 or 0, into, scale and m.gradWeight,
      scale and m.gradBias)
  end
  return into
end

local function pass(list, n, size, gradOutput, scale)
  each(n, size, function(first, count)
    local g = gradOutput:narrow(1, first, count)
    for k = #list, 1, -1 do g = stepBack(list[k], first, count, g, scale) end
  end)
end

-- The gradInputs that a run left out.
local function fillGradients(record)
  if not skipped.stand(record.seen) then return end
  local list, n = record.list, record.n
  for k, step in ipairs(list) do
    local from = step.from
    if k > 1 then step.whole = record.like.new():resize(n, from[1], from[2], from[3]) end
    if step.output and step.activated then step.gate = record.like.new():resize(n, step.planes, step.height, step.width) end
  end
  pass(list, n, record.size, record.gradOutput)
  for k, step in ipairs(list) do
    local whole, gate = step.whole, step.gate
    step.whole, step.gate = nil, nil
    if k > 1 then skipped.put(record, step.of[1], 'gradInput', whole) end
    if step.through then skipped.put(record, list[k - 1].of[2], 'gradInput', whole.new():set(whole)) end
    if gate then skipped.put(record, step.of[2], 'gradInput', gate) end
  end
end

-- Leaves the gradInputs inside a run out.
local function leaveGradients(list, record)
  local read, before = { record.gradOutput }, skipped.left(list[#list].of[1], 'gradInput')
  for k, step in ipairs(list) do
    local old = before and before.list[k] or {}
    local m, activation, whole, other, gate = step.of[1], step.of[2], step.whole, step.other, step.gate
    step.whole, step.other, step.gate = nil, nil, nil
    if k == 1 then step.unwanted = true
    else leave(m, step.through and list[k - 1].of[2] or nil, 'gradInput', record, whole, other) end
    if activation and not step.pooled then skipped.leave(activation, 'gradInput', record, gate) end
    if k > 1 and not step.pools then step.weight, step.bias = copyOf(m.weight, old.weight), copyOf(m.bias, old.bias) end
    for _, t in pairs { step.output, step.places } do read[#read + 1] = t end
  end
  record.seen = skipped.seen(read)
end

--- The gradient before the run that ends with modules[i], and its first module; nothing if the run is to be taken whole.
function chunks.backward(modules, i, input, gradOutput, scale)
  if not torch.isTensor(gradOutput) or gradOutput:dim() ~= 4 or gradOutput:size(1) < chunks.fewest * LEAST then return end
  local first = runs.first(modules, i)
  local x = input
  if first > 1 then x = modules[first - 1].output end
  if not torch.isTensor(x) or x:dim() ~= 4 or x:size(1) ~= gradOutput:size(1) or glue.differ(x, gradOutput) then return end
  local list = first < i and runs.steps(modules, first, i, x:size(2), x:size(3), x:size(4))
  if not list or list[#list].last ~= i or not glue.alike(modules[i].output, gradOutput) then return end
  local n = x:size(1)
  local size = images(list, n, bytes(x))
  if not size then return end
  runs.ready(list, modules, x:size(2), x:size(3), x:size(4))
  if not lay(list, modules, x, gradOutput) then return end
  pass(list, n, size, gradOutput, scale)
  local gradInput = list[1].whole
  leaveGradients(list, { fill = fillGradients, list = list, n = n, size = size, gradOutput = gradOutput, like = x })
  return gradInput, first
end

return chunks
