--- Generators and critics: dense ones, and the convolutions of DCGAN (Radford et al. 2015).
--
-- A generator makes pictures from -1 to 1 of rows of noise: (N,C*side*side) the dense one, (N,C,side,side) the other. A
-- critic gives (N,1), before any sigmoid. What a network is made of stands in a table: `channels` and `side` of the
-- pictures; `inputs`, the numbers that a generator starts from; `width`, the planes of the largest pictures inside a dcgan.
-- @module tocha.models.gan
local torch = require 'tocha'
local nn = require 'tocha.nn'

local gan = { mlp = {}, dcgan = {} }

-- -- dense ------------------------------------------------------------------------------------------------------------

-- First weights are He's (He et al. 2015, section 2.2): with Torch7's, which shrink what goes through five layers to a tenth, the
-- critic wins before the generator has learnt anything.
local function dense(sizes, wrap, dropout)
  local net = nn.Sequential()
  for k = 2, #sizes do
    local layer = nn.Linear(sizes[k - 1], sizes[k])
    nn.initialize.kaimingUniform(layer.weight, .2)
    layer.bias:zero()
    net:add(wrap(layer))
    if k < #sizes then
      net:add(nn.LeakyReLU(.2, true))
      if dropout > 0 then net:add(nn.Dropout(dropout)) end
    end
  end
  return net
end

local function plain(module) return module end
local function layerOf(o) return o.spectral and function(module) return nn.SpectralNorm(module) end or plain end

function gan.mlp.generator(o)
  return dense({ o.inputs, 128, 256, 512, 1024, o.channels * o.side * o.side }, plain, 0):add(nn.Tanh())
end

--- spectral: hold the spectral norms of the weights at 1; classes: numbers that come beside a picture (0); dropout: share of
-- the numbers between layers that are left out while it learns.
function gan.mlp.critic(o)
  return dense({ o.channels * o.side * o.side + o.classes, 1024, 512, 256, 1 }, layerOf(o), o.dropout)
end

-- -- convolutions -----------------------------------------------------------------------------------------------------

-- Planes and sides from the largest pictures inside to the smallest, whose side is 3 or 4; and that side.
local function planesOf(o)
  local planes, sides = {}, { [0] = o.side }
  while sides[#planes] > 4 do
    planes[#planes + 1] = o.width * 2 ^ #planes
    sides[#planes] = math.floor(sides[#planes - 1] / 2)
  end
  return planes, sides, sides[#planes]
end

local function normal(net) -- section 4 of the paper
  net:apply(function(module)
    local statistics = torch.isTypeOf(module, 'nn.BatchNormalization')
    if torch.isTensor(module.weight) then module.weight:normal(statistics and 1 or 0, .02) end
    if torch.isTensor(module.bias) then module.bias:zero() end
  end)
  return net
end

function gan.dcgan.generator(o)
  local planes, sides, side = planesOf(o)
  local top = planes[#planes]
  local function grow(k, to) -- from sides[k] to sides[k - 1]
    local odd = sides[k - 1] - 2 * sides[k]
    return nn.SpatialFullConvolution(planes[k], to, 4, 4, 2, 2, 1, 1, odd, odd)
  end
  local net = nn.Sequential():add(nn.Linear(o.inputs, top * side * side)):add(nn.View(-1, top, side, side))
  net:add(nn.SpatialBatchNormalization(top)):add(nn.ReLU(true))
  for k = #planes, 2, -1 do
    net:add(grow(k, planes[k - 1]))
    net:add(nn.SpatialBatchNormalization(planes[k - 1])):add(nn.ReLU(true))
  end
  return normal(net:add(grow(1, o.channels)):add(nn.Tanh()))
end

--- As mlp.critic, the classes being planes; statistics: normalize by batches.
function gan.dcgan.critic(o)
  local planes, _, side = planesOf(o)
  local net, from, layer = nn.Sequential(), o.channels + o.classes, layerOf(o)
  for k, to in ipairs(planes) do
    net:add(layer(normal(nn.SpatialConvolution(from, to, 4, 4, 2, 2, 1, 1))))
    if k > 1 and o.statistics then net:add(normal(nn.SpatialBatchNormalization(to))) end
    net:add(nn.LeakyReLU(.2, true))
    from = to
  end
  return net:add(nn.View(-1, from * side * side)):add(layer(normal(nn.Linear(from * side * side, 1))))
end

return gan
