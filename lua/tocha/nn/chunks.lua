--- Runs of convolutions, activations in place and max poolings that a Sequential takes a few images at a time, so that what one
-- module writes is still in a cache when the next reads it, forward and backward.
--
-- Outputs and gradInputs are whole tensors as ever; operations work on views of them. How many images go together depends on
-- shapes alone. A run is taken whole where the batch is small, where weights are large (they would be prepared for each part of the
-- batch), and where a module has functions of its own.
-- @module tocha.nn.chunks
local torch = require 'tocha'
local nn = require 'tocha.nn'
local glue = require 'tocha.bindings.module'
local fuse = require 'tocha.nn.fuse'
local places = require 'tocha.nn.places'

-- room: bytes of outputs that the images of a chunk have together; fewest: chunks that pay. Measured: what is less stays in a cache
-- of the processor anyway.
local chunks = { room = 2400 * 1024, fewest = 6 }
local ops = glue.ops

local WEIGHTS = 512 * 1024 -- bytes of all weights of a run, at most
local LEAST = 4 -- images of a chunk

local convolve, pool = nn.SpatialConvolution.updateOutput, nn.SpatialMaxPooling.updateOutput
local convolveBack, poolGradient = nn.SpatialConvolution.backward, nn.SpatialMaxPooling.updateGradInput
local convolveGradient, convolveAccumulate = nn.SpatialConvolution.updateGradInput, nn.SpatialConvolution.accGradParameters
local backward, accumulate = nn.Module.backward, nn.Module.accGradParameters

local function plainConvolution(m)
  return m.updateOutput == convolve and m.backward == convolveBack and m.updateGradInput == convolveGradient
    and m.accGradParameters == convolveAccumulate
end

local function plainPooling(m)
  return m.updateOutput == pool and m.updateGradInput == poolGradient and m.backward == backward
    and m.accGradParameters == accumulate and not m.dilationH and m.kW * m.kH <= 256
end

local function outer(size, kernel, stride, pad, ceil)
  local room = size + 2 * pad - kernel
  local n = (ceil and math.ceil or math.floor)(room / stride) + 1
  if ceil and (n - 1) * stride >= size + pad then n = n - 1 end
  return n
end

