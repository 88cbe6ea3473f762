-- Random calls of every public function with random arguments: nothing crashes, and every refusal is a sentence for the caller.
local torch = require 'tocha'
local ops = require('tocha.bindings.op').ops

-- What changes the process or hands out raw addresses.
local left = {}
for name in ('setnumthreads scope class newmetatable setmetatable setdefaulttensortype setPairEqualCounts setGradEnabled seed data '
  .. 'cdata save load include'):gmatch('%S+') do left[name] = true end

local function collect(list, prefix, functions, wanted)
  for name, f in pairs(functions) do
    if type(f) == 'function' and not left[name] and wanted(name) then list[#list + 1] = { prefix .. name, f } end
  end
end

local function publicFunctions()
  local list = {}
  collect(list, 'torch.', torch, function() return true end)
  collect(list, 'x:', torch.getmetatable('torch.FloatTensor'), function() return true end)
  local _ = ops.add_backward -- reads the calls that are read late
  collect(list, 'ops.', ops, function(name) return not name:find('_backward$') end)
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

local function small(n) return math.random(n or 4) end
local odd = { 'x', 'torch.FloatTensor', 0 / 0, 1 / 0, -1 / 0, 2 ^ 60, -2 ^ 60, true }
local makers = {
  function() return torch.randn(small(), small()) end,
  function() return torch.randn(small(5)) end,
  function() return torch.randn(3, 4):t() end,
  function() return torch.LongTensor(small()):random(1, 4) end,
  function() return torch.ByteTensor(small(), small()):bernoulli(0.5) end,
  function() return torch.DoubleTensor(3, 4):zero():requiresGrad(true) end,
  function() return torch.Tensor() end,
  function() return math.random(-3, 5) end,
  function() return math.random() * 4 - 2 end,
  function() return odd[math.random(#odd)] end,
  function() return { small(), math.random(-2, 4) } end,
  function() return torch.LongStorage { small(), small(3) } end,
  function() return { torch.randn(3), torch.randn(3) } end,
  function() return nil end,
}

describe('random calls', function()
  it('end in results or in sentences', function()
    math.randomseed(20)
    torch.manualSeed(20)
    local functions = publicFunctions()
    for _ = 1, 10000 do
      local name, f = unpack(functions[math.random(#functions)])
      local args, n = {}, math.random(0, 6)
      for i = 1, n do args[i] = makers[math.random(#makers)]() end
      local ok, message = pcall(f, unpack(args, 1, n))
      if not ok then
        assert.is_string(message, name)
        assert.is_nil(message:find('cannot convert', 1, true) or message:find('attempt to', 1, true), name .. ': ' .. message)
      end
    end
    assert.is_true(torch.isGradEnabled())
  end)
end)
