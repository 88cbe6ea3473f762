-- Networks for pictures against torchvision's numbers, those of tests/golden/make_models.py and, where it is installed, its own.
-- TOCHA_SLOW=1 compares the large ones too.
local torch = require 'tocha'
local models = require 'tocha.models'
local files = dofile 'tests/lua/files.lua'
local golden = dofile 'tests/golden/models.lua'

local function uniform(n, k)
  local x = torch.range(torch.DoubleTensor(), 1, n):mul(12.9898):add(k):sin():mul(43758.5453)
  return x:add(-1, torch.floor(x)):mul(2):add(-1)
end

-- The numbers that make_models.py documents.
local function fill(net)
  local state, names = models.state(net), {}
  for name in pairs(state) do names[#names + 1] = name end
  table.sort(names)
  for k, name in ipairs(names) do
    local t = state[name]
    local u = uniform(t:nElement(), k)
    if t:dim() >= 2 then u:mul(1.7 / math.sqrt(t:nElement() / t:size(1)))
    elseif name:find 'running_var$' then u:div(2):add(1)
    elseif name:find 'weight$' then u:div(4):add(1)
    else u:div(10) end
    t:copy(u:viewAs(t))
  end
  net:evaluate()
  return net
end

describe('models', function()
  for _, row in ipairs(golden) do
    local name, options, height, width, quick, first, square = unpack(row)
    if quick or os.getenv 'TOCHA_SLOW' then
      it(('give what torchvision gives: %s %dx%d'):format(name, height, width), function()
        local net = fill(models[name](options))
        local planes = net.info.size[1]
        local x = uniform(2 * planes * height * width, 0):float():view(2, planes, height, width)
        local y = net:forward(x):double():view(-1)
        local scale = math.sqrt(square / y:nElement())
        for i, expected in ipairs(first) do assert.is_near(expected, y[i], 1e-4 * scale) end
        assert.is_near(1, y:dot(y) / square, 1e-4)
      end)
    end
  end

  -- A Python that has torchvision: Debian's package is for the system's own.
  local function python()
    for _, name in ipairs { 'python3', '/usr/bin/python3' } do
      local find = [[import importlib.util as u, sys; sys.exit(not u.find_spec('torchvision'))]]
      if os.execute(('%s -c "%s" 2>/dev/null'):format(name, find)) == 0 then return name end
    end
  end

  it('give what the installed torchvision gives, with weights from its checkpoints', function()
    local interpreter = python()
    if not interpreter then return pending 'torchvision is not installed (Debian: python3-torchvision)' end
    local folder, names = files.makeFolder(), { 'resnet18', 'mobilenet_v2' }
    finally(files.removeFolder)
    if os.getenv 'TOCHA_SLOW' then
      names = { 'resnet18', 'resnet34', 'resnet50', 'resnet101', 'vgg11_bn', 'vgg16', 'mobilenet_v2',
        'densenet121', 'inception_v3' }
    end
    local side = #names > 2 and 96 or 48
    torch.manualSeed(3)
    local x = torch.randn(2, 3, side, side):float()
    torch.writeNpy(folder .. '/x.npy', x)
    assert.equal(0, os.execute(('%s tests/golden/torchvision_peer.py %s %s'):format(interpreter, folder, table.concat(names, ' '))))
    for _, name in ipairs(names) do
      local net = models[name] { pretrained = ('%s/%s.pt'):format(folder, name) }
      net:evaluate()
      local expected = torch.readNpy(('%s/%s.npy'):format(folder, name)):double()
      local distance = (net:forward(x):double() - expected):norm() / expected:norm()
      assert.is_true(distance < 1e-4, ('%s: %g'):format(name, distance))
    end
  end)
end)