-- The steps of the run from modules[i] up to modules[limit] at most: a table for each operation, with the modules it does and the
-- sizes of its output. Nothing if it is less than two operations.
local function steps(modules, i, limit, planes, height, width)
  local list, seen, weights = {}, {}, 0
  while i <= limit and not seen[modules[i]] do
    local m, step = modules[i]
    if plainConvolution(m) then
      if planes ~= m.nInputPlane then return end
      step = { conv = m, first = i, last = i, planes = m.nOutputPlane, height = outer(height, m.kH, m.dH, m.padH),
        width = outer(width, m.kW, m.dW, m.padW) }
      weights = weights + m.weight:nElement()
      local after = modules[i + 1]
      if i < limit and fuse.activates(after) and fuse.plain(after) and not seen[after] then
        step.activation, step.last = after, i + 1
        seen[after] = true
      end
    elseif plainPooling(m) and #list > 0 then
      step = { pool = m, first = i, last = i, planes = planes, height = outer(height, m.kH, m.dH, m.padH, m.ceil_mode),
        width = outer(width, m.kW, m.dW, m.padW, m.ceil_mode) }
    else break end
    if step.height < 1 or step.width < 1 then return end
    seen[m] = true
    list[#list + 1] = step
    planes, height, width, i = step.planes, step.height, step.width, step.last + 1
  end
  if #list > 1 and weights * 4 <= WEIGHTS then return list end
end

-- Images of a chunk; nothing if the batch is to be taken whole.
local function images(list, n, size)
  local each = 0
  for _, step in ipairs(list) do each = each + step.planes * step.height * step.width * size end
  local most = math.floor(chunks.room / each)
  if most < LEAST or n < chunks.fewest * most then return end
  return math.ceil(n / math.ceil(n / most))
end

local function bytes(t) return t:type() == 'torch.DoubleTensor' and 8 or 4 end

-- Gives the modules of a step outputs for the whole batch; false where they cannot be written.
local function prepare(step, n, input)
  local m = step.conv or step.pool
  local output = rawget(m, 'output')
  if not torch.isTensor(output) or glue.differ(output, input) then return false end
  if step.activation and not rawequal(output, step.activation.output) then output = input.new() end
  if not output:isContiguous() then output = input.new() end
  step.output = output:resize(n, step.planes, step.height, step.width)
  if step.pool then
    local indices = m.places
    if torch.typename(indices) ~= 'torch.ByteTensor' or not indices:isContiguous() then indices = torch.ByteTensor() end
    step.places = indices:resize(n, step.planes, step.height, step.width)
  end
  return true
end

local function conv(step, x, y)
  local m, activation = step.conv, step.activation
  ops.conv2d_fused(y, x, m.weight, m.bias, nil, nil, nil, nil, { m.dH, m.dW }, { m.padH, m.padW }, nil, m.groups, nil,
    activation and 0, activation and fuse.bound(activation))
end

local function maxPool(step, x, y, indices)
  local m = step.pool
  ops.max_pool2d(y, indices, x, { m.kH, m.kW }, { m.dH, m.dW }, { m.padH, m.padW }, nil, m.ceil_mode)
end

local function forward(list, input, n, size)
  for first = 1, n, size do
    local count = math.min(size, n - first + 1)
    local x = input:narrow(1, first, count)
    for _, step in ipairs(list) do
      local y = step.output:narrow(1, first, count)
      if step.conv then conv(step, x, y)
      else maxPool(step, x, y, step.places:narrow(1, first, count)) end
      x = y
    end
  end
end

--- The output of a run that begins at modules[i], a convolution, and its last module; nothing if the run is to be taken whole.
function chunks.forward(modules, i, input)
  if not torch.isTensor(input) or input:dim() ~= 4 or input:size(1) < chunks.fewest * LEAST then return end
  local n = input:size(1)
  local list = steps(modules, i, #modules, input:size(2), input:size(3), input:size(4))
  local size = list and images(list, n, bytes(input))
  if not size then return end
  input = glue.constant(input)
  for _, step in ipairs(list) do
    if not prepare(step, n, input) then return end
  end
  if not pcall(forward, list, input, n, size) then return end -- module by module the error gets its name
  local x = input
  for _, step in ipairs(list) do
    local m = step.conv or step.pool
    m.output = step.output
    if step.activation then step.activation.output, step.activation.overwrites = step.output, true end
    if step.pool then
      m.places = step.places
      places.seen(m, x)
    end
    x = step.output
  end
  return x, list[#list].last
end

-- -- backward -------------------------------------------------------------------------------------------------------

-- A module's gradInput for the whole batch, like x; false where it cannot be written.
local function room(m, x)
  local g = m.gradInput
  if not torch.isTensor(g) or glue.differ(g, x) or not g:isContiguous() then return false end
  g:resize(x:size())
  return g
end

-- Whether the output of a step is that of its last forward pass.
local function fits(step, input)
  local y = step.output
  return torch.isTensor(y) and y:dim() == 4 and y:size(1) == input:size(1) and y:size(2) == step.planes
    and y:size(3) == step.height and y:size(4) == step.width and not glue.differ(y, input)
end

-- Gives the steps what they read and write; false where something stands against it.
local function lay(list, modules, input)
  local x = input
  for k, step in ipairs(list) do
    step.input = x
    local m, activation = step.conv or step.pool, step.activation
    step.output = m.output
    if not fits(step, input) then return false end
    if step.conv then
      local unwanted = step.first == 1 and m.gradInput == nil
      step.gradInput = not unwanted and room(m, x)
      if not step.gradInput and not unwanted then return false end
      local after = list[k + 1]
      step.gated = activation and after and after.pool -- the pooling does the activation too
      if activation and not step.gated then
        step.gateInput = room(activation, step.output)
        if not step.gateInput then return false end
      end
    else
      local before = list[k - 1]
      step.through = before.activation
      if step.through and not (step.through.gradInput and (k < #list or fuse.stands(modules, step.last))) then return false end
      step.gradInput = room(m, x)
      local indices = m.places
      if not step.gradInput or torch.typename(indices) ~= 'torch.ByteTensor' or not indices:isSameSizeAs(step.output) then
        return false
      end
    end
    x = step.output
  end
  return true
end

local function convBack(step, first, count, g, scale)
  local m, activation = step.conv, step.activation
  if activation and not step.gated then
    local into = step.gateInput:narrow(1, first, count)
    local y = step.output:narrow(1, first, count)
    ops[fuse.bound(activation) and 'relu6_backward' or 'relu_backward'](y, y, g, 1, 0, into)
    g = into
  end
  local into = step.gradInput and step.gradInput:narrow(1, first, count) or nil
  ops.conv2d_backward(step.input:narrow(1, first, count), m.weight, m.bias, { m.dH, m.dW }, { m.padH, m.padW }, nil, m.groups,
    nil, g, scale, 6, into, m.gradWeight, m.gradBias)
  return into
end

local function poolBack(step, first, count, g)
  local m, into = step.pool, step.gradInput:narrow(1, first, count)
  local indices, x = m.places:narrow(1, first, count), step.input
  local size, kernel, stride, pad = { x:size(3), x:size(4) }, { m.kH, m.kW }, { m.dH, m.dW }, { m.padH, m.padW }
  if step.through then
    ops.max_pool2d_relu_grad(into, g, indices, step.output:narrow(1, first, count), size, kernel, stride, pad, nil, m.ceil_mode,
      fuse.bound(step.through))
  else ops.max_pool2d_grad(into, g, indices, size, kernel, stride, pad, nil, m.ceil_mode) end
  return into
end

--- The gradient before the run that ends with modules[i], and its first module; nothing if the run is to be taken whole.
function chunks.backward(modules, i, input, gradOutput, scale)
  if not torch.isTensor(gradOutput) or gradOutput:dim() ~= 4 or gradOutput:size(1) < chunks.fewest * LEAST then return end
  local first = i
  while first > 0 do
    local m = modules[first]
    if not (plainConvolution(m) or plainPooling(m) or fuse.activates(m) and fuse.plain(m)) then break end
    first = first - 1
  end
  first = first + 1
  while first < i and modules[first].updateOutput ~= convolve do first = first + 1 end
  local x = input
  if first > 1 then x = modules[first - 1].output end
  if not torch.isTensor(x) or x:dim() ~= 4 or x:size(1) ~= gradOutput:size(1) or glue.differ(x, gradOutput) then return end
  local list = first < i and steps(modules, first, i, x:size(2), x:size(3), x:size(4))
  if not list or list[#list].last ~= i or not glue.alike(modules[i].output, gradOutput) then return end
  local n = x:size(1)
  local size = images(list, n, bytes(x))
  if not size or not lay(list, modules, x) then return end
  for from = 1, n, size do
    local count = math.min(size, n - from + 1)
    local g = gradOutput:narrow(1, from, count)
    for k = #list, 1, -1 do
      local step = list[k]
      g = step.conv and convBack(step, from, count, g, scale) or step.pool and poolBack(step, from, count, g)
    end
  end
  for _, step in ipairs(list) do
    local through = step.through
    if through and not glue.sameView(through.gradInput, step.gradInput) then
      through.gradInput = step.gradInput.new():set(step.gradInput)
    end
  end
  return list[1].gradInput or nil, first
end

return chunks
