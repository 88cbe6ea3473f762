--- Modules that older versions of Torch7 wrote: fields they did not have get the values that they stood for.
-- @module tocha.nn.compat
local torch = require 'tocha'
local nn = require 'tocha.nn'
local skipped = require 'tocha.nn.skipped'

-- How a module is written and read: what packages call from functions of their own.
function nn.Module:write(file)
  local fields = {}
  for name, value in next, self do fields[name] = value end
  if self.setMarks then -- a Sequential's entries 1, 2, ...
    for i = 1, #fields do fields[i] = nil end
  end
  skipped.blank(self, fields)
  file:writeObject(fields)
end

function nn.Module:read(file) file:readFields(self) end

-- After the fields of an object of the class were read, complete(self, version) adds what is missing.
local function reading(class, complete)
  function class:read(file, version)
    file:readFields(self)
    complete(self, version or 0)
  end
end

local function default(self, values)
  for name, value in pairs(values) do
    if self[name] == nil then self[name] = value end
  end
end

reading(nn.Sequential, function(self) self:setMarks() end)

-- Version 1 kept 1 / sqrt(variance + eps).
reading(nn.BatchNormalization, function(self, version)
  default(self, { eps = 1e-5, momentum = 0.1, train = true, affine = self.weight ~= nil })
  if version < 2 and self.running_std then
    self.running_var, self.running_std = torch.pow(self.running_std, -2):add(-self.eps), nil
  end
end)

reading(nn.GradientReversal, function(self) default(self, { lambda = 1 }) end)

-- One padding for both directions, and before that none.
local function padding(self)
  local both = self.padding or 0
  default(self, { padW = both, padH = both })
  self.padding = nil
end

for _, name in ipairs { 'SpatialConvolution', 'SpatialConvolutionMM', 'SpatialDepthWiseConvolution',
  'SpatialConvolutionLocal' } do
  reading(nn[name], padding)
end

reading(nn.SpatialFullConvolution, function(self) default(self, { padW = 0, padH = 0, adjW = 0, adjH = 0 }) end)

reading(nn.VolumetricConvolution, function(self) default(self, { padT = 0, padW = 0, padH = 0 }) end)

-- The weight was (out, in, kT, kH, kW) before there were adjT, adjW and adjH.
reading(nn.VolumetricFullConvolution, function(self)
  if self.adjW == nil then
    self.weight = self.weight:transpose(1, 2):contiguous()
    self.gradWeight = self.gradWeight and self.gradWeight:transpose(1, 2):contiguous()
  end
  default(self, { padT = self.pT or 0, padW = self.pW or 0, padH = self.pH or 0, adjT = 0, adjW = 0, adjH = 0 })
end)

for _, name in ipairs { 'SpatialMaxPooling', 'SpatialAveragePooling' } do
  reading(nn[name], function(self)
    default(self, { padW = 0, padH = 0, ceil_mode = false, count_include_pad = true })
    self.indices = nil
  end)
end

for _, name in ipairs { 'VolumetricMaxPooling', 'VolumetricAveragePooling' } do
  reading(nn[name], function(self)
    default(self, { padT = 0, padW = 0, padH = 0, ceil_mode = false })
    self.indices = nil
  end)
end

reading(nn.Replicate, function(self) default(self, { dim = 1 }) end)
reading(nn.HardTanh, function(self) default(self, { min_val = -1, max_val = 1 }) end)
reading(nn.LookupTable, function(self) default(self, { paddingValue = 0 }) end)
