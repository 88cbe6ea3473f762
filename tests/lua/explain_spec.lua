local torch = require 'tocha'
local nn = require 'tocha.nn'
local explain = require 'tocha.explain'
local image = require 'tocha.image'
local files = dofile 'tests/lua/files.lua'
local says = files.says

-- Scores: 0, and a weighted sum of the pixels (the weights in w).
local function linear(w)
  local n = w:nElement()
  local net = nn.Sequential():add(nn.View(n):setNumInputDims(3)):add(nn.Linear(n, 2))
  net:get(2).weight[1]:zero()
  net:get(2).weight[2]:copy(w:view(-1))
  net:get(2).bias:zero()
  return net
end

describe('explain', function()
  it('saliency is the largest gradient over the planes', function()
    torch.manualSeed(1)
    local w = torch.randn(3, 4, 5)
    local net = linear(w)
    net:evaluate()
    local map, class = explain.saliency(net, torch.rand(1, 3, 4, 5), 2)
    local expected = w:clone():abs():max(1)[1]
    assert.equal(2, class)
    assert.is_true((map - expected:div(expected:max())):abs():max() < 1e-5)
    assert.is_false(net.train)
    says('class is a whole number from 1 to 2, not 3', explain.saliency, net, torch.rand(1, 3, 4, 5), 3)
    says('one picture of 1xCxHxW is needed', explain.saliency, net, torch.rand(3, 4, 5), 2)
    says('a network is needed', explain.saliency, 7, torch.rand(1, 3, 4, 5))
  end)

  it('Grad-CAM weighs the planes of a layer by their gradients, before a layer in place changes them', function()
    local conv = nn.SpatialConvolution(1, 2, 1, 1)
    conv.weight:copy(torch.Tensor { 1, -1 })
    conv.bias:zero()
    local head = nn.Linear(2 * 16, 2)
    head.weight:zero()
    head.weight[2]:narrow(1, 1, 16):fill(.5) -- class 2 counts plane 1 alone
    local net = nn.Sequential():add(conv):add(nn.ReLU(true)):add(nn.View(32):setNumInputDims(3)):add(head)
    local x = torch.Tensor(1, 1, 4, 4):zero()
    x[1][1][2][3], x[1][1][4][4] = 2, 1
    local map = explain.gradcam(net, x, 2, conv)
    assert.is_true((map - x[1][1] / 2):abs():max() < 1e-6)
    assert.is_nil(rawget(conv, 'updateOutput')) -- nothing of the watching is left
    says('the layer gives no maps', explain.gradcam, net, x, 2, head)
  end)

  it('occlusion finds what the class needs', function()
    local w = torch.zeros(1, 8, 8)
    w[1][3][6] = 4
    local map = explain.occlusion(linear(w), torch.ones(1, 1, 8, 8), 2, { size = 2, stride = 1 })
    local _, at = map:view(-1):max(1)
    assert.equal(2 * 8 + 6, at[1])
    assert.equal(0, map[8][1])
    local loss = 1 / (1 + math.exp(-4)) - .5
    assert.is_near(loss, map[3][6], 1e-5)
  end)

  it('superpixels follow edges', function()
    local picture = torch.zeros(3, 20, 24)
    picture:narrow(3, 11, 14):fill(1)
    local labels, count = explain.superpixels(picture, 12)
    assert.is_true(count >= 6 and count <= 24)
    local left = {}
    for y = 1, 20 do for x = 1, 10 do left[labels[y][x]] = true end end
    for y = 1, 20 do for x = 11, 24 do assert.is_nil(left[labels[y][x]]) end end
    assert.same({ 1, count }, { labels:min(), labels:max() })
    says('a picture of CxHxW', explain.superpixels, torch.rand(4, 4))
  end)

  it('LIME gives the superpixel that decides the largest weight, the same for the same seed', function()
    local w = torch.zeros(1, 12, 12)
    w:narrow(2, 1, 4):narrow(3, 9, 4):fill(.3)
    torch.manualSeed(3)
    local x = torch.rand(1, 1, 12, 12):mul(.1):add(.9)
    local map = explain.lime(linear(w), x, 2, { segments = 9, samples = 150 })
    local inside = map:narrow(1, 1, 4):narrow(2, 9, 4):mean()
    assert.is_true(inside > 3 * math.abs(map:narrow(1, 7, 6):mean()))
    assert.equal(0, (explain.lime(linear(w), x, 2, { segments = 9, samples = 150 }) - map):abs():max())
  end)

  it('overlays keep the picture where a map with two signs is 0', function()
    local picture = torch.FloatTensor(3, 2, 2):fill(.25)
    local map = torch.FloatTensor { { 0, 1 }, { -1, 0 } }
    local y = explain.overlay(picture, map)
    assert.is_near(.25, y[1][1][1], 1e-6)
    assert.is_true(y[1][1][2] > .7 and y[3][1][2] < .1)  -- red for
    assert.is_true(y[3][2][1] > .7 and y[1][2][1] < .1)  -- blue against
    says('the picture is 2x2, the map 3x3', explain.overlay, picture, torch.rand(3, 3))
  end)

  it('draws filters and activations as sheets', function()
    local path = os.tmpname() .. '.png'
    local net = nn.Sequential():add(nn.SpatialConvolution(3, 4, 3, 3)):add(nn.ReLU()):add(nn.SpatialConvolution(4, 2, 3, 3))
    explain.filters(net, path)
    assert.same({ 3, 2 * 50 + 2, 2 * 50 + 2 }, image.load(path, 3, 'byte'):size():totable()) -- four of 48 pixels
    explain.filters(net, path, 2)
    assert.equal(1, image.load(path, nil, 'byte'):size(1))
    explain.activations(net, torch.rand(1, 3, 8, 8), path, 2)
    assert.equal(2, #image.load(path, 1, 'byte'):size():totable() - 1)
    os.remove(path)
    says('the network has 2 such layers, so there is none of number 3', explain.filters, net, path, 3)
  end)
end)
