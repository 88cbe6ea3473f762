--- The numbers of a network by torchvision's names, from and to files.
-- @module tocha.models.weights
local torch = require 'tocha'
local checkpoint = require 'tocha.file.checkpoint'
local raise = require 'tocha.bindings.own'.raise

local weights = {}
local fields = { 'weight', 'bias', 'running_mean', 'running_var' }

--- The tensors of a network by name ("layer1.0.conv1.weight"): views, which follow it.
-- @treturn {[string]=tensor}
function weights.state(net)
  local state = {}
  net:apply(function(module)
    local name = rawget(module, 'name')
    if not name then return end
    for _, field in ipairs(fields) do
      local t = rawget(module, field)
      if torch.isTensor(t) then state[name .. '.' .. field] = t end
    end
  end)
  return state
end

local function sizes(t) return t:dim() == 0 and 'empty' or table.concat(t:size():totable(), 'x') end

-- A name as this version of torchvision writes it: of a parallel module, of old DenseNets ("denselayer1.norm.1.weight").
local function modern(name)
  name = name:gsub('^module%.', '')
  return (name:gsub('(%.denselayer%d+%.%a+)%.(%d)%.', '%1%2.'))
end

-- Of no use here: counters of batches, the second head of Inception.
local function needless(name) return name:find '%.num_batches_tracked$' or name:find '^AuxLogits%.' end

--- Copies tensors into a network. Every name and size must agree, or nothing is copied.
-- @tparam module net
-- @tparam {[string]=tensor} state
-- @tparam string from what to call it in errors
function weights.fill(net, state, from)
  local own, given, differences = weights.state(net), {}, {}
  local function differ(...) differences[#differences + 1] = string.format(...) end
  for name, t in pairs(state) do
    name = modern(tostring(name))
    if own[name] then given[name] = t
    elseif not needless(name) then differ('%s is not in the network', name) end
  end
  for name, t in pairs(own) do
    local source = given[name]
    if source == nil then differ('%s (%s) is missing', name, sizes(t))
    elseif not torch.isTensor(source) then differ('%s is a %s, not a tensor', name, torch.type(source))
    elseif sizes(source) ~= sizes(t) then differ('%s is %s, but the network has %s', name, sizes(source), sizes(t)) end
  end
  if #differences > 0 then
    table.sort(differences)
    local n = #differences
    for i = n, 6, -1 do differences[i] = nil end
    raise(('%s does not fit the network:\n  %s%s'):format(from, table.concat(differences, '\n  '),
      n > 5 and ('\n  and %d more'):format(n - 5) or ''))
  end
  for name, t in pairs(own) do t:copy(given[name]) end
end

-- The table that holds the tensors: {state_dict = ...} and {model = ...} are how training scripts wrap them.
local function unwrap(value, path)
  for _ = 1, 2 do
    if torch.isTypeOf(value, 'nn.Module') then return weights.state(value), value.info end
    if type(value) ~= 'table' then break end
    local inner = value.state_dict or value.model or value.net
    if type(inner) ~= 'table' then return value, value.info end
    value = inner
  end
  raise(('%s holds a %s, not tensors by name'):format(path, torch.type(value)))
end

local function first(path)
  local handle, why = io.open(path, 'rb')
  if not handle then raise('cannot read ' .. why) end
  local text = handle:read(9) or ''
  handle:close()
  return text
end

--- The tensors in a file: safetensors, .t7 (a table by name, or a network), or PyTorch's checkpoint.
-- @tparam string path
-- @treturn {[string]=tensor}
-- @treturn table|nil the information that `models.save` wrote
function weights.read(path)
  if type(path) ~= 'string' then raise(('models: the name of the file is a %s'):format(torch.type(path))) end
  local start = first(path)
  if checkpoint.begins(start) then return unwrap(checkpoint.readCheckpoint(path), path) end
  if start:sub(9, 9) == '{' then return require 'tocha.models.safetensors'.read(path) end
  return unwrap(torch.load(path), path)
end

return weights
