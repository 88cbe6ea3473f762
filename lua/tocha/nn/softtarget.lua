--- Cross entropy with targets that are distributions, or labels that are made a little less sure.
-- @module tocha.nn.softtarget
local torch = require 'tocha'
local define = require 'tocha.nn.criterion'.define
local F = require 'tocha.nn.functional'
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

-- Labels (N) as distributions (N,K): 1 - smoothing on the label, the rest on all alike (Szegedy et al. 2016, section 7).
local function distribution(self, input, target)
  local n, classes = input:size(1), input:size(2)
  if takes.target(target):dim() == 2 then
    if target:size(1) ~= n or target:size(2) ~= classes then
      raise(('the input has %dx%d elements, the target %dx%d'):format(n, classes, target:size(1), target:size(2)))
    end
    return target:typeAs(input)
  end
  if target:dim() ~= 1 or target:size(1) ~= n then raise(('%d labels are wanted as the target'):format(n)) end
  local low, high = target:min(), target:max()
  if low < 1 or high > classes then
    raise(('a label is %d, but labels run from 1 to %d'):format(low < 1 and low or high, classes))
  end
  local q = input.new(n, classes):fill(self.smoothing / classes)
  return q:scatter(2, target:long():view(n, 1), 1 - self.smoothing + self.smoothing / classes)
end

-- ([smoothing = 0]): input (N,K) scores, target (N) labels or (N,K) shares that sum to 1. The mean over the batch of
-- -sum of q log softmax(x).
define('tocha.SoftTargetCriterion', function(self, smoothing)
  self.smoothing = smoothing or 0
  if not (self.smoothing >= 0 and self.smoothing < 1) then
    raise(('the smoothing is a share from 0 to below 1, not %s'):format(tostring(smoothing)))
  end
end, function(self, input, target)
  if input:dim() ~= 2 then raise 'scores of NxK are wanted as the input' end
  local q = torch.noGrad(distribution, self, input, target)
  return torch.mul(torch.sum(torch.cmul(F.log_softmax(input, 2), q)), -1 / input:size(1))
end)
