--- Runs of modules that a Sequential does in one pass over memory: forward a convolution, its batch normalisation, an activation;
-- in training a batch normalisation and an activation; a linear layer and a ReLU; backward a batch normalisation and an
-- activation, a max pooling and the activation before it, and a linear layer and the ReLU before it.
--
-- An activation joins where it works in place (`nn.ReLU(true)`), so that what the modules keep is the same; on the tape, where
-- nobody reads what is between a linear layer and a ReLU, it always does. In evaluation the
-- batch normalisation is folded in too. Then the convolution keeps no output: it is computed when somebody reads it
-- (skipped.lua). A backward pass in evaluation needs more, so the Sequential runs forward again, module by module, and keeps to
-- that until `evaluate()` or `training()` is called.
-- @module tocha.nn.fuse
local torch = require 'tocha'
local derive = require 'tocha.nn.derive'
local nn = require 'tocha.nn'
local glue = require 'tocha.bindings.module'
local skipped = require 'tocha.nn.skipped'
local raise = require 'tocha.bindings.own'.raise

local fuse = {}

-- The update functions as they were defined: a module that has another one is left alone.
local convolve, normalize = nn.SpatialConvolution.updateOutput, nn.SpatialBatchNormalization.updateOutput
local relu, relu6 = nn.ReLU.updateOutput, nn.ReLU6.updateOutput
local linear, pool = nn.Linear.updateOutput, nn.SpatialMaxPooling.updateOutput
local reluGradient, relu6Gradient = nn.ReLU.updateGradInput, nn.ReLU6.updateGradInput
local linearGradient, linearBackward = nn.Linear.updateGradInput, nn.Linear.backward
local linearAccumulate = nn.Linear.accGradParameters
local linearCompute, reluCompute = nn.Linear.compute, nn.ReLU.compute
local convolveGradient, poolGradient = nn.SpatialConvolution.updateGradInput, nn.SpatialMaxPooling.updateGradInput
local normGradient, normBackward = nn.SpatialBatchNormalization.updateGradInput, nn.SpatialBatchNormalization.backward
local normAccumulate = nn.SpatialBatchNormalization.accGradParameters
local backward, accumulate = nn.Module.backward, nn.Module.accGradParameters

-- Sequentials whose last forward left outputs out, and those that are to run module by module.
local partial = setmetatable({}, { __mode = 'k' })
local whole = setmetatable({}, { __mode = 'k' })

--- Whether m is an activation in place.
function fuse.activates(m) return m ~= nil and m.inplace and (m.updateOutput == relu or m.updateOutput == relu6) end

local activates = fuse.activates

--- Whether m is a convolution with the class's own forward pass.
function fuse.convolves(m) return m.updateOutput == convolve end

--- Whether a run of modules can end with modules[i].
function fuse.ends(modules, i)
  local gradient = modules[i].updateGradInput
  return gradient == convolveGradient or gradient == poolGradient or gradient == reluGradient or gradient == relu6Gradient
    or modules[i - 1].updateOutput == relu and gradient == linearGradient
end

--- What modules[i] begins: how many modules make one pass (1: it alone), the normalisation among them, the activation.
function fuse.run(self, modules, i)
  local update, second = modules[i].updateOutput, modules[i + 1]
  if update == normalize and modules[i].train and modules[i].nDim == 4 and activates(second) then return 2, modules[i], second end
  if second == nil then return 1 end
  if second.updateOutput == relu and update == linear and second.inplace then return 2, nil, second end
  if update ~= convolve then return 1 end
  if activates(second) then return 2, nil, second end
  if second.updateOutput == normalize and second.nDim == 4 and second.train == false and not whole[self] then
    local third = modules[i + 2]
    if activates(third) then return 3, second, third end
    return 2, second
  end
  return 1
end

--- What an activation cuts its output at.
function fuse.bound(activation) return activation.updateOutput == relu6 and 6 or nil end
local bound = fuse.bound

-- A batch normalisation in training and an activation, which writes over what it reads.
local function normalized(norm, activation, input)
  input = glue.constant(input)
  if glue.differ(norm.output, input) or input:dim() ~= 4 then return end
  local ok, y, mean, std = pcall(glue.ops.batch_norm_relu, norm.output, norm.save_mean, norm.save_std, input, norm.weight,
    norm.bias, norm.running_mean, norm.running_var, true, norm.momentum, norm.eps, bound(activation))
  if not ok then return end
  norm.output, norm.save_mean, norm.save_std = y, mean, std
  activation.output, activation.overwrites = y, true
  return y
end

