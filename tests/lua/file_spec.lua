local torch = require 'tocha'
local files = dofile 'tests/lua/files.lua'

describe('files', function()
  local path = files.path()
  before_each(function() files.put '' end)

  -- The same bytes in memory and on the disk, in quiet mode.
  local function both(text, kind, check)
    for _, file in ipairs { torch.MemoryFile(text, 'r'):quiet(), torch.DiskFile(files.put(text), 'r', true) } do
      check(file[kind](file))
      file:close()
    end
  end
  local three = { binary = '\1\0\0\0\2\0\0\0\3\0\0\0', ascii = '1 2 3\n' }

  it('hold what a tensor and a storage write of themselves', function()
    local x = torch.randn(2, 3)
    for _, kind in ipairs { 'binary', 'ascii' } do
      local file = torch.MemoryFile()
      file[kind](file)
      x:t():write(file)
      torch.LongStorage({ 4, 5, 6 }):write(file)
      torch.Tensor():write(file)
      file:seek(1)
      local y, storage, empty = torch.Tensor(), torch.LongStorage(), torch.randn(2)
      y:read(file)
      storage:read(file)
      empty:read(file)
      assert.same(x:t():totable(), y:totable())
      assert.same({ 1, 3 }, y:stride():totable())
      assert.same({ 4, 5, 6 }, storage:totable())
      assert.equal(0, empty:nElement())
      file:seek(1)
      assert.error_matches(function() torch.IntTensor():read(file) end, 'needs a storage of its type')
    end
    assert.error_matches(function() x:write 'x' end, 'write: a torch.File is needed, not a string')
  end)

  it('in memory are closed as those on the disk are', function()
    local file = torch.MemoryFile()
    file:writeInt(3)
    file:close()
    for _, use in ipairs { 'readInt', 'string', 'storage', 'position', 'seekEnd' } do
      assert.error_matches(function() file[use](file) end, 'MemoryFile: the file is closed')
    end
    assert.error_matches(function() file:writeInt(1) end, 'the file is closed')
    assert.error_matches(function() file:seek(1) end, 'the file is closed')
    file:close()
  end)

  it('give in quiet mode as many elements as they have', function()
    for kind, text in pairs(three) do
      both(text, kind, function(file)
        assert.same({ 1, 2, 3 }, file:readInt(5):totable())
        assert.is_true(file:hasError())
        assert.equal(0, file:readInt(2):size())
        file:clearError():seek(5)
        local storage = torch.IntStorage { 7, 7, 7, 7, 7 }
        assert.equal(kind == 'binary' and 2 or 1, file:readInt(storage))
        assert.same(kind == 'binary' and { 2, 3, 7, 7, 7 } or { 3, 7, 7, 7, 7 }, storage:totable())
        assert.is_true(file:hasError())
        assert.equal(0, file:readInt(torch.IntStorage()))
      end)
    end
    both('1 2 x', 'ascii', function(file) assert.same({ 1, 2 }, file:readFloat(3):totable()) end)
    both('\1\0\0\0\2\0\0\0\3', 'binary', function(file)
      assert.same({ 2 ^ 24, 2 ^ 25 }, file:bigEndianEncoding():readInt(3):totable())
    end)
    assert.error_matches(function() torch.MemoryFile(three.binary):binary():readInt(5) end, 'truncated: .* within 20 bytes')
    assert.error_matches(function() torch.MemoryFile(three.ascii):readInt(2 ^ 40) end, 'truncated')
    assert.error_matches(function() torch.MemoryFile(three.ascii):readInt(torch.FloatStorage(2)) end, 'torch.IntStorage is needed')
  end)

  it('fail to read a string at their end', function()
    for _, format in ipairs { '*a', '*l', '*line' } do
      both('rest', 'ascii', function(file)
        assert.equal('rest', file:readString(format))
        assert.is_false(file:hasError())
        assert.equal('', file:readString(format))
        assert.is_true(file:hasError())
        assert.error_matches(function() file:pedantic():readString(format) end, 'nothing is left to read')
      end)
    end
  end)

  it('give nil for an object that is cut off in quiet mode', function()
    local text = torch.serialize { torch.FloatTensor(3), 'text' }
    for n = 0, #text - 1 do
      local file = torch.MemoryFile(text:sub(1, n)):binary():quiet()
      assert.is_nil(file:readObject())
      assert.is_true(file:hasError() and file:isQuiet())
    end
  end)

  it('that cannot be opened in quiet mode are nil', function()
    assert.is_nil(torch.DiskFile(path .. '/none', 'r', true))
    assert.is_nil(torch.DiskFile('/', 'r', true))
    local popen = io.popen
    io.popen = function() return nil, 'no more processes' end -- luacheck: ignore
    local pipe = torch.PipeFile('true', 'r', true)
    io.popen = popen -- luacheck: ignore
    assert.is_nil(pipe)
    assert.error_matches(function() torch.DiskFile '/' end, 'cannot read /: it is no file that can be read')
  end)

  it('tell how much was written', function()
    local file = torch.DiskFile(path, 'rw')
    assert.equal(2, file:writeInt(torch.IntStorage { 1, 2 }))
    assert.equal(1, file:writeInt(torch.IntStorage { 1, 2 }, 2))
    assert.equal(1, file:writeDouble(3))
    assert.equal(3, file:writeString 'abc')
    file:close()
    file = torch.DiskFile(path):quiet()
    assert.equal('1 2\n2\n3\nabc', file:readString '*a')
    assert.equal(0, file:writeInt(1))
    assert.is_true(file:hasError())
    file:close()
    assert.error_matches(function() torch.MemoryFile():writeInt(torch.IntStorage(2), 2, 2) end, '2 elements from 2 on do not lie')
  end)

  it('refuse longs that do not fit 32 bits', function()
    local big = torch.LongTensor { 1, 2 ^ 33 + 5 }
    assert.error_matches(function() torch.serialize(big, 'b32') end, 'writeLong: 8589934597 does not fit 32 bits')
    local file = torch.MemoryFile():binary()
    file:longSize(4)
    for _, value in ipairs { 2 ^ 33 + 5, 2 ^ 31, -2 ^ 31 - 1, 0 / 0 } do
      assert.error_matches(function() file:writeLong(value) end, 'does not fit 32 bits')
    end
    file:writeLong(torch.LongStorage { 2 ^ 33, 2 ^ 31 - 1, -2 ^ 31 }, 2, 2)
    file:seek(1)
    assert.same({ 2 ^ 31 - 1, -2 ^ 31 }, file:readLong(2):totable())
  end)

  it('say what is wrong with arguments', function()
    for part, call in pairs {
      ['DiskFile: the name is nil'] = function() torch.DiskFile() end,
      ['DiskFile: the name is a table'] = function() torch.DiskFile {} end,
      ['writeString: the text is 3, but a string'] = function() torch.MemoryFile():writeString(3) end,
      ["the mode is 'r', 'w' or 'rw'"] = function() torch.MemoryFile('x', {}) end,
      ['readInt: a file is needed: file:readInt(...)'] = function() torch.MemoryFile.readInt() end,
      ['readObject: a file is needed'] = function() torch.DiskFile:readObject() end,
      ['seek: the position is 0, but a whole number from 1'] = function() torch.MemoryFile():seek(0) end,
      ['seek: the position is nil'] = function() torch.DiskFile(path):seek() end,
      ['position 3 is not within 1..1'] = function() torch.MemoryFile():seek(3) end,
      ['deserialize: the text is nil, but a string'] = function() torch.deserialize(nil) end,
      ['deserializeFromStorage: the storage is nil'] = function() torch.deserializeFromStorage() end,
    } do
      files.says(part, call)
      files.says('file_spec.lua:', call)
    end
  end)

  it('lie in no file', function()
    local file = torch.DiskFile(path)
    assert.error_matches(function() torch.serialize { log = file } end, 'a torch.DiskFile cannot be written, at <%?>%.log')
    assert.is_nil(file:isWritableObject(file))
    file:close()
    assert.error_matches(function() torch.deserialize('4\n1\n3\nV 1\n14\ntorch.DiskFile\n3\n2\n0\n', 'ascii') end,
      'a torch.DiskFile cannot be read from a file')
  end)
end)

