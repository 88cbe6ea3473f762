--- `require 'class'` for programs written for Torch7: classes that are no torch classes.
--
--     local class = require 'class'
--     local A = class('A')           -- or class.new; class('B', 'A') inherits and also returns A
--     function A:__init(...) end
--     local a = A(...)               -- or A.new(...)
-- @module class
local class = {}
local metatables = {} -- name -> metatable
local ctypes = {}     -- number of a type of the FFI -> name

local function constructor(mt)
  return setmetatable({}, { __index = mt, __newindex = mt, __metatable = mt, __call = function(_, ...) return mt.new(...) end })
end

--- Defines a class.
-- @tparam string name
-- @tparam[opt] string parent name of the class it inherits from
-- @tparam[opt] ctype ctype type of the FFI whose values are of this class
-- @treturn table the class, for its methods
-- @treturn table the parent's metatable, if there is one
function class.new(name, parent, ctype)
  if type(name) ~= 'string' then error(('class: the name is a %s, not a string'):format(type(name)), 2) end
  if metatables[name] then error(('class: %s exists already'):format(name), 2) end
  if type(parent) == 'cdata' then parent, ctype = nil, parent end
  if parent ~= nil and not metatables[parent] then
    error(('class %s: there is no class %s to inherit from'):format(name, tostring(parent)), 2)
  end
  local mt = { __typename = name, __init = not parent and function() end or nil }
  mt.__index = mt
  function mt.__factory() return setmetatable({}, mt) end
  function mt.new(...)
    local object = mt.__factory()
    object:__init(...)
    return object
  end
  metatables[name] = mt
  if ctype then ctypes[tonumber(ctype)] = name end
  if parent then setmetatable(mt, metatables[parent]) end
  return constructor(mt), parent and metatables[parent] or nil
end

--- A bare object of a class, not initialized.
function class.factory(name)
  if not metatables[name] then error(('class: there is no class %s'):format(tostring(name)), 2) end
  return metatables[name].__factory()
end

--- The table of a class's methods, or nil.
function class.metatable(name) return metatables[name] end

-- The metatable of the class of an object, or nil.
local function classOf(object)
  if type(object) == 'cdata' then return metatables[ctypes[tonumber(require('ffi').typeof(object))] or ''] end
  local mt = getmetatable(object)
  return type(mt) == 'table' and rawget(mt, '__typename') and mt or nil
end

--- The name of an object's class, or Lua's type.
function class.type(object)
  local mt = classOf(object)
  return mt and mt.__typename or require('torch').type(object)
end

--- Whether an object is of a class or of one that inherits from it; of what is no object, whether its type is the name.
function class.istype(object, name)
  local mt = classOf(object)
  if not mt then return class.type(object) == name end
  while mt do
    if rawget(mt, '__typename') == name then return true end
    mt = getmetatable(mt)
  end
  return false
end

return setmetatable(class, { __call = function(_, ...) return class.new(...) end })
