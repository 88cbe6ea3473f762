--- `require 'nngraph.nesting'`: nested tables of tensors as one value, for packages that use Torch7's names of it.
-- @module nngraph.nesting
local torch = require 'torch'
local utils = require('tocha.nn').utils

local function isTable(value) return torch.type(value) == 'table' end

local nesting = {}

function nesting.cloneNested(value)
  return (utils.recursiveCopy(nil, value))
end

function nesting.fillNested(value, number)
  utils.recursiveFill(value, number)
end

--- Makes the nested table `to` have the entries and sizes of `from`, keeping the tensors that it has.
function nesting.resizeNestedAs(to, from)
  if not isTable(from) then return to:resizeAs(from) end
  for key, entry in pairs(from) do
    if to[key] == nil or isTable(entry) ~= isTable(to[key]) then to[key] = nesting.cloneNested(entry)
    else nesting.resizeNestedAs(to[key], entry) end
  end
  for key in pairs(to) do if from[key] == nil then to[key] = nil end end
end

function nesting.copyNested(to, from)
  if not isTable(from) then return to:copy(from) end
  for key, entry in pairs(from) do nesting.copyNested(to[key], entry) end
end

function nesting.addNestedTo(to, from)
  if not isTable(from) then return to:add(from) end
  for key, entry in pairs(from) do nesting.addNestedTo(to[key], entry) end
end

return nesting
