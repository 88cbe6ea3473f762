--- Runs of convolutions, activations in place and max poolings in a Sequential, as lists of steps.
-- @module tocha.nn.runs
local nn = require 'tocha.nn'
local fuse = require 'tocha.nn.fuse'

local runs = {}

local WEIGHTS = 512 * 1024 -- bytes of all weights of a run, at most

local convolve, pool = nn.SpatialConvolution.updateOutput, nn.SpatialMaxPooling.updateOutput
local convolveBack, poolGradient = nn.SpatialConvolution.backward, nn.SpatialMaxPooling.updateGradInput
local convolveGradient, convolveAccumulate = nn.SpatialConvolution.updateGradInput, nn.SpatialConvolution.accGradParameters
local backward, accumulate = nn.Module.backward, nn.Module.accGradParameters

local function plainConvolution(m)
  return m.updateOutput == convolve and m.backward == convolveBack and m.updateGradInput == convolveGradient
    and m.accGradParameters == convolveAccumulate
end

local function plainPooling(m)
  return m.updateOutput == pool and m.updateGradInput == poolGradient and m.backward == backward
    and m.accGradParameters == accumulate and not m.dilationH and m.kW * m.kH <= 256
end

local function outer(size, kernel, stride, pad, ceil)
  local room = size + 2 * pad - kernel
  local n = (ceil and math.ceil or math.floor)(room / stride) + 1
  if ceil and (n - 1) * stride >= size + pad then n = n - 1 end
  return n
end

local weak = { __mode = 'v' }

-- A step's modules: it must not keep them alive, for it may become a record of theirs.
local function of(...) return setmetatable({ ... }, weak) end

--- The steps of the run from modules[i] up to modules[limit] at most: a table for each operation, with the sizes of its input
-- (`from`) and of its output. Nothing if it is less than two operations, or has a module with functions of its own.
function runs.steps(modules, i, limit, planes, height, width)
  local list, seen, weights = {}, {}, 0
  while i <= limit and not seen[modules[i]] do
    local m, step = modules[i]
    if plainConvolution(m) then
      if planes ~= m.nInputPlane then return end
      step = { of = of(m), first = i, last = i, groups = m.groups, planes = m.nOutputPlane,
        height = outer(height, m.kH, m.dH, m.padH), width = outer(width, m.kW, m.dW, m.padW) }
      weights = weights + m.weight:nElement()
      local after = modules[i + 1]
      if i < limit and fuse.activates(after) and fuse.plain(after) and not seen[after] then
        step.of[2], step.activated, step.bound, step.last = after, true, fuse.bound(after), i + 1
        seen[after] = true
      end
    elseif plainPooling(m) and #list > 0 then
      step = { of = of(m), pools = true, first = i, last = i, ceil = m.ceil_mode, planes = planes,
        height = outer(height, m.kH, m.dH, m.padH, m.ceil_mode), width = outer(width, m.kW, m.dW, m.padW, m.ceil_mode) }
      list[#list].pooled = true
    else break end
    if step.height < 1 or step.width < 1 then return end
    step.kernel, step.stride, step.pad = { m.kH, m.kW }, { m.dH, m.dW }, { m.padH, m.padW }
    step.from = { planes, height, width }
    seen[m] = true
    list[#list + 1] = step
    planes, height, width, i = step.planes, step.height, step.width, step.last + 1
  end
  if #list > 1 and weights * 4 <= WEIGHTS then return list end
end

--- The first module of the run that ends with modules[i]: a convolution, unless it is i.
function runs.first(modules, i)
  local first = i
  while first > 0 do
    local m = modules[first]
    if not (plainConvolution(m) or plainPooling(m) or fuse.activates(m) and fuse.plain(m)) then break end
    first = first - 1
  end
  first = first + 1
  while first < i and modules[first].updateOutput ~= convolve do first = first + 1 end
  return first
end

return runs
