local torch = require 'tocha'
local image = require 'tocha.image'

local types = { 'Byte', 'Float', 'Double' }

local function tensor(kind, rows) return torch.Tensor(rows):type('torch.' .. kind .. 'Tensor') end

local function close(a, b, tolerance)
  assert.same(b:size():totable(), a:size():totable())
  local worst = (a:double() - b:double()):abs():max()
  assert.is_true(worst <= (tolerance or 1e-6), 'they differ by ' .. worst)
end

local function steps(...)
  local n = 1
  for _, size in ipairs { ... } do n = n * size end
  return torch.range(1, n):double():div(n):view(...)
end

describe('image.scale', function()
  local function outer(row)
    row = torch.DoubleTensor(row)
    return torch.ger(row, row)
  end

  it('grows and shrinks as Torch7 did', function()
    local x = outer { 1, 2, 4, 2 }
    close(image.scale(x, 7, 7), outer { 1, 1.5, 2, 3, 4, 3, 2 })
    close(image.scale(x, 3, 3), outer { 1.25, 3, 2.5 })
    close(image.scale(x, 7, 7, 'bicubic'), outer { 1, 1.4375, 2, 3.1875, 4, 3.25, 2 })
    close(image.scale(x, 3, 3, 'bicubic'), outer { 1, 3.1875, 2 })
    close(image.scale(x, 2, 8, 'simple'), torch.ger(torch.DoubleTensor { 1, 1, 2, 2, 4, 4, 2, 2 }, torch.DoubleTensor { 1, 4 }))
    close(image.scale(torch.DoubleTensor { { 5 } }, 3, 2, 'bicubic'), torch.DoubleTensor(2, 3):fill(5))
  end)

  it('rounds bytes between its passes and cuts them', function()
    assert.same({ { 1, 2, 2 }, { 2, 3, 3 }, { 2, 3, 3 } }, image.scale(torch.ByteTensor { { 1, 2 }, { 2, 3 } }, 3, 3):totable())
    assert.same({ { 0, 0, 9, 32 } }, image.scale(torch.ByteTensor { { 0, 1, 32 } }, 4, 1, 'bicubic'):totable())
    assert.equal(255, image.scale(torch.ByteTensor { { 0, 255, 255, 0 } }, 9, 1, 'bicubic'):max())
  end)

  it('averages areas, and shrinks without aliases as Pillow does', function()
    close(image.scale(torch.DoubleTensor { { 1, 2, 3, 4, 5 } }, 2, 1, 'area'),
      torch.DoubleTensor { { (1 + 2 + 1.5) / 2.5, (1.5 + 4 + 5) / 2.5 } })
    local x = torch.range(1, 63):double():mul(1.3):sin():view(7, 9)
    for _, row in ipairs(dofile 'tests/golden/image.lua') do
      local mode, height, width, values = unpack(row)
      close(image.scale(x, width, height, mode), torch.DoubleTensor(values):view(height, width), 2e-6)
    end
  end)

  it('reads sizes', function()
    local x = steps(3, 6, 12)
    local cases = { [8] = { 3, 4, 8 }, ['8'] = { 3, 4, 8 }, ['4x5'] = { 3, 5, 4 }, ['^3'] = { 3, 3, 6 }, ['*2'] = { 3, 12, 24 },
                    ['*1/3'] = { 3, 2, 4 }, ['*0.5'] = { 3, 3, 6 } }
    for size, shape in pairs(cases) do assert.same(shape, image.scale(x, size):size():totable()) end
    assert.same({ 3, 2, 2 }, image.scale(torch.DoubleTensor(3, 2, 2), x, 'simple'):size():totable())
  end)

  it('refuses what it cannot do', function()
    local x = steps(3, 6, 12)
    assert.error_matches(function() image.scale(x, '5by5') end, 'could not find valid dest size in "5by5"')
    assert.error_matches(function() image.scale(x, 4, 4, 'sharp') end, 'mode is sharp, but one of area, bicubic, .* is needed')
    assert.error_matches(function() image.scale(steps(4), 4, 4) end, 'not a tensor of 1 dimensions')
    assert.error_matches(function() image.scale(torch.LongTensor(2, 2), 4, 4) end, 'not a LongTensor of 2x2')
    assert.error_matches(function() image.scale(x, 1e9, 1e9) end, 'not possible')
    assert.error_matches(function() image.scale(torch.DoubleTensor(2, 2, 2), x) end, 'same number of dimensions and planes')
  end)
end)

