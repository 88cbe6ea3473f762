--- Torch7's classes: a name, a metatable, one parent.
--
-- A class is its metatable: `__index` is the metatable itself, `__typename` its name, its own metatable that of the parent.
-- Operators of instances are methods with a second pair of underscores (`__add__`, `__call__`, `__tostring__`, `__index__`
-- ...). No global is made: the constructor goes into the module table given, or into the table that an earlier class of the
-- same prefix went to, or into `class.globals` where a program set that; the class itself can be called too.
-- @module tocha.class
local raise = require 'tocha.bindings.own'.raise

local class = {}

local registry = {}  -- name -> metatable
local packages = {}  -- prefix -> table that holds the constructors
local fixed = {}     -- names that cannot be defined again
local library = {}   -- names of classes that the library defined
local foreigners = {} -- functions that tell the class of values that are not tables

--- Table in which names without a module table are defined, as in Torch7 (_G there); nil: nowhere.
class.globals = nil

--- Called with a parent's name that no class has, so that a class loaded late can be loaded; nil: nobody.
class.missing = nil

--- Called with the source of this file: whether the library itself defines a class; nil: nobody.
class.ours = nil

--- Table into which the metatables of classes are entered, as keys; nil: nowhere. Torch7 had them in debug.getregistry().
class.known = nil

--- Sets class.known and enters the classes that are there.
function class.setKnown(list)
  class.known = list
  for name, mt in pairs(registry) do list[mt] = name end
end

-- -- operators of instances ---------------------------------------------------------------------------------------

local operators = { 'add', 'sub', 'mul', 'div', 'mod', 'pow', 'unm', 'concat', 'len', 'eq', 'lt', 'le' }

local function operator(name)
  local method = '__' .. name .. '__'
  return function(a, b)
    local x = type(a) == 'table' and a[method] ~= nil and a or b
    local f = type(x) == 'table' and x[method]
    if not f then
      if name == 'eq' then return rawequal(a, b) end
      raise(('%s has no method %s'):format(class.type(a), method))
    end
    return f(a, b)
  end
end

local metamethods = {}
for _, name in ipairs(operators) do metamethods['__' .. name] = operator(name) end

local construct

function metamethods.__call(self, ...)
  if registry[rawget(self, '__typename')] == self then return construct(self, ...) end
  local call = self.__call__
  if not call then raise(('an object of class %s cannot be called'):format(class.type(self))) end
  return call(self, ...)
end

function metamethods.__tostring(self)
  local name = rawget(self, '__typename')
  if registry[name] == self then return name end -- the class itself
  local method = self.__tostring__
  return method and method(self) or tostring(class.typename(self))
end

-- __index__(self, key) and __newindex__(self, key, value) answer true as second (first) result when they dealt with the key.
local function installAccess(mt)
  if mt.__index__ and rawget(mt, '__index') == mt then
    function mt.__index(self, key)
      local found = mt[key]
      if found ~= nil then return found end
      return (mt.__index__(self, key))
    end
  end
  if mt.__newindex__ and not rawget(mt, '__newindex') then
    function mt.__newindex(self, key, value)
      if not mt.__newindex__(self, key, value) then rawset(self, key, value) end
    end
  end
end

function construct(mt, ...)
  if mt.__index__ or mt.__newindex__ then installAccess(mt) end
  local object = setmetatable({}, mt)
  local init = mt.__init
  if init then init(object, ...) end
  return object
end

-- What a class without a parent has for a metatable: it makes the class itself callable. Packages that walk up a class's parents
-- by getmetatable see that there is none.
local root = { __call = metamethods.__call, __metatable = false }

-- -- definition ---------------------------------------------------------------------------------------------------

local constructors = setmetatable({}, { __mode = 'k' })

--- Marks a callable table that stands for a class: it is no object of it, as typename and type tell.
function class.markConstructor(object)
  constructors[object] = true
  return object
end

local function constructor(mt, build)
  return class.markConstructor(setmetatable({}, {
    __call = function(_, ...) return build(mt, ...) end, __index = mt, __newindex = mt, __metatable = mt,
    __tostring = function() return mt.__typename end,
  }))
end

local function place(name, object, module)
  local prefix, last = name:match('^(.*)%.([^.]+)$')
  last = last or name
  if module then
    if prefix and not packages[prefix] then packages[prefix] = module end
    rawset(module, last, object)
    return
  end
  if prefix and packages[prefix] then
    rawset(packages[prefix], last, object)
  elseif class.globals then
    local at = class.globals
    for part in (prefix or ''):gmatch('[^.]+') do
      if type(at[part]) ~= 'table' then
        raise(('class %s: the global %s is not a table'):format(name, part))
      end
      at = at[part]
    end
    rawset(at, last, object)
  end
end

