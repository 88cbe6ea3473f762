local torch = require 'tocha'
local data = require 'tocha.data'
require 'tocha.nn'

local root = io.popen('pwd'):read '*l'
local folder

local function write(name, text)
  local file = assert(io.open(folder .. '/' .. name, 'wb'))
  file:write(text)
  file:close()
end

local function bytes(tensor) return tensor:storage():string() end

-- A folder in the layout of MNIST with a few drawn digits.
local function digits(ntrain, ntest)
  local function long(n) return string.char(0, 0, math.floor(n / 256), n % 256) end
  for part, set in pairs { train = 1, t10k = 2 } do
    local images = select(set, data.digits { train = ntrain, test = ntest })
    local n = images.data:size(1)
    write(part .. '-images-idx3-ubyte', '\0\0\8\3' .. long(n) .. long(28) .. long(28) .. bytes(images.data))
    write(part .. '-labels-idx1-ubyte', '\0\0\8\1' .. long(n) .. bytes(images.labels:add(-1)))
  end
end

-- Runs a command in the folder; gives standard output, standard error and the exit code.
local function run(command)
  local pipe = io.popen(('cd %s && { %s 2>err; echo "code $?"; }'):format(folder, command))
  local text = pipe:read '*a'
  pipe:close()
  local file = assert(io.open(folder .. '/err'))
  local err = file:read '*a'
  file:close()
  local output, code = text:match '^(.*)code (%d+)\n$'
  return output, err, tonumber(code)
end

local function script(name, words) return run(('luajit %s/scripts/%s.lua %s'):format(root, name, words or '')) end
local function train(words) return script('train', '--data . --batch 20 --plot "" ' .. words) end

-- The command fails with a sentence on standard error that matches, and no traceback.
local function fails(pattern, words)
  local output, err, code = script('train', words)
  assert.equal('', output)
  assert.matches(pattern, err)
  assert.falsy(err:find 'traceback')
  assert.equal(1, code)
end

