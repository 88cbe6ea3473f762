--- Pooling over images (N, C, H, W) or (C, H, W).
-- @module tocha.nn.pooling
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local places = require 'tocha.nn.places'
local skipped = require 'tocha.nn.skipped'
local raise = require 'tocha.bindings.own'.raise

local function window(self, kW, kH, dW, dH, padW, padH)
  if not (kW and kH) then raise(('%s: kW and kH are needed'):format(torch.type(self))) end
  self.kW, self.kH, self.padW, self.padH = kW, kH, padW or 0, padH or 0
  self.dW, self.dH, self.ceil_mode = dW, dH, false
end

local function describe(self)
  local s = ('%s(%dx%d, %d,%d'):format(torch.type(self), self.kW, self.kH, self.dW, self.dH)
  if self.padW ~= 0 or self.padH ~= 0 then s = s .. ', ' .. self.padW .. ',' .. self.padH end
  return s .. ')'
end

-- Whether the size of the output is rounded up.
local function rounding(class)
  function class:ceil()
    self.ceil_mode = true
    return self
  end
  function class:floor()
    self.ceil_mode = false
    return self
  end
end

-- (kW, kH [, dW, dH, padW, padH]); the stride is the window by default. `places` tells which element of each window
-- won, `indices` (Torch7's field, made when asked for) which element of its plane, from 1.
local Max, max = torch.class('nn.SpatialMaxPooling', 'nn.Module', nn)

function Max:__init(kW, kH, dW, dH, padW, padH)
  max.__init(self)
  window(self, kW, kH, dW or kW, dH or kH, padW, padH)
end

local function dilation(self) return self.dilationH and { self.dilationH, self.dilationW } or nil end

derive(Max, 'self.output, self.places = max_pool2d(seen(self, input), {self.kH, self.kW}, {self.dH, self.dW}, '
  .. '{self.padH, self.padW}, dilation(self), self.ceil_mode)', { dilation = dilation, seen = places.seen })

places.give(Max, function(self, positions)
  return F.max_pool2d_take(positions, self.places, { self.kH, self.kW }, { self.dH, self.dW }, { self.padH, self.padW },
    dilation(self), self.ceil_mode)
end)

skipped.give(Max)

function Max:clearState()
  self.places, self.indices = nil, nil
  return max.clearState(self)
end

Max.__tostring__ = describe
rounding(Max)

-- (..., dilationW, dilationH)
local DilatedMax, dilatedMax = torch.class('nn.SpatialDilatedMaxPooling', 'nn.SpatialMaxPooling', nn)

function DilatedMax:__init(kW, kH, dW, dH, padW, padH, dilationW, dilationH)
  dilatedMax.__init(self, kW, kH, dW, dH, padW, padH)
  self.dilationW, self.dilationH = dilationW or 1, dilationH or 1
end

function DilatedMax:__tostring__()
  return (describe(self):gsub('%)$', (', %d,%d)'):format(self.dilationW, self.dilationH)))
end

-- (kW, kH [, dW, dH, padW, padH]); the stride is 1 by default
local Average, average = torch.class('nn.SpatialAveragePooling', 'nn.Module', nn)

function Average:__init(kW, kH, dW, dH, padW, padH)
  average.__init(self)
  window(self, kW, kH, dW or 1, dH or 1, padW, padH)
  self.count_include_pad, self.divide = true, true
end

derive(Average, 'avg_pool2d(input, {self.kH, self.kW}, {self.dH, self.dW}, {self.padH, self.padW}, self.ceil_mode, '
  .. 'self.count_include_pad)')

-- Without `divide`, a field of old files, windows are added up.
for name, scale in pairs { updateOutput = 'mul', updateGradInput = 'mul', compute = false } do
  local mean = Average[name]
  Average[name] = function(self, input, gradOutput)
    local t = mean(self, input, gradOutput)
    if self.divide or not t then return t end
    return (scale and t[scale] or torch.mul)(t, self.kW * self.kH)
  end
end
derive.seal(Average)

function Average:setCountIncludePad()
  self.count_include_pad = true
  return self
end

function Average:setCountExcludePad()
  self.count_include_pad = false
  return self
end

Average.__tostring__ = describe
rounding(Average)

-- -- adaptive: the size of the output is given ----------------------------------------------------------------------

local function adaptive(name, line, env)
  local class, parent = torch.class(name, 'nn.Module', nn)
  function class:__init(width, height)
    parent.__init(self)
    self.W, self.H = width, height or width
  end
  derive(class, line, env)
  return class
end

-- (width [, height]): planes cut into that many windows, whose largest number is taken
local AdaptiveMax = adaptive('nn.SpatialAdaptiveMaxPooling',
  'self.output, self.places = adaptive_max_pool2d(seen(self, input), {self.H, self.W})', { seen = places.seen })
places.give(AdaptiveMax, function(self, positions) return F.max_pool2d_take(positions, self.places) end)
AdaptiveMax.clearState = Max.clearState

-- (width [, height]): the same with means
adaptive('nn.SpatialAdaptiveAveragePooling', 'adaptive_avg_pool2d(input, {self.H, self.W})')
