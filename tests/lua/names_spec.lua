-- The names of Torch7's torch package that scripts use most (each in ten or more of 61 public script trees), one test each, and
-- no name without a test. Values are those that Torch7 gives.
local torch = require 'tocha'

local names = {
  torch = [[Tensor load save manualSeed class CmdLine zeros LongTensor randperm setdefaulttensortype type Timer random FloatTensor
    range randn uniform setnumthreads ones ByteTensor exp cat typename max linspace DiskFile floor cmul sum multinomial data sort
    MemoryFile CharTensor rand]],
  tensor = [[add size copy zero float clone fill div view mul resize max long narrow sum resizeAs nElement type uniform dim index
    squeeze mean split cmul double sub normal apply t storage select min totable norm set contiguous reshape expand std transpose
    clamp typeAs cdiv expandAs eq abs data sqrt nDimension exp pow random sort]],
}

local function matrix() return torch.DoubleTensor { { 1, 2, 3 }, { 4, 5, 6 } } end
local function vector() return torch.DoubleTensor { 4, 1, 3 } end

-- What a test gives must equal what stands first; tensors as tables.
local function plain(value)
  if torch.isTensor(value) then return value:totable() end
  return value
end
local tests = { torch = {}, tensor = {} }
local function def(section, name, want, f) tests[section][name] = { want, f } end

-- -- functions ----------------------------------------------------------------------------------------------------

local T = 'torch'
def(T, 'Tensor', { { 1, 2 }, { 3, 4 } }, function() return torch.Tensor { { 1, 2 }, { 3, 4 } } end)
def(T, 'LongTensor', { 'torch.LongTensor', 6 }, function()
  local x = torch.LongTensor(2, 3)
  return { x:type(), x:nElement() }
end)
def(T, 'FloatTensor', { 0.5 }, function() return torch.FloatTensor { 0.5 } end)
def(T, 'ByteTensor', { 255, 1 }, function() return torch.ByteTensor { 255, 257 } end)
def(T, 'CharTensor', { 127, -128 }, function() return torch.CharTensor { 127, 128 } end)
def(T, 'zeros', { { 0, 0 } }, function() return torch.zeros(1, 2) end)
def(T, 'ones', { 1, 1, 1 }, function() return torch.ones(3) end)
def(T, 'range', { 2, 4, 6 }, function() return torch.range(2, 7, 2) end)
def(T, 'linspace', { 0, 0.5, 1 }, function() return torch.linspace(0, 1, 3) end)
def(T, 'exp', { 1 }, function() return torch.exp(torch.zeros(1)) end)
def(T, 'floor', { 1, -2 }, function() return torch.floor(torch.Tensor { 1.5, -1.5 }) end)
def(T, 'cmul', { 16, 1, 9 }, function() return torch.cmul(vector(), vector()) end)
def(T, 'sum', { 21, { { 5, 7, 9 } } }, function() return { torch.sum(matrix()), torch.sum(matrix(), 1):totable() } end)
def(T, 'max', { 6, { { 3 }, { 6 } }, { { 3 }, { 3 } } }, function()
  local values, places = torch.max(matrix(), 2)
  return { torch.max(matrix()), values:totable(), places:totable() }
end)
def(T, 'sort', { { 4, 3, 1 }, { 1, 3, 2 } }, function()
  local values, places = torch.sort(vector(), 1, true)
  return { values:totable(), places:totable() }
end)
def(T, 'cat', { 4, 1, 3, 4, 1, 3 }, function() return torch.cat(vector(), vector()) end)
def(T, 'type', { 'torch.DoubleTensor', 'number', 'table' }, function()
  return { torch.type(vector()), torch.type(1), torch.type {} }
end)
def(T, 'typename', { 'torch.LongStorage' }, function() return { torch.typename(torch.LongStorage()), torch.typename(1) } end)
def(T, 'manualSeed', { 0.69646918727085 }, function()
  torch.manualSeed(123)
  return { tonumber(('%.14f'):format(torch.uniform())) }
end)
def(T, 'uniform', true, function()
  local u = torch.uniform(2, 3)
  return u >= 2 and u < 3
end)
def(T, 'random', true, function()
  local r = torch.random(4, 6)
  return r >= 4 and r <= 6 and r % 1 == 0
end)
def(T, 'rand', { { 2, 3 }, true }, function()
  local x = torch.rand(2, 3)
  return { x:size():totable(), x:min() >= 0 and x:max() < 1 }
end)
def(T, 'randn', { { 4 }, true }, function()
  local x = torch.randn(4)
  return { x:size():totable(), x:std() > 0 }
end)
def(T, 'randperm', { 1, 2, 3, 4, 5 }, function() return (torch.sort(torch.randperm(5))) end)
def(T, 'multinomial', { 2, 2, 2 }, function() return torch.multinomial(torch.Tensor { 0, 1, 0 }, 3, true) end)
def(T, 'data', 1, function() return torch.data(vector())[1] end)
def(T, 'Timer', 'number', function() return type(torch.Timer():time().real) end)
def(T, 'setnumthreads', true, function()
  local n = torch.getnumthreads()
  torch.setnumthreads(n)
  return torch.getnumthreads() == n
end)
def(T, 'setdefaulttensortype', { 'torch.DoubleTensor', 'torch.DoubleTensor' }, function()
  local before = torch.getdefaulttensortype()
  torch.setdefaulttensortype('torch.DoubleTensor')
  local seen = { torch.Tensor():type(), torch.zeros(1):type() }
  torch.setdefaulttensortype(before)
  return seen
end)
def(T, 'class', { 'names.Point', 3 }, function()
  local module = {}
  local Point = torch.class('names.Point', module)
  function Point:__init(x) self.x = x end
  local p = module.Point(3)
  return { torch.type(p), p.x }
end)
def(T, 'CmdLine', { 5, 'a' }, function()
  local cmd = torch.CmdLine()
  cmd:text('options')
  cmd:option('-size', 3, 'the size')
  cmd:option('-name', 'a', 'the name')
  local options = cmd:parse { '-size', '5' }
  return { options.size, options.name }
end)

