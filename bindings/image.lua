--- Pictures of the engine: files (`size`, `decode`, `encode`, `save`), and what is computed on them.
-- @module tocha.bindings.image
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local file = require 'tocha.bindings.file'
local own = require 'tocha.bindings.own'

local image = {}
local box, format, size = own.newBox(), ffi.new('int[1]'), ffi.new('int64_t[4]')
local names = { [C.TCH_JPEG] = 'jpeg', [C.TCH_PNG] = 'png', [C.TCH_PNM] = 'pnm' }
local codes = { jpeg = C.TCH_JPEG, png = C.TCH_PNG, pnm = C.TCH_PNM }

local function result(status)
  if status ~= 0 then return nil, ffi.string(C.tch_error()) end
  return own.wrap(box[0])
end

--- What a file's bytes say of the picture in them.
-- @tparam tensor bytes ByteTensor
-- @treturn[1] table channels, height, width, bits (8 or 16), format (jpeg, png, pnm)
-- @treturn[2] nil
-- @treturn[2] string why not
function image.size(bytes)
  if C.tch_image_size(bytes, format, size) ~= 0 then return nil, ffi.string(C.tch_error()) end
  return { channels = tonumber(size[0]), height = tonumber(size[1]), width = tonumber(size[2]), bits = tonumber(size[3]),
           format = names[format[0]] }
end

local function tensor(value, op, name)
  if not own.isTensor(value) then own.bad(op, name or 'the picture', 'a tensor', value) end
  return value
end

local function number(value, op, name)
  if type(value) ~= 'number' or value ~= value then own.bad(op, name, 'a number', value) end
  return value
end

--- The picture (C,H,W) in a file's bytes.
-- @tparam tensor bytes ByteTensor
-- @tparam string type 'Byte' (0..255), 'Float' or 'Double' (0..1)
-- @tparam[opt=0] number planes 1: luminance, 3: red, green, blue, 0: as the file has them
-- @tparam[opt=0] number side a JPEG may come reduced as long as both sides are at least this
-- @tparam[opt] boolean upright turn it as its orientation tag says
function image.decode(bytes, type, planes, side, upright)
  box[0] = nil
  return result(C.tch_image_decode(tensor(bytes, 'decompress'), dtype[type].code, planes or 0,
    number(side or 0, 'decompress', 'side'), upright and true or false, box))
end

--- A file's bytes from a picture (H,W) or (C,H,W).
-- @tparam tensor picture bytes, or floats of which 1 is white
-- @tparam string kind 'jpeg', 'png' or 'pnm'
-- @tparam[opt=75] number quality of a JPEG, 1..100
function image.encode(picture, kind, quality)
  box[0] = nil
  return result(C.tch_image_encode(tensor(picture, 'save'), codes[kind], number(quality or 75, 'save', 'the quality'), box))
end

--- Writes frames (N,3,H,W) of bytes as a moving GIF, whole or not at all.
-- @tparam string path
-- @tparam tensor frames
-- @tparam[opt=4] number delay hundredths of a second between frames
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string why not
function image.saveGif(path, frames, delay)
  box[0] = nil
  local bytes, why = result(C.tch_gif_encode(tensor(frames, 'saveGif'), number(delay or 4, 'saveGif', 'the delay'), box))
  if not bytes then return nil, why end
  return file.save(path, bytes)
end

--- Writes a picture to a file, whole or not at all.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string why not
function image.save(path, picture, kind, quality)
  local bytes, why = image.encode(picture, kind, quality)
  if not bytes then return nil, why end
  return file.save(path, bytes)
end

-- -- what is computed; failures are errors at the caller's line -----------------------------------------------------

local resizes = { simple = C.TCH_RESIZE_SIMPLE, bilinear = C.TCH_RESIZE_BILINEAR, bicubic = C.TCH_RESIZE_BICUBIC,
                  area = C.TCH_RESIZE_AREA, linear = C.TCH_RESIZE_LINEAR, cubic = C.TCH_RESIZE_CUBIC,
                  lanczos = C.TCH_RESIZE_LANCZOS }
local interpolations = { simple = 0, bilinear = 1, bicubic = 2, lanczos = 3 }
local edges = { pad = 0, clamp = 1, reflect = 2, wrap = 3, border = 4 }
local matrix = ffi.new 'double[6]'

-- The code of a name, or an error that lists the names.
local function code(list, name, op, what)
  if list[name] then return list[name] end
  local all = {}
  for key in pairs(list) do all[#all + 1] = key end
  table.sort(all)
  own.failWith('%s: %s is %s, but one of %s is needed', op, what, tostring(name), table.concat(all, ', '))
end

local function taken(status, op)
  if status ~= 0 then own.fail(status, op) end
  return own.wrap(box[0])
end

--- A picture in another size.
-- @tparam string mode simple, bilinear or bicubic, as Torch7's; area; linear, cubic or lanczos, which shrink without aliases
function image.resize(picture, height, width, mode)
  box[0] = nil
  return taken(C.tch_image_resize(tensor(picture, 'scale'), height, width, code(resizes, mode, 'scale', 'mode'), box))
end

--- Fetches each pixel from where a field (2,H,W) of rows and columns says.
-- @tparam string mode simple, bilinear, bicubic or lanczos
-- @tparam string edge pad (`value`), clamp, reflect, wrap, or border (pad beyond half a pixel)
function image.warp(picture, field, offset, mode, edge, value)
  box[0] = nil
  return taken(C.tch_image_warp(tensor(picture, 'warp'), tensor(field, 'warp', 'the field'), offset,
    code(interpolations, mode, 'warp', 'mode'), code(edges, edge, 'warp', 'the edge'), number(value or 0, 'warp', 'the value'),
    box))
end

--- Fetches pixel (y, x) of a new picture from row m[1] y + m[2] x + m[3], column m[4] y + m[5] x + m[6], counted from 0.
function image.affine(picture, m, height, width, mode, edge, value)
  box[0] = nil
  for i = 1, 6 do matrix[i - 1] = m[i] end
  return taken(C.tch_image_affine(tensor(picture, 'affine'), matrix, height, width, code(interpolations, mode, 'affine', 'mode'),
    code(edges, edge, 'affine', 'the edge'), number(value or 0, 'affine', 'the value'), box))
end

--- A picture in polar coordinates: rows are angles, columns distances.
function image.polar(picture, height, width, full, log, linear)
  box[0] = nil
  return taken(C.tch_image_polar(tensor(picture, 'polar'), height, width, full, log, linear, box))
end

--- A picture (3,H,W) in other colours.
-- @tparam string name such as RGB_TO_HSL
-- @tparam string op what the script called
function image.colours(picture, name, op)
  box[0] = nil
  return taken(C.tch_image_colours(tensor(picture, op), C['TCH_' .. name], box), op)
end

return image
