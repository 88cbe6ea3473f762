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

local weak = { __mode = 'v' } -- a step must not keep modules alive, for it may become a record of theirs (skipped.lua)

--- The steps of the run from modules[i] up to modules[limit] at most: a table for each operation, with its modules' places and the
-- sizes of its output. Nothing if it is less than two operations, or has a module with functions of its own.
function runs.steps(modules, i, limit, planes, height, width)
  local list, seen, weights = {}, {}, 0
  while i <= limit and not seen[modules[i]] do
    local m, last, activated, pools, ceil = modules[i], i, false, false, nil
    if plainConvolution(m) then
      if planes ~= m.nInputPlane then return end
      planes, weights = m.nOutputPlane, weights + m.weight:nElement()
      local after = modules[i + 1]
      if i < limit and fuse.activates(after) and fuse.plain(after) and not seen[after] then
        last, activated, seen[after] = i + 1, true, true
      end
    elseif plainPooling(m) and #list > 0 then
      pools, ceil = true, m.ceil_mode
      list[#list].pooled = true
    else break end
    height, width = outer(height, m.kH, m.dH, m.padH, ceil), outer(width, m.kW, m.dW, m.padW, ceil)
    if height < 1 or width < 1 then return end
    seen[m] = true
    list[#list + 1] = { first = i, last = last, activated = activated, pools = pools, ceil = ceil, planes = planes, height = height,
      width = width }
    i = last + 1
  end
  if #list > 1 and weights * 4 <= WEIGHTS then return list end
end

--- Adds what a pass needs to know: the sizes of a step's input (`from`), its modules (`of`), and their fields.
function runs.ready(list, modules, planes, height, width)
  for _, step in ipairs(list) do
    local m, activation = modules[step.first], step.activated and modules[step.last] or nil
    step.of = setmetatable({ m, activation }, weak)
    step.from = { planes, height, width }
    step.kernel, step.stride, step.pad, step.groups = { m.kH, m.kW }, { m.dH, m.dW }, { m.padH, m.padW }, m.groups
    step.bound = activation and fuse.bound(activation)
    planes, height, width = step.planes, step.height, step.width
  end
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
