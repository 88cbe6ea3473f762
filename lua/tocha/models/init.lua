--- Networks for pictures, with weights from files.
--
--     local models = require 'tocha.models'
--     local net = models.resnet18 { pretrained = 'resnet18.safetensors' }
--     for _, guess in ipairs(models.predict(net, 'cat.jpg')) do print(guess.class, guess.share) end
--
-- Each takes a table: classes (1000), names (of classes), pretrained (a file: safetensors, .t7 or PyTorch's, by torchvision's
-- names), dense (units of a layer before the last one), newHead (take the features alone from the file), and what its file
-- documents. A classifier is a Sequential whose first module makes the features (N,C,H,W).
--
-- `net.info` goes with a network into files: model and options (how it is made), size {C,H,W} of its input, mean and deviation of
-- each plane (of values from 0 to 1), crop (the share of a picture that is looked at), planes of its features, classes (names).
-- @module tocha.models
local torch = require 'tocha'
local nn = require 'tocha.nn'
local parts = require 'tocha.models.parts'
local weights = require 'tocha.models.weights'
local raise = require 'tocha.bindings.own'.raise

local models = { state = weights.state, fill = weights.fill }

local imagenet = { size = { 3, 224, 224 }, mean = { .485, .456, .406 }, deviation = { .229, .224, .225 }, crop = .875 }
local cifar = { size = { 3, 32, 32 }, mean = { .4914, .4822, .4465 }, deviation = { .247, .2435, .2616 }, crop = 1 }
local half = { size = { 3, 299, 299 }, mean = { .5, .5, .5 }, deviation = { .5, .5, .5 }, crop = .875 }

-- name -> {builder, fixed options, input}
local rows = {}
local function row(name, build, fixed, input) rows[name] = { build = build, fixed = fixed, input = input } end

local function late(file, name) -- loaded when a network of it is asked for
  return function(o)
    local module = require('tocha.models.' .. file)
    return (name and module[name] or module)(o)
  end
end

for depth, r in pairs { [18] = { { 2, 2, 2, 2 } }, [34] = { { 3, 4, 6, 3 } }, [50] = { { 3, 4, 6, 3 }, true },
                        [101] = { { 3, 4, 23, 3 }, true }, [152] = { { 3, 8, 36, 3 }, true } } do
  row('resnet' .. depth, late('resnet', 'imagenet'), { layers = r[1], bottleneck = r[2] }, imagenet)
end
row('resnet', late('resnet', 'imagenet'), { layers = { 2, 2, 2, 2 } }, imagenet)
for _, depth in ipairs { 20, 32, 44, 56, 110 } do
  row('cifar_resnet' .. depth, late('resnet', 'cifar'), { depth = depth, classes = 10 }, cifar)
end
for _, depth in ipairs { 11, 13, 16, 19 } do
  row('vgg' .. depth, late('vgg', 'vgg'), { depth = depth }, imagenet)
  row(('vgg%d_bn'):format(depth), late('vgg', 'vgg'), { depth = depth, norm = true }, imagenet)
end
row('lenet', late('vgg', 'lenet'), { classes = 10 }, { size = { 1, 28, 28 }, mean = { .1307 }, deviation = { .3081 }, crop = 1 })
row('mobilenet_v2', late 'mobilenet', {}, imagenet)
row('inception_v3', late 'inception', {}, half)
for depth, r in pairs { [121] = { { 6, 12, 24, 16 } }, [169] = { { 6, 12, 32, 32 } }, [201] = { { 6, 12, 48, 32 } },
                        [161] = { { 6, 12, 36, 24 }, 48, 96 } } do
  row('densenet' .. depth, late 'densenet', { layers = r[1], growth = r[2], first = r[3] }, imagenet)
end
row('unet', late 'unet', { classes = 2 }, { size = { 3, 256, 256 }, mean = { 0, 0, 0 }, deviation = { 1, 1, 1 }, crop = 1 })

