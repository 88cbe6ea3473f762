--- First values of weights: `nn.initialize.kaimingNormal(layer.weight)`. Each fills the tensor and returns it.
--
-- A weight is (outputs, inputs, ...): fan in is inputs times the size of a window, fan out is outputs times it. A weight of a
-- transposed convolution is (inputs, outputs, ...): there the two change places.
-- @module tocha.nn.initialize
local torch = require 'tocha'
local raise = require 'tocha.bindings.own'.raise

local initialize = {}
require 'tocha.nn'.initialize = initialize

local function check(name, weight, ...)
  if not torch.isTensor(weight) or not torch.type(weight):find('Float') and not torch.type(weight):find('Double') then
    raise(('nn.initialize.%s: a FloatTensor or DoubleTensor is wanted, but a %s was given'):format(name, torch.type(weight)))
  end
  for i = 1, select('#', ...) do
    local number = select(i, ...)
    if number ~= nil and type(number) ~= 'number' then
      raise(('nn.initialize.%s: argument %d is a %s, not a number'):format(name, i + 1, torch.type(number)))
    end
  end
end

local function fans(name, weight, ...)
  check(name, weight, ...)
  if weight:dim() < 2 or weight:nElement() == 0 then
    raise(('nn.initialize.%s: a weight of two dimensions or more is needed: (outputs, inputs, ...)'):format(name))
  end
  local window = weight:nElement() / (weight:size(1) * weight:size(2))
  return weight:size(2) * window, weight:size(1) * window
end

local function glorot(name, weight, gain)
  local fanIn, fanOut = fans(name, weight, gain)
  return (gain or 1) * math.sqrt(2 / (fanIn + fanOut))
end

local function he(name, weight, slope, mode)
  local fanIn, fanOut = fans(name, weight, slope)
  if mode ~= nil and mode ~= 'fanIn' and mode ~= 'fanOut' then
    raise(("nn.initialize.%s: the mode is 'fanIn' or 'fanOut', not %s"):format(name, tostring(mode)))
  end
  return initialize.gain('LeakyReLU', slope or 0) / math.sqrt(mode == 'fanOut' and fanOut or fanIn)
end

local gains = {
  Identity = function() return 1 end,
  Sigmoid = function() return 1 end,
  Tanh = function() return 5 / 3 end,
  ReLU = function() return math.sqrt(2) end,
  LeakyReLU = function(slope) return math.sqrt(2 / (1 + slope ^ 2)) end,
  SELU = function() return 3 / 4 end,
}

--- The factor that keeps deviations through a layer and the activation nn.NAME after it: Identity (for linear layers and
-- convolutions alone), Sigmoid, Tanh, ReLU, LeakyReLU (with its slope, 0.01), SELU.
function initialize.gain(name, slope)
  local gain = gains[name]
  if not gain then raise(('nn.initialize.gain: no gain is known for %s'):format(tostring(name))) end
  return gain(slope or 0.01)
end

--- Glorot and Bengio 2010: deviation gain * sqrt(2 / (fan in + fan out)).
function initialize.xavierNormal(weight, gain)
  local deviation = glorot('xavierNormal', weight, gain)
  return weight:normal(0, deviation)
end

--- The same deviation, uniform.
function initialize.xavierUniform(weight, gain)
  local d = math.sqrt(3) * glorot('xavierUniform', weight, gain)
  return weight:uniform(-d, d)
end

--- He et al. 2015: deviation sqrt(2 / (1 + slope^2) / fan in), for a ReLU after the layer (slope 0) or a leaky one; by fan
-- out with the mode 'fanOut'.
function initialize.kaimingNormal(weight, slope, mode)
  local deviation = he('kaimingNormal', weight, slope, mode)
  return weight:normal(0, deviation)
end

--- The same deviation, uniform.
function initialize.kaimingUniform(weight, slope, mode)
  local d = math.sqrt(3) * he('kaimingUniform', weight, slope, mode)
  return weight:uniform(-d, d)
end

--- Saxe et al. 2013: rows (or columns, where those are fewer) that are orthogonal and of length gain.
function initialize.orthogonal(weight, gain)
  fans('orthogonal', weight, gain)
  local rows, columns = weight:size(1), weight:nElement() / weight:size(1)
  local tall = weight.new(math.max(rows, columns), math.min(rows, columns)):normal()
  local q, r = torch.qr(tall)
  for i = 1, q:size(2) do -- uniform over the rotations only with the signs of r's diagonal
    if r[i][i] < 0 then q:select(2, i):mul(-1) end
  end
  if rows < columns then q = q:t() end
  return weight:copy(q:contiguous():viewAs(weight)):mul(gain or 1)
end

--- A normal distribution cut at `limit` (2) deviations; what falls beyond is drawn again.
function initialize.truncatedNormal(weight, mean, deviation, limit)
  check('truncatedNormal', weight, mean, deviation, limit)
  mean, deviation, limit = mean or 0, deviation or 1, limit or 2
  if not (limit >= 0.1) then -- below, almost all would be drawn again
    raise(('nn.initialize.truncatedNormal: the limit is %s deviations, but 0.1 or more is needed'):format(limit))
  end
  if weight:nElement() == 0 then return weight end
  local flat = weight.new(weight:nElement()):normal()
  while true do
    local beyond = torch.abs(flat):gt(limit)
    local count = beyond:long():sum()
    if count == 0 then break end
    flat[beyond] = flat.new(count):normal()
  end
  return weight:copy(flat:mul(deviation):add(mean):viewAs(weight))
end

return initialize
