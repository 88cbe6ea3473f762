--- Showing pictures: ranges, grids, and files where Torch7 opened windows.
-- @module tocha.image.display
local torch = require 'tocha'
local file = require 'tocha.image.file'
local geometry = require 'tocha.image.geometry'
local unpackOptions = require 'tocha.image.options'
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise

local M = {}

--- Brings numbers from min..max to 0..1: `minmax{tensor =, min =, max =, symm =, inplace =, saturate =, tensorOut =}`. Without
-- min and max they are the tensor's own; symm: 0 becomes one half; saturate: what is outside is cut.
function M.minmax(o)
  check('minmax', 'options', 'table', o)
  check('minmax', 'options', { tensor = 'tensor', min = 'number?', max = 'number?', tensorOut = 'tensor?' }, o)
  if o.tensor:nElement() == 0 then raise 'minmax: the tensor is empty' end
  local out = o.tensorOut and o.tensorOut:resize(o.tensor:size()):copy(o.tensor) or o.inplace and o.tensor or o.tensor:clone()
  local largest = o.symm and math.max(math.abs(out:min()), math.abs(out:max()))
  local low = o.min or (largest and -largest or out:min())
  local high = o.max or (largest and o.min == nil and largest or out:max())
  out:add(-low)
  if high ~= low then out:div(high - low) end
  if o.saturate and (o.min or o.max) then out:clamp(0, 1) end
  return out
end

local listOptions = {
  { 'input' }, { 'padding', 0, 'number' }, { 'nrow', 6, 'number' }, { 'scaleeach', false }, { 'min', nil, 'number?' },
  { 'max', nil, 'number?' }, { 'symmetric', false }, { 'saturate', true },
}

-- A list of pictures of one size, or a tensor, as a new tensor of numbers.
local function pack(input)
  if torch.isTensor(input) then return input:type(torch.getdefaulttensortype()):clone() end
  if type(input) ~= 'table' or not torch.isTensor(input[1]) then
    raise('toDisplayTensor: a tensor or a list of tensors is needed, not a ' .. type(input))
  end
  local first = input[1]
  local n = first:dim()
  local packed = torch.Tensor(#input, n == 2 and 1 or first:size(1), first:size(n - 1), first:size(n))
  for i, picture in ipairs(input) do
    if not torch.isTensor(picture) then raise(('toDisplayTensor: picture %d is a %s, not a tensor'):format(i, type(picture))) end
    if picture:nElement() ~= packed[i]:nElement() then
      raise(('toDisplayTensor: picture %d has another size than the first'):format(i))
    end
    packed[i]:copy(picture)
  end
  return packed
end

--- One picture of many: `toDisplayTensor{input =, padding = 0, nrow = 6, scaleeach =, min =, max =, symmetric =, saturate =}`.
-- @tparam tensor|table input (H,W), (K,H,W), (N,1,H,W), (N,3,H,W) or a list of pictures; K planes other than 1 and 3 are apart
-- @treturn tensor (H,W) or (3,H,W) from 0 to 1, nrow pictures a row
function M.toDisplayTensor(...)
  local o = unpackOptions('toDisplayTensor', listOptions, ...)
  local packed = pack(o.input)
  local n, planes = packed:dim(), packed:dim() > 2 and packed:size(packed:dim() - 2) or 1
  local function range(tensor)
    return M.minmax { tensor = tensor, inplace = true, min = o.min, max = o.max, symm = o.symmetric, saturate = o.saturate }
  end
  if n == 2 or n == 3 and (planes == 1 or planes == 3) then return range(packed) end
  if n ~= 3 and not (n == 4 and (planes == 1 or planes == 3)) then
    raise 'toDisplayTensor: packed must be a HxW or KxHxW or Kx3xHxW tensor, or a list of tensors'
  end
  local count, columns = packed:size(1), math.min(o.nrow, packed:size(1))
  if o.scaleeach then for i = 1, count do range(packed[i]) end end
  local height, width = packed:size(n - 1) + o.padding, packed:size(n) + o.padding
  local sizes = n == 4 and { planes } or {}
  sizes[#sizes + 1], sizes[#sizes + 2] = height * math.ceil(count / columns), width * columns
  local grid = torch.Tensor(torch.LongStorage(sizes)):fill(packed:max())
  for k = 0, count - 1 do
    local y, x = math.floor(k / columns) * height + math.floor(o.padding / 2), k % columns * width + math.floor(o.padding / 2)
    grid:narrow(n - 2, y + 1, height - o.padding):narrow(n - 1, x + 1, width - o.padding):copy(packed[k + 1])
  end
  return o.scaleeach and grid or range(grid)
end

local displayOptions = {
  { 'image' }, { 'zoom', 1, 'number' }, { 'min', nil, 'number?' }, { 'max', nil, 'number?' }, { 'legend', 'image.display' },
  { 'win' }, { 'x', 0 }, { 'y', 0 }, { 'scaleeach', false }, { 'gui', true }, { 'offscreen', false }, { 'padding', 0, 'number' },
  { 'symmetric', false }, { 'nrow', 6, 'number' }, { 'saturate', true }, { 'file', nil, 'string?' },
}

--- Writes pictures to a PNG file and says where: `display{image =, zoom = 1, legend =, win =, file =, ...}`, the rest as for
-- toDisplayTensor. `win`, what an earlier call gave, is overwritten.
-- @treturn table with the `path`
function M.display(...)
  local o = unpackOptions('display', displayOptions, ...)
  local picture = M.toDisplayTensor { input = o.image, padding = o.padding, nrow = o.nrow, scaleeach = o.scaleeach, min = o.min,
                                      max = o.max, symmetric = o.symmetric, saturate = o.saturate }
  if o.zoom ~= 1 then
    local n = picture:dim()
    picture = geometry.scale(picture, picture:size(n) * o.zoom, picture:size(n - 1) * o.zoom, 'simple')
  end
  local win = o.win
  if type(win) ~= 'table' or not win.path then
    win = { path = o.file }
    if not win.path then
      local name = os.tmpname()
      os.remove(name)
      win.path = name .. '.png'
    end
    print(('%s: %s'):format(o.legend, win.path))
  end
  file.savePNG(win.path, picture)
  return win
end

return M
