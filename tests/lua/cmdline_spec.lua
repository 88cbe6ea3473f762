local torch = require 'tocha'

describe('torch.CmdLine', function()
  local cmd
  before_each(function()
    cmd = torch.CmdLine()
    cmd:text 'Trains.'
    cmd:option('--epochs', 5, 'passes')
    cmd:option('-lr', 0.1, 'rate')
    cmd:option('--quiet', false, 'print less')
    cmd:option('--save', '', 'file')
    cmd:option('--model', 'cnn', 'kind', { 'mlp', 'cnn' })
  end)

  it('gives defaults and reads values in both ways and with one dash or two', function()
    assert.same({ epochs = 5, lr = 0.1, quiet = false, save = '', model = 'cnn' }, cmd:read {})
    local values = cmd:read { '--epochs', '7', '--lr=-1e-3', '-quiet', '--save', 'a=b', '--model', 'mlp' }
    assert.same({ epochs = 7, lr = -1e-3, quiet = true, save = 'a=b', model = 'mlp' }, values)
  end)

  it('names what is wrong', function()
    local function refuses(pattern, ...)
      local values, why = cmd:read { ... }
      assert.is_nil(values)
      assert.matches(pattern, why)
    end
    refuses('^invalid argument: %-%-epoch %(unknown option%)$', '--epoch', '3')
    refuses('^invalid type for option %-%-epochs %(should be number%), not "many"$', '--epochs', 'many')
    refuses('%-%-epochs %(should be number%), not "nan"', '--epochs', 'nan')
    refuses('^missing argument for option %-%-epochs$', '--epochs')
    refuses('%-%-quiet is a switch and takes no value', '--quiet=1')
    refuses('^invalid argument: extra$', 'extra')
    refuses('%-%-model is one of mlp, cnn, not "vgg"', '--model', 'vgg')
    refuses('help', '--help')
    cmd:argument('input', 'a file')
    refuses('^not enough arguments: <input> is missing$')
    assert.equal('x', cmd:read({ 'x' }).input)
    cmd:argument('count', 'how many', 'number')
    refuses('^invalid argument type for argument count %(should be number%), not "y"$', 'x', 'y')
  end)

  it('ends a script with the sentence and code 1', function()
    local script = os.tmpname()
    local file = assert(io.open(script, 'w'))
    file:write [[
      local torch = require 'tocha'
      local cmd = torch.CmdLine()
      cmd:option('--n', 1, 'a number')
      cmd:parse(arg)
    ]]
    file:close()
    local path = package.path:gsub("'", '')
    local pipe = io.popen(("LUA_PATH='%s' luajit %s --m 2 2>&1; echo $?"):format(path, script))
    local text = pipe:read '*a'
    pipe:close()
    os.remove(script)
    assert.matches(': invalid argument: %-%-m %(unknown option%) %(%-%-help lists the options%)\n1\n$', text)
  end)

  it('makes a name from the arguments and the options that differ', function()
    assert.equal('out/run,epochs=7,save=b', cmd:string('out/run', (cmd:read { '--epochs', '7', '--save', 'b' })))
    assert.equal('run,quiet=t', cmd:string('run', cmd:read { '-quiet', '--save', 'b' }, { save = true }))
    assert.equal('run,epochs=5', cmd:string('run', cmd:read {}, { epochs = false }))
    cmd:argument('input', 'a file')
    assert.equal('input=x,lr=1', cmd:string('', (cmd:read { 'x', '-lr', '1' })))
  end)

  it('takes the type of an option by name', function()
    cmd:option('-depth', 3, 'layers', 'number')
    assert.equal(4, cmd:read({ '-depth', '4' }).depth)
    assert.error_matches(function() cmd:option('-width', 3, 'units', 'string') end,
      'option %-width has wrong default type value: a number, not a string')
  end)

  it('writes what is printed into a log', function()
    local path, original, said = os.tmpname(), print, {}
    rawset(_G, 'print', function(...) said[#said + 1] = table.concat({ ... }, ' ') end)
    local good, why = pcall(function()
      cmd:log(path, { epochs = 5, lr = 0.1 })
      print('loss', 3)
      cmd:silent()
      cmd:addTime('run', '%Y')
      print 'quiet'
    end)
    rawset(_G, 'print', original)
    assert(good, why)
    local file = assert(io.open(path))
    local text = file:read '*a'
    file:close()
    os.remove(path)
    assert.matches('^%[program started on .-%]\n%[command line arguments%]\nepochs 5\nlr 0.1\n%[%-+%]\nloss 3\n'
      .. '%d%d%d%d%[run%]:  quiet\n$', text)
    assert.equal('loss 3', said[#said])
  end)

  it("takes the name of a type after the help, as Torch7's did", function()
    local typed = torch.CmdLine()
    typed:option('-depth', 34, 'layers', 'number')
    typed:option('-name', '', 'a name', 'string')
    assert.are.same({ depth = 20, name = '7' }, typed:parse { '-depth', '20', '-name', '7' })
  end)

  it('lets a derived class keep more about its options', function()
    local Extended, parent = torch.class('test.CmdLine', 'torch.CmdLine', {})
    function Extended:option(key, default, help, valid)
      parent.option(self, key, default, help)
      self.options[key].valid = valid
    end
    local extended = torch.getmetatable('test.CmdLine').new()
    extended:text 'Title'
    extended:argument('file', 'what to read')
    extended:option('-size', 3, 'edge', true)
    extended:option('--list', { 1, 2 }, 'several')
    assert.is_true(extended.options['-size'].valid)
    assert.same({ 'Title', extended.arguments[1], extended.options['-size'], extended.options['--list'] }, extended.helplines)
    assert.same({ key = '-size', default = 3, help = 'edge', type = 'number', valid = true }, extended.options['-size'])
    assert.equal('file', extended.arguments[1].key)
    assert.same({ size = 3, list = { 1, 2 } }, extended:default())
    local _, why = extended:read { 'x', '--list', '4' }
    assert.equal('unknown required option type table (option --list)', why)
  end)
end)
