--- Averages of weights beside a model that learns: `local average = optim.Average(model, 0.999)`, after each step
-- `average:update()`, and around an evaluation `average:swap()`, which exchanges the weights and the average. Running statistics
-- of normalizations are averaged too.
-- @module tocha.optim.average
local torch = require 'tocha'
local optim = require 'tocha.optim'
local signed = require 'tocha.signed'
local approach = require 'tocha.bindings.update'.approach

local Average = torch.class('tocha.Average', optim)

--- @param model
-- @tparam[opt] number decay of an exponential average (Polyak and Juditsky 1992); without, all updates weigh the same
-- (stochastic weight averaging, Izmailov et al. 2018)
-- @tparam[opt=0] number warmup so many updates soften the beginning: the decay is at most (1 + updates) / (warmup + updates)
function Average:__init(model, decay, warmup)
  self.params, self.decay, self.warmup, self.updates, self.means = {}, decay, warmup or 0, 0, {}
  for i, p in ipairs((model:parameters()) or {}) do self.params[i] = p end
  model:apply(function(module)
    for _, name in ipairs { 'running_mean', 'running_var' } do self.params[#self.params + 1] = module[name] end
  end)
  for i, p in ipairs(self.params) do self.means[i] = p:clone() end
end

Average.__init = signed('optim.Average', { 'self', 'tocha.Average', 'model', 'module', 'decay', 'number?', 'warmup', 'number?' },
  Average.__init)

function Average:update()
  self.updates = self.updates + 1
  local share = 1 / self.updates
  if self.decay then share = 1 - math.min(self.decay, (1 + self.updates) / (self.warmup + self.updates)) end
  for i, p in ipairs(self.params) do approach(self.means[i], p, share) end
end

function Average:swap()
  for i, p in ipairs(self.params) do
    local kept = p:clone()
    p:copy(self.means[i])
    self.means[i]:copy(kept)
  end
end

return Average
