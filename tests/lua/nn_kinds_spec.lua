-- Every class of tocha.nn given something of the wrong kind: what it refuses it refuses in a sentence, at the caller's line, behind
-- the name of a module.
local torch = require 'tocha'
local nn = require 'tocha.nn'

torch.manualSeed(1)
local function random(...) return torch.randn(...) end
local function labels(...) return torch.LongTensor { ... } end
local function linear() return nn.Linear(2, 2) end
local function run(module, input)
  module:forward(input)
  return module
end

-- -- the classes ----------------------------------------------------------------------------------------------------

-- Arguments of constructors that need some.
local arguments = {}
for list, names in pairs {
  ['1'] = [[AddConstant Constant Concat DepthConcat Index JoinTable L1Penalty LayerNormalization Max Mean Min MulConstant
    NarrowTable PixelShuffle Power Replicate SelectTable SpatialReflectionPadding SpatialReplicationPadding SpatialZeroPadding
    SplitTable Sum TemporalAdaptiveAveragePooling TemporalAdaptiveMaxPooling TemporalDynamicKMaxPooling TemporalMaxPooling Unsqueeze
    VolumetricAdaptiveAveragePooling VolumetricAdaptiveMaxPooling VolumetricReplicationPadding]],
  ['2'] = [[Add BatchNormalization CAdd CMul InstanceNorm LayerNorm Normalize OneHot PairwiseDistance RMSNorm Reshape
    SpatialBatchNormalization SpatialCrossMapLRN SpatialUpSamplingBilinear SpatialUpSamplingNearest UpSampling View
    VolumetricBatchNormalization SpatialContrastiveNormalization SpatialDivisiveNormalization SpatialSubtractiveNormalization
    ClassSimplexCriterion Collapse]],
  ['0, 1'] = 'Clamp',
  ['1, 1'] = [[Padding Parallel Select SpatialAdaptiveAveragePooling SpatialAdaptiveMaxPooling SpatialAveragePooling
    SpatialMaxPooling]],
  ['2, 1'] = 'TemporalRowConvolution TemporalSubSampling',
  ['1, 1, 1'] = 'Narrow',
  ['2, 2'] = [[Cosine Euclidean GRU GroupNorm IndexLinear Kmeans LSTM Linear LinearWeightNorm LookupTable MultiHeadAttention
    PartialLinear RNN SparseLinear TransformerLayer WeightedEuclidean]],
  ['2, 1, 2'] = 'FeatureLPPooling',
  ['2, 2, 1'] = 'TemporalConvolution',
  ['2, 2, 2'] = 'Bilinear Maxout',
  ['1, 2, 2'] = 'Recurrent',
  ['2, 1, 1'] = 'SpatialSubSampling',
  ['1, 1, 1, 1'] = 'SpatialDilatedMaxPooling',
  ['2, 2, 1, 1'] = [[SpatialConvolution SpatialConvolutionMM SpatialDepthWiseConvolution SpatialDilatedConvolution
    SpatialFullConvolution SpatialLPPooling]],
  ['2, 2, 2, 2'] = 'SpatialFractionalMaxPooling',
  ['2, 2, 2, 1, 1, 1'] = 'VolumetricFractionalMaxPooling',
  ['1, 1, 1, 1, 1, 1'] = 'VolumetricAveragePooling VolumetricDilatedMaxPooling VolumetricMaxPooling',
  ['2, 2, 1, 1, 1'] = 'VolumetricConvolution VolumetricDilatedConvolution VolumetricFullConvolution',
  ['2, 2, 4, 4, 2, 2'] = 'SpatialConvolutionLocal',
} do
  local values = assert(loadstring('return ' .. list))
  for name in names:gmatch '%S+' do arguments[name] = values end
end
for name in ('Bottle Checkpoint Compiled Decorator DontCast MapTable NaN Residual SpectralNorm WeightNorm'):gmatch '%S+' do
  arguments[name] = linear
end
local function connections() return nn.tables.full(2, 2), 1, 1 end
arguments.SpatialConvolutionMap, arguments.SpatialFullConvolutionMap = connections, connections
arguments.GPU = function() return linear(), 1 end
arguments.Transpose = function() return { 1, 2 } end
arguments.CriterionTable, arguments.ModuleCriterion = nn.MSECriterion, nn.MSECriterion
arguments.WeightedMSECriterion = function() return torch.ones(2, 2) end
arguments.SpatialMaxUnpooling = function() return run(nn.SpatialMaxPooling(2, 2), random(2, 2, 4, 4)) end
arguments.VolumetricMaxUnpooling = function() return run(nn.VolumetricMaxPooling(2, 2, 2), random(2, 2, 4, 4, 4)) end