describe('functions that were not loaded', function()
  local function loaded(text) return torch.deserialize(text, 'binary', { functions = true }) end
  local function counter(n)
    return torch.serialize { add = function(k) n = n + k end, get = function() return n end }
  end

  it('are written as what they were', function()
    for _, text in ipairs { counter(20), torch.serialize(torch.deserialize(counter(20))) } do
      local copy = torch.serialize(torch.deserialize(text))
      assert.error_matches(function() torch.deserialize(copy).get() end, 'was not loaded')
      local object = loaded(copy)
      object.add(2)
      assert.equal(22, object.get())
    end
  end)

  it('keep their variables apart from those of other files and of the program', function()
    local n = 1
    local object = loaded(torch.serialize { torch.deserialize(counter(10)), torch.deserialize(counter(20)),
      { add = function(k) n = n + k end, get = function() return n end } })
    for i = 1, 3 do object[i].add(i) end
    assert.same({ 11, 22, 4 }, { object[1].get(), object[2].get(), object[3].get() })
  end)

  it('call themselves and share tensors when they are loaded at last', function()
    local base = torch.range(1, 100)
    local part = base:narrow(1, 1, 2)
    local function sum(k) return k == 0 and base[1] or sum(k - 1) end
    local object = loaded(torch.serialize(torch.deserialize(torch.serialize { sum = sum, part = part })))
    object.part[1] = 7
    assert.equal(7, object.sum(3))
  end)

  it('are not loaded by a copy', function()
    local inert = torch.deserialize(counter(1))
    local file = torch.MemoryFile():binary()
    file:writeObject { inert, function() return 5 end }
    file:seek(1)
    local copy = file:readObject()
    assert.equal(5, copy[2]())
    assert.error_matches(function() copy[1].get() end, 'was not loaded')
  end)

  it('stay where a file only names their class, or has no upvalues', function()
    local named = torch.deserialize('4\n1\n3\nV 1\n22\ntocha.UnloadedFunction\n3\n2\n0\n', 'ascii')
    assert.equal('tocha.UnloadedFunction', torch.typename(torch.deserialize(torch.serialize(named))))
    local odd = torch.deserialize('8\n1\n1\nx\n1\n5\n', 'ascii')
    assert.equal('8\n1\n1\nx\n1\n5\n', torch.serialize(odd, 'ascii'))
  end)
end)
