local torch = require 'tocha'

local function text(x) return tostring(x) end

describe('printing', function()
  it('shows whole numbers without a point', function()
    assert.equal(' 1  2\n 3  4\n[torch.FloatTensor of size 2x2]\n', text(torch.Tensor { { 1, 2 }, { 3, 4 } }))
    assert.equal('  1\n -2\n 10\n[torch.LongTensor of size 3]\n', text(torch.LongTensor { 1, -2, 10 }))
    assert.equal(' 0\n[torch.ByteTensor of size 1]\n', text(torch.ByteTensor { 0 }))
    assert.equal(' 1.0000e+10\n[torch.DoubleTensor of size 1]\n', text(torch.DoubleTensor { 1e10 }))
  end)

  it('shows fractions with four digits, a scale or an exponent', function()
    assert.equal(' 0.5000\n 0.2500\n[torch.FloatTensor of size 2]\n', text(torch.Tensor { 0.5, 0.25 }))
    assert.equal('  1.5000\n 22.2500\n[torch.FloatTensor of size 2]\n', text(torch.Tensor { 1.5, 22.25 }))
    assert.equal('0.001 *\n 5.0000\n 2.5000\n[torch.DoubleTensor of size 2]\n', text(torch.DoubleTensor { 0.005, 0.0025 }))
    assert.equal('1e+06 *\n  1.5000  2.2500\n[torch.DoubleTensor of size 1x2]\n',
      text(torch.DoubleTensor { { 1500000.25, 2250000 } }))
    assert.equal(' 1.0000e-03\n 1.0000e+03\n[torch.DoubleTensor of size 2]\n', text(torch.DoubleTensor { 0.001, 1000 }))
  end)

  it('breaks wide matrices into columns', function()
    local lines = {}
    for line in text(torch.zeros(1, 30)):gmatch('[^\n]*') do lines[#lines + 1] = line end
    assert.equal('Columns 1 to 26', lines[1])
    assert.truthy(text(torch.zeros(1, 30)):find('\n\nColumns 27 to 30\n 0  0  0  0\n', 1, true))
  end)

  it('shows slices, the first index fastest', function()
    local shown = text(torch.range(1, 8):view(2, 2, 1, 2))
    assert.equal('(1,1,.,.) = \n  1  2\n\n(2,1,.,.) = \n  5  6\n\n(1,2,.,.) = \n  3  4\n\n(2,2,.,.) = \n  7  8\n'
      .. '[torch.FloatTensor of size 2x2x1x2]\n', shown)
  end)

  it('shows all slices in one format', function()
    local x = torch.zeros(2, 1, 2)
    x[1]:fill(.5)
    assert.equal('(1,.,.) = \n  0.5000  0.5000\n\n(2,.,.) = \n  0.0000  0.0000\n[torch.FloatTensor of size 2x1x2]\n', text(x))
  end)

  it('shows what is not a number, and nothing', function()
    assert.equal('nan\n[torch.FloatTensor of size 1]\n', (text(torch.Tensor { 0 / 0 }):gsub('^%-', '')))
    assert.truthy(text(torch.Tensor { 1 / 0, 1 }):find('inf'))
    assert.equal('[torch.FloatTensor with no dimension]\n', text(torch.Tensor()))
  end)

  it('shows storages', function()
    assert.equal(' 1\n 2\n[torch.LongStorage of size 2]\n', text(torch.LongStorage { 1, 2 }))
  end)
end)
