--- Running mean and variance of vectors, to bring what comes to mean 0 and deviation 1.
-- Sums of batches are merged as Chan, Golub and LeVeque (1979) do.
-- @module tocha.rl.normalizer
local torch = require 'tocha'

local package = {}
local Normalizer = torch.class('rl.Normalizer', package)

--- @tparam number size of the vectors
function Normalizer:__init(size)
  self.count, self.mean, self.squares = 0, torch.DoubleTensor(size):zero(), torch.DoubleTensor(size):zero()
end

--- Takes vectors (N,size) in.
function Normalizer:add(x)
  x = x:double():view(x:size(1), -1)
  local n, mean = x:size(1), x:mean(1):view(-1)
  local off, total = mean - self.mean, self.count + n
  self.squares:add(torch.square(x - mean:view(1, -1):expandAs(x)):sum(1):view(-1))
  self.squares:add(self.count * n / total, torch.square(off))
  self.mean:add(n / total, off)
  self.count = total
end

--- One that goes its own way from here.
function Normalizer:clone()
  local copy = package.Normalizer(self.mean:size(1))
  copy.count = self.count
  copy.mean:copy(self.mean)
  copy.squares:copy(self.squares)
  return copy
end

--- The deviations.
function Normalizer:deviation()
  if self.count < 2 then return torch.ones(self.mean:size(1)):double() end
  return torch.div(self.squares, self.count):add(1e-8):sqrt()
end

--- x (N,size) with mean 0 and deviation 1, cut off at `most` (10) deviations.
function Normalizer:apply(x, most)
  most = most or 10
  local y = x:double():view(x:size(1), -1)
  y = (y - self.mean:view(1, -1):expandAs(y)):cdiv(self:deviation():view(1, -1):expandAs(y)):clamp(-most, most)
  return y:typeAs(x):viewAs(x)
end

return package.Normalizer
