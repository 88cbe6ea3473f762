--- What the comparisons of layers and criterions with PyTorch share: load it with a spec's environment, give it rows.
-- A row of a layer: name, constructor, inputs {shape..., kind = ...}; of a criterion: name, constructor, inputs, target.
local torch = require 'tocha'
local utils = require('tocha.nn').utils

-- The values of tests/golden/make_nn.py.
local function pattern(shape, seed, kind)
  local t = torch.DoubleTensor(unpack(shape))
  local flat = t:view(-1)
  local classes = kind and tonumber(kind:match('^label(%d+)'))
  for i = 1, flat:size(1) do
    local v = math.sin(1.3 * i + 0.77 * seed)
    if kind == 'positive' then v = math.abs(v) + 0.1
    elseif kind == 'probability' then v = 0.5 + 0.4 * v
    elseif kind == 'sign' then v = v > 0 and 1 or -1
    elseif classes then v = (7 * i + seed) % classes + 1 end
    flat[i] = v
  end
  return classes and t:long() or t
end

-- -- measuring ------------------------------------------------------------------------------------------------------

local function inputsOf(shapes)
  local list = {}
  for i, shape in ipairs(shapes) do list[i] = pattern(shape, i, shape.kind) end
  return list
end

local function prepared(row, type)
  local module = row[2]()
  if module.parameters then
    for i, p in ipairs((module:parameters()) or {}) do p:copy(pattern(p:size():totable(), 10 + i)) end
  end
  return module:type(type)
end

