--- What functions of pictures take: pictures, numbers, and a destination before them; each raises at the caller's line unless it is
-- given. And how a result is delivered.
-- @module tocha.image.takes
local torch = require 'tocha'
local own = require 'tocha.bindings.own'
local kinds = require 'tocha.kinds'

local isTensor, raise = torch.isTensor, own.raise
local takes = { number = kinds.number }

local function destination(op, dst)
  if dst ~= nil and not isTensor(dst) then own.bad(op, 'the destination', 'a tensor', dst) end
  return dst
end

--- Splits f([dst,] src, ...): a destination is there if the second argument is a tensor too.
-- @treturn tensor dst, or nil
-- @return src, and the rest
function takes.destination(op, dst, ...)
  if isTensor((...)) then return destination(op, dst), ... end
  return nil, dst, ...
end

--- The same where a second tensor follows src, so that a third one tells of a destination.
function takes.beforeTwo(op, ...)
  if isTensor((select(3, ...))) then return destination(op, (...)), select(2, ...) end
  return nil, ...
end

--- The result, in the destination if there is one.
function takes.deliver(dst, result)
  if not dst then return result end
  return dst:resize(result:size()):copy(result)
end

--- A picture (H,W) or (C,H,W), its height and its width.
function takes.picture(op, src)
  if not isTensor(src) then raise(('%s: a picture is a tensor, not a %s'):format(op, type(src))) end
  local n = src:dim()
  if n ~= 2 and n ~= 3 then raise(('%s: a picture is HxW or CxHxW, not a tensor of %d dimensions'):format(op, n)) end
  return src, src:size(n - 1), src:size(n)
end

--- A picture (3,H,W).
function takes.rgb(op, src)
  if isTensor(src) and src:dim() == 3 and src:size(1) == 3 then return src end
  raise(op .. ': a picture of 3xHxW is needed')
end

return takes
