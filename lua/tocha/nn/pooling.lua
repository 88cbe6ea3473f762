--- Pooling over images (N, C, H, W) or (C, H, W).
-- @module tocha.nn.pooling
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
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
-- won.
local Max, max = torch.class('nn.SpatialMaxPooling', 'nn.Module', nn)

function Max:__init(kW, kH, dW, dH, padW, padH)
  max.__init(self)
  window(self, kW, kH, dW or kW, dH or kH, padW, padH)
end

derive(Max, 'self.output, self.places = max_pool2d(input, {self.kH, self.kW}, {self.dH, self.dW}, '
  .. '{self.padH, self.padW}, dilation(self), self.ceil_mode)',
  { dilation = function(self) return self.dilationH and { self.dilationH, self.dilationW } or nil end })

function Max:clearState()
  self.places = nil
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

local function adaptive(name, line)
  local class, parent = torch.class(name, 'nn.Module', nn)
  function class:__init(width, height)
    parent.__init(self)
    self.W, self.H = width, height or width
  end
  derive(class, line)
  function class:__tostring__() return ('%s(%dx%d)'):format(torch.type(self), self.W, self.H) end
end

adaptive('nn.SpatialAdaptiveMaxPooling', 'self.output, self.places = adaptive_max_pool2d(input, {self.H, self.W})')
adaptive('nn.SpatialAdaptiveAveragePooling', 'adaptive_avg_pool2d(input, {self.H, self.W})')

-- -- sequences: (T, C) or (N, T, C) ---------------------------------------------------------------------------------

-- (kW [, dW]): the largest of kW frames, every dW frames (kW)
local Temporal, temporal = torch.class('nn.TemporalMaxPooling', 'nn.Module', nn)

function Temporal:__init(kW, dW)
  temporal.__init(self)
  if not kW then raise('nn.TemporalMaxPooling: kW is needed') end
  self.kW, self.dW = kW, dW or kW
end

derive(Temporal, function(self, input)
  local windows = input:unfold(input:dim() - 1, self.kW, self.dW)
  local largest = torch.max(windows, windows:dim())
  return largest:select(windows:dim(), 1)
end)
