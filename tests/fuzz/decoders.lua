--- Files that lie, for a while: samples of every format that the engine reads, damaged at random. Each must end in a value or in a
-- sentence.
-- usage: luajit tests/fuzz/decoders.lua [SECONDS] [SEED] [FORMAT]   (LUA_PATH names lua/)
--        luajit tests/fuzz/decoders.lua --case NUMBER [FORMAT]         one case again
-- Best with a library built by SAN=address,undefined.
local torch = require 'tocha'
local data = require 'tocha.data'
local image = require 'tocha.image'

local decoders = {}

local function bytesOf(text) return torch.ByteTensor(torch.ByteStorage():string(text)) end
local function textOf(tensor)
  return tensor:storage():string():sub(tensor:storageOffset(), tensor:storageOffset() + tensor:nElement() - 1)
end

local function written(suffix, write)
  local path = os.tmpname()
  os.remove(path)
  write(path .. suffix)
  local handle = assert(io.open(path .. suffix, 'rb'))
  local text = handle:read '*a'
  handle:close()
  os.remove(path .. suffix)
  return text
end

local function fromFile(suffix, read)
  return function(text)
    local path = os.tmpname()
    os.remove(path)
    path = path .. suffix
    local handle = assert(io.open(path, 'wb'))
    handle:write(text)
    handle:close()
    local good, why = pcall(read, path)
    os.remove(path)
    if not good then error(why, 0) end
  end
end

local function picture(depth, side)
  return function(text)
    local x = image.decompress(bytesOf(text), depth, 'byte', { side = side, upright = true })
    assert(x:dim() == 3)
  end
end

-- An archive of files by name.
local function tar(suffix, list)
  return written(suffix, function(path)
    local folder = path .. '.d'
    for name, text in pairs(list) do
      assert(os.execute(('mkdir -p $(dirname %s/%s)'):format(folder, name)) == 0)
      local handle = assert(io.open(folder .. '/' .. name, 'wb'))
      handle:write(text)
      handle:close()
    end
    assert(os.execute(('tar -c%sf %s -C %s . && rm -r %s'):format(suffix == '.tar' and '' or 'z', path, folder, folder)) == 0)
  end)
end

local function load(path)
  return data.DataLoader(data.fromFolder(path), { height = 3, width = 3, workers = 0, skip = true }):load()
end

local golden = (debug.getinfo(1, 'S').source:match '^@(.*/)' or './') .. '../golden/'
local function raw(name)
  local handle = io.open(golden .. name, 'rb')
  local text = handle and handle:read '*a'
  if handle then handle:close() end
  return text
end

