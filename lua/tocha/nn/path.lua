--- Names the module an error comes from: "model[3] nn.Linear(784 -> 128)".
--
-- Nothing is kept while modules run. When an error is raised, the frames on the stack tell which module's function runs
-- inside which container's.
-- @module tocha.nn.path
local torch = require 'tocha'
local own = require 'tocha.bindings.own'

-- The module whose method runs at a level of the stack; true at the stack's end, and at a constructor, whose module is
-- not there yet.
local function moduleAt(level)
  local info = debug.getinfo(level, 'f')
  if not info then return nil, true end
  local name, value = debug.getlocal(level, 1)
  if name ~= 'self' or type(value) ~= 'table' then return nil end
  if torch.isTypeOf(value, 'nn.Module') or torch.isTypeOf(value, 'nn.Criterion') then
    return value, info.func == value.__init
  end
end

local function indexOf(container, module)
  for i, child in ipairs(container.modules or {}) do
    if rawequal(child, module) then return i end
  end
end

-- The path of the innermost module whose function is running, with ": "; "" where none is.
local function path()
  local level, inner, outer, indices = 2, nil, nil, {}
  while true do
    local module, done = moduleAt(level + 1)
    if done then break end
    if module and not rawequal(module, outer) then
      local index = outer and indexOf(module, outer)
      if index then table.insert(indices, 1, ('[%d]'):format(index)) end
      if index or not outer then outer = module end
      inner = inner or module
    end
    level = level + 1
  end
  if not inner then return '' end
  local described, text = pcall(tostring, inner)
  text = described and text:match('^[^\n]*'):gsub(' {$', '') or torch.type(inner)
  return (#indices > 0 and 'model' .. table.concat(indices) .. ' ' or '') .. text .. ': '
end

own.context = path
