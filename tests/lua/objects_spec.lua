-- What .t7 files do beyond values: slices, hooks, functions of this program, byte order, pipes.
local torch = require 'tocha'

describe('slices', function()
  local base = torch.range(1, 1000)

  it('are saved without the rest of their storage', function()
    local slice = base:narrow(1, 401, 5)
    local text = torch.serialize { slice }
    assert.is_true(#text < 300)
    local copy = torch.deserialize(text)[1]
    assert.same({ 401, 402, 403, 404, 405 }, copy:totable())
    assert.same({ 5, 1 }, { copy:storage():size(), copy:storageOffset() })
    assert.same({ 1000, 401 }, { slice:storage():size(), slice:storageOffset() })
    local columns = base:view(100, 10):narrow(1, 2, 2):t():narrow(1, 3, 2)
    copy = torch.deserialize(torch.serialize(columns))
    assert.same({ { 13, 23 }, { 14, 24 } }, copy:totable())
    assert.same({ 1, 10 }, copy:stride():totable())
    assert.equal(12, copy:storage():size())
  end)

  it('keep sharing where something else shows their storage', function()
    for _, object in ipairs { { base:narrow(1, 2, 3), base:narrow(1, 3, 3) }, { base:narrow(1, 2, 3), base:storage() },
      { base:narrow(1, 2, 3), function() return base end } } do
      local copy = torch.deserialize(torch.serialize(object), 'binary', { functions = true })
      assert.equal(1000, copy[1]:storage():size())
    end
    local pair = torch.deserialize(torch.serialize { base:narrow(1, 2, 3), base:narrow(1, 3, 3) })
    pair[1][2] = -1
    assert.same({ -1, 4, 5 }, pair[2]:totable())
  end)

  it('are written with their storage by an object that writes itself, and by writeObject', function()
    local Own = torch.class('objects_spec.Own', {})
    function Own:write(file)
      file:writeObject(self.x)
      file:writeObject(self.x:narrow(1, 1, 1))
    end
    function Own:read(file) self.x, self.y = file:readObject(), file:readObject() end
    local own = Own()
    own.x = base:narrow(1, 11, 4)
    local copy = torch.deserialize(torch.serialize(own))
    copy.y[1] = -1
    assert.same({ -1, 12, 13, 14 }, copy.x:totable())
    local file = torch.MemoryFile()
    file:binary():writeObject(base:narrow(1, 1, 2))
    file:seek(1)
    assert.equal(1000, file:readObject():storage():size())
  end)
end)

describe('writeObject', function()
  local function again(object, ...)
    local file = torch.MemoryFile():binary()
    file:writeObject(object, ...)
    file:seek(1)
    return file:readObject()
  end

  it('writes what a hook gives in place of each object, once', function()
    local module = {}
    local Old, New = torch.class('objects_spec.Old', module), torch.class('objects_spec.New', module)
    function Old:__init() self.x = 1 end
    function New:__init() self.x = 2 end
    local old = module.Old()
    local copy = again({ a = old, b = { old } }, nil, function(object)
      return torch.typename(object) == 'objects_spec.Old' and module.New() or object
    end)
    assert.equal('objects_spec.New', torch.typename(copy.a))
    assert.equal(2, copy.a.x)
    assert.equal(copy.a, copy.b[1])
  end)

  it('gives back functions of this program with the variables that they share', function()
    local n, off = 1, false
    local object = again { step = function() n = n + 1 end, get = function() return n, off end }
    object.step()
    assert.same({ 2, false }, { object.get() })
    assert.equal(1, n)
    local function factorial(k) return k < 2 and 1 or k * factorial(k - 1) end
    assert.equal(120, again(factorial)(5))
  end)

  it('does not trust functions in a file that something else wrote into', function()
    local text = torch.serialize(function() return 1 end)
    local file = torch.MemoryFile():binary()
    file:writeString(text)
    file:seek(1)
    assert.error_matches(function() file:readObject()() end, 'was not loaded')
    assert.error_matches(function() torch.MemoryFile(text):binary():readObject()() end, 'was not loaded')
  end)

  it('leaves fields that cannot be written out of objects, with a notice', function()
    local Holder = torch.class('objects_spec.Holder', {})
    local holder = Holder()
    holder.thread, holder.x, holder.print = coroutine.create(print), 5, print
    local said, stderr = {}, io.stderr
    io.stderr = { write = function(_, text) said[#said + 1] = text end } -- luacheck: ignore
    local good, copy = pcall(again, { holder })
    io.stderr = stderr -- luacheck: ignore
    assert.is_true(good)
    assert.same({ x = 5 }, copy[1])
    table.sort(said)
    assert.matches('field print of objects_spec.Holder is a function and is not written, at <%?>%.1\n', said[1])
    assert.matches('field thread of objects_spec.Holder is a thread', said[2])
  end)

  it('names the place of what cannot be written, also inside functions, and can be tried again', function()
    local inner = { deep = function() return print end }
    local file = torch.MemoryFile():binary()
    local bad = { f = function() return inner end }
    inner.deep = (function() local p = print return function() return p end end)()
    assert.error_matches(function() file:writeObject(bad) end, 'a function of C cannot be written, at <%?>%.f%.inner%.deep%.p$')
    assert.error_matches(function() file:writeObject(bad, 'net') end, 'at net%.f%.inner%.deep%.p$')
    assert.is_nil(file:isWritableObject(print))
    assert.is_nil(file:isWritableObject(coroutine.create(print)))
    assert.truthy(file:isWritableObject(torch.Tensor()) and file:isWritableObject(print == nil))
  end)
end)

describe('files', function()
  it('take either order of bytes', function()
    local file = torch.MemoryFile():binary():bigEndianEncoding()
    assert.is_false(file:isNativeEncoding())
    file:writeInt(1)
    file:writeShort(torch.ShortStorage { 2, 3, 4 }, 2, 2)
    file:writeDouble(-2)
    assert.equal('\0\0\0\1\0\3\0\4\192\0\0\0\0\0\0\0', file:string())
    file:seek(1)
    assert.equal(1, file:readInt())
    assert.same({ 3, 4 }, file:readShort(2):totable())
    assert.equal(-2, file:readDouble())
    file:seek(1)
    assert.equal(2 ^ 24, file:littleEndianEncoding():readInt())
    assert.same({ true, false }, { file:isLittleEndianCPU(), file:isBigEndianCPU() })
  end)

  it('run through a pipe', function()
    local pipe = torch.PipeFile 'printf "3 4\\nrest"'
    assert.same({ 3, 4 }, pipe:readInt(2):totable())
    assert.equal('rest', pipe:readString '*a')
    pipe:close()
    local path = os.tmpname()
    pipe = torch.PipeFile('cat > ' .. path, 'w')
    pipe:writeInt(12)
    pipe:close()
    assert.error_matches(function() pipe:writeInt(1) end, 'the file is closed')
    local file = torch.DiskFile(path, 'r'):noBuffer()
    assert.equal(12, file:readInt())
    file:close()
    os.remove(path)
    assert.error_matches(function() torch.PipeFile('cat', 'rw') end, "the mode is 'r' or 'w'")
  end)
end)
