--- Convolutions over images (N, C, H, W) or (C, H, W).
--
-- Fields are Torch7's: nInputPlane nOutputPlane kW kH dW dH padW padH (width first), weight and bias.
-- @module tocha.nn.convolution
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local parameter = require 'tocha.nn.parameter'
local resize = require 'tocha.nn.resize'
local skipped = require 'tocha.nn.skipped'
local raise = require 'tocha.bindings.own'.raise

local function fanIn(self) return self.kW * self.kH * self.nInputPlane end

local function define(name, init, forward, above)
  local class = torch.class(name, above or 'nn.Module', nn)
  class.__init = function(self, ...)
    nn.Module.__init(self)
    init(self, ...)
    self:reset()
  end
  function class:reset(deviation)
    parameter.uniform(self, deviation, (self.fanIn or fanIn)(self))
  end
  class.noBias = parameter.noBias
  derive(class, forward)
  return class
end

local function window(self, nInputPlane, nOutputPlane, kW, kH, dW, dH, padW, padH)
  if not (nInputPlane and nOutputPlane and kW and kH) then
    raise(('%s: nInputPlane, nOutputPlane, kW and kH are needed'):format(torch.type(self)))
  end
  self.nInputPlane, self.nOutputPlane, self.kW, self.kH = nInputPlane, nOutputPlane, kW, kH
  self.dW, self.dH = dW or 1, dH or 1
  self.padW = padW or 0
  self.padH = padH or self.padW
end

-- "nn.X(1 -> 2, 3x3, 1,1, 1,1...)": strides are shown if they or the padding are not the default.
local function describe(self, extra)
  local s = ('%s(%d -> %d, %dx%d'):format(torch.type(self), self.nInputPlane, self.nOutputPlane, self.kW, self.kH)
  local padded = self.padW ~= 0 or self.padH ~= 0
  if self.dW ~= 1 or self.dH ~= 1 or padded then s = s .. (', %d,%d'):format(self.dW, self.dH) end
  if padded then s = s .. ', ' .. self.padW .. ',' .. self.padH end
  return s .. (extra or '') .. (self.bias and ')' or ') without bias')
end

-- (nInputPlane, nOutputPlane, kW, kH [, dW, dH, padW, padH [, groups]]); weight (out, in / groups, kH, kW)
local SpatialConvolution = define('nn.SpatialConvolution', function(self, ...)
  window(self, ...)
  local groups = (select(9, ...))
  if groups and groups ~= 1 then
    if self.nInputPlane % groups ~= 0 or self.nOutputPlane % groups ~= 0 then
      raise(('nn.SpatialConvolution: %d -> %d planes cannot be cut into %d groups'):format(self.nInputPlane,
        self.nOutputPlane, groups))
    end
    self.groups = groups
  end
  parameter.new(self, 'weight', self.nOutputPlane, self.nInputPlane / (groups or 1), self.kH, self.kW)
  parameter.new(self, 'bias', self.nOutputPlane)
end, 'conv2d(input, self.weight, self.bias, {self.dH, self.dW}, {self.padH, self.padW}, nil, self.groups)')

skipped.give(SpatialConvolution)

function SpatialConvolution:__tostring__()
  return describe(self, self.groups and (', groups %d'):format(self.groups))
end

-- The same with the weight as a matrix (out, in * kH * kW).
local ConvolutionMM = define('nn.SpatialConvolutionMM', function(self, ...)
  window(self, ...)
  parameter.new(self, 'weight', self.nOutputPlane, self.nInputPlane * self.kH * self.kW)
  parameter.new(self, 'bias', self.nOutputPlane)
end, function(self, input)
  local weight = self.weight:view(self.nOutputPlane, self.nInputPlane, self.kH, self.kW)
  return F.conv2d(input, weight, self.bias, { self.dH, self.dW }, { self.padH, self.padW })
end)
ConvolutionMM.__tostring__ = describe

-- (..., dilationW, dilationH)
local Dilated = define('nn.SpatialDilatedConvolution', function(self, ...)
  window(self, ...)
  self.dilationW, self.dilationH = select(9, ...)
  self.dilationW = self.dilationW or 1
  self.dilationH = self.dilationH or self.dilationW
  parameter.new(self, 'weight', self.nOutputPlane, self.nInputPlane, self.kH, self.kW)
  parameter.new(self, 'bias', self.nOutputPlane)
end, 'conv2d(input, self.weight, self.bias, {self.dH, self.dW}, {self.padH, self.padW}, '
  .. '{self.dilationH, self.dilationW})', 'nn.SpatialConvolution')

function Dilated:__tostring__()
  return describe(self, (', %d,%d'):format(self.dilationW, self.dilationH))
end

-- (..., adjW, adjH): transposed convolution; weight (in, out, kH, kW); adj rows and columns are added to the output. The
-- input may be {x, like}: the output gets the size of `like`, whatever adj is.
local Full = define('nn.SpatialFullConvolution', function(self, ...)
  window(self, ...)
  self.adjW, self.adjH = select(9, ...)
  self.adjW, self.adjH = self.adjW or 0, self.adjH or 0
  if self.adjW > self.dW - 1 or self.adjH > self.dH - 1 then
    raise('nn.SpatialFullConvolution: adjW and adjH must be smaller than the strides dW and dH')
  end
  parameter.new(self, 'weight', self.nInputPlane, self.nOutputPlane, self.kH, self.kW)
  parameter.new(self, 'bias', self.nOutputPlane)
end, 'conv_transpose2d(input, self.weight, self.bias, {self.dH, self.dW}, {self.padH, self.padW}, nil, nil, '
  .. '{self.adjH or 0, self.adjW or 0})')
resize.pairs(Full, { 'H', 'W' })

function Full:__tostring__()
  local adjusted = self.adjW ~= 0 or self.adjH ~= 0
  return describe(self, adjusted and (', %d,%d'):format(self.adjW, self.adjH))
end

-- (nInputPlane, nOutputPlane, kW, kH, ...): nOutputPlane filters for every input plane; weight (out, in *
-- kH * kW), bias (out, in)
local DepthWise = define('nn.SpatialDepthWiseConvolution', function(self, ...)
  window(self, ...)
  parameter.new(self, 'weight', self.nOutputPlane, self.nInputPlane * self.kH * self.kW)
  parameter.new(self, 'bias', self.nOutputPlane, self.nInputPlane)
end, function(self, input)
  local planes, filters = self.nInputPlane, self.nOutputPlane
  local weight = self.weight:view(filters, planes, -1):transpose(1, 2):contiguous()
    :view(planes * filters, 1, self.kH, self.kW)
  local bias = self.bias and self.bias:t():contiguous():view(planes * filters)
  return F.conv2d(input, weight, bias, { self.dH, self.dW }, { self.padH, self.padW }, nil, planes)
end)
DepthWise.__tostring__ = describe
