local data = require 'tocha.data'
local files = dofile 'tests/lua/files.lua'
local write, read = files.write, files.read

local folder

local function long(n)
  return string.char(math.floor(n / 2 ^ 24) % 256, math.floor(n / 2 ^ 16) % 256, math.floor(n / 256) % 256, n % 256)
end

local function idx(code, sizes, body)
  local parts = { '\0\0', string.char(code, #sizes) }
  for _, n in ipairs(sizes) do parts[#parts + 1] = long(n) end
  return table.concat(parts) .. body
end

local function gzip(path) assert(os.execute('gzip -kf ' .. path) == 0) return path .. '.gz' end

describe('IDX files', function()
  before_each(function() folder = files.makeFolder() end)
  after_each(files.removeFolder)

  it('are read plain and gzipped', function()
    local path = write('a', idx(8, { 2, 3 }, '\1\2\3\4\5\255'))
    for _, name in ipairs { path, gzip(path) } do
      local x = data.idx(name)
      assert.equal('torch.ByteTensor', x:type())
      assert.same({ { 1, 2, 3 }, { 4, 5, 255 } }, x:totable())
    end
  end)

  it('are read in every type, big-endian', function()
    assert.same({ -2, 258 }, data.idx(write('s', idx(0x0b, { 2 }, '\255\254\1\2'))):totable())
    assert.same({ 65536 }, data.idx(write('i', idx(0x0c, { 1 }, '\0\1\0\0'))):totable())
    assert.same({ 1.5 }, data.idx(write('f', idx(0x0d, { 1 }, '\63\192\0\0'))):totable())
    assert.same({ -2 }, data.idx(write('d', idx(0x0e, { 1 }, '\192\0\0\0\0\0\0\0'))):totable())
    assert.same({ -1 }, data.idx(write('c', idx(0x09, { 1 }, '\255'))):totable())
  end)

  it('are read from several gzip members', function()
    local text = idx(8, { 4 }, '\1\2\3\4')
    local a, b = gzip(write('a', text:sub(1, 6))), gzip(write('b', text:sub(7)))
    assert.same({ 1, 2, 3, 4 }, data.idx(write('ab.gz', read(a) .. read(b))):totable())
  end)

  local function refuses(name, text, pattern)
    local path = write(name, text)
    assert.error_matches(function() data.idx(path) end, pattern)
    assert.error_matches(function() data.idx(path) end, path, 1, true)
  end

  it('that are missing, a folder, or of another kind are named', function()
    assert.error_matches(function() data.idx(folder .. '/none') end, 'cannot read .*/none: No such file')
    assert.error_matches(function() data.idx(folder) end, 'cannot read .*: Is a directory')
    refuses('png', '\137PNG\r\n', 'is no IDX file: it starts with the bytes 89 50 4e 47')
    refuses('type', idx(0x0a, { 1 }, '\0'), 'is no IDX file')
    refuses('dims', '\0\0\8\200' .. ('\0'):rep(900), 'an IDX file of 200 dimensions cannot be read')
    refuses('empty', '', 'truncated: its contents end after 0 bytes, 4 are needed')
  end)

  it('that are truncated, too long or absurd are refused', function()
    refuses('short', idx(8, { 2, 3 }, '\1\2\3'), 'truncated: its contents end after 15 bytes, 18 are needed')
    refuses('long', idx(8, { 2 }, '\1\2\3'), 'more bytes follow the 10 that its header announces')
    refuses('absurd', idx(8, { 4e9, 4e9, 4e9 }, '\1'), 'truncated: the file is too short for the sizes in its header')
    local packed = read(gzip(write('whole', idx(8, { 3000 }, ('ab'):rep(1500)))))
    refuses('cut.gz', packed:sub(1, -6), 'truncated')
    refuses('bad.gz', packed:sub(1, 30) .. ('\255'):rep(9) .. packed:sub(40), 'damaged')
    refuses('tail.gz', packed .. 'tail', 'damaged')
  end)

  local function mnist(images, labels)
    for _, part in ipairs { 'train', 't10k' } do
      write(part .. '-images-idx3-ubyte', images)
      write(part .. '-labels-idx1-ubyte', labels)
    end
  end

  it('in the layout of MNIST are found, labels counted from 1', function()
    mnist(idx(8, { 2, 2, 2 }, '12345678'), idx(8, { 2 }, '\0\9'))
    local train, test = data.mnist(folder)
    assert.same({ 2, 1, 2, 2 }, train.data:size():totable())
    assert.same({ 1, 10 }, test.labels:totable())
  end)

  it('in a folder that does not hold together are refused by name', function()
    assert.error_matches(function() data.mnist(folder) end, 'holds no MNIST data: neither train%-images%-idx3%-ubyte nor')
    mnist(idx(8, { 2, 2, 2 }, '12345678'), idx(8, { 3 }, '\0\9\1'))
    assert.error_matches(function() data.mnist(folder) end, 'labels%-idx1%-ubyte: 3 labels, but .* holds 2 images')
    mnist(idx(8, { 2, 2, 2 }, '12345678'), idx(8, { 2 }, '\0\10'))
    assert.error_matches(function() data.mnist(folder) end, 'a label is 10, but digits run from 0 to 9')
    mnist(idx(8, { 2 }, '12'), idx(8, { 2 }, '\0\1'))
    assert.error_matches(function() data.mnist(folder) end, 'images are bytes in 3 dimensions')
  end)
end)
