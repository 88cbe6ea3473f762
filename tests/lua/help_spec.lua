--- What can be asked at the prompt: comments found by name, names completed, lines run.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local help = require 'tocha.help'
local complete = require 'tocha.prompt.complete'.names

local modules = { torch = torch, nn = nn }
for _, name in ipairs { 'optim', 'image', 'data', 'rl', 'train', 'models' } do modules[name] = require('tocha.' .. name) end

local function callable(value)
  return type(value) == 'function' or type(value) == 'table' and getmetatable(value) and getmetatable(value).__call ~= nil
end

describe('help', function()
  it('has something to say about every public function, method and class', function()
    local missing = {}
    local function check(prefix, list, scope)
      for name, value in pairs(list) do
        if type(name) == 'string' and not name:find '^_' and callable(value)
          and not (help.text(prefix .. name, scope) or ''):find '   %[.-%]\n  %S' then
          missing[#missing + 1] = prefix .. name
        end
      end
    end
    for name, module in pairs(modules) do check(name .. '.', module, modules) end
    check('x:', torch.getmetatable 'torch.FloatTensor', { x = torch.ones(1) })
    table.sort(missing)
    assert.equal('', table.concat(missing, ' '))
  end)

  it('finds the comment that tells about a name', function()
    local scope = { x = torch.ones(2), torch = torch, net = nn.Sequential() }
    for name, words in pairs { ['torch.max'] = 'largest element', ['torch.ceil'] = 'Arithmetic of each element',
      ['x:view'] = 'the same elements in the same order', ['nn.Linear'] = "y = x W' + b", ['nn.ELU'] = 'alpha (exp x - 1)',
      ['optim.adam'] = 'epsilon added before', ['image.scale'] = 'in another size', ['data.size'] = 'number of samples',
      ['net:add'] = 'Adds a module', ['y:view'] = 'the same elements', max = 'largest element', nn = 'containers' } do
      assert.truthy((help.text(name, scope) or ''):find(words, 1, true), name)
    end
    -- methods of classes, from the class nearest to it; objects mean their class, arguments nothing
    scope.nn = nn
    for name, words in pairs { ['nn.Linear:backward'] = '[nn/module.lua]', ['nn.MSECriterion:backward'] = '[nn/criterion.lua]',
      ['net:forward'] = '[nn/module.lua]', ['nn.Sequential.add'] = 'Adds a module', ['torch.Timer.time'] = 'Seconds so far',
      ['nn.Module'] = 'parent of layers', net = 'nn.Sequential', x = 'torch.FloatTensor', ['nn.Linear(3, 4)'] = "y = x W' + b",
      ['torch.DoubleTensor'] = 'Tensor(sizes...)', ['torch.LongStorage'] = 'Storage(n)' } do
      assert.truthy((help.text(name, scope) or ''):find(words, 1, true), name)
    end
    assert.is_nil(help.text('torch.nothing', scope))
    assert.is_nil(help.text('', scope))
    assert.is_nil(help.text('x[', scope))
  end)
end)

describe('completion', function()
  local scope = { torch = torch, x = torch.ones(2), net = nn.Sequential():add(nn.Linear(1, 1)), text = 'a',
                  list = { one = 1, two = {} } }
  local function of(word, before) return table.concat(complete(word, before or '', scope) or { 'files' }, ' ') end

  it('knows fields, methods of objects and words of Lua', function()
    assert.equal('torch.manualSeed(', of 'torch.manu')
    assert.equal('x:isContiguous(', of 'x:isC')
    assert.equal('net:zeroGradParameters(', of 'net:zeroG')
    assert.equal('net.modules', of 'net.mod')
    assert.equal('text:rep( text:reverse(', of 'text:re')
    assert.equal('list.one list.two', of 'list.')
    assert.equal('repeat return', of 're')
    assert.equal('', of 'nothing.at.all')
  end)

  it('leaves names in strings to files', function()
    assert.equal('files', of('da', "io.open('"))
    assert.equal('torch.manualSeed(', of('torch.manu', "f('a', "))
  end)
end)
