-- What a wrong call of tensors says, at whose line, and that it leaves its arguments as they were.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local data = require 'tocha.data'
local train = require 'tocha.train'

local x = torch.FloatTensor { { 1, 2, 3 }, { 4, 5, 6 } }
local result = torch.FloatTensor { 7 }

local cases = {
  ['sizes that do not go together'] = {
    { 'mm: 2x3 times 2x3 is not possible', function() torch.mm(result, x, x) end },
    { 'add: x is 2x3 and y is 4x5: the sizes differ in a dimension where neither is 1',
      function() torch.add(result, x, torch.FloatTensor(4, 5)) end },
    { 'weight has 3 input planes, input has 1',
      function() nn.SpatialConvolution(3, 4, 2, 2):forward(torch.FloatTensor(1, 5, 5)) end },
  },
  ['types that differ'] = {
    { 'cmul: y is a DoubleTensor, but x is a FloatTensor', function() torch.cmul(result, x, torch.DoubleTensor(2, 3)) end },
  },
  ['names that scripts call'] = {
    { 'cmul: x is 2x3 and y is 4:', function() torch.cmul(x, torch.FloatTensor(4)) end },
    { 'cdiv: x is 2x3 and y is 4:', function() torch.cdiv(x, torch.FloatTensor(4)) end },
    { 'cpow: x is 2x3 and y is 4:', function() torch.cpow(result, x, torch.FloatTensor(4)) end },
  },
  ['numbers too many'] = {
    { 'uniform: 2 numbers at most', function() torch.uniform(1, 2, 3) end },
    { 'normal: 2 numbers at most', function() torch.normal(torch.Generator(1), 1, 2, 3) end },
    { 'uniform: 2 numbers at most', function() result:uniform(1, 2, 3) end },
  },
  ['dimensions that are not there'] = {
    { 'sum: there is no dimension 3 in a tensor of 2 dimensions (2x3)', function() torch.sum(result, x, 3) end },
    { 'narrow: entries 2 to 3 are not in dimension 1 of size 2 (tensor 2x3)', function() result:set(x:narrow(1, 2, 2)) end },
  },
  ['indices out of range'] = {
    { 'index 3 is not in 1..2 (dimension 1 of tensor 2x3)', function() result:set(x[3]) end },
    { 'index[1] = 3, but dimension 1 has 2 entries (1 to 2)', function() result:index(x, 1, torch.LongTensor { 3 }) end },
    { 'gather: index[1][1] = 4, but dimension 2 has 3 entries (1 to 3)',
      function() result:gather(x, 2, torch.LongTensor { { 4 }, { 1 } }) end },
  },
  ['labels out of range'] = {
    { 'target[2] = 0, but labels run from 1 to 3',
      function() nn.CrossEntropyCriterion():forward(x, torch.FloatTensor { 1, 0 }) end },
  },
  ['empty tensors'] = {
    { 'there is nothing to choose from (empty)', function() result:fill(torch.FloatTensor():max()) end },
  },
  ['kinds of arguments'] = {
    { 'batches: set is 3, but a set (a table with data, a tensor of samples) is needed', function() data.batches(3, 2) end },
    { 'batches: size is 0, but a whole number above 0 is needed', function() data.batches({ data = x }, 0) end },
    { 'batches: transform is 1, but a function is needed', function() data.batches({ data = x }, 1, { transform = 1 }) end },
    { 'classCounts: set is a table, but a set with labels is needed', function() data.classCounts { data = x } end },
    { 'split: 2 inputs, but 1 labels', function() data.split({ data = x, labels = torch.LongTensor { 1 } }, .5) end },
    { 'DataLoader: batch is a string, but a whole number is needed', function()
      data.DataLoader({ data = torch.rand(2, 1, 3, 3) }, { batch = 'x' })
    end },
    { 'fromFiles: paths is a table, but a table of strings is needed', function() data.fromFiles { 3 } end },
    { 'grid: images is nil, but a tensor is needed', function() train.grid 'x.png' end },
    { 'grid: options is 5, but a table is needed', function() train.grid('x.png', x, 5) end },
    { 'normal: the standard deviation is -1, but must be a finite number from 0', function() torch.normal(0, -1) end },
    { 'cosine: total is nil, but a number is needed', function() train.schedule.cosine(1) end },
    { 'plateau: the loss is a table, but a number is needed', function() train.schedule.plateau() {} end },
    { 'fit: epochs is a string, but a number is needed',
      function() train.fit { net = x, criterion = x, loader = x, epochs = '1', rate = 1 } end },
  },
  ['entries of a table that are not there'] = {
    { 'NarrowTable: 3 entries from 2 on are wanted of a table of 3', function() nn.NarrowTable(2, 3):forward { x, x, x } end },
    { 'NarrowTable: 1 entries from 0 on are wanted of a table of 1', function() nn.NarrowTable(0, 1):forward { x } end },
    { 'entries from 1 on are wanted of a table of 2', function() nn.NarrowTable(1, 2 ^ 53):forward { x, x } end },
    { 'NarrowTable: -1 entries from 3 on are wanted of a table of 3', function() nn.NarrowTable(3, -3):forward { x, x, x } end },
    { 'NarrowTable: a table of tensors is wanted, but a torch.FloatTensor was given', function() nn.NarrowTable(1):forward(x) end },
    { 'NarrowTable: the length is no number', function() nn.NarrowTable(1, 'x') end },
  },
  ['calls without arguments, or with a dot for a colon'] = {
    { 'Timer.time: called on nil, but methods are called as object:method(...)', torch.Timer.time },
    { 'Timer.reset: called on a number', function() torch.Timer.reset(3) end },
    { 'CmdLine: the name of an argument is a nil, not a string', function() torch.CmdLine():argument() end },
    { 'CmdLine: a table of words is needed, not a number', function() torch.CmdLine():parse(3) end },
    { 'CmdLine: option -x has no default value', function() torch.CmdLine():option '-x' end },
    { 'a generator has no field foo to assign to', function() torch.Generator().foo = 1 end },
    { 'class: the name is a nil, not a string', torch.class },
    { 'class: the name is a nil, not a string', torch.newmetatable },
    { 'class qC: there is no class nonono to inherit from', function() torch.class('qC', 'nonono') end },
    { 'run: a name or a table of names is needed', function() torch.Tester():run(3) end },
    { 'Test with name a already exists!', function() torch.Tester():add(print, 'a'):add({ a = print }) end },
  },
  ["names: the script's, not the engine's"] = {
    { ' maskedCopy: mask is 3', function() result:set(torch.maskedCopy(x, torch.ByteTensor(3), x)) end },
    { ' maskedSelect: mask is 3', function() result:set(x[torch.ByteTensor(3)]) end },
    { ' index: index is a FloatTensor', function() result:index(x, 1, x[1]) end },
    { ' scatter: dim is a string', function() x:scatter('x', torch.LongTensor { { 1 } }, 1) end },
    { ' max: there is nothing to choose from (empty)', function() result:fill(torch.FloatTensor():max()) end },
    { ' add: ', function() torch.add(torch.LongTensor(2), x, 1) end },
    { ' pow: ', function() torch.pow(torch.LongTensor(2), x, 2) end },
    { ' div: ', function() result:set(1 / torch.LongTensor(2)) end },
    { ' setnumthreads: 0 threads wanted', function() torch.setnumthreads(0) end },
    { ' oneHot: ', function() result:set(torch.oneHot(torch.LongTensor { 4 }, 3)) end },
    { ' view: 2x3 (6 elements) cannot become 5', function() result:set(x:view(5)) end },
    { ' reshape: 2x3 (6 elements) cannot become 5', function() result:set(x:reshape(5)) end },
    { ' sub: entries 2 to 3 are not in dimension 1 of size 2 (tensor 2x3)', function() result:set(x:sub(2, 3)) end },
    { ' sub: entries -1 to -1 are not in dimension 1 of size 2 (tensor 2x3)', function() result:set(x:sub(-4, -4)) end },
  },
  ['absurd sizes'] = {
    { 'the product of the sizes is too large', function() result:resize(2 ^ 40, 2 ^ 40) end },
    { 'the product of the sizes is too large', function() result:resize(0, 2 ^ 40, 2 ^ 40) end },
    { 'out of memory: 4.0 TiB asked', function() result:resize(2 ^ 40) end },
    { 'size -1 of dimension 1 is negative', function() torch.FloatTensor(-1):sum() end },
  },
}