local function stored(write, read)
  local path = os.tmpname()
  write(path)
  local value = read(path)
  os.remove(path)
  return value
end
local function object() return { x = vector(), n = 3 } end
for _, name in ipairs { 'save', 'load' } do
  def(T, name, { { 4, 1, 3 }, 3 }, function()
    local o = stored(function(path) torch.save(path, object()) end, torch.load)
    return { o.x:totable(), o.n }
  end)
end
def(T, 'DiskFile', 'a line', function()
  return stored(function(path)
    local file = torch.DiskFile(path, 'w')
    file:writeString('a line\n')
    file:close()
  end, function(path)
    local file = torch.DiskFile(path, 'r')
    local line = file:readString('*l')
    file:close()
    return line
  end)
end)
def(T, 'MemoryFile', { 4, 1, 3 }, function()
  local file = torch.MemoryFile()
  file:writeObject(vector())
  file:seek(1)
  return file:readObject()
end)

-- -- methods ------------------------------------------------------------------------------------------------------

T = 'tensor'
def(T, 'add', { 6, 3, 5 }, function() return vector():add(2) end)
def(T, 'mul', { 8, 2, 6 }, function() return vector():mul(2) end)
def(T, 'div', { 2, 0.5, 1.5 }, function() return vector():div(2) end)
def(T, 'cmul', { 8, 1, 9 }, function() return vector():cmul(torch.DoubleTensor { 2, 1, 3 }) end)
def(T, 'cdiv', { 2, 1, 1 }, function() return vector():cdiv(torch.DoubleTensor { 2, 1, 3 }) end)
def(T, 'pow', { 16, 1, 9 }, function() return vector():pow(2) end)
def(T, 'sqrt', { 2, 1 }, function() return torch.DoubleTensor { 4, 1 }:sqrt() end)
def(T, 'exp', { 1, 1 }, function() return torch.zeros(2):exp() end)
def(T, 'abs', { 1, 2 }, function() return torch.DoubleTensor { -1, 2 }:abs() end)
def(T, 'clamp', { 3, 2, 3 }, function() return vector():clamp(2, 3) end)
def(T, 'size', { { 2, 3 }, 3 }, function() return { matrix():size():totable(), matrix():size(2) } end)
def(T, 'nElement', 6, function() return matrix():nElement() end)
def(T, 'dim', 2, function() return matrix():dim() end)
def(T, 'nDimension', 1, function() return vector():nDimension() end)
def(T, 'copy', { 4, 1, 3 }, function() return torch.FloatTensor(3):copy(vector()) end)
def(T, 'clone', { { 4, 1, 3 }, { 0, 1, 3 } }, function()
  local x = vector()
  local y = x:clone()
  y[1] = 0
  return { x:totable(), y:totable() }
end)
def(T, 'zero', { 0, 0, 0 }, function() return vector():zero() end)
def(T, 'fill', { 7, 7, 7 }, function() return vector():fill(7) end)
def(T, 'uniform', true, function() return torch.zeros(9):uniform(1, 2):min() >= 1 end)
def(T, 'normal', true, function() return math.abs(torch.zeros(999):normal(5, 1):mean() - 5) < 1 end)
def(T, 'random', true, function() return torch.zeros(9):random(1, 2):max() <= 2 end)
for name, kind in pairs { float = 'Float', double = 'Double', long = 'Long' } do
  def(T, name, { 'torch.' .. kind .. 'Tensor', { 4, 1, 3 } }, function()
    local x = vector()[name](vector())
    return { x:type(), x:totable() }
  end)
