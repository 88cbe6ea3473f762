--- Where in a picture a network looks: maps (H,W) for one picture x (1,C,H,W), as `models.prepare` makes it, and one class.
-- The network is evaluated and left in the mode it was in.
-- @module tocha.explain.maps
local torch = require 'tocha'
local nn = require 'tocha.nn'
local image = require 'tocha.image'
local Progress = require 'tocha.train.progress'
local superpixels = require 'tocha.explain.superpixels'
local raise = require 'tocha.bindings.own'.raise

local maps = {}

local function check(op, net, x)
  if not torch.isTypeOf(net, 'nn.Module') then raise(('%s: a network is needed, not a %s'):format(op, torch.type(net))) end
  if not torch.isTensor(x) or x:dim() ~= 4 or x:size(1) ~= 1 then raise(op .. ': one picture of 1xCxHxW is needed') end
end

local function quietly(net, f)
  local trains = net.train
  net:evaluate()
  local good, result = pcall(f)
  if trains ~= false then net:training() end
  if not good then error(result, 0) end
  return result
end

-- Scores (1,K), or (K), of a picture, and the class meant: the likeliest one by default.
local function scoresOf(op, net, x, class)
  local scores = net:forward(x)
  if scores:dim() > 2 or scores:size(1) ~= 1 and scores:dim() == 2 then
    raise(op .. ': a network that gives scores of classes is needed')
  end
  local _, best = scores:view(-1):max(1)
  class = class or best[1]
  if type(class) ~= 'number' or class % 1 ~= 0 or class < 1 or class > scores:nElement() then
    raise(('%s: class is a whole number from 1 to %d, not %s'):format(op, scores:nElement(), tostring(class)))
  end
  return scores, class
end

local function oneHot(scores, class)
  local g = scores.new():resizeAs(scores):zero()
  g:view(-1)[class] = 1
  return g
end

-- (n,K)
local function shares(scores, n) return nn.SoftMax():type(scores:type()):forward(scores:view(n, -1)) end

-- From 0 to 1.
local function unit(map)
  local most = map:max()
  return most > 0 and map:div(most) or map:zero()
end

--- The size of the gradient of the score by each pixel, largest over the planes (Simonyan et al. 2013), from 0 to 1.
-- @treturn tensor (H,W)
-- @treturn number the class
function maps.saliency(net, x, class)
  check('saliency', net, x)
  local map = quietly(net, function()
    local scores
    scores, class = scoresOf('saliency', net, x, class)
    return net:updateGradInput(x, oneHot(scores, class))[1]:clone():abs():max(1)[1]
  end)
  return unit(map), class
end

-- Output and gradient of one module inside a network.
local function watch(net, layer, f)
  local output, gradient
  local ownOutput, ownGrad = rawget(layer, 'updateOutput'), rawget(layer, 'updateGradInput')
  local plainOutput, plainGrad = layer.updateOutput, layer.updateGradInput
  rawset(layer, 'updateOutput', function(self, input)
    local y = plainOutput(self, input)
    output = torch.isTensor(y) and y:clone() or y -- a layer after it may work in place
    return y
  end)
  rawset(layer, 'updateGradInput', function(self, input, g)
    gradient = torch.isTensor(g) and g:clone() or g
    return plainGrad(self, input, g)
  end)
  local good, why = pcall(f)
  rawset(layer, 'updateOutput', ownOutput)
  rawset(layer, 'updateGradInput', ownGrad)
  if not good then error(why, 0) end
  return output, gradient
end

-- The last module, in the order of the network, that gives maps.
local function lastMaps(net, x)
  local found
  net:forward(x)
  for _, module in ipairs(net:listModules()) do
    if torch.isTensor(module.output) and module.output:dim() == 4 and module.output:size(3) * module.output:size(4) > 1 then
      found = module
    end
  end
  return found or raise 'gradcam: the network has no layer that gives maps'
end

--- Grad-CAM (Selvaraju et al. 2017): the planes of a layer, weighted by the mean of their gradients, negative parts cut, in the
-- size of the picture, from 0 to 1.
-- @tparam module net
-- @tparam tensor x
-- @tparam[opt] number class the likeliest one
-- @tparam[opt] module layer the last one that gives maps
-- @treturn tensor (H,W)
-- @treturn number the class
function maps.gradcam(net, x, class, layer)
  check('gradcam', net, x)
  local map = quietly(net, function()
    local features, gradient = watch(net, layer or lastMaps(net, x), function()
      local scores
      scores, class = scoresOf('gradcam', net, x, class)
      net:updateGradInput(x, oneHot(scores, class))
    end)
    if not torch.isTensor(features) or features:dim() ~= 4 or not torch.isTensor(gradient) then
      raise 'gradcam: the layer gives no maps'
    end
    local planes, height, width = features:size(2), features:size(3), features:size(4)
    local weight = gradient:view(planes, height * width):mean(2):view(1, planes)
    return torch.mm(weight, features:view(planes, height * width)):view(height, width):cmax(0)
  end)
  return unit(image.scale(map:contiguous(), x:size(4), x:size(3), 'bilinear')), class
