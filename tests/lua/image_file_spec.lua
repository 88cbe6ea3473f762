local torch = require 'tocha'
local image = require 'tocha.image'
local files = dofile 'tests/lua/files.lua'
local write, says = files.write, files.says

local folder

local function steps(...) return torch.range(1, 3 * 4 * 5):div(60):view(3, 4, 5):type('torch.' .. (... or 'Float') .. 'Tensor') end

describe('Pictures in files', function()
  before_each(function() folder = files.makeFolder() end)
  after_each(files.removeFolder)

  it('keep their bytes as PNG and PPM', function()
    local x = steps():mul(255):floor():byte()
    for _, suffix in ipairs { 'png', 'ppm', 'PNG' } do
      local path = folder .. '/x.' .. suffix
      image.save(path, x)
      assert.same(x:totable(), image.load(path, nil, 'byte'):totable())
      assert.same({ 3, 4, 5 }, image.getSize(path):totable())
    end
  end)

  it('are numbers from 0 to 1, rounded to bytes when written and cut', function()
    local path = folder .. '/x.pgm'
    image.save(path, torch.Tensor { { -1, 0, .5, 1, 7, 0 / 0 } })
    assert.same({ { { 0, 0, 128, 255, 255, 0 } } }, image.load(path, nil, 'byte'):totable())
    assert.equal('torch.FloatTensor', image.load(path):type())
    assert.equal('torch.DoubleTensor', image.load(path, 3, 'double'):type())
    assert.is_true(math.abs(image.load(path, 3, 'double')[3][1][3] - 128 / 255) < 1e-15)
  end)

  it('are told by their first bytes, not by their names', function()
    local path = folder .. '/x.png'
    image.save(path, steps())
    os.rename(path, folder .. '/x.jpg')
    assert.same({ 3, 4, 5 }, image.load(folder .. '/x.jpg'):size():totable())
    assert.has_error(function() image.loadJPG(folder .. '/x.jpg') end, folder .. '/x.jpg: no JPEG file')
  end)

  it('go through memory as JPEG and PNG', function()
    local x = steps()
    assert.is_true((image.decompress(image.compressPNG(x)) - x):abs():max() < .002)
    local small, large = image.compressJPG(x, 10), image.compressJPG(x, 100)
    assert.is_true(small:size(1) < large:size(1))
    assert.same({ 1, 4, 5 }, image.decompressJPG(large, 1):size():totable())
    assert.same({ 1, 4, 5 }, image.decompress(large, 1, 'byte'):size():totable())
  end)

  it('of every kind are what Pillow reads', function()
    for _, row in ipairs(dofile 'tests/golden/pictures.lua') do
      local name, file, planes, height, width, pixels, size = unpack(row)
      local options = { upright = name:find 'orientation' ~= nil, side = name == 'scaled' and 10 or nil }
      local x = image.load(files.put(files.unhex(file)), nil, 'double', options)
      assert.same({ planes, height, width }, x:size():totable(), name)
      local bytes, at = files.unhex(pixels), 0
      local expected = torch.DoubleTensor(planes, height, width):apply(function()
        at = at + size
        return (size == 1 and bytes:byte(at) or bytes:byte(at - 1) * 256 + bytes:byte(at)) / (256 ^ size - 1)
      end)
      assert.is_true((x - expected):abs():max() < 1e-12, name)
    end
  end)

  it('that cannot be read are errors with their name', function()
    says('cannot read ' .. folder .. '/none.jpg: No such file', image.load, folder .. '/none.jpg')
    says('cannot read ' .. folder .. ': Is a directory', image.load, folder)
    says('x.png: the file is empty', image.load, write('x.png', ''))
    says('x.jpg: no JPEG, PNG, PPM or PGM', image.load, write('x.jpg', 'hello'))
    says('depth is 2', image.load, 'x', 2)
    says('type is int', image.load, 'x', 3, 'int')
    says('is a ByteTensor, not a torch.FloatTensor', image.decompress, torch.Tensor(3))
    says('x.tiff: unknown image type', image.save, 'x.tiff', steps())
    says('cannot write /nowhere/x.png', image.save, '/nowhere/x.png', steps())
    says('but a FloatTensor of 2x3x4 was given', image.save, folder .. '/x.ppm', torch.Tensor(2, 3, 4))
  end)
end)