end
def(T, 'type', { 'torch.DoubleTensor', 'torch.IntTensor' }, function()
  return { vector():type(), vector():type('torch.IntTensor'):type() }
end)
def(T, 'typeAs', 'torch.ByteTensor', function() return vector():typeAs(torch.ByteTensor()):type() end)
def(T, 'view', { { 1, 2 }, { 3, 4 }, { 5, 6 } }, function() return matrix():view(3, 2) end)
def(T, 'reshape', { { 1, 2 }, { 3, 4 }, { 5, 6 } }, function() return matrix():reshape(3, 2) end)
def(T, 'resize', { { 4, 1 } }, function() return vector():resize(1, 2) end)
def(T, 'resizeAs', { 2, 3 }, function() return torch.Tensor():resizeAs(matrix()):size():totable() end)
def(T, 'narrow', { { 2, 3 }, { 5, 6 } }, function() return matrix():narrow(2, 2, 2) end)
def(T, 'sub', { { 4, 5 } }, function() return matrix():sub(2, 2, 1, -2) end)
def(T, 'select', { { 2, 5 }, 1 }, function() return { matrix():select(2, 2):totable(), vector():select(1, 2) } end)
def(T, 'index', { { 4, 5, 6 }, { 4, 5, 6 } }, function() return matrix():index(1, torch.LongTensor { 2, 2 }) end)
def(T, 'squeeze', { { 4, 1, 3 }, 7 }, function()
  return { vector():view(1, 3, 1):squeeze():totable(), torch.Tensor { { 7 } }:squeeze() }
end)
def(T, 'split', { { { 1, 2 }, { 4, 5 } }, { { 3 }, { 6 } } }, function()
  local parts = matrix():split(2, 2)
  return { parts[1]:totable(), parts[2]:totable() }
end)
def(T, 't', { { 1, 4 }, { 2, 5 }, { 3, 6 } }, function() return matrix():t() end)
def(T, 'transpose', { { 1, 4 }, { 2, 5 }, { 3, 6 } }, function() return matrix():transpose(1, 2) end)
def(T, 'contiguous', { false, true }, function()
  local x = matrix():t()
  return { x:isContiguous(), x:contiguous():isContiguous() }
end)
def(T, 'expand', { { 4, 1, 3 }, { 4, 1, 3 } }, function() return vector():view(1, 3):expand(2, 3) end)
def(T, 'expandAs', { { 4, 1, 3 }, { 4, 1, 3 } }, function() return vector():view(1, 3):expandAs(matrix()) end)
def(T, 'set', { { 4, 1 }, true }, function()
  local x = vector()
  local y = torch.DoubleTensor():set(x:storage(), 1, 2)
  return { y:totable(), torch.pointer(x:storage()) == torch.pointer(y:storage()) }
end)
def(T, 'storage', { 3, 1 }, function() return { vector():storage():size(), vector():storage()[2] } end)
def(T, 'data', 3, function() return vector():data()[2] end)
def(T, 'totable', { { 1, 2, 3 }, { 4, 5, 6 } }, function() return matrix():totable() end)
def(T, 'apply', { 5, 2, 3 }, function() return vector():apply(function(v) if v ~= 3 then return v + 1 end end) end)
def(T, 'sum', { 8, { { 6 }, { 15 } } }, function() return { vector():sum(), matrix():sum(2):totable() } end)
def(T, 'mean', { 3.5, { { 2.5, 3.5, 4.5 } } }, function() return { matrix():mean(), matrix():mean(1):totable() } end)
def(T, 'std', { 2, { { 0 } } }, function()
  return { torch.DoubleTensor { 1, 3, 5 }:std(), torch.DoubleTensor { { 2, 2 } }:std(2):totable() }
end)
def(T, 'norm', { 5, 7, { { 5 } } }, function()
  local x = torch.DoubleTensor { 3, -4 }
  return { x:norm(), x:norm(1), x:view(1, 2):norm(2, 2):totable() }
end)
def(T, 'max', { 4, { 4 }, { 1 } }, function()
  local values, places = vector():max(1)
  return { vector():max(), values:totable(), places:totable() }
end)
def(T, 'min', { 1, { 1 }, { 2 } }, function()
  local values, places = vector():min(1)
  return { vector():min(), values:totable(), places:totable() }
end)
def(T, 'sort', { 1, 3, 4 }, function() return (vector():sort()) end)
def(T, 'eq', { { 0, 1, 0 }, { 1, 1, 1 } }, function() return { vector():eq(1):totable(), vector():eq(vector()):totable() } end)

describe('the name', function()
  for section, list in pairs(names) do
    for name in list:gmatch '%S+' do
      it((section == 'torch' and 'torch.' or ':') .. name, function()
        local test = tests[section][name]
        assert(test, 'there is no test of this name')
        assert.same(test[1], plain(test[2]()))
      end)
    end
  end
end)
