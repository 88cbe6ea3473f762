--- Learning rates as factors over a run of `total` steps.
-- @module tocha.train.schedule
local raise = require 'tocha.bindings.own'.raise
local signed = require 'tocha.signed'

local schedule = {}

--- A linear rise over the first tenth (or `warmup`), then half a cosine down to 0 (Loshchilov and Hutter 2016, equation 5).
-- @tparam number step 0 to total - 1
-- @tparam number total
-- @tparam[opt=0.1] number warmup share of the rise
-- @treturn number factor of the rate, above 0 and at most 1
function schedule.cosine(step, total, warmup)
  warmup = warmup or .1
  local share = (step + .5) / total
  if share < warmup then return share / warmup end
  return .5 * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup)))
end

--- Times gamma (0.1) after every `every` steps.
function schedule.step(step, every, gamma)
  return (gamma or .1) ^ math.floor(step / every)
end

--- A linear rise over the first `steps`, then 1.
function schedule.warmup(step, steps)
  return math.min(1, (step + 1) / steps)
end

--- Up to 1 along half a cosine over the first `rise` (0.3) of the run and down again to 1 / final (Smith and Topin 2017);
-- it starts at 1 / start.
function schedule.oneCycle(step, total, rise, start, final)
  rise, start, final = rise or .3, start or 25, final or 1e4
  local share = (step + .5) / total
  local function between(a, b, t) return b + (a - b) * .5 * (1 + math.cos(math.pi * t)) end
  if share < rise then return between(1 / start, 1, share / rise) end
  return between(1, 1 / final, (share - rise) / (1 - rise))
end

--- A function of a loss that gives the factor: times gamma (0.1) whenever `patience` (10) losses in a row were not lower
-- than the best by a share of `threshold` (1e-4).
function schedule.plateau(patience, gamma, threshold)
  local best, waited, factor = math.huge, 0, 1
  return function(loss)
    if type(loss) ~= 'number' then raise(('plateau: the loss is a %s, but a number is needed'):format(type(loss))) end
    if loss < best - math.abs(best == math.huge and 0 or best) * (threshold or 1e-4) then best, waited = loss, 0
    else waited = waited + 1 end
    if waited > (patience or 10) then factor, waited = factor * (gamma or .1), 0 end
    return factor
  end
end

local arguments = {
  cosine = { 'step', 'number', 'total', 'number', 'warmup', 'number?' },
  step = { 'step', 'number', 'every', 'number', 'gamma', 'number?' },
  warmup = { 'step', 'number', 'steps', 'number' },
  oneCycle = { 'step', 'number', 'total', 'number', 'rise', 'number?', 'start', 'number?', 'final', 'number?' },
  plateau = { 'patience', 'number?', 'gamma', 'number?', 'threshold', 'number?' },
}
for name, list in pairs(arguments) do schedule[name] = signed(name, list, schedule[name]) end

return schedule
