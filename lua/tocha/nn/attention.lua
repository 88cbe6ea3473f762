--- Attention and the blocks of transformers.
-- @module tocha.nn.attention
local torch = require 'tocha'
local nn = require 'tocha.nn'
local F = require 'tocha.nn.functional'
local derive = require 'tocha.nn.derive'
local check = require 'tocha.kinds'.check
local parameter = require 'tocha.nn.parameter'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

-- (size, heads [, options {causal, bias (true)}]): attention with projections (Vaswani et al. 2017), with the weights
-- of PyTorch's MultiheadAttention. x (batch, steps, size) attends to itself; {q, k, v [, mask]} q to k. A mask
-- broadcasts to (batch, heads, queries, keys): a ByteTensor, 0 where nothing is to be seen, or numbers that are added
-- to the scores.
local MultiHead, multiHead = torch.class('tocha.MultiHeadAttention', 'nn.Module', nn)

local names = { 'in_proj_weight', 'in_proj_bias', 'out_proj_weight', 'out_proj_bias' }

local function sizes(self, size, heads)
  check(torch.type(self), 'size', 'number', size)
  check(torch.type(self), 'heads', 'number', heads)
end

function MultiHead:__init(size, heads, options)
  multiHead.__init(self)
  sizes(self, size, heads)
  options = parameter.options(self, options, 'causal bias')
  if size % heads ~= 0 or heads < 1 then
    raise(('%d features cannot be cut into %d heads'):format(size, heads))
  end
  self.size, self.heads, self.causal = size, heads, options.causal or false
  parameter.new(self, 'in_proj_weight', 3 * size, size)
  parameter.new(self, 'out_proj_weight', size, size)
  if options.bias ~= false then
    parameter.new(self, 'in_proj_bias', 3 * size)
    parameter.new(self, 'out_proj_bias', size)
  end
  self:reset()
end

--- The projections in: Glorot and Bengio's uniform numbers; out: uniform by the fan in; biases 0.
function MultiHead:reset()
  local d, e = math.sqrt(6 / (4 * self.size)), 1 / math.sqrt(self.size)
  self.in_proj_weight:uniform(-d, d)
  self.out_proj_weight:uniform(-e, e)
  if self.in_proj_bias then
    self.in_proj_bias:zero()
    self.out_proj_bias:zero()
  end
end

function MultiHead:parameters()
  local params, grads = {}, {}
  for _, name in ipairs(names) do
    if self[name] then
      params[#params + 1], grads[#grads + 1] = self[name], self['grad' .. name:sub(1, 1):upper() .. name:sub(2)]
    end
  end
  return params, grads
end

-- Part i of the projections in.
local function projected(self, i, x)
  local from, size = (i - 1) * self.size + 1, self.size
  return F.linear(x, torch.narrow(self.in_proj_weight, 1, from, size),
    self.in_proj_bias and torch.narrow(self.in_proj_bias, 1, from, size))
end

local function attend(self, input)
  local y
  if torch.isTensor(input) then
    y = F.self_attention(F.linear(input, self.in_proj_weight, self.in_proj_bias), nil, self.heads, self.causal)
  else
    takes.tensors(input, 3)
    y = F.attention(projected(self, 1, input[1]), projected(self, 2, input[2]), projected(self, 3, input[3]), input[4],
      self.heads, self.causal)
  end
  return F.linear(y, self.out_proj_weight, self.out_proj_bias)
end

-- What is made on the way lives as long as the tape needs it.
derive(MultiHead, takes.anything(function(self, input) return torch.scope(attend, self, input) end))

function MultiHead:__tostring__()
  return ('%s(%d, %d heads%s)'):format(torch.type(self), self.size, self.heads, self.causal and ', causal' or '')
end

-- (module): x + module(x)
local Residual, residual = torch.class('tocha.Residual', 'nn.Container', nn)

function Residual:__init(module)
  residual.__init(self)
  if module then self:add(module) end
end

local function into(t, x) return torch.isTensor(t) and t:type() == takes.tensor(x):type() and t or x.new() end

local function inside(self) return self.modules[1] or raise('there is no module inside') end

function Residual:updateOutput(input)
  local inner = inside(self):updateOutput(input)
  self.output = torch.add(into(self.output, input), inner, input)
  return self.output
end

local function backward(self, gradient, gradOutput)
  self.gradInput = torch.add(into(self.gradInput, gradOutput), gradient, gradOutput)
  return self.gradInput
end

function Residual:updateGradInput(input, gradOutput)
  return backward(self, inside(self):updateGradInput(input, gradOutput), gradOutput)
end

function Residual:backward(input, gradOutput, scale)
  return backward(self, inside(self):backward(input, gradOutput, scale or 1), gradOutput)
end

function Residual:accGradParameters(input, gradOutput, scale)
  inside(self):accGradParameters(input, gradOutput, scale or 1)
end

function Residual:accUpdateGradParameters(input, gradOutput, rate)
  inside(self):accUpdateGradParameters(input, gradOutput, rate)
end

function Residual:compute(input) return torch.add(nn.call(inside(self), input), input) end
derive.seal(Residual)

function Residual:__tostring__()
  return ('%s(%s)'):format(torch.type(self), (tostring(self.modules[1]):gsub('\n', '\n  ')))
end

-- (size, heads [, options]): one layer of a transformer over (batch, steps, size). options: hidden (4 size), dropout
-- (0), activation (a constructor, nn.GELU), causal, normFirst (true: normalisation before each part, as GPT-2 has it;
-- false: after the sum, as in the paper).
local Layer, layer = torch.class('tocha.TransformerLayer', 'nn.Sequential', nn)

function Layer:__init(size, heads, options)
  layer.__init(self)
  sizes(self, size, heads)
  options = parameter.options(self, options, 'hidden dropout activation causal normFirst')
  local hidden, dropout = options.hidden or 4 * size, options.dropout or 0
  local activation = options.activation or nn.GELU
  local attention = nn.MultiHeadAttention(size, heads, { causal = options.causal })
  local feedForward = nn.Sequential():add(nn.Linear(size, hidden)):add(activation()):add(nn.Linear(hidden, size))
  for _, part in ipairs { attention, feedForward } do
    local branch = nn.Sequential()
    if options.normFirst ~= false then branch:add(nn.LayerNorm(size)) end
    branch:add(part)
    if dropout > 0 then branch:add(nn.Dropout(dropout)) end
    self:add(nn.Residual(branch))
    if options.normFirst == false then self:add(nn.LayerNorm(size)) end
  end
end
