local torch = require 'tocha'
local files = dofile 'tests/lua/files.lua'
local golden = dofile 'tests/golden/files.lua'

local function put(name) return files.put(files.unhex(golden[name])) end
local function npy(name) return torch.readNpy(put(name)) end

local function is(expected, type, tensor)
  assert.equal(type, tensor:type())
  assert.same(expected, tensor:totable())
end

describe('a .npy file', function()
  it('of NumPy is read, in every type', function()
    for kind, type in pairs { i1 = 'Char', i2 = 'Short', i4 = 'Int', i8 = 'Long', f4 = 'Float', f8 = 'Double' } do
      is({ { -1, 0, 1 }, { 2, 3, 4 } }, 'torch.' .. type .. 'Tensor', npy('npy_' .. kind))
    end
    is({ { 0, 1, 2 }, { 3, 4, 5 } }, 'torch.ByteTensor', npy 'npy_u1')
    is({ { 1, 0, 1 }, { 0, 1, 0 } }, 'torch.ByteTensor', npy 'npy_bool')
    is({ { 0, 13107, 26214 }, { 39321, 52428, 65535 } }, 'torch.IntTensor', npy 'npy_u2')
    is({ { 0, 858993459, 1717986918 }, { 2576980377, 3435973836, 4294967295 } }, 'torch.LongTensor', npy 'npy_u4')
  end)

  it('may be big-endian, in Fortran order, without dimensions or elements, of version 2', function()
    is({ { 0, 1, 2 }, { 3, 4, 5 } }, 'torch.FloatTensor', npy 'npy_big')
    is({ { 0, 1, 2 }, { 3, 4, 5 } }, 'torch.FloatTensor', npy 'npy_version2')
    local fortran = npy 'npy_fortran'
    assert.is_true(fortran:isContiguous())
    assert.equal(0, (fortran - torch.range(0, 23):float():view(2, 3, 4)):abs():max())
    assert.equal(0, npy('npy_scalar'):dim())
    assert.equal(2.5, npy('npy_scalar'):item())
    assert.same({ 0, 3 }, npy('npy_empty'):size():totable())
  end)

  it('with other elements is refused by name', function()
    assert.has_error(function() npy 'npy_complex' end, files.path() .. ': elements of type <c8 cannot be read')
    assert.has_error(function() npy 'npy_text' end, files.path() .. ': elements of type <U2 cannot be read')
    assert.error_matches(function() torch.readNpy '/nowhere' end, 'cannot read /nowhere')
    assert.error_matches(function() torch.readNpy(3) end, 'the name of the file is a number')
  end)

  it('is written as NumPy writes it', function()
    for kind, type in pairs { u1 = 'Byte', i1 = 'Char', i2 = 'Short', i4 = 'Int', i8 = 'Long', f4 = 'Float', f8 = 'Double' } do
      local shift = kind == 'u1' and 0 or 1
      local x = (torch.range(0, 5):view(3, 2):t() - shift):type('torch.' .. type .. 'Tensor')
      x:copy(torch.range(0, 5):view(2, 3) - shift)
      torch.writeNpy(files.path(), x)
      local file = io.open(files.path(), 'rb')
      assert.equal(files.unhex(golden['npy_' .. kind]), file:read '*a')
      file:close()
    end
    torch.writeNpy(files.path(), torch.FloatTensor())
    assert.same({ 0 }, torch.readNpy(files.path()):size():totable())
    assert.error_matches(function() torch.writeNpy(files.path(), {}) end, 'a tensor is needed, not a table')
    assert.error_matches(function() torch.writeNpy('/nowhere/x', torch.randn(2)) end, 'cannot write /nowhere/x')
  end)

  it('that is damaged is an error', function()
    for _, name in ipairs { 'npy_f4', 'npy_version2', 'npy_u2' } do
      local refused, cuts = files.damage(torch.readNpy, files.unhex(golden[name]), 150)
      assert.equal(cuts, refused)
    end
    local huge = files.unhex(golden.npy_f4):gsub('%(2, 3%)', '(9999999999, 9999999999)')
    assert.error_matches(function() torch.readNpy(files.put(huge)) end, 'truncated')
  end)
end)

describe('a .npz file', function()
  it('of NumPy is read, compressed or not', function()
    local arrays = torch.readNpz(put 'npz')
    is({ { 0, 1, 2 }, { 3, 4, 5 } }, 'torch.FloatTensor', arrays.x)
    is({ 0, 1, 2 }, 'torch.DoubleTensor', arrays.y)
    arrays = torch.readNpz(put 'npz_compressed')
    is({ { 0, 1, 2 }, { 3, 4, 5 } }, 'torch.FloatTensor', arrays.x)
    assert.equal(2000, arrays.zeros:nElement())
    assert.equal(0, arrays.zeros:abs():max())
  end)

  it('comes back as it was written, the same bytes each time', function()
    local list = { torch.randn(3, 4), torch.LongTensor { 1, 2 }, torch.randn(4, 2):t(), torch.ones(100, 100) }
    for _, compress in ipairs { false, true } do
      torch.writeNpz(files.path(), list, { compress = compress })
      local file = io.open(files.path(), 'rb')
      local bytes = file:read '*a'
      file:close()
      assert.equal(compress, #bytes < 30000)
      local back = torch.readNpz(files.path())
      for i, tensor in ipairs(list) do
        is(tensor:totable(), tensor:type(), back['arr_' .. i - 1])
      end
      torch.writeNpz(files.path(), list, { compress = compress })
      file = io.open(files.path(), 'rb')
      assert.equal(bytes, file:read '*a')
      file:close()
    end
    assert.error_matches(function() torch.writeNpz(files.path(), { a = 1 }) end, 'writeNpz: a: a tensor is needed')
    assert.error_matches(function() torch.writeNpz('/nowhere/x', {}) end, 'cannot write /nowhere/x')
  end)

  it('that is damaged is an error', function()
    for _, name in ipairs { 'npz', 'npz_compressed' } do
      local refused, cuts = files.damage(torch.readNpz, files.unhex(golden[name]), 100)
      assert.equal(cuts, refused)
    end
    assert.error_matches(function() torch.readNpz(put 'npy_f4') end, 'is no ZIP archive')
    local flipped = files.unhex(golden.npz):gsub('%z%z\160@', '\0\0\161@', 1)
    assert.error_matches(function() torch.readNpz(files.put(flipped)) end, 'checksum')
  end)
end)
