--- Parameters of a new layer and their default values.
--
-- Torch7's defaults: uniform in (-d, d) with d = 1 / sqrt(fan in); a standard deviation given to reset makes d =
-- deviation * sqrt(3). The order of draws is weight, then bias, so a seed gives the values it always gave.
-- @module tocha.nn.parameter
local torch = require 'tocha'
local own = require 'tocha.bindings.own'

local raise = own.raise

local parameter = {}

--- Adds the fields NAME, with undefined contents, and gradNAME, zero.
function parameter.new(module, name, ...)
  for i = 1, select('#', ...) do
    if select(i, ...) == nil then raise(('%s: size %d of %s is missing'):format(torch.type(module), i, name)) end
  end
  module[name] = torch.Tensor(...)
  module['grad' .. name:sub(1, 1):upper() .. name:sub(2)] = torch.Tensor(...):zero()
end

--- Fills weight and bias, those that exist.
function parameter.uniform(module, deviation, fanIn)
  local d = deviation and deviation * math.sqrt(3) or 1 / math.sqrt(fanIn)
  if module.weight then module.weight:uniform(-d, d) end
  if module.bias then module.bias:uniform(-d, d) end
end

--- A number that the constructor was given, which must be there.
function parameter.number(module, name, value)
  local number = type(value) == 'number' and value or own.truncates and type(value) == 'string' and tonumber(value)
  if not number then raise(('%s: %s is a number, not a %s'):format(torch.type(module), name, torch.type(value))) end
  return number
end

--- Refuses what is no module, or no criterion, for a class of the library; classes of scripts may get theirs later.
-- @tparam table owner
-- @tparam string kind 'module' or 'criterion'
-- @param value
function parameter.part(owner, kind, value)
  local class = kind == 'module' and 'nn.Module' or 'nn.Criterion'
  if torch.isTypeOf(value, class) or not torch.class.isLibrary(owner) then return end
  raise(('%s: a %s is wanted, but a %s was given'):format(torch.type(owner), kind, torch.type(value)))
end

--- The table of options given to a constructor, {} for none; `known` lists their names.
function parameter.options(module, options, known)
  if options ~= nil and type(options) ~= 'table' then
    raise(('%s: options are a table, not a %s'):format(torch.type(module), torch.type(options)))
  end
  for name in pairs(options or {}) do
    if not (' ' .. known .. ' '):find(' ' .. tostring(name) .. ' ', 1, true) then
      raise(('%s: there is no option %s, only %s'):format(torch.type(module), tostring(name), known))
    end
  end
  return options or {}
end

--- Takes the bias away from a layer.
function parameter.noBias(module)
  module.bias, module.gradBias = nil, nil
  return module
end

return parameter
