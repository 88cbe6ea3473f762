--- The numbers of a model by name: `local state = model:stateDict()`, `other:loadStateDict(state)`.
--
-- A name is the path of indices to the module and the field: "1.weight", "3.2.running_mean". Parameters and running
-- statistics are in it, buffers of passes are not.
-- @module tocha.nn.state
local torch = require 'tocha'
local nn = require 'tocha.nn'
local gradName = require 'tocha.nn.lines'.gradName
local watch = require 'tocha.nn.watch'
local raise = require 'tocha.bindings.own'.raise

local Module = nn.Module
local statistics = { running_mean = true, running_var = true, running_std = true }

-- Calls f(name, tensor) for what belongs to the state, in the order of names.
local function each(module, prefix, f)
  local names = {}
  for key, value in pairs(module) do
    if type(key) == 'string' and torch.isTensor(value)
      and (statistics[key] or torch.isTensor(rawget(module, gradName(key)))) then names[#names + 1] = key end
  end
  table.sort(names)
  for _, key in ipairs(names) do f(prefix .. key, module[key]) end
  for i, child in ipairs(module.modules or {}) do each(child, prefix .. i .. '.', f) end
end

--- The tensors of the model's state by name: views, which follow the model.
-- @treturn {[string]=tensor}
function Module:stateDict()
  local state = {}
  each(self, '', function(name, t) state[name] = t end)
  return state
end

local function sizes(t) return t:dim() == 0 and 'empty' or table.concat(t:size():totable(), 'x') end

--- Copies a state into the model. Strict (the default): names and sizes must be the same, and nothing is copied where
-- they are not; lenient (false): what fits is copied.
-- @tparam {[string]=tensor} state
-- @tparam[opt=true] boolean strict
-- @treturn {string,...} the differences, as sentences
function Module:loadStateDict(state, strict)
  local differences, found, own = {}, {}, {}
  each(self, '', function(name, t)
    local from = state[name]
    own[name] = true
    if from == nil then differences[#differences + 1] = ('%s (%s) is missing'):format(name, sizes(t))
    elseif not torch.isTensor(from) then
      differences[#differences + 1] = ('%s is a %s, not a tensor'):format(name, torch.type(from))
    elseif sizes(from) ~= sizes(t) then
      differences[#differences + 1] = ('%s is %s, but the model has %s'):format(name, sizes(from), sizes(t))
    else found[#found + 1] = { t, from } end
  end)
  local extra = {}
  for name in pairs(state) do if not own[name] then extra[#extra + 1] = tostring(name) end end
  table.sort(extra)
  for _, name in ipairs(extra) do differences[#differences + 1] = name .. ' is not in the model' end
  if strict ~= false and #differences > 0 then
    raise('loadStateDict: the state does not fit the model:\n  ' .. table.concat(differences, '\n  '))
  end
  for _, pair in ipairs(found) do pair[1]:copy(pair[2]) end
  return differences
end

-- -- summary ---------------------------------------------------------------------------------------------------------

local function leaves(model)
  local list = {}
  for _, module in ipairs(model:listModules()) do
    if not module.modules or #module.modules == 0 then list[#list + 1] = module end
  end
  return list
end

-- Multiplications and additions of a layer whose weight (outputs, ...) is used once per place of the output.
local function multiplyAdds(module, output)
  local weight = rawget(module, 'weight')
  if not weight or weight:dim() < 2 or not torch.isTensor(output) then return 0 end
  if torch.type(module):find 'LookupTable' then return 0 end
  return weight:nElement() * output:nElement() / weight:size(1)
end

local function describe(output)
  if torch.isTensor(output) then return sizes(output) end
  local parts = {}
  for i, t in ipairs(output) do parts[i] = describe(t) end
  return '{' .. table.concat(parts, ', ') .. '}'
end

--- What a forward of zeros of these sizes does, layer by layer: sizes, parameters, multiply-adds, memory of outputs.
-- The model is evaluated and left in the mode it was in.
-- @param inputSize sizes as numbers in a table or LongStorage, or an input
-- @treturn string
function Module:summary(inputSize)
  local input = inputSize
  if not torch.isTensor(input) then
    local list = type(input) == 'table' and input or input:totable()
    input = torch.getmetatable(self:type()).new(unpack(list)):zero()
  end
  local lines, params, operations, bytes = {}, 0, 0, 0
  local format = '%-48s %-18s %12s %14s'
  lines[1] = format:format('layer', 'output', 'parameters', 'multiply-adds')
  local seen = {}
  local trains = self.train
  self:evaluate()
  local ok, message = pcall(watch, leaves(self), function(module, output)
    local count, work = 0, multiplyAdds(module, output)
    for _, p in ipairs(not seen[module] and module:parameters() or {}) do count = count + p:nElement() end
    seen[module] = true
    params, operations = params + count, operations + work
    if torch.isTensor(output) then bytes = bytes + output:nElement() * output:elementSize() end
    lines[#lines + 1] = format:format(tostring(module):match '^[^\n]*', describe(output), count, ('%.0f'):format(work))
  end, function() self:forward(input) end)
  if trains ~= false then self:training() end
  if not ok then error(message, 0) end
  lines[#lines + 1] = ('%d parameters, %.0f multiply-adds, %.1f KiB of outputs'):format(params, operations,
    bytes / 1024)
  return table.concat(lines, '\n')
end

return Module
