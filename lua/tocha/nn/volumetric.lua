--- Convolutions over volumes (N, C, T, H, W) or (C, T, H, W).
--
-- A convolution in three dimensions is one in two, over frames that show their kT neighbours in time as more channels;
-- the weight (out, in, kT, kH, kW) is seen as (out, in * kT, kH, kW). Fields are Torch7's: nInputPlane nOutputPlane
-- kT kW kH dT dW dH padT padW padH.
-- @module tocha.nn.volumetric
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local batch = require 'tocha.nn.example'.batch
local parameter = require 'tocha.nn.parameter'
local resize = require 'tocha.nn.resize'
local raise = require 'tocha.bindings.own'.raise

local SHAPE = '(N, C, T, H, W)'

local function fill(self, nInputPlane, nOutputPlane, kT, kW, kH, dT, dW, dH)
  if not (nInputPlane and nOutputPlane and kT and kW and kH) then
    raise(('%s: nInputPlane, nOutputPlane, kT, kW and kH are needed'):format(torch.type(self)))
  end
  self.nInputPlane, self.nOutputPlane = nInputPlane, nOutputPlane
  self.kT, self.kW, self.kH, self.dT, self.dW, self.dH = kT, kW, kH, dT or 1, dW or 1, dH or 1
end

local function define(name, init, forward, above)
  local class = torch.class(name, above or 'nn.Module', nn)
  class.__init = function(self, ...)
    nn.Module.__init(self)
    init(self, ...)
    parameter.new(self, 'bias', self.nOutputPlane)
    self:reset()
  end
  function class:reset(deviation)
    parameter.uniform(self, deviation, self.kT * self.kW * self.kH * self.nInputPlane)
  end
  class.noBias = parameter.noBias
  derive(class, forward)
  return class
end

-- "nn.X(1 -> 2, 3x3x3, 1,1,1, 1,1,1)"; strides are shown if they or the padding are not the default.
local function describe(self, ...)
  local s = ('%s(%d -> %d, %dx%dx%d'):format(torch.type(self), self.nInputPlane, self.nOutputPlane, self.kT, self.kW,
    self.kH)
  local pad = { self.padT, self.padW, self.padH }
  local padded = pad[1] ~= 0 or pad[2] ~= 0 or pad[3] ~= 0
  if padded or self.dT ~= 1 or self.dW ~= 1 or self.dH ~= 1 then
    s = s .. (', %d,%d,%d'):format(self.dT, self.dW, self.dH)
  end
  if padded then s = s .. ', ' .. table.concat(pad, ',') end
  if ... then s = s .. ', ' .. table.concat({ ... }, ',') end
  return s .. (self.bias and ')' or ') without bias')
end

local function planes(self, x)
  if x:size(2) ~= self.nInputPlane then
    raise(('the input has %d planes, but %d are wanted'):format(x:size(2), self.nInputPlane))
  end
  return x:size(1), x:size(3), x:size(4), x:size(5)
end

