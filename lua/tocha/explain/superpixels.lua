--- Superpixels: regions of like colour and place (SLIC, Achanta et al. 2012), in any number of planes.
-- @module tocha.explain.superpixels
local torch = require 'tocha'
local raise = require 'tocha.bindings.own'.raise

local floor, min, max = math.floor, math.min, math.max

-- Centres on a grid: lists of planes + 2 numbers (values, row, column).
local function centres(planes, height, width, step, value)
  local list = {}
  for y = floor(step / 2), height - 1, step do
    for x = floor(step / 2), width - 1, step do
      local centre = {}
      for c = 1, planes do centre[c] = value[c][y * width + x + 1] end
      centre[planes + 1], centre[planes + 2] = y, x
      list[#list + 1] = centre
    end
  end
  return list
end

-- Gives every pixel near a centre to it if none before was nearer.
local function assign(list, planes, height, width, step, value, weight, label, distance)
  for i = 1, height * width do distance[i] = math.huge end
  for k, centre in ipairs(list) do
    local cy, cx = centre[planes + 1], centre[planes + 2]
    for y = max(0, floor(cy - step)), min(height - 1, floor(cy + step)) do
      for x = max(0, floor(cx - step)), min(width - 1, floor(cx + step)) do
        local i, d = y * width + x + 1, weight * ((y - cy) ^ 2 + (x - cx) ^ 2)
        for c = 1, planes do d = d + (value[c][i] - centre[c]) ^ 2 end
        if d < distance[i] then distance[i], label[i] = d, k end
      end
    end
  end
end

local function recentre(list, planes, height, width, value, label)
  local count = {}
  for k, centre in ipairs(list) do
    count[k] = 0
    for c = 1, planes + 2 do centre[c] = 0 end
  end
  for i = 1, height * width do
    local k = label[i]
    local centre = list[k]
    count[k] = count[k] + 1
    for c = 1, planes do centre[c] = centre[c] + value[c][i] end
    centre[planes + 1] = centre[planes + 1] + floor((i - 1) / width)
    centre[planes + 2] = centre[planes + 2] + (i - 1) % width
  end
  for k, centre in ipairs(list) do
    for c = 1, planes + 2 do centre[c] = centre[c] / max(count[k], 1) end
  end
end

--- @tparam tensor picture (C,H,W)
-- @tparam[opt=50] number count about how many
-- @tparam[opt=10] number compactness how much place counts beside colour, whose range is taken as 100
-- @treturn tensor (H,W) LongTensor of 1..K
-- @treturn number K
return function(picture, count, compactness)
  if not torch.isTensor(picture) or picture:dim() ~= 3 then raise 'superpixels: a picture of CxHxW is needed' end
  local planes, height, width = picture:size(1), picture:size(2), picture:size(3)
  local step = max(1, floor(math.sqrt(height * width / max(1, count or 50)) + .5))
  local range = picture:max() - picture:min()
  local scaled = picture:double():mul(range > 0 and 100 / range or 0)
  local value, label, distance = {}, {}, {}
  for c = 1, planes do value[c] = scaled[c]:contiguous():view(-1):totable() end
  for i = 1, height * width do label[i] = 1 end
  local list = centres(planes, height, width, step, value)
  for _ = 1, 10 do
    assign(list, planes, height, width, step, value, ((compactness or 10) / step) ^ 2, label, distance)
    recentre(list, planes, height, width, value, label)
  end
  local number, used = {}, 0 -- without those that no pixel has
  for i = 1, height * width do
    local k = label[i]
    if not number[k] then used, number[k] = used + 1, used + 1 end
    label[i] = number[k]
  end
  return torch.LongTensor(label):view(height, width), used
end
