-- Every class of tocha.nn has a row in one of the comparisons with PyTorch, or is named here with its test; and what those
-- tests are.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'

-- Classes without a row: bases of others, what has another gradient than that of its values, what trains or prints.
local elsewhere = {
  Module = 'nn_module_spec', Container = 'nn_module_spec', Criterion = 'nn_module_spec', Residual = 'nn_modern_spec',
  Recurrent = 'nn_modern_spec', Compiled = 'nn_compiled_spec',
  CriterionTable = 'below', GradientReversal = 'below', ZeroGrad = 'below', L1Penalty = 'below', PrintSize = 'below',
  Kmeans = 'below', StochasticGradient = 'below', SoftTargetCriterion = 'data_pictures_spec',
}

it('every class is compared with PyTorch or named', function()
  local known = {}
  for _, file in ipairs { 'nn', 'modern', 'space', 'torch7' } do
    for name in pairs(dofile(here .. '../golden/' .. file .. '.lua')) do known[name:match('^%w+')] = true end
  end
  local missing = {}
  for name, class in pairs(nn) do
    local metatable = type(class) == 'table' and getmetatable(class)
    local typename = type(metatable) == 'table' and rawget(metatable, '__typename')
    local layer = typename and (torch.isTypeOf(metatable, 'nn.Module') or torch.isTypeOf(metatable, 'nn.Criterion')
      or name == 'StochasticGradient')
    if layer and not known[name] and not elsewhere[name] then missing[#missing + 1] = name end
  end
  table.sort(missing)
  assert.are.equal('', table.concat(missing, ' '))
end)

local function values(t) return t:totable() end

describe('layers whose gradient is not that of their values:', function()
  local x, g = torch.Tensor { -1, 2, 0 }, torch.Tensor { 1, 2, 3 }

  it('GradientReversal turns the gradient round', function()
    local layer = nn.GradientReversal(0.5)
    assert.are.same({ -1, 2, 0 }, values(layer:forward(x)))
    assert.are.same({ -0.5, -1, -1.5 }, values(layer:backward(x, g)))
    assert.are.same({ -2, -4, -6 }, values(layer:setLambda(2):backward(x, g)))
  end)

  it('ZeroGrad lets no gradient pass', function()
    local layer = nn.ZeroGrad()
    assert.are.same({ -1, 2, 0 }, values(layer:forward(x)))
    assert.are.same({ 0, 0, 0 }, values(layer:backward(x, g)))
  end)

  it('L1Penalty adds the slope of the absolute values', function()
    local layer = nn.L1Penalty(0.1)
    layer:forward(x)
    for i, v in ipairs { 0.9, 2.1, 3 } do assert.is_near(v, layer:backward(x, g)[i], 1e-6) end
    assert.is_near(0.3, layer.loss, 1e-6)
  end)
end)

it('CriterionTable is a criterion as a layer', function()
  local layer = nn.CriterionTable(nn.MSECriterion())
  local pair = { torch.Tensor { 1, 3 }, torch.Tensor { 0, 0 } }
  assert.is_near(5, layer:forward(pair), 1e-6)
  assert.are.same({ 1, 3 }, values(layer:backward(pair, 1)[1]))
end)

-- What print was given while fn ran.
local function printed(fn)
  local lines, print_ = {}, _G.print
  _G.print = function(...) lines[#lines + 1] = table.concat({ ... }, ' ') end
  local ok, message = pcall(fn)
  _G.print = print_
  if not ok then error(message, 0) end
  return lines
end

it('PrintSize prints sizes, Profile seconds', function()
  local lines = printed(function()
    local layer = nn.PrintSize 'here'
    layer:forward(torch.Tensor(2, 3))
    layer:backward(torch.Tensor(2, 3), torch.Tensor(2, 3))
  end)
  assert.are.same({ 'here:input 2x3', 'here:gradOutput 2x3' }, lines)
  lines = printed(function()
    local layer = nn.Profile(nn.Identity(), 2, 'id')
    for _ = 1, 4 do layer:forward(torch.Tensor(1)) end
  end)
  assert.are.equal(2, #lines)
  assert.is_truthy(lines[1]:find '^id took .* seconds for 2 forward passes$')
end)

it('NaN says where the first one stands', function()
  local layer = nn.NaN(nn.Linear(2, 1))
  assert.has_error(function() layer:forward(torch.Tensor { 0 / 0, 1 }) end)
  layer.modules[1].bias:fill(0 / 0)
  local ok, message = pcall(layer.forward, layer, torch.Tensor { 1, 1 })
  assert.is_false(ok)
  assert.is_truthy(message:find('NaN in parameters', 1, true), message)
end)

it('Kmeans finds the clusters', function()
  local k = nn.Kmeans(2, 1)
  local examples = torch.Tensor { { 0 }, { 2 }, { 10 }, { 14 } }
  k.weight:copy(torch.Tensor { { 0 }, { 9 } })
  for _ = 1, 3 do
    k:zeroGradParameters()
    k:forward(examples)
    k:backward(examples)
    k:updateParameters(1)
  end
  k:forward(examples)
  assert.are.same({ { 1 }, { 12 } }, values(k.weight))
  assert.are.same({ 1, 1, 2, 2 }, values(k.output))
  assert.are.equal(10, k.loss)
end)

it('StochasticGradient trains', function()
  torch.manualSeed(1)
  local data = { { torch.Tensor { 1, 0 }, torch.Tensor { 2 } }, { torch.Tensor { 0, 1 }, torch.Tensor { -1 } } }
  function data:size() return 2 end
  local trainer = nn.StochasticGradient(nn.Linear(2, 1), nn.MSECriterion())
  trainer.learningRate, trainer.maxIteration, trainer.verbose = 0.2, 50, false
  local seen = 0
  trainer.hookExample = function() seen = seen + 1 end
  assert.is_true(trainer:train(data) < 1e-3)
  assert.are.equal(100, seen)
end)

it('the diagonal of the Hessian is that of sums of squares', function()
  -- in a process of its own: nn.hessian.enable changes the classes
  local code = "local torch = require 'tocha' local nn = require 'tocha.nn' nn.hessian.enable() "
    .. "torch.setdefaulttensortype 'torch.DoubleTensor' local worst = 0 "
    .. "for _, layer in ipairs { nn.Linear(3, 2), nn.SpatialConvolution(1, 2, 2, 2) } do "
    .. "local x = torch.Tensor(unpack(layer.kW and { 1, 3, 4 } or { 5, 3 })) "
    .. "for _, what in ipairs { 'Input', 'Weight', 'Bias' } do "
    .. "worst = math.max(worst, nn.Jacobian['testDiagHessian' .. what](layer, x)) end end "
    .. "local _, _, third = nn.Sequential():add(nn.Linear(2, 1)):getParameters() "
    .. "io.write(worst < 1e-9 and 'right' or worst)"
  local pipe = io.popen(('LUA_PATH="%s" luajit -e "%s" 2>&1'):format(package.path, code))
  local answer = pipe:read '*a'
  pipe:close()
  assert.are.equal('right', answer)
end)

it('the indices of a max pooling are places in its plane', function()
  local pool = nn.SpatialMaxPooling(2, 2)
  assert.is_nil(pool.indices)
  pool:forward(torch.Tensor { { { 1, 2, 8, 3 }, { 5, 4, 6, 7 } } })
  assert.are.same({ { { 5, 3 } } }, values(pool.indices))
  pool:forward(torch.Tensor { { { 9, 2, 8, 3 }, { 5, 4, 6, 11 } } })
  assert.are.same({ { { 1, 8 } } }, values(pool.indices))
  pool:clearState()
  assert.is_nil(pool.indices)
  local volume = nn.VolumetricMaxPooling(2, 2, 2)
  volume:forward(torch.Tensor { { { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 8, 7 } } } })
  assert.are.equal(7, volume.indices:view(-1)[1])
end)

it('an average pooling without division adds up', function()
  local pool = nn.SpatialAveragePooling(2, 1)
  pool.divide = false
  local x = torch.Tensor { { { 1, 2, 4 } } }
  assert.are.same({ { { 3, 6 } } }, values(pool:forward(x)))
  assert.are.same({ { { 1, 2, 1 } } }, values(pool:backward(x, torch.Tensor { { { 1, 1 } } })))
end)

it('a transposed convolution takes the size of another tensor', function()
  for _, case in ipairs {
    { nn.SpatialFullConvolution(1, 2, 3, 3, 2, 2, 1, 1), torch.Tensor(1, 3, 4), torch.Tensor(2, 6, 7), '2x6x7' },
    { nn.VolumetricFullConvolution(1, 1, 2, 3, 2, 2, 2, 2), torch.Tensor(1, 2, 2, 2), torch.Tensor(5, 5, 6), '1x5x5x6' },
  } do
    local layer, x, like, want = unpack(case)
    x:fill(1)
    local y = layer:forward { x, like }
    assert.are.equal(want, table.concat(y:size():totable(), 'x'))
    local gradInput = layer:backward({ x, like }, y)
    assert.is_true(gradInput[1]:isSameSizeAs(x) and gradInput[2]:isSameSizeAs(like))
    assert.is_true(torch.isTensor((layer:backward(x, layer:forward(x)))))
  end
end)

describe('the option inplace', function()
  local cases = {
    ReLU = function() return nn.ReLU(true) end, ReLU6 = function() return nn.ReLU6(true) end,
    LeakyReLU = function() return nn.LeakyReLU(0.2, true) end, ELU = function() return nn.ELU(0.7, true) end,
    Threshold = function() return nn.Threshold(0.1, -1, true) end, HardTanh = function() return nn.HardTanh(-1, 1, true) end,
    MulConstant = function() return nn.MulConstant(3, true) end, AddConstant = function() return nn.AddConstant(3, true) end,
    CAddTable = function() return nn.CAddTable(true) end,
  }
  for name, make in pairs(cases) do
    it(name .. ' writes into its input and has the same gradient', function()
      local function input()
        local x = torch.Tensor { -2, -0.5, 0.05, 0.6, 7 }
        return name == 'CAddTable' and { x, torch.Tensor { 1, 2, 3, 4, 5 } } or x
      end
      local g = torch.Tensor { 1, 2, 3, 4, 5 }
      local fresh, layer, x, y = make(), make(), input(), input()
      fresh.inplace = false
      local output = layer:forward(x)
      assert.are.same(fresh:forward(y):totable(), output:totable())
      local first = torch.isTensor(x) and x or x[1]
      assert.are.equal(torch.pointer(first:storage()), torch.pointer(output:storage()))
      local got, want = layer:backward(x, g), fresh:backward(y, g)
      if torch.isTensor(got) then got, want = { got }, { want } end
      for i = 1, #want do
        for k = 1, 5 do assert.is_near(want[i][k], got[i][k], 1e-6) end
      end
      layer:clearState() -- the input stays
      assert.are.equal(5, first:nElement())
      layer.inplace = false
      local again = input()
      layer:forward(again)
      assert.are.equal(-2, (torch.isTensor(again) and again or again[1])[1])
    end)
  end

  it('Dropout writes into its input while training', function()
    local x, layer = torch.Tensor(50):fill(1), nn.Dropout(0.5, false, true)
    local y = layer:forward(x)
    assert.are.equal(torch.pointer(x:storage()), torch.pointer(y:storage()))
    local kept = x:clone()
    assert.are.same(kept:totable(), layer:backward(x, torch.Tensor(50):fill(1)):totable())
    layer:evaluate()
    layer:forward(x)
    layer:training()
    layer.inplace = false
    layer:forward(x)
    assert.are.same(kept:totable(), x:totable())
  end)

  it('a constant gives the input its values back', function()
    for _, layer in ipairs { nn.MulConstant(4, true), nn.AddConstant(4, true) } do
      local x = torch.Tensor { 1, -2 }
      layer:forward(x)
      layer:backward(x, torch.Tensor { 1, 1 })
      assert.are.same({ 1, -2 }, x:totable())
      layer:updateGradInput(x, torch.Tensor { 1, 1 })
      assert.are.same({ 1, -2 }, x:totable())
    end
    local rows = nn.AddConstant(torch.Tensor { 1, 2 })
    assert.are.same({ { 1, 3 }, { 3, 5 } }, rows:forward(torch.Tensor { { 0, 1 }, { 2, 3 } }):totable())
  end)

  it('gives way on the tape', function()
    local x = torch.Tensor { -1, 2 }:requiresGrad(true)
    torch.sum(nn.ReLU(true)(x)):backward()
    assert.are.same({ -1, 2 }, x:detach():totable())
    assert.are.same({ 0, 1 }, x.grad:totable())
  end)
end)

it('clearState leaves inputs and results alone', function()
  for _, layer in ipairs { nn.Dropout(0.5), nn.Identity(), nn.GradientReversal(), nn.Sequential():add(nn.Identity()) } do
    layer:evaluate()
    local x = torch.Tensor { 1, 2 }
    local y = layer:forward(x)
    layer:backward(x, x)
    layer:clearState()
    assert.are.same({ 1, 2 }, x:totable())
    assert.are.same({ 1, 2 }, y:totable())
    assert.are.equal(0, layer.output:nElement())
  end
end)

it('LookupTable divides gradients by the frequency of their index, and shortens long rows', function()
  local layer, input = nn.LookupTable(3, 2):scaleGradByFreq(), torch.LongTensor { 2, 1, 2 }
  local g = torch.Tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }
  layer:zeroGradParameters()
  layer:forward(input)
  layer:backward(input, g)
  assert.are.same({ { 3, 4 }, { 3, 4 }, { 0, 0 } }, values(layer.gradWeight))
  layer:zeroGradParameters()
  local y = layer(input)
  assert.are.equal(0, (y:detach() - layer:forward(input)):norm())
  y:backward(g)
  assert.are.same({ { 3, 4 }, { 3, 4 }, { 0, 0 } }, values(layer.gradWeight))
  local short = nn.LookupTable(2, 2, 0, 1)
  short.weight:copy(torch.Tensor { { 3, 4 }, { 3, 4 } })
  short:forward(torch.LongTensor { 2 })
  assert.is_near(5, short.weight[1]:norm(), 1e-5)
  assert.is_near(1, short.weight[2]:norm(), 1e-5)
end)

it('containers of packages call their children by name, and errors name the path', function()
  local Wrap, wrap = torch.class('tests.Wrap', 'nn.Container', {})
  function Wrap:__init(module)
    wrap.__init(self)
    self:add(module)
  end
  function Wrap:updateOutput(input)
    self.output = self:rethrowErrors(self.modules[1], 1, 'updateOutput', input)
    return self.output
  end
  local make = torch.getmetatable('tests.Wrap')
  local model = nn.Sequential():add(make(nn.Linear(2, 1)))
  assert.are.equal(1, model:forward(torch.Tensor(2)):nElement())
  local ok, message = pcall(model.forward, model, torch.Tensor(3))
  assert.is_false(ok)
  assert.is_truthy(message:find('model[1][1] nn.Linear(2 -> 1): ', 1, true), message)
  assert.are.equal(0, make(nil):size()) -- gets its module later
  assert.error_matches(function() nn.Concat(1):add(nil) end, 'add: a module is wanted, but a nil was given')
end)

it('tables with names go through modules and come back with the gradients', function()
  local input = { A = torch.randn(2, 3), B = { torch.randn(2, 1), x = torch.randn(1) } }
  local layer = nn.SelectTable 'A'
  assert.is_true(layer:forward(input):equal(input.A))
  local g = torch.randn(2, 3)
  local gradInput = layer:backward(input, g)
  assert.is_true(gradInput.A:equal(g))
  assert.are.same({ 0, 0, 0 }, { gradInput.B[1][1][1], gradInput.B[1][2][1], gradInput.B.x[1] })
  assert.are.same({ 2, 1 }, gradInput.B[1]:size():totable())
  local leaf = input.A:clone():requiresGrad(true)
  torch.sum(torch.cmul(nn.Sequential():add(layer):add(nn.Tanh()) { A = leaf, B = input.B }, g)):backward()
  local net = nn.Sequential():add(layer):add(nn.Tanh())
  net:forward(input)
  assert.is_true((net:backward(input, g).A - leaf.grad):abs():max() < 1e-6)
  assert.error_matches(function() nn.SelectTable 'C':forward(input) end, 'no entry C')
end)

it('nn.utils can be required first', function()
  local program = "local utils = require 'tocha.nn.utils'; assert(utils == require 'tocha.nn'.utils); io.write 'same'"
  local pipe = io.popen(("luajit -e %q 2>&1"):format('package.path = [[' .. package.path .. ']] ' .. program))
  local said = pipe:read '*a'
  pipe:close()
  assert.are.equal('same', said)
end)
