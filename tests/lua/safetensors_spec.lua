local torch = require 'tocha'
local json = require 'tocha.file.json'
local files = dofile 'tests/lua/files.lua'
local golden = files.unhex(dofile('tests/golden/files.lua').safetensors)

-- A file with a header of one's own.
local function with(header, elements)
  return files.put(string.char(#header % 256, math.floor(#header / 256), 0, 0, 0, 0, 0, 0) .. header .. (elements or ''))
end

describe('a safetensors file', function()
  after_each(function() os.remove(files.path()) end)

  it('of its own library is read, in every type', function()
    local tensors, about = torch.readSafetensors(files.put(golden))
    local expected = {
      weight = { 'Float', { { 0, 1, 2 }, { 3, 4, 5 } } }, bias = { 'Double', { 0, 1, 2 } },
      ids = { 'Long', { { 0, 1, 2 }, { 3, 4, 5 } } }, half = { 'Half', { { 0, .25, .5 }, { .75, 1, 1.25 } } },
      brain = { 'BFloat16', { { 0, .25, .5 }, { .75, 1, 1.25 } } }, flag = { 'Byte', { { 1, 0, 1 }, { 0, 1, 0 } } },
    }
    for name, want in pairs(expected) do
      assert.equal('torch.' .. want[1] .. 'Tensor', tensors[name]:type())
      assert.same(want[2], tensors[name]:totable())
    end
    assert.same({ 0, 2.5 }, { tensors.scalar:dim(), tensors.scalar:item() })
    assert.same({ 0, 3 }, tensors.none:size():totable())
    assert.same({ format = 'np', note = 'a "quoted" \195\169' }, about)
  end)

  it('is written so that it is read back, with tensors of any view', function()
    local x = torch.range(1, 12):view(3, 4)
    local wanted = { x = x, t = x:t(), part = x:narrow(2, 2, 2), byte = torch.ByteTensor { 1, 2, 3 }, h = x:half(),
      ['a "name"\n'] = torch.LongTensor { -1 }, empty = torch.Tensor(0, 3), scalar = torch.DoubleTensor { 7 }:view {} }
    torch.writeSafetensors(files.path(), wanted, { format = 'pt' })
    local tensors, about = torch.readSafetensors(files.path())
    for name, tensor in pairs(wanted) do
      assert.equal(tensor:type(), tensors[name]:type())
      assert.same(tensor:size():totable(), tensors[name]:size():totable())
      assert.same(tensor:totable(), tensors[name]:totable())
      tensors[name] = nil
    end
    assert.same({ {}, { format = 'pt' } }, { tensors, about })
  end)

  it('lies under its tensors, which do not write into it', function()
    torch.writeSafetensors(files.path(), { a = torch.range(1, 1e6), b = torch.range(1, 2) })
    collectgarbage()
    local before = torch.memstats().used
    local tensors = torch.readSafetensors(files.path())
    assert.is_true(torch.memstats().used - before < 10000)
    tensors.a:fill(5)
    tensors.b:mul(2)
    collectgarbage()
    assert.equal(5e6, tensors.a:sum())
    assert.same({ 1, 2 }, torch.readSafetensors(files.path()).b:totable())
  end)

  it('may have its elements at odd places', function()
    local tensors = torch.readSafetensors(with('{"x":{"dtype":"I16","shape":[2],"data_offsets":[1,5]}}', '\9\1\0\2\0'))
    assert.same({ 1, 2 }, tensors.x:totable())
  end)

  it('is refused where it is damaged', function()
    local refused, cuts = files.damage(function(path)
      for _, tensor in pairs(torch.readSafetensors(path)) do if tensor:nElement() > 0 then tensor:double():sum() end end
    end, golden, 40)
    assert.equal(cuts, refused)
    local function refuses(header, pattern)
      assert.error_matches(function() torch.readSafetensors(with(header, ('\0'):rep(16))) end, pattern)
    end
    refuses('{"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,16]}}', 'x: 6 elements of 4 bytes do not fill 16 bytes')
    refuses('{"x":{"dtype":"F32","shape":[1e300],"data_offsets":[0,16]}}', 'x: its shape is none')
    refuses('{"x":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}}', 'x: truncated')
    refuses('{"x":{"dtype":"F32","shape":[-1],"data_offsets":[4,0]}}', 'x: its shape is none')
    refuses('{"x":{"dtype":"C64","shape":[2],"data_offsets":[0,16]}}', 'x: elements of type C64 cannot be read')
    refuses('{"x":{"dtype":"F32","shape":[4]}}', 'x: its entry is incomplete')
    refuses('{"x":3}', 'x: its entry is none')
    refuses('{"x":[', 'its header cannot be read: no value at byte')
    refuses('[' .. ('['):rep(500), 'more than 100 levels')
    assert.error_matches(function() torch.readSafetensors(files.put(('\255'):rep(9))) end, 'no safetensors file')
    assert.error_matches(function() torch.readSafetensors '/nowhere/x' end, 'cannot map /nowhere/x: No such file')
  end)

  it('is not begun where something cannot be written', function()
    for pattern, call in pairs {
      ['x is a number, not a tensor'] = { { x = 3 } },
      ['1 cannot be the name of a tensor'] = { { torch.Tensor(1) } },
      ['__metadata__ cannot be the name'] = { { __metadata__ = torch.Tensor(1) } },
      ['metadata are strings by strings'] = { { x = torch.Tensor(1) }, { a = 1 } },
      ['a table of tensors is needed'] = { 3 },
    } do
      assert.error_matches(function() torch.writeSafetensors(files.path(), unpack(call)) end, pattern)
    end
  end)
end)

describe('JSON', function()
  it('is read with its escapes, numbers and nesting', function()
    assert.same({ a = { 1, -2.5, 1e3, true, false, {} }, ['b"'] = 'x\n\195\169\240\159\152\128/' },
      json.decode ' {"a": [1, -2.5, 1e3, true, false, {}], "b\\"": "x\\n\\u00e9\\ud83d\\ude00\\/"} ')
    assert.equal(json.null, json.decode 'null')
    assert.equal('"a\\u000a\\u0022\\u005c"', json.quote 'a\n"\\')
  end)

  it('is told where it is wrong', function()
    for text, why in pairs { ['{"a" 1}'] = 'a colon is missing at byte 6', ['[1 2]'] = 'a comma or %] is missing at byte 4',
      ['{1:2}'] = 'a name is missing at byte 2', ['"a'] = 'a string without an end', ['"\\q"'] = 'an unknown escape',
      ['"\\ud83d"'] = 'half a surrogate pair', ['01'] = 'no value', ['{"a":1,"a":2}'] = 'stands twice',
      ['1 2'] = 'more than one value',
      [''] = 'no value at byte 1', ['nul'] = 'no value' } do
      local value, message = json.decode(text)
      assert.is_nil(value)
      assert.matches(why, message)
    end
  end)
end)
