--- For scripts that insist on a graphics card: cutorch, cunn, cudnn, cltorch and clnn on the processor.
--
-- `th --cpu-for-cuda`, or TOCHA_CPU_FOR_CUDA=1, or `require 'cuda'` before the packages. `:cuda()` and torch.CudaTensor become
-- float, cudnn.X becomes nn.X, and there is one device.
-- @module cuda
local torch = require 'torch'
local class = require 'tocha.class'

local types = { Float = { '', 'Float' } }
for _, name in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Double', 'Half' } do types[name] = { name, name } end

-- -- tensors ------------------------------------------------------------------------------------------------------

local onProcessor = {} -- names of types
for _, pair in pairs(types) do
  for _, kind in ipairs { 'Tensor', 'Storage' } do
    onProcessor[('torch.Cuda%s%s'):format(pair[1], kind)] = ('torch.%s%s'):format(pair[2], kind)
    torch[('Cuda%s%s'):format(pair[1], kind)] = torch[pair[2] .. kind]
  end
end
onProcessor['torch.ClTensor'], torch.ClTensor = 'torch.FloatTensor', torch.FloatTensor

local function mapped(name) return onProcessor[name] or name end

local function wrapType(mt)
  local plain = mt.type
  mt.type = function(self, name, ...) return plain(self, mapped(name), ...) end
end

-- A card's programs keep indices and masks in CudaTensors, which are FloatTensors here.
local function withIndex(plain)
  return function(...)
    local list, n = { ... }, select('#', ...)
    for i = 1, n - 1 do
      local index = list[i + 1]
      if type(list[i]) == 'number' then
        if torch.isTensor(index) and index:type() == 'torch.FloatTensor' then list[i + 1] = index:long() end
        break
      end
    end
    return plain(unpack(list, 1, n))
  end
end
require('tocha.bindings.own').floatsAreMasks = true
local function withMask(plain, last)
  return function(...)
    local list, n = { ... }, select('#', ...)
    local at = last and n or 2
    if torch.isTensor(list[at]) and list[at]:type() == 'torch.FloatTensor' then list[at] = list[at]:byte() end
    return plain(unpack(list, 1, n))
  end
end
local indexed = { 'gather', 'scatter', 'index', 'indexSelect', 'indexCopy', 'indexAdd', 'indexFill' }
for _, name in ipairs(indexed) do torch[name] = torch[name] and withIndex(torch[name]) end

for _, name in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double', 'Half' } do
  for _, kind in ipairs { 'Tensor', 'Storage' } do
    local mt = torch.getmetatable(('torch.%s%s'):format(name, kind))
    if mt then
      wrapType(mt)
      mt.cuda = function(self) return self:type(('torch.Float%s'):format(kind)) end
      mt.cl = mt.cuda
      for _, to in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Double', 'Half' } do
        mt['cuda' .. to] = function(self) return self:type(('torch.%s%s'):format(to, kind)) end
      end
      if kind == 'Tensor' then
        mt.getDevice = function() return 1 end
        for _, method in ipairs(indexed) do mt[method] = mt[method] and withIndex(mt[method]) end
        for _, method in ipairs { 'maskedFill', 'maskedCopy', 'maskedSelect' } do
          mt[method] = withMask(mt[method], method == 'maskedSelect')
        end
      end
    end
  end
end

local setDefault, getmetatableOf = torch.setdefaulttensortype, class.getmetatable
function torch.setdefaulttensortype(name) return setDefault(mapped(name)) end
function torch.getmetatable(name) return getmetatableOf(mapped(name)) end

-- -- packages -----------------------------------------------------------------------------------------------------

local function nothing() end

local function device()
  local cutorch = { hasHalf = true, hasFastHalfInstructions = function() return false end, driverVersion = 0, runtimeVersion = 0,
                    _state = {}, _stateStreams = {} }
  for _, name in ipairs { 'setDevice', 'synchronize', 'synchronizeAll', 'streamSynchronize', 'deviceReset', 'reserveStreams',
                          'setStream', 'setDefaultStream', 'streamWaitFor', 'streamBarrier', 'reserveBlasHandles', 'setBlasHandle',
                          'setPeerToPeerAccess', 'setKernelPeerToPeerAccess', 'setHeapTracking', 'emptyCache' } do
    cutorch[name] = nothing
  end
  for name, value in pairs { getDevice = 1, getDeviceCount = 1, getStream = 0, getNumStreams = 0, getBlasHandle = 1,
                             getNumBlasHandles = 1 } do
    cutorch[name] = function() return value end
  end
  for name, plain in pairs { manualSeed = 'manualSeed', manualSeedAll = 'manualSeed', seed = 'seed', seedAll = 'seed',
                             initialSeed = 'initialSeed', getRNGState = 'getRNGState', setRNGState = 'setRNGState' } do
    cutorch[name] = function(...) return torch[plain](...) end
  end
  --- Free and total bytes. The processor's are not told: a number that no script finds too small.
  function cutorch.getMemoryUsage() return 2 ^ 34, 2 ^ 34 end
  function cutorch.getDeviceProperties()
    return { name = 'CPU', totalGlobalMem = 2 ^ 34, freeGlobalMem = 2 ^ 34, major = 0, minor = 0, multiProcessorCount = 1 }
  end
  function cutorch.withDevice(_, f) return f() end
  for name, kind in pairs { Float = '', Double = 'Double', Half = 'Half' } do
    cutorch[('createCudaHost%sTensor'):format(kind)] = function(...) return torch[name .. 'Tensor'](...) end
  end
  function cutorch.isCachingAllocatorEnabled() return false end
  return cutorch