local function near(t, expected, tolerance, what)
  local flat = t:detach():double():contiguous():view(-1)
  assert.are.equal(#expected, flat:size(1), what .. ': elements')
  local scale = 1e-3
  for _, v in ipairs(expected) do scale = math.max(scale, math.abs(v)) end
  for i, v in ipairs(expected) do
    local off = math.abs(flat[i] - v)
    if off > tolerance * scale or off ~= off then
      error(('%s[%d] is %.12g, PyTorch has %.12g'):format(what, i, flat[i], v), 0)
    end
  end
end

local function single(list) return #list == 1 and list[1] or list end
local function asList(value) return torch.isTensor(value) and { value } or value end
local function floating(t) return not t:type():find('Long') end

local function checkGradients(module, want, gradInputs, tolerance, way)
  for i, g in ipairs(want.gradInput) do near(gradInputs[i], g, tolerance, way .. ' gradInput ' .. i) end
  local _, grads = module:parameters()
  for i, g in ipairs(want.gradParams) do near(grads[i], g, tolerance, way .. ' gradient of parameter ' .. i) end
end

-- The same elements with other strides.
local function scattered(t)
  if not floating(t) then return t end
  local wide = t.new():resize(t:nElement() * 2 + 1):fill(0 / 0)
  local size, stride, step = t:size():totable(), {}, 2
  for d = 1, #size do
    stride[d] = step
    step = step * size[d]
  end
  return t.new(wide:storage(), 2, torch.LongStorage(size), torch.LongStorage(stride)):copy(t)
end

local function cast(list, type)
  for i, t in ipairs(list) do if floating(t) then list[i] = t:type(type) end end
  return list
end

local function protocol(row, want, type, tolerance, arrange)
  local module = prepared(row, type)
  local inputs = cast(inputsOf(row[3]), type)
  for i, t in ipairs(inputs) do inputs[i] = arrange(t) end
  local input = single(inputs)
  for _ = 1, 2 do -- the buffers of the first round are those of the second
    module:forward(input)
    near(module.output, want.output, tolerance, 'output')
    local gradOutput = arrange(pattern(module.output:size():totable(), 31):type(type))
    module:zeroGradParameters()
    module:backward(input, gradOutput)
    checkGradients(module, want, asList(module.gradInput), tolerance, 'backward')
    module:zeroGradParameters()
    module:updateGradInput(input, gradOutput)
    module:accGradParameters(input, gradOutput, 0.25)
    module:accGradParameters(input, gradOutput, 0.75)
    checkGradients(module, want, asList(module.gradInput), tolerance, 'update')
  end
end

local function onTape(row, want)
  local module = prepared(row, 'torch.DoubleTensor')
  local inputs = inputsOf(row[3])
  for _, t in ipairs(inputs) do if floating(t) then t:requiresGrad(true) end end
  local before = module.output
  local output = module(single(inputs))
  assert.is_true(rawequal(before, module.output), 'the module kept the output')
  near(output, want.output, 1e-6, 'output')
  module:zeroGradParameters()
  output:backward(pattern(output:size():totable(), 31))
  local gradInputs = {}
  for i, t in ipairs(inputs) do gradInputs[i] = t.grad or t:detach():zero() end
  checkGradients(module, want, gradInputs, 1e-6, 'tape')
end

-- Central differences of sum(output * g), by the protocol.
local function differences(row)
  local module = prepared(row, 'torch.DoubleTensor')
  local inputs = inputsOf(row[3])
  local input = single(inputs)
  local g = pattern(module:forward(input):size():totable(), 31)
  module:zeroGradParameters()
  module:backward(input, g)
  local eps = 1e-6
  local params, grads = module:parameters()
  local function check(t, gradient, what)
    local flat, analytic = t:view(-1), gradient:contiguous():view(-1):clone()
    for i = 1, flat:size(1) do
      local value = flat[i]
      flat[i] = value + eps
      local above = torch.cmul(module:forward(input), g):sum()
      flat[i] = value - eps
      local below = torch.cmul(module:forward(input), g):sum()
      flat[i] = value
      assert.is_near((above - below) / (2 * eps), analytic[i], 1e-4, what .. ' ' .. i)
    end
  end
  for i, t in ipairs(inputs) do
    if floating(t) then check(t, asList(module.gradInput)[i]:clone(), 'input') end
  end
  for i, p in ipairs(params or {}) do check(p, grads[i]:clone(), 'parameter') end
end

local function identity(t) return t end

local function layer(row, want)
  describe('nn.' .. row[1], function()
    it('agrees with PyTorch in double', function() protocol(row, want, 'torch.DoubleTensor', 1e-6, identity) end)
    it('agrees with PyTorch in float', function() protocol(row, want, 'torch.FloatTensor', 1e-4, identity) end)
    it('takes non-contiguous input', function() protocol(row, want, 'torch.DoubleTensor', 1e-6, scattered) end)
    it('gives the same on the tape', function() onTape(row, want) end)
    it('has the gradient of its values', function() differences(row) end)
  end)
end

-- -- criterions -----------------------------------------------------------------------------------------------------

local function lossOf(row, type, arrange)
  local inputs = cast(inputsOf(row[3]), type)
  for i, t in ipairs(inputs) do inputs[i] = arrange(t) end
  local target = pattern(row[4], #row[3] + 1, row[4].kind)
  if floating(target) then target = arrange(target:type(type)) end
  return row[2]():type(type), inputs, target
end

local function lossProtocol(row, want, type, tolerance, arrange)
  local criterion, inputs, target = lossOf(row, type, arrange)
  local input = single(inputs)
  for _ = 1, 2 do
    local loss = criterion:forward(input, target)
    assert.are.equal('number', _G.type(loss))
    near(torch.DoubleTensor { loss }, want.output, tolerance, 'loss')
    local gradInput = asList(criterion:backward(input, target))
    for i, g in ipairs(want.gradInput) do near(gradInput[i], g, tolerance, 'gradInput ' .. i) end
  end
end

-- Central differences of the loss.
local function lossDifferences(row)
  local module, inputs, target = lossOf(row, 'torch.DoubleTensor', identity)
  local input, eps = single(inputs), 1e-6
  module:forward(input, target)
  local gradInput = utils.map(function(t) return t:clone() end, asList(module:backward(input, target)))
  for i, t in ipairs(inputs) do
    local flat, analytic = t:view(-1), gradInput[i]:contiguous():view(-1)
    for k = 1, flat:size(1) do
      local value = flat[k]
      flat[k] = value + eps
      local above = module:forward(input, target)
      flat[k] = value - eps
      local below = module:forward(input, target)
      flat[k] = value
      assert.is_near((above - below) / (2 * eps), analytic[k], 1e-4, 'input ' .. k)
    end
  end
end

local function criterion(row, want)
  describe('nn.' .. row[1], function()
    it('agrees with PyTorch in double', function() lossProtocol(row, want, 'torch.DoubleTensor', 1e-6, identity) end)
    it('agrees with PyTorch in float', function() lossProtocol(row, want, 'torch.FloatTensor', 1e-4, identity) end)
    it('takes non-contiguous input', function() lossProtocol(row, want, 'torch.DoubleTensor', 1e-6, scattered) end)
    it('has the gradient of its values', function() lossDifferences(row) end)
    it('gives the same on the tape', function()
      local module, inputs, target = lossOf(row, 'torch.DoubleTensor', identity)
      for _, t in ipairs(inputs) do t:requiresGrad(true) end
      local loss = module(single(inputs), target)
      assert.are.equal(0, loss:dim())
      near(torch.DoubleTensor { loss:item() }, want.output, 1e-6, 'loss')
      loss:backward()
      for i, g in ipairs(want.gradInput) do near(inputs[i].grad, g, 1e-6, 'gradient ' .. i) end
    end)
  end)
end

--- Tests every row against the golden table, which must have the same names.
local function check(golden, layers, criterions)
  for _, row in ipairs(layers) do layer(row, golden[row[1]]) end
  for _, row in ipairs(criterions) do criterion(row, golden[row[1]]) end

  it('has a golden row for every row here', function()
    local known = {}
    for _, list in ipairs { layers, criterions } do
      for _, row in ipairs(list) do known[row[1]] = true end
    end
    for name in pairs(golden) do assert.is_true(known[name], name) end
    for name in pairs(known) do assert.is_not_nil(golden[name], name) end
  end)
end

return { pattern = pattern, check = check }