local allowed = { classes = 1, pretrained = 1, layers = 1, bottleneck = 1, growth = 1, first = 1, width = 1, dropout = 1,
                  hidden = 1, planes = 1, depth = 1, names = 1, dense = 1, newHead = 1 }

-- How many classes the last layer of a state has; the head's weight is the last of these that is there.
local heads = { 'head.3', 'fc', 'linear', 'classifier.6', 'classifier.1', 'classifier', 'fc3', 'outc.conv' }
local function classesIn(state)
  for _, name in ipairs(heads) do
    local t = state[name .. '.weight'] or state['module.' .. name .. '.weight']
    if torch.isTensor(t) and t:dim() >= 2 then return t:size(1) end
  end
end

local function copyOf(t)
  local copy = {}
  for key, value in pairs(t or {}) do copy[key] = value end
  return copy
end

-- Features, their mean over places, a dense layer, scores.
local function withDense(net, planes, options)
  local head = nn.Sequential():add(net:get(1))
  return parts.add(head, nn.SpatialAdaptiveAveragePooling(1, 1), nn.View(planes):setNumInputDims(3),
    parts.named('head.0', nn.Linear(planes, options.dense)), nn.ReLU(true), nn.Dropout(options.dropout or .2),
    parts.named('head.3', nn.Linear(options.dense, options.classes)))
end

-- A state without what stands behind the features.
local function bodyOf(state)
  local body = {}
  for name, t in pairs(state) do
    local plain = tostring(name):gsub('^module%.', '')
    local head = false
    for _, pattern in ipairs { '^head%.', '^fc%d?%.', '^linear%.', '^classifier%.', '^outc%.' } do
      head = head or plain:find(pattern)
    end
    if not head then body[name] = t end
  end
  return body
end

-- A network of these options with these numbers. A dense head that is not in them is new.
local function build(r, options, state, given)
  local net, planes = r.build(options)
  parts.initialize(net)
  if options.dense then net = withDense(net, planes, options) end
  if not state then return net, planes end
  if given.newHead or options.dense and not state['head.0.weight'] then
    weights.fill(net:get(1), bodyOf(state), given.pretrained)
  else weights.fill(net, state, given.pretrained) end
  return net, planes
end

local function make(name, given)
  local r, options = rows[name], copyOf(rows[name].fixed)
  for key, value in pairs(given) do
    if not allowed[key] then raise(('%s: there is no option %s'):format(name, tostring(key))) end
    if key ~= 'pretrained' and key ~= 'names' and key ~= 'newHead' then options[key] = value end
  end
  local state, info
  if given.pretrained then
    state, info = weights.read(given.pretrained)
    options.classes = given.classes or classesIn(state)
  end
  options.classes = options.classes or 1000
  if type(options.classes) ~= 'number' or options.classes % 1 ~= 0 or options.classes < 1 then
    raise(('%s: classes is a whole number above 0, not %s'):format(name, tostring(options.classes)))
  end
  local net, planes = build(r, options, state, given)
  net.info = copyOf(r.input)
  for key, value in pairs(info or {}) do net.info[key] = value end
  net.info.model, net.info.options, net.info.planes = name, options, planes
  if given.names or options.classes ~= #(net.info.classes or {}) then net.info.classes = given.names end
  return net
end

for name in pairs(rows) do
  --- Networks by name, a table of options each: `resnet18`, `resnet34`, `resnet50`, `resnet101`, `resnet152`, `cifar_resnet20`,
  -- `cifar_resnet32`, `cifar_resnet44`, `cifar_resnet56`, `cifar_resnet110`, `resnet` (layers, bottleneck), `vgg11`, `vgg13`,
  -- `vgg16`, `vgg19`, `vgg11_bn`, `vgg13_bn`, `vgg16_bn`, `vgg19_bn`, `densenet121`, `densenet161`, `densenet169`,
  -- `densenet201`, `inception_v3`, `mobilenet_v2`, `unet`, `lenet`. Options: classes (1000), names (of classes), pretrained (a
  -- file), dense, newHead.
  models[name] = function(options)
    if options ~= nil and type(options) ~= 'table' then
      raise(('%s: options are a table, not a %s'):format(name, torch.type(options)))
    end
    return make(name, options or {})
  end
