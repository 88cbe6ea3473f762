--- How the kernels of nn.THNN are made of layers and criterions: what stands behind the pointers in their arguments.
-- @module nn.define
local torch = require 'torch'
require 'tocha.nn'
local own = require 'tocha.bindings.own'

-- -- tensors behind pointers --------------------------------------------------------------------------------------

local known = setmetatable({}, { __mode = 'v' }) -- address -> tensor whose cdata was asked for
-- The last of them, so that `x:contiguous():cdata()` lives until its kernel is called.
local recent, at = {}, 0 -- luacheck: ignore recent

for _, name in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double' } do
  local mt = torch.getmetatable(('torch.%sTensor'):format(name))
  local plain = mt.cdata
  function mt.cdata(tensor, asNumber)
    at = at % 32 + 1
    known[torch.pointer(tensor)], recent[at] = tensor, tensor
    return plain(tensor, asNumber)
  end
end

local isTensor = {}
for name in ([[input output target gradOutput gradInput weight bias gradWeight gradBias weights total_weight buffer finput
  fgradInput columns ones count sorted indices indicesTo randomSamples connTable noise sums isTarget gradWeightBuf gradWeightBuf2
  running_mean running_var save_mean save_std]]):gmatch '%S+' do isTensor[name] = true end

local function argument(kernel, name, value)
  if not isTensor[name] or value == nil or torch.isTensor(value) then return value end
  local tensor = type(value) == 'cdata' and known[torch.pointer(value)]
  if not tensor then own.raise(('THNN: %s: %s is not what tensor:cdata() gave'):format(kernel, name)) end
  return tensor
end

-- -- kernels ------------------------------------------------------------------------------------------------------

local made = { kernels = {} }
local kernels = made.kernels

local function give(result, to, inplace)
  if type(result) == 'number' then to:resize(1):fill(result)
  elseif torch.pointer(result) == torch.pointer(to) then return
  elseif inplace then to:set(result)
  else to:resize(result:size()):copy(result) end
end

-- Layers whose kernels have other names.
local classes = { GatedLinear = 'GatedLinearUnit', VolumetricUpSamplingNearest = 'UpSampling',
                  VolumetricUpSamplingTrilinear = 'UpSampling', VolumetricConvolutionMM = 'VolumetricConvolution' }

--- Makes a kernel.
-- @tparam string class
-- @tparam string pass
-- @tparam string names of the arguments
-- @tparam[opt] string to the argument that gets the result
-- @tparam function run (m) what is computed from an object of the class that has the arguments as fields
function made.define(class, pass, names, to, run)
  local kernel, list = class .. '_' .. pass, {}
  for name in names:gmatch '%S+' do list[#list + 1] = name end
  kernels[kernel] = function(...)
    local m = torch.factory('nn.' .. (classes[class] or class))()
    m.train, m.divide = true, true
    for i, name in ipairs(list) do m[name] = argument(kernel, name, (select(i, ...))) end
    local place = to and m[to]
    if not (m.input or m.gradOutput) or to and not place then
      own.raise(('THNN: %s: there is no %s'):format(kernel, (m.input or m.gradOutput) and to or 'input'))
    end
    m._type = m.input and m.input:type() or m.gradOutput:type()
    local result = run(m)
    if to then give(result, place, m.inplace) end
  end
end

--- Makes both kernels of a criterion; fields: of its arguments after the tensors.
function made.criterion(class, fields)
  made.define(class, 'updateOutput', 'input target output ' .. fields, 'output', function(m)
    m.output = nil
    return m:updateOutput(m.input, m.target)
  end)
  made.define(class, 'updateGradInput', 'input target gradInput ' .. fields, 'gradInput', function(m)
    return m:updateGradInput(m.input, m.target)
  end)
end

return made
