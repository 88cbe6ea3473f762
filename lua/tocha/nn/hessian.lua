--- nn.hessian: the diagonal of the Hessian, estimated by backpropagation with squares (Becker and LeCun 1989).
--
-- nn.hessian.enable() adds the methods initDiagHessianParameters(), updateDiagHessianInput(input, diagHessianOutput) and
-- accDiagHessianParameters(input, diagHessianOutput), which fill diagHessianInput, diagHessianWeight and
-- diagHessianBias; parameters() and getParameters() give a third result then. For a layer that is linear in its input
-- and its weight, d2L/dx_i^2 = sum_k d2L/dy_k^2 (dy_k/dx_i)^2.
-- @module tocha.nn.hessian
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local flatten = require 'tocha.nn.flatten'
local raise = require 'tocha.bindings.own'.raise

local hessian = {}
nn.hessian = hessian

local linear = { 'Linear', 'SpatialConvolution', 'SpatialConvolutionMM', 'SpatialConvolutionLocal',
  'SpatialFullConvolution', 'SpatialConvolutionMap', 'SpatialFullConvolutionMap' }
local pointwise = { 'Tanh', 'Sigmoid', 'TanhShrink', 'Square', 'Sqrt' }

-- A copy of the layer whose weights are squares.
local function squared(module)
  local twin = utils.copy(module)
  twin.weight:cmul(twin.weight)
  return twin
end

local function linearMethods(class)
  function class:initDiagHessianParameters()
    self.diagHessianInput = self.gradInput.new()
    for name, gradient in pairs { diagHessianWeight = self.gradWeight, diagHessianBias = self.gradBias } do
      self[name] = self[name] or gradient:clone():zero()
    end
  end

  function class:updateDiagHessianInput(input, diagHessianOutput)
    local twin = squared(self)
    twin:updateOutput(input)
    self.diagHessianInput = twin:updateGradInput(input, diagHessianOutput)
    return self.diagHessianInput
  end

  function class:accDiagHessianParameters(input, diagHessianOutput)
    local twin, squares = utils.copy(self), torch.cmul(input, input)
    twin:zeroGradParameters()
    twin:updateOutput(squares)
    twin:accGradParameters(squares, diagHessianOutput, 1)
    self.diagHessianWeight:add(twin.gradWeight)
    if twin.gradBias then self.diagHessianBias:add(twin.gradBias) end
  end
end

-- f'(x)^2 times the Hessian of the output
local function pointwiseMethods(class)
  function class:updateDiagHessianInput(input, diagHessianOutput)
    local ones = diagHessianOutput:clone():fill(1)
    local slope = utils.copy(self)
    slope:updateOutput(input)
    self.diagHessianInput = torch.cmul(torch.square(slope:updateGradInput(input, ones)), diagHessianOutput)
    return self.diagHessianInput
  end
end

local function sequentialMethods(class)
  function class:initDiagHessianParameters()
    for _, module in ipairs(self.modules) do module:initDiagHessianParameters() end
  end

  -- Calls fn(module, its input), the last first.
  local function backwards(self, input, fn)
    for i = #self.modules, 1, -1 do fn(self.modules[i], i > 1 and self.modules[i - 1].output or input) end
  end

  function class:updateDiagHessianInput(input, diagHessianOutput)
    backwards(self, input, function(module, x)
      diagHessianOutput = module:updateDiagHessianInput(x, diagHessianOutput)
    end)
    self.diagHessianInput = diagHessianOutput
    return diagHessianOutput
  end

  function class:accDiagHessianParameters(input, diagHessianOutput)
    backwards(self, input, function(module, x)
      module:accDiagHessianParameters(x, diagHessianOutput)
      diagHessianOutput = module.diagHessianInput
    end)
  end
end

local function criterionMethods()
  local function constant(value)
    return function(self, input)
      self.diagHessianInput = input:clone():fill(value(self, input))
      return self.diagHessianInput
    end
  end
  local square = constant(function(self, input) return self.sizeAverage and 2 / input:nElement() or 2 end)
  nn.MSECriterion.updateDiagHessianInput, nn.WeightedMSECriterion.updateDiagHessianInput = square, square

  function nn.L1Cost:updateDiagHessianInput(input)
    self.diagHessianInput = torch.ne(input, 0):typeAs(input)
    return self.diagHessianInput
  end
end

-- The Hessians beside parameters and gradients.
local function thirdResults()
  local plain, contained = nn.Module.parameters, nn.Container.parameters

  function nn.Module:parameters()
    local params, grads = plain(self)
    if not params then return end
    local list = {}
    if self.weight then list[1] = self.diagHessianWeight end
    if self.bias then list[#list + 1] = self.diagHessianBias end
    return params, grads, list
  end

  function nn.Container:parameters()
    local params, grads = contained(self)
    local list = {}
    for _, module in ipairs(self.modules) do utils.flat((select(3, module:parameters())), list) end
    return params, grads, list
  end

  function nn.Module:getParameters()
    local params, grads, list = self:parameters()
    local p, g = flatten.pair(params, grads)
    return p, g, list and #list > 0 and flatten.tensors(list) or nil
  end
end

local enabled = false

--- Adds the methods; calling it again changes nothing.
function hessian.enable()
  if enabled then return end
  enabled = true
  local function refused(self) raise(torch.type(self) .. ' has no updateDiagHessianInput') end
  nn.Module.updateDiagHessianInput, nn.Criterion.updateDiagHessianInput = refused, refused
  function nn.Module.accDiagHessianParameters() end
  function nn.Module.initDiagHessianParameters() end
  for _, name in ipairs(linear) do linearMethods(nn[name]) end
  for _, name in ipairs(pointwise) do pointwiseMethods(nn[name]) end
  sequentialMethods(nn.Sequential)
  criterionMethods()
  function nn.Reshape:updateDiagHessianInput(input, diagHessianOutput)
    self.diagHessianInput = diagHessianOutput:contiguous():view(input:size())
    return self.diagHessianInput
  end
  thirdResults()
end

-- -- tests ----------------------------------------------------------------------------------------------------------

local function difference(module, input, gradient, diagonal, low, high)
  low, high = low or -2, high or 2
  input:uniform(low, high)
  module:initDiagHessianParameters()
  module:forward(input)
  local ones = module.output:clone():fill(1)
  module.diagHessianWeight:zero()
  if module.diagHessianBias then module.diagHessianBias:zero() end
  module:updateDiagHessianInput(input, ones)
  module:accDiagHessianParameters(input, ones)
  local sum, flat = module[diagonal]:clone():zero():view(-1), ones:view(-1)
  for i = 1, flat:size(1) do
    flat:zero()
    flat[i] = 1
    module:zeroGradParameters()
    module:updateGradInput(input, ones)
    module:accGradParameters(input, ones)
    sum:add(torch.square(module[gradient]:contiguous():view(-1)))
  end
  return torch.abs(module[diagonal]:contiguous():view(-1) - sum):max()
end

for _, what in ipairs { 'Input', 'Weight', 'Bias' } do
  --- The largest error of the diagonal for 0.5 |output|^2 of a linear layer.
  nn.Jacobian['testDiagHessian' .. what] = function(module, input, low, high)
    return difference(module, input, 'grad' .. what, 'diagHessian' .. what, low, high)
  end
end
