--- U-Net (Ronneberger et al. 2015) with padded convolutions and batch normalisation, for pictures of any size. Names are those
-- of the widespread PyTorch version (inc, down1 .. down4, up1 .. up4, outc).
-- @module tocha.models.unet
local nn = require 'tocha.nn'
local parts = require 'tocha.models.parts'

local function double(net, name, from, to)
  for k = 0, 3, 3 do
    parts.add(net, parts.conv(('%s.double_conv.%d'):format(name, k), from, to, 3, 1, 1),
      parts.norm(('%s.double_conv.%d'):format(name, k + 1), to), nn.ReLU(true))
    from = to
  end
  return net
end

-- What lies below the features of level k: beside them, half as wide and twice as deep.
local function level(k, depth, planes)
  local below = nn.Sequential():add(nn.SpatialMaxPooling(2, 2))
  double(below, ('down%d.maxpool_conv.1'):format(k), planes, 2 * planes)
  if k < depth then below:add(level(k + 1, depth, 2 * planes)) end
  local name = 'up' .. depth + 1 - k
  below:add(parts.named(name .. '.up', nn.SpatialFullConvolution(2 * planes, planes, 2, 2, 2, 2)))
  return double(nn.Sequential():add(parts.add(nn.DepthConcat(2), nn.Identity(), below)), name .. '.conv', 2 * planes, planes)
end

--- (N,planes,H,W) -> scores (N,classes,H,W).
-- @tparam table o planes of the input (3), first (64): planes of the first level, depth (4): levels below it, classes
return function(o)
  local first, depth = o.first or 64, o.depth or 4
  local features = double(nn.Sequential(), 'inc', o.planes or 3, first):add(level(1, depth, first))
  return nn.Sequential():add(features):add(parts.named('outc.conv', nn.SpatialConvolution(first, o.classes, 1, 1))), first
end
