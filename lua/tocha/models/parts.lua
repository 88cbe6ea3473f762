--- What the networks are made of. A module with numbers carries its `name` in torchvision's files ("layer1.0.conv1").
-- @module tocha.models.parts
local nn = require 'tocha.nn'

local parts = {}

--- Gives a module its name.
function parts.named(name, module)
  module.name = name
  return module
end

--- A convolution without bias; kernel and pad are numbers or {height, width}.
function parts.conv(name, from, to, kernel, stride, pad, groups)
  local k = type(kernel) == 'table' and kernel or { kernel, kernel }
  local p = type(pad) == 'table' and pad or { pad or 0, pad or 0 }
  stride = stride or 1
  return parts.named(name, nn.SpatialConvolution(from, to, k[2], k[1], stride, stride, p[2], p[1], groups):noBias())
end

function parts.norm(name, planes, eps) return parts.named(name, nn.SpatialBatchNormalization(planes, eps)) end

--- Adds modules to a container.
function parts.add(net, ...)
  for _, module in ipairs { ... } do net:add(module) end
  return net
end

--- x -> branch(x) + shortcut(x). The sum takes the memory of the branch's result, so the branch must not end with a layer that
-- needs it.
function parts.residual(branch, shortcut)
  return nn.Sequential():add(nn.ConcatTable():add(branch):add(shortcut or nn.Identity())):add(nn.CAddTable(true))
end

--- The end of a classifier (N,planes,H,W) -> (N,classes): mean over places, dropout if there is a share, a linear layer.
function parts.head(net, name, planes, classes, dropout)
  parts.add(net, nn.SpatialAdaptiveAveragePooling(1, 1), nn.View(planes):setNumInputDims(3))
  if dropout and dropout > 0 then net:add(nn.Dropout(dropout)) end
  return net:add(parts.named(name, nn.Linear(planes, classes)))
end

--- First values: convolutions by He et al. 2015 over the outputs, normalisations 1 and 0.
function parts.initialize(net)
  net:apply(function(module)
    local weight = rawget(module, 'weight')
    if not weight or not module.name then return end
    if weight:dim() == 4 then
      weight:normal(0, math.sqrt(2 / (weight:size(1) * weight:size(3) * weight:size(4))))
      if module.bias then module.bias:zero() end
    elseif rawget(module, 'running_mean') then
      weight:fill(1)
      module.bias:zero()
    end
  end)
  return net
end

return parts
