--- Optimizers as objects: parameters, the rule's constants per group, and its memory per parameter.
-- @module tocha.optim.optimizer
local torch = require 'tocha'
local check = require 'tocha.kinds'.check
local memory = require 'tocha.optim.takes'.memory
local raise = require 'tocha.bindings.own'.raise

local Optimizer = torch.class('tocha.Optimizer', {})

-- What a group's `params` names, as pairs {x, g}; g nil: the tensor's own gradient of the moment.
local function targets(params, name)
  if torch.isTypeOf(params, 'nn.Module') then
    local x, g = params:getParameters()
    return { { x = x, g = g } }
  end
  if torch.isTensor(params) then params = { params } end
  check('optim.' .. name, 'params', 'table', params)
  local list = {}
  for i, p in ipairs(params) do
    if not torch.isTensor(p) then
      raise(('optim.%s: parameter %d is a %s, not a tensor'):format(name, i, torch.type(p)))
    end
    list[i] = { x = p }
  end
  if #list == 0 then raise(('optim.%s: there are no parameters'):format(name)) end
  return list
end

-- Raises what a rule has against its constants: it does a step of one number with them. A vector has its size at the first step.
local function try(rule, constants)
  local single = {}
  for k, v in pairs(constants) do single[k] = not torch.isTensor(v) and v or nil end
  local x = torch.FloatTensor(1):zero()
  torch.noGrad(rule, x, x:clone(), single, {})
end

function Optimizer:__init(name, rule, params, config)
  self.name, self.rule, self.groups = name, rule, {}
  config = config or {}
  check('optim.' .. name, 'config', 'table', config)
  local grouped = type(params) == 'table' and not torch.isTypeOf(params, 'nn.Module') and type(params[1]) == 'table'
    and params[1].params ~= nil
  for i, group in ipairs(grouped and params or { { params = params } }) do
    check('optim.' .. name, ('group %d'):format(i), 'table', group)
    local constants = {}
    for k, v in pairs(config) do constants[k] = v end
    for k, v in pairs(group) do if k ~= 'params' then constants[k] = v end end
    try(rule, constants)
    local list = targets(group.params, name)
    for _, target in ipairs(list) do target.state = {} end
    self.groups[i] = { config = constants, targets = list }
  end
end

local function step(self)
  local rule = self.rule
  for i = 1, #self.groups do
    local group = self.groups[i]
    for k = 1, #group.targets do
      local target = group.targets[k]
      local g = target.g or target.x.grad
      if g ~= nil then rule(target.x, g, group.config, target.state) end
    end
  end
end

--- One step along the gradients; parameters without a gradient stay.
function Optimizer:step()
  torch.noGrad(step, self)
end

--- Sets all gradients to zero.
function Optimizer:zeroGrad()
  for i = 1, #self.groups do
    for _, target in ipairs(self.groups[i].targets) do
      local g = target.g or target.x.grad
      if g ~= nil then g:zero() end
    end
  end
end

--- What a checkpoint keeps: constants and memory, as plain tables.
function Optimizer:state()
  local saved = {}
  for i, group in ipairs(self.groups) do
    saved[i] = { config = group.config, states = {} }
    for k, target in ipairs(group.targets) do saved[i].states[k] = target.state end
  end
  return saved
end

--- Goes on from what state() returned for the same parameters.
function Optimizer:load(saved)
  local op = ('optim.%s'):format(self.name)
  check(op, 'the saved state', 'table', saved)
  if #saved ~= #self.groups then
    raise(('optim.%s: the saved state has %d groups, this optimizer has %d'):format(self.name, #saved, #self.groups))
  end
  for i, group in ipairs(self.groups) do
    check(op, 'the saved state', { config = 'table', states = 'table' }, saved[i])
    for _, state in ipairs(saved[i].states) do check(op, 'states', 'table', state) end
    if #saved[i].states ~= #group.targets then
      raise(('optim.%s: group %d was saved with %d parameters and has %d'):format(self.name, i, #saved[i].states,
        #group.targets))
    end
    try(self.rule, saved[i].config)
    for k, target in ipairs(group.targets) do
      for field, value in pairs(saved[i].states[k]) do
        if torch.isTensor(value) then memory(op, saved[i].states[k], field, target.x) end
      end
    end
  end
  for i, group in ipairs(self.groups) do
    group.config = saved[i].config
    for k, target in ipairs(group.targets) do target.state = saved[i].states[k] end
  end
  return self
end

--- The constructor optim.X(params, config) of a rule. params: a module, a tensor, a list of tensors, or groups
-- {params = ..., learningRate = ..., ...} whose constants override config's.
return function(name, rule)
  return function(params, config)
    local object = setmetatable({}, Optimizer)
    object:__init(name, rule, params, config)
    return object
  end
end
