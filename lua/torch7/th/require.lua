--- What th adds to `require`: './x' and '../x' seen from the file that calls, and, for a name that no package has, a file of
-- the working folder. Where a script wants a graphics card the error says how it can do without.
-- @module th.require
local torch, paths = require 'torch', require 'paths'

local function network(name)
  require 'nn'
  return torch.load(name)
end

-- How a file is read, by what follows its name: what the name says, then what may be added to it.
local readers = {
  { '.lua', dofile }, { '.th', torch.load }, { '.t7', torch.load }, { '.net', network },
  { '.json', function(name) return require('cjson').decode(assert(io.open(name)):read '*a') end },
  { '.csv', function(name) return require('csv').load(name) end },
}

-- The function and the file that a name stands for, or nil.
local function find(name)
  if paths.filep(name) then
    for _, reader in ipairs(readers) do
      if name:sub(-#reader[1]) == reader[1] then return reader[2], name end
    end
  end
  for _, reader in ipairs(readers) do
    if paths.filep(name .. reader[1]) then return reader[2], name .. reader[1] end
  end
  if paths.filep(name) then return dofile, name end
  if paths.filep(name .. '/init.lua') then return dofile, name .. '/init.lua' end
end

local plain = require

function _G.require(name)
  if type(name) ~= 'string' or name:sub(1, 1) ~= '.' then return plain(name) end
  local file = debug.getinfo(2, 'S').source:match '^@(.*)'
  local from = file and paths.filep(file) and paths.dirname(file) or '.'
  local read, found = find(paths.concat(from, name))
  if not read then error(("there is no file for '%s' beside %s"):format(name, file or 'the working folder'), 2) end
  return read(found)
end

table.insert(package.loaders, function(name)
  local read, found = find(paths.concat('.', name))
  if read then return function() return read(found) end end
end)

local cards = { cutorch = true, cunn = true, cudnn = true, cltorch = true, clnn = true }
table.insert(package.loaders, 1, function(name)
  if cards[name] and not package.preload[name] then
    return '\n\tth has no graphics card; `th --cpu-for-cuda SCRIPT` plays it on the processor'
  end
end)
