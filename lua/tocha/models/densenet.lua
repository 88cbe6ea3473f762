--- DenseNet (Huang et al. 2016).
-- @module tocha.models.densenet
local nn = require 'tocha.nn'
local parts = require 'tocha.models.parts'
local add, conv, norm = parts.add, parts.conv, parts.norm

-- x -> x and `growth` new planes of it.
local function layer(name, from, growth)
  local wide = 4 * growth
  return add(nn.Concat(2), nn.Identity(), add(nn.Sequential(), norm(name .. '.norm1', from), nn.ReLU(true),
    conv(name .. '.conv1', from, wide, 1), norm(name .. '.norm2', wide), nn.ReLU(true),
    conv(name .. '.conv2', wide, growth, 3, 1, 1)))
end

--- @tparam table o layers {layers of each block}, growth (32), first (64), classes
return function(o)
  local features, growth, from = nn.Sequential(), o.growth or 32, o.first or 64
  add(features, conv('features.conv0', 3, from, 7, 2, 3), norm('features.norm0', from), nn.ReLU(true),
    nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1))
  for k, count in ipairs(o.layers) do
    for j = 1, count do
      features:add(layer(('features.denseblock%d.denselayer%d'):format(k, j), from, growth))
      from = from + growth
    end
    if k < #o.layers then
      local name = 'features.transition' .. k
      add(features, norm(name .. '.norm', from), nn.ReLU(true), conv(name .. '.conv', from, from / 2, 1),
        nn.SpatialAveragePooling(2, 2, 2, 2))
      from = from / 2
    end
  end
  add(features, norm('features.norm5', from), nn.ReLU(true))
  return parts.head(nn.Sequential():add(features), 'classifier', from, o.classes), from
end
