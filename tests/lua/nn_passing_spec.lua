-- What a Sequential on the tape lets go of (lua/tocha/nn/passing.lua).
local torch = require 'tocha'
local nn = require 'tocha.nn'

describe('modules in a row on the tape', function()
  local N = 20000

  -- Linear layers on N rows of 4 numbers with what is given in between.
  local function around(...)
    local net = nn.Sequential():add(nn.Linear(4, 4)):add(nn.Tanh())
    for _, m in ipairs { ... } do net:add(m) end
    return net:add(nn.Linear(4, 4))
  end

  local function apart(m, x)
    if torch.type(m) == 'nn.Sequential' then
      for _, child in ipairs(m.modules) do x = apart(child, x) end
      return x
    end
    return m(x)
  end

  local function gradients(net, f)
    net:zeroGradParameters()
    local x = torch.linspace(-1, 1, 4 * N):view(N, 4):requiresGrad(true)
    f(net, x):sum():backward()
    local _, g = net:getParameters()
    return { g:clone(), x.grad:clone() }
  end

  local function residual()
    return nn.Sequential():add(nn.ConcatTable():add(nn.Sequential():add(nn.Linear(4, 4)):add(nn.ReLU(true))):add(nn.Identity()))
      :add(nn.CAddTable(true))
  end

  it('have the gradients of modules called one by one', function()
    for _, net in ipairs { around(), around(residual()), around(nn.View(-1, 2, 2), nn.View(-1, 4), residual(), nn.ReLU(true)),
      around(nn.Identity(), nn.ConcatTable():add(nn.Identity()):add(nn.Tanh()), nn.CMulTable(), nn.Dropout(0)) } do
      local mine, theirs = gradients(net, function(m, x) return m(x) end), gradients(net, apart)
      for i, t in ipairs(theirs) do assert.is_true(torch.abs(mine[i] - t):max() <= 1e-4 * (1 + torch.abs(t):max())) end
    end
  end)

  it('hold what the tape has saved and no more', function()
    local net, x = around(nn.Linear(4, 4), nn.Linear(4, 4)), torch.randn(N, 4)
    collectgarbage('stop')
    local function kept(f)
      local before = torch.memstats().used
      local y = f()
      return math.floor((torch.memstats().used - before) / (N * 16) + 0.5), y
    end
    local on = kept(function() return net(x) end) -- the outputs of Tanh and two Linear are inputs of Linear, and the last
    local off, y = kept(function() return torch.noGrad(function() return net(x) end) end)
    collectgarbage('restart')
    assert.same({ 4, 1 }, { on, off })
    assert.equal(N, y:size(1))
  end)

  it('leave what a layer of a script keeps', function()
    local Keeper, parent = torch.class('nn.PassingKeeper', 'nn.Module', nn)
    function Keeper:__init() parent.__init(self) end
    function Keeper:updateOutput(input)
      self.output = input
      return input
    end
    function Keeper:updateGradInput(_, gradOutput)
      self.gradInput = gradOutput
      return gradOutput
    end
    local Linear, linear = torch.class('nn.PassingLinear', 'nn.Linear', nn)
    function Linear:updateOutput(input)
      self.seen = input
      return linear.updateOutput(self, input)
    end
    local keeper, line = nn.PassingKeeper(), nn.PassingLinear(4, 4)
    local net = around(keeper, nn.Tanh(), line)
    local held = {}
    local plain = nn.Tanh()
    function plain:compute(input)
      held[#held + 1] = input
      held[#held + 1] = nn.Tanh.compute(self, input)
      return held[#held]
    end
    net:add(plain):add(nn.Tanh())
    local mine, theirs = gradients(net, function(m, x) return m(x) end), gradients(net, apart)
    for i, t in ipairs(theirs) do assert.is_true(torch.abs(mine[i] - t):max() <= 1e-4 * (1 + torch.abs(t):max())) end
    for _, t in ipairs { keeper.output, line.seen, unpack(held) } do assert.equal(N, t:size(1)) end
    nn.PassingKeeper, nn.PassingLinear = nil, nil
  end)

  it('leave the input, and what goes through whole', function()
    local x = torch.randn(N, 4)
    local same = nn.Sequential():add(nn.Identity()):add(nn.Sequential():add(nn.Identity())):add(nn.Identity())
    assert.equal(N, torch.noGrad(function() return same(x) end):size(1))
    torch.noGrad(function() return around(residual())(x) end)
    assert.equal(N, x:size(1))
    local t = nn.Sequential():add(nn.Tanh()):add(nn.ConcatTable():add(nn.Identity()):add(nn.Identity())):add(nn.Identity())(x)
    assert.same({ N, N }, { t[1]:size(1), t[2]:size(1) })
  end)
end)
