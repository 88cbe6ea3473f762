--- A line search for the strong Wolfe conditions (Nocedal and Wright, algorithms 3.5 and 3.6) with cubic interpolation.
-- @module tocha.optim.lswolfe
local takes = require 'tocha.optim.takes'
local check = require 'tocha.kinds'.check

local op = 'optim.lswolfe'
local abs, min, max, sqrt = math.abs, math.min, math.max, math.sqrt

-- Where the cubic through two points {t, f, slope} is least between lo and hi.
local function interpolate(a, b, lo, hi)
  local h = b.t - a.t
  local c2 = (3 * (b.f - a.f) / h - 2 * a.slope - b.slope) / h
  local c3 = (a.slope + b.slope - 2 * (b.f - a.f) / h) / (h * h)
  local function value(t)
    local u = t - a.t
    return a.f + u * (a.slope + u * (c2 + u * c3))
  end
  local best, least = (lo + hi) / 2, math.huge
  local candidates = { lo, hi, a.t, b.t }
  local root = c2 * c2 - 3 * c3 * a.slope
  if abs(c3) > 1e-300 and root >= 0 then
    candidates[5], candidates[6] = a.t + (-c2 + sqrt(root)) / (3 * c3), a.t + (-c2 - sqrt(root)) / (3 * c3)
  elseif abs(c2) > 1e-300 then
    candidates[5] = a.t - a.slope / (2 * c2)
  end
  for _, t in ipairs(candidates) do
    if t >= lo and t <= hi and value(t) < least then best, least = t, value(t) end
  end
  return best
end

-- Doubles the interval until it holds a point that fulfils the conditions; returns the two points, or one that does.
local function bracket(evaluate, start, point, conditions)
  local previous, steps = start, 0
  while steps < conditions.maxIter do
    if point.f > start.f + conditions.c1 * point.t * start.slope or (steps > 1 and point.f >= previous.f) then
      return previous, point, steps
    elseif abs(point.slope) <= -conditions.c2 * start.slope then
      return point, nil, steps
    elseif point.slope >= 0 then
      return previous, point, steps
    end
    local lo, hi = point.t + 0.01 * (point.t - previous.t), point.t * 10
    local t = interpolate(previous, point, lo, hi)
    previous, point = point, evaluate(t)
    steps = steps + 1
  end
  return start, point, steps
end

-- Narrows the interval between two points to one that fulfils the conditions, and returns its best point.
local function zoom(evaluate, start, a, b, steps, conditions)
  local slow = false
  while steps < conditions.maxIter do
    local low, high = a, b
    if b.f < a.f then low, high = b, a end
    local lo, hi = min(a.t, b.t), max(a.t, b.t)
    local t = interpolate(a, b, lo, hi)
    if min(hi - t, t - lo) / (hi - lo) < 0.1 then
      -- twice near the same end, or outside: a tenth away from it
      if slow or t >= hi or t <= lo then
        t = abs(t - hi) < abs(t - lo) and hi - 0.1 * (hi - lo) or lo + 0.1 * (hi - lo)
        slow = false
      else slow = true end
    else slow = false end
    local point = evaluate(t)
    steps = steps + 1
    if point.f > start.f + conditions.c1 * t * start.slope or point.f >= low.f then
      high = point
    else
      if abs(point.slope) <= -conditions.c2 * start.slope then return point end
      if point.slope * (high.t - low.t) >= 0 then high = low end
      low = point
    end
    a, b = low, high
    if abs((a.t - b.t) * point.slope) < conditions.tolX then break end
  end
  return b.f < a.f and b or a
end

--- Moves x along a descent direction.
-- @tparam function opfunc x -> f(x), gradient
-- @tparam tensor x
-- @tparam number t first step
-- @tparam tensor d direction
-- @tparam number f value at x
-- @tparam tensor g gradient at x
-- @tparam number gtd slope at x, g . d
-- @tparam[opt] table options c1 (1e-4, decrease), c2 (0.9, curvature), tolX (1e-9), maxIter (20)
-- @treturn number value at the new x
-- @treturn tensor gradient there
-- @treturn tensor x
-- @treturn number step
-- @treturn number evaluations
return function(opfunc, x, t, d, f, g, gtd, options)
  takes.arguments(op, opfunc, x)
  if options then check(op, 'options', 'table', options) end
  options = options or {}
  local conditions = {}
  for name, default in pairs { c1 = 1e-4, c2 = 0.9, tolX = 1e-9, maxIter = 20 } do
    conditions[name] = takes.number(op, options, name, default)
  end
  local given = { t = t, d = d, g = g, f = f, gtd = gtd }
  for name, kind in pairs { t = 'number', f = 'number', gtd = 'number', d = 'tensor', g = 'tensor' } do
    check(op, name, kind, given[name])
    if kind == 'tensor' then takes.memory(op, given, name, x) end
  end
  local both = takes.both(op, opfunc)
  local origin, evaluations = x:clone(), 0
  local function evaluate(step)
    x:copy(origin):add(step, d)
    local value, gradient = both(x)
    evaluations = evaluations + 1
    return { t = step, f = value, g = gradient:clone(), slope = gradient:dot(d) }
  end
  local start = { t = 0, f = f, g = g:clone(), slope = gtd }
  local a, b, steps = bracket(evaluate, start, evaluate(t), conditions)
  local found = b and zoom(evaluate, start, a, b, steps, conditions) or a
  x:copy(origin):add(found.t, d)
  return found.f, found.g, x, found.t, evaluations
end