end

--- The names of all networks, sorted.
function models.list()
  local names = {}
  for name in pairs(rows) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Writes a network with its information: safetensors by torchvision's names (a path that ends so), or .t7.
-- @tparam string path
-- @tparam module net made here, or any one with `info` for .t7
function models.save(path, net)
  if not torch.isTypeOf(net, 'nn.Module') then raise(('models.save: a network is needed, not a %s'):format(torch.type(net))) end
  if path:find '%.safetensors$' then return require 'tocha.models.safetensors'.write(path, net) end
  torch.save(path, net:clearState())
end

--- Reads a network that `models.save` wrote.
-- @tparam string path
-- @treturn module
function models.load(path)
  local handle, why = io.open(path, 'rb')
  if not handle then raise('cannot read ' .. why) end
  local start = handle:read(9) or ''
  handle:close()
  if start:sub(9, 9) == '{' then
    local _, info = weights.read(path)
    if not info or not rows[info.model] then raise(path .. ': it does not say which network its weights are for') end
    local options = copyOf(info.options)
    options.pretrained = path
    return make(info.model, options)
  end
  if start:sub(1, 4) == 'PK\3\4' then
    raise(path .. ': it holds weights alone: models.NAME { pretrained = path } makes the network that they are for')
  end
  local net = torch.load(path)
  if type(net) == 'table' and torch.isTypeOf(net.model, 'nn.Module') then net = net.model end -- a checkpoint of a run
  if not torch.isTypeOf(net, 'nn.Module') then raise(('%s holds a %s, not a network'):format(path, torch.type(net))) end
  return net
end

-- -- prediction ----------------------------------------------------------------------------------------------------

--- A picture (C,H,W) of numbers from 0 to 1, or a file, as the network wants it: the middle, in its size, normalised.
-- @treturn tensor (1,C,H,W)
function models.prepare(net, picture)
  local image = require 'tocha.image'
  local info = net.info or raise 'models.prepare: the network has no info'
  local planes, height, width = unpack(info.size)
  if type(picture) == 'string' then picture = image.load(picture, planes, 'float', { upright = true }) end
  if not torch.isTensor(picture) or picture:dim() ~= 3 or picture:size(1) ~= planes then
    raise(('models.prepare: a picture of %d planes is needed'):format(planes))
  end
  local scale = math.min(picture:size(2) / height, picture:size(3) / width) * (info.crop or 1)
  local function side(size, most) return math.max(1, math.min(most, math.floor(scale * size + .5))) end
  local h, w = side(height, picture:size(2)), side(width, picture:size(3))
  local x = picture:float():narrow(2, math.floor((picture:size(2) - h) / 2) + 1, h)
    :narrow(3, math.floor((picture:size(3) - w) / 2) + 1, w):contiguous()
  if h ~= height or w ~= width then x = image.scale(x, width, height, 'linear') end
  x = x:clone()
  for c = 1, planes do x[c]:add(-(info.mean[c] or info.mean[1])):div(info.deviation[c] or info.deviation[1]) end
  return x:view(1, planes, height, width)
end

--- The likeliest classes of a picture.
-- @tparam module net
-- @tparam tensor|string picture
-- @tparam[opt=5] number k
-- @treturn {{class=,index=,share=},...} the likeliest first
function models.predict(net, picture, k)
  local trains = net.train
  net:evaluate()
  local scores = net:forward(models.prepare(net, picture)):view(-1)
  if trains ~= false then net:training() end
  local shares, order = torch.sort(nn.SoftMax():type(net:type()):forward(scores), 1, true)
  local names, list = net.info.classes or {}, {}
  for i = 1, math.min(k or 5, shares:size(1)) do
    list[i] = { class = names[order[i]] or ('class %d'):format(order[i]), index = order[i], share = shares[i] }
  end
  return list
end

return models
