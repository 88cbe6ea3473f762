--- How jobs travel between Lua states: as bytes, and beside them the objects that both states hold.
--
-- Copies are made of everything but mutexes and conditions; with `share` tensors, storages and tds collections are shared too.
-- Modules, their functions and classes (`local nn = require 'tocha.nn'`, `local exp = math.exp`) travel by name and are required
-- where they arrive, unless they come from files of the working folder: those are copied, with what the program put into them.
-- @module tocha.threads.serialize
local torch = require 'tocha'
local shared = require 'tocha.bindings.shared'
local raise = require 'tocha.bindings.own'.raise
local unloaded = require 'tocha.file.unloaded'
require 'tocha.tds' -- how collections are written and read

local serialize = {}

-- -- what travels by name -----------------------------------------------------------------------------------------

local function set(names)
  local list = {}
  for name in names:gmatch '%S+' do list[name] = true end
  return list
end
local builtin = set '_G string table math io os coroutine debug package bit jit ffi'
-- Functions of the door to Torch7 that are globals. Of other globals only those of C are known to every state.
local doors = set 'print type pairs ipairs require include'

-- Whether `require` of another state finds the module, and not in a folder of the program's own.
local function isPackage(name)
  if builtin[name] or name:find '^tocha%f[%W]' then return true end
  local file = package.searchpath(name, package.path) or package.searchpath(name, package.cpath)
  return file ~= nil and file:sub(1, 1) == '/'
end

local names, known = setmetatable({}, { __mode = 'k' }), {} -- value -> { module, key }; modules that were looked at

local function enter(value, module, key)
  local kind = type(value)
  if (kind == 'function' or kind == 'table') and not names[value] then names[value] = { module, key } end
end

local function isKnown(name, key, value)
  if not builtin[name] then return true end
  return type(value) == 'function' and debug.getinfo(value, 'S').what == 'C' or name == '_G' and doors[key]
end

local function look()
  for name, module in next, package.loaded do
    if known[name] ~= module then
      known[name] = module
      if type(module) == 'table' and isPackage(name) then
        enter(module, name)
        for key, value in next, module do
          local mt = type(value) == 'table' and getmetatable(value)
          local callable = type(value) == 'function' or type(mt) == 'table' and mt.__call
          if type(key) == 'string' and callable and isKnown(name, key, value) then enter(value, name, key) end
        end
      elseif type(module) == 'function' and isPackage(name) then
        enter(module, name)
      end
    end
  end
end

local function fetch(place)
  local name, key = place:match '^([^:]*):?(.*)$'
  local module = require(name)
  if key == '' then return module end
  local value = module[key]
  if value == nil then raise(('the module %s has no %s in this Lua state'):format(name, key)) end
  return value
end

-- -- both directions ----------------------------------------------------------------------------------------------

local always = { ['threads.Mutex'] = true, ['threads.Condition'] = true }

-- Whether an object is put beside the bytes.
local function travels(object, share)
  return share and shared.storable(object) or always[torch.typename(object) or '']
end

-- What stands in the bytes for an object that does not lie in them: where it is found.
local Reference = torch.class('tocha.Reference', {})
function Reference:write(file) file:writeObject(self.place) end

local function reference(place) return torch.setmetatable({ place = place }, 'tocha.Reference') end

local function referrer(items, share)
  look()
  return function(object)
    local kind = type(object)
    if kind == 'number' or kind == 'string' or kind == 'boolean' or object == nil then return object end
    if unloaded.of(object) then raise 'a function that was not loaded cannot be handed to threads' end
    local place = names[object]
    if place then return reference(place[2] and place[1] .. ':' .. place[2] or place[1]) end
    if not travels(object, share) then return object end
    items[#items + 1] = object
    return reference(#items)
  end
end

--- An object as a storage of bytes, and a tds.Vec of what is shared. name: what messages call the object.
function serialize.save(object, share, name)
  local items = shared.vec.new():cross()
  local file = torch.MemoryFile()
  file:binary()
  file:writeObject(object, name, referrer(items, share))
  local bytes = torch.CharStorage():string(file:string())
  file:close()
  return bytes, items
end

-- A class that this state does not know: perhaps the package of its name was only not required yet.
local function missing(name)
  local prefix = name:match '^([%w_]+)%.'
  if prefix and prefix ~= 'torch' and prefix ~= 'tocha' then pcall(require, prefix) end
  if not torch.factory(name) then
    raise(('an object of class %s came, which this Lua state does not know: require its package inside the function (before, in an '
      .. 'initial function of the pool)'):format(name))
  end
end

--- The object that save turned into bytes.
function serialize.load(bytes, items)
  local file = torch.MemoryFile(type(bytes) == 'string' and bytes or bytes:string(), 'r')
  file:binary()
  file.functions, file.missing = true, missing
  file.resolve = function(place)
    if type(place) == 'string' then return fetch(place) end
    local object = items and items[place]
    if object == nil then raise 'what these bytes share with their maker is not beside them' end
    return object
  end
  local object = file:readObject()
  file:close()
  return object
end

-- Mutexes and conditions that are written by other means are known by their ids.
for name, class in pairs { mutex = shared.mutex, condition = shared.condition } do
  function class:write() raise(('a %s can be handed to threads, but not written to a file; give its id()'):format(name)) end
end

return serialize
