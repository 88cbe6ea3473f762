--- Networks that Caffe wrote: Torch7's package loadcaffe, in Lua. Sets the global loadcaffe.
-- @module loadcaffe
require 'torch'
local read = require 'tocha.file.caffe'
local own = require 'tocha.bindings.own'

local nn = require 'nn'
local raise = own.raise
own.folder(debug.getinfo(1, 'S').source:match '^@(.*)$')

-- Width and height of an option, which Caffe has once or twice.
local function both(o, name, otherwise)
  local width, height = o[name .. 'W'] or 0, o[name .. 'H'] or 0
  if width == 0 or height == 0 then width, height = o[name] or otherwise, o[name] or otherwise end
  if width < otherwise or height < otherwise then raise(('%s is %dx%d'):format(name, width, height)) end
  return width, height
end

-- type -> a module of a layer, from its options, its first tensor and the package (nn or cudnn); nil for what there is no module
local makers = {}

function makers.Convolution(layer, package)
  local o, weight = layer.convolution or {}, layer.blobs[1]
  if not weight or weight:dim() ~= 4 or (o.dilation or 1) ~= 1 then return nil end
  local dW, dH = both(o, 'stride', 1)
  local padW, padH = both(o, 'pad', 0)
  local groups = math.max(o.group or 1, 1)
  return package.SpatialConvolution(weight:size(2) * groups, weight:size(1), weight:size(4), weight:size(3), dW, dH, padW, padH,
    groups)
end

function makers.Pooling(layer, package)
  local o = layer.pooling or {}
  local class = ({ [0] = 'SpatialMaxPooling', 'SpatialAveragePooling' })[o.method or 0]
  if not class or o.all == 1 or not (o.kernel or o.kernelW) then return nil end
  local kW, kH = both(o, 'kernel', 1)
  local dW, dH = both(o, 'stride', 1)
  local padW, padH = both(o, 'pad', 0)
  return package[class](kW, kH, dW, dH, padW, padH):ceil()
end

function makers.InnerProduct(layer)
  local o, weight = layer.linear or {}, layer.blobs[1]
  if not weight or weight:dim() < 2 or o.transposed == 1 then return nil end
  local outputs = o.outputs or weight:size(weight:dim() - 1)
  if outputs < 1 or weight:nElement() % outputs ~= 0 then raise 'its tensor does not fit it' end
  return nn.Linear(weight:nElement() / outputs, outputs)
end

function makers.LRN(layer, package)
  local o = layer.response or {}
  if o.within == 1 then return nil end
  if (o.size or 5) % 2 == 0 then raise('size is ' .. o.size) end
  return package.SpatialCrossMapLRN(o.size or 5, o.alpha or 1, o.beta or .75, o.k or 1)
end

function makers.Dropout(layer) return nn.Dropout((layer.dropout or {}).ratio or .5) end
function makers.ReLU(layer, package)
  local slope = (layer.relu or {}).slope or 0
  return slope == 0 and package.ReLU(true) or nn.LeakyReLU(slope, true)
end
function makers.Sigmoid(_, package) return package.Sigmoid() end
function makers.TanH(_, package) return package.Tanh() end
function makers.Softmax(_, package) return package.SoftMax() end
makers.SoftmaxWithLoss = makers.Softmax

-- The module of a layer with its numbers, or nil.
local function make(layer, package)
  local maker = makers[layer.type]
  local module = maker and maker(layer, package)
  if not module or not module.weight then return module end
  local weight, bias = layer.blobs[1], layer.blobs[2]
  if weight:nElement() ~= module.weight:nElement() or bias and bias:nElement() ~= module.bias:nElement() then
    raise 'its tensors do not fit it'
  end
  module.weight:copy(weight)
  if bias then module.bias:copy(bias) else module.bias:zero() end
  return module
end

local loadcaffe = {}

--- A network from Caffe's files, a layer for each module, whose `name` is the layer's. Layers of other kinds (data, losses ...)
-- are left out with a note. As in Torch7 files of the newer form end before their softmax, and pictures become vectors by a
-- module named torch_view.
-- @tparam string prototxt the description, which is not read: the other file has it too
-- @tparam string binary the .caffemodel file
-- @tparam[opt='nn'] string backend nn, or cudnn (which `th --cpu-for-cuda` plays)
-- @treturn nn.Sequential
function loadcaffe.load(prototxt, binary, backend) -- luacheck: ignore prototxt
  backend = backend or 'nn'
  if backend ~= 'nn' and backend ~= 'cudnn' then
    raise(('loadcaffe: the backend is nn or cudnn, not %s'):format(tostring(backend)))
  end
  local found, package = pcall(require, backend)
  if not found then raise('loadcaffe: ' .. package) end
  local layers, net, width, left = read(binary), nn.Sequential(), nil, {}
  local function add(name, module)
    module.name = name
    net:add(module)
  end
  for _, layer in ipairs(layers) do
    if not layers.old and layer.type:find '^Softmax' then break end
    local good, module = pcall(make, layer, package)
    if not good then raise(('%s: layer %s: %s'):format(binary, layer.name, tostring(module):gsub('^.-:%d+: ', ''))) end
    if not module then left[#left + 1] = ('%s (%s)'):format(layer.name, layer.type)
    else
      if layer.type == 'InnerProduct' and width ~= module.weight:size(2) then add('torch_view', nn.View(-1):setNumInputDims(3)) end
      if module.weight then width = module.weight:size(1) end
      add(layer.name, module)
    end
  end
  if #left > 0 then io.stderr:write('loadcaffe: left out: ', table.concat(left, ', '), '\n') end
  if backend == 'cudnn' then net:cuda() end
  return net
end

rawset(_G, 'loadcaffe', loadcaffe)
return loadcaffe
