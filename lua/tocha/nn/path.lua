--- Names the module an error comes from: "model[3] nn.Linear(784 -> 128)".
--
-- Nothing is kept while modules run. When an error is raised, the frames on the stack tell which module's function runs
-- inside which container's.
-- @module tocha.nn.path
local torch = require 'tocha'
local own = require 'tocha.bindings.own'
local guard = require 'tocha.bindings.guard'

local constructors = setmetatable({}, { __mode = 'k' })

-- Fields of the library's modules that are numbers where they are there.
local numbers = {}
for name in ([[H T W adjH adjT adjW alpha beta blank channels dH dT dW delta device dilationH dilationT dilationW dim dimension eps
  factor first gamma groups heads hiddenSize iH iW ignoreIndex inputDimension inputFrameSize inputSize k kH kT kW l1weight lambda
  length lower margin max_val maxNorm mean minK min_val momentum nClasses nInputDim nInputDims nInputPlane nOutputDim nOutputPlane
  ndim negval nfeatures normType numInputDims offset outputDim outputDimension outputFrameSize outputSize p pad padH padT padW pad_b
  pad_l pad_r pad_t paddingValue pback pbottom pfront pleft pos pow power pright ptop scale_factor smoothing std stride threshold
  thresval upper upscaleFactor val width]]):gmatch '%S+' do numbers[name] = true end

-- Raises where what is a number by its name got something else. Digits in a string count as Lua counts them.
local function checkNumber(module, name, value)
  if numbers[name] and type(value) ~= 'number' and not (type(value) == 'string' and tonumber(value)) then
    own.raise(('%s: %s is a number, not a %s'):format(torch.type(module), name, torch.type(value)))
  end
end

local function checkNumbers(module)
  for name, value in next, module do checkNumber(module, name, value) end
end

-- The same of the arguments of a constructor that failed, by the names of its parameters, and of the fields that it had set.
local function checkArguments(init, module, ...)
  for i = 1, select('#', ...) do
    local name, value = debug.getlocal(init, i + 1), select(i, ...)
    if name and value ~= nil then checkNumber(module, name, value) end
  end
  checkNumbers(module)
end

-- The module whose method runs at a level of the stack; true at the stack's end, and at a constructor, whose module is
-- not there yet.
local function moduleAt(level)
  local info = debug.getinfo(level, 'f')
  if not info then return nil, true end
  local name, value = debug.getlocal(level, 1)
  if name ~= 'self' or type(value) ~= 'table' then return nil end
  if torch.isTypeOf(value, 'nn.Module') or torch.isTypeOf(value, 'nn.Criterion') then
    return value, info.func == value.__init or constructors[info.func] ~= nil
  end
end

local function indexOf(container, module)
  for i, child in ipairs(container.modules or {}) do
    if rawequal(child, module) then return i end
  end
end

-- The innermost module whose function is running, and the containers and indices on the way to it, outermost first.
local function find()
  local level, inner, outer, steps = 2, nil, nil, {}
  while true do
    local module, done = moduleAt(level + 1)
    if done then
      if rawequal(module, inner) then inner = nil end -- it is being made: nothing to describe
      break
    end
    if module and not rawequal(module, outer) then
      local index = outer and indexOf(module, outer)
      if index then table.insert(steps, 1, { container = module, index = index }) end
      if index or not outer then outer = module end
      inner = inner or module
    end
    level = level + 1
  end
  return inner, steps
end

local describing = false -- an error in a module's description says no path: it would be described in turn

local function describe(module)
  describing = true
  local described, text = pcall(tostring, module)
  describing = false
  return described and text:match('^[^\n]*'):gsub(' {$', '') or torch.type(module)
end

local path = {}

--- What stands before a message: "model[2][1] nn.Linear(3 -> 4): "; "" where no module runs.
function path.short()
  if describing then return '' end
  local inner, steps = find()
  if not inner then return '' end
  local indices = {}
  for i, step in ipairs(steps) do indices[i] = ('[%d]'):format(step.index) end
  return (#steps > 0 and 'model' .. table.concat(indices) .. ' ' or '') .. describe(inner) .. ': '
end

--- The same after Torch7's lines "In 2 module of nn.Sequential:".
function path.long()
  local lines, _, steps = {}, find()
  for i, step in ipairs(steps) do
    lines[i] = ('In %d module of %s:\n'):format(step.index, torch.type(step.container))
  end
  return table.concat(lines) .. path.short()
end

--- Lets the constructor of a class answer for its arguments: an error names the class, and one that Lua raises over an
-- argument is at the caller's line.
function path.guard(class)
  local init = rawget(class, '__init')
  if not init or constructors[init] then return end
  local function guarded(self, ...)
    local ok, message = pcall(init, self, ...)
    if ok then return torch.class.isLibrary(self) and checkNumbers(self) or nil end
    local text, name = guard.lapse(message), torch.type(self) .. ': '
    if text then
      if torch.class.isLibrary(self) then checkArguments(init, self, ...) end
      own.raise(name .. text)
    end
    local place, said = tostring(message):match('^(.-:%d+: )(.*)$')
    if place and said:sub(1, #name) ~= name then message = place .. name .. said end
    error(message, 0)
  end
  class.__init, constructors[init], constructors[guarded] = guarded, true, true
end

own.context = path.short
return path
