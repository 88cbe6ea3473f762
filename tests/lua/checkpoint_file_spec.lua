-- What PyTorch's torch.save wrote (tests/golden/make_models.py --checkpoint, --legacy), and files that lie.
local torch = require 'tocha'
local pickle = require 'tocha.file.pickle'

local function write(bytes)
  local path = os.tmpname()
  local handle = io.open(path, 'wb')
  handle:write(bytes)
  handle:close()
  return path
end

local function contents(path)
  local handle = io.open(path, 'rb')
  local text = handle:read '*a'
  handle:close()
  return text
end

local function refusal(bytes)
  local path = write(bytes)
  local good, why = pcall(torch.readCheckpoint, path)
  os.remove(path)
  assert.is_false(good)
  return tostring(why)
end

-- A pickle of the older format after its three first parts, which are small numbers.
local function legacy(body) return '\128\2\138\10l\252\156F\249 j\168P\25.\128\2K\1.\128\2K\1.' .. body end

describe('readCheckpoint', function()
  for _, name in ipairs { 'checkpoint', 'legacy' } do
    it('reads tensors of every type, views and what stands beside them: ' .. name, function()
      local t = torch.readCheckpoint(('tests/golden/%s.pt'):format(name))
      local base = torch.range(0, 23):float():view(4, 6)
      local state = t.state_dict
      assert.are.equal(0, (state.base - base):abs():max())
      assert.are.equal(0, (state.turned - base:t()):abs():max())
      assert.are.equal(0, (state.part - base:narrow(1, 2, 2):narrow(2, 3, 2)):abs():max())
      assert.are.same({ 1, 1, 1 }, state.parameter:totable())
      assert.are.same({ 3, .1, 'tiny' }, { t.epoch, t.lr, t.name })
      assert.are.same({ 1, -2 }, t.pair)
      assert.are.same({ 1, 0 }, t.list[1]:totable())
      assert.is_nil(t.list[2])
      assert.is_true(t.list[3])
      assert.are.equal('torch.HalfTensor', t.half:type())
      assert.are.same({ { 0, 3 }, { 1, 4 }, { 2, 5 } }, t.half:float():totable())
      assert.are.same({ 1.5, -2 }, t.brain:float():totable())
      assert.are.equal(2 ^ 40, t.long:item())
      assert.are.equal(0, t.long:dim())
      assert.are.equal(.1, t.double[1])
      assert.are.equal(0, t.empty:nElement())
    end)

    it('gives a sentence for every truncation and for damaged bytes: ' .. name, function()
      local whole = contents(('tests/golden/%s.pt'):format(name))
      for n = 1, #whole - 1, 61 do assert.is_truthy(refusal(whole:sub(1, n)):find 'lua_%w+') end
      torch.manualSeed(1)
      for _ = 1, 60 do
        local at = torch.random(1, #whole)
        local path = write(whole:sub(1, at - 1) .. string.char(torch.random(0, 255)) .. whole:sub(at + 1))
        local good, why = pcall(torch.readCheckpoint, path)
        os.remove(path)
        if not good then assert.is_truthy(tostring(why):find('lua_%w+: ') or tostring(why):find('lua_%w+ is no')) end
      end
    end)
  end

  it('runs nothing', function()
    local why = refusal(legacy "cos\nsystem\n(S'true'\ntR.")
    assert.is_truthy(why:find('it asks for os.system, which is not tensors, and is not run', 1, true))
    assert.is_truthy(refusal(legacy '\140\5posix\140\6system\147.'):find('posix.system', 1, true))
  end)

  it('refuses pickles that lie', function()
    for _, case in ipairs { { 't.', 'a mark is missing' }, { 'h\7.', 'entry 7 was not stored' },
                            { '0.', 'nothing is on the stack' },
                            { 'K\1K\2s.', 'pairs go into no dictionary' }, { 'X\255\255\255\127a', 'truncated' },
                            { '\255', 'code 255 is not known' }, { '\128\9.', 'protocol 9 is not known' },
                            { 'K\1K\2R.', 'a call of what is no function' }, { 'K\1Q.', 'a reference is no storage' },
                            { 'K\1.K\1.', 'the list of its storages is missing' } } do
      assert.is_truthy(refusal(legacy(case[1])):find(case[2], 1, true), case[2])
    end
    local head = 'ctorch._utils\n_rebuild_tensor_v2\n((\140\7storagectorch\nFloatStorage\n\140\0010\140\3cpuK\4tQ'
    local tail = '\137ccollections\nOrderedDict\n)RtR.(\140\0010t.' .. '\4' .. ('\0'):rep(7) .. ('\0'):rep(16)
    assert.is_truthy(refusal(legacy(head .. 'K\0K\5\133K\1\133' .. tail)):find('beyond its storage', 1, true))
    assert.is_truthy(refusal(legacy(head .. 'K\0K\2\133J\255\255\255\255\133' .. tail)):find('wrong arguments', 1, true))
    local deep = ('('):rep(1000) .. ('l'):rep(1000) .. '.(t.'
    assert.is_truthy(refusal(legacy(deep)):find('nested deeper than 100', 1, true))
  end)

  it('refuses other files', function()
    assert.is_truthy(refusal 'hello':find('PyTorch did not write this file', 1, true))
    local renamed = contents 'tests/golden/checkpoint.pt':gsub('data.pkl', 'date.pkl')
    assert.is_truthy(refusal(renamed):find('there is no data.pkl', 1, true))
  end)

  it('reads numbers of every length', function()
    local function value(code) return (pickle.read('\128\2' .. code .. '.', 1, {})) end
    assert.are.equal(-1, value '\138\1\255')
    assert.are.equal(128, value '\138\2\128\0')
    assert.are.equal(0, value '\138\0')
    assert.are.equal(-2, value 'J\254\255\255\255')
    assert.are.equal(.5, value 'G\63\224\0\0\0\0\0\0')
  end)
end)
