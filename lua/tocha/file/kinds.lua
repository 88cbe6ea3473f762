--- The numbers that stand before an object in a .t7 file, and what class names of other devices become.
-- @module tocha.file.kinds
local kinds = { NIL = 0, NUMBER = 1, STRING = 2, TABLE = 3, OBJECT = 4, BOOLEAN = 5, OLD_FUNCTION = 6, LEGACY_FUNCTION = 7,
  FUNCTION = 8, REFERENCE = 'tocha.Reference' }

local names = {
  ['torch.CudaTensor'] = 'torch.FloatTensor', ['torch.CudaStorage'] = 'torch.FloatStorage',
  ['torch.ClTensor'] = 'torch.FloatTensor', ['torch.ClStorage'] = 'torch.FloatStorage',
}
for _, name in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Double', 'Half' } do
  names[('torch.Cuda%sTensor'):format(name)] = ('torch.%sTensor'):format(name)
  names[('torch.Cuda%sStorage'):format(name)] = ('torch.%sStorage'):format(name)
end

--- The class on the processor of a class that lived on a graphics card, or nil.
function kinds.onProcessor(name)
  local layer = name:match '^cudnn%.(.*)$' or name:match '^cunn%.(.*)$' or name:match '^inn%.(.*)$'
  return names[name] or layer and 'nn.' .. layer
end

return kinds
