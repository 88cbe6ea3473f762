--- Maps over pictures, and what is inside a network, as pictures (PNG).
-- @module tocha.explain.sheets
local torch = require 'tocha'
local image = require 'tocha.image'
local grid = require 'tocha.train.grid'
local raise = require 'tocha.bindings.own'.raise

local sheets = {}

--- Lays a map over a picture: from blue (0) to red (1), or, where the map has both signs, red for and blue against.
-- @tparam tensor picture (3,H,W) or (1,H,W) of numbers from 0 to 1
-- @tparam tensor map (H,W)
-- @tparam[opt=0.5] number strength of the colours
-- @treturn tensor (3,H,W)
function sheets.overlay(picture, map, strength)
  if picture:size(2) ~= map:size(1) or picture:size(3) ~= map:size(2) then
    raise(('overlay: the picture is %dx%d, the map %dx%d'):format(picture:size(2), picture:size(3), map:size(1), map:size(2)))
  end
  strength = strength or .5
  local base, v = picture:float():expand(3, picture:size(2), picture:size(3)):clone(), map:float():clone()
  local most = math.max(math.abs(v:min()), math.abs(v:max()))
  if most > 0 then v:div(most) end
  local colour = torch.FloatTensor(3, v:size(1), v:size(2)):zero()
  local cover
  if v:min() < 0 then
    colour[1]:copy(torch.cmax(v, 0):ceil())
    colour[3]:copy(torch.cmax(torch.mul(v, -1), 0):ceil())
    cover = torch.abs(v):mul(math.min(1, 1.5 * strength))
  else
    for c = 1, 3 do colour[c]:copy(torch.mul(v, 4):add(c - 4):abs():mul(-1):add(1.5):clamp(0, 1)) end
    cover = v.new():resizeAs(v):fill(strength)
  end
  cover = cover:view(1, v:size(1), v:size(2)):expandAs(base)
  return torch.add(base, torch.cmul(cover, torch.add(colour, -1, base)))
end

-- Planes (N,C,h,w) as a sheet, each brought to 0..1, small ones enlarged.
local function sheet(path, planes, most)
  local n = math.min(planes:size(1), most or 256)
  local factor = math.max(1, math.ceil(48 / math.max(planes:size(3), planes:size(4))))
  local height, width = planes:size(3) * factor, planes:size(4) * factor
  local tiles = torch.FloatTensor(n, planes:size(2), height, width)
  for k = 1, n do
    local tile = planes[k]:float():contiguous()
    local low, high = tile:min(), tile:max()
    tile = tile:clone():add(-low):mul(high > low and 1 / (high - low) or 0)
    tiles[k]:copy(factor > 1 and image.scale(tile, width, height, 'simple') or tile)
  end
  grid(path, tiles)
end

-- The module with this number in listModules' order of those that `fits`, the first one by default.
local function find(net, layer, fits, what)
  if torch.isTypeOf(layer, 'nn.Module') then return layer end
  local count = 0
  for _, module in ipairs(net:listModules()) do
    if fits(module) then
      count = count + 1
      if count == (layer or 1) then return module end
    end
  end
  raise(('%s: the network has %d such layers, so there is none of number %s'):format(what, count, tostring(layer or 1)))
end

local function isConvolution(module)
  local weight = rawget(module, 'weight')
  return torch.isTensor(weight) and weight:dim() == 4
end

--- Draws the filters of a convolution: in colour where they look at three planes, else one plane each.
-- @tparam module net
-- @tparam string path
-- @tparam[opt=1] number|module layer which convolution
function sheets.filters(net, path, layer)
  local weight = find(net, layer, isConvolution, 'filters').weight
  local out, planes, height, width = unpack(weight:size():totable())
  if planes ~= 3 and planes ~= 1 then weight = weight:contiguous():view(out * planes, 1, height, width) end
  sheet(path, weight)
end

--- Draws what a layer makes of a picture, a plane each.
-- @tparam module net
-- @tparam tensor x (1,C,H,W)
-- @tparam string path
-- @tparam[opt=1] number|module layer which convolution
function sheets.activations(net, x, path, layer)
  local module = find(net, layer, isConvolution, 'activations')
  local plain, own, kept = module.updateOutput, rawget(module, 'updateOutput'), nil
  rawset(module, 'updateOutput', function(self, input)
    local y = plain(self, input)
    kept = y:clone()
    return y
  end)
  local trains = net.train
  net:evaluate()
  local good, why = pcall(net.forward, net, x)
  rawset(module, 'updateOutput', own)
  if trains ~= false then net:training() end
  if not good then error(why, 0) end
  if not kept or kept:dim() ~= 4 then raise 'activations: the layer gives no maps' end
  sheet(path, kept[1]:view(kept:size(2), 1, kept:size(3), kept:size(4)))
end

return sheets