end

-- The first copy of a module does all the work of a DataParallelTable.
local function parallelTable(nn)
  if nn.DataParallelTable then return end
  local Table, parent = torch.class('nn.DataParallelTable', 'nn.Container')
  function Table:__init(dimension)
    parent.__init(self)
    self.dimension, self.gpuAssignments = dimension, {}
  end
  function Table:add(module, devices)
    self.modules[1], self.gpuAssignments = module, type(devices) == 'table' and devices or { 1 }
    return self
  end
  function Table:get(i) return self.modules[i or 1] end
  function Table:updateOutput(input)
    self.output = self.modules[1]:updateOutput(input)
    return self.output
  end
  function Table:updateGradInput(input, gradOutput)
    self.gradInput = self.modules[1]:updateGradInput(input, gradOutput)
    return self.gradInput
  end
  function Table:accGradParameters(input, gradOutput, scale)
    self.modules[1]:accGradParameters(input, gradOutput, scale)
  end
  for _, name in ipairs { 'threads', 'syncParameters', 'flattenParameters' } do Table[name] = function(self) return self end end
end

local function modules()
  require 'cutorch' -- which it brings with it
  local nn = require 'nn'
  parallelTable(nn)
  for _, name in ipairs { 'nn.Module', 'nn.Criterion' } do
    local mt = class.getmetatable(name)
    wrapType(mt)
    mt.cuda = function(self, ...) return self:type('torch.FloatTensor', ...) end
    mt.cudaDouble = function(self, ...) return self:type('torch.DoubleTensor', ...) end
    mt.cl, mt.cudaHalf = mt.cuda, mt.cuda -- half-precision numbers are kept here, not computed with
  end
  return nn
end

-- A recurrent layer by the arguments of cudnn's: (inputSize, hiddenSize, layers [, batchFirst [, dropout]]).
local function recurrent(name, more)
  return function(inputSize, hiddenSize, layers, batchFirst, dropout, remembers)
    if remembers then error('cudnn: recurrent layers that remember their states are not played by the processor', 2) end
    local options = { layers = layers, batchFirst = batchFirst or nil, dropout = dropout }
    for key, value in pairs(more or {}) do options[key] = value end
    return class.getmetatable('tocha.' .. name).new(inputSize, hiddenSize, options)
  end
end

local function cudnn()
  local nn = modules()
  local package_ = { benchmark = false, fastest = false, verbose = false, version = 5000, reset = nothing,
    RNNReLU = recurrent('RNN', { nonlinearity = 'relu' }), RNNTanh = recurrent 'RNN', LSTM = recurrent 'LSTM',
    GRU = recurrent 'GRU', BLSTM = recurrent('LSTM', { bidirectional = true }), BGRU = recurrent('GRU', { bidirectional = true }) }
  package_.convert = function(model) return model end
  package_.externalizeString = nothing
  -- A step is the window's size where none is given, as for maxima; nn takes 1.
  function package_.SpatialAveragePooling(kW, kH, dW, dH, ...)
    return nn.SpatialAveragePooling(kW, kH, dW or kW, dH or kH, ...)
  end
  function package_.VolumetricAveragePooling(kT, kW, kH, dT, dW, dH, ...)
    return nn.VolumetricAveragePooling(kT, kW, kH, dT or kT, dW or kW, dH or kH, ...)
  end
  return setmetatable(package_, { __index = function(_, name)
    if nn[name] == nil then error(('cudnn.%s has no layer nn.%s on the processor'):format(tostring(name), tostring(name)), 2) end
    return nn[name]
  end })
end

local makers = { cutorch = device, cunn = modules, cudnn = cudnn, cltorch = device, clnn = modules }
for name, make in pairs(makers) do
  package.preload[name] = function()
    local module = make()
    if name ~= 'cunn' and name ~= 'clnn' then rawset(_G, name, module) end
    return module
  end
end

if not rawget(_G, '__threadid') then -- workers do not say it again
  io.stderr:write('tocha: cutorch, cunn and cudnn are played by the processor\n')
end
return onProcessor
