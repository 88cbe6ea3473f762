-- Networks for pictures against torchvision's numbers (tests/golden/make_models.py). TOCHA_SLOW=1 compares the large ones too.
local torch = require 'tocha'
local models = require 'tocha.models'
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
end)
