-- Runs of modules a few images at a time (lua/tocha/nn/chunks.lua), and what they leave out (skipped.lua).
local torch = require 'tocha'
local nn = require 'tocha.nn'
local pair = dofile 'tests/lua/nn_pair.lua'
local near, step, nearGradients, plainly, pooled = pair.near, pair.step, pair.nearGradients, pair.plainly, pair.pooled

describe('runs of modules, a few images at a time,', function()
  local chunks = require 'tocha.nn.chunks'
  local room, fewest, forward, backward = chunks.room, chunks.fewest, chunks.forward, chunks.backward
  local ran

  before_each(function()
    ran, chunks.room, chunks.fewest = {}, 50000, 2 -- four images
    for name, f in pairs { forward = forward, backward = backward } do
      chunks[name] = function(...)
        local result, place = f(...)
        if place then ran[#ran + 1] = name end
        return result, place
      end
    end
  end)
  after_each(function()
    chunks.room, chunks.fewest, chunks.forward, chunks.backward = room, fewest, forward, backward
  end)

  -- One step of both networks; what the modules hold is compared.
  local function compare(net, plain, x, g)
    step(net, plain, x, g)
    for i, m in ipairs(net.modules) do
      local other = plain.modules[i]
      near(m.output, other.output)
      if m.places then assert.same(other.indices:totable(), m.indices:totable()) end
      if m.gradInput and torch.type(m) ~= 'nn.SpatialMaxPooling' then near(m.gradInput, other.gradInput) end
    end
    nearGradients(net, plain)
  end

  it('are what the batch is, for any batch', function()
    local net = pooled()
    net:get(4).weight:mul(6)
    local plain = plainly(net)
    for _, n in ipairs { 10, 9, 23, 3, 16 } do
      ran = {}
      compare(net, plain, torch.randn(n, 2, 20, 18), torch.randn(n, 3))
      assert.same(n == 3 and {} or { 'forward', 'backward' }, ran)
    end
    local x, g = torch.randn(16, 2, 20, 18), torch.randn(16, 3)
    net.modules[1].gradInput, plain.modules[1].gradInput = nil, nil
    compare(net, plain, x, g)
    assert.is_nil(net.gradInput)
    near(net:evaluate() or net:forward(x), plain:evaluate() or plain:forward(x))
    net:double()
    plain:double()
    compare(net, plain, x:double(), g:double())
  end)

  it('end with any of the modules, and begin after others', function()
    for last = 5, 9 do
      local net, whole = nn.Sequential():add(nn.SpatialBatchNormalization(2)), pooled()
      for i = 1, last do net:add(whole:get(i)) end
      local plain, x = plainly(net), torch.randn(11, 2, 20, 18)
      compare(net, plain, x, torch.randn(net:forward(x):size()))
      assert.equal('forward forward backward', table.concat(ran, ' '))
      ran = {}
    end
  end)

  it('leave modules that stand there twice, or have functions of their own, alone', function()
    local conv = nn.SpatialConvolution(3, 3, 3, 3, 1, 1, 1, 1)
    local net = nn.Sequential():add(conv):add(nn.ReLU(true)):add(conv):add(nn.ReLU(true)):add(nn.SpatialMaxPooling(2, 2))
      :add(nn.SpatialConvolution(3, 2, 1, 1))
    local x = torch.randn(12, 3, 20, 16)
    local y = net:forward(x):clone()
    near(y, plainly(net):forward(x))
    local calls = 0
    local last = net:get(6)
    function last:updateOutput(input)
      calls = calls + 1
      return nn.SpatialConvolution.updateOutput(self, input)
    end
    near(net:forward(x), y)
    assert.equal(1, calls)
  end)

  it('refuse what the modules refuse', function()
    local net = pooled()
    assert.has_error(function() net:forward(torch.randn(10, 3, 20, 18)) end)
    local x = torch.randn(10, 2, 20, 18)
    net:forward(x)
    assert.has_error(function() net:backward(x, torch.randn(9, 3)) end)
  end)

  -- -- what is left out -----------------------------------------------------------------------------------------------

  local function batch(n) return torch.randn(n, 2, 20, 18), torch.randn(n, 3) end
  local function collected() collectgarbage() collectgarbage() end
  local fields = { 'output', 'gradInput' }

  -- Raw fields of a network's modules: '12.4' has those of the modules 1, 2 and 4 of four.
  local function raw(net, field)
    local text = ''
    for i, m in ipairs(net.modules) do text = text .. (rawget(m, field) == nil and '.' or i % 10) end
    return text
  end

  it('leave out what nobody reads, until somebody does', function()
    local net = pooled()
    local plain = plainly(net)
    local x, g = batch(11)
    step(net, plain, x, g)
    assert.same({ '..3..6..901', '1........01' }, { raw(net, 'output'), raw(net, 'gradInput') })
    near(net:get(2).output, plain:get(2).output)
    assert.is_true(rawequal(net:get(1).output, net:get(2).output))
    near(net:get(7).gradInput, plain:get(7).gradInput)
    assert.same({ '123..6..901', '12345678901' }, { raw(net, 'output'), raw(net, 'gradInput') })
    compare(net, plain, batch(11))
    collected()
    step(net, plain, batch(11))
    assert.same({ '..3..6..901', '1........01' }, { raw(net, 'output'), raw(net, 'gradInput') })
    net:get(1).gradInput, plain:get(1).gradInput = nil, nil
    compare(net, plain, batch(11))
    assert.is_nil(net:get(1).gradInput)
  end)

  it('write what somebody holds', function()
    local net = pooled()
    local plain = plainly(net)
    step(net, plain, batch(9))
    local list = {}
    for i, m in ipairs(net.modules) do list[i] = { output = m.output, gradInput = m.gradInput } end
    for _, n in ipairs { 9, 14, 3, 12 } do
      collected()
      step(net, plain, batch(n))
      for i, entry in ipairs(list) do
        for field, t in pairs(entry) do
          if not (field == 'gradInput' and net:get(i).ceil_mode ~= nil) then near(t, plain:get(i)[field]) end
          if i <= 9 then assert.is_true(rawequal(t, net:get(i)[field])) end
        end
      end
    end
  end)

  it('hold numbers of the weights that the pass had', function()
    local net = pooled()
    local plain = plainly(net)
    step(net, plain, batch(10))
    net:getParameters():mul(3)
    for i, m in ipairs(plain.modules) do
      near(net:get(i).output, m.output)
      if m.ceil_mode == nil then near(net:get(i).gradInput, m.gradInput) end
    end
  end)

  it('have nothing where what they were computed from is gone', function()
    local net = pooled()
    local plain = plainly(net)
    local x, g = batch(10)
    step(net, plain, x, g)
    x:add(1)
    assert.equal(0, net:get(1).output:dim())
    near(net:get(4).output, plain:get(4).output)
    net:forward(x)
    near(net:get(1).output, plain:forward(x) and plain:get(1).output)
    assert.equal(0, net:get(4).gradInput:dim())
    compare(net, plain, x, g)
  end)

  it('go on in copies, files, and after clearState and another type', function()
    local net = pooled()
    local plain = plainly(net)
    local x, g = batch(10)
    step(net, plain, x, g)
    local read = torch.deserialize(torch.serialize(net))
    assert.same({ '..3..6..901', '1........01' }, { raw(net, 'output'), raw(net, 'gradInput') })
    assert.equal('12345678901', raw(read, 'gradInput'))
    assert.equal(0, read:get(4).output:dim())
    local copy = net:clone()
    for i, m in ipairs(plain.modules) do
      near(copy:get(i).output, m.output)
      if m.ceil_mode == nil then near(copy:get(i).gradInput, m.gradInput) end
    end
    step(net, plain, x, g)
    copy = net:clone()
    copy:zeroGradParameters()
    near(copy:backward(x, g, 0.5), plain.gradInput)
    nearGradients(copy, plain)
    step(net, plain, x, g)
    net:clearState()
    for i = 1, 9 do
      for _, field in ipairs(fields) do assert.equal(0, rawget(net:get(i), field):dim()) end
    end
    compare(read, plain, x, g)
    step(net, plain, x, g)
    net:double()
    near(net:get(5).output, plain:get(5).output:double())
    near(net:get(4).gradInput, plain:get(4).gradInput:double())
    plain:double()
    compare(net, plain, x:double(), g:double())
  end)

  it('make way for calls of modules, passes of parts and smaller batches', function()
    local net = pooled()
    local plain = plainly(net)
    local x, g = batch(10)
    local few, fewer = batch(3)
    for _ = 1, 2 do
      step(net, plain, x, g)
      near(net:updateGradInput(x, g), plain:updateGradInput(x, g))
      for _, m in ipairs { net, plain } do m:accGradParameters(x, g, 2) end
      nearGradients(net, plain)
      step(net, plain, x, g)
      compare(net, plain, few, fewer)
      step(net, plain, x, g)
      for i = 9, 1, -1 do
        local m, other = net:get(i), plain:get(i)
        local input = i == 1 and x or plain:get(i - 1).output
        local y = m:forward(input:clone())
        near(m.weight and y:clamp(0, i == 4 and 6 or math.huge) or y, other.output)
        if other.ceil_mode == nil then near(m:updateGradInput(input, plain:get(i + 1).gradInput), other.gradInput) end
      end
    end
  end)

  it('take gradInputs that share memory, and none', function()
    local net = pooled()
    local plain = plainly(net)
    step(net, plain, batch(3))
    local x, g = batch(10)
    for shared = 3, 5 do -- five: the first and the last have the same
      local storage = {}
      for k = 1, shared do storage[k] = torch.FloatStorage(1) end
      for i, m in ipairs(net.modules) do m.gradInput = torch.FloatTensor(storage[i % shared + 1], 1, 0) end
      for _ = 1, 2 do
        step(net, plain, x, g)
        near(net.gradInput, plain.gradInput)
        nearGradients(net, plain)
      end
    end
    assert.equal(4, net:get(4).gradInput:dim())
    net:get(4).gradInput = nil
    net:forward(x)
    assert.has_error(function() net:backward(x, g) end)
  end)

  it('give the same bits with any number of threads', function()
    local net, before, results = pooled(), torch.getnumthreads(), {}
    local x, g = batch(64)
    for threads = 1, 2 do
      torch.setnumthreads(threads)
      net:zeroGradParameters()
      net:forward(x)
      net:backward(x, g)
      local _, gradients = net:getParameters()
      results[threads] = { gradients:clone(), net.gradInput:clone(), net:get(5).output:clone(), net:get(6).gradInput:clone() }
    end
    torch.setnumthreads(before)
    for i, t in ipairs(results[1]) do assert.is_true(t:equal(results[2][i])) end
  end)

  it('do not keep networks alive', function()
    local net = pooled()
    net:forward(batch(10))
    net:backward(batch(10))
    local kept = setmetatable({ net, net:get(1), net:get(3) }, { __mode = 'v' })
    net = nil
    collected()
    assert.is_nil(net or kept[1] or kept[2] or kept[3])
  end)
end)
