--- Residual networks (He et al. 2015), those for pictures of 224 pixels and those for CIFAR.
-- @module tocha.models.resnet
local nn = require 'tocha.nn'
local parts = require 'tocha.models.parts'
local add, conv, norm = parts.add, parts.conv, parts.norm

local function basic(name, from, planes, stride)
  return add(nn.Sequential(), conv(name .. '.conv1', from, planes, 3, stride, 1), norm(name .. '.bn1', planes), nn.ReLU(true),
    conv(name .. '.conv2', planes, planes, 3, 1, 1), norm(name .. '.bn2', planes)), planes
end

-- The stride stands at the middle convolution, as in torchvision.
local function bottleneck(name, from, planes, stride)
  return add(nn.Sequential(), conv(name .. '.conv1', from, planes, 1), norm(name .. '.bn1', planes), nn.ReLU(true),
    conv(name .. '.conv2', planes, planes, 3, stride, 1), norm(name .. '.bn2', planes), nn.ReLU(true),
    conv(name .. '.conv3', planes, 4 * planes, 1), norm(name .. '.bn3', 4 * planes)), 4 * planes
end

local function projection(name, from, to, stride)
  if stride == 1 and from == to then return nn.Identity() end
  return add(nn.Sequential(), conv(name .. '.downsample.0', from, to, 1, stride), norm(name .. '.downsample.1', to))
end

-- A shortcut without numbers: every second place, zeros for the planes that are missing ("option A").
local function subsample(_, from, to, stride)
  if stride == 1 and from == to then return nn.Identity() end
  local missing = (to - from) / 2
  return add(nn.Sequential(), nn.SpatialAveragePooling(1, 1, stride, stride), nn.Padding(1, -missing, 3),
    nn.Padding(1, missing, 3))
end

-- Adds a stage of blocks; gives the planes of its result.
local function stage(net, name, block, shortcut, from, planes, count, stride)
  for k = 0, count - 1 do
    local own, step = ('%s.%d'):format(name, k), k == 0 and stride or 1
    local branch, to = block(own, from, planes, step)
    add(net, parts.residual(branch, shortcut(own, from, to, step)), nn.ReLU(true))
    from = to
  end
  return from
end

local resnet = {}

--- @tparam table o layers {blocks in each of four stages}, bottleneck (boolean), classes
function resnet.imagenet(o)
  local features, from = nn.Sequential(), 64
  add(features, conv('conv1', 3, 64, 7, 2, 3), norm('bn1', 64), nn.ReLU(true), nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1))
  for k, count in ipairs(o.layers) do
    from = stage(features, 'layer' .. k, o.bottleneck and bottleneck or basic, projection, from, 32 * 2 ^ k, count,
      k == 1 and 1 or 2)
  end
  return parts.head(nn.Sequential():add(features), 'fc', from, o.classes), from
end

--- @tparam table o depth (6 n + 2), classes
function resnet.cifar(o)
  local features, from = nn.Sequential(), 16
  add(features, conv('conv1', 3, 16, 3, 1, 1), norm('bn1', 16), nn.ReLU(true))
  for k = 1, 3 do
    from = stage(features, 'layer' .. k, basic, subsample, from, 8 * 2 ^ k, (o.depth - 2) / 6, k == 1 and 1 or 2)
  end
  return parts.head(nn.Sequential():add(features), 'linear', from, o.classes), from
end

return resnet
