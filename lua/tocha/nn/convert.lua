--- nn.Convert: inputs whose dimensions have letters, in another order or number.
-- @module tocha.nn.convert
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local raise = require 'tocha.bindings.own'.raise

-- (inputShape, outputShape): 'bchw' to 'chwb', or to 'bf' (all but the batch as features), 'b' to 'bt' ... b is the
-- batch; without it in a shape, it comes first. Inputs without a batch are taken too.
local Convert, convert = torch.class('nn.Convert', 'nn.Container', nn)

local function batched(shape) return shape:find('b') and shape or 'b' .. shape end

local function sameLetters(a, b)
  if #a ~= #b then return false end
  for letter in a:gmatch('.') do
    if not b:find(letter, 1, true) then return false end
  end
  return true
end

function Convert:__init(inputShape, outputShape)
  convert.__init(self)
  if outputShape and not inputShape then raise('nn.Convert: the shape of the input is missing') end
  self.inputShape = batched(inputShape or 'b*')
  self.outputShape = batched(outputShape or self.inputShape)
  local from, to = self.inputShape, self.outputShape
  local possible = from == to or sameLetters(from, to) or (to == 'bf' and from ~= 'bt') or (to == 'bt' and from == 'b')
    or (to == 'b' and (sameLetters(from, 'bt') or sameLetters(from, 'bf')))
  if not possible then raise(('nn.Convert: %s cannot be made of %s'):format(to, from)) end
end

local function position(shape, letter) return (shape:find(letter, 1, true)) end

-- A batch converted.
local function converted(self, x)
  local from, to = self.inputShape, self.outputShape
  if from == to then return x end
  if sameLetters(from, to) then
    local order = {}
    for i = 1, #to do order[i] = position(from, to:sub(i, i)) end
    return F.permute(x, order)
  end
  local rows = position(from, 'b')
  if to == 'b' then
    local other = 3 - rows
    if position(from, 'f') and x:size(other) > 1 then
      raise(('%s with %d features cannot be %s'):format(from, x:size(other), to))
    end
    return x:select(other, 1)
  end
  local order, size = { rows }, { x:size(rows), -1 }
  for d = 1, #from do
    if d ~= rows then order[#order + 1] = d end
  end
  return F.reshape(F.permute(x, order), size)
end

derive(Convert, function(self, input)
  if input:type() ~= self._type then input = input:type(self._type) end
  local from, to = self.inputShape, self.outputShape
  if from:find('*', 1, true) or input:dim() >= #from then return converted(self, input) end
  local size = input:size():totable()
  table.insert(size, position(from, 'b'), 1)
  return converted(self, F.reshape(input, size)):select(position(to, 'b'), 1)
end)
