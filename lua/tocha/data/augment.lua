--- Changes of pictures for training: one given affine change, and mixtures of whole batches.
-- @module tocha.data.augment
local torch = require 'tocha'
local engine = require 'tocha.bindings.data'
local codec = require 'tocha.bindings.image'
local raise = require 'tocha.bindings.own'.raise

local M = {}
local edges = { constant = 'pad', nearest = 'clamp', reflect = 'reflect', wrap = 'wrap' }

--- Rotates, shifts, shears, scales and mirrors a picture about its centre, in one step with linear interpolation; units, order and
-- directions are those of Keras's ImageDataGenerator.
-- @tparam tensor picture (H,W) or (C,H,W)
-- @tparam[opt] table change rotation, shear (degrees), down, right (pixels by which the view moves), zoom_y, zoom_x (above 1 shows
-- more), hflip, vflip; fill ('nearest', 'constant', 'reflect' or 'wrap') and value, of what comes in
-- @treturn tensor
function M.transform(picture, change)
  change = change or {}
  local edge = edges[change.fill or 'nearest']
    or raise(('transform: fill is %s, but constant, nearest, reflect or wrap is needed'):format(tostring(change.fill)))
  local n = picture:dim()
  local height, width = picture:size(n - 1), picture:size(n)
  return codec.affine(picture, engine.matrix(change, height, width), height, width, 'bilinear', edge, change.value)
end

-- -- mixtures -------------------------------------------------------------------------------------------------------

-- Labels (N) as shares (N,K).
local function shares(labels, classes)
  return torch.Tensor(labels:size(1), classes):zero():scatter(2, labels:long():view(-1, 1), 1)
end

-- The logarithm of a number of the law Gamma(a) (Marsaglia and Tsang 2000; below 1 by their section 6).
local function logGamma(a)
  if a < 1 then return logGamma(a + 1) + math.log(1 - torch.uniform()) / a end
  local d = a - 1 / 3
  repeat
    local x = torch.normal()
    local v = (1 + x / math.sqrt(9 * d)) ^ 3
    if v > 0 and math.log(1 - torch.uniform()) < .5 * x * x + d - d * v + d * math.log(v) then return math.log(d * v) end
  until false
end

-- A number of the law Beta(a, a): the share of one of two numbers of Gamma(a).
local function beta(a)
  local x, y = logGamma(a), logGamma(a)
  return x == y and .5 or 1 / (1 + math.exp(y - x))
end

local function check(op, alpha)
  if type(alpha) ~= 'number' or not (alpha > 0 and alpha < 1e9) then
    raise(('%s: alpha must be above 0 and below 1e9, not %s'):format(op, tostring(alpha)))
  end
end

--- Mixes each picture of a batch with another one of it (Zhang et al. 2018). Draws from the default generator.
-- @tparam tensor input (N,...)
-- @tparam tensor labels (N) of 1..classes
-- @tparam number classes
-- @tparam[opt=0.2] number alpha of the law Beta(alpha, alpha) of the shares
-- @treturn tensor input
-- @treturn tensor shares (N,classes), for nn.SoftTargetCriterion
function M.mixup(input, labels, classes, alpha)
  alpha = alpha or .2
  check('mixup', alpha)
  local share, order = beta(alpha), torch.randperm(input:size(1)):long()
  local y = shares(labels, classes)
  return torch.mul(input, share):add(1 - share, input:index(1, order)), torch.mul(y, share):add(1 - share, y:index(1, order))
end

--- Puts a box of another picture of the batch into each (Yun et al. 2019). Draws from the default generator.
-- @tparam tensor input (N,C,H,W)
-- @tparam tensor labels (N) of 1..classes
-- @tparam number classes
-- @tparam[opt=1] number alpha of the law Beta(alpha, alpha) of the share of the picture that stays
-- @treturn tensor input
-- @treturn tensor shares (N,classes), by area
function M.cutmix(input, labels, classes, alpha)
  alpha = alpha or 1
  check('cutmix', alpha)
  local height, width = input:size(3), input:size(4)
  local side, order = math.sqrt(1 - beta(alpha)), torch.randperm(input:size(1)):long()
  local y, x = torch.random(1, height), torch.random(1, width)
  local function span(centre, size)
    local first = math.max(centre - math.floor(side * size / 2), 1)
    return first, math.max(math.min(centre + math.floor(side * size / 2), size) - first, 0)
  end
  local top, h = span(y, height)
  local left, w = span(x, width)
  local mixed, t = input:clone(), shares(labels, classes)
  if h > 0 and w > 0 then
    mixed:narrow(3, top, h):narrow(4, left, w):copy(input:index(1, order):narrow(3, top, h):narrow(4, left, w))
  end
  local stays = 1 - h * w / (height * width)
  return mixed, torch.mul(t, stays):add(1 - stays, t:index(1, order))
end

return M
