--- Networks that Caffe wrote, made here by the rules of its format.
local torch = require 'tocha'
local read = require 'tocha.file.caffe'
local bytes = require 'tocha.bindings.bytes'
local files = require 'tests.lua.files'

-- -- writing protocol buffers ---------------------------------------------------------------------------------------------

local function varint(n)
  local text = ''
  while n >= 128 do
    text = text .. string.char(n % 128 + 128)
    n = math.floor(n / 128)
  end
  return text .. string.char(n)
end
local function whole(key, n) return varint(key * 8) .. varint(n) end
local function part(key, text) return varint(key * 8 + 2) .. varint(#text) .. text end
local function real(key, x) return varint(key * 8 + 5) .. bytes.encode.Float(x) end

local function floats(t)
  local list = {}
  for i, x in ipairs(t:contiguous():view(-1):totable()) do list[i] = bytes.encode.Float(x) end
  return part(5, table.concat(list))
end

-- A tensor with its sizes as a list, or as the four numbers of the older form.
local function blob(t, old)
  local sizes, text = t:size():totable(), ''
  if old then
    while #sizes < 4 do table.insert(sizes, 1, 1) end
    for i, n in ipairs(sizes) do text = text .. whole(i, n) end
    return text .. floats(t)
  end
  for _, n in ipairs(sizes) do text = text .. varint(n) end
  return part(7, part(1, text)) .. floats(t)
end

local W, B = torch.randn(4, 3, 3, 3), torch.randn(4)
local V, C = torch.randn(5, 4 * 4 * 4), torch.randn(5)

local function old()
  local function layer(name, type, rest) return part(2, part(4, name) .. whole(5, type) .. (rest or '')) end
  return layer('data', 5)
    .. layer('conv1', 4, part(6, blob(W, true)) .. part(6, blob(B, true)) .. part(10, whole(1, 4) .. whole(3, 1) .. whole(4, 3)))
    .. layer('relu1', 18) .. layer('pool1', 17, part(19, whole(1, 1) .. whole(2, 2) .. whole(3, 2)))
    .. layer('norm1', 15, part(18, whole(1, 5) .. real(2, 1e-4) .. real(3, .75)))
    .. layer('fc', 14, part(6, blob(V, true)) .. part(6, blob(C, true)) .. part(17, whole(1, 5)))
    .. layer('drop', 6, part(12, real(1, .25))) .. layer('prob', 20)
end

local function new()
  local function layer(name, type, rest) return part(100, part(1, name) .. part(2, type) .. (rest or '')) end
  local options = whole(1, 4) .. whole(9, 1) .. whole(10, 1) .. part(4, varint(3))
  return part(1, 'net') .. layer('conv1', 'Convolution', part(7, blob(W)) .. part(7, blob(B)) .. part(106, options))
    .. layer('relu1', 'ReLU') .. layer('pool1', 'Pooling', part(121, whole(2, 2) .. whole(3, 2)))
    .. layer('fc', 'InnerProduct', part(7, blob(V)) .. part(117, whole(1, 5))) .. layer('prob', 'Softmax')
end

local name
local function written(text)
  local file = assert(io.open(name, 'wb'))
  file:write(text)
  file:close()
  return name
end

describe('a .caffemodel file', function()
  setup(function() name = os.tmpname() end)
  teardown(function() os.remove(name) end)

  it('is read in both forms', function()
    local list = read(written(old()))
    assert.is_true(list.old)
    local kinds = {}
    for i, layer in ipairs(list) do kinds[i] = layer.name .. ' ' .. layer.type end
    assert.equal('data Data,conv1 Convolution,relu1 ReLU,pool1 Pooling,norm1 LRN,fc InnerProduct,drop Dropout,prob Softmax',
      table.concat(kinds, ','))
    assert.is_true(list[2].blobs[1]:equal(W))
    assert.same({ planes = 4, pad = 1, kernel = 3 }, list[2].convolution)
    assert.near(1e-4, list[5].response.alpha, 1e-9)
    list = read(written(new()))
    assert.is_nil(list.old)
    assert.is_true(list[1].blobs[1]:equal(W) and list[1].blobs[2]:equal(B))
    assert.same({ planes = 4, padH = 1, padW = 1, kernel = 3 }, list[1].convolution)
  end)

  it('is refused in a sentence wherever it is cut or damaged', function()
    local text = old()
    local function try(damaged)
      local good, why = pcall(read, written(damaged))
      assert.truthy(good or why:find(name, 1, true) and not why:find 'attempt to', why)
    end
    for n = 1, #text - 1, 3 do try(text:sub(1, n)) end
    math.randomseed(3)
    for _ = 1, 300 do
      local at = math.random(#text)
      try(text:sub(1, at - 1) .. string.char(math.random(0, 255)) .. text:sub(at + 1))
    end
    assert.error_matches(function() read(written '') end, '')
    assert.error_matches(function() read '/nowhere' end, '/nowhere')
  end)

  it('has whole sizes, or is refused', function()
    local data = ('f'):rep(36) -- 1.5 x 1.5 x 4 numbers, of which a tensor 1x1x4x1 has 4
    for pad = 0, 3 do -- so that they lie where floats may not, too
      local sizes = real(1, 1.5) .. real(2, 1.5) .. whole(3, 4) .. whole(4, 1)
      local text = part(100, part(1, ('n'):rep(pad)) .. part(7, sizes .. part(5, data)))
      assert.error_matches(function() read(written(text)) end, '1.5 is no size')
    end
    assert.error_matches(function() read(written(part(100, part(7, whole(1, 2 ^ 63) .. part(5, data))))) end, 'is no size')
    assert.error_matches(function() read(written(part(100, part(108, real(1, 0 / 0))))) end, 'an option is no number')
  end)

  it('is a network for loadcaffe', function()
    local function run(text)
      written(text)
      torch.save(name .. '.t7', { W:double(), B:double(), V:double(), C:double() })
      local printed = files.th(([[
require 'loadcaffe'
local net = loadcaffe.load('deploy.prototxt', %q, 'nn')
local p, names = torch.load(%q), {}
for i, m in ipairs(net.modules) do names[i] = m.name end
print(table.concat(names, ' '))
local x = torch.randn(2, 3, 8, 8)
local conv = nn.SpatialConvolution(3, 4, 3, 3, 1, 1, 1, 1)
conv.weight:copy(p[1]) conv.bias:copy(p[2])
net:evaluate()
print((net:get(1):forward(x) - conv:forward(x)):abs():max() < 1e-6, net:get(3).ceil_mode, torch.type(net:get(3)))
local y = net:forward(x)
print(y:size(1), y:size(2), net:get(#net).bias and net:get(#net).bias:norm() == 0)
]]):format(name, name .. '.t7'))
      os.remove(name .. '.t7')
      return printed
    end
    assert.equal('loadcaffe: left out: data (Data)\nconv1 relu1 pool1 norm1 torch_view fc drop prob\t\n'
      .. 'true\ttrue\tnn.SpatialAveragePooling\t\n2\t5\tnil\t\n', run(old()))
    assert.equal('conv1 relu1 pool1 torch_view fc\t\ntrue\ttrue\tnn.SpatialMaxPooling\t\n2\t5\ttrue\t\n', run(new()))
  end)

  it('has layers that loadcaffe makes as they are, leaves out by name, or refuses at the line of the script', function()
    local function layer(type, rest) return part(100, part(1, 'x') .. part(2, type) .. rest) end
    local weight, matrix = part(7, blob(W)), part(7, blob(V))
    local text = files.th(([[
require 'loadcaffe'
local function run(text)
  local file = io.open(%q, 'wb')
  file:write(text)
  file:close()
  local good, net = pcall(loadcaffe.load, 'x', %q)
  print(good and (net:get(1) and tostring(net:get(1)) or 'empty') or net)
end
]] .. ('run(%q)\n'):rep(10) .. [[
print(torch.memstats().peak < 1e6)
]]):format(name, name, layer('Convolution', weight .. part(106, whole(5, 2 ^ 30))),
      layer('Convolution', weight .. part(106, whole(4, 2 ^ 20))), layer('Convolution', weight .. part(106, whole(18, 2))),
      layer('Convolution', weight .. part(106, whole(14, 0) .. whole(13, 5))), layer('ReLU', part(123, real(1, .25))),
      layer('Dropout', part(108, real(1, 1.5))), layer('LRN', part(118, whole(1, 4))), layer('LRN', part(118, whole(4, 1))),
      layer('InnerProduct', matrix .. part(117, whole(6, 1))), layer('InnerProduct', matrix .. part(117, whole(1, 7)))))
    text = text:gsub(name, 'FILE'):gsub('/%S+:%d+: FILE', 'LINE: FILE'):gsub('\t', '')
    assert.equal([[
LINE: FILE: layer x: nn.SpatialConvolution: 3221225472 -> 4 planes cannot be cut into 1073741824 groups
nn.SpatialConvolution(3 -> 4, 3x3)
loadcaffe: left out: x (Convolution)
empty
nn.SpatialConvolution(3 -> 4, 3x3)
nn.LeakyReLU(0.25)
LINE: FILE: layer x: nn.Dropout: p is 1.5, but 0 <= p < 1 is needed
LINE: FILE: layer x: size is 4
loadcaffe: left out: x (LRN)
empty
loadcaffe: left out: x (InnerProduct)
empty
LINE: FILE: layer x: its tensor does not fit it
true
]], text)
  end)
end)
