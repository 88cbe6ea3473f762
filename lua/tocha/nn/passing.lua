--- Modules called in a row on the tape: what only the next module reads is let go as soon as it has been read, and not when the
-- collector comes. The tape keeps what it saved.
-- @module tocha.nn.passing
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local fuse = require 'tocha.nn.fuse'
local glue = require 'tocha.bindings.module'
local utils = require 'tocha.nn.utils'

local passing = {}

local small = glue.smaller(16384) -- whether a tensor is not worth the trouble
local call = nn.call

-- Functions `compute` that keep neither input nor output, if their children's do not.
local forgetful = setmetatable({}, { __mode = 'k' })

--- Declares that a class's function `compute` keeps neither its input nor its output nor a part of them.
function passing.forgets(class) forgetful[class.compute] = true end

local none = {}

local function forgets(m)
  if not forgetful[m.compute] or not derive.computes(m) then return false end
  for _, child in ipairs(m.modules or none) do
    if not forgets(child) then return false end
  end
  return true
end

-- Those of the tensors that are not among the others.
local function without(list, others)
  local seen, rest = {}, {}
  for _, t in ipairs(others) do seen[glue.address(t)] = true end
  for _, t in ipairs(list) do
    if not seen[glue.address(t)] then rest[#rest + 1] = t end
  end
  return rest
end

-- After a call of m, which forgets: lets go of what is ours and not in its output. Returns what is ours now: made here, read by
-- nobody yet.
local function after(ours, input, output)
  local made = utils.flat(output)
  local over = without(ours or none, made)
  for _, t in ipairs(over) do glue.empty(t) end
  local mine = without(made, utils.flat(input))
  for _, t in ipairs(without(ours or none, over)) do mine[#mine + 1] = t end
  return mine
end

--- The output of modules called one after the other.
function passing.chain(modules, input)
  local ours, i = nil, 1
  while i <= #modules do
    local output = fuse.compute(modules, i, input)
    if output then i = i + 1 else output = call(modules[i], input) end
    local m = modules[i]
    if ours or not small(output) then ours = forgets(m) and after(ours, input, output) or nil end
    input, i = output, i + 1
  end
  return input
end

return passing
