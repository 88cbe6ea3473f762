--- What the constants of algorithms and the options of environments may be, by their names.
-- @module tocha.rl.constants
local raise = require 'tocha.bindings.own'.raise

local constants = {}

local function whole(least)
  return { ('a whole number from %d'):format(least), function(v) return type(v) == 'number' and v % 1 == 0 and v >= least end }
end
local function between(low, high)
  return { ('a number from %g to %g'):format(low, high), function(v) return type(v) == 'number' and v >= low and v <= high end }
end
local function oneOf(...)
  local known = { ... }
  return { 'one of ' .. table.concat(known, ', '), function(v)
    for _, name in ipairs(known) do
      if v == name then return true end
    end
    return false
  end }
end

local positive = { 'a number above 0', function(v) return type(v) == 'number' and v > 0 and v < math.huge end }
local notNegative = { 'a number from 0', function(v) return type(v) == 'number' and v >= 0 and v < math.huge end }
local number = { 'a number', function(v) return type(v) == 'number' and v == v and math.abs(v) < math.huge end }
local switch = { 'true or false', function(v) return type(v) == 'boolean' end }
local share = between(0, 1)

local rules = {
  total = whole(1), batch = whole(1), replay = whole(1), warmup = whole(0), every = whole(1), updates = whole(1),
  horizon = whole(1), epochs = whole(1), nsteps = whole(1), critics = whole(1), delay = whole(1),
  gamma = share, lambda = share, tau = share, epsilon = share, lastEpsilon = share, alpha = share, beta = share,
  exploration = { 'a share above 0, up to 1', function(v) return type(v) == 'number' and v > 0 and v <= 1 end },
  rate = positive, lastRate = notNegative, range = positive, lastRange = notNegative, temperature = positive,
  deviation = notNegative, smoothing = notNegative, reach = notNegative, valueWeight = notNegative,
  entropyWeight = notNegative, logStd = number, entropy = number, start = number,
  arms = whole(1), machine = whole(0), rows = whole(2), columns = whole(1), size = whole(2), slippery = switch,
  double = switch, dueling = switch, prioritized = switch, normalize = switch,
  noise = oneOf('gaussian', 'ou'), activation = oneOf('relu', 'tanh'),
  clip = { 'a number above 0, or false', function(v) return v == false or positive[2](v) end },
  hidden = { 'sizes of layers such as 64,64', function(v)
    local text = tostring(v)
    return text:find '^[%d,%s]+$' ~= nil and text:find '[1-9]' ~= nil and not (',' .. text .. ','):find ',[%s0]*,'
  end },
}

--- Fails unless all values are of names in the list, and ones that these may have.
-- @tparam string owner what messages begin with
-- @tparam string what a name is called
-- @tparam {string,...} list
-- @tparam table|nil values by name
function constants.check(owner, what, list, values)
  local known = {}
  for _, name in ipairs(list) do known[name] = true end
  for name, value in pairs(values or {}) do
    if not known[name] then
      raise(('%s: there is no %s %s%s'):format(owner, what, tostring(name),
        list[1] and '; there are ' .. table.concat(list, ', ') or ''))
    end
    local rule = rules[name]
    if rule and not rule[2](value) then
      raise(('%s: %s is %s, but it must be %s'):format(owner, name, tostring(value), rule[1]))
    end
  end
end

return constants