end

-- The shares of the class for changed pictures: change(k, picture) makes picture k of n.
local function sharesOf(net, x, class, n, label, change)
  local result, batch = torch.DoubleTensor(n), 32
  local bar = Progress(n, { label = label, unit = 'pictures' })
  for first = 1, n, batch do
    local count = math.min(batch, n - first + 1)
    local input = x:expand(count, x:size(2), x:size(3), x:size(4)):clone()
    for k = 1, count do change(first + k - 1, input[k]) end
    result:narrow(1, first, count):copy(shares(net:forward(input), count):select(2, class))
    bar:update(first + count - 1)
  end
  bar:finish()
  return result
end

--- How much of the class's share is lost where a square hides the picture (Zeiler and Fergus 2013); below 0 where it gains.
-- @tparam module net
-- @tparam tensor x
-- @tparam[opt] number class
-- @tparam[opt] table options size (a quarter of the shorter side), stride (a third of the size), value (0)
-- @treturn tensor (H,W) means over the squares at each pixel
-- @treturn number the class
function maps.occlusion(net, x, class, options)
  check('occlusion', net, x)
  options = options or {}
  local height, width = x:size(3), x:size(4)
  local size = math.max(1, math.min(options.size or math.floor(math.min(height, width) / 4), height, width))
  local stride, value = math.max(1, options.stride or math.floor(size / 3)), options.value or 0
  local places = {}
  local function along(length)
    local list = {}
    for at = 1, length - size, stride do list[#list + 1] = at end
    list[#list + 1] = length - size + 1
    return list
  end
  for _, top in ipairs(along(height)) do
    for _, left in ipairs(along(width)) do places[#places + 1] = { top, left } end
  end
  local function square(t, k) return t:narrow(t:dim() - 1, places[k][1], size):narrow(t:dim(), places[k][2], size) end
  local map = quietly(net, function()
    local scores
    scores, class = scoresOf('occlusion', net, x, class)
    local whole = shares(scores, 1)[1][class]
    local left = sharesOf(net, x, class, #places, 'occlusion', function(k, picture) square(picture, k):fill(value) end)
    local sum, count = torch.DoubleTensor(height, width):zero(), torch.DoubleTensor(height, width):zero()
    for k = 1, #places do
      square(sum, k):add(whole - left[k])
      square(count, k):add(1)
    end
    return sum:cdiv(count)
  end)
  return map:float(), class
end

-- The row of weights of the linear model that is nearest to y over the rows of z (0 or 1), rows weighted, ridge 1e-2.
local function fitted(z, y, weight)
  local n, k = z:size(1), z:size(2)
  local design = torch.DoubleTensor(n, k + 1):fill(1)
  design:narrow(2, 1, k):copy(z)
  local weighted = torch.cmul(design, weight:view(n, 1):expand(n, k + 1))
  local normal = torch.mm(weighted:t(), design)
  for i = 1, k do normal[i][i] = normal[i][i] + 1e-2 end
  normal[k + 1][k + 1] = normal[k + 1][k + 1] + 1e-9
  return torch.gesv(torch.mm(weighted:t(), y:view(n, 1)), normal):view(-1):narrow(1, 1, k)
end

--- A linear model of the share around the picture (LIME, Ribeiro et al. 2016): superpixels are hidden at random, and each gets its
-- weight in the model that explains the shares best.
-- @tparam module net
-- @tparam tensor x
-- @tparam[opt] number class
-- @tparam[opt] table options samples (300), segments (50), seed (1), value of what is hidden (0: the mean colour)
-- @treturn tensor (H,W) the weight of each pixel's superpixel
-- @treturn number the class
-- @treturn tensor (H,W) LongTensor of the superpixels' numbers
function maps.lime(net, x, class, options)
  check('lime', net, x)
  options = options or {}
  local labels, count = superpixels(x[1], options.segments or 50)
  local n, generator = options.samples or 300, torch.Generator()
  torch.manualSeed(generator, options.seed or 1)
  local z = torch.DoubleTensor(n, count)
  for i = 1, n do
    for k = 1, count do z[i][k] = torch.random(generator, 0, 1) end
  end
  z[1]:fill(1)
  local weights = quietly(net, function()
    class = select(2, scoresOf('lime', net, x, class))
    local y = sharesOf(net, x, class, n, 'lime', function(i, picture)
      local keep = z[i]:index(1, labels:view(-1)):type(picture:type()):view(1, x:size(3), x:size(4)):expandAs(picture)
      picture:add(-(options.value or 0)):cmul(keep):add(options.value or 0)
    end)
    -- nearness by the cosine of the angle to the whole picture, as in the paper's code: width 0.25
    local cosine = torch.sqrt(z:sum(2):view(-1):div(count))
    local near = torch.exp(torch.add(cosine:mul(-1), 1):pow(2):div(-.25 ^ 2))
    return fitted(z, y, near)
  end)
  return weights:index(1, labels:view(-1)):view(x:size(3), x:size(4)):float(), class, labels
end

return maps
