--- Containers of one module that change what happens around it.
-- @module tocha.nn.decorator
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

-- (module): does what the module does
local Decorator, decorator = torch.class('nn.Decorator', 'nn.Container', nn)

function Decorator:__init(module)
  decorator.__init(self)
  parameter.part(self, 'module', module)
  self.modules[1] = module
end

function Decorator:updateOutput(input)
  self.output = self.modules[1]:updateOutput(input)
  return self.output
end

function Decorator:updateGradInput(input, gradOutput)
  self.gradInput = self.modules[1]:updateGradInput(input, gradOutput)
  return self.gradInput
end

for _, name in ipairs { 'accGradParameters', 'accUpdateGradParameters', 'sharedAccUpdateGradParameters' } do
  Decorator[name] = function(self, ...) self.modules[1][name](self.modules[1], ...) end
end

function Decorator:compute(input)
  local output = nn.call(self.modules[1], input)
  return output
end
derive.seal(Decorator)

local function describe(self, extra)
  return torch.type(self) .. (extra or '') .. ' @ ' .. tostring(self.modules[1])
end

function Decorator:__tostring__() return describe(self) end

--- Gives another class the functions of this one.
function Decorator.decorate(class)
  for _, name in ipairs { 'updateOutput', 'updateGradInput', 'accGradParameters', 'accUpdateGradParameters',
    'sharedAccUpdateGradParameters', 'compute', '__tostring__' } do
    class[name] = Decorator[name]
  end
  derive.seal(class)
end

-- (module [, nInputDim [, nOutputDim]]): folds leading dimensions into a batch, so that a module of (N, C) takes (T, N,
-- C).
local Bottle, bottle = torch.class('nn.Bottle', 'nn.Decorator', nn)

function Bottle:__init(module, nInputDim, nOutputDim)
  bottle.__init(self, module)
  self.nInputDim = nInputDim or 2
  self.nOutputDim = nOutputDim or self.nInputDim
  self.dimDelta = self.nInputDim - self.nOutputDim
end

