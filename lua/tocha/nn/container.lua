--- Containers: modules made of modules.
--
-- A container's own update functions run the children's, so that any mixture of derived and legacy layers works inside;
-- its compute runs the children on the tape. Calls of children are no tail calls: messages of errors name the path of
-- the module, and find it on the stack (see path.lua).
-- @module tocha.nn.container
local torch = require 'tocha'
local nn = require 'tocha.nn'
local skipped = require 'tocha.nn.skipped'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local raise = require 'tocha.bindings.own'.raise

-- The parent of modules that are made of modules: add(module), get(i), size(), and what they do together.
local Container, parent = torch.class('nn.Container', 'nn.Module', nn)

function Container:__init(...)
  parent.__init(self, ...)
  self.modules = {}
end

--- Adds a module. A script's own container may add nil, as in Torch7, and get its modules later.
function Container:add(module)
  if module == nil and torch.isTypeOf(self, 'nn.Container') and not torch.class.isLibrary(self) then return self end
  if not torch.isTypeOf(module, 'nn.Module') then
    raise(('add: a module is wanted, but a %s was given'):format(torch.type(module)))
  end
  table.insert(self.modules, module)
  return self
end

function Container:get(index) return self.modules[index] end

function Container:size() return #self.modules end

function Container:applyToModules(fn)
  for _, module in ipairs(self.modules) do fn(module) end
end

--- Calls a function of child `index` by name: how containers of packages call theirs. Messages of errors name the path
-- anyway (path.lua); this is no tail call, so that it stays on the stack.
function Container:rethrowErrors(module, _, name, ...)
  local result, second = module[name](module, ...)
  return result, second
end

function Container:zeroGradParameters()
  local modules = self.modules
  for i = 1, #modules do modules[i]:zeroGradParameters() end
end

function Container:updateParameters(rate)
  local modules = self.modules
  for i = 1, #modules do modules[i]:updateParameters(rate) end
end

function Container:training()
  for _, module in ipairs(self.modules) do module:training() end
  parent.training(self)
end

function Container:evaluate()
  for _, module in ipairs(self.modules) do module:evaluate() end
  parent.evaluate(self)
end