-- A linear layer and a ReLU, which writes over what it reads.
local function connected(m, activation, input)
  input = glue.constant(input)
  if not torch.isTensor(m.output) or glue.differ(m.output, input) then return end
  local ok, y = pcall(glue.ops.linear_relu, m.output, input, m.weight, m.bias)
  if not ok then return end
  m.output, activation.output, activation.overwrites = y, y, true
  return y
end

--- The output of a linear layer, modules[i], and of a ReLU behind it on the tape; nothing where they are something else.
function fuse.compute(modules, i, input)
  local m, activation = modules[i], modules[i + 1]
  if m.compute ~= linearCompute or activation == nil or activation.compute ~= reluCompute then return end
  if not derive.computes(m) or not derive.computes(activation) then return end
  local ok, y = pcall(glue.ops.linear_relu, nil, input, glue.leaf(m.weight, m.gradWeight), glue.leaf(m.bias, m.gradBias))
  if ok then return y end -- else module by module the error gets its name
end

-- The output that a convolution left out, of its input as it is now.
local function remake(record)
  local conv = record.of[1]
  skipped.drop(conv, 'output') -- which updateOutput writes
  convolve(conv, record.input)
end

--- The output of `count` modules from modules[i] on; nothing if the first refuses its input.
function fuse.forward(self, modules, i, input, count, norm, activation)
  if modules[i] == norm then return normalized(norm, activation, input) end
  if modules[i].updateOutput == linear then return connected(modules[i], activation, input) end
  local conv, last = modules[i], modules[i + count - 1]
  if not norm then skipped.drop(conv, 'output') end
  skipped.drop(last, 'output')
  local output, mean, var, gamma, beta, eps = last.output, nil, nil, nil, nil, nil
  input = glue.constant(input)
  -- What an activation in place left is only known to be ours if the module before it has the very same.
  local foreign = activation and not rawequal(output, rawget(norm or conv, 'output'))
  if foreign or glue.differ(output, input) then output = input.new() end
  if norm then mean, var, gamma, beta, eps = norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.eps end
  local ok, result = pcall(glue.ops.conv2d_fused, output, input, conv.weight, conv.bias, mean, var, gamma, beta,
    { conv.dH, conv.dW }, { conv.padH, conv.padW }, nil, conv.groups, eps, activation and 0, activation and bound(activation))
  if not ok then return end
  last.output = result
  if not norm then
    conv.output = result
    return result
  end
  norm.output = result
  skipped.leave(conv, 'output', { fill = remake, of = setmetatable({ conv }, { __mode = 'v' }), input = input, like = input })
  partial[self] = true
  return result
end

--- Whether the output of modules[i] is still what it was: the module after it reads it, maybe through a view, and writes its own.
function fuse.stands(modules, i)
  local after = modules[i + 1]
  while after ~= nil and (after.updateOutput == nn.View.updateOutput or after.updateOutput == nn.Reshape.updateOutput) do
    i = i + 1
    after = modules[i + 1]
  end
  local update = after ~= nil and after.updateOutput
  return update == convolve or update == linear or update == pool
end

local function derived(m, gradient)
  return m.updateGradInput == gradient and m.backward == backward and m.accGradParameters == accumulate
end

--- Whether the gradient of an activation is its class's.
function fuse.plain(activation)
  return derived(activation, activation.updateOutput == relu6 and relu6Gradient or reluGradient)
end

-- Whether a module is to have a gradInput.
local function wanted(m) return rawget(m, 'gradInput') ~= nil or skipped.left(m, 'gradInput') ~= nil end

-- Gives an activation the gradInput of the module behind it. As in Torch7 both are then one: it works in place backward too.
local function share(activation, gradInput)
  local own = activation.gradInput
  if not torch.isTensor(own) or glue.differ(own, gradInput) then own = gradInput.new() end
  if not glue.sameView(own, gradInput) then own:set(gradInput) end
  activation.gradInput = own
  return gradInput
end

-- Whether a module's gradInput lies in the memory of another's, as programs have it that save memory.
local function sharesGradient(m, other)
  local g = m and rawget(m, 'gradInput')
  return torch.isTensor(g) and g:isSharedWith(other.gradInput)
end

-- The gradient before a ReLU, modules[i - 1], and a linear layer. It is left to the modules where the one before them would write
-- over it while it reads it.
local function disconnected(modules, i, gradOutput, scale)
  local m, activation = modules[i], modules[i - 1]
  local y = activation.output
  if activation.updateOutput ~= relu or not activation.inplace or not wanted(activation) then return end
  if not fuse.plain(activation) or m.backward ~= linearBackward or m.accGradParameters ~= linearAccumulate then return end
  if not torch.isTensor(m.gradInput) or glue.differ(m.gradInput, y) or sharesGradient(modules[i - 2], m) then return end
  skipped.drop(activation, 'gradInput')
  local ok, result = pcall(glue.ops.relu_linear_grad, m.gradInput, gradOutput, y, m.weight)
  if not ok then return end
  m.gradInput = result
  if scale then linearAccumulate(m, y, gradOutput, scale) end
  return share(activation, result)
