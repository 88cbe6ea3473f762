--- What optimizers take: constants by name, memory, and what the function to minimize gives. Each raises at the caller's line,
-- behind the name of the optimizer, unless it is of its kind.
-- @module tocha.optim.takes
local torch = require 'tocha'
local own = require 'tocha.bindings.own'
local update = require 'tocha.bindings.update'
local check = require 'tocha.kinds'.check

local isTensor, fits = torch.isTensor, update.fits
local takes = {}

local function shape(t)
  return ('%s of %s'):format(t:type():match '[^.]+$', t:dim() == 0 and 'one number' or table.concat(t:size():totable(), 'x'))
end

local function describe(value)
  if type(value) == 'number' or value == nil then return tostring(value) end
  return 'a ' .. (isTensor(value) and shape(value) or type(value))
end

--- What Torch7's functions begin with.
-- @tparam string op
-- @tparam function opfunc
-- @tparam tensor x
-- @tparam[opt] table config
-- @tparam[opt] table state
function takes.arguments(op, opfunc, x, config, state)
  if type(opfunc) ~= 'function' then check(op, 'the function', 'function', opfunc) end
  if not isTensor(x) then check(op, 'x', 'tensor', x) end
  if config and type(config) ~= 'table' then check(op, 'config', 'table', config) end
  if state and type(state) ~= 'table' then check(op, 'state', 'table', state) end
end

-- Constants that make no numbers elsewhere.
local share = { 'a number from 0, below 1', function(v) return v >= 0 and v < 1 end }
local notNegative = { 'a number from 0', function(v) return v >= 0 end }
local ranges = { beta1 = share, beta2 = share, epsilon = notNegative, eps = notNegative }

--- A number of a table of constants or of memory, not NaN; the default where it is nil or false. A string that is a number serves
-- too.
function takes.number(op, from, name, default)
  local value = from[name]
  if not value then return default end
  local read = type(value) == 'number' and value or type(value) == 'string' and tonumber(value)
  if not read or read ~= read then own.bad(op, name, 'a number', value) end
  local range = ranges[name]
  if range and not range[2](read) then own.bad(op, name, range[1], value) end
  return read
end

--- A tensor of a number per element of x, in its type and shape; nil where there is none.
function takes.vector(op, config, name, x)
  local value = config[name]
  if not value then return nil end
  if not isTensor(value) then check(op, name, 'tensor', value) end
  if value:nElement() ~= x:nElement() then
    own.raise(('%s: %s is a %s, but x is a %s'):format(op, name, shape(value), shape(x)))
  end
  return value:typeAs(x):contiguous():viewAs(x)
end

--- What is remembered beside x: a tensor of its type and as many elements, or nil.
function takes.memory(op, state, name, x)
  local value = state[name]
  if not value then return nil end
  if not fits(x, value) then
    own.raise(('%s: the state %s is %s, but x is %s'):format(op, name, describe(value), describe(x)))
  end
  return value
end

--- What the function gave as the gradient: a tensor of the type of x and as many elements; with `anyType` of any type.
function takes.gradient(op, x, g, anyType)
  if fits(x, g) or anyType and isTensor(g) and g:nElement() == x:nElement() then return g end
  own.raise(('%s: the function must give the value and its gradient, %s; the gradient is %s'):format(op, describe(x), describe(g)))
end

--- What the function gave as the value, as a number: it is one, or a tensor of one element.
function takes.value(op, f)
  if type(f) == 'number' then return f end
  if isTensor(f) and f:nElement() == 1 then return f:detach():item() end
  own.raise(('%s: the function must give a number; the value is %s'):format(op, describe(f)))
end

--- A function x -> value, gradient that checks what opfunc gives; the gradient is without a history.
function takes.both(op, opfunc, anyType)
  return function(x)
    local f, g = opfunc(x)
    return takes.value(op, f), takes.gradient(op, x, g, anyType):detach()
  end
end

return takes