function Container:share(other, ...)
  local given = type(other) == 'table' and other.modules
  if not given or #given < #self.modules then
    raise(('share: a container of %d modules is wanted, but a %s was given'):format(#self.modules, torch.type(other)))
  end
  for i, module in ipairs(self.modules) do module:share(other.modules[i], ...) end
  return self
end

function Container:reset(deviation)
  for _, module in ipairs(self.modules) do module:reset(deviation) end
end

function Container:parameters()
  local params, grads = {}, {}
  for _, module in ipairs(self.modules) do
    local p, g = module:parameters()
    utils.flat(p, params)
    utils.flat(g, grads)
  end
  return params, grads
end

function Container:clearState()
  for _, module in ipairs(self.modules) do module:clearState() end
  return parent.clearState(self)
end

local function indented(text, by) return (tostring(text):gsub('\n', '\n' .. by)) end

-- The picture of children that work side by side.
local function picture(self)
  local lines, count = { torch.type(self) .. ' {', '  input' }, #self.modules
  for i, module in ipairs(self.modules) do
    local last = i == count
    lines[#lines + 1] = ('  %s(%d): %s'):format(last and '   `-> ' or '  |`-> ', i,
      indented(module, last and '         ' or '    |    '))
  end
  lines[#lines + 1] = '     ... -> output'
  return table.concat(lines, '\n') .. '\n}'
end

-- -- in a row ------------------------------------------------------------------------------------------------------

-- add(module): modules in a row, each of which gets what the one before it gives.
local Sequential = torch.class('nn.Sequential', 'nn.Container', nn)

function Sequential:__len() return #self.modules end

-- LuaJIT built without Lua 5.2's additions asks no __len of a table. There `#net` counts marks in the table itself, its entries
-- 1, 2, ...; files leave them out (compat.lua).
local isAsked = #setmetatable({}, { __len = function() return 1 end }) == 1

--- Sets the marks anew.
function Sequential:setMarks()
  if isAsked or type(self.modules) ~= 'table' then return end
  local count = #self.modules
  for i = math.max(count, #self), 1, -1 do rawset(self, i, i <= count or nil) end
end

local function ends(self)
  local modules = self.modules
  self:setMarks()
  self.output = #modules > 0 and modules[#modules].output or torch.Tensor()
  self.gradInput = #modules > 0 and modules[1].gradInput or torch.Tensor()
end

function Sequential:add(module)
  Container.add(self, module)
  ends(self)
  return self
end

--- Puts a module in at an index (at the end without one).
function Sequential:insert(module, index)
  local count = #self.modules
  index = index or count + 1
  if index < 1 or index > count + 1 then
    raise(('insert: index %s is outside 1..%d'):format(tostring(index), count + 1))
  end
  table.insert(self.modules, index, module)
  ends(self)
  return self
end

--- Takes the module at an index out (the last without one).
function Sequential:remove(index)
  local count = #self.modules
  index = index or count
  if index < 1 or index > count then
    raise(('remove: index %s is outside 1..%d'):format(tostring(index), count))
  end
  table.remove(self.modules, index)
  ends(self)
  return self
end

local fuse, chunks, passing -- loaded when they are first needed, for they need the layers

-- The output of the run of modules that begins at modules[i] and its last one; nothing if there is none.
local function run(self, modules, i, input)
  if fuse.convolves(modules[i]) and not self.sharesOutputs then
    local output, last = chunks.forward(modules, i, input)
    if last then return output, last end
  end
  local count, norm, activation = fuse.run(self, modules, i)
  if count > 1 then return fuse.forward(self, modules, i, input, count, norm, activation), i + count - 1 end
  skipped.drop(modules[i], 'output')
end

function Sequential:updateOutput(input)
  local modules, i = self.modules, 1
  if not fuse then fuse, chunks = require 'tocha.nn.fuse', require 'tocha.nn.chunks' end
  while i <= #modules do
    local output, last = run(self, modules, i, input)
    if not output then output, last = modules[i]:updateOutput(input), i end
    input, i = output, last + 1
  end
  self.output = input
  return input
end

-- Before a backward pass.
local function restore(self, input)
  if self.sharesOutputs then fuse = fuse or require 'tocha.nn.fuse' end
  if fuse then fuse.restore(self, input) end
end

function Sequential:training()
  if fuse then fuse.allow(self) end
  if self.sharesOutputs then -- optnet.lua
    self.sharesOutputs = nil
    self:clearState()
  end
  Container.training(self)
end

function Sequential:evaluate()
  if fuse then fuse.allow(self) end
  Container.evaluate(self)
end

-- What modules[i] reads.
local function read(modules, i, input)
  if i > 1 then return modules[i - 1].output end
  return input
end

-- The gradient before the run of modules that ends with modules[i], and its first one; nothing if there is none.
local function back(modules, i, input, gradOutput, scale)
  local m = modules[i]
  if not fuse or i < 2 or not fuse.ends(modules, i) then return end
  if scale then
    local gradient, first = chunks.backward(modules, i, input, gradOutput, scale)
    if first then return gradient, first end
  end
  local gradient = fuse.backward(modules, i, read(modules, i - 1, input), gradOutput, scale)
  if gradient then return gradient, i - 1 end
  skipped.drop(m, 'gradInput')
end

function Sequential:updateGradInput(input, gradOutput)
  local modules, i = self.modules, #self.modules
  restore(self, input)
  while i > 0 do
    local gradient, first = back(modules, i, input, gradOutput)
    if not first then gradient, first = modules[i]:updateGradInput(read(modules, i, input), gradOutput), i end
    gradOutput, i = gradient, first - 1
  end
  self.gradInput = gradOutput
  return gradOutput
end

function Sequential:accGradParameters(input, gradOutput, scale)
  local modules = self.modules
  restore(self, input)
  for i = #modules, 2, -1 do
    modules[i]:accGradParameters(modules[i - 1].output, gradOutput, scale or 1)
    gradOutput = modules[i].gradInput
  end
  if modules[1] then modules[1]:accGradParameters(input, gradOutput, scale or 1) end
end

function Sequential:backward(input, gradOutput, scale)
  local modules, i = self.modules, #self.modules
  restore(self, input)
  scale = scale or 1
  while i > 0 do
    local gradient, first = back(modules, i, input, gradOutput, scale)
    if not first then gradient, first = modules[i]:backward(read(modules, i, input), gradOutput, scale), i end
    gradOutput, i = gradient, first - 1
  end
  self.gradInput = gradOutput
  return gradOutput
end

function Sequential:accUpdateGradParameters(input, gradOutput, rate)
  local modules = self.modules
  restore(self, input)
  for i = #modules, 2, -1 do
    modules[i]:accUpdateGradParameters(modules[i - 1].output, gradOutput, rate)
    gradOutput = modules[i].gradInput
  end
  if modules[1] then modules[1]:accUpdateGradParameters(input, gradOutput, rate) end
end

function Sequential:compute(input)
  passing = passing or require 'tocha.nn.passing'
  return (passing.chain(self.modules, input))
end

function Sequential:__tostring__()
  local chain, lines = { 'input' }, { false }
  for i, module in ipairs(self.modules) do
    chain[#chain + 1] = ('(%d)'):format(i)
    lines[#lines + 1] = ('  (%d): %s'):format(i, indented(module, '  '))
  end
  chain[#chain + 1] = 'output'
  local name = torch.type(self)
  -- Torch7 printed what derives from Sequential as one
  lines[1] = (name:find '^tocha%.' and name or 'nn.Sequential') .. ' {\n  [' .. table.concat(chain, ' -> ') .. ']'
  return table.concat(lines, '\n') .. '\n}'
end

derive.seal(Sequential)

return { picture = picture }