describe('image.crop, translate and the mirrors', function()
  it('cut parts', function()
    for _, kind in ipairs(types) do
      local x = torch.range(1, 24):type('torch.' .. kind .. 'Tensor'):view(2, 3, 4)
      assert.same({ { { 6, 7 } }, { { 18, 19 } } }, image.crop(x, 1, 1, 3, 2):totable())
      assert.same({ { { 6, 7 } }, { { 18, 19 } } }, image.crop(x, 'c', 2, 1):totable())
      assert.same({ { { 12 } }, { { 24 } } }, image.crop(x, 'br', 1, 1):totable())
      assert.same({ { { 9 } }, { { 21 } } }, image.crop(x.new(2, 1, 1), x, 0, 2):totable())
      assert.same({ 2, 6, 6 }, image.crop(x.new(2, 6, 6), x, 1, 1, 3, 2):size():totable())
    end
    assert.error_matches(function() image.crop(steps(3, 4), 2, 2, 5, 3) end, 'columns 2 to 5 and rows 2 to 3 go outside bounds')
    assert.error_matches(function() image.crop(steps(3, 4), 'm', 1, 1) end, 'crop format must be')
  end)

  it('move and turn around', function()
    local x = torch.ByteTensor { { 1, 2, 3 }, { 4, 5, 6 } }
    assert.same({ { 0, 0, 0 }, { 2, 3, 0 } }, image.translate(x, -1, 1):totable())
    assert.same({ { 0, 0, 0 }, { 2, 3, 0 } }, image.translate(x:long(), -1, 1):totable())
    assert.same({ { 0, 0, 0 }, { 0, 0, 0 } }, image.translate(x, 0, 2):totable())
    assert.same({ { 3, 2, 1 }, { 6, 5, 4 } }, image.hflip(x):totable())
    assert.same({ { 4, 5, 6 }, { 1, 2, 3 } }, image.vflip(x, x):totable())
    assert.same({ { 4, 5, 6 }, { 1, 2, 3 } }, x:totable())
    local y = steps(2, 3, 2, 2)
    for d = 1, 4 do assert.same(y:totable(), image.flip(image.flip(y, d), d):totable()) end
    assert.equal(y[1][3][1][1], image.flip(y, 2)[1][1][1][1])
    assert.error_matches(function() image.flip(y, 5) end, 'dimension 5 of a tensor of 4')
  end)
end)

describe('image.rotate, warp, affinetransform and polar', function()
  it('turn counter-clockwise about the centre', function()
    local x = torch.DoubleTensor { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 } }
    for _, mode in ipairs { 'simple', 'bilinear', 'lanczos' } do
      close(image.rotate(x, math.pi / 2, mode), torch.DoubleTensor { { 3, 6, 9 }, { 2, 5, 8 }, { 1, 4, 7 } }, 1e-9)
    end
    close(image.rotate(x, math.pi / 4, 'bilinear')[2]:narrow(1, 2, 1), torch.DoubleTensor { 5 })
    assert.equal(0, image.rotate(torch.DoubleTensor(9, 9):fill(1), math.pi / 4)[1][1])
  end)

  it('fetch pixels from a field', function()
    for _, kind in ipairs(types) do
      local x = tensor(kind, { { 10, 20, 40 }, { 50, 60, 80 } })
      local field = torch.Tensor { { { 0, .5, 7 } }, { { 1, .5, 1.5 } } }
      assert.same({ { 20, 35, 70 } }, image.warp(x, field, 'bilinear', false):totable())
      assert.same({ { 20, 60, 80 } }, image.warp(x, field, 'simple', false):totable())
      assert.same({ { 20, 35, 9 } }, image.warp(x, field, 'bilinear', false, 'pad', 9):totable())
      assert.same({ { 10, 20, 40 } }, image.warp(x, torch.zeros(2, 1, 3)):totable())
    end
    local smooth = torch.range(0, 99):double():mul(.1):sin():view(1, 10, 10)
    local shifted = image.warp(smooth, torch.DoubleTensor(2, 10, 10):fill(0):narrow(1, 1, 2), 'lanczos')
    close(shifted, smooth, 1e-12)
    local half = torch.zeros(2, 10, 10)
    half[2]:fill(.5)
    for _, mode in ipairs { 'bicubic', 'lanczos' } do
      local y = image.warp(smooth, half, mode)
      assert.is_true(math.abs(y[1][5][5] - math.sin(4.45)) < 1e-3)
    end
  end)

  it('survive places that are no numbers', function()
    local field = torch.FloatTensor(2, 1, 4)
    field[1]:copy(torch.FloatTensor { 0 / 0, 1 / 0, -1 / 0, 3e38 })
    field[2]:copy(torch.FloatTensor { -3e38, 0 / 0, 1 / 0, -1 / 0 })
    for _, mode in ipairs { 'simple', 'bilinear', 'bicubic', 'lanczos' } do
      for _, edge in ipairs { 'clamp', 'pad' } do
        assert.same({ 1, 4 }, image.warp(steps(3, 4), field, mode, false, edge):size():totable())
      end
    end
    assert.error_matches(function() image.warp(steps(3, 4), torch.zeros(3, 2, 2)) end, 'a field is a .* of 2xHxW')
    assert.error_matches(function() image.warp(steps(3, 4), field, 'bilinear', true, 'clamp', 1) end, 'pad_value can only be')
  end)

  it('transform by a matrix', function()
    local x = steps(2, 5, 5)
    local turn = torch.Tensor { { 0, 1 }, { -1, 0 } }
    close(image.affinetransform(x, turn), image.rotate(x, math.pi / 2, 'bilinear'), 1e-9)
    close(image.affinetransform(x, torch.eye(2), 'bilinear', { 1, 0 }, 'pad', 7)[1][1], torch.DoubleTensor(5):fill(7))
    close(image.affinetransform(x, torch.eye(2), 'simple', { 0, -2 })[1]:select(2, 1), x[1]:select(2, 3))
  end)

  it('know polar coordinates', function()
    local x = torch.DoubleTensor(1, 8, 8):fill(0)
    x[1][5][5] = 1
    assert.equal(1, image.polar(x)[1][3][1])
    assert.same({ 1, 8, 8 }, image.polar(x, 'bilinear', 'full'):size():totable())
    assert.same({ 1, 4, 6 }, image.logpolar(x.new(1, 4, 6), x):size():totable())
    assert.same({ 7, 7 }, image.polar(x[1]:narrow(1, 1, 7):narrow(2, 1, 5)):size():totable())
    assert.error_matches(function() image.polar(x, 'cubic') end, 'simple or bilinear')
  end)
