--- The types of 16 bits: stored, moved and cast, not computed with.
local torch = require 'tocha'
local files = dofile 'tests/lua/files.lua'
local golden = dofile 'tests/golden/files.lua'

-- The storage of a type with the bytes of a golden file.
local function golden_storage(type, name)
  local bytes = files.unhex(golden[name])
  local storage = torch[type .. 'Storage'](#bytes / torch[type .. 'Storage'](1):elementSize())
  local file = torch.MemoryFile(bytes, 'r'):binary()
  return (file['read' .. type](file, storage:size()))
end

local kinds = { Half = { fraction = 10, bias = 15 }, BFloat16 = { fraction = 7, bias = 127 } }

-- The number of a bit pattern, from the definition of IEEE 754.
local function value(bits, kind)
  local unit, most = 2 ^ kind.fraction, 2 ^ (15 - kind.fraction) - 1
  local sign, magnitude = bits >= 0x8000 and -1 or 1, bits % 0x8000
  local exponent, fraction = math.floor(magnitude / unit), magnitude % unit
  if exponent == most then return fraction == 0 and sign / 0 or 0 / 0 end
  if exponent == 0 then return sign * fraction * 2 ^ (1 - kind.bias) / unit end
  return sign * (1 + fraction / unit) * 2 ^ (exponent - kind.bias)
end

for name, kind in pairs(kinds) do
  describe('torch.' .. name .. 'Tensor', function()
    local make = torch[name .. 'Tensor']

    it('holds every pattern of 16 bits as the standard says, and takes it back', function()
      local text = {}
      for bits = 0, 65535 do text[bits + 1] = string.char(bits % 256, math.floor(bits / 256)) end
      local bytes = table.concat(text)
      local storage = torch.MemoryFile(bytes, 'r'):binary()['read' .. name](torch.MemoryFile(bytes, 'r'):binary(), 65536)
      local floats, again = make(storage):double(), make(65536)
      again:copy(floats)
      local data, back = floats:storage(), again:storage():string()
      for bits = 0, 65535 do
        local expected, got = value(bits, kind), data[bits + 1]
        if expected ~= expected then assert(got ~= got, bits)
        else
          assert(got == expected, ('%d: %g, not %g'):format(bits, got, expected))
          assert(back:sub(2 * bits + 1, 2 * bits + 2) == text[bits + 1], bits)
        end
      end
    end)

    it('rounds as NumPy does, to the nearest, ties to even', function()
      local numbers = golden_storage('Double', 'edges')
      local expected = golden_storage(name, 'edges_' .. name:lower()):string()
      assert.equal(expected, make(numbers:size()):copy(torch.DoubleTensor(numbers)):storage():string())
      local storage, fresh = make(numbers:size()):storage(), make(numbers:totable())
      for i = 1, numbers:size() do storage[i] = numbers[i] end
      assert.equal(expected, storage:string())
      assert.equal(expected, fresh:storage():string())
    end)

    it('is indexed, sliced, printed, cast, joined, sorted out by mask and index, saved and loaded', function()
      local x = make { { 1, 2.5, -3 }, { 4, 0.5, 6 } }
      assert.equal(2.5, x[1][2])
      assert.equal(2.5, x[{ 1, 2 }])
      x[{ 1, 2 }] = 7
      x[2]:fill(0.25)
      assert.same({ { 1, 7, -3 }, { 0.25, 0.25, 0.25 } }, x:totable())
      assert.same({ { 1, 0.25 }, { 7, 0.25 }, { -3, 0.25 } }, x:t():contiguous():totable())
      assert.equal(' 1.0000  7.0000 -3.0000\n 0.2500  0.2500  0.2500\n[torch.' .. name .. 'Tensor of size 2x3]\n', tostring(x))
      assert.same({ { 1, 7, -3 }, { 0, 0, 0 } }, x:int():totable())
      assert.equal(name, x:float():type(make():type()):type():match '%.(.*)Tensor')
      assert.same({ 0.25, 1 }, x:t()[1]:index(1, torch.LongTensor { 2, 1 }):totable())
      assert.same({ 7 }, x[x:float():gt(2)]:totable())
      assert.same({ 4, 3 }, torch.cat(x, x, 1):size():totable())
      x:apply(function(v) return 2 * v end)
      assert.equal(14, x[1][2])
      for _, format in ipairs { 'binary', 'ascii' } do
        local y = torch.deserialize(torch.serialize(x, format), format)
        assert.equal(x:type(), y:type())
        assert.same(x:totable(), y:totable())
      end
      assert.same({ 1, 2, 3 }, torch[name .. 'Storage'] { 1, 2, 3 }:totable())
    end)

    it('is not computed with: the error says what to do', function()
      local x = make { 1, 2 }
      for _, f in ipairs {
        function() return x + x end, function() return torch.exp(x) end, function() return x:sum() end,
        function() return x:add(1) end, function() return torch.sort(x) end, function() return x:eq(1) end,
        function() return torch.dot(x, x) end, function() return x:maskedFill(torch.ByteTensor { 0, 1 }, 3) end,
      } do
        assert.error_matches(f, 'is a ' .. name .. 'Tensor, which stores numbers but cannot be computed with %(cast to float first')
      end
      assert.has_error(function() x:uniform() end)
      assert.has_error(function() x:requiresGrad(true) end)
      assert.has_error(function() torch.randn(2):index(1, x) end)
      assert.has_error(function() torch.setdefaulttensortype(x:type()) end)
      assert.same({ 1, 2 }, x:totable())
    end)

    it('takes part in a cast on the tape as a constant', function()
      local w = torch.randn(3):requiresGrad(true)
      assert.is_false(torch.DoubleTensor(3):copy(make(3):copy(w)):requiresGrad())
    end)
  end)
end

it('a .npy file of halves is read and written', function()
  local bytes = files.unhex(golden.npy_f2)
  local x = torch.readNpy(files.put(bytes))
  assert.equal('torch.HalfTensor', x:type())
  assert.same({ { -1, 0, 1 }, { 2, 3, 4 } }, x:totable())
  torch.writeNpy(files.path(), x)
  local file = io.open(files.path(), 'rb')
  assert.equal(bytes, file:read '*a')
  file:close()
end)
