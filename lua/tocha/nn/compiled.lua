--- Networks compiled for inference: nn.Compiled(net) computes what net computes in evaluation, in one call of the engine.
--
-- At the first forward for a size of images the network becomes a plan: its steps in order, convolutions with the normalization,
-- sum and activation that follow them in one, weights copied in the order that the engine reads them. Batches may be of any size;
-- other sizes of images are compiled for when they come, and one plan is kept.
--
-- The plan has its own copy of the weights. Who changes weights calls `refresh()`; `evaluate()`, `training()`, `type()` and
-- `clearState()` do that too. While in training the module does what net does, so that a network may be trained inside.
-- @module tocha.nn.compiled
local torch = require 'tocha'
local nn = require 'tocha.nn'
local steps = require 'tocha.nn.steps'
local raise = require 'tocha.bindings.own'.raise

-- (module): in evaluation from now on
local Compiled, parent = torch.class('tocha.Compiled', 'nn.Decorator', nn)

-- Of each module: the plan and the sizes it is for. No field, because modules are copied and written to files.
local plans = setmetatable({}, { __mode = 'k' })

function Compiled:__init(module)
  if not torch.isTypeOf(module, 'nn.Module') then
    raise(('nn.Compiled: a network is needed, not a %s'):format(torch.type(module)))
  end
  parent.__init(self, module)
  self:evaluate()
end

--- Forgets the plan: the next forward compiles again, from the weights as they are then.
function Compiled:refresh()
  plans[self] = nil
  return self
end

for _, name in ipairs { 'training', 'evaluate', 'type', 'clearState' } do
  Compiled[name] = function(self, ...)
    if name ~= 'type' or select('#', ...) > 0 then plans[self] = nil end
    local result = parent[name](self, ...)
    return result
  end
end

local function planFor(self, input)
  if not torch.isTensor(input) or input:type() ~= 'torch.FloatTensor' then
    raise(('nn.Compiled: a FloatTensor is needed, not a %s'):format(torch.type(input)))
  end
  local dims = input:dim()
  if dims ~= 2 and dims ~= 4 then
    raise(('nn.Compiled: a batch of images (N,C,H,W) or of rows (N,F) is needed, but the input has %d dimensions'):format(dims))
  end
  local known = plans[self]
  if known and known.dims == dims and known.c == input:size(2)
    and (dims == 2 or known.h == input:size(3) and known.w == input:size(4)) then return known end
  local c, h, w = input:size(2), dims == 4 and input:size(3) or 1, dims == 4 and input:size(4) or 1
  known = { dims = dims, c = c, h = h, w = w, plan = steps.compile(self.modules[1], c, h, w, dims == 2) }
  plans[self] = known
  return known
end

function Compiled:updateOutput(input)
  if self.train then self.output = self.modules[1]:updateOutput(input)
  else
    local known = planFor(self, input)
    if not torch.isTensor(self.output) or self.output:type() ~= 'torch.FloatTensor' then self.output = input.new() end
    known.plan:run(input, self.output)
  end
  return self.output
end

for _, name in ipairs { 'updateGradInput', 'accGradParameters', 'accUpdateGradParameters', 'sharedAccUpdateGradParameters' } do
  Compiled[name] = function(self, ...)
    if not self.train then
      raise 'nn.Compiled: there is no backward pass in evaluation; `training()` first, or use the network inside'
    end
    local result = parent[name](self, ...)
    return result
  end
end

--- Bytes that the plan holds beside the network; 0 before the first forward.
function Compiled:planBytes() return plans[self] and plans[self].plan:bytes() or 0 end