local function make(name)
  local module = nn[name]((arguments[name] or function() end)())
  if module.criterions then
    module:add(nn.MSECriterion())
    if name == 'ParallelCriterion' then module:add(nn.ClassNLLCriterion()) end
  elseif module.modules and #module.modules == 0 and name ~= 'Convert' then module:add(linear()):add(nn.Tanh()) end
  return module
end

-- Bases of others, which do nothing; what prints; what trains.
local left = { Module = true, Container = true, Criterion = true, Recurrent = true, PrintSize = true, Profile = true }
local names = {}
for name, class in pairs(nn) do
  local mt = type(class) == 'table' and getmetatable(class)
  if type(mt) == 'table' and rawget(mt, '__typename') and not left[name]
    and (torch.isTypeOf(mt, 'nn.Module') or torch.isTypeOf(mt, 'nn.Criterion')) then names[#names + 1] = name end
end
table.sort(names)

-- -- what they are given --------------------------------------------------------------------------------------------

local wrong = { -- the first ones are tried beside and after an input that fits, too
  { 'nil', nil }, { 'a number', 3 }, { 'a string', 'x' }, { 'an empty table', {} }, { 'a table of a number', { 3 } },
  { 'a tensor and a number', { random(2, 2), 3 } }, { 'nested tables', { { random(2, 2) }, { random(2) } } },
  { 'true', true }, { 'a function', print }, { 'a storage', torch.LongStorage { 2 } }, { 'a module', nn.ReLU() },
  { 'a table of a string', { 'x' } }, { 'two tensors', { random(2, 2), random(3) } }, { 'a table by names', { a = random(2) } },
  { 'a tensor', random(2, 2) }, { 'indices', labels(1, 2) },
}
local first = 7

-- Of these some fit.
local fitting = {
  random(2, 2), random(2), { random(2, 2), random(2, 2) }, random(2, 4, 4), random(2, 2, 4, 4), random(2, 2, 2, 4, 4),
  { random(2, 2), random(2) }, { random(2, 2, 2), random(2, 2, 2) }, labels(1, 2), { random(2, 2), random(2, 2), random(2, 2) },
  { random(2, 2), labels(1, 2) }, { random(2, 2), torch.ByteTensor(2, 2):fill(1) }, { random(2), { random(2), random(2) } },
  { { random(2), random(2) }, { random(2), random(2) } }, random(2, 3, 2), random(2, 2, 2, 2, 2), random(2, 2, 2, 2),
  torch.Tensor { { 1, 2 }, { 2, 3 } }, { labels(1, 2), random(2) },
}
local targets = { random(2, 2), random(2), labels(1, 2), 1, torch.Tensor { { 1, 2 }, { 2, 1 } }, labels(1),
  { random(2, 2), labels(1, 2) }, random(2, 6, 6), labels(2) }

local raw = { 'attempt to', 'bad argument #', 'cannot convert', 'stack overflow', 'metamethod' }

-- What is wrong with the error of a call, if it ends in one.
local function complaint(module, method, ...)
  local good, message = pcall(method, module, ...)
  if good then return nil end
  for _, text in ipairs(raw) do
    if message:find(text, 1, true) then return message end
  end
  local said = message:match '^%S*nn_kinds_spec%.lua:%d+: (.*)$'
  if not said then return 'elsewhere: ' .. message end
  for _, name in ipairs { '^model%[', '^nn%.%u', '^tocha%.%u', '^' .. tostring(module):match '^%w+' } do
    if said:find(name) then return nil end
  end
  return 'nameless: ' .. message
end

local function call(module, ...) return module(...) end -- luacheck: ignore

-- Complaints about all methods, given an input and a gradOutput or a target.
local function try(found, what, module, methods, input, other)
  for _, method in ipairs(methods) do
    local text = complaint(module, method == 'call' and call or module[method], input, other)
    if text then found[#found + 1] = ('%s of %s: %s'):format(method, what, text) end
  end
end

local every = { 'forward', 'backward', 'accGradParameters', 'call' }
local gradients = { 'backward', 'updateGradInput', 'accGradParameters' }
local losses = { 'forward', 'backward', 'call' }

-- An input, and for a criterion a target, that the class takes.
local function fit(name, isCriterion)
  for _, input in ipairs(fitting) do
    for _, target in ipairs(isCriterion and targets or { false }) do
      local module = make(name)
      if pcall(module.forward, module, input, target) and pcall(module.backward, module, input, target or module.output) then
        return input, target or module.output
      end
    end
  end
end

-- Those whose forward fits nothing above.
local unfit = { Compiled = 'it has no backward' }

describe('what is of the wrong kind is refused in a sentence by', function()
  for _, name in ipairs(names) do
    it('nn.' .. name, coroutine.wrap(function() -- a stack of its own: errors look through all of it
      local module, found = make(name), {}
      local isCriterion = torch.isTypeOf(module, 'nn.Criterion')
      for _, case in ipairs(wrong) do
        try(found, case[1], make(name), isCriterion and losses or every, case[2], targets[1])
      end
      local input, other = fit(name, isCriterion)
      assert.are.equal(unfit[name] == nil, input ~= nil, 'an input that fits')
      for i = 1, input and first or 0 do
        local case = wrong[i]
        module = make(name)
        pcall(module.forward, module, input, other)
        try(found, 'an input beside ' .. case[1], module, isCriterion and losses or gradients, input, case[2])
        try(found, 'after an input ' .. case[1], module, isCriterion and losses or gradients, case[2], other)
      end
      assert.are.equal('', table.concat(found, '\n'))
    end))
  end
end)

it('a table that a child gives is refused by the next, which is named by its place', function()
  for _, name in ipairs(names) do
    local module = make(name)
    if torch.isTypeOf(module, 'nn.Module') then
      local branches = nn.ConcatTable():add(nn.ConcatTable():add(nn.Identity())):add(nn.Tanh())
      local net = nn.Sequential():add(branches):add(module)
      local found = {}
      try(found, name, net, { 'forward', 'backward', 'call' }, random(2, 2), random(2, 2))
      assert.are.equal('', table.concat(found, '\n'))
    end
  end
end)

it('the words name what was wanted and what was given', function()
  for _, case in ipairs {
    { nn.JoinTable(1), 3, 'nn.JoinTable: a table of tensors is wanted, but a number was given' },
    { nn.MM(), { torch.ones(2, 2) }, 'nn.MM: a table of 2 tensors is wanted, but entry 2 of the one that was given is a nil' },
    { nn.SoftMax(), nil, 'nn.SoftMax: a tensor is wanted, but a nil was given' },
    { nn.View(2), {}, 'nn.View(2): a tensor is wanted, but a table was given' },
    { nn.ParallelTable():add(nn.ReLU()), 'x', 'nn.ParallelTable: a table of tensors is wanted, but a string was given' },
    { nn.Sequential():add(nn.SplitTable(1)):add(nn.Linear(2, 2)), torch.ones(2, 2),
      'model[2] nn.Linear(2 -> 2): a tensor is wanted, but a table was given' },
  } do
    local good, message = pcall(case[1].forward, case[1], case[2])
    assert.is_false(good)
    assert.are.equal(case[3], message:gsub('^%S+:%d+: ', ''), nil)
  end
end)

it('a layer of a script may take a table', function()
  local parts = {}
  local Sum = torch.class('kinds.Sum', 'nn.Module', parts)
  require 'tocha.nn.derive'(Sum, function(_, input) return input[1] + input.other end)
  local input = { torch.ones(2), other = torch.ones(2) }
  assert.are.same({ 2, 2 }, parts.Sum():forward(input):totable())
  assert.are.same({ 2, 2 }, parts.Sum()(input):totable())
end)

it('containers without a dimension hold modules, and say so when they are run', function()
  for _, name in ipairs { 'Concat', 'DepthConcat', 'Parallel' } do
    local held = nn[name]():add(nn.Linear(2, 2))
    assert.are.equal(2, #held:parameters())
    assert.error_matches(function() held:forward(torch.ones(1, 2)) end, 'there is no %w+ to work along')
  end
end)

it('what looks at no input takes anything', function()
  assert.are.equal('x', nn.Identity():forward('x'))
  assert.are.same({ 7 }, nn.Constant(7):forward({}):totable())
  assert.are.equal('b', nn.SelectTable(2):forward({ 1, 'b' }))
  local sum = nn.CSubTable():forward(torch.Tensor { { 3, 4 }, { 1, 1 } })
  assert.are.same({ 2, 3 }, sum:totable())
end)
