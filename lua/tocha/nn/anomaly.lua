--- Where the first number that is none, or is infinite, comes from.
--
-- While nn.detectAnomaly runs a function, the classes of the model's modules have update functions that look at every
-- result; on the tape, inputs and outputs of modules are watched for the gradients that pass. Nothing is left behind.
-- @module tocha.nn.anomaly
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local derive = require 'tocha.nn.derive'
local path = require 'tocha.nn.path'
local glue = require 'tocha.bindings.module'
local raise = require 'tocha.bindings.own'.raise

-- 'NaN at [2][3]' of the first such element of a nested table of tensors; nil if all are finite.
local function flaw(value)
  for _, t in ipairs(utils.flat(value)) do
    t = t:detach()
    local kind = t:type()
    if (kind == 'torch.FloatTensor' or kind == 'torch.DoubleTensor') and t:nElement() > 0 then
      local sum = t:sum()
      if sum ~= sum or math.abs(sum) == math.huge then
        local flat = t:contiguous():view(-1)
        for i = 1, flat:size(1) do
          local v = flat[i]
          if v ~= v or math.abs(v) == math.huge then
            local index, rest = {}, i - 1
            for d = t:dim(), 1, -1 do
              index[d], rest = ('[%d]'):format(rest % t:size(d) + 1), math.floor(rest / t:size(d))
            end
            return ('%s at %s'):format(v ~= v and 'NaN' or 'infinity', table.concat(index))
          end
        end
      end
    end
  end
end

-- Raises for a flaw in `value`; at: what stands before the sentence where no module is on the stack.
local function look(what, value, at)
  local found = flaw(value)
  if found then raise((at or '') .. found .. ' in ' .. what) end
end

local function parameters(self)
  local _, grads = self:parameters()
  look('the gradient of a parameter', grads or {})
end

-- Tensors like those of `value` that pass on, and look at, what gradient comes back.
local function watched(value, what, at)
  if not torch.isGradEnabled() then return value end
  return utils.map(function(t)
    if not t:requiresGrad() then return t end
    local y = t:detach():clone()
    glue.hostNode('anomaly', { t }, { y }, function(grads)
      look(what, { grads[1] }, at)
      return { grads[1] }
    end)
    return y
  end, value)
end

-- The looking function around a class's function of this name.
local looking = {
  updateOutput = function(plain)
    return function(self, input)
      look('the input', input)
      local output = plain(self, input)
      look('the output', output)
      return output
    end
  end,
  compute = function(plain)
    return function(self, input)
      local at = path.short()
      look('the input', input)
      local output = plain(self, watched(input, 'the gradient of its input', at))
      look('the output', output)
      return watched(output, 'the gradient of its output', at)
    end
  end,
}

for _, name in ipairs { 'updateGradInput', 'accGradParameters', 'backward' } do
  looking[name] = function(plain)
    return function(self, input, gradOutput, ...)
      look('the gradient of its output', gradOutput)
      local result = plain(self, input, gradOutput, ...)
      if name ~= 'accGradParameters' then look('the gradient of its input', result) end
      if name ~= 'updateGradInput' then parameters(self) end
      return result
    end
  end
end

-- The classes of the model's modules, and above them, that have functions to look into.
local function classesOf(model)
  local classes = {}
  for _, module in ipairs(model:listModules()) do
    local class = getmetatable(module)
    while class and torch.typename(class) do
      classes[class] = true
      class = getmetatable(class)
    end
  end
  classes[nn.Module] = nil
  return classes
end

local running = false

--- Runs fn(...) with eyes on a model: the first NaN or infinity that a module gets, or makes, going forwards or backwards, off
-- the tape or on it, is an error that names the path of the module. It costs a pass over every result; on the tape it has no
-- second derivatives.
-- @param model a module
-- @tparam function fn
-- @return what fn returns
function nn.detectAnomaly(model, fn, ...)
  if not torch.isTypeOf(model, 'nn.Module') or type(fn) ~= 'function' then
    raise('detectAnomaly: a module and a function are wanted')
  end
  if running then return fn(...) end
  local changed = {}
  for class in pairs(classesOf(model)) do
    local sealed, kept = derive.sealed(class), {}
    for name, wrap in pairs(looking) do
      kept[name] = rawget(class, name)
      if kept[name] then class[name] = wrap(kept[name]) end
    end
    if sealed then derive.seal(class) end
    changed[class] = { kept = kept, sealed = sealed }
  end
  running = true
  local results = { pcall(fn, ...) }
  running = false
  for class, was in pairs(changed) do
    for name, plain in pairs(was.kept) do class[name] = plain end
    if was.sealed then derive.seal(class) end
  end
  if not results[1] then error(results[2], 0) end
  return unpack(results, 2, table.maxn(results))
end

return nn.detectAnomaly