describe('a wrong call is refused:', function()
  for what, list in pairs(cases) do
    it(what, function()
      for _, case in ipairs(list) do
        local good, message = pcall(case[2])
        assert.is_false(good)
        assert.is_truthy(message:find(case[1], 1, true), message)
        assert.is_truthy(message:find 'refusals_spec%.lua:%d+: ', message)
        assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, x:totable())
        assert.same({ 7 }, result:totable())
      end
    end)
  end
end)

describe('a wrong call of generated code', function()
  it('is refused at the line of its caller where the build folder is named from the root', function()
    local build = os.getenv 'TOCHA_BUILD' or 'build'
    if not build:find '^/' then build = '$PWD/' .. build end
    local script = os.tmpname()
    local file = assert(io.open(script, 'w'))
    file:write [[local torch = require 'tocha'
      print(select(2, pcall(function() torch.randn(3):gather('x', torch.LongTensor{1}) end)))]]
    file:close()
    local pipe = io.popen(('TOCHA_BUILD=%s LUA_PATH="$PWD/lua/?.lua;$PWD/lua/?/init.lua;;" luajit %s 2>&1'):format(build, script))
    local text = pipe:read '*a'
    pipe:close()
    os.remove(script)
    assert.equal(script .. ':2: gather: dim is a string, but a whole number is needed\n', text)
  end)
end)