describe('scripts/train.lua', function()
  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute('mkdir ' .. folder) == 0)
    digits(120, 60)
  end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  it('trains from any folder, reports, and ends with the accuracy', function()
    local output, err, code = script('train', '--data . --batch 20 --epochs 2 --save a.t7 --plot a.png')
    assert.equal('', err)
    assert.equal(0, code)
    assert.matches('225034 parameters, 108 images to train, 12 to validate, 60 to test', output)
    assert.matches('ConfusionMatrix', output)
    assert.matches('epoch 2: loss', output)
    assert.matches('\ntest accuracy %d+%.%d%d%%\n$', output)
    assert.equal('table', type(torch.load(folder .. '/a.t7')))
    assert.truthy(io.open(folder .. '/a.png'))
  end)

  it('prints one line when it is quiet', function()
    local output, err = train '--epochs 1 --save "" --quiet --model mlp'
    assert.matches('^test accuracy %d+%.%d%d%%\n$', output)
    assert.equal('', err)
  end)

  it('passes 98.5% on the embedded digits', function()
    local output, err = script('train', '--epochs 2 --save "" --plot "" --quiet')
    assert.equal('', err)
    assert.truthy(tonumber(output:match '^test accuracy (%d+%.%d%d)%%\n$') >= 98.5)
  end)

  it('has the other models and optimizers', function()
    for model, parameters in pairs { mlp = 203530, cnn1 = 693962, cnn3 = 93322 } do
      assert.matches('\n' .. parameters .. ' parameters', (train('--epochs 1 --save "" --model ' .. model)))
    end
    for _, rule in ipairs { 'adamw', 'sgd', 'rmsprop', 'adagrad', 'adadelta' } do
      local output, err = train('--epochs 1 --save "" --quiet --model mlp --optim ' .. rule)
      assert.equal('', err)
      assert.matches('^test accuracy', output)
    end
  end)

  local function parametersOf(name) return (torch.load(folder .. '/' .. name).model:getParameters()):totable() end

  it('goes on from a checkpoint with the very numbers, and gives the same with 1 thread and with 2', function()
    train '--model mlp --epochs 3 --save whole.t7 --quiet --threads 1'
    train '--model mlp --epochs 3 --save again.t7 --quiet --threads 2'
    assert.same(parametersOf 'whole.t7', parametersOf 'again.t7')
    local state = torch.load(folder .. '/whole.t7')
    -- A run that is killed in its third epoch leaves the checkpoint of the second.
    run(([[TOCHA_SCRIPT=%s/scripts/train.lua luajit -e "
      package.path = '%s/lua/?.lua;%s/lua/?/init.lua;' .. package.path
      local checkpoint = require 'tocha.train.checkpoint'
      local save = checkpoint.save
      function checkpoint.save(path, state)
        if state.epoch == 3 then os.execute('kill -9 ' .. io.open('/proc/self/stat'):read '*n') end
        return save(path, state)
      end
      arg = { [0] = os.getenv 'TOCHA_SCRIPT', '--data', '.', '--batch', '20', '--plot', '', '--model', 'mlp', '--epochs', '3',
              '--save', 'part.t7', '--quiet' }
      dofile(arg[0])"]]):format(root, root, root))
    assert.equal(2, torch.load(folder .. '/part.t7').epoch)
    local output = script('train', '--resume part.t7 --quiet')
    assert.matches('^test accuracy', output)
    assert.same(parametersOf 'whole.t7', parametersOf 'part.t7')
    assert.same(state.history, torch.load(folder .. '/part.t7').history)
  end)

  it('names options that are unknown, or whose values are none', function()
    fails('train.lua: invalid argument: %-%-epoch %(unknown option%)', '--epoch 3')
    fails('invalid type for option %-%-epochs %(should be number%), not "many"', '--epochs many')
    fails('%-%-epochs wants a whole number from 1, not 0', '--epochs 0')
    fails('%-%-batch wants a whole number from 1, not 2.5', '--batch 2.5')
    fails('%-%-valid wants a share from 0 to below 1', '--valid 1')
    fails('%-%-valid leaves no image to train', '--data . --valid 0.9999')
    fails('%-%-shift wants a whole number from 0 to 27, not 28', '--shift 28')
    fails('%-%-seed wants a whole number from 0, not 1e%+300', '--seed 1e300')
    fails('%-%-lr wants a rate above 0', '--lr inf')
    fails('cannot write /nowhere/x.png: No such file', '--plot /nowhere/x.png')
    fails('cannot write .: Is a directory', '--save .')
    fails('%-%-model is one of mlp, cnn, cnn1, cnn3, not "vgg"', '--model vgg')
    fails('%-%-optim is one of', '--optim newton')
    fails('threads', '--threads 5000')
  end)

  it('lists all options with --help', function()
    local output, _, code = script('train', '--help')
    assert.equal(0, code)
    for _, name in ipairs { 'data', 'model', 'valid', 'epochs', 'batch', 'optim', 'lr', 'seed', 'threads', 'save', 'resume', 'plot',
                            'quiet' } do
      assert.truthy(output:find('--' .. name, 1, true))
    end
  end)

  it('names files that are missing, truncated or foreign, and a disk that is full', function()
    fails('nowhere holds no MNIST data: neither train%-images%-idx3%-ubyte nor train%-images%-idx3%-ubyte.gz is there',
      '--data nowhere')
    fails('cannot read none.t7: No such file or directory', '--resume none.t7')
    write('foreign.t7', 'hello, world')
    fails('foreign.t7: this is no object', '--resume foreign.t7')
    write('cut.t7', torch.serialize({ kind = 'x', 1, 2, 3 }):sub(1, 30))
    fails('cut.t7: a table of size 4 cannot be: 18 bytes are left %(truncated', '--resume cut.t7')
    local _, err, code = train '--epochs 1 --model mlp --quiet --save /dev/full'
    assert.matches('^train.lua: save: .*cannot write /dev/full: No space left on device\n$', err)
    assert.equal(1, code)
    assert(os.execute(('mkdir %s/bad && cp %s/*ubyte %s/bad && truncate -s 5000 %s/bad/train-images-idx3-ubyte')
      :format(folder, folder, folder, folder)) == 0)
    fails('bad/train%-images%-idx3%-ubyte: truncated', '--data bad')
  end)
end)

describe('the small scripts', function()
  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute('mkdir ' .. folder) == 0)
  end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  it('learn exclusive or', function()
    local output, err = script 'xor'
    assert.equal('', err)
    assert.matches('0 xor 1 = 0%.9%d%d\n', output:gsub('1%.000', '0.999'))
    assert.matches('1 xor 1 = 0%.0%d%d\n', output)
    assert.matches('invalid argument: %-%-step ', (select(2, script('xor', '--step 5'))))
  end)

  it('fit a line and a curve and draw them', function()
    local output, err = script('regression', '--plot fit.png')
    assert.equal('', err)
    local slope, offset = output:match 'line: y = (%S+) x %+ (%S+),'
    assert.truthy(math.abs(slope - 2) < .15 and math.abs(offset - 1) < .15)
    assert.truthy(tonumber(output:match 'curve: mean square (%S+)') < .04)
    assert.truthy(io.open(folder .. '/fit.png'))
  end)

  it('train with tensors and the tape alone', function()
    local output, err = script('autograd', '--train 1000 --epochs 2 --quiet')
    assert.equal('', err)
    assert.truthy(tonumber(output:match '^test accuracy (%d+%.%d%d)%%\n$') > 40)
  end)
end)

describe('scripts/tocha', function()
  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute('mkdir ' .. folder) == 0)
    write('six.lua', "print(require('tocha').Tensor(2, 3):nElement(), ...)")
  end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  local function tocha(words) return run(root .. '/scripts/tocha ' .. words) end

  it('runs scripts, recipes and code with the library on their paths, through links too', function()
    assert.equal('6\ta\tb\n', (tocha 'six.lua a b'))
    assert.matches('1 xor 1', (tocha 'xor'))
    assert.equal('3\n', (tocha [[-e "print(require('tocha').ones(3):sum())"]]))
    assert(os.execute(('ln -s %s/scripts/tocha %s/link'):format(root, folder)) == 0)
    assert.equal('6\n', (run './link six.lua'))
  end)

  it('tells what it can do, and what it cannot', function()
    assert.matches('^usage: tocha', (tocha '--help'))
    assert.matches('^tocha scm %(LuaJIT', (tocha '--version'))
    local _, err, code = tocha 'nothing'
    assert.equal('tocha: there is neither a file nor a recipe nothing (--help tells more)\n', err)
    assert.equal(1, code)
    assert.matches('there is no option %-x', (select(2, tocha '-x')))
  end)

  it('alone is a prompt', function()
    write('lines', 'torch.ones(3):sum()\nnn.Linear(2, 1):forward(torch.ones(2)):nElement()\n? torch.max\n')
    local output = tocha '< lines'
    assert.matches('^3\t\n1\t\ntorch.max   %[', output)
  end)
end)
