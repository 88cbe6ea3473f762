--- Layers over sequences (N, T, C) or (T, C).
-- @module tocha.nn.temporal
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local batch = require 'tocha.nn.example'.batch
local parameter = require 'tocha.nn.parameter'
local raise = require 'tocha.bindings.own'.raise

local SHAPE = '(N, T, C)'

local function define(name, init, fanIn, forward)
  local class, parent = torch.class(name, 'nn.Module', nn)
  class.__init = function(self, ...)
    parent.__init(self)
    init(self, ...)
    if fanIn then self:reset() end
  end
  function class:reset(deviation)
    if fanIn then parameter.uniform(self, deviation, fanIn(self)) end
  end
  derive(class, function(self, input)
    local x, back = batch(input, 2, SHAPE)
    return back(forward(self, x))
  end)
  return class
end

local function window(self, kW, dW, default)
  if not kW then raise(torch.type(self) .. ': kW is needed') end
  self.kW, self.dW = kW, dW or default
end

-- Windows (N, T', C, kW) of x (N, T, C).
local function windows(self, x)
  local size = self.inputFrameSize
  if size and x:size(3) ~= size then
    raise(('the input has frames of %d, but %d are wanted'):format(x:size(3), size))
  end
  if x:size(2) < self.kW then raise(('windows of %d frames, but the input has %d'):format(self.kW, x:size(2))) end
  return x:unfold(2, self.kW, self.dW)
end

-- (inputFrameSize, outputFrameSize, kW [, dW [, padding]]); weight (out, kW * in); padding: frames of zeros at both ends, as
-- cudnn's has them
define('nn.TemporalConvolution', function(self, inputFrameSize, outputFrameSize, kW, dW, padding)
  self.inputFrameSize, self.outputFrameSize = inputFrameSize, outputFrameSize
  if padding ~= nil then self.padding = parameter.number(self, 'padding', padding) end
  window(self, kW, dW, 1)
  parameter.new(self, 'weight', outputFrameSize, inputFrameSize * kW)
  parameter.new(self, 'bias', outputFrameSize)
end, function(self) return self.kW * self.inputFrameSize end, function(self, x)
  local ends = { 0, self.padding or 0, 0 }
  if ends[2] > 0 then x = F.pad(x, ends, ends, 0) end
  local frames = windows(self, x):transpose(3, 4)
  local n, count = frames:size(1), frames:size(2)
  local rows = F.reshape(frames, { n * count, self.kW * self.inputFrameSize })
  return F.reshape(F.linear(rows, self.weight, self.bias), { n, count, self.outputFrameSize })
end)

-- (inputFrameSize, kW [, dW, featFirst]): every feature has a filter of its own; weight (in, 1, kW). With featFirst the
-- sequences are (N, C, T).
local Row = define('nn.TemporalRowConvolution', function(self, inputFrameSize, kW, dW, featFirst)
  self.inputFrameSize, self.featFirst = inputFrameSize, featFirst and true or false
  window(self, kW, dW, 1)
  parameter.new(self, 'weight', inputFrameSize, 1, kW)
  parameter.new(self, 'bias', inputFrameSize)
end, function(self) return self.kW * self.inputFrameSize end, function(self, x)
  if self.featFirst then x = x:transpose(2, 3) end
  local seen, c = windows(self, x), self.inputFrameSize
  local y = F.sum(torch.cmul(seen, F.reshape(self.weight, { 1, 1, c, self.kW })), { 4 }, false)
  if self.bias then y = torch.add(y, F.reshape(self.bias, { 1, 1, c })) end
  return self.featFirst and y:transpose(2, 3):contiguous() or y
end)
Row.noBias = parameter.noBias

function Row:__tostring__()
  return ('%s(%d, %d%s)%s'):format(torch.type(self), self.inputFrameSize, self.kW,
    self.dW ~= 1 and ', ' .. self.dW or '', self.bias and '' or ' without bias')
end

-- (inputFrameSize, kW [, dW]): weight_c * (sum of kW frames)_c + bias_c
define('nn.TemporalSubSampling', function(self, inputFrameSize, kW, dW)
  self.inputFrameSize = inputFrameSize
  window(self, kW, dW, 1)
  parameter.new(self, 'weight', inputFrameSize)
  parameter.new(self, 'bias', inputFrameSize)
end, function(self) return self.kW end, function(self, x)
  return torch.add(torch.cmul(F.sum(windows(self, x), { 4 }, false), self.weight), self.bias)
end)

-- (kW [, dW]): the largest of kW frames, every dW frames (kW)
define('nn.TemporalMaxPooling', function(self, kW, dW) window(self, kW, dW, kW) end, nil, function(self, x)
  local largest, place = F.max(windows(self, x), 4, false, 0)
  self.indices = place
  return largest
end)

--- `nn.TemporalAdaptiveMaxPooling(T)`, `nn.TemporalAdaptiveAveragePooling(T)`: the sequence cut into T pieces, of which the
-- largest frame, or the mean, of every feature is taken
for name, op in pairs { Max = 'adaptive_max_pool2d', Average = 'adaptive_avg_pool2d' } do
  define(('tocha.TemporalAdaptive%sPooling'):format(name), function(self, time)
    if not time then raise(torch.type(self) .. ': the number of frames is needed') end
    self.T = time
  end, nil, function(self, x)
    local y = F[op](x, { self.T, x:size(3) }) -- a sequence is a plane of T rows
    return y
  end)
end

-- (minK [, factor]): the max(minK, factor * T) largest frames of every feature, in their order
define('nn.TemporalDynamicKMaxPooling', function(self, minK, factor)
  self.minK, self.factor = parameter.number(self, 'minK', minK), factor or 0
end, nil, function(self, x)
  local time = x:size(2)
  local k = math.max(self.minK, math.ceil(self.factor * time))
  if time < k then raise(('the %d largest of %d frames are wanted'):format(k, time)) end
  local _, largest = torch.topk(x:detach(), k, 2, true)
  self.indices = torch.sort(largest, 2)
  return F.gather(x, self.indices, 2, 1)
end)
