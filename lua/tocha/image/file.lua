--- Pictures in files and in memory: JPEG, PNG, PPM and PGM.
--
-- A picture is a tensor (C,H,W): bytes from 0 to 255, or floats or doubles from 0 to 1. The kind of a file is told by its
-- first bytes, whatever its name. JPEG comes as 1 or 3 planes (also from CMYK), PNG as 1 to 4 (grey, grey and alpha, RGB, RGB
-- and alpha), PNM as 1 or 3. Truncated and damaged files are errors that name the file.
-- @module tocha.image.file
local torch = require 'tocha'
local file = require 'tocha.bindings.file'
local codec = require 'tocha.bindings.image'
local kinds = require 'tocha.kinds'
local check = kinds.check
local raise = require 'tocha.bindings.own'.raise

local M = {}

-- -- reading ------------------------------------------------------------------------------------------------------

local types = { byte = 'Byte', float = 'Float', double = 'Double' }

local function typeOf(name)
  if name == nil then
    local default = torch.getdefaulttensortype():match '^torch%.(%a+)Tensor$'
    return (default == 'Float' or default == 'Double') and default or 'Float'
  end
  return types[name] or raise(('image: type is %s, but byte, float or double is needed'):format(tostring(name)))
end

local function depthOf(depth)
  if depth == nil or depth == 1 or depth == 3 then return depth or 0 end
  raise(('image: depth is %s, but 1 or 3 is needed'):format(tostring(depth)))
end

local function contents(path)
  if type(path) ~= 'string' then raise(('image: the path of a file is needed, not a %s'):format(type(path))) end
  local bytes, why = file.read(path)
  return bytes or raise(why)
end

local function checkBytes(bytes)
  if torch.typename(bytes) == 'torch.ByteTensor' then return bytes end
  raise(('image: a compressed picture is a ByteTensor, not a %s'):format(torch.typename(bytes) or type(bytes)))
end

-- Decodes; the format, if given, is demanded.
local function decode(bytes, planes, name, options, format)
  local first = bytes:dim() == 1 and bytes:size(1) >= 2 and bytes[1] * 256 + bytes[2] or 0
  local found = first == 0xffd8 and 'jpeg' or first == 0x8950 and 'png' or math.floor(first / 256) == 0x50 and 'pnm'
  if format and found ~= format then return nil, ('no %s file'):format(format == 'pnm' and 'PPM or PGM' or format:upper()) end
  options = options or {}
  check('image', 'options', { side = 'number?' }, options)
  return codec.decode(bytes, name, planes, options.side, options.upright)
end

local function decompress(format)
  return function(bytes, depth, tensortype, options)
    local picture, why = decode(checkBytes(bytes), depthOf(depth), typeOf(tensortype), options, format)
    return picture or raise('image: ' .. why)
  end
end

local function load(format)
  return function(path, depth, tensortype, options)
    local planes, name = depthOf(depth), typeOf(tensortype)
    local picture, why = decode(contents(path), planes, name, options, format)
    return picture or raise(path .. ': ' .. why)
  end
end

--- The picture in a ByteTensor that holds a compressed file.
-- @function decompress
-- @tparam tensor bytes
-- @tparam[opt] number depth 1 (luminance) or 3; as the file has it by default
-- @tparam[opt] string tensortype byte, float or double; the default type's by default
-- @tparam[opt] table options side: a JPEG may come reduced by 2, 4 or 8 (computed in the cosine transform, so it is faster)
-- as long as both sides are at least this; upright: turn the picture as its EXIF orientation says
-- @treturn tensor (C,H,W)
M.decompress = decompress()
--- `decompressJPG`, `decompressPNG`: the same, where nothing else will do.
M.decompressJPG, M.decompressPNG = decompress 'jpeg', decompress 'png'

--- Reads a picture from a file. Arguments as those of `decompress`.
-- @function load
-- @tparam string path
M.load = load()
--- `loadJPG`, `loadPNG`, `loadPPM`: the same, where nothing else will do; the last reads PGM too.
M.loadJPG, M.loadPNG, M.loadPPM = load 'jpeg', load 'png', load 'pnm'

--- The size of a picture without its pixels.
-- @tparam string path
-- @treturn tensor LongTensor of channels, height, width
function M.getSize(path)
  local info, why = codec.size(contents(path))
  if not info then raise(path .. ': ' .. why) end
  return torch.LongTensor { info.channels, info.height, info.width }
end

--- `getJPGsize`, `getPNGsize`, `getPPMsize`: channels, height and width as three numbers.
-- @tparam string path
local function sizes(path)
  local size = M.getSize(path)
  return size[1], size[2], size[3]
end
M.getJPGsize, M.getPNGsize, M.getPPMsize = sizes, sizes, sizes

-- -- writing ------------------------------------------------------------------------------------------------------

local function isTensor(value)
  if torch.isTensor(value) then return value end
  raise(('image: a tensor is needed, not a %s'):format(type(value)))
end

local function compress(format)
  return function(picture, quality)
    local bytes, why = codec.encode(isTensor(picture), format, quality and kinds.number('image', 'the quality', quality))
    return bytes or raise('image: ' .. why)
  end
end

--- A JPEG or PNG file in a ByteTensor: `compressJPG(picture, quality)`, `compressPNG(picture)`.
-- @function compressJPG
-- @tparam tensor picture (H,W), (1,H,W) or (3,H,W), in PNG (4,H,W): bytes, or floats, which are cut to [0, 1]
-- @tparam[opt=75] number quality 1 to 100
M.compressJPG, M.compressPNG = compress 'jpeg', compress 'png'

local function saver(format)
  return function(path, picture, quality)
    if type(path) ~= 'string' then raise(('image: the path of a file is needed, not a %s'):format(type(path))) end
    local good, why = codec.save(path, isTensor(picture), format, quality and kinds.number('image', 'the quality', quality))
    if not good then raise(why:find(path, 1, true) and why or path .. ': ' .. why) end
  end
end
--- `saveJPG(path, picture, quality)`, `savePNG`, `savePPM`, `savePGM`: as `save`, whatever the path's suffix.
M.saveJPG, M.savePNG, M.savePPM, M.savePGM = saver 'jpeg', saver 'png', saver 'pnm', saver 'pnm'

M.supported_filetypes = {}
for format, names in pairs { JPG = { 'jpg', 'jpeg', 'JPG', 'JPEG' }, PNG = { 'png', 'PNG' }, PPM = { 'ppm', 'PPM' },
                             PGM = { 'pgm', 'PGM' } } do
  local row = { loader = M['load' .. format] or M.loadPPM, saver = M['save' .. format], sizer = sizes }
  for _, name in ipairs(names) do M.supported_filetypes[name] = row end
end

--- Whether files of this suffix can be written.
function M.is_supported(suffix) return M.supported_filetypes[suffix] ~= nil end

--- Writes a picture; the suffix of the path (jpg, jpeg, png, ppm, pgm) says as what.
-- @tparam string path
-- @tparam tensor picture (H,W), (1,H,W) or (3,H,W), in PNG (4,H,W): bytes, or floats, which are cut to [0, 1]
-- @tparam[opt=75] number quality of a JPEG
function M.save(path, picture, quality)
  if type(path) ~= 'string' then raise(('image: the path of a file is needed, not a %s'):format(type(path))) end
  local row = M.supported_filetypes[path:match '%.(%a+)$' or '']
  if not row then raise(('image: %s: unknown image type: the name must end in .jpg, .jpeg, .png, .ppm or .pgm'):format(path)) end
  row.saver(path, picture, quality)
end

return M
