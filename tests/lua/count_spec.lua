local torch = require 'tocha'
local nn = require 'tocha.nn'

-- Operations and bytes of a call.
local function work(f) return { torch.countWork(f) } end

describe('torch.countWork', function()
  local x = torch.FloatTensor(10, 20):fill(1)

  it('counts the multiply-adds of a product twice, and its operands and result once', function()
    local y = torch.FloatTensor(20, 30):fill(1)
    assert.same({ 2 * 10 * 20 * 30, 4 * (10 * 20 + 20 * 30 + 10 * 30) }, work(function() return x * y end))
    assert.same({ 0, 4 * 200 }, work(function() x:fill(2) end))
    assert.same({ 0, 4 * (200 + 20 + 200) }, work(function() return x + torch.FloatTensor(1, 20) end))
    assert.same({ 0, 0 }, work(function() return x:t():narrow(1, 1, 3) end))
  end)

  it('counts a gradient for each factor that has one, on the tape as off it', function()
    local layer, product = nn.Linear(20, 30):float(), 2 * 10 * 20 * 30
    local g = torch.FloatTensor(10, 30):fill(1)
    assert.equal(product, work(function() layer:forward(x) end)[1])
    assert.equal(2 * product, work(function() layer:backward(x, g) end)[1])
    assert.equal(2 * product, work(function() layer(x):sum():backward() end)[1])
  end)

  it('counts convolutions by their definition, whatever method runs', function()
    local input = torch.FloatTensor(2, 16, 12, 12):fill(1)
    local products = 2 * 2 * 16 * 144 * 16 * 9
    local layer = nn.SpatialConvolution(16, 16, 3, 3, 1, 1, 1, 1):float()
    assert.equal(products, work(function() layer:forward(input) end)[1])
    assert.equal(2 * products, work(function() layer:backward(input, layer.output) end)[1])
    local grouped = nn.SpatialConvolution(16, 16, 3, 3, 1, 1, 1, 1, 16):float()
    assert.equal(products / 16, work(function() grouped:forward(input) end)[1])
    local full = nn.SpatialFullConvolution(16, 4, 2, 2, 2, 2):float()
    assert.equal(2 * 2 * 144 * 16 * 4 * 4, work(function() full:forward(input) end)[1])
  end)

  it('counts recurrent layers and attention', function()
    local lstm, steps = nn.LSTM(5, 7):float(), torch.FloatTensor(4, 3, 5):fill(1)
    local products = 2 * 12 * 28 * (5 + 7)
    assert.equal(products, work(function() lstm:forward(steps) end)[1])
    assert.equal(2 * products, work(function() lstm:backward(steps, lstm.output) end)[1])
    local layer = nn.TransformerLayer(8, 2, { causal = true }):float()
    local weights, scores = 2 * 10 * (8 * 24 + 8 * 8 + 2 * 8 * 32), 2 * 2 * 5 * 5 * 8 -- half of two products
    assert.equal(weights + scores, work(function() layer:forward(torch.FloatTensor(2, 5, 8):fill(1)) end)[1])
  end)

  it('passes errors on and stops counting', function()
    assert.has_error(function() torch.countWork(function() error('no', 0) end) end, 'no')
    assert.error_matches(function() torch.countWork(7) end, 'countWork: a function is needed')
    assert.same({ 0, 0 }, work(function() end))
  end)
end)
