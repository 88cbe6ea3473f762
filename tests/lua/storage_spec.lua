local torch = require 'tocha'

local function path() return os.tmpname() end

local function contents(name)
  local file = assert(io.open(name, 'rb'))
  local text = file:read '*a'
  file:close()
  return text
end

-- Calls f in a coroutine, so that no stack slot keeps what it made, and collects.
local function dropped(f)
  local run = coroutine.create(f)
  assert(coroutine.resume(run))
  run = nil -- luacheck: ignore
  for _ = 1, 3 do collectgarbage() end
end

describe('storages on memory that is not their own:', function()
  it('a view shares elements, and its writes count on the tape', function()
    local s = torch.LongStorage { 3, 4, 5, 6 }
    local v, part = torch.LongStorage(s, 2), torch.LongStorage(s, 2, 2)
    assert.same({ { 4, 5, 6 }, { 4, 5 } }, { v:totable(), part:totable() })
    v[1] = 13
    assert.equal(13, s[2])
    assert.same({ 13, 5 }, torch.LongStorage(v, 1, 2):totable())
    local x = torch.DoubleTensor { 1, 2, 3 }:requiresGrad(true)
    local other = torch.DoubleTensor(torch.DoubleStorage(x:storage(), 2))
    local y = torch.square(x):sum()
    other:fill(7)
    assert.error_matches(function() y:backward() end, 'overwritten')
  end)

  it('operations see that a view and its base overlap', function()
    local base = torch.DoubleTensor { 1, 2, 3, 4, 5 }
    local a = torch.DoubleTensor(torch.DoubleStorage(base:storage(), 2), 1, { 4 })
    a:cumsum(base:narrow(1, 1, 4), 1)
    assert.same({ 1, 1, 3, 6, 10 }, base:totable())
  end)

  it('neither end can be resized, and both outlive each other', function()
    local s = torch.FloatStorage(4):fill(1)
    local v = torch.FloatStorage(s, 3)
    assert.has_error(function() v:resize(9) end, 'a storage on memory that is not its own (a file, or a part of another '
      .. 'storage) cannot be resized from 2 to 9 elements')
    assert.has_error(function() s:resize(9) end, 'the storage cannot be resized while another storage is a view of it')
    s = nil -- luacheck: ignore
    collectgarbage()
    assert.same({ 1, 1 }, v:totable())
  end)

  it('a view lies inside, and is of the same type', function()
    local s = torch.IntStorage { 1, 2, 3 }
    for _, bad in ipairs { { 0 }, { 5 }, { 2, 3 }, { 1, -1 }, { 1.5 }, { 'x' } } do
      assert.has_error(function() torch.IntStorage(s, unpack(bad)) end)
    end
    assert.has_error(function() torch.FloatStorage(s) end,
      'torch.FloatStorage: a view of a torch.IntStorage is not possible (copy() converts)')
  end)

  it('a file is mapped: alone, writes stay here; shared, they go to the file', function()
    local name = path()
    local file = io.open(name, 'wb')
    file:write 'Hello World\n'
    file:close()
    local s = torch.CharStorage(name)
    assert.equal('Hello World\n', s:string())
    s:fill(42)
    assert.equal('Hello World\n', contents(name))
    local shared = torch.CharStorage(name, true)
    torch.CharTensor(shared):narrow(1, 1, 5):fill(74)
    assert.equal('JJJJJ World\n', contents(name))
    assert.equal(3, torch.IntStorage(name):size())
    assert.equal(2, torch.IntStorage(name, false, 2):size())
    assert.error_matches(function() torch.IntStorage(name, false, 4) end, 'cannot map 16 bytes of .* which has 12')
    local grown = torch.DoubleStorage(name, true, 8)
    assert.equal(64, #contents(name))
    grown[8] = 1.5
    os.remove(name)
    assert.equal(1.5, grown[8])
  end)

  it('a file that is missing, empty or no file is refused', function()
    local name = path()
    assert.error_matches(function() torch.ByteStorage(name) end, 'there is nothing in it to map')
    os.remove(name)
    assert.error_matches(function() torch.ByteStorage(name) end, 'cannot map .*: No such file')
    assert.error_matches(function() torch.ByteStorage('/') end, 'cannot map /: it is no regular file')
    assert.error_matches(function() torch.ByteStorage('/dev/zero', false, 10) end, 'it is no regular file')
    assert.error_matches(function() torch.ByteStorage('/', true) end, 'cannot map /')
    os.execute('mkfifo ' .. name) -- nobody writes into it: to wait would be for ever
    assert.error_matches(function() torch.ByteStorage(name) end, 'it is no regular file')
    os.remove(name)
  end)

  it('shared memory goes with its storage', function()
    local name = path():gsub('/', '_')
    dropped(function()
      local s = torch.FloatStorage(name, true, 100, true)
      s:fill(3)
      local same = torch.FloatStorage('/dev/shm/' .. name, true)
      assert.same({ 100, 3 }, { same:size(), same[100] })
    end)
    assert.is_nil(io.open('/dev/shm/' .. name))
  end)

  it('an address is taken as it is', function()
    local x = torch.DoubleTensor { 1, 2, 3 }
    local s = torch.DoubleStorage(2, torch.data(x, true))
    s[2] = 5
    assert.same({ 1, 5, 3 }, x:totable())
    assert.error_matches(function() torch.LongStorage(2, 5) end, 'there is no memory at address 5')
  end)
end)

describe('storages of their own', function()
  it('take tables, strings and conversions', function()
    assert.same({ 1, 2, 3 }, torch.IntStorage({ 1, 2, 3 }):totable())
    assert.equal('blah', torch.CharStorage():string('blah'):string())
    assert.same({ 256 }, torch.ShortStorage():string('\0\1'):totable())
    assert.has_error(function() torch.ShortStorage():string('abc') end,
      'string: a string whose bytes are a multiple of 2 is needed')
    assert.same({ 1, 1 }, torch.DoubleStorage(2):copy(torch.IntStorage(2):fill(1)):totable())
    assert.has_error(function() torch.IntStorage({ 1, 'x' }) end)
    assert.has_error(function() torch.IntStorage(-1) end, 'torch.IntStorage: -1 elements are not possible')
    assert.has_error(function() torch.IntStorage(print) end,
      'torch.IntStorage: a function is neither a number of elements, nor a table, file name or storage')
  end)

  it('keep contents when resized', function()
    local s = torch.IntStorage { 1, 2, 3 }
    assert.same({ 1, 2 }, s:resize(2):totable())
    s:resize(4)[4] = 9
    assert.same({ 1, 2, 9 }, { s[1], s[2], s[4] })
  end)

  it('are retained and freed in pairs', function()
    local s = torch.IntStorage { 1, 2, 3 }
    s:retain()
    s:free()
    s:free()
    s:free()
    assert.same({ 1, 2, 3 }, s:totable())
  end)
end)