-- x as (N * T', C * kT, H, W), and T': every kept frame beside the others of its window in time.
local function windows(self, x)
  local n, time, h, w = planes(self, x)
  local dilation = self.dilationT or 1
  local span = (self.kT - 1) * dilation + 1
  if time + 2 * self.padT < span then
    raise(('the kernel spans %d frames, but the input has %d with its padding'):format(span, time + 2 * self.padT))
  end
  if self.padT > 0 then x = F.pad(x, { 0, 0, self.padT, 0, 0 }, { 0, 0, self.padT, 0, 0 }, 0) end
  local seen = x:unfold(3, span, self.dT) -- (N, C, T', H, W, span)
  if dilation > 1 then seen = F.slice(seen, 6, 0, self.kT, dilation) end
  local frames = seen:size(3)
  return F.reshape(F.permute(seen, { 1, 3, 2, 6, 4, 5 }), { n * frames, self.nInputPlane * self.kT, h, w }), frames
end

-- (N * T, C, H, W) as (N, C, T, H, W)
local function volume(y, n)
  return F.reshape(y, { n, y:size(1) / n, y:size(2), y:size(3), y:size(4) }):transpose(2, 3):contiguous()
end

local function convolve(self, input)
  local x, back = batch(input, 4, SHAPE)
  local frames = windows(self, x)
  local weight = F.reshape(self.weight, { self.nOutputPlane, self.nInputPlane * self.kT, self.kH, self.kW })
  local y = F.conv2d(frames, weight, self.bias, { self.dH, self.dW }, { self.padH, self.padW },
    self.dilationH and { self.dilationH, self.dilationW })
  return back(volume(y, x:size(1)))
end

local function initialize(self, nInputPlane, nOutputPlane, kT, kW, kH, dT, dW, dH, padT, padW, padH)
  fill(self, nInputPlane, nOutputPlane, kT, kW, kH, dT, dW, dH)
  self.padT = padT or 0
  self.padW = padW or self.padT
  self.padH = padH or self.padW
  parameter.new(self, 'weight', nOutputPlane, nInputPlane, kT, kH, kW)
end

-- (nInputPlane, nOutputPlane, kT, kW, kH [, dT, dW, dH, padT, padW, padH]); weight (out, in, kT, kH, kW)
define('nn.VolumetricConvolution', initialize, convolve).__tostring__ = function(self) return describe(self) end

-- (..., dilationT, dilationW, dilationH)
define('nn.VolumetricDilatedConvolution', function(self, ...)
  initialize(self, ...)
  local t, w, h = select(12, ...)
  self.dilationT, self.dilationW, self.dilationH = t or 1, w or 1, h or 1
end, convolve, 'nn.VolumetricConvolution').__tostring__ = function(self)
  return describe(self, self.dilationT, self.dilationW, self.dilationH)
end

-- -- transposed ------------------------------------------------------------------------------------------------------

-- Frames (N * T, O * kT, H, W) added up in time, each over the kT frames it reaches: (N, O, T', H, W).
local function spread(self, y, n, adjT)
  local time, h, w = y:size(1) / n, y:size(3), y:size(4)
  local parts = F.reshape(y, { n, time, self.nOutputPlane, self.kT, h, w })
  local full = (time - 1) * self.dT + self.kT + adjT
  local whole = F.fold(F.permute(parts, { 1, 3, 2, 5, 6, 4 }), 3, self.dT, full)
  if full <= 2 * self.padT then raise(('padT = %d leaves nothing of %d frames'):format(self.padT, full)) end
  return whole:narrow(3, self.padT + 1, full - 2 * self.padT)
end

-- (..., adjT, adjW, adjH): transposed convolution; weight (in, out, kT, kH, kW). The input may be {x, like}: the output
-- gets the size of `like`, whatever adj is.
local Full = define('nn.VolumetricFullConvolution', function(self, ...)
  fill(self, ...)
  local padT, padW, padH, adjT, adjW, adjH = select(9, ...)
  self.padT, self.padW, self.padH = padT or 0, padW or 0, padH or 0
  self.adjT, self.adjW, self.adjH = adjT or 0, adjW or 0, adjH or 0
  if self.adjT > self.dT - 1 or self.adjW > self.dW - 1 or self.adjH > self.dH - 1 then
    raise('nn.VolumetricFullConvolution: adjT, adjW and adjH must be smaller than the strides dT, dW and dH')
  end
  parameter.new(self, 'weight', self.nInputPlane, self.nOutputPlane, self.kT, self.kH, self.kW)
end, function(self, input)
  local x, back = batch(input, 4, SHAPE)
  local n, time, h, w = planes(self, x)
  local weight = F.reshape(self.weight, { self.nInputPlane, self.nOutputPlane * self.kT, self.kH, self.kW })
  local frames = F.reshape(x:transpose(2, 3), { n * time, self.nInputPlane, h, w })
  local y = spread(self, F.conv_transpose2d(frames, weight, nil, { self.dH, self.dW }, { self.padH, self.padW }, nil,
    nil, { self.adjH, self.adjW }), n, self.adjT)
  return back(self.bias and y + F.reshape(self.bias, { 1, self.nOutputPlane, 1, 1, 1 }) or y)
end)
resize.pairs(Full, { 'T', 'H', 'W' })

function Full:__tostring__()
  if self.adjT == 0 and self.adjW == 0 and self.adjH == 0 then return describe(self) end
  return describe(self, self.adjT, self.adjW, self.adjH)
end
