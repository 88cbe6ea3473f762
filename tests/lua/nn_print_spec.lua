-- Modules print, and are related, as in Torch7.
local torch = require 'tocha'
local nn = require 'tocha.nn'

local pair = "{\n  input\n    |`-> (1): nn.Tanh\n     `-> (2): nn.Sequential {\n           [input -> (1) -> output]\n"
  .. "           (1): nn.Linear(2 -> 1)\n         }\n     ... -> output\n}"

local function children(container) return container:add(nn.Tanh()):add(nn.Sequential():add(nn.Linear(2, 1))) end

local rows = {
  { nn.Container(), 'nn.Container' },
  { children(nn.ConcatTable()), 'nn.ConcatTable ' .. pair },
  { children(nn.Concat(2)), 'nn.Concat ' .. pair },
  { children(nn.Sequential()), 'nn.Sequential {\n  [input -> (1) -> (2) -> output]\n  (1): nn.Tanh\n'
    .. '  (2): nn.Sequential {\n    [input -> (1) -> output]\n    (1): nn.Linear(2 -> 1)\n  }\n}' },
  { nn.Maxout(2, 3, 4), 'nn.Sequential {\n  [input -> (1) -> (2) -> (3) -> output]\n  (1): nn.Linear(2 -> 12)\n'
    .. '  (2): nn.View(4, 3)\n  (3): nn.Max\n}' },
  { nn.MapTable(nn.Linear(2, 3)), 'nn.MapTable {\n  nn.Linear(2 -> 3)\n}' },
  { nn.Bottle(nn.Linear(2, 3)), 'nn.Bottle @ nn.Linear(2 -> 3)' },
  { nn.WeightNorm(nn.Linear(2, 3)), 'nn.WeightNorm @ nn.Linear(2 -> 3)' },
  { nn.Linear(2, 3, false), 'nn.Linear(2 -> 3) without bias' },
  { nn.Bilinear(2, 3, 4, false), 'nn.Bilinear(2x3 -> 4)  without bias' },
  { nn.CReLU(1), 'CReLU()' }, { nn.ReLU(), 'nn.ReLU' }, { nn.Dropout(0.25), 'nn.Dropout(0.250000)' },
  { nn.LeakyReLU(0.2), 'nn.LeakyReLU(0.2)' }, { nn.LeakyReLU(true), 'nn.LeakyReLU(0.01)' },
  { nn.ELU(0.5), 'nn.ELU (alpha:0.500000)' }, { nn.RReLU(), 'nn.RReLU (l:0.125000, u:0.333333)' },
  { nn.WhiteNoise(), 'nn.WhiteNoise mean: 0.000000, std: 0.100000' },
  { nn.View(2, -1), 'nn.View(2, -1)' }, { nn.Reshape(2, 3), 'nn.Reshape(2x3)' },
  { nn.BatchNormalization(3), 'nn.BatchNormalization (2D) (3)' },
  { nn.SpatialConvolution(1, 2, 3, 4, 1, 1, 1), 'nn.SpatialConvolution(1 -> 2, 3x4, 1,1, 1,1)' },
  { nn.SpatialConvolution(1, 2, 3, 4):noBias(), 'nn.SpatialConvolution(1 -> 2, 3x4) without bias' },
  { nn.SpatialMaxPooling(2, 3), 'nn.SpatialMaxPooling(2x3, 2,3)' },
  { nn.SpatialAdaptiveMaxPooling(2, 3), 'nn.SpatialAdaptiveMaxPooling' },
  { nn.TemporalConvolution(2, 3, 4), 'nn.TemporalConvolution' }, { nn.Convert('bchw', 'bf'), 'nn.Convert' },
  { nn.LookupTable(4, 3), 'nn.LookupTable' }, { nn.MSECriterion(), 'nn.MSECriterion' },
}

for i, row in ipairs(rows) do
  it(('row %d is printed: %s'):format(i, row[2]:match '^[^\n]*'), function() assert.are.equal(row[2], tostring(row[1])) end)
end

it('classes are related as they were', function()
  for child, parent in pairs {
    ReLU = 'Threshold', Clamp = 'HardTanh', CReLU = 'Sequential', Bottle = 'Decorator', Mean = 'Sum',
    SpatialDilatedConvolution = 'SpatialConvolution', VolumetricDilatedConvolution = 'VolumetricConvolution',
    SpatialBatchNormalization = 'BatchNormalization', LinearWeightNorm = 'Linear', WeightedMSECriterion = 'MSECriterion',
    SpatialAutoCropMSECriterion = 'MSECriterion',
  } do
    assert.are.equal('nn.' .. parent, rawget(getmetatable(torch.getmetatable('nn.' .. child)), '__typename'), child)
  end
end)

it('what cannot be is refused', function()
  assert.error_matches(function() nn.Linear(2, 3):cuda() end, 'there is no CUDA here')
  assert.error_matches(function() nn.Threshold(0.1, 0.2, true) end, 'the value, 0.2, must not be above the threshold, 0.1')
end)

it('packages read and write modules with functions of their own', function()
  local Own, own = torch.class('tests.Own', 'nn.Linear', {})
  function Own:write(file)
    self.note = 'written'
    own.write(self, file)
  end
  function Own:read(file, version)
    own.read(self, file, version)
    self.note = self.note .. ' and read'
  end
  local layer = torch.getmetatable('tests.Own')(2, 1)
  local copy = torch.deserialize(torch.serialize(layer))
  assert.are.equal('written and read', copy.note)
  assert.are.equal(0, (copy.weight - layer.weight):norm())
end)
