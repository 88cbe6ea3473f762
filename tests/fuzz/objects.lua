--- Random calls of objects with random arguments: what is made of data, training, reinforcement learning, graphs of modules, files
-- in memory, options, testers, optimizers.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local data = require 'tocha.data'
local train = require 'tocha.train'
local rl = require 'tocha.rl'
local picture = require 'tocha.bindings.image'
require 'tocha.nngraph'

local random = math.random

-- The methods of an object by name, its parents' too, sorted.
local function methodsOf(object, class)
  local names, seen = {}, {}
  class = class or getmetatable(object)
  while type(class) == 'table' and not seen[class] do
    seen[class] = true
    for name, f in pairs(class) do
      if type(f) == 'function' and type(name) == 'string' and not name:find '^_' then names[#names + 1] = name end
    end
    class = getmetatable(class) or class.__index
  end
  table.sort(names)
  return names
end

--- Adds {name, call} for each kind of object to a list.
-- @tparam table list
-- @tparam table tools pick, makers, arguments, small, scratch of calls.lua
return function(list, tools)
  local pick, makers, arguments, small = tools.pick, tools.makers, tools.arguments, tools.small
  local function any() return pick(makers)() end
  local function mostly(value) return random() < 0.8 and value or any() end
  local function options(values)
    for key in pairs(values) do
      if random() < 0.6 then values[key] = nil elseif random() < 0.2 then values[key] = any() end
    end
    return mostly(values)
  end
  local function add(name, call) list[#list + 1] = { name, call } end

  -- Makes an object and calls one of its methods, most often one after others; `left` names those that are not called.
  local function object(name, make, left, class)
    left = left or {}
    local known = {} -- by class: the objects of one name may be of several
    add(name, function()
      local made = make()
      local key = class or getmetatable(made)
      local methods = known[key]
      if not methods then
        methods = {}
        for _, method in ipairs(methodsOf(made, class)) do
          if not left[method] then methods[#methods + 1] = method end
        end
        known[key] = methods
      end
      for _ = 1, random(0, 4) do
        local method = pick(methods)
        pcall(made[method], made, unpack(arguments(4), 1, 4))
      end
      local method = pick(methods)
      made[method](made, unpack(arguments(4), 1, 4))
    end)
  end
  local function functions(prefix, from, ...)
    for _, name in ipairs { ... } do
      local f = assert(from[name], name)
      add(prefix .. name, function() f(unpack(arguments(4), 1, 4)) end)
    end
  end

  -- -- the base ---------------------------------------------------------------------------------------------------

  object('torch.CmdLine', function()
    local cmd = torch.CmdLine(unpack(arguments(2), 1, 2))
    cmd:option('--n', any(), 'help', random() < 0.5 and { from = any() } or nil)
    cmd:option('--on', false)
    pcall(cmd.argument, cmd, any(), any(), any())
    cmd:read { pick { '--n', '--on', '-h', 'x' }, pick { '1', 'x', '--n=3', '' } }
    return cmd
  end, { parse = true, help = true, error = true, fail = true, log = true, addTime = true, try = true, silent = true })
  object('torch.Tester', function() return torch.Tester() end, { run = true, _run = true, _report = true })
  -- What a kind of file defines for File, and what File has for classes.
  local inner = {}
  for name in ([[take token eatNewline put putStorage left move fail readBytes readFields readTensor readStorage writeTensor
    writeStorage whereIs isWritableObject]]):gmatch '%a+' do
    inner[name] = true
  end
  local function bytes()
    local letters = {}
    for i = 1, random(0, 40) do letters[i] = string.char(pick { random(0, 255), 48 + random(0, 9), 32, 10, 0 }) end
    return table.concat(letters)
  end
  object('torch.MemoryFile', function()
    local file = torch.MemoryFile(mostly(bytes()), pick { 'r', 'w', 'rw', nil })
    return pick { file, file.quiet and file:quiet() or file, file:binary() }
  end, inner)
  object('torch.DiskFile', function()
    local file = io.open(tools.scratch, 'wb')
    file:write(bytes())
    file:close()
    return torch.DiskFile(tools.scratch, pick { 'r', 'rw', 'w' })
  end, setmetatable({ seek = true }, { __index = inner }))
  object('torch.Generator', function() return torch.Generator(mostly(small())) end, nil, torch.getmetatable 'torch.Generator')
  object('torch.Timer', function() return torch.Timer() end)
  for _, type in ipairs(tools.types) do
    object(type .. 'Storage:', function() return torch[type .. 'Storage'](random(0, 8)):fill(random(0, 5)) end, tools.left,
      torch.getmetatable('torch.' .. type .. 'Storage'))
  end
  for _, write in ipairs { 'save', 'writeNpy', 'writeNpz', 'writeSafetensors' } do
    add('torch.' .. write, function() torch[write](tools.scratch, unpack(arguments(3), 1, 3)) end)
  end

  -- -- data and training ------------------------------------------------------------------------------------------

  local function set()
    local n = random(0, 6)
    return options { data = torch.rand(n, 1, small(6), small(6)):mul(255):type(pick { 'torch.ByteTensor', 'torch.FloatTensor' }),
      labels = torch.LongTensor(n):random(1, 3), classes = { 'a', 'b', 'c' } }
  end
  for _, name in ipairs { 'batches', 'classCounts', 'classWeights', 'folds', 'select', 'size', 'split', 'stratified' } do
    add('data.' .. name, function()
      local result = data[name](set(), mostly(pick { 0.5, small(), torch.LongTensor(3):random(1, 4) }), any())
      if type(result) == 'function' then for _ = 1, 5 do result() end end
    end)
  end
  functions('data.', data, 'mixup', 'cutmix', 'moments', 'normalizer', 'shift', 'transform', 'fromFiles', 'fromFolder', 'mnist')
  add('data.digits', function() data.digits { train = small(), test = small(), seed = any() } end)
  add('data.transform ', function()
    data.transform(torch.rand(small(), small(9), small(9)), options { rotation = any(), zoom = any(), shear = small(),
      hflip = true, fill = pick { 'nearest', 'wrap', 'reflect', 'constant' }, fill_value = any() })
  end)
  add('data.DataLoader', function()
    local loader = data.DataLoader(set(), options { batch = random(-1, 5), shuffle = true, dropLast = true, seed = any(),
      workers = random(-1, 3), prefetch = random(0, 4), height = small(9), width = any(), planes = random(0, 4), scale = any(),
      mean = any(), deviation = any(), skip = true, cover = true,
      augment = options { rotation = any(), shear = small(), zoom = any(), hflip = true, crop = small(), area = any(),
        ratio = any(), cutout = any(), hue = any(), brightness = any(),
        fill = pick { 'nearest', 'wrap', 'reflect', 'constant', 'x' } } })
    for input in loader:batches(mostly(small())) do if random() < 0.2 then input:add(1) break end end
    if random() < 0.5 then loader:load() end
    loader:close()
    loader:batches()
  end)
  -- A loader of small batches, and what may be wrong with it.
  local function loader(n)
    local kind = random(4)
    local made = { data = torch.rand(n, pick { 3, 4 }), labels = torch.LongTensor(n):random(1, pick { 2, 3 }) }
    if kind == 1 then return data.memoryLoader(made, { batch = mostly(small()), shuffle = random() < 0.5 }) end
    if kind == 2 then
      made.data = torch.rand(n, 1, 2, 2):mul(255):byte()
      return data.DataLoader(made, { batch = small(), workers = 0 })
    end
    return mostly(data.memoryLoader(made, { batch = small() }))
  end
  add('train.fit', function()
    local out = pick { 2, 3 }
    local net = pick { nn.Sequential():add(nn.Linear(3, out)), nn.Sequential():add(nn.View(-1, 4)):add(nn.Linear(4, out)),
      nn.Linear(3, out) }
    local saves = random() < 0.2 and tools.scratch .. '.t7' or nil
    local good, message = pcall(train.fit, { net = mostly(net), criterion = mostly(nn.CrossEntropyCriterion()),
      loader = mostly(loader(small(6))), epochs = pick { 0, 1, 2, 1.5, -1, 0 / 0, '1', {}, false },
      rate = mostly(0.1),
      optim = random() < 0.5 and mostly 'sgd' or nil,
      config = random() < 0.3 and any() or nil, schedule = random() < 0.2 and any() or nil,
      valid = random() < 0.4 and mostly(loader(small())) or nil, patience = random() < 0.3 and any() or nil,
      prepare = random() < 0.2 and any() or nil, forward = random() < 0.2 and any() or nil, save = saves,
      resume = random() < 0.1 and any() or nil, keep = random() < 0.1 and any() or nil, limit = random() < 0.2 and any() or nil,
      note = any(), quiet = true })
    if saves then
      os.remove(saves)
      os.remove((saves:gsub('%.t7$', '-best.t7')))
    end
    if not good then error(message, 0) end
  end)
  add('image.saveGif', function()
    picture.saveGif(tools.scratch, mostly(torch.rand(small(), 3, small(9), small(9)):mul(255):byte()), mostly(small()))
  end)
  functions('train.search.', train.search, 'grid', 'random', 'run', 'average', 'table', 'folds')
  add('train.checkpoint', function()
    train.checkpoint.save(pick { tools.scratch, 3 }, any())
    train.checkpoint.load(pick { tools.scratch, {} })
  end)
  functions('train.schedule.', train.schedule, 'cosine', 'step', 'warmup', 'oneCycle', 'plateau')
  object('train.Metrics', function()
    local metrics = train.Metrics.new(mostly(small()))
    metrics:add(mostly(torch.randn(5, #metrics.classes)), mostly(torch.LongTensor(5):random(1, #metrics.classes)))
    return metrics
  end, { draw = true }, train.Metrics)
  add('train.Progress', function() train.Progress(any(), { quiet = true }):line(any(), any(), any()) end)
  add('train.grid', function() train.grid(tools.scratch, mostly(torch.rand(small(), pick { 1, 3 }, small(), small())),
    options { columns = any(), pad = any(), low = any(), high = any() }) end)
  add('train.plot', function()
    train.plot(tools.scratch,
      { { y = mostly { any(), 1, 2 }, x = random() < 0.3 and { 1, any(), 3 } or nil, name = any(), style = any() } },
      options { title = any(), xlabel = any(), logscale = true })
  end)

  -- -- modules and optimizers -------------------------------------------------------------------------------------

  add('nngraph', function()
    local nodes = { nn.Identity()() }
    for i = 2, small(6) do
      local from = random() < 0.6 and nodes[random(i - 1)] or { nodes[random(i - 1)], nodes[random(i - 1)] }
      local module = pick { nn.Linear(4, 4), nn.CAddTable(), nn.Tanh(), nn.JoinTable(2), nn.SplitTable(1),
        nn.Narrow(1, 1, small()) }
      nodes[i] = module(mostly(from))
    end
    local graph = nn.gModule({ mostly(nodes[1]) }, { mostly(nodes[#nodes]) })
    local input = mostly(torch.randn(small(), 4))
    local output = graph:forward(input)
    graph:backward(input, random() < 0.8 and output or any())
    if random() < 0.3 then graph:clone():forward(input) end
  end)
  local initialize = require 'tocha.nn.initialize'
  functions('nn.initialize.', initialize, 'kaimingNormal', 'kaimingUniform', 'orthogonal', 'truncatedNormal', 'xavierNormal',
    'xavierUniform')
  functions('optim.', optim, 'clipGradNorm', 'clipGradValue', 'penalize')
  object('optim.ConfusionMatrix', function()
    local matrix = optim.ConfusionMatrix(mostly(small()), any())
    pcall(matrix.batchAdd, matrix, mostly(torch.randn(5, 3)), mostly(torch.LongTensor(5):random(1, 3)))
    return matrix
  end)
  object('optim.Logger', function()
    local logger = optim.Logger(pick { tools.scratch, tools.scratch, {}, 3 }, random() < 0.1 and any())
    return random() < 0.5 and logger:setNames(mostly { 'a', 'b' }) or logger
  end, { plot = true })
  add('optim.Average', function()
    local average = optim.Average(mostly(nn.Sequential():add(nn.Linear(2, 2))), any(), any())
    average:update()
    average:swap()
  end)
  for _, rule in ipairs { 'SGD', 'Adam', 'AdamW', 'RMSprop', 'Adagrad', 'Adadelta', 'Adamax' } do
    add('optim.' .. rule, function()
      local x = torch.randn(small()):requiresGrad(true)
      local optimizer = optim[rule](mostly { x }, options { learningRate = any(), weightDecay = any(), momentum = any() })
      for _ = 1, 3 do
        torch.cmul(x, x):sum():backward()
        optimizer:step(any())
        if random() < 0.3 then optimizer:load(mostly(optimizer:state())) end
        optimizer:zeroGrad()
      end
    end)
  end

  -- -- reinforcement learning -------------------------------------------------------------------------------------

  local function act(env) return mostly(env.actions:sample(torch.Generator(1))) end
  -- What a kind of environment defines for the others is called by these alone.
  local hooks = {}
  for name in ('begin move observe text draw started seeded enter letter'):gmatch '%a+' do hooks[name] = true end
  for _, kind in ipairs(rl.environments) do
    object('rl.' .. kind, function()
      local env = rl.make(kind, options { size = any(), slippery = any(), rows = any(), arms = any() })
      pcall(env.reset, env, mostly(small()))
      for _ = 1, random(0, 6) do pcall(env.step, env, act(env)) end
      pcall(env.render, env, pick { 'image', 'text', 'picture' })
      torch.deserialize(torch.serialize(env))
      return env
    end, hooks)
  end
  add('rl.Vector', function()
    local envs = rl.Vector(mostly(small()), pick(rl.environments))
    envs:reset(mostly(small()))
    for _ = 1, 3 do
      local actions = envs.actions:batch(envs.n)
      for i = 1, envs.n do actions[i] = envs.actions:sample(torch.Generator(i)) end
      envs:step(mostly(actions))
    end
  end)
  local function space() return pick { rl.Discrete(mostly(small())), rl.Box(mostly { small(), small() }, any(), any()) } end
  object('rl.spaces', space)
  add('rl.network', function()
    pick { rl.network.build, rl.network.critic, rl.network.scaleLast }(mostly(space()), any(), any(), any())
  end)
  add('rl.noise', function()
    local noise = pick { rl.noise.GaussianNoise, rl.noise.OrnsteinUhlenbeck }(mostly(small()), mostly(small()), mostly(0.5), any())
    noise:sample()
    noise:over(any())
  end)
  for _, algorithm in ipairs(rl.algorithms) do
    add('rl.agent ' .. algorithm, function()
      local envs = rl.Vector(2, pick { 'CartPole', 'Pendulum', 'Catch', 'FrozenLake' })
      local agent = rl.agent(algorithm, mostly(envs), options { total = 10, batch = 2, replay = 4, hidden = '3', gamma = any() })
      local seen = envs:reset(1)
      for _ = 1, random(0, 2) do
        local step = envs:step(agent:act(mostly(seen), mostly(true)))
        agent:learn(mostly(step))
        seen = step.seen
      end
      agent:adopt(mostly(agent:snapshot()))
      local method = pick { 'share', 'act', 'learn', 'adopt', 'text', 'write', 'read', '__tostring__' }
      if agent[method] then agent[method](agent, any(), any()) end
    end)
  end
  add('rl.Replay', function()
    local envs = rl.Vector(2, pick { 'CartPole', 'Pendulum', 'Catch' })
    local replay = rl.Replay(mostly(small(9)), envs.observations, envs.actions, { gamma = 0.9, nsteps = random(0, 3),
      alpha = random() < 0.5 and random() or nil })
    envs:reset(1)
    for _ = 1, random(0, 6) do
      local actions = envs.actions:batch(2)
      for i = 1, 2 do actions[i] = envs.actions:sample(torch.Generator(i)) end
      replay:add(mostly(envs:step(actions)))
    end
    local batch = replay:sample(mostly(small()))
    if replay.priority then replay.priority:update(mostly(batch.index), mostly(torch.rand(batch.index:size(1)))) end
    replay:sample(2)
  end)
end
