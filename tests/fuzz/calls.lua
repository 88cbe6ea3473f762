--- Random calls of every public function with random, mostly wrong arguments: nothing crashes, and every refusal is a sentence for
-- the caller. A case is made from its number alone, so that one that failed can be run again.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local image = require 'tocha.image'
local ops = require('tocha.bindings.op').ops
local objects = dofile((debug.getinfo(1, 'S').source:match '^@(.*/)' or './') .. 'objects.lua')

local random = math.random
local function pick(list) return list[random(#list)] end

-- -- arguments ----------------------------------------------------------------------------------------------------

local function small(n) return random(n or 4) end
local odd = { 'x', '', 'torch.FloatTensor', 0 / 0, 1 / 0, -1 / 0, 2 ^ 60, -2 ^ 60, 2 ^ 40 + 2 ^ 31, true, false, 1e-40, '\0\255' }
local types = { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double', 'Half', 'BFloat16' }

local function floating() return torch.randn(unpack { small(), small(), small() }) end

local makers
makers = {
  function() return torch.randn(small(), small()) end,
  function() return torch.randn(small(5)) end,
  function() return torch.randn(3, 4):t() end,
  function() return torch.randn(2, 3, small(8), small(8)) end,
  function() return torch.randn(4, 6):narrow(2, 2, 3) end,
  function() return torch.randn(3, 1):expand(3, 4) end,
  function() return torch.LongTensor(small()):random(1, 4) end,
  function() return torch.ByteTensor(small(), small()):bernoulli(0.5) end,
  function() return torch.DoubleTensor(3, 4):zero():requiresGrad(true) end,
  function() return torch.exp(torch.randn(3, 4):requiresGrad(true)) end,
  function() return torch.Tensor() end,
  function() return torch.Tensor(0, 3) end,
  function() return torch.randn(3):sum(1):squeeze() end,
  function() return floating():type('torch.' .. pick(types) .. 'Tensor') end,
  function() return torch.FloatTensor(torch.MemoryFile(('\255'):rep(24), 'r'):binary():readFloat(6)) end,
  function() return random(-3, 5) end,
  function() return random(-3, 5) end,
  function() return random() * 4 - 2 end,
  function() return pick(odd) end,
  function() return { small(), random(-2, 4) } end,
  function() return { random(-3, 3), random(-3, 3), random(-1, 3) } end,
  function() return torch.LongStorage { small(), small(3) } end,
  function() return torch[pick(types) .. 'Storage'](small(8)):fill(random(0, 5)) end,
  function() return { torch.randn(3), torch.randn(3) } end,
  function() return { torch.randn(2, 3), { torch.randn(2), random() } } end,
  function() return { [pick { 'dim', 'kW', 'type', 'learningRate', 'x', 1 }] = pick(makers)() } end,
  function() return function(...) return ... end end,
  function() return nil end,
}

local function arguments(most)
  local list, n = {}, random(0, most)
  for i = 1, n do list[i] = pick(makers)() end
  return list, n
end

-- -- what is called -----------------------------------------------------------------------------------------------

-- What changes the process, hands out raw addresses, writes files or waits.
local left = {}
for name in ([[setnumthreads scope class newmetatable setmetatable setdefaulttensortype setPairEqualCounts setGradEnabled seed
  data cdata save include writeNpy writeNpz writeSafetensors DiskFile PipeFile retain warn
  saveJPG savePNG savePPM savePGM display lena fabio setheaptracking CmdLine Tester TestSuite Timer]]):gmatch('%S+') do
  left[name] = true
end

local function functionsOf(list, prefix, functions)
  for name, f in pairs(functions) do
    if type(f) == 'function' and type(name) == 'string' and not left[name] and not name:find '_backward$' then
      list[#list + 1] = { prefix .. name, function() f(unpack(arguments(6), 1, 6)) end }
    end
  end
end

-- A module with random numbers for its constructor, and what may be done with it.
local function useModule(make)
  local module = make(unpack(arguments(5), 1, 5))
  local input = pick(makers)()
  for _ = 1, small() do
    local what = pick { 'forward', 'updateGradInput', 'backward', 'accGradParameters', 'clearState', 'zeroGradParameters',
      'updateParameters', 'training', 'evaluate', 'clone', 'double', 'float', 'getParameters', '__tostring', 'call', 'serialize' }
    if what == 'forward' then module:forward(input)
    elseif what == 'backward' or what == 'updateGradInput' or what == 'accGradParameters' then
      local good, output = pcall(module.forward, module, input)
      module[what](module, input, good and random() < 0.7 and output or pick(makers)(), random())
    elseif what == 'call' then module(input)
    elseif what == 'updateParameters' then module:updateParameters(pick(makers)())
    elseif what == 'serialize' then torch.deserialize(torch.serialize(module)):forward(input)
    elseif module[what] then module[what](module) end
  end
end

local function useCriterion(make)
  local criterion = make(unpack(arguments(3), 1, 3))
  local input, target = pick(makers)(), pick(makers)()
  if random() < 0.3 then criterion(input, target) end
  criterion:forward(input, target)
  criterion:backward(input, target)
end

local function layers(list)
  for name, class in pairs(nn) do
    if type(class) == 'table' and type(name) == 'string' and not left[name] and getmetatable(class)
      and getmetatable(class).__call then
      local use = (name == 'Criterion' or torch.isTypeOf(getmetatable(class), 'nn.Criterion')) and useCriterion or useModule
      if name ~= 'StochasticGradient' and name ~= 'PrintSize' and name ~= 'Profile' and not name:find 'Jacobian' then
        list[#list + 1] = { 'nn.' .. name, function() use(class) end }
      end
    end
  end
end

local function rules(list)
  for name, rule in pairs(optim) do
    if type(rule) == 'function' and name ~= 'checkgrad' then
      list[#list + 1] = { 'optim.' .. name, function()
        local x, config = random() < 0.8 and torch.randn(small()) or pick(makers)(), {}
        for _ = 1, random(0, 3) do
          config[pick { 'learningRate', 'momentum', 'weightDecay', 'maxIter', 'beta1', 'epsilon', 'learningRates', 'dampening' }] =
            random() < 0.7 and random(-2, 5) or pick(makers)()
        end
        if type(config.maxIter) == 'number' and not (config.maxIter < 100) then config.maxIter = 3 end
        local state = random() < 0.5 and {} or config
        for _ = 1, 3 do
          rule(function(y)
            local plain = torch.isTensor(y)
            local f = plain and random() < 0.95 and y:sum() or pick(makers)()
            return f, plain and random() < 0.95 and y:clone() or pick(makers)()
          end, x, config, state)
        end
      end }
    end
  end
end

-- -- files --------------------------------------------------------------------------------------------------------

local function damaged(bytes)
  for _ = 1, random(0, 4) do
    local at = random(#bytes)
    local what = random(4)
    if what == 1 then bytes = bytes:sub(1, at - 1)
    elseif what == 2 then bytes = bytes:sub(1, at - 1) .. string.char(random(0, 255)) .. bytes:sub(at + 1)
    elseif what == 3 then bytes = bytes:sub(1, at) .. bytes:sub(random(#bytes))
    else
      bytes = bytes:sub(1, at - 1) .. pick { '\0\0\0\0', '\255\255\255\127', '\255\255\255\255', '9999999999' }
        .. bytes:sub(at + 4)
    end
    if #bytes == 0 then break end
  end
  return bytes
end

local scratch = os.tmpname()
local function put(bytes)
  os.remove(scratch)
  local file = assert(io.open(scratch, 'wb'))
  file:write(bytes)
  file:close()
  return scratch
end

local function contents(write)
  os.remove(scratch)
  write(scratch)
  local file = assert(io.open(scratch, 'rb'))
  local bytes = file:read '*a'
  file:close()
  return bytes
end

local function readers(list)
  local object = { torch.randn(3, 4), nn.Linear(3, 2), { a = 1, b = 'text', c = torch.LongTensor { 1, 2 } }, torch.randn(2):half() }
  for _, format in ipairs { 'binary', 'ascii' } do
    local bytes = torch.serialize(object, format)
    list[#list + 1] = { 'torch.deserialize ' .. format, function() torch.deserialize(damaged(bytes), format) end }
  end
  local function reader(name, read, write)
    local bytes = contents(write)
    list[#list + 1] = { name, function() read(put(damaged(bytes))) end }
  end
  reader('torch.load', torch.load, function(path) torch.save(path, object) end)
  reader('torch.readNpy', torch.readNpy, function(path) torch.writeNpy(path, torch.randn(3, 4)) end)
  reader('torch.readNpz', torch.readNpz, function(path)
    torch.writeNpz(path, { a = torch.randn(3, 4), b = torch.zeros(50) }, { compress = true })
  end)
  if torch.readSafetensors then
    reader('torch.readSafetensors', torch.readSafetensors, function(path)
      torch.writeSafetensors(path, { a = torch.randn(3, 4), b = torch.randn(2):half() }, { note = 'x' })
    end)
  end
  local picture = torch.rand(3, 5, 7)
  for _, format in ipairs { 'PNG', 'JPG', 'PPM' } do
    local path = scratch .. '.' .. format:lower()
    local good = pcall(function() image['save' .. format](path, picture) end)
    if good then
      local file = io.open(path, 'rb')
      local bytes = file:read '*a'
      file:close()
      os.remove(path)
      list[#list + 1] = { 'image.load' .. format, function() image['load' .. format](put(damaged(bytes))) end }
    end
  end
  list[#list + 1] = { 'data.idx.read', function()
    require('tocha.data.idx').read(put(damaged('\0\0\8\2\0\0\0\2\0\0\0\3abcdef')))
  end }
end

-- -- running ------------------------------------------------------------------------------------------------------

local calls = {}

--- {name, call}, sorted by name.
function calls.list()
  local list = {}
  local _ = ops.add_backward -- reads the calls that are read late
  local _ = torch.serialize -- luacheck: ignore
  functionsOf(list, 'torch.', torch)
  for _, type in ipairs(types) do
    functionsOf(list, type .. 'Tensor:', torch.getmetatable('torch.' .. type .. 'Tensor'))
  end
  functionsOf(list, 'ops.', ops)
  functionsOf(list, 'image.', image)
  layers(list)
  rules(list)
  readers(list)
  objects(list, { pick = pick, makers = makers, arguments = arguments, small = small, scratch = scratch, types = types,
    left = left })
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

-- Errors of LuaJIT about values that a check should have caught.
local raw = { 'cannot convert', 'attempt to', 'bad argument #', 'stack overflow' }

--- What a case calls: an entry of the list.
function calls.choose(list, number)
  math.randomseed(number)
  torch.manualSeed(number)
  return pick(list)
end

--- Runs the case with a number; journal(name) is called before.
-- @treturn string the name of what was called
-- @treturn[opt] string what is wrong with its error message
function calls.run(list, number, journal)
  local entry = calls.choose(list, number)
  local name, call = entry[1], entry[2]
  if journal then journal(name) end
  local good, message = pcall(call)
  torch.setGradEnabled(true)
  if good then return name end
  if type(message) ~= 'string' then return name, 'the error is a ' .. type(message) end
  for _, text in ipairs(raw) do
    if message:find(text, 1, true) then return name, message end
  end
  return name
end

return calls
