--- Layers and criterions from a function of tape operations (see derive.lua).
--
-- forward records the function on a private graph that stands in a weak table beside the module (a module's fields are
-- what clone and files carry); the other update functions run that graph backwards, as often as they are called. An
-- evaluating module records nothing until its backward is asked for.
-- @module tocha.nn.record
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local glue = require 'tocha.bindings.module'
local takes = require 'tocha.nn.takes'
local gradName = require 'tocha.nn.lines'.gradName

local enableGrad, noGrad = torch.enableGrad, torch.noGrad -- packages replace functions of torch while they run
local record = {}

-- What a module's function sees as `self`: the module, with its parameters as leaves of the tape, which leafOf(value,
-- gradient) makes. `leaves` holds those used.
local function bind(module, leafOf)
  local leaves = {}
  return setmetatable({}, {
    __index = function(_, key)
      local value = leaves[key]
      if value == nil then
        value = module[key]
        if type(key) == 'string' and torch.isTensor(value) then
          local grad = module[gradName(key)]
          if torch.isTensor(grad) then
            value = leafOf(value, grad)
            leaves[key] = value
          end
        end
      end
      return value
    end,
    __newindex = function(_, key, value) module[key] = value end,
  }), leaves
end

-- Recordings by module: input, its tensors, their leaves, leaves of parameters, outputs.
local recordings = setmetatable({}, { __mode = 'k' })

-- The recording before is of no use any more; what its gradient needed is given back before memory for the new one is taken.
local function make(module, input, fn, target)
  takes.check(fn)(input)
  local old = recordings[module]
  recordings[module] = nil
  if old then
    for i = 1, #old.ys do glue.forget(old.ys[i]) end
  end
  local recording = { given = utils.flat(input), leaves = {}, target = target }
  local own = utils.map(function(t)
    local leaf = glue.input(t)
    recording.leaves[#recording.leaves + 1] = leaf
    return leaf
  end, input)
  local bound
  bound, recording.params = bind(module, glue.input)
  local output = enableGrad(fn, bound, own, target)
  recording.output, recording.ys = output, utils.flat(output)
  recordings[module] = recording
  return recording
end

local function recordingOf(module, input, fn, target)
  local recording = recordings[module]
  if recording and rawequal(recording.target, target) then
    local list = utils.flat(input)
    local same = #list == #recording.given
    for i = 1, #list do same = same and glue.sameView(list[i], recording.given[i]) end
    if same then return recording end
  end
  return make(module, input, fn, target)
end

-- `to` as a nested table of plain tensors with the values of `from`, keeping the tensor objects it has.
local function adopt(to, from)
  if torch.isTensor(from) then
    if torch.isTensor(to) and to:type() == from:type() then return to:set(from) end
    return from:detach()
  end
  if type(from) ~= 'table' then return from end
  to = type(to) == 'table' and to or {}
  for k, value in pairs(from) do to[k] = adopt(to[k], value) end
  for k in pairs(to) do
    if from[k] == nil then to[k] = nil end
  end
  return to
end

-- Runs the recording backwards: gradInput if wanted, parameters' gradients if scale is given.
local function replay(module, recording, gradOutput, wantInput, scale)
  local xs, into = {}, {}
  if wantInput then
    for i, leaf in ipairs(recording.leaves) do xs[i] = leaf end
  end
  if scale then
    for name, leaf in pairs(recording.params) do
      xs[#xs + 1], into[#xs + 1] = leaf, module[gradName(name)]
    end
  end
  if #xs == 0 then return end
  return glue.gradients(recording.ys, utils.flat(gradOutput), xs, into, scale)
end

-- Whether several places of a tensor are one element, as in what expand gives; the caller of a module may write to a gradInput.
local function repeats(t)
  for d = 1, t:dim() do
    if t:stride(d) == 0 and t:size(d) > 1 then return true end
  end
  return false
end

-- Makes the gradients of a recording's leaves the gradInput; zeros where there is none.
local function giveInput(module, input, recording, gs)
  local list = {}
  for i, leaf in ipairs(recording.leaves) do
    local g = gs[i] or leaf.new():resizeAs(leaf):zero()
    list[i] = repeats(g) and g:clone() or g
  end
  module.gradInput = adopt(module.gradInput, utils.unflat(input, list))
  return module.gradInput
end

--- Gives a class of layers its functions.
function record.layer(class, fn)
  local check = takes.check(fn)

  function class:updateOutput(input)
    if self.train == false then
      recordings[self] = nil
      check(input)
      self.output = adopt(self.output, noGrad(fn, self, utils.map(glue.constant, input)))
    else
      self.output = adopt(self.output, make(self, input, fn).output)
    end
    return self.output
  end

  function class:updateGradInput(input, gradOutput)
    if not self.gradInput then return end
    local recording = recordingOf(self, input, fn)
    return giveInput(self, input, recording, replay(self, recording, gradOutput, true, nil))
  end

  function class:accGradParameters(input, gradOutput, scale)
    replay(self, recordingOf(self, input, fn), gradOutput, false, scale or 1)
  end

  local updateGradInput, accGradParameters = class.updateGradInput, class.accGradParameters
  function class:backward(input, gradOutput, scale)
    if self.updateGradInput ~= updateGradInput or self.accGradParameters ~= accGradParameters or not self.gradInput then
      return nn.Module.backward(self, input, gradOutput, scale)
    end
    local recording = recordingOf(self, input, fn)
    return giveInput(self, input, recording, replay(self, recording, gradOutput, true, scale or 1))
  end

  function class:compute(input)
    check(input)
    local output = fn((bind(self, glue.leaf)), input) -- no tail call: errors find the module on the stack
    return output
  end
end

--- Gives a class of criterions its functions.
function record.loss(class, fn)
  function class:updateOutput(input, target)
    local loss = make(self, input, fn, target).output
    self.output = torch.isTensor(loss) and loss:item() or loss -- of whole numbers there is a plain sum
    return self.output
  end

  function class:updateGradInput(input, target)
    local recording = recordingOf(self, input, fn, target)
    local gs = glue.gradients(recording.ys, { glue.one(recording.ys[1]) }, recording.leaves)
    return giveInput(self, input, recording, gs)
  end

  local check = takes.check(fn)
  function class:compute(input, target)
    check(input)
    local loss = fn(self, input, target)
    return loss
  end
end

return record
