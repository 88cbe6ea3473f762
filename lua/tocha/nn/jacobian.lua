--- Tests of a module's derivatives: nn.Jacobian, and nn.SparseJacobian for inputs that are rows {index, value}.
--
-- A Jacobian is a matrix (variables, outputs); the variables are the input's entries, or those of a parameter that is
-- given. Every test fills its tensors at random and returns the largest absolute error.
-- @module tocha.nn.jacobian
local torch = require 'tocha'
local nn = require 'tocha.nn'

local function randomize(t, low, high)
  low, high = low or -2, high or 2
  t:copy(torch.rand(t:nElement()):mul(high - low):add(low):view(t:size()):typeAs(t))
end

local function largest(t) return t:nElement() == 0 and 0 or torch.abs(t):max() end

-- Calls fn(i, gradOutput) for each entry of the module's output, gradOutput being 1 there and 0 elsewhere.
local function eachOutput(module, fn)
  local gradOutput = module.output.new():resize(module.output:size())
  local flat = gradOutput:view(-1)
  for i = 1, flat:size(1) do
    gradOutput:zero()
    flat[i] = 1
    fn(i, gradOutput)
  end
end

-- Puts what the variables had back after fn.
local function restoring(tensors, fn)
  local kept = {}
  for i, t in ipairs(tensors) do kept[i] = t:clone() end
  local function restore()
    for i, t in ipairs(tensors) do t:copy(kept[i]) end
  end
  fn(restore)
  restore()
end

-- The tests, with the function that gives an input's variables before their arguments.
local J = {}

--- The Jacobian by backpropagation; `dparam` is where the gradient of `param` accumulates.
function J.backward(valuesOf, module, input, param, dparam)
  module:forward(input)
  local jacobian = torch.Tensor((param or valuesOf(input)):nElement(), module.output:nElement())
  eachOutput(module, function(i, gradOutput)
    module:zeroGradParameters()
    local gradInput = module:updateGradInput(input, gradOutput)
    module:accGradParameters(input, gradOutput)
    jacobian:select(2, i):copy(param and dparam or valuesOf(gradInput))
  end)
  return jacobian
end

--- The Jacobian by central differences.
function J.forward(valuesOf, module, input, param, perturbation)
  local variables = param and not rawequal(param, input) and param or valuesOf(input)
  local eps, jacobian = perturbation or 1e-6, nil
  restoring({ variables }, function()
    local flat = variables:clone():view(-1)
    local shaped = flat:viewAs(variables)
    local function at(i, value)
      flat[i] = value
      variables:copy(shaped)
      return module:forward(input):clone():view(-1)
    end
    for i = 1, flat:size(1) do
      local value = flat[i]
      local below, above = at(i, value - eps), at(i, value + eps)
      flat[i] = value
      jacobian = jacobian or torch.Tensor(flat:size(1), above:size(1))
      jacobian:select(1, i):copy((above - below):div(2 * eps))
    end
  end)
  return jacobian
end

--- What `param` becomes after a step of accUpdateGradParameters with rate 1, per output.
function J.backwardUpdate(valuesOf, module, input, param)
  module:forward(input)
  local jacobian = torch.Tensor(param:nElement(), module.output:nElement())
  restoring((module:parameters()), function(restore)
    eachOutput(module, function(i, gradOutput)
      restore()
      module:zeroGradParameters()
      module:updateGradInput(input, gradOutput)
      module:accUpdateGradParameters(input, gradOutput, 1)
      jacobian:select(2, i):copy(param)
    end)
  end)
  return jacobian
end

--- The same by central differences.
function J.forwardUpdate(valuesOf, module, input, param, perturbation)
  local jacobian = J.forward(valuesOf, module, input, param, perturbation)
  return param:contiguous():view(-1, 1):expandAs(jacobian):typeAs(jacobian) - jacobian
end

function J.testJacobian(valuesOf, module, input, low, high, perturbation)
  randomize(valuesOf(input), low, high)
  return largest(J.forward(valuesOf, module, input, nil, perturbation) - J.backward(valuesOf, module, input))
end

function J.testJacobianParameters(valuesOf, module, input, param, dparam, low, high, perturbation)
  randomize(valuesOf(input), low, high)
  randomize(param, low, high)
  local differences = J.forward(valuesOf, module, input, param, perturbation)
  return largest(differences - J.backward(valuesOf, module, input, param, dparam))
end

function J.testJacobianUpdateParameters(valuesOf, module, input, param, low, high, perturbation)
  randomize(valuesOf(input), low, high)
  randomize(param, low, high)
  return largest(J.forwardUpdate(valuesOf, module, input, param, perturbation) - J.backwardUpdate(valuesOf, module, input, param))
end

--- Errors of output and gradInput after the module went through a file.
function J.testIO(valuesOf, module, input, low, high)
  local copy, gradOutput = input:clone(), nil
  local function pass(m, x)
    m:forward(x)
    if not gradOutput then
      gradOutput = m.output:clone()
      randomize(gradOutput, low, high)
    end
    m:zeroGradParameters()
    m:updateGradInput(x, gradOutput)
    m:accGradParameters(x, gradOutput)
    return m.output:clone(), m.gradInput:clone()
  end
  local output, gradInput = pass(module, input)
  if module:clearState() ~= module then error('clearState does not return the module', 2) end
  local output2, gradInput2 = pass(torch.deserialize(torch.serialize(module)), copy)
  return largest(output - output2), largest(gradInput - gradInput2)
end

--- Errors of the ways to update the field `weight`, by name: gradients first or straight into the parameters, alone
-- or shared by two modules.
function J.testAllUpdate(_, module, input, weight, gradWeight)
  local rate, gradOutput, errors = torch.uniform(0.1, 1), nil, {}
  local start = module[weight]:clone()

  local function pass(copies, straight)
    for _, m in ipairs(copies) do
      m:forward(input)
      if not gradOutput then gradOutput = torch.rand(m.output:size()) end
      if not straight then m:zeroGradParameters() end
      m:updateGradInput(input, gradOutput)
    end
    for _, m in ipairs(copies) do
      if straight then m:accUpdateGradParameters(input, gradOutput, rate)
      else m:accGradParameters(input, gradOutput) end
    end
    if not straight then
      for _, m in ipairs(copies) do m:updateParameters(rate) end
    end
    return copies[1]
  end

  local function pair()
    local first, second = module:clone(), module:clone()
    second:share(first, weight)
    return { first, second }
  end

  local alone = pass { module:clone() }
  local step = torch.mul(alone[gradWeight], rate)
  local function off(m, times) return (start - torch.mul(step, times) - m[weight]):norm() end
  errors.accGradParameters = off(alone, 1)
  errors.accUpdateGradParameters = off(pass({ module:clone() }, true), 1)
  errors['accGradParameters [shared]'] = off(pass(pair()), 2)
  errors['accUpdateGradParameters [shared]'] = off(pass(pair(), true), 2)
  return errors
end

local function family(valuesOf)
  local tests = {}
  for name, fn in pairs(J) do
    tests[name] = function(...) return fn(valuesOf, ...) end
  end
  return tests
end

nn.Jacobian = family(function(t) return t end)
nn.SparseJacobian = family(function(t) return t:select(2, 2) end)
