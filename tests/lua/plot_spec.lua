local torch = require 'tocha'
local plot = require 'tocha.train.plot'
local Canvas = require 'tocha.train.canvas'
local grid = require 'tocha.train.grid'

-- Width, height and colour type (0 grey, 2 RGB) from the header of a PNG file.
local function header(path)
  local file = assert(io.open(path, 'rb'))
  local text = file:read '*a'
  file:close()
  assert.equal('\137PNG\r\n\26\n', text:sub(1, 8))
  local function long(at)
    local a, b, c, d = text:byte(at, at + 3)
    return ((a * 256 + b) * 256 + c) * 256 + d
  end
  return { long(17), long(21), text:byte(26) }
end

describe('pictures', function()
  local path
  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  it('of curves are written as PNG, panels side by side', function()
    local curves = { { name = 'a', y = { 3, 2, 1 } }, { name = 'b', x = { 1, 2.5 }, y = { 1, 0 / 0 }, style = '+-' } }
    plot(path, curves, { title = 'Title', xlabel = 'x', ylabel = 'y' })
    assert.same({ 560, 400, 2 }, header(path))
    plot.figure(path, { { curves = curves }, { curves = curves, logscale = true } })
    assert.same({ 1120, 400, 2 }, header(path))
  end)

  it('can be drawn of hardly any numbers', function()
    plot(path, { { y = { 100 / 3, 33.333333333333336 + 1e-14 } } }) -- apart by rounding alone: once, ticks without end
    for _, y in ipairs { {}, { 5 }, { 0, 0 }, { 0 / 0 }, { math.huge, 1 }, { -1e300, 1e300 }, { 1e-9, 2e-9 } } do
      plot(path, { { y = y } })
      plot(path, { { y = y } }, { logscale = true })
    end
  end)

  it('show the curve where its points are', function()
    local canvas = Canvas.new(20, 10)
    canvas:line({ 0, 5, 20, 5 }, { 0, 0, 0 }, 2)
    local x = canvas:tensor()
    assert.same({ 3, 10, 20 }, x:size():totable())
    assert.equal(0, x[1][5][10])
    assert.equal(0, x[3][6][10])
    assert.equal(255, x[2][1][10])
  end)

  it('refuse curves that do not hold together', function()
    assert.error_matches(function() plot(path, {}) end, 'plot: a list of curves is needed')
    assert.error_matches(function() plot(path, { { x = { 1 } } }) end, 'plot: curve 1 has no list y')
    assert.error_matches(function() plot(path, { { x = { 1 }, y = { 1, 2 } } }) end, 'plot: curve 1 has 1 values of x, but 2 of y')
  end)

  it('that cannot be written say why', function()
    assert.error_matches(function() plot('/nowhere/a.png', { { y = { 1, 2 } } }) end, 'cannot write /nowhere/a.png: No such file')
    assert.error_matches(function() plot('/dev/full', { { y = { 1, 2 } } }) end, 'cannot write /dev/full: No space left on device')
  end)

  it('of images are grids of bytes or floats, grey or in colour', function()
    grid(path, torch.ByteTensor(5, 1, 4, 6):fill(200))
    assert.same({ 3 * 8 + 2, 2 * 6 + 2, 0 }, header(path))
    grid(path, torch.FloatTensor(4, 3, 4, 6):fill(.5), { columns = 4, pad = 0 })
    assert.same({ 24, 4, 2 }, header(path))
    assert.error_matches(function() grid(path, torch.ByteTensor(4)) end, 'grid: images are NxHxW or NxCxHxW')
    assert.error_matches(function() grid(path, torch.ByteTensor(2, 2, 3, 3)) end,
      'an image is .* but a ByteTensor of 2x7x12 was given')
  end)
end)
