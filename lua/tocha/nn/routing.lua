--- Layers that hand on the tensors of a table: their outputs are the very tensors they got.
-- @module tocha.nn.routing
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

-- The class `name`, whose output is route(self, input).
local function define(name, init, route)
  local class, parent = torch.class(name, 'nn.Module', nn)

  function class:__init(...)
    parent.__init(self)
    self.output, self.gradInput = {}, {}
    if init then init(self, ...) end
  end

  function class:updateOutput(input)
    self.output = route(self, input)
    return self.output
  end

  -- A tensor's gradient is that of the places it went to, zero where it went nowhere.
  function class:updateGradInput(input, gradOutput)
    local stand = utils.map(function(t) return takes.tensor(t).new():set(t) end, input) -- a tensor may come twice
    local gradients, flat = {}, utils.flat(gradOutput)
    for i, t in ipairs(utils.flat(route(self, stand))) do
      gradients[t] = gradients[t] and torch.add(gradients[t], flat[i]) or flat[i]
    end
    self.gradInput = utils.map(function(t)
      return gradients[t] or t.new():resizeAs(t):zero()
    end, stand)
    return self.gradInput
  end

  class.compute = route
  derive.seal(class)
  return class
end

-- (index): one entry of a table; negative ones count from the end
local SelectTable = define('nn.SelectTable', function(self, index) self.index = index end, function(self, input)
  local index = self.index
  if type(index) == 'number' and index < 0 then index = #takes.table(input) + index + 1 end
  takes.entries(input)
  if input[index] == nil then
    raise(('the input has %s entries and no entry %s'):format(tostring(#input), tostring(self.index)))
  end
  return input[index]
end)

function SelectTable:__tostring__() return ('%s(%s)'):format(torch.type(self), tostring(self.index)) end

-- (offset [, length]): a negative length counts from the end
define('nn.NarrowTable', function(self, offset, length)
  self.offset, self.length = tonumber(offset) or raise('nn.NarrowTable: the offset is missing'), length or 1
  if type(self.length) ~= 'number' then raise('nn.NarrowTable: the length is no number') end
end, function(self, input)
  takes.table(input)
  local length = self.length < 0 and #input - self.offset + 2 + self.length or self.length
  if not (self.offset >= 1 and length >= 0 and self.offset + length - 1 <= #input) then
    raise(('nn.NarrowTable: %s entries from %s on are wanted of a table of %d')
      :format(tostring(length), tostring(self.offset), #input))
  end
  local part = {}
  for i = 1, length do part[i] = input[self.offset + i - 1] end
  return part
end)

-- `input_map` has the nesting of the input and says where its tensors went. The output stays one table while its tensors
-- are the same.
local Flatten = define('nn.FlattenTable', nil, function(_, input) return utils.flat(input) end)

function Flatten:updateOutput(input)
  local output = utils.flat(input)
  local same = self.input_map and #output == #self.output
  for i = 1, #output do same = same and rawequal(output[i], self.output[i]) end
  if not same then
    local count = 0
    self.output, self.input_map = output, utils.map(function()
      count = count + 1
      return count
    end, input)
  end
  return self.output
end
derive.seal(Flatten)

-- A table of tables with their rows exchanged for columns: {{a, b}, {c, d}} -> {{a, c}, {b, d}}
define('nn.ZipTable', nil, function(_, input)
  local out = {}
  for i, row in ipairs(takes.table(input)) do
    for k, value in ipairs(takes.table(row)) do
      out[k] = out[k] or {}
      out[k][i] = value
    end
  end
  return out
end)

-- {a, {b, c}} -> {{a, b}, {a, c}}
define('nn.ZipTableOneToMany', nil, function(_, input)
  local out = {}
  for k, value in ipairs(takes.table(takes.table(input)[2])) do out[k] = { input[1], value } end
  return out
end)
