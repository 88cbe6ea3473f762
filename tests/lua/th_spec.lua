--- The door to Torch7 as a program meets it: scripts/th runs a script in a process of its own.

local files = require 'tests.lua.files'

local function run(script, ...) return files.th(script, '', table.concat({ ... }, ' ')) end

describe('th', function()
  it('runs a script with torch, paths, sys, xlua and Penlight in scope', function()
    local output, rc = run([[
      assert(torch.Tensor(2):type() == 'torch.DoubleTensor' and type(torch.Tensor()) == 'userdata')
      assert(paths.concat('/a', '../b/./c') == '/b/c' and sys.clock() > 0 and xlua.progress)
      assert(stringx and tablex and path and dir and text and lapp)
      assert(unpack and table.unpack and bit32.bnot(0) == 2 ^ 32 - 1 and require 'bit32' == bit32)
      assert(#arg == 2 and arg[1] == 'one' and arg[2] == '--two')
      print('%d%%' % 5)
    ]], 'one', '--two')
    assert.are.equal('5%\t\n', output)
    assert.are.equal(0, rc)
  end)

  it('has what its LuaJIT had of Lua 5.2', function()
    local output = run([[
      local function says(...) return table.concat({ tostring((...)), select(2, ...) }, ' ') end
      assert(says(os.execute 'exit 3') == 'nil exit 3' and says(os.execute 'true') == 'true exit 0' and os.execute() == true)
      assert(says(os.execute 'kill -9 $$') == 'nil signal 9')
      local pipe = io.popen 'echo hi; exit 4 # comment'
      assert(io.type(pipe) == 'file' and pipe:read '*a' == 'hi\n' and says(pipe:close()) == 'nil exit 4')
      assert(says(io.popen 'true':close()) == 'true exit 0')
      local name = os.tmpname()
      assert(io.close((io.open(name, 'w'):write('a', 1):write 'b')))
      assert(io.open(name):read '*a' == 'a1b')
      local pipe = io.popen('cat > ' .. name, 'w'):write 'piped'
      assert(pipe:close() and io.open(name):read '*a' == 'piped' and os.remove(name))
      for _, name in ipairs { 'pairs', 'ipairs' } do
        local n, asks = 0, setmetatable({}, { ['__' .. name] = function(t)
          return function(_, i) if i < 3 then return i + 1, 'x' end end, t, 0
        end })
        for i, x in _G[name](asks) do n = n + i; assert(x == 'x') end
        assert(n == 6)
      end
      assert(rawlen { 1, 2 } == 2 and rawlen 'abc' == 3)
      local function next_(x) return function(y) return x + y end end
      rawset(_G, 'next_', next_)
      local text = 'local x = next_(1) -- (\n\n  (2)\nlocal y = next_\n(x)\n  (4) return x, y, debug.getinfo(1, "l").currentline'
      local name = os.tmpname()
      assert(io.open(name, 'w'):write('# a script\n', text):close())
      assert(says(dofile(name)) == '3 7 7' and says(loadfile(name)()) == '3 7 7' and says(loadstring(text)()) == '3 7 6')
      assert(os.remove(name) and not loadstring 'local a = t["b"] -- c\n(1)' and not loadstring 'local a = b\n(1) 2')
      io.write('first '):write 'second'
      local good, why = pcall(io.write, {})
      assert(not good and why:find "bad argument #1 to '.-' %(string expected, got table%)", why)
    ]])
    assert.are.equal('first second', output)
  end)

  it('takes digits in a string for sizes and indices, as options without a type give them', function()
    assert.equal('3\t4\t2\t3\t\n', (run [[
      require 'nn'
      local x = torch.zeros('3', 4)
      assert(torch.Tensor(2, '3'):size(2) == 3 and torch.ones('2'):sum() == 2 and torch.randn('2', '2'):dim() == 2)
      assert(x:narrow(1, '1', '2'):size('1') == 2 and x:view('4', 3):size(1) == 4 and #x:split('2') == 2)
      assert(nn.LookupTable('5', 2):forward(torch.LongTensor { 5 }):size(2) == 2)
      assert(nn.View('12'):forward(x):dim() == 1 and nn.JoinTable('2'):forward { x, x }:size(2) == 8)
      local good, why = pcall(torch.zeros, '3x', 2)
      assert(not good and why:find 'zeros: sizes are numbers', why)
      print(x:size(1), x:size(2), nn.Linear('4', '2'):forward(x):size(2), nn.SpatialConvolution('1', '3', 3, 3).nOutputPlane + 0)
    ]]))
  end)

  it('shows pairs the gradients that a network left out', function()
    assert.equal('true\ttrue\t\n', (run [[
      require 'nn'
      local net = nn.Sequential():add(nn.SpatialConvolution(1, 2, 3, 3)):add(nn.SpatialBatchNormalization(2)):add(nn.ReLU(true))
      local x = torch.randn(2, 1, 3, 3)
      net:backward(x, net:forward(x))
      local relu, fields = net:get(3), {}
      local leftOut = rawget(relu, 'gradInput') == nil
      for name, value in pairs(relu) do fields[name] = value end
      print(leftOut, fields.gradInput:isSameSizeAs(relu.output))
    ]]))
  end)

  it('keeps to what Torch7 let packages do', function()
    local output = run([[
      local c = require 'trepl.colorize'
      assert(c.red 'x' == '\27[0;31mx\27[0m' and c._blue 'y' == '\27[44my\27[0m' and c.bright 'z' == '\27[1mz\27[0m')
      require 'nn'
      local nll = nn.ClassNLLCriterion() -- one sample: the first label counts
      assert(nll:forward(torch.Tensor{-1, -2, -3}, torch.IntTensor{2, 3}) == 2)
      assert(nll:backward(torch.Tensor{-1, -2, -3}, torch.IntTensor{2, 3})[2] == -1)
      local call, x4 = nn.Linear(2, 3), torch.randn(4, 2) -- a module called is forward and backward, a criterion too
      local y, g = call(x4, torch.randn(4, 3))
      assert(y == call.output and g == call.gradInput and call(x4) == call.output)
      local loss, towards = nn.MSECriterion()(y, y * 2)
      assert(type(loss) == 'number' and towards:isSameSizeAs(y))
      local leaf = torch.randn(4, 2):requiresGrad(true)
      nn.MSECriterion()(call(leaf), y):backward() -- on the tape
      assert(leaf.grad:norm() > 0)
      local net = nn.Sequential():add(nn.Linear(4, 4)):add(nn.ReLU(true))
      net:add(nn.Concat(2):add(nn.Linear(4, 2)):add(nn.Identity()))
      local good, why = pcall(require 'optnet.graphgen', 3)
      assert(not good and why:find('graphgen: a network is needed, not a number', 1, true))
      local edges = {}
      for _, node in ipairs(require 'optnet.graphgen'(net, torch.randn(3, 4)).nodes) do
        for _, child in ipairs(node.children) do edges[#edges + 1] = node:label() .. ' > ' .. child:label() end
      end
      table.sort(edges)
      assert(table.concat(edges, '\n') == 'Input > nn.Linear(4 -> 4)\nnn.Identity > nn.Concat\nnn.Linear(4 -> 2) > nn.Concat\n'
        .. 'nn.Linear(4 -> 4) > nn.ReLU\nnn.ReLU > nn.Identity\nnn.ReLU > nn.Linear(4 -> 2)')
      local mt = torch.getmetatable('torch.DoubleTensor')
      local mul = mt.__mul
      mt.__mul = function(a, b) return type(b) == 'table' and 'other' or mul(a, b) end
      assert(torch.Tensor{1} * {} == 'other' and (torch.Tensor{2} * 3)[1] == 6)
      local column = torch.range(1, 3):view(3, 1)
      assert(column[torch.ByteTensor{1, 0, 1}]:dim() == 1) -- as many elements: elements, not rows
      local bytes = torch.CharTensor(torch.CharStorage():string(torch.serialize{5}))
      require 'ffi'.cdef 'void THFloatStorage_free(THFloatStorage *self);'
      require 'libnnx'
      local good, why = pcall(function() return torch.Tensor(2).nn.SpatialLinear_updateOutput() end)
      assert(not good and why:find('nnx: SpatialLinear_updateOutput is a function of its C library', 1, true))
      print(torch.deserializeFromStorage(bytes)[1])
    ]])
    assert.are.equal('5\t\n', output)
  end)

  it("has the kernels of nn's library, which layers of programs call", function()
    assert.equal('SoftMax_updateOutput: input is not what tensor:cdata() gave\n'
      .. 'SoftMax_updateOutput: there is no output\nnil\t\n', (run [[
      require 'nn'
      local THNN = nn.THNN
      assert(THNN == require 'nn.THNN')
      local function near(what, a, b) assert((a - b):abs():max() < 1e-9, what) end
      local x, g = torch.randn(4, 6), torch.randn(4, 6)
      for name, fields in pairs { SoftMax = {}, LogSoftMax = {}, ELU = { 0.7, false }, Tanh = {}, Abs = false, Square = false } do
        local m, y, gx = nn[name](unpack(fields or {})), torch.Tensor(), torch.Tensor()
        x.THNN[name .. '_updateOutput'](x:cdata(), y:cdata(), unpack(fields or {}))
        near(name, y, m:forward(x))
        local list = { x:cdata(), g:cdata(), gx:cdata(), fields and y:cdata() }
        for _, value in ipairs(fields or {}) do table.insert(list, value) end
        x.THNN[name .. '_updateGradInput'](unpack(list))
        near(name, gx, m:backward(x, g))
      end
      local loss, criterion, gx = torch.Tensor(1), nn.MSECriterion(), torch.Tensor()
      x.THNN.MSECriterion_updateOutput(x:cdata(), g:cdata(), loss:cdata(), true)
      assert(math.abs(loss[1] - criterion:forward(x, g)) < 1e-9)
      x.THNN.MSECriterion_updateGradInput(x:cdata(), g:cdata(), gx:cdata(), true)
      near('MSE', gx, criterion:backward(x, g))
      for name, m in pairs { ConvolutionMM = nn.SpatialConvolution(3, 4, 3, 2, 1, 2, 1, 0):noBias(),
                             FullConvolution = nn.SpatialFullConvolution(3, 4, 3, 2, 1, 2, 1, 0, 0, 1) } do
        name = 'Spatial' .. name
        local x, y, gx, b, gw = torch.randn(2, 3, 6, 5), torch.Tensor(), torch.Tensor(), torch.Tensor(), m.weight:clone():zero()
        local out = m:forward(x)
        local g, gb = out:clone():normal(), m.bias and m.bias:clone():zero()
        m:zeroGradParameters()
        m:backward(x, g, 2)
        local sizes = { 3, 2, 1, 2, 1, 0, m.adjW, m.adjH }
        local function with(scale, ...)
          local t = { ... }
          for _, v in ipairs(sizes) do t[#t + 1] = v end
          t[#t + 1] = scale
          return t
        end
        local numbers = with(nil, b:cdata(), b:cdata())
        x.THNN[name .. '_updateOutput'](x:cdata(), y:cdata(), m.weight:cdata(), THNN.optionalTensor(m.bias), unpack(numbers))
        near(name, y, out)
        x.THNN[name .. '_updateGradInput'](x:cdata(), g:cdata(), gx:cdata(), m.weight:cdata(),
          unpack(m.adjW and with(nil, b:cdata()) or numbers))
        near(name, gx, m.gradInput)
        x.THNN[name .. '_accGradParameters'](x:cdata(), g:cdata(), gw:cdata(), THNN.optionalTensor(gb),
          unpack(with(2, b:cdata(), b:cdata())))
        near(name, gw, m.gradWeight)
        if gb then near(name, gb, m.gradBias) end
      end
      for _, list in ipairs { { torch.FloatStorage(3):cdata(), x:cdata() }, { x:cdata() } } do
        io.write((select(2, pcall(x.THNN.SoftMax_updateOutput, unpack(list))):match 'THNN: (.*)'), '\n')
      end
      print(x.THNN.SVDLinear_updateFullView)
    ]]))
  end)

  it('loads a package of nngraph before anything else', function()
    assert.equal('2\t\n', (run "print(require 'nngraph.nesting'.cloneNested({ torch.ones(2) })[1]:sum())"))
  end)

  it('has the package trepl, whose print can be told from the plain one', function()
    assert.equal('true\t\n', (run "print_old = print_old ~= print and require 'trepl' == repl; print(print_old)"))
  end)

  it('has what the package csvigo has in C', function()
    assert.equal('0 3\t4 0\t6 1\t0\tcreate_lookup: the text is 3, but a CharStorage or a ByteStorage is needed\t\n', (run [[
local lookup = require('libcsvigo').create_lookup(torch.CharStorage():string('a,b\n\r\nc'))
local empty = require('libcsvigo').create_lookup(torch.CharStorage())
local rows = {}
for i = 1, lookup:size(1) do rows[i] = lookup[i][1] .. ' ' .. lookup[i][2] end
local _, why = pcall(function() require('libcsvigo').create_lookup(3) end)
print(rows[1], rows[2], rows[3], empty:nElement(), (why:gsub('^/tmp/.-:5: ', '')))]]))
  end)

  it('gives a failing script its trace and a failing exit', function()
    local output, rc = run 'error "no such thing"'
    assert.truthy(output:find('no such thing', 1, true))
    assert.are_not.equal(0, rc)
  end)

  it('keeps what Torch7 did not have out of the table nn', function()
    local output = run [[
      require 'nn'
      assert(nn.Linear and not nn.LayerNorm and require('tocha.nn').LayerNorm)
      local Mine = torch.class('nn.LayerNorm', 'nn.Module')
      assert(torch.type(nn.LayerNorm()) == 'nn.LayerNorm')
      print 'fine'
    ]]
    assert.are.equal('fine\t\n', output)
  end)

  it('has no graphics card, unless a script insists', function()
    local script = [[
      local there, why = pcall(require, 'cutorch')
      if not there then return print(why:match "module 'cutorch' not found:\n\t.-(`th [^`]*`)") end
      package.loaded.cutorch, cutorch = nil, nil
      require 'cunn'
      require 'cudnn'
      cutorch.setDevice(1)
      local x = torch.ones(2, 3):cuda()
      assert(x:type() == 'torch.FloatTensor' and torch.CudaTensor(2):fill(1):sum() == 2)
      assert(x:double():type('torch.CudaTensor'):type() == 'torch.FloatTensor')
      local net = nn.Sequential():add(nn.Linear(3, 1)):add(cudnn.ReLU(true)):cuda()
      assert(net:forward(x):size(1) == 2)
      local criterion = nn.ParallelCriterion():add(nn.ClassNLLCriterion(torch.ones(3))):cuda()
      assert(criterion.criterions[1].weights:type() == 'torch.FloatTensor' and nn.MSECriterion():type 'torch.CudaTensor')
      assert(nn.Linear(2, 2):cudaDouble().weight:type() == 'torch.DoubleTensor')
      assert(nn.DataParallelTable(1):add(net, { 1 }):forward(x):size(1) == 2)
      assert(not pcall(function() return cudnn.NoSuchLayer end))
      assert(cudnn.SpatialAveragePooling(2, 2):forward(torch.ones(1, 1, 4, 4)):size(3) == 2) -- in steps of the window
      assert(cudnn.VolumetricAveragePooling(2, 2, 2):forward(torch.ones(1, 1, 4, 4, 4)):size(5) == 2)
      assert(cudnn.SpatialConvolution(4, 4, 3, 3, 1, 1, 1, 1, 2).groups == 2)
      local t = torch.CudaTensor { { 1, 2 }, { 3, 4 } }
      assert(t:gather(2, torch.CudaTensor { { 2 }, { 1 } })[1][1] == 2 and t:index(1, torch.CudaTensor { 2 })[1][2] == 4)
      assert(t:clone():scatter(2, torch.CudaTensor { { 1 }, { 1 } }, 7)[2][1] == 7)
      assert(t:clone():indexFill(2, torch.CudaTensor { 2 }, 0)[1][2] == 0)
      local mask = torch.ByteTensor { { 0, 1 }, { 0, 0 } }:cuda()
      assert(t:maskedSelect(mask)[1] == 2 and t:clone():maskedFill(mask, 9)[1][2] == 9)
      t[mask] = 5
      assert(t[1][2] == 5 and t[mask]:sum() == 5 and t[1][1] == 1)
      local padded, plain = cudnn.TemporalConvolution(2, 3, 3, 2, 1):double(), nn.TemporalConvolution(2, 3, 3, 2):double()
      plain.weight, plain.bias = padded.weight, padded.bias
      local x, ends = torch.randn(4, 6, 2):double(), nn.Sequential():add(nn.Padding(2, -1)):add(nn.Padding(2, 1)):double()
      local y = padded:forward(x)
      assert((y - plain:forward(ends:forward(x))):abs():max() < 1e-12 and y:size(2) == 3)
      padded:zeroGradParameters()
      local gx = ends:backward(x, plain:backward(ends.output, y))
      assert((padded:backward(x, y) - gx):abs():max() < 1e-12 and padded.gradWeight:ne(0):any())
      assert(cudnn.BLSTM(3, 5, 2, true):cuda():forward(torch.randn(2, 7, 3):cuda()):size(3) == 10)
      print 'played']]
    assert.are.equal('`th --cpu-for-cuda SCRIPT`\t\n', (run(script)))
    local name = os.tmpname()
    local file = io.open(name, 'w')
    file:write(script)
    file:close()
    local pipe = io.popen('scripts/th --cpu-for-cuda ' .. name .. ' 2>/dev/null')
    assert.are.equal('played\t\n', pipe:read '*a')
    pipe:close()
    os.remove(name)
  end)

  it('draws what gnuplot and display showed as PNG files, and goes on where nothing can be drawn', function()
    local output = run [[
      local name = os.tmpname()
      os.remove(name)
      require 'gnuplot'
      gnuplot.pngfigure(name .. '.png')
      gnuplot.plot({ 'a', torch.range(1, 3), torch.Tensor { 1, 4, 9 }, '-' }, { 'b', torch.Tensor { 3, 2, 1 } })
      gnuplot.xlabel 'x'
      gnuplot.plotflush()
      local file = io.open(name .. '.png')
      print(file:read(4):sub(2))
      os.remove(name .. '.png')
      gnuplot.figure()
      gnuplot.splot(torch.ones(2, 2))
      gnuplot.raw 'set nothing'
      lfs = require 'lfs'
      lfs.mkdir(name)
      lfs.chdir(name)
      local display = require 'display'
      local win = display.image(torch.rand(3, 4, 4))
      display.plot({ { 1, 2 }, { 2, 3 } }, { win = 'curve', labels = { 'x', 'y' } })
      assert(paths.filep('display-' .. win .. '.png') and paths.filep 'display-curve.png')
      lfs.chdir '/'
      paths.rmall(name, 'yes')
      print 'fine']]
    assert.truthy(output:find('PNG', 1, true))
    assert.truthy(output:find('fine\t\n', 1, true))
  end)

  it('says which call of gnuplot or display was wrong, and goes on', function()
    local output, rc = run [[
      require 'gnuplot'
      local display = require 'display'
      gnuplot.plot({})
      gnuplot.plot('abc')
      gnuplot.hist(torch.Tensor { 0 / 0 })
      gnuplot.hist()
      gnuplot.imagesc(torch.rand(2))
      gnuplot.figure('x')
      display.image(nil, { win = 'w' })
      display.plot(3, { win = 'v' })
      display.image(torch.rand(2, 2), 5)
      local h = gnuplot.histc(torch.Tensor { 1, 1.5, 2, 4 }, 3)
      assert(h[1].nb == 2 and h[3].val == 3.5 and h.max == 1 and h[h.min].nb == 1)
      assert(h.raw:sum() == 4 and h.bins == 3 and h.binwidth == 1 and #tostring(h) > 100)
      assert(torch.equal(gnuplot.histc(torch.range(1, 4), 2, 0, 4, true), torch.Tensor { 1, 3 }))
      print 'fine']]
    for _, line in ipairs {
      'gnuplot: plot: a curve has no numbers', 'gnuplot: hist: histc: ', 'gnuplot: hist: a tensor is needed, not a nil',
      'gnuplot: imagesc: a matrix is needed', 'gnuplot: figure: the number of a figure is needed, not a string',
      'display: image: nothing was drawn to display-w.png: a picture or a table of pictures is needed, not a nil\n',
      'display: plot: nothing was drawn to display-v.png: rows of numbers are needed',
      'display: image: options cannot be a number\n',
    } do
      assert.truthy(('\n' .. output):find('\n' .. line, 1, true), line .. ' is not in\n' .. output)
    end
    assert.truthy(output:find('fine\t\n', 1, true))
    assert.equal(0, rc)
  end)

  it('names the function of sys, xlua or paths that was called wrongly, at the line of the call', function()
    local output = run [[
      local calls = {
        function() sys.execute() end, function() sys.split() end, function() sys.sleep('x') end,
        function() xlua.progress() end, paths.mkdir, function() threads = require('threads').serialization 'nonmod' end }
      for _, call in ipairs(calls) do print((select(2, pcall(call)):gsub('^.*/', ''):gsub('^[^:]*:', ''))) end]]
    assert.equal(table.concat({ '2: sys.execute: command cannot be nil', '2: sys.split: text cannot be nil',
      '2: sys.sleep: seconds cannot be a string',
      '3: xlua.progress: the numbers of what is done and of all are wanted, not a nil and a nil',
      '4: paths.mkdir: the name is a nil, but a string is needed',
      "3: serialization: nonmod cannot be loaded: module 'nonmod' not found:", '' }, '\t\n'), output)
  end)

  it('has class, tds and threads with the door open in the states', function()
    local output, rc = run [[
      local class = require 'class'
      local A = class('A')
      function A:__init(x) self.x = x end
      local B, parent = class('B', 'A')
      assert(B(3).x == 3 and class.istype(B(1), 'A') and not class.istype(A(1), 'B') and parent == getmetatable(A(1)))
      assert(class.type(B(1)) == 'B' and class.type(3) == 'number' and not pcall(class, 'A'))
      local tds = require 'tds'
      local seen = {}
      for key, value in pairs(tds.Hash { a = 1 }) do seen[key] = value end
      for i, value in ipairs(tds.Vec { 'x' }) do seen[i] = value end
      assert(seen.a == 1 and seen[1] == 'x' and next({ 1 }) == 1)
      local threads = require 'threads'
      threads.Threads.serialization 'threads.sharedserialize'
      local pool = threads.Threads(1, function() require 'nn' end)
      local x = torch.zeros(2)
      pool:addjob(function() return x:fill(1), torch.Tensor():type(), type(x) end,
        function(y, kind, t) print(y:sum(), kind, t) end)
      pool:synchronize()
      assert(x:sum() == 2)
      pool:terminate()]]
    assert.are.equal(0, rc)
    assert.are.equal('2\ttorch.DoubleTensor\tuserdata\t\n', output)
  end)
end)
