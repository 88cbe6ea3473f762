-- Pictures and folders that are odd, empty, enormous or hostile.
local torch = require 'tocha'
local bit = require 'bit'
local data = require 'tocha.data'
local image = require 'tocha.image'
local files = dofile 'tests/lua/files.lua'
local write, read, says = files.write, files.read, files.says

local folder

local function long(n)
  return string.char(bit.band(bit.rshift(n, 24), 255), bit.band(bit.rshift(n, 16), 255), bit.band(bit.rshift(n, 8), 255),
    bit.band(n, 255))
end

-- ISO 3309, as PNG has it.
local function crc(text)
  local c = -1
  for i = 1, #text do
    c = bit.bxor(c, text:byte(i))
    for _ = 1, 8 do c = bit.bxor(bit.rshift(c, 1), bit.band(c, 1) == 1 and 0xedb88320 or 0) end
  end
  return bit.bnot(c)
end

local function chunk(kind, text) return long(#text) .. kind .. text .. long(crc(kind .. text)) end

-- n zeros, compressed by zlib: what gzip makes, in another wrapping.
local function zeros(n)
  assert(os.execute(('head -c %d /dev/zero | gzip -9 -n > %s/zeros.gz'):format(n, folder)) == 0)
  local packed = read(folder .. '/zeros.gz')
  return '\120\218' .. packed:sub(11, -9) .. long(n % 65521 * 65536 + 1)
end

-- The most memory that this process ever had, in MiB.
local function peak() return tonumber(read '/proc/self/status':match 'VmHWM:%s*(%d+)') / 1024 end

describe('Bad pictures', function()
  before_each(function()
    folder = files.makeFolder()
    assert(os.execute('mkdir -p ' .. folder .. '/set/a ' .. folder .. '/set/b') == 0)
  end)
  after_each(files.removeFolder)

  it('with bombs in their texts and profiles cost no memory', function()
    local n = 80e6
    local png = read((function()
      image.save(folder .. '/x.png', torch.ByteTensor(1, 2, 2):fill(9))
      return folder .. '/x.png'
    end)())
    local bomb = zeros(n)
    local before = peak()
    for kind, head in pairs { zTXt = 'Comment\0\0', iTXt = 'Comment\0\1\0en\0x\0', iCCP = 'icc\0\0' } do
      local path = write('bomb.png', png:sub(1, 33) .. chunk(kind, head .. bomb) .. png:sub(34))
      assert.same({ { { 9, 9 }, { 9, 9 } } }, image.load(path, nil, 'byte'):totable())
    end
    assert.is_true(peak() - before < 30)
  end)

  it('of 30,000 columns, of one row and of one pixel are pictures like others', function()
    for k, size in ipairs { { 2, 30000 }, { 30000, 2 }, { 1, 30000 }, { 1, 1 } } do
      for _, suffix in ipairs { 'png', 'jpg', 'ppm' } do
        local path = ('%s/set/%s/%d.%s'):format(folder, k % 2 == 0 and 'a' or 'b', k, suffix)
        image.save(path, torch.ByteTensor(3, size[1], size[2]):fill(50 * k))
        assert.same({ 3, size[1], size[2] }, image.getSize(path):totable())
        local x = image.load(path, 3, 'byte')
        assert.same({ 3, size[1], size[2] }, x:size():totable())
        assert.is_true(math.abs(x[2][size[1]][size[2]] - 50 * k) <= 2)
      end
    end
    for _, cover in ipairs { false, true } do
      local loader = data.DataLoader(data.fromFolder(folder .. '/set'), { height = 8, width = 8, cover = cover, scale = 1,
        augment = { rotation = 30, zoom = .2, crop = 2 } })
      for input in loader:batches() do
        assert.same({ 12, 3, 8, 8 }, input:size():totable())
        assert.is_true(input:min() > 45 and input:max() < 205)
      end
    end
  end)

  it('that announce more than can be are refused before memory is asked for', function()
    local function png(w, h)
      return '\137PNG\r\n\26\n' .. chunk('IHDR', long(w) .. long(h) .. '\8\2\0\0\0') .. chunk('IDAT', zeros(100))
        .. chunk('IEND', '')
    end
    local before = peak()
    says('cannot hold the 30000x8000 pixels', image.load, write('wide.png', png(30000, 8000)))
    says('is too large', image.load, write('huge.png', png(65535, 65535)))
    says('damaged PNG', image.load, write('none.png', png(0, 3)))
    says('truncated', image.load, write('p.ppm', 'P6 60000 4000 255\nabc'))
    assert.is_true(peak() - before < 30)
  end)

  it('are told by their contents, and what is no picture is named', function()
    image.save(folder .. '/set/a/1.png', torch.ByteTensor(3, 4, 4):fill(1))
    image.save(folder .. '/x.jpg', torch.ByteTensor(3, 4, 4):fill(7))
    os.rename(folder .. '/x.jpg', folder .. '/set/b/2.png')
    write('set/b/3.jpg', 'GIF89a no picture at all')
    write('set/b/4.jpg', '')
    assert(os.execute('ln -s nowhere ' .. folder .. '/set/b/5.jpg') == 0)
    local set = data.fromFolder(folder .. '/set')
    says(folder .. '/set/b/3.jpg', function()
      for _ in data.DataLoader(set, { height = 4, width = 4 }):batches() do end -- luacheck: ignore
    end)
    local loader = data.DataLoader(set, { height = 4, width = 4, skip = true, workers = 2 })
    local seen = 0
    for input in loader:batches() do seen = seen + input:size(1) end
    local count, why = loader:skipped()
    assert.equal(2, seen)
    assert.equal(data.size(set) - 2, count)
    for _, name in ipairs { '3.jpg', '4.jpg' } do
      assert.is_truthy(table.concat(why, '\n'):find(folder .. '/set/b/' .. name, 1, true))
    end
  end)

  it('that cannot be read, or only by waiting, are named and skipped', function()
    image.save(folder .. '/set/a/1.png', torch.ByteTensor(3, 4, 4):fill(1))
    image.save(folder .. '/set/b/1.png', torch.ByteTensor(3, 4, 4):fill(1))
    local bad = { ['link.jpg'] = 'ln -s nowhere', ['folder.jpg'] = 'mkdir', ['pipe.jpg'] = 'mkfifo',
      ['zero.jpg'] = 'ln -s /dev/zero' }
    for name, command in pairs(bad) do
      local path = folder .. '/set/b/' .. name
      assert(os.execute(command .. ' ' .. path) == 0)
      says('cannot read ' .. path .. ': ', image.load, path)
    end
    local set = data.fromFolder(folder .. '/set')
    assert.equal(2, data.size(set)) -- what is no file is no picture
    -- Root may read what nobody may, so a folder takes the place of a file that was listed.
    os.remove(folder .. '/set/a/1.png')
    assert(os.execute('mkdir ' .. folder .. '/set/a/1.png') == 0)
    local reason = folder .. '/set/a/1.png: Is a directory'
    says('cannot read ' .. reason, function() data.DataLoader(set, { height = 4, width = 4 }):load() end)
    local loaded, count, why = data.DataLoader(set, { height = 4, width = 4, skip = true }):load()
    assert.same({ 1, 1 }, { data.size(loaded), count })
    assert.is_truthy(why[1]:find(reason, 1, true), why[1])
  end)

  it('in empty folders are missed by name', function()
    says(folder .. '/set holds no folders with pictures', data.fromFolder, folder .. '/set')
    says('cannot read ' .. folder .. '/none', data.fromFolder, folder .. '/none')
    image.save(folder .. '/set/a/1.png', torch.ByteTensor(3, 4, 4):fill(1))
    assert.same({ 'a' }, data.fromFolder(folder .. '/set').classes) -- an empty folder is no class
    write('set/a/1.png', 'nothing')
    says('no picture could be read', function()
      data.DataLoader(data.fromFolder(folder .. '/set'), { height = 4, width = 4, skip = true }):load()
    end)
  end)
end)
