--- Averages of weights beside a model that learns: `local average = optim.Average(model, 0.999)`, after each step
-- `average:update()`, and around an evaluation `average:swap()`, which exchanges the weights and the average.
-- @module tocha.optim.average
local torch = require 'tocha'
local optim = require 'tocha.optim'

local Average = torch.class('tocha.Average', optim)

--- @param model
-- @tparam[opt] number decay of an exponential average (Polyak and Juditsky 1992); without, all updates weigh the same
-- (stochastic weight averaging, Izmailov et al. 2018)
function Average:__init(model, decay)
  self.params, self.decay, self.updates, self.means = (model:parameters()) or {}, decay, 0, {}
  for i, p in ipairs(self.params) do self.means[i] = p:clone() end
end

function Average:update()
  self.updates = self.updates + 1
  local share = self.decay and 1 - self.decay or 1 / self.updates
  for i, p in ipairs(self.params) do self.means[i]:mul(1 - share):add(share, p) end
end

function Average:swap()
  for i, p in ipairs(self.params) do
    local kept = p:clone()
    p:copy(self.means[i])
    self.means[i]:copy(kept)
  end
end

return Average