-- The PNG or the JPEG files of tests/golden/pictures.lua, one of every kind, after those in a list.
local function pictures(png, list)
  for _, row in ipairs(dofile(golden .. 'pictures.lua')) do
    local text = row[2]:gsub('..', function(pair) return string.char(tonumber(pair, 16)) end)
    if (text:byte() == 0x89) == png then list[#list + 1] = text end
  end
  return list
end

-- A .caffemodel file of a convolution and a Dropout in the newer form, and of a linear layer in the older one. Lengths stay below
-- 128.
local function caffe()
  local function part(key, text)
    local begin = key < 16 and string.char(key * 8 + 2) or string.char(key % 16 * 8 + 130, key / 16)
    return begin .. string.char(#text) .. text
  end
  local function floats(n) return part(5, ('\0\0\128?'):rep(n)) end
  local function layer(name, rest) return part(100, part(1, name) .. part(2, name) .. rest) end
  local sizes = part(7, part(1, '\1\2\3\3'))
  return layer('Convolution', part(7, sizes .. floats(18)) .. part(106, '\8\1\24\1\32\3'))
    .. layer('Dropout', part(108, '\13\0\0\0?'))
    .. part(2, part(4, 'fc') .. '\40\14' .. part(6, '\8\1\16\1\24\2\32\4' .. floats(8)))
end

local x = torch.range(1, 3 * 9 * 11):div(300):view(3, 9, 11)
local folders = { ['a/1.png'] = textOf(image.compressPNG(x)), [('b/%s.jpg'):format(('n'):rep(120))] = textOf(image.compressJPG(x)) }
local record = '\0\1' .. ('p'):rep(3072)
-- format -> {samples}, decoder
local formats = {
  jpeg = { pictures(false, { textOf(image.compressJPG(x, 80)), textOf(image.compressJPG(x[1], 20)) }), picture(nil, 4) },
  png = { pictures(true, { textOf(image.compressPNG(x)), textOf(image.compressPNG(x[1])) }), picture(3) },
  pnm = { { 'P6 3 2 255\n' .. ('abc'):rep(6), 'P5 2 2 65535\n12345678', 'P2\n# c\n2 2 9\n1 2 3 4\n', 'P4 9 2\n1234' }, picture() },
  idx = { { '\0\0\8\3\0\0\0\2\0\0\0\2\0\0\0\2abcdefgh', '\0\0\13\1\0\0\0\2\63\192\0\0\63\192\0\0' }, fromFile('', data.idx) },
  gzip = { { written('.gz', function(path)
    assert(os.execute(("printf '\\000\\000\\010\\001\\000\\000\\000\\004abcd' | gzip -c > %s"):format(path)) == 0)
  end) }, fromFile('.gz', data.idx) },
  tar = { { tar('.tar', folders) }, fromFile('.tar', load) },
  targz = { { tar('.tar.gz', folders) }, fromFile('.tar.gz', load) },
  cifar = { { tar('.tar', { ['train.bin'] = record, ['test.bin'] = record, ['fine_label_names.txt'] = 'a\nb\n' }) },
            fromFile('.tar', data.cifar100) },
  npy = { { written('.npy', function(path) torch.writeNpy(path, x) end) }, fromFile('.npy', torch.readNpy) },
  npz = { { written('.npz', function(path) torch.writeNpz(path, { a = x, b = x:long() }) end) }, fromFile('.npz', torch.readNpz) },
  caffe = { { caffe() }, fromFile('.caffemodel', require 'tocha.file.caffe') },
  t7 = { { torch.serialize { x, { a = 'b', [2] = true } }, torch.serialize({ x:byte(), 'y' }, 'ascii') }, torch.deserialize },
  t7b32 = { { torch.serialize({ x, x:long(), { a = 'b' } }, 'b32') }, function(t) torch.deserialize(t, 'b32') end },
  csv = { { 'a,b\n1,"2"\n3,4\n' }, fromFile('.csv', data.fromCSV) },
  safetensors = { { written('.safetensors', function(path)
    torch.writeSafetensors(path, { a = x, b = x:long(), c = torch.randn(2):half() }, { note = 'text', more = '"\\' })
  end), '\2\0\0\0\0\0\0\0{}' }, fromFile('.safetensors', function(path)
    for _, value in pairs(torch.readSafetensors(path)) do
      if torch.isTensor(value) then value:clone() end -- mapped: its bytes are in the file
    end
  end) },
  checkpoint = { { raw 'checkpoint.pt', raw 'legacy.pt' }, fromFile('.pt', torch.readCheckpoint) },
}
local names = {}
for name in pairs(formats) do names[#names + 1] = name end
table.sort(names)

-- One to four changes: a byte, a number of four bytes, a cut, a piece twice, a piece from elsewhere.
local function damage(generator, text)
  local function random(most) return torch.random(generator, 1, most) end
  for _ = 1, random(4) do
    local n, kind = #text, random(6)
    if n == 0 then return text end
    local at = random(n)
    if kind == 1 then text = text:sub(1, at)
    elseif kind == 2 then
      local last = math.min(n, at + random(32))
      text = text:sub(1, last) .. text:sub(at)
    elseif kind == 3 then
      local from = random(n)
      text = text:sub(1, at) .. text:sub(from, from + random(16)) .. text:sub(at + 1)
    elseif kind == 4 then
      local extreme = ({ '\255\255\255\255', '\0\0\0\0', '\127\255\255\255', '\255\255\255\127', '\0\0\1\0' })[random(5)]
      text = text:sub(1, at - 1) .. extreme .. text:sub(at + 4)
    else text = text:sub(1, at - 1) .. string.char(random(256) - 1) .. text:sub(at + 1) end
  end
  return text
end

--- One case: which format, and what was wrong with how it ended (nil: nothing).
-- @tparam number case
-- @tparam[opt] string only one format
-- @tparam[opt] function journal called with what will be decoded
function decoders.run(case, only, journal)
  local generator = torch.Generator()
  torch.manualSeed(generator, case)
  local name = only or names[torch.random(generator, 1, #names)]
  local samples, decode = unpack(formats[name])
  local text = damage(generator, samples[torch.random(generator, 1, #samples)])
  if journal then journal(text) end
  local good, why = pcall(decode, text)
  if good then return name end
  why = type(why) == 'string' and why or ('an error that is a %s'):format(type(why))
  -- Errors of the engine's own Lua: they name what the language misses, not what is wrong with the file.
  for _, part in ipairs { 'attempt to', 'bad argument', 'stack overflow', 'an error that is', 'not enough memory' } do
    if why:find(part, 1, true) then return name, why end
  end
  return name
end

if not (arg and arg[0] and arg[0]:find 'decoders.lua$') then return decoders end

local run = dofile((arg[0]:match '^(.*/)' or './') .. 'clock.lua')
local only = arg[3]
local count = {}
for _, name in ipairs(names) do count[name] = 0 end
run('damaged files', function(case, journal)
  local name, why = decoders.run(case, only, journal)
  count[name] = count[name] + 1
  return name, why
end, function()
  local list = {}
  for _, name in ipairs(names) do list[#list + 1] = ('%s %d'):format(name, count[name]) end
  return '(' .. table.concat(list, ', ') .. ')'
end)
