--- Layers from one forward, written once.
--
-- A layer of one op is a line of Lua that calls it:
--
--     derive(Linear, 'linear(input, self.weight, self.bias)')
--     derive(Pooling, 'self.output, self.indices = max_pool2d(input, {self.kH, self.kW})')
--
-- From that text come updateOutput, updateGradInput, accGradParameters and backward (through the op's backward, which
-- runs off the tape, reuses buffers and takes everything as given) and compute (the op on the tape). An input
-- `self.NAME` is a parameter with its gradient in `self.gradNAME`; `input` or `input[k]` is what the gradient flows to;
-- other expressions are constants. Names of `env` may be used in the text.
--
-- Any other layer is a function of tape operations, in which the parameters of `self` are leaves:
--
--     derive(Cosine, function(self, input) ... return output end)
--
-- Its update functions replay a private recording of that function, kept beside the module and not in it, made anew
-- when the input is another tensor.
-- @module tocha.nn.derive
local torch = require 'tocha'
local nn = require 'tocha.nn'
local lines = require 'tocha.nn.lines'
local record = require 'tocha.nn.record'

local derive = {}

-- The update functions a class was given together with its compute. Where a class, a subclass or an instance has
-- others, these are the truth and the module is a legacy layer for the tape.
local given = setmetatable({}, { __mode = 'k' })
local updates = { 'updateOutput', 'updateGradInput', 'accGradParameters' }

--- Declares that the class's update functions and its compute agree.
function derive.seal(class)
  local functions = {}
  for _, name in ipairs(updates) do functions[name] = rawget(class, name) or false end
  given[class] = functions
end

--- Whether the class itself was declared so.
function derive.sealed(class) return given[class] ~= nil end

--- Whether the tape may call module:compute(input).
function derive.computes(module)
  local level = module
  while level do
    local functions = given[level]
    for _, name in ipairs(updates) do
      local own = rawget(level, name)
      if own ~= nil and (not functions or own ~= functions[name]) then return false end
    end
    if functions then return true end
    level = getmetatable(level)
  end
  return false
end

--- Gives a criterion its update functions and its compute from a line that calls one op, or from a function
-- (self, input, target) of tape operations; both give a zero-dimensional loss.
function derive.loss(class, loss, env)
  if type(loss) == 'function' then record.loss(class, loss) else lines.loss(class, loss, env or {}) end
  derive.seal(class)
end

--- Gives a layer its update functions and its compute.
-- @function derive
-- @tparam table class
-- @tparam string|function forward the line of one op, or a function (self, input) of tape operations
-- @tparam[opt] table env names that the line uses
--- A class that is defined whole by its constructor and its forward line or function.
-- @tparam string name
-- @tparam ?function init fills a new module, given the arguments of the constructor
-- @param forward see above
-- @tparam[opt='nn.Module'] string above the class above it
-- @treturn table the class
function derive.class(name, init, forward, above)
  local class = torch.class(name, above or 'nn.Module', nn)
  class.__init = function(self, ...)
    nn.Module.__init(self)
    if init then init(self, ...) end
  end
  derive(class, forward)
  return class
end

return setmetatable(derive, { __call = function(_, class, forward, env)
  if type(forward) == 'function' then record.layer(class, forward) else lines.layer(class, forward, env or {}) end
  derive.seal(class)
end })