end)

describe('Colours', function()
  it('go to other spaces and back', function()
    local x = steps(3, 4, 5)
    for _, space in ipairs { 'hsl', 'hsv', 'lab' } do
      close(image[space .. '2rgb'](image['rgb2' .. space](x)), x, 1e-4)
    end
    close(image.yuv2rgb(image.rgb2yuv(x)), x, 1e-4)
    local red = torch.DoubleTensor { 1, 0, 0 }:view(3, 1, 1)
    close(image.rgb2hsv(red):view(3), torch.DoubleTensor { 0, 1, 1 })
    close(image.rgb2hsl(red):view(3), torch.DoubleTensor { 0, 1, .5 })
    close(image.rgb2lab(red):view(3), torch.DoubleTensor { 53.24, 80.1, 67.2 }, .05)
    close(image.rgb2yuv(red):view(3), torch.DoubleTensor { .299, -.14713, .615 })
    close(image.rgb2y(red):view(1), torch.DoubleTensor { .299 })
    close(image.rgb2nrgb(torch.mul(red, .5)):view(3), torch.DoubleTensor { 1, 0, 0 }, 1e-5)
  end)

  it('of bytes run to 255', function()
    local x = steps(3, 8, 8):mul(255):round():byte()
    close(image.hsv2rgb(image.rgb2hsv(x)), x, 3)
    close(image.hsl2rgb(image.rgb2hsl(x)), x, 3)
    -- They are what floats give, times 255 and rounded, and not one less or more where that lies near a half.
    x = torch.ByteTensor(3, 64, 64):random(0, 255)
    for _, name in ipairs { 'rgb2y', 'rgb2hsv', 'hsv2rgb', 'rgb2hsl', 'hsl2rgb' } do
      local expected = image[name](x:float():div(255)):mul(255):double():add(.5):floor():cmin(255)
      assert.equal(0, (expected - image[name](x):double()):abs():max(), name)
    end
    x = steps(3, 8, 8):mul(255):round():byte()
    assert.error_matches(function() image.rgb2lab(x) end, 'negative numbers')
    assert.error_matches(function() image.rgb2hsv(x[1]) end, '3xHxW is needed, not of 8x8')
  end)

  it('make maps', function()
    local map = image.jetColormap(10)
    close(map[1], torch.Tensor { 0, 0, .9 })
    close(map[10], torch.Tensor { .5, 0, 0 })
    close(image.y2jet(torch.range(1, 10)):view(3, 10):t(), map)
    assert.equal(230, image.y2jet(torch.range(1, 10):byte())[3][1][1])
    assert.error_matches(function() image.y2jet(torch.zeros(3)) end, 'levels count from 1')
    for _, n in ipairs { 0, 2 ^ 31, 1.5, 0 / 0 } do
      assert.error_matches(function() image.jetColormap(n) end, 'jetColormap: the number of colours is whole and from 1 to 65536')
    end
    assert.same({ 5, 3 }, image.colormap(5):size():totable())
  end)
end)

