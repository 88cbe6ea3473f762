--- Containers whose children work side by side.
-- @module tocha.nn.branches
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local picture = require 'tocha.nn.container'.picture
local parameter = require 'tocha.nn.parameter'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

-- t without the entries that `like` does not have.
local function trimmed(t, like)
  if type(t) ~= 'table' then return t end
  for k in pairs(t) do t[k] = like[k] ~= nil and trimmed(t[k], like[k]) or nil end
  return t
end

-- Sum of the children's gradients, in the buffers that gradInput has.
local function sum(self, _, grads)
  local total
  for i = 1, #grads do
    local g = grads[i]
    if g ~= nil and total then total = utils.recursiveAdd(total, g)
    elseif g ~= nil then
      total = utils.recursiveCopy(type(self.gradInput) == type(g) and self.gradInput or nil, g)
    end
  end
  return trimmed(total, grads[1])
end

local function list(_, _, grads) return grads end

-- Gives a container its passes. how.input(self, input, i) and how.gradOutput(self, gradOutput, i) are what child i
-- sees, how.count(self, input) how many children take part (all), how.join(self, outputs) makes the output of the
-- children's, how.gradInput(self, input, grads) the gradInput.
local function branches(class, how)
  local inputOf, partOf, join = how.input, how.gradOutput, how.join
  local count = how.count or function(self) return #self.modules end

  function class:updateOutput(input)
    local outputs = {}
    for i = 1, count(self, input) do outputs[i] = self.modules[i]:updateOutput(inputOf(self, input, i)) end
    self.output = join(self, outputs)
    return self.output
  end

  local function gather(self, input, gradOutput, method, scale)
    local grads = {}
    for i = 1, count(self, input) do
      grads[i] = self.modules[i][method](self.modules[i], inputOf(self, input, i), partOf(self, gradOutput, i), scale)
    end
    self.gradInput = how.gradInput(self, input, grads)
    return self.gradInput
  end

  function class:updateGradInput(input, gradOutput)
    local gradInput = gather(self, input, gradOutput, 'updateGradInput')
    return gradInput
  end

  function class:backward(input, gradOutput, scale)
    local gradInput = gather(self, input, gradOutput, 'backward', scale or 1)
    return gradInput
  end

  function class:accGradParameters(input, gradOutput, scale)
    for i = 1, count(self, input) do
      self.modules[i]:accGradParameters(inputOf(self, input, i), partOf(self, gradOutput, i), scale or 1)
    end
  end

  function class:accUpdateGradParameters(input, gradOutput, rate)
    for i = 1, count(self, input) do
      self.modules[i]:accUpdateGradParameters(inputOf(self, input, i), partOf(self, gradOutput, i), rate)
    end
  end

  function class:compute(input)
    local outputs = {}
    for i = 1, count(self, input) do outputs[i] = nn.call(self.modules[i], inputOf(self, input, i)) end
    return join(self, outputs)
  end

  class.__tostring__ = picture
  derive.seal(class)
end

local function whole(_, input) return input end
local function entry(_, t, i) return takes.entries(t)[i] end
local function asTable(_, outputs) return outputs end

-- x -> {f1(x), f2(x), ...}
local ConcatTable, concatTable = torch.class('nn.ConcatTable', 'nn.Container', nn)

function ConcatTable:__init()
  concatTable.__init(self)
  self.output = {}
end

branches(ConcatTable, { input = whole, gradOutput = entry, join = asTable, gradInput = sum })

-- {x1, x2, ...} -> {f1(x1), f2(x2), ...}
local ParallelTable, parallelTable = torch.class('nn.ParallelTable', 'nn.Container', nn)

function ParallelTable:__init()
  parallelTable.__init(self)
  self.output, self.gradInput = {}, {}
end

branches(ParallelTable, { input = entry, gradOutput = entry, join = asTable, gradInput = list })

-- -- results joined along a dimension -------------------------------------------------------------------------------

