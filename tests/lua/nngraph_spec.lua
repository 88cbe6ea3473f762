-- Graphs of module calls: what they compute, what they refuse and with which words, and their pictures.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local nngraph = require 'tocha.nngraph'
local graph = require 'tocha.nngraph.graph'

local function line() return debug.getinfo(2, 'l').currentline end
local function near(a, b) assert.is_true((a:detach() - b:detach()):abs():max() < 1e-6) end

-- A network of two inputs, a table in the middle, a node that is used twice, and the same by containers.
local function both()
  local linear, other = nn.Linear(4, 3), nn.Linear(2, 3)
  local x, y = nn.Identity()(), - nn.Identity()
  local h = x - linear - nn.Tanh()
  local sum = { h, y - other } - nn.CAddTable()
  local net = nn.gModule({ x, y }, { sum, nn.CMulTable() { sum, h }, nn.CMulTable() { h, h } })
  local function by(input)
    local a = torch.tanh(linear(input[1]))
    local b = a + other(input[2])
    return { b, torch.cmul(b, a), torch.cmul(a, a) }
  end
  return net, by
end

describe('a graph of module calls', function()
  local input = { torch.randn(5, 4), torch.randn(5, 2) }

  it('wants tables of nodes', function()
    for name, call in pairs {
      inputs = function() nn.gModule() end,
      outputs = function() nn.gModule({ nn.Identity()() }, nn.Identity()()) end,
    } do assert.error_matches(call, 'gModule: ' .. name .. ' is a .*, but a table of nodes is wanted') end
  end)

  it('computes what its modules do', function()
    local net, by = both()
    local got, want = net:forward(input), by(input)
    for i = 1, 3 do near(got[i], want[i]) end
  end)

  it('has the gradients of the same on the tape, by backward and by the update functions', function()
    local net, by = both()
    local g = { torch.randn(5, 3), torch.randn(5, 3), torch.randn(5, 3) }
    local xs = { input[1]:clone():requiresGrad(true), input[2]:clone():requiresGrad(true) }
    net:zeroGradParameters()
    local loss
    for i, y in ipairs(by(xs)) do
      local part = torch.sum(torch.cmul(y, g[i]))
      loss = loss and loss + part or part
    end
    loss:backward()
    local _, grads = net:parameters()
    local want = {}
    for i, t in ipairs(grads) do want[i] = t:clone() end
    for _, way in ipairs { 'backward', 'update' } do
      net:zeroGradParameters()
      net:forward(input)
      if way == 'backward' then net:backward(input, g)
      else
        net:updateGradInput(input, g)
        net:accGradParameters(input, g, 1)
      end
      for i, x in ipairs(xs) do near(net.gradInput[i], x.grad) end
      for i, t in ipairs(grads) do near(t, want[i]) end
    end
  end)

  it('runs on the tape', function()
    local net, by = both()
    local got, want = net(input), by(input)
    for i = 1, 3 do near(got[i], want[i]) end
    net:zeroGradParameters()
    got[3]:sum():backward()
    assert.is_true(net.modules[2].gradWeight:abs():max() > 0)
  end)

  it('clones, saves and loads', function()
    local net = both()
    local want = net:forward(input)[2]:clone()
    near(net:clone():forward(input)[2], want)
    near(torch.deserialize(torch.serialize(net)):forward(input)[2], want)
    near(net:clearState():forward(input)[2], want)
  end)

  it('nests, and splits tables into nodes', function()
    local x = nn.Identity()()
    local a, b = x:split(2)
    local inner = nn.gModule({ x }, { nn.CMulTable() { b, a }, a })
    local y = nn.Identity()()
    local product, first = inner(y):split(2)
    local net = nn.gModule({ y }, { nn.CAddTable() { product, first } })
    near(net:forward(input[1]:split(2, 2)), torch.cmul(input[1]:narrow(2, 1, 2), input[1]:narrow(2, 3, 2))
      + input[1]:narrow(2, 1, 2))
    assert.equal(2, #net:backward(input[1]:split(2, 2), torch.randn(5, 2)))
  end)

  it('takes criterions as modules', function()
    local p, t = nn.Identity()(), nn.Identity()()
    local net = nn.gModule({ p, t }, { nn.MSECriterion() { p, t } })
    assert.is_near(nn.MSECriterion():forward(input[1], input[1] * 0), net:forward { input[1], input[1] * 0 }[1], 1e-6)
  end)

  it('names by source line what does not lead to an output', function()
    local x = nn.Identity()()
    local from = line() + 1
    local lost = nn.Tanh()(x)
    local ok, message = pcall(nn.gModule, { x }, { nn.Sigmoid()(x) })
    assert.is_false(ok)
    assert.is_truthy(message:find(('nngraph_spec.lua]:%d_ does not connect'):format(from), 1, true), message)
    assert.is_not_nil(lost)
  end)

  it('refuses parts of a split without use, inputs without use, and what is no node', function()
    local function refused(words, f)
      local ok, message = pcall(f)
      assert.is_false(ok)
      assert.is_truthy(message:find(words, 1, true), message)
    end
    local x, y = nn.Identity()(), nn.Identity()()
    local a = (nn.Identity()(x):split(2))
    refused('1 of split(2) outputs from the node declared at', function() nn.gModule({ x }, { a }) end)
    refused('does not connect', function() nn.gModule({ y, nn.Identity()() }, { y }) end)
    refused('inputs[2] is an nn.Module, specifically a nn.Tanh', function() nn.CAddTable() { y, nn.Tanh() } end)
    refused('outputs[2] is nil', function() nn.gModule({ y }, { y, nil, y }) end)
    refused('empty table of inputs', function() nn.Tanh() {} end)
    refused('among the inputs', function() nn.gModule({ y }, { nn.CAddTable() { y, nn.Tanh()() } }) end)
  end)

  it('is drawn', function()
    local x = nn.Identity()():annotate { name = 'In put', graphAttributes = { color = 'red', tooltip = 'a "b"' } }
    local hidden = nn.Linear(4, 3)(x)
    nngraph.annotateNodes()
    local net = nn.gModule({ x }, { hidden })
    local text = net.fg:todot 'title'
    assert.is_truthy(text:find('[color=red label="In put\\nmodule = nn.Identity" tooltip="a \\"b\\""]', 1, true), text)
    assert.is_truthy(text:find('label="hidden\\nmodule = nn.Linear(4 -> 3)"', 1, true), text)
    local name = os.tmpname()
    graph.dot(net.fg, 'title', name)
    local file = assert(io.open(name .. '.dot'))
    assert.equal(net.fg:todot 'title', file:read '*a')
    file:close()
    for _, ending in ipairs { '', '.dot', '.svg' } do os.remove(name .. ending) end
  end)
end)

it('graphs keep their edges however often they are built', function() -- see bindings/iteration.lua
  local function cell()
    local input, c, h = nn.Identity()(), nn.Identity()(), nn.Identity()()
    local function gate() return nn.CAddTable() { nn.Linear(3, 4)(input), nn.Linear(4, 4)(h) } end
    local i, f, update = nn.Sigmoid()(gate()), nn.Sigmoid()(gate()), nn.Tanh()(gate())
    local state = nn.CAddTable() { nn.CMulTable() { f, c }, nn.CMulTable() { i, update } }
    return nn.gModule({ input, c, h }, { nn.Identity()({ state }), nn.CMulTable() { nn.Sigmoid()(gate()), nn.Tanh()(state) } })
  end
  for _ = 1, 100 do assert.equal(30, #cell().forwardnodes) end
end)

-- The orders were printed by Torch7's nngraph (commit 3ed3b9b) for these graphs.
it('modules and nodes come in the order of Torch7, so that parameters lie and scripts find nodes as they did', function()
  local names
  local function named(name, module) names[module] = name; return module end
  local function order(net)
    local list = {}
    for i, module in ipairs(net.modules) do list[i] = names[module] end
    return table.concat(list, ' ')
  end
  names = {}
  local x = named('x', nn.Identity())()
  local a, b = named('a', nn.Linear(2, 2))(x), named('b', nn.Linear(2, 2))(x)
  local net = nn.gModule({ x }, { named('sum', nn.CAddTable()) { b, named('tanh', nn.Tanh())(a) } })
  assert.equal('x b a tanh sum', order(net))
  assert.equal(names[a.data.module], names[net.fg.nodes[a.id].data.module])

  names = {}
  x = named('x', nn.Identity())()
  local c = named('c', nn.Identity())()
  local parts = { named('halves', nn.SplitTable(2))(named('both', nn.Linear(2, 4))(x)):split(2) }
  local gate = named('gate', nn.Sigmoid())(parts[1])
  local state = named('state', nn.CAddTable()) { named('keep', nn.CMulTable()) { gate, c }, named('new', nn.Tanh())(parts[2]) }
  net = nn.gModule({ x, c }, { state, named('out', nn.Linear(2, 2))(named('shown', nn.CMulTable()) { gate, state }) })
  assert.equal('x both halves gate c keep new state shown out', order(net))
  for _, node in ipairs { gate, c } do assert.equal(node.data, net.fg.nodes[node.id].data) end
end)

it("what a program's layer gives from updateGradInput goes on, not its gradInput", function()
  local Masked = torch.class('nn.MaskedOfATest', 'nn.Module', nn)
  function Masked:updateOutput(input)
    self.output = input[1]:clone():maskedFill(input[2], 0)
    return self.output
  end
  function Masked:updateGradInput(input, gradOutput)
    self.gradInput = gradOutput:clone():maskedFill(input[2], 0)
    return { self.gradInput, input[2]:clone():zero() }
  end
  local x, mask = nn.Identity()(), nn.Identity()()
  local net = nn.gModule({ x, mask }, { Masked() { nn.View(-1, 3)(x), mask } })
  local input = { torch.ones(2, 1, 3), torch.ByteTensor { { 1, 0, 0 }, { 0, 0, 1 } } }
  assert.same({ { 0, 1, 1 }, { 1, 1, 0 } }, net:forward(input):totable())
  assert.same({ { { 0, 2, 2 } }, { { 2, 2, 0 } } }, net:backward(input, torch.ones(2, 3):mul(2))[1]:totable())
end)
