--- Torch7's convolutions of single images and volumes: conv2, xcorr2, conv3, xcorr3, valid ('V') or full ('F').
--
-- An image and a kernel of D dimensions give one image; with a leading dimension each plane goes with its kernel; a kernel with
-- two more (q,p,...) mixes the p planes of x into q. All are the engine's conv2d: of planes as groups, of volumes slice by slice.
-- @module tocha.bindings.convolve
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local C = require 'tocha.bindings.library'
local size = require 'tocha.bindings.size'
local answer = require 'tocha.bindings.answer'
local ops = require 'tocha.bindings.op'.ops

local raise, isTensor, need = own.raise, own.isTensor, answer.need
local functions = {}

local function misfit(name, x, k)
  raise(('%s: an input of %s and a kernel of %s do not go together'):format(name, size.text(x), size.text(k)))
end

-- x as (p, image) and k as (q, p / groups, kernel), and the number of groups.
local function arranged(name, x, k, rank)
  local nx, nk = C.tch_tensor_dim(x), C.tch_tensor_dim(k)
  if nx == rank and nk == rank then return x:unsqueeze(1), k:unsqueeze(1):unsqueeze(1), 1 end
  if nx == rank + 1 and nk == rank + 1 and x:size(1) == k:size(1) then return x, k:unsqueeze(2), x:size(1) end
  if nx == rank + 1 and nk == rank + 2 and x:size(1) == k:size(2) then return x, k, 1 end
  misfit(name, x, k)
end

-- (p,H,W) with (q,p/groups,h,w)
local function images(x, k, groups)
  return ops.conv2d(nil, x:unsqueeze(1), k, nil, nil, nil, nil, groups):squeeze(1)
end

-- (p,D,H,W) with (q,p/groups,d,h,w): the sum over the kernel's slices, with the depths as a batch.
local function volumes(x, k, groups)
  local depth = x:size(2) - k:size(3) + 1
  local slices, sum = x:transpose(1, 2), nil -- (D,p,H,W)
  for i = 1, k:size(3) do
    local part = ops.conv2d(nil, slices:narrow(1, i, depth), k:select(3, i), nil, nil, nil, nil, groups)
    sum = sum and ops.add(nil, sum, part, 1) or part
  end
  return sum:transpose(1, 2)
end

local function convolved(name, x, k, full, turn, rank)
  local planes, kernel, groups = arranged(name, x, k, rank)
  local around, last = {}, {}
  for d = 1, rank do
    local n = kernel:size(d + 2)
    if not full and n > planes:size(d + 1) then
      raise(('%s: a kernel of %s is greater than an input of %s'):format(name, size.text(k), size.text(x)))
    end
    around[d], last[d] = n - 1, d + 2
  end
  if full then planes = ops.pad(nil, planes, { 0, unpack(around) }, { 0, unpack(around) }) end
  if turn then kernel = ops.flip(nil, kernel, last) end
  local y = (rank == 2 and images or volumes)(planes:contiguous(), kernel:contiguous(), groups)
  return C.tch_tensor_dim(x) == rank and y:squeeze(1) or y
end

local function define(name, rank, turn)
  local function apply(x, k, mode)
    need(name, x)
    need(name, k)
    if mode ~= nil and mode ~= 'V' and mode ~= 'F' then
      raise(("%s: the mode is 'V' (valid) or 'F' (full), not %s"):format(name, tostring(mode)))
    end
    local row = M.rowOf(x)
    if row.floating then return convolved(name, x, k, mode == 'F', turn, rank) end
    return convolved(name, x:double(), k:double(), mode == 'F', turn, rank):type(row.tensor)
  end
  -- ([result,] x, kernel [, mode])
  functions[name] = function(a, b, c, mode)
    if isTensor(c) then return answer.into(need(name, a), apply(b, c, mode)) end
    return apply(a, b, c)
  end
  M.tensor[name] = functions[name]
end
--- `conv2([result,] x, kernel [, 'V' or 'F'])`: convolution of an image, the kernel turned around, where it lies inside or ('F')
-- wherever they meet; `xcorr2`: the kernel as it is; `conv3`, `xcorr3`: of volumes.
define('conv2', 2, true)
define('xcorr2', 2, false)
define('conv3', 3, true)
define('xcorr3', 3, false)

return { install = function(torch)
  for name, f in pairs(functions) do torch[name] = f end
end }
