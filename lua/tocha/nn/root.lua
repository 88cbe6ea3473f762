--- Roots whose gradient at 0 is 0, as Torch7's layers have it, and not infinite.
-- @module tocha.nn.root
local torch = require 'tocha'
local F = require 'tocha.nn.functional'

--- x^(1/p), entry by entry.
return function(x, p)
  local zero = torch.eq(x:detach(), 0)
  if torch.all(torch.eq(zero, 0)) then return p == 2 and torch.sqrt(x) or torch.pow(x, 1 / p) end
  local safe = F.masked_fill(x, zero, 1)
  return F.masked_fill(p == 2 and torch.sqrt(safe) or torch.pow(safe, 1 / p), zero, 0)
end
