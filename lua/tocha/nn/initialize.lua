--- First values of weights: `nn.initialize.kaimingNormal(layer.weight)`. Each fills the tensor and returns it.
--
-- A weight is (outputs, inputs, ...): fan in is inputs times the size of a window, fan out is outputs times it.
-- @module tocha.nn.initialize
local torch = require 'tocha'
local nn = require 'tocha.nn'
local raise = require 'tocha.bindings.own'.raise

local initialize = {}
nn.initialize = initialize

local function fans(weight)
  if weight:dim() < 2 then raise('a weight of two dimensions or more is needed: (outputs, inputs, ...)') end
  local window = weight:nElement() / (weight:size(1) * weight:size(2))
  return weight:size(2) * window, weight:size(1) * window
end

local function glorot(weight, gain)
  local fanIn, fanOut = fans(weight)
  return (gain or 1) * math.sqrt(2 / (fanIn + fanOut))
end

-- He's gain for leaky_relu with this slope (0: relu).
local function he(weight, slope)
  return math.sqrt(2 / (1 + (slope or 0) ^ 2)) / math.sqrt((fans(weight)))
end

--- Glorot and Bengio 2010: deviation gain * sqrt(2 / (fan in + fan out)).
function initialize.xavierNormal(weight, gain) return weight:normal(0, glorot(weight, gain)) end

function initialize.xavierUniform(weight, gain)
  local d = math.sqrt(3) * glorot(weight, gain)
  return weight:uniform(-d, d)
end

--- He et al. 2015: deviation sqrt(2 / (1 + slope^2) / fan in), for a (leaky) ReLU after the layer.
function initialize.kaimingNormal(weight, slope) return weight:normal(0, he(weight, slope)) end

function initialize.kaimingUniform(weight, slope)
  local d = math.sqrt(3) * he(weight, slope)
  return weight:uniform(-d, d)
end

--- Saxe et al. 2013: rows (or columns, where those are fewer) that are orthogonal and of length gain.
function initialize.orthogonal(weight, gain)
  fans(weight)
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
  mean, deviation, limit = mean or 0, deviation or 1, limit or 2
  weight:normal()
  local flat = weight:view(-1)
  while true do
    local beyond = flat:clone():abs():gt(limit)
    local count = beyond:long():sum()
    if count == 0 then break end
    flat[beyond] = flat.new(count):normal()
  end
  return weight:mul(deviation):add(mean)
end

return initialize
