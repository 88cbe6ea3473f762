--- Nonlinear conjugate gradients (Polak-Ribiere) with a line search by cubic and quadratic interpolation.
--
-- The line search keeps the Wolfe-Powell conditions with constants rho (sufficient decrease) and sig (curvature), as in
-- C. E. Rasmussen's minimize.m; the number of evaluations is what is limited.
-- @module tocha.optim.cg
local takes = require 'tocha.optim.takes'

local huge, sqrt, max, min = math.huge, math.sqrt, math.max, math.min

local function finite(z) return z == z and z ~= huge and z ~= -huge end

-- One point of the line: step z from the start, value f, slope d.
local Search = {}
Search.__index = Search

function Search:evaluate()
  local f, gradient = self.opfunc(self.x)
  self.evaluations = self.evaluations + 1
  self.gradient:copy(gradient)
  return f, self.gradient:dot(self.direction)
end

-- Moves x by z along the direction.
function Search:move(z)
  self.x:add(z, self.direction)
  self.f2, self.d2 = self:evaluate()
  self.left = self.left - 1
end

function Search:poor()
  return self.f2 > self.f1 + self.z1 * self.rho * self.d1 or self.d2 > -self.sig * self.d1
end

-- Narrows the interval while the point is poor.
function Search:contract()
  while self:poor() and self.left > 0 do
    self.limit = self.z1
    local z2
    local z3 = self.z3
    if self.f2 > self.f1 then
      z2 = z3 - (0.5 * self.d3 * z3 * z3) / (self.d3 * z3 + self.f2 - self.f3)
    else
      local a = 6 * (self.f2 - self.f3) / z3 + 3 * (self.d2 + self.d3)
      local b = 3 * (self.f3 - self.f2) - z3 * (self.d3 + 2 * self.d2)
      z2 = (sqrt(b * b - a * self.d2 * z3 * z3) - b) / a
    end
    if not finite(z2) then z2 = z3 / 2 end
    z2 = max(min(z2, self.int * z3), (1 - self.int) * z3)
    self.z1, self.z3 = self.z1 + z2, z3 - z2
    self:move(z2)
  end
end

-- The step of an extrapolation by the cubic through the two points, kept inside its bounds.
function Search:extrapolation()
  local z1, z3, limit, ext, int = self.z1, self.z3, self.limit, self.ext, self.int
  local a = 6 * (self.f2 - self.f3) / z3 + 3 * (self.d2 + self.d3)
  local b = 3 * (self.f3 - self.f2) - z3 * (self.d3 + 2 * self.d2)
  local z2 = -self.d2 * z3 * z3 / (b + sqrt(b * b - a * self.d2 * z3 * z3))
  local bounded = limit > -0.5
  if not finite(z2) or z2 < 0 then return bounded and (limit - z1) / 2 or z1 * (ext - 1) end
  if bounded and z2 + z1 > limit then return (limit - z1) / 2 end
  if not bounded and z2 + z1 > z1 * ext then return z1 * (ext - 1) end
  if z2 < -z3 * int then return -z3 * int end
  if bounded and z2 < (limit - z1) * (1 - int) then return (limit - z1) * (1 - int) end
  return z2
end

-- Runs the search from a first step; true if the conditions hold at the point it ends at.
function Search:run(z1, maxIter)
  self.z1, self.z3, self.f3, self.d3, self.limit, self.left = z1, -z1, self.f1, self.d1, -1, maxIter
  self:move(z1)
  self.left = maxIter
  while true do
    self:contract()
    if self:poor() then return false end
    if self.d2 > self.sig * self.d1 then return true end
    if self.left <= 0 then return false end
    local z2 = self:extrapolation()
    self.f3, self.d3, self.z3 = self.f2, self.d2, -z2
    self.z1 = self.z1 + z2
    self:move(z2)
  end
end

--- @tparam function opfunc x -> f(x), gradient
-- @tparam tensor x is moved to the minimum found
-- @tparam[opt] table config maxEval (1.25 maxIter), maxIter (20, of a line search), rho, sig, int, ext, ratio
-- @treturn tensor x
-- @treturn {number,...} the values on the way
-- @treturn number evaluations
return function(opfunc, x, config)
  takes.arguments('optim.cg', opfunc, x, config)
  config = config or {}
  local function constant(name, default) return takes.number('optim.cg', config, name, default) end
  local maxIter = constant('maxIter', 20)
  local maxEval, ratio = constant('maxEval', maxIter * 1.25), constant('ratio', 100)
  local zero = x:detach():clone():zero()
  local gradient = zero:clone()
  local search = setmetatable({ opfunc = takes.both('optim.cg', opfunc, true), x = x, direction = zero:clone(), gradient = zero,
    evaluations = 0, rho = constant('rho', 0.01), sig = constant('sig', 0.5), int = constant('int', 0.1),
    ext = constant('ext', 3) }, Search)
  search.f1 = search:evaluate()
  gradient:copy(search.gradient)
  local history, direction = { search.f1 }, search.direction
  direction:copy(gradient):mul(-1)
  search.d1 = -direction:dot(direction)
  local z1, start = 1 / (1 - search.d1), x:clone()
  while search.evaluations < math.abs(maxEval) do
    start:copy(x)
    local d1 = search.d1
    if search:run(z1, min(maxIter, maxEval - search.evaluations - 1)) then
      search.f1 = search.f2
      history[#history + 1] = search.f1
      local beta = (search.gradient:dot(search.gradient) - search.gradient:dot(gradient)) / gradient:dot(gradient)
      direction:mul(beta):add(-1, search.gradient)
      gradient:copy(search.gradient)
      local slope = gradient:dot(direction)
      if slope > 0 then
        direction:copy(gradient):mul(-1)
        slope = -direction:dot(direction)
      end
      z1 = search.z1 * min(ratio, d1 / (slope - 1e-320))
      search.d1 = slope
    else
      x:copy(start)
      break
    end
  end
  return x, history, search.evaluations
end
