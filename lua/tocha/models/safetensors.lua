--- Weights and the information that goes with a network, as safetensors: tensors by torchvision's names; the information stands as
-- JSON in the file's own description, under "tocha".
-- @module tocha.models.safetensors
local torch = require 'tocha'
local json = require 'tocha.file.json'
local weights = require 'tocha.models.weights'
local raise = require 'tocha.bindings.own'.raise

local M = {}

-- Lists, tables by name, texts, numbers and booleans.
local function encode(value)
  if type(value) == 'table' then
    local parts = {}
    if #value > 0 then
      for i, entry in ipairs(value) do parts[i] = encode(entry) end
      return '[' .. table.concat(parts, ',') .. ']'
    end
    local names = {}
    for name in pairs(value) do names[#names + 1] = name end
    table.sort(names)
    for i, name in ipairs(names) do parts[i] = json.quote(name) .. ':' .. encode(value[name]) end
    return '{' .. table.concat(parts, ',') .. '}'
  end
  if type(value) == 'number' then return ('%.17g'):format(value) end
  if type(value) == 'boolean' then return tostring(value) end
  return json.quote(tostring(value))
end

local function isNumbers(list, n)
  if type(list) ~= 'table' or #list < n then return false end
  for _, value in ipairs(list) do
    if type(value) ~= 'number' or value ~= value then return false end
  end
  return true
end

-- Options are numbers of a size that a network may have, booleans, and short lists of them.
local function isOption(value, nested)
  if type(value) == 'boolean' then return true end
  if type(value) == 'number' then return value >= 0 and value <= 65536 end
  if type(value) ~= 'table' or nested or #value > 8 then return false end
  for _, entry in pairs(value) do
    if not isOption(entry, true) or entry == true or entry > 200 then return false end
  end
  return true
end

-- What a file says, if it can be meant: files are from anywhere.
local function checked(info, path)
  local function refuse(what) raise(('%s: what it says of its network cannot be: %s'):format(path, what)) end
  if type(info) ~= 'table' then refuse 'no table' end
  if type(info.model) ~= 'string' then refuse 'no model' end
  if type(info.options) ~= 'table' then refuse 'no options' end
  for name, value in pairs(info.options) do
    if not isOption(value) then refuse('option ' .. tostring(name)) end
  end
  if not isNumbers(info.size, 3) or #info.size ~= 3 then refuse 'size' end
  for _, n in ipairs(info.size) do
    if n < 1 or n % 1 ~= 0 or n > 65535 then refuse 'size' end
  end
  if not isNumbers(info.mean, 1) or not isNumbers(info.deviation, 1) then refuse 'mean or deviation' end
  if info.crop ~= nil and not (type(info.crop) == 'number' and info.crop > 0 and info.crop <= 1) then refuse 'crop' end
  if info.classes ~= nil then
    if type(info.classes) ~= 'table' then refuse 'classes' end
    for k, name in ipairs(info.classes) do info.classes[k] = tostring(name) end
  end
  return info
end

--- @treturn {[string]=tensor}
-- @treturn table|nil the information
function M.read(path)
  local tensors, about = torch.readSafetensors(path)
  local text = about and about.tocha
  if not text then return tensors end
  return tensors, checked(json.decode(text), path)
end

function M.write(path, net)
  if not net.info or not net.info.model then raise 'models.save: safetensors need a network of tocha.models; .t7 takes any' end
  torch.writeSafetensors(path, weights.state(net), { format = 'pt', tocha = encode(net.info) })
end

return M
