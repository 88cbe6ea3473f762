--- VGG (Simonyan and Zisserman 2014) and LeNet-5 (LeCun et al. 1998).
-- @module tocha.models.vgg
local nn = require 'tocha.nn'
local parts = require 'tocha.models.parts'
local named = parts.named

local plain = {}

-- Convolutions of each of five stages.
local stages = { [11] = { 1, 1, 2, 2, 2 }, [13] = { 2, 2, 2, 2, 2 }, [16] = { 2, 2, 3, 3, 3 }, [19] = { 2, 2, 4, 4, 4 } }

--- @tparam table o depth (11, 13, 16, 19), norm (boolean), hidden (4096), dropout (0.5), classes
function plain.vgg(o)
  local features, from, at = nn.Sequential(), 3, 0
  for k, count in ipairs(stages[o.depth]) do
    local planes = math.min(32 * 2 ^ k, 512)
    for _ = 1, count do
      features:add(named('features.' .. at, nn.SpatialConvolution(from, planes, 3, 3, 1, 1, 1, 1)))
      if o.norm then features:add(parts.norm('features.' .. at + 1, planes)) end
      features:add(nn.ReLU(true))
      at, from = at + (o.norm and 3 or 2), planes
    end
    features:add(nn.SpatialMaxPooling(2, 2))
    at = at + 1
  end
  local hidden, dropout = o.hidden or 4096, o.dropout or .5
  return parts.add(nn.Sequential():add(features), nn.SpatialAdaptiveAveragePooling(7, 7),
    nn.View(from * 49):setNumInputDims(3), named('classifier.0', nn.Linear(from * 49, hidden)), nn.ReLU(true), nn.Dropout(dropout),
    named('classifier.3', nn.Linear(hidden, hidden)), nn.ReLU(true), nn.Dropout(dropout),
    named('classifier.6', nn.Linear(hidden, o.classes))), from
end

--- LeNet-5 with rectifiers and maxima, for pictures (1,28,28).
-- @tparam table o classes
function plain.lenet(o)
  local features = parts.add(nn.Sequential(), named('conv1', nn.SpatialConvolution(1, 6, 5, 5, 1, 1, 2, 2)), nn.ReLU(true),
    nn.SpatialMaxPooling(2, 2), named('conv2', nn.SpatialConvolution(6, 16, 5, 5)), nn.ReLU(true), nn.SpatialMaxPooling(2, 2))
  return parts.add(nn.Sequential():add(features), nn.View(400):setNumInputDims(3), named('fc1', nn.Linear(400, 120)), nn.ReLU(true),
    named('fc2', nn.Linear(120, 84)), nn.ReLU(true), named('fc3', nn.Linear(84, o.classes))), 16
end

return plain