-- t with all but its last count - 1 dimensions folded into one.
local function folded(t, count)
  if takes.tensor(t):dim() <= count then return t end
  local size, rows = { 1 }, t:dim() - count + 1
  for d = 1, t:dim() do
    if d <= rows then size[1] = size[1] * t:size(d) else size[#size + 1] = t:size(d) end
  end
  return t:contiguous():view(torch.LongStorage(size))
end

local function unfolded(self, t, input)
  if input:dim() <= self.nInputDim then return t end
  local size = {}
  for d = 1, input:dim() - self.nInputDim + 1 do size[d] = input:size(d) end
  for d = 2, takes.tensor(t):dim() do size[#size + 1] = t:size(d) end
  return t:view(torch.LongStorage(size))
end

function Bottle:updateOutput(input)
  local output = self.modules[1]:updateOutput(folded(input, self.nInputDim))
  self.output = unfolded(self, output, input)
  return self.output
end

local function through(self, method, input, gradOutput, scale)
  local gradInput = self.modules[1][method](self.modules[1], folded(input, self.nInputDim),
    folded(gradOutput, self.nOutputDim), scale)
  return gradInput and gradInput:viewAs(input)
end

function Bottle:updateGradInput(input, gradOutput)
  self.gradInput = through(self, 'updateGradInput', input, gradOutput)
  return self.gradInput
end

function Bottle:backward(input, gradOutput, scale)
  self.gradInput = through(self, 'backward', input, gradOutput, scale or 1)
  return self.gradInput
end

function Bottle:accGradParameters(input, gradOutput, scale)
  self.modules[1]:accGradParameters(folded(input, self.nInputDim), folded(gradOutput, self.nOutputDim), scale or 1)
end

function Bottle:compute(input)
  return unfolded(self, nn.call(self.modules[1], folded(input, self.nInputDim)), input)
end
derive.seal(Bottle)

-- (module, device): the place of a module on a graphics card; here everything is in one memory
local GPU, gpu = torch.class('nn.GPU', 'nn.Decorator', nn)

function GPU:__init(module, device, outdevice)
  gpu.__init(self, module)
  if type(device) ~= 'number' then raise('nn.GPU: the number of a device is wanted') end
  self.device, self.outdevice = device, outdevice or device
end

function GPU:setDevice(device)
  self.device = device or self.device
  return self
end

function GPU:__tostring__() return ('nn.GPU(%d) @ %s'):format(self.device, tostring(self.modules[1])) end

-- -- watching -------------------------------------------------------------------------------------------------------

-- (module [, interval [, name]]): prints the seconds that every `interval` passes took
local Profile, profile = torch.class('nn.Profile', 'nn.Decorator', nn)

function Profile:__init(module, interval, name)
  profile.__init(self, module)
  self.module, self.print_interval, self.name = module, interval or 100, name or torch.type(module)
  self.numFwds, self.numBwds, self.summedFwdTime, self.summedBwdTime = 0, 0, 0, 0
end

-- Calls update(self, ...), counts it in the fields `count` and `sum`.
local function timed(update, count, sum, what)
  return function(self, ...)
    local timer = torch.Timer()
    local result = update(self, ...)
    self[count], self[sum] = self[count] + 1, self[sum] + timer:time().real
    if self[count] % self.print_interval == 0 then
      print(('%s took %.3f seconds for %d %s passes'):format(self.name, self[sum], self.print_interval, what))
      self[count], self[sum] = 0, 0
    end
    return result
  end
end

Profile.updateOutput = timed(Decorator.updateOutput, 'numFwds', 'summedFwdTime', 'forward')
Profile.compute = timed(Decorator.compute, 'numFwds', 'summedFwdTime', 'forward')
Profile.updateGradInput = timed(Decorator.updateGradInput, 'numBwds', 'summedBwdTime', 'backward')
derive.seal(Profile)

-- (module [, id]): an error where a number that is none appears
local NaN, nan = torch.class('nn.NaN', 'nn.Decorator', nn)
local count = 0

function NaN.newId()
  count = count + 1
  return count
end

function NaN:__init(module, id)
  nan.__init(self, module)
  self.id = id or NaN.newId()
end

local function anyNaN(value)
  for _, t in ipairs(utils.flat(value)) do
    local sum = t:sum()
    if torch.isTensor(sum) then sum = sum:item() end
    if sum ~= sum then return true end
  end
  return false
end

-- Raises unless the value is free of NaN; {name, value, ...} are what it was made of.
local function check(self, what, value, sources)
  if not anyNaN(value) then return value end
  for i = 1, #sources, 2 do
    if anyNaN(sources[i + 1]) then what = sources[i] break end
  end
  raise(('NaN in %s of %s'):format(what, tostring(self)))
end

function NaN:updateOutput(input)
  return check(self, 'output', Decorator.updateOutput(self, input), { 'input', input, 'parameters', (self:parameters()) })
end

function NaN:compute(input)
  return check(self, 'output', Decorator.compute(self, input), { 'input', input, 'parameters', (self:parameters()) })
end

function NaN:updateGradInput(input, gradOutput)
  return check(self, 'gradInput', Decorator.updateGradInput(self, input, gradOutput), { 'gradOutput', gradOutput })
end

function NaN:accGradParameters(...)
  Decorator.accGradParameters(self, ...)
  local _, grads = self:parameters()
  check(self, 'gradParameters', grads, {})
end
derive.seal(NaN)

function NaN:__tostring__() return describe(self, ('(%d)'):format(self.id)) end

-- -- types ----------------------------------------------------------------------------------------------------------

-- The type of the first tensor of a nested table.
local function typeOf(value)
  local first = utils.flat(value)[1]
  return first and first:type()
end

local function cast(value, type)
  return utils.map(function(t) return takes.tensor(t):type() == type and t or t:type(type) end, value)
end

-- (module [, castin [, castout [, moduleType]]]): a module that keeps its type when the model's changes; castin and
-- castout let its inputs and outputs have the model's.
local DontCast, dontCast = torch.class('nn.DontCast', 'nn.Decorator', nn)

function DontCast:__init(module, castin, castout, moduleType)
  dontCast.__init(self, module)
  self.castin = castin
  if castout == nil then castout = castin end
  self.castout = castout
  self.moduleType = moduleType or typeOf(module.output) or typeOf((module:parameters()))
  if (castin or castout) and not self.moduleType then
    raise('nn.DontCast: the type of the module is not known: give it as the fourth argument')
  end
end

local function inner(self, input) return self.castin and cast(input, self.moduleType) or input end

function DontCast:updateOutput(input)
  local output = self.modules[1]:updateOutput(inner(self, input))
  self.output = self.castout and cast(output, self._type) or output
  return self.output
end

function DontCast:updateGradInput(input, gradOutput)
  gradOutput = self.castout and cast(gradOutput, self.moduleType) or gradOutput
  local gradInput = self.modules[1]:updateGradInput(inner(self, input), gradOutput)
  self.gradInput = self.castin and cast(gradInput, self._type) or gradInput
  return self.gradInput
end

for _, name in ipairs { 'accGradParameters', 'accUpdateGradParameters' } do
  DontCast[name] = function(self, input, gradOutput, ...)
    gradOutput = self.castout and cast(gradOutput, self.moduleType) or gradOutput
    self.modules[1][name](self.modules[1], inner(self, input), gradOutput, ...)
  end
end

function DontCast:type(type)
  if not type then return self._type end
  self._type = type
  if self.castout then self.output = cast(self.output, type) end
  if self.castin then self.gradInput = cast(self.gradInput, type) end
  return self
end

function DontCast:compute(input)
  local output = nn.call(self.modules[1], inner(self, input))
  return self.castout and cast(output, self._type) or output
end
derive.seal(DontCast)

-- ([intype [, outtype [, forceCopy [, dontCast]]]]): the input as another type
local Copy, copy = torch.class('nn.Copy', 'nn.Module', nn)

function Copy:__init(intype, outtype, forceCopy, keep)
  copy.__init(self)
  self.dontCast, self.forceCopy = keep, forceCopy
  intype, outtype = intype or self._type, outtype or self._type
  for _, name in ipairs { intype, outtype } do
    if type(name) ~= 'string' or not name:find 'Tensor$' or not torch.getmetatable(name) then
      raise(('nn.Copy: there is no tensor type %s'):format(tostring(name)))
    end
  end
  self.gradInput, self.output = torch.getmetatable(intype).new(), torch.getmetatable(outtype).new()
end

function Copy:updateOutput(input)
  if not self.forceCopy and takes.tensor(input):type() == self.output:type() and input:type() == self.gradInput:type() then
    self.output:set(input)
    return input
  end
  self.output:resize(takes.tensor(input):size()):copy(input)
  return self.output
end

function Copy:updateGradInput(_, gradOutput)
  self.gradInput:resize(takes.tensor(gradOutput):size()):copy(gradOutput)
  return self.gradInput
end

function Copy:compute(input) return takes.tensor(input):type(self.output:type()) end
derive.seal(Copy)

function Copy:type(type, cache)
  if type and self.dontCast then return self end
  return copy.type(self, type, cache)
end

-- ([prefix]): prints the sizes that pass
local PrintSize, printSize = torch.class('nn.PrintSize', 'nn.Module', nn)

function PrintSize:__init(prefix)
  printSize.__init(self)
  self.prefix = prefix or 'PrintSize'
end

local function sizes(value)
  if torch.isTensor(value) then return table.concat(value:size():totable(), 'x') end
  if type(value) ~= 'table' then return 'missing' end
  local list = {}
  for i, v in ipairs(value) do list[i] = sizes(v) end
  return '{' .. table.concat(list, ', ') .. '}'
end

function PrintSize:updateOutput(input)
  print(self.prefix .. ':input ' .. sizes(input))
  self.output = input
  return input
end

function PrintSize:updateGradInput(_, gradOutput)
  print(self.prefix .. ':gradOutput ' .. sizes(gradOutput))
  self.gradInput = gradOutput
  return gradOutput
end

function PrintSize:compute(input)
  print(self.prefix .. ':input ' .. sizes(input))
  return input
end
derive.seal(PrintSize)