-- A dimension that the constructor got; scripts make containers without any, to hold modules.
local function dimensionOf(self, field) return self[field] or raise(('there is no %s to work along'):format(field)) end

local function along(field)
  local function join(self, outputs) return torch.cat(outputs, dimensionOf(self, field)) end
  local function part(self, gradOutput, i)
    local dim, offset = dimensionOf(self, field), 1
    for k = 1, i - 1 do offset = offset + self.modules[k].output:size(dim) end
    return takes.tensor(gradOutput):narrow(dim, offset, self.modules[i].output:size(dim))
  end
  return join, part
end

-- (dimension): x -> f1(x), f2(x), ... joined
local Concat, concat = torch.class('nn.Concat', 'nn.Container', nn)

function Concat:__init(dimension)
  concat.__init(self)
  self.dimension = dimension
end

local join, part = along('dimension')
branches(Concat, { input = whole, gradOutput = part, join = join, gradInput = sum })

-- (inputDimension, outputDimension): child i sees slice i of the input, the results are joined
local Parallel, parallel = torch.class('nn.Parallel', 'nn.Container', nn)

function Parallel:__init(inputDimension, outputDimension)
  parallel.__init(self)
  self.inputDimension, self.outputDimension = inputDimension, outputDimension
end

local joinSlices, partSlices = along('outputDimension')
branches(Parallel, {
  input = function(self, input, i) return takes.tensor(input):select(dimensionOf(self, 'inputDimension'), i) end,
  count = function(self, input)
    local slices = takes.tensor(input):size(dimensionOf(self, 'inputDimension'))
    if slices > #self.modules then
      raise(('size mismatch: the input has %d slices for %d modules'):format(slices, #self.modules))
    end
    return slices
  end,
  gradOutput = partSlices, join = joinSlices,
  gradInput = function(self, input, grads)
    local gradInput = torch.isTensor(self.gradInput) and self.gradInput or input.new()
    gradInput:resizeAs(input)
    for i, g in ipairs(grads) do gradInput:select(self.inputDimension, i):copy(g) end
    return gradInput
  end,
})

-- -- one child for many inputs --------------------------------------------------------------------------------------

-- Applies one module to every entry of a table; the clones share its parameters unless `shared` is false.
local MapTable, mapTable = torch.class('nn.MapTable', 'nn.Container', nn)

function MapTable:__init(module, shared)
  mapTable.__init(self)
  self.shared = shared == nil or shared
  self.output, self.gradInput = {}, {}
  if module then self:add(module) end
end

local function only(self) return self.module or raise('there is no module to apply') end

function MapTable:add(module)
  parameter.part(self, 'module', module)
  self.module, self.modules = module, { module }
  return self
end

--- Makes as many clones as there are to be entries.
function MapTable:resize(count)
  for i = #self.modules + 1, count do
    self.modules[i] = self.shared and only(self):sharedClone() or only(self):clone()
  end
  for i = #self.modules, count + 1, -1 do self.modules[i] = nil end
end

branches(MapTable, { input = entry, gradOutput = entry, join = asTable, gradInput = list })
for _, name in ipairs { 'updateOutput', 'compute' } do
  local each = MapTable[name]
  MapTable[name] = function(self, input)
    self:resize(#takes.table(input))
    local output = each(self, input)
    return output
  end
end
derive.seal(MapTable)

--- Leaves one module.
function MapTable:clearState()
  self:resize(1)
  return mapTable.clearState(self)
end

function MapTable:parameters() return only(self):parameters() end

function MapTable:zeroGradParameters() only(self):zeroGradParameters() end

function MapTable:updateParameters(rate) only(self):updateParameters(rate) end

function MapTable:__tostring__()
  if not self.module then return torch.type(self) .. ' { }' end
  return torch.type(self) .. ' {\n  ' .. tostring(self.module):gsub('\n', '\n        ') .. '\n}'
end

return { define = branches, whole = whole, sum = sum, dimensionOf = dimensionOf }
