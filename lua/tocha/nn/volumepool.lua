--- Pooling over volumes (N, C, T, H, W) or (C, T, H, W).
--
-- Windows are boxes, so the largest and the mean element are found in two steps: over the frames, then over time.
-- @module tocha.nn.volumepool
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local batch = require 'tocha.nn.example'.batch
local places = require 'tocha.nn.places'
local raise = require 'tocha.bindings.own'.raise

local function window(self, kT, kW, kH, dT, dW, dH, padT, padW, padH)
  if not (kT and kW and kH) then raise(('%s: kT, kW and kH are needed'):format(torch.type(self))) end
  self.kT, self.kW, self.kH = kT, kW, kH
  self.dT, self.dW, self.dH = dT or kT, dW or kW, dH or kH
  self.padT, self.padW, self.padH = padT or 0, padW or 0, padH or 0
  self.ceil_mode = false
end

local function describe(self)
  local s = ('%s(%dx%dx%d, %d,%d,%d'):format(torch.type(self), self.kT, self.kW, self.kH, self.dT, self.dW, self.dH)
  local padded = self.padT ~= 0 or self.padW ~= 0 or self.padH ~= 0
  if padded then s = s .. (', %d,%d,%d'):format(self.padT, self.padW, self.padH) end
  if self.dilationT then s = s .. (', %d,%d,%d'):format(self.dilationT, self.dilationW, self.dilationH) end
  return s .. ')'
end

-- (N, C, T, H, W) as (N * C, T, H, W), the frames of each plane, and pooled(y), which makes (N, C, T', H', W') of
-- (N * C, T', H' * W').
local function stacked(x)
  local n, c = x:size(1), x:size(2)
  return F.reshape(x, { n * c, x:size(3), x:size(4), x:size(5) }), function(y, h, w)
    return F.reshape(y, { n, c, y:size(2), h, w })
  end
end

-- Pools frames (M, T, H, W) by `over`, then the results by `over` in time; over(x, kernel, stride, pad, dilation, step).
local function separable(self, x, over)
  local dilation, pad = self.dilationT and { self.dilationH, self.dilationW }, { self.padH or 0, self.padW or 0 }
  local frames = over(x, { self.kH, self.kW }, { self.dH, self.dW }, pad, dilation, 1)
  local m, time, h, w = x:size(1), x:size(2), frames:size(3), frames:size(4)
  local y = over(F.reshape(frames, { m, time, h * w }), { self.kT, 1 }, { self.dT, 1 }, { self.padT or 0, 0 },
    self.dilationT and { self.dilationT, 1 }, 2)
  return y, h, w
end

-- (kT, kW, kH [, dT, dW, dH, padT, padW, padH]); the stride is the window by default. `places` are those within the
-- frames and those in time; `indices` as in SpatialMaxPooling.
local Max, max = torch.class('nn.VolumetricMaxPooling', 'nn.Module', nn)
Max.__version = 2

function Max:__init(...)
  max.__init(self)
  window(self, ...)
end

derive(Max, function(self, input)
  local given, back = batch(places.seen(self, input), 4, '(N, C, T, H, W)')
  local x, shaped = stacked(given)
  self.frames, self.places = nil, nil
  local y, h, w = separable(self, x, function(t, kernel, stride, pad, dilation, step)
    local best, place = F.max_pool2d(t, kernel, stride, pad, dilation, self.ceil_mode)
    self[step == 1 and 'frames' or 'places'] = place
    return best
  end)
  y = back(shaped(y, h, w))
  self.places = self.places:view(y:size())
  return y
end)

places.give(Max, function(self, positions)
  local given = batch(positions, 4, '(N, C, T, H, W)')
  local size = self.places:size()
  local x = stacked(given)
  local y = separable(self, x, function(t, kernel, stride, pad, dilation, step)
    local place = step == 1 and self.frames or self.places:view(t:size(1), -1, t:size(3))
    return F.max_pool2d_take(t, place, kernel, stride, pad, dilation, self.ceil_mode)
  end)
  return y:view(size)
end)

function Max:clearState()
  self.places, self.frames, self.indices = nil, nil, nil
  return max.clearState(self)
end

Max.__tostring__ = describe

-- (kT, kW, kH, dT, dW, dH, padT, padW, padH [, dilationT, dilationW, dilationH]): the largest number of windows with gaps
local DilatedMax, dilatedMax = torch.class('nn.VolumetricDilatedMaxPooling', 'nn.VolumetricMaxPooling', nn)

function DilatedMax:__init(...)
  dilatedMax.__init(self, ...)
  local t, w, h = select(10, ...)
  self.dilationT, self.dilationW, self.dilationH = t or 1, w or 1, h or 1
end

-- (kT, kW, kH [, dT, dW, dH]); the stride is the window by default
local Average, average = torch.class('nn.VolumetricAveragePooling', 'nn.Module', nn)

function Average:__init(kT, kW, kH, dT, dW, dH)
  average.__init(self)
  window(self, kT, kW, kH, dT, dW, dH)
end

derive(Average, function(self, input)
  local given, back = batch(input, 4, '(N, C, T, H, W)')
  local x, shaped = stacked(given)
  return back(shaped(separable(self, x, function(t, kernel, stride, pad)
    return F.avg_pool2d(t, kernel, stride, pad, self.ceil_mode, true)
  end)))
end)

Average.__tostring__ = describe

--- `nn.VolumetricAdaptiveMaxPooling(T, W, H)`, `nn.VolumetricAdaptiveAveragePooling(T, W, H)`: a volume cut into T x H x W boxes,
-- whose largest element or mean is taken
for name, op in pairs { Max = 'adaptive_max_pool2d', Average = 'adaptive_avg_pool2d' } do
  local Adaptive, adaptive = torch.class(('tocha.VolumetricAdaptive%sPooling'):format(name), 'nn.Module', nn)

  function Adaptive:__init(time, width, height)
    adaptive.__init(self)
    if not time then raise(torch.type(self) .. ': the size of the output is needed') end
    self.T, self.W = time, width or time
    self.H = height or self.W
  end

  derive(Adaptive, function(self, input)
    local given, back = batch(input, 4, '(N, C, T, H, W)')
    local x, shaped = stacked(given)
    local m, steps, h, w = x:size(1), x:size(2), self.H, self.W
    local frames = F[op](x, { h, w })
    return back(shaped(F[op](F.reshape(frames, { m, steps, h * w }), { self.T, h * w }), h, w))
  end)

  function Adaptive:__tostring__() return ('%s(%dx%dx%d)'):format(torch.type(self), self.T, self.H, self.W) end
end

for _, class in ipairs { Max, Average } do
  class.ceil, class.floor = nn.SpatialMaxPooling.ceil, nn.SpatialMaxPooling.floor
end
