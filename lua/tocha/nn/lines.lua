--- Layers and criterions from one line of Lua that calls one op (see derive.lua).
--
-- The line becomes the source of specialized functions, so that a call costs field accesses and one call of the engine.
-- @module tocha.nn.lines
local torch = require 'tocha'
local nn = require 'tocha.nn'
local utils = require 'tocha.nn.utils'
local takes = require 'tocha.nn.takes'
local glue = require 'tocha.bindings.module'

local lines = {}
local ops, schema = glue.ops, glue.schema
local chunkName = debug.getinfo(1, 'S').source .. ' ' -- of one of tocha's own files, as errors see it

--- The field of a parameter's gradient: "weight" -> "gradWeight".
function lines.gradName(name) return 'grad' .. name:sub(1, 1):upper() .. name:sub(2) end
local gradName = lines.gradName

-- "a, f(b, c)" -> {"a", "f(b, c)"}
local function split(text)
  local parts, depth, start = {}, 0, 1
  for i = 1, #text do
    local ch = text:sub(i, i)
    if ch:find('[%(%[{]') then depth = depth + 1
    elseif ch:find('[%)%]}]') then depth = depth - 1
    elseif ch == ',' and depth == 0 then
      parts[#parts + 1] = text:sub(start, i - 1):match('^%s*(.-)%s*$')
      start = i + 1
    end
  end
  parts[#parts + 1] = text:sub(start):match('^%s*(.-)%s*$')
  return parts
end

-- Names and flags of a schema's inputs or outputs: "x weight bias?" -> {{name = 'x', flags = ''}, ...}
local function words(text)
  local list = {}
  for name, flags in text:gmatch('([%w_]+)([?~!*]*)') do list[#list + 1] = { name = name, flags = flags } end
  return list
end

-- Reads the line of a layer: op, arguments (inputs, then attributes), outputs, and what each input's gradient goes to.
local function read(text)
  local left, op, inside = text:match('^%s*(.-)%s*=%s*([%w_]+)(%b())%s*$')
  if not op then left, op, inside = 'self.output', text:match('^%s*([%w_]+)(%b())%s*$') end
  local row = op and schema[op] or error('derive: no op in ' .. text)
  local call = { op = op, args = split(inside:sub(2, -2)), outputs = split(left), into = {}, params = {}, mask = 0 }
  call.inputs, call.results = words(row.inputs), words(row.outputs)
  local _, attributes = row.attributes:gsub('%S+', '')
  for i = #call.args + 1, #call.inputs + attributes do call.args[i] = 'nil' end
  for i = 1, #call.inputs do
    local arg = call.args[i] or error('derive: ' .. op .. ' has inputs ' .. row.inputs)
    if not call.inputs[i].flags:find('[~!]') then
      local field, entry = arg:match('^self%.([%w_]+)$'), arg:match('%f[%w]input(%b[])') or ''
      local flows = not field and (arg:find('^input%f[^%w_]') or arg:find('%(self, input%)$'))
      if field then
        call.params[i] = field
        call.mask = call.mask + 2 ^ (i - 1)
      end
      call.flows = call.flows or flows
      call.into[#call.into + 1] = { param = field ~= nil,
        target = field and 'self.' .. gradName(field) or flows and 'gradInput' .. entry or 'nil' }
    end
  end
  return call
end

local template = [[
local ops, leaf, constant, map, differ, prepare, Module, class, takes = ...
local forward, gradient = ops.$OP, ops.$OP_backward
local updateGradInput, accGradParameters
local function updateOutput(self, input)
  input = $CONSTANT
  $ADAPT
  $OUTPUTS = forward($OUTPUTS, $ARGS)
  return self.output
end
local function compute(self, input)
  $CHECK
  local output = forward($NILS, $LEAVES)
  return output
end
function updateGradInput(self, input, gradOutput)
  local gradInput = self.gradInput
  if not gradInput then return end
  $CHECK
  $PREPARE
  gradient($ARGS, $OUTPUTS, gradOutput, 1, 0$INPUT)
  return gradInput
end
function accGradParameters(self, input, gradOutput, scale)
  $CHECK
  gradient($ARGS, $OUTPUTS, gradOutput, scale or 1, $MASK$PARAMS)
end
local function backward(self, input, gradOutput, scale)
  local gradInput = self.gradInput
  if self.updateGradInput ~= class.updateGradInput or self.accGradParameters ~= class.accGradParameters or not gradInput then
    return Module.backward(self, input, gradOutput, scale)
  end
  $CHECK
  $PREPARE
  gradient($ARGS, $OUTPUTS, gradOutput, scale or 1, $MASK$ALL)
  return gradInput
end
return updateOutput, compute, updateGradInput, accGradParameters, backward]]

-- The targets of a backward call; those that `keep` refuses are nil.
local function into(call, keep)
  local list = {}
  for i, slot in ipairs(call.into) do list[i] = ', ' .. (keep(slot) and slot.target or 'nil') end
  return table.concat(list)
end

local function leaves(call)
  local list = {}
  for i, arg in ipairs(call.args) do
    local field = call.params[i]
    list[i] = field and ('leaf(self.%s, self.%s)'):format(field, gradName(field)) or arg
  end
  return table.concat(list, ', ')
end

local function nils(call) return ('nil, '):rep(#call.outputs):sub(1, -3) end

-- Lines that make locals of env's names; env is the chunk's last argument.
local function imports(env)
  local locals = { 'local env = select(-1, ...)\n' }
  for name in pairs(env) do locals[#locals + 1] = ('local %s = env.%s\n'):format(name, name) end
  return table.concat(locals)
end

-- Whether arguments ask the input for something before the op sees it.
local function asks(args) return args:find('%w%([^()]*input') ~= nil end

-- The number of entries of the input that arguments name.
local function highest(args)
  local most = 0
  for k in args:gmatch('input%[(%d+)%]') do most = math.max(most, tonumber(k)) end
  return most
end

local function source(call, env)
  local args = table.concat(call.args, ', ')
  local paired = args:find('input%[') ~= nil
  local text = {
    OP = call.op, ARGS = args, OUTPUTS = table.concat(call.outputs, ', '), NILS = nils(call), LEAVES = leaves(call),
    MASK = tostring(call.mask),
    ADAPT = call.mask == 0 and not paired and 'if differ(self.output, input) then self:type(input:type()) end' or '',
    CHECK = paired and ('takes.tensors(input, %d)'):format(highest(args)) or asks(args) and 'takes.tensor(input)' or '',
    CONSTANT = paired and 'map(constant, input)' or 'constant(input)',
    PREPARE = paired and 'gradInput = prepare(self, input)' or '',
    INPUT = into(call, function(slot) return not slot.param end),
    PARAMS = into(call, function(slot) return slot.param end),
    ALL = into(call, function() return true end),
  }
  return imports(env) .. template:gsub('%$(%u+)', text)
end

-- self.gradInput as a table with a tensor for every tensor of the input.
local function prepare(self, input)
  local list = self.gradInput
  if torch.isTensor(list) then
    list = {}
    self.gradInput = list
  end
  for k = 1, #input do list[k] = list[k] or input[k].new() end
  for k = #list, #input + 1, -1 do list[k] = nil end
  return list
end

--- Gives a class of layers its functions from a line.
function lines.layer(class, text, env)
  local call = read(text)
  assert(#call.outputs == #call.results, 'derive: outputs are missing in ' .. text)
  local chunk = assert(loadstring(source(call, env), chunkName .. call.op))
  local updateOutput, compute, updateGradInput, accGradParameters, backward =
    chunk(ops, glue.leaf, glue.constant, utils.map, glue.differ, prepare, nn.Module, class, takes, env)
  class.updateOutput, class.compute = updateOutput, compute
  if call.flows then class.updateGradInput = updateGradInput end
  if call.mask > 0 then class.accGradParameters, class.backward = accGradParameters, backward end
end

-- -- criterions -----------------------------------------------------------------------------------------------------

-- Beside a criterion of one op: the op's outputs, the loss first.
local buffers = setmetatable({}, { __mode = 'k' })

local lossTemplate = [[
local ops, constant, differ, item, one, buffers, takes = ...
local forward, gradient = ops.$OP, ops.$OP_backward
local function updateOutput(self, input, target)
  input = constant(input)
  local kept = buffers[self]
  if not kept or not kept[1] or differ(kept[1], input) then
    kept = {}
    buffers[self] = kept
  end
  $OUTPUTS = forward($OUTPUTS, $ARGS)
  self.output = item(kept[1])
  return self.output
end
local function compute(self, input, target)
  takes.tensor(input)
  local loss = forward($NILS, $ARGS)
  return loss
end
local function updateGradInput(self, input, target)
  takes.tensor(input)
  local kept, gradInput = buffers[self], self.gradInput
  if not kept or not kept[1] then
    updateOutput(self, input, target)
    kept = buffers[self]
  end
  if differ(gradInput, input) then
    gradInput = input.new()
    self.gradInput = gradInput
  end
  gradient($ARGS, $OUTPUTS, one(input), 1, 0$INPUT)
  return gradInput
end
return updateOutput, compute, updateGradInput]]

--- Gives a class of criterions its functions from a line.
function lines.loss(class, text, env)
  local call = read(text)
  for i = 1, #call.results do call.outputs[i] = ('kept[%d]'):format(i) end
  local fields = {
    OP = call.op, ARGS = table.concat(call.args, ', '), NILS = nils(call), OUTPUTS = table.concat(call.outputs, ', '),
    INPUT = into(call, function(slot) return not slot.param end),
  }
  local chunk = assert(loadstring(imports(env) .. lossTemplate:gsub('%$(%u+)', fields), chunkName .. call.op))
  class.updateOutput, class.compute, class.updateGradInput =
    chunk(ops, glue.constant, glue.differ, glue.item, glue.one, buffers, takes, env)
end

return lines