end

-- The gradient before an activation and a max pooling.
local function unpool(modules, i, gradOutput)
  local m, activation = modules[i], modules[i - 1]
  if not derived(m, poolGradient) or not wanted(m) or not m.places or not fuse.stands(modules, i) then return end
  skipped.drop(m, 'gradInput')
  skipped.drop(activation, 'gradInput')
  local gradInput = m.gradInput
  if glue.differ(gradInput, gradOutput) then return end
  local ok, result = pcall(glue.ops.max_pool2d_relu_grad, gradInput, gradOutput, m.places, m.output,
    { m.iheight, m.iwidth }, { m.kH, m.kW }, { m.dH, m.dW }, { m.padH, m.padW },
    m.dilationH and { m.dilationH, m.dilationW }, m.ceil_mode, bound(activation))
  if not ok then return end
  m.gradInput = result
  return share(activation, result)
end

local function activationBack(bounded, y, gradOutput, into)
  glue.ops[bounded and 'relu6_backward' or 'relu_backward'](y, y, gradOutput, 1, 0, into:resizeAs(y))
end

-- The gradient between a batch normalisation and an activation, which no pass needs.
local function fillBetween(record)
  local g = record.like.new()
  if not skipped.stand(record.seen) then return end
  activationBack(record.bounded, record.seen.tensors[1], record.seen.tensors[2], g)
  skipped.put(record, record.of[1], 'gradInput', g)
end

-- The gradient before a batch normalisation in training and an activation. That between the two is left out, but without a scale:
-- accGradParameters reads it then, maybe after others wrote what it could be made of.
local function denormalize(norm, activation, input, gradOutput, scale)
  local own = norm.updateGradInput == normGradient and norm.backward == normBackward and norm.accGradParameters == normAccumulate
  local y, between = activation.output, skipped.held(activation, 'gradInput')
  if not own or not norm.gradInput or glue.differ(norm.gradInput, gradOutput) or glue.differ(between, gradOutput) then return end
  local ok, gradInput, sums = pcall(glue.ops.batch_norm_relu_grad, norm.gradInput, nil, gradOutput, y, input, norm.save_mean,
    norm.save_std, norm.weight, bound(activation))
  if not ok then return end
  norm.gradInput = gradInput
  local bounded = bound(activation) ~= nil
  if not scale then
    skipped.drop(activation, 'gradInput')
    activation.gradInput = between or y.new()
    activationBack(bounded, y, gradOutput, activation.gradInput)
    return gradInput
  end
  if between then activationBack(bounded, y, gradOutput, between) end
  skipped.leave(activation, 'gradInput', { fill = fillBetween, of = setmetatable({ activation }, { __mode = 'v' }), like = y,
    bounded = bounded, seen = skipped.seen { y, gradOutput } }, between)
  if norm.weight then
    norm.gradWeight:add(scale, sums[1])
    norm.gradBias:add(scale, sums[2])
  end
  return gradInput
end

--- The gradient before modules[i - 1] from the one behind modules[i], where the two are a batch normalisation in training and an
-- activation in place, such an activation and a max pooling, or a ReLU in place and a linear layer; nothing where they are not.
-- @tparam table modules
-- @tparam number i
-- @tparam tensor input of modules[i - 1]
-- @tparam tensor gradOutput
-- @tparam ?number scale of the gradients of parameters; nil: none are wanted
function fuse.backward(modules, i, input, gradOutput, scale)
  local m, before = modules[i], modules[i - 1]
  if m.updateGradInput == linearGradient then return disconnected(modules, i, gradOutput, scale) end
  local pooled = m.updateGradInput == poolGradient
  local activation = pooled and before or m
  if not pooled and before.updateOutput ~= normalize or not activates(activation) or not wanted(activation) then return end
  if not fuse.plain(activation) then return end
  if pooled then return unpool(modules, i, gradOutput) end
  if before.train and before.nDim == 4 then return denormalize(before, activation, input, gradOutput, scale) end
end

--- Before a backward pass: makes the outputs that the forward pass left out.
function fuse.restore(self, input)
  if self.sharesOutputs then
    raise('backward: outputs inside the network share memory (optnet.optimizeMemory); optnet.removeOptimization gives each its own')
  end
  if not partial[self] then return end
  partial[self], whole[self] = nil, true
  self:updateOutput(input)
end

--- Allows one pass again.
function fuse.allow(self) partial[self], whole[self] = nil, nil end

return fuse