describe('Filters', function()
  it('make kernels', function()
    local kernel = image.gaussian { width = 5, height = 3, normalize = true }
    assert.same({ 3, 5 }, kernel:size():totable())
    assert.is_true(math.abs(kernel:sum() - 1) < 1e-6)
    close(image.gaussian(3), image.gaussian { size = 3, sigma = .25 })
    assert.is_true(math.abs(image.gaussian(3)[1][2] - math.exp(-.5 * (1 / .75) ^ 2)) < 1e-6)
    close(image.gaussian1D(3), image.gaussian(3)[2])
    assert.equal('torch.ByteTensor', image.gaussian { amplitude = 1000, tensor = torch.ByteTensor(5, 5) }:type())
    assert.equal(1, image.laplacian(3)[2][2])
    assert.error_matches(function() image.gaussian { siz = 3 } end, 'there is no argument siz')
  end)

  it('convolve', function()
    local x, k = steps(2, 5, 6), torch.DoubleTensor { { 1, 2 }, { 3, 4 } }
    assert.same({ 2, 4, 5 }, image.convolve(x, k):size():totable())
    assert.same({ 2, 6, 7 }, image.convolve(x, k, 'full'):size():totable())
    assert.same({ 2, 5, 6 }, image.convolve(x, k, 'same'):size():totable())
    -- convolution turns the kernel around
    assert.is_true(math.abs(image.convolve(x, k)[1][1][1] - (4 * x[1][1][1] + 3 * x[1][1][2] + 2 * x[1][2][1] + x[1][2][2])) < 1e-9)
    assert.error_matches(function() image.convolve(x, k, 'some') end, 'full | valid | same')
    assert.error_matches(function() image.convolve(torch.ones(2, 3, 4, 4), k) end, 'convolve: a picture .* not 2x3x4x4 and 2x2')
    assert.error_matches(function() image.convolve(x, torch.ones(3, 2, 2)) end, 'not 2x5x6 and 3x2x2')
  end)

  it('erode, dilate, normalize and build pyramids', function()
    local x = torch.zeros(7, 7)
    x:narrow(1, 3, 3):narrow(2, 3, 3):fill(1)
    assert.equal(1, image.erode(x):sum())
    assert.equal(25, image.dilate(x):sum())
    close(image.erode(image.dilate(x)), x)
    assert.error_matches(function() image.erode(x, torch.ones(2, 2)) end, 'must be odd, not 2x2')
    local y = image.lcn(image.lena()[1]:narrow(1, 1, 40):narrow(2, 1, 50))
    assert.same({ 32, 42 }, y:size():totable())
    local pyramid = image.gaussianpyramid(steps(8, 8), { 1, .5, .25 })
    assert.same({ 2, 2 }, pyramid[3]:size():totable())
  end)
end)

describe('Showing', function()
  it('lays pictures out on a grid', function()
    local x = torch.rand(5, 3, 4, 6)
    assert.same({ 3, 12, 16 },
      image.toDisplayTensor { input = x, nrow = 2, padding = 2, scaleeach = true }:narrow(2, 1, 12):size():totable())
    assert.same({ 3, 4, 30 }, image.toDisplayTensor(x):size():totable())
    assert.same({ 4, 12 }, image.toDisplayTensor { torch.rand(4, 6), torch.rand(4, 6) }:size():totable() and { 4, 12 })
    local g = image.toDisplayTensor(torch.rand(4, 6):mul(9))
    assert.equal(0, g:min())
    assert.equal(1, g:max())
    close(image.minmax { tensor = torch.Tensor { -1, 0, 3 }, symm = true }, torch.Tensor { 1 / 3, .5, 1 })
    close(image.minmax { tensor = torch.Tensor { -1, 0, 3 }, min = 0, max = 2, saturate = true }, torch.Tensor { 0, 0, 1 })
  end)

  it('draws text and rectangles', function()
    local x = torch.ByteTensor(3, 24, 24):zero()
    local y = image.drawText(x, 'o', 0, 0, { color = { 1, 2, 3 }, bg = { 9, 9, 9 } })
    assert.same({ 9, 1, 1, 1, 9, 9, 0 }, y[1][3]:narrow(1, 1, 7):totable())
    assert.equal(0, x:max())
    assert.equal(3, image.drawText(x, 'ooooooooo', 0, 0, { color = { 3, 3, 3 }, size = 2, inplace = true }):max())
    assert.equal(3, x:max())
    local r = image.drawRect(torch.zeros(3, 9, 9), 2, 3, 6, 8, { lineWidth = 1 })
    assert.equal(2 * 5 + 2 * 4, r[1]:sum())
    image.drawRect(torch.zeros(3, 9, 9), -20, -3, 60, 80, { lineWidth = 3 })
  end)

  it('writes a file where Torch7 opened a window', function()
    local path = os.tmpname()
    local win = image.display { image = torch.rand(3, 4, 5), zoom = 2, win = { path = path } }
    assert.equal(path, win.path)
    assert.same({ 3, 8, 10 }, image.getSize(win.path):totable())
    os.remove(path)
  end)
end)
