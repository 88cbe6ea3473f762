--- The door to Torch7: `require 'torch'` is tocha's torch with Torch7's globals and defaults, for programs written for it.
--
-- It changes the whole Lua state: the default type is torch.DoubleTensor, torch.class defines in global tables, equal element
-- counts pair whatever the shapes, sizes and indices are truncated, and `type(tensor)` is 'userdata'.
-- @module torch
local torch = require 'tocha'
local class = require 'tocha.class'
local own = require 'tocha.bindings.own'
torch._gen = require('tocha.bindings.torch7').generator

torch.setdefaulttensortype 'torch.DoubleTensor'
require('tocha.bindings.pointwise').pairEqualCounts = true
own.truncates = true
class.globals = _G
class.setKnown(debug.getregistry())

local plainType = type
--- Lua's type; a tensor or storage is a userdata, as it was in Torch7.
function _G.type(...)
  if select('#', ...) == 0 then error("bad argument #1 to 'type' (value expected)", 2) end
  local value = ...
  local name = plainType(value)
  if name == 'cdata' and (own.isTensor(value) or own.isStorage(value)) then return 'userdata' end
  return name
end

require 'lua52'
string.gfind = string.gfind or string.gmatch -- luacheck: ignore
table.unpack = table.unpack or unpack -- luacheck: ignore
if not rawget(_G, 'bit32') then
  local found, bit32 = pcall(require, 'bit32') -- the package of that name: LuaJIT has only bit, whose results have a sign
  if found then rawset(_G, 'bit32', bit32) end
end

rawset(_G, 'torch', torch)
package.loaded.torch = torch
local paths = require 'paths'

--- The folder of a package along package.path; without a name the folder that holds torch's own.
function torch.packageLuaPath(name)
  if not name then return (torch.packageLuaPath 'torch') end
  local file = package.searchpath(name, package.path)
  return file and file:match '^(.*)[/\\]'
end

--- Runs a file of a package.
function torch.include(name, file)
  local folder = torch.packageLuaPath(name)
  if not folder then error(('include: there is no package %s on package.path'):format(tostring(name)), 2) end
  dofile(folder .. '/' .. file)
end

--- Runs a file that lies beside the one that calls.
rawset(_G, 'include', function(file, depth) return (paths.dofile(file, 3 + (depth or 0))) end) -- no tail call: levels count

--- The table of a class that makes its objects: torch.FloatTensor for 'torch.FloatTensor'; nil if there is none.
function torch.getconstructortable(name)
  local at = _G
  for part in tostring(name):gmatch '[^.]+' do at = plainType(at) == 'table' and at[part] or nil end
  return at
end

function torch.updatethreadlocals() end
function torch.updateerrorhandlers() end

return torch
