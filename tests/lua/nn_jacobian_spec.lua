-- nn.Jacobian finds right derivatives right and wrong ones wrong.
local torch = require 'tocha'
local nn = require 'tocha.nn'

local function inDouble(fn)
  return function()
    local before = torch.getdefaulttensortype()
    torch.setdefaulttensortype('torch.DoubleTensor')
    local ok, message = pcall(fn)
    torch.setdefaulttensortype(before)
    if not ok then error(message, 0) end
  end
end

describe('nn.Jacobian', function()
  local J = nn.Jacobian

  it('agrees with a right layer', inDouble(function()
    local layer, input = nn.Linear(3, 2), torch.Tensor(4, 3)
    assert.is_true(J.testJacobian(layer, input) < 1e-6)
    assert.is_true(J.testJacobianParameters(layer, input, layer.weight, layer.gradWeight) < 1e-6)
    assert.is_true(J.testJacobianUpdateParameters(layer, input, layer.bias) < 1e-6)
    for way, err in pairs(J.testAllUpdate(layer, input, 'weight', 'gradWeight')) do
      assert.is_true(err < 1e-6, way)
    end
    local forward, backward = J.testIO(layer, input)
    assert.are.same({ 0, 0 }, { forward, backward })
  end))

  it('sees a wrong gradient', inDouble(function()
    local layer, input = nn.Tanh(), torch.Tensor(5)
    local right = layer.updateGradInput
    layer.updateGradInput = function(self, x, g) return right(self, x, g):mul(1.5) end
    assert.is_true(J.testJacobian(layer, input) > 0.01)
    local linear = nn.Linear(3, 2)
    linear.accGradParameters = function(self) self.gradWeight:fill(1) end
    assert.is_true(J.testJacobianParameters(linear, torch.Tensor(4, 3), linear.weight, linear.gradWeight) > 0.01)
  end))

  it('leaves input and parameters where it does not draw them', inDouble(function()
    local layer, input = nn.Linear(2, 2), torch.Tensor { { 1, 2 } }
    local weight = layer.weight:clone()
    J.forward(layer, input)
    J.backwardUpdate(layer, input, layer.weight)
    assert.are.equal(0, (layer.weight - weight):norm())
    assert.are.same({ { 1, 2 } }, input:totable())
  end))
end)

it('a backward before any forward is computed or refused, and does not read what is not there', function()
  local input, gradOutput = torch.Tensor { 0.5, 2 }, torch.Tensor { 1, 1 }
  assert.are.same({ 1, 0 }, nn.HardTanh():backward(input, gradOutput):totable())
  local ok, message = pcall(nn.Sigmoid().backward, nn.Sigmoid(), input, gradOutput)
  assert.is_false(ok)
  assert.is_truthy(message:find('forward', 1, true), message)
end)