--- Registers a metatable under a name.
-- @tparam string name
-- @tparam[opt] string parentName
-- @tparam[opt] function build makes an object: build(metatable, ...)
-- @tparam[opt] table module where the constructor goes
-- @treturn table the metatable
function class.newmetatable(name, parentName, build, module)
  if type(name) ~= 'string' then raise('class: the name is a ' .. type(name) .. ', not a string') end
  if fixed[name] then raise(('class %s belongs to the library and cannot be defined again'):format(name)) end
  local parent
  if parentName then
    if not registry[parentName] and class.missing then class.missing(parentName) end
    parent = registry[parentName]
    if not parent then raise(('class %s: there is no class %s to inherit from'):format(name, tostring(parentName))) end
  end
  local ours = class.ours and class.ours(debug.getinfo(1, 'S').source)
  local mt = not library[name] and registry[name]
  if not mt or (parent and getmetatable(mt) ~= parent) then
    mt = { __typename = name, __version = 1 }
    mt.__index = mt
    for key, method in pairs(metamethods) do mt[key] = method end
    function mt.new(...) return (build or construct)(mt, ...) end -- Circle.new(1) is Circle(1)
    setmetatable(mt, parent or root)
  end
  library[name] = ours or nil
  place(name, constructor(mt, build or construct), module)
  registry[name] = mt
  if class.known then class.known[mt] = name end
  return mt, parent
end

--- Defines a class: `local Circle, parent = torch.class('geo.Circle', 'geo.Shape')`. Methods go into the table returned, the
-- initializer is `__init`. A program's class that is defined again keeps its methods and serves its objects, as in Torch7, so that
-- a script may run twice; one of the library's, or of another parent, is replaced for objects made later.
-- @tparam string name
-- @tparam[opt] string parentName
-- @tparam[opt] table module where the constructor goes
-- @treturn table the class
-- @treturn table the parent class, if there is one
local function define(_, name, parentName, module)
  if type(parentName) == 'table' then parentName, module = nil, parentName end
  return class.newmetatable(name, parentName, nil, module)
end
setmetatable(class, { __call = define })

--- Enters a class whose objects are not tables, for names and inheritance only; see class.addForeign.
function class.enter(name, mt)
  registry[name], fixed[name] = mt, true
end

--- Adds a function that tells the class (metatable) of values that are not tables, or nil.
function class.addForeign(f) foreigners[#foreigners + 1] = f end

--- Makes a table the one in which classes with the prefix are found and defined from now on.
function class.place(prefix, module) packages[prefix] = module end

--- The table in which classes with the prefix are found, "nn" for nn.Linear; nil if none was given.
function class.package(prefix) return packages[prefix] end

-- -- questions ----------------------------------------------------------------------------------------------------

local function classOf(object)
  if type(object) ~= 'table' then
    for i = 1, #foreigners do
      local mt = foreigners[i](object)
      if mt then return mt end
    end
    return nil
  end
  local mt = getmetatable(object)
  return type(mt) == 'table' and mt or nil
end

--- The name of an object's class, or nil.
function class.typename(object)
  local mt = object ~= nil and not constructors[object] and classOf(object)
  return mt and rawget(mt, '__typename') or nil
end

--- The name of an object's class, or Lua's type.
function class.type(object)
  return class.typename(object) or type(object)
end

--- Whether an object is of a class or of one that inherits from it.
-- @param object
-- @tparam string|table spec a name, a pattern that matches a part of the name, a constructor or a class
function class.isTypeOf(object, spec)
  if type(spec) == 'table' then
    local own = rawget(spec, '__typename') and spec or getmetatable(spec)
    spec = type(own) == 'table' and rawget(own, '__typename')
  end
  if type(spec) ~= 'string' then raise('isTypeOf: the second argument is no name of a class and no class') end
  local mt = classOf(object)
  while mt do
    local name = rawget(mt, '__typename')
    if name then
      local found = name:match(spec)
      if found and (found ~= spec or found == name) then return true end
    end
    mt = getmetatable(mt)
    if type(mt) ~= 'table' then return false end
  end
  return false
end

--- Whether the library defined the object's class.
function class.isLibrary(object)
  local mt = classOf(object)
  return mt ~= nil and library[rawget(mt, '__typename')] == true
end

--- The class of a name, or nil.
function class.getmetatable(name) return registry[name] end

--- Makes a table an object of a class.
function class.setmetatable(object, name)
  local mt = registry[name]
  if not mt then raise(('setmetatable: there is no class %s'):format(tostring(name))) end
  if mt.__index__ or mt.__newindex__ then installAccess(mt) end
  return setmetatable(object, mt)
end

--- A function that makes bare objects of a class, without calling its initializer; nil if there is no such class.
function class.factory(name)
  local mt = registry[name]
  if not mt then return nil end
  return rawget(mt, '__factory') or function() return class.setmetatable({}, name) end
end

--- The metatable by which an object was made: its own, or a tensor's.
function class.metatableOf(object) return classOf(object) end

return class
