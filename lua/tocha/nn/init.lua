--- Layers, containers and criterions: `local nn = require 'tocha.nn'`.
--
-- Classes that Torch7 had are named nn.X; those it did not have are named tocha.X and stand in this table as X.
-- How a layer is written: derive.lua. How a module is called: module.lua and call.lua.
-- @module tocha.nn
require 'tocha'
local nn = {
  --- Receives sentences about what is suspicious and not wrong; replace it to direct them elsewhere.
  warn = function(sentence) io.stderr:write('nn: ', sentence, '\n') end,
}
package.loaded[...] = nn

nn.functional, nn.utils = require 'tocha.nn.functional', require 'tocha.nn.utils'
for _, file in ipairs {
  'module', 'derive', 'call', 'container', 'branches', 'depthconcat',
  'linear', 'sparse',
  'convolution', 'volumetric', 'mapped',
  'pooling', 'volumepool', 'unpooling', 'fractional', 'subsampling',
  'temporal', 'recurrent', 'attention',
  'activation', 'normalization', 'contrast', 'dropout',
  'embedding',
  'shape', 'routing', 'arithmetic', 'padding', 'upsampling',
  'distance', 'parametric',
  'decorator', 'convert', 'weightnorm', 'spectralnorm', 'composed',
  'criterion', 'criterions', 'margins', 'classes', 'multicriterion',
  'kmeans', 'jacobian', 'hessian', 'compat', 'initialize', 'state', 'path',
  'softtarget', 'ctc', 'checkpoint', 'anomaly', 'compiled',
} do
  require('tocha.nn.' .. file)
end

local passing = require 'tocha.nn.passing'
for _, name in ipairs {
  'Sequential', 'Checkpoint', 'ConcatTable', 'ParallelTable', 'Identity', 'CAddTable', 'CMulTable', 'JoinTable', 'View',
  'Reshape', 'Linear', 'SpatialConvolution', 'SpatialFullConvolution', 'SpatialDilatedConvolution', 'SpatialMaxPooling',
  'SpatialAveragePooling',
  'SpatialAdaptiveAveragePooling', 'SpatialBatchNormalization', 'BatchNormalization', 'LayerNorm', 'Dropout', 'SpatialDropout',
  'ReLU', 'ReLU6', 'LeakyReLU', 'ELU', 'Tanh', 'Sigmoid', 'GELU', 'SiLU', 'SoftMax', 'LogSoftMax',
} do passing.forgets(nn[name]) end

local guard = require 'tocha.nn.path'.guard
for _, value in pairs(nn) do
  local class = type(value) == 'table' and getmetatable(value)
  if type(class) == 'table' and rawget(class, '__typename') then guard(class) end
end

return nn
