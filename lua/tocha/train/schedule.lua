--- Learning rates as factors over a run of `total` steps.
-- @module tocha.train.schedule
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

return schedule
