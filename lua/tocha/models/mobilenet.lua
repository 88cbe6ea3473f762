--- MobileNetV2 (Sandler et al. 2018, table 2).
-- @module tocha.models.mobilenet
local nn = require 'tocha.nn'
local parts = require 'tocha.models.parts'
local add, conv, norm = parts.add, parts.conv, parts.norm

-- A number of planes scaled and brought to a multiple of 8 that is not less than nine tenths of it.
local function divisible(planes)
  local near = math.max(8, math.floor((planes + 4) / 8) * 8)
  return near < .9 * planes and near + 8 or near
end

local function block(net, name, from, to, kernel, stride, groups)
  return add(net, conv(name .. '.0', from, to, kernel, stride, (kernel - 1) / 2, groups), norm(name .. '.1', to), nn.ReLU6(true))
end

local function inverted(name, from, to, stride, expand)
  local net, wide, at = nn.Sequential(), from * expand, 0
  if expand > 1 then
    block(net, name .. '.conv.0', from, wide, 1)
    at = 1
  end
  block(net, ('%s.conv.%d'):format(name, at), wide, wide, 3, stride, wide)
  add(net, conv(('%s.conv.%d'):format(name, at + 1), wide, to, 1), norm(('%s.conv.%d'):format(name, at + 2), to))
  return stride == 1 and from == to and parts.residual(net) or net
end

--- @tparam table o width (1), dropout (0.2), classes
return function(o)
  local width, features, at = o.width or 1, nn.Sequential(), 1
  local from, last = divisible(32 * width), divisible(1280 * math.max(1, width))
  block(features, 'features.0', 3, from, 3, 2)
  -- expansion, planes, repetitions, stride of the first
  for _, row in ipairs { { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 }, { 6, 64, 4, 2 }, { 6, 96, 3, 1 }, { 6, 160, 3, 2 },
                         { 6, 320, 1, 1 } } do
    local to = divisible(row[2] * width)
    for k = 1, row[3] do
      features:add(inverted('features.' .. at, from, to, k == 1 and row[4] or 1, row[1]))
      from, at = to, at + 1
    end
  end
  block(features, 'features.' .. at, from, last, 1)
  return parts.head(nn.Sequential():add(features), 'classifier.1', last, o.classes, o.dropout or .2), last
end
