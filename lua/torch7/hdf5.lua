--- HDF5 files: Torch7's package hdf5, on the HDF5 group's library of today. Sets the global hdf5.
--
--     local file = hdf5.open('x.h5', 'w')
--     file:write('a/b', torch.rand(5, 5))
--     file:close()
--     print(hdf5.open('x.h5', 'r'):read('a/b'):partial({ 1, 2 }, { 1, 5 }))
--
-- @module hdf5
local torch = require 'torch'
local engine = require 'tocha.bindings.hdf5'
local text = require 'tocha.bindings.hdf5text'
local own = require 'tocha.bindings.own'

local raise = own.raise
local hdf5 = { version = engine.version, _logger = { debug = function() end, warn = print, error = print } }
rawset(_G, 'hdf5', hdf5)
own.folder(debug.getinfo(1, 'S').source:match '^@(.*)$')

local File, Group = torch.class('hdf5.HDF5File', hdf5), torch.class('hdf5.HDF5Group', hdf5)
local DataSet, Options = torch.class('hdf5.HDF5DataSet', hdf5), torch.class('hdf5.DataSetOptions', hdf5)

local function partsOf(path)
  if type(path) ~= 'table' and type(path) ~= 'string' and type(path) ~= 'number' then
    raise('hdf5: a path is a string or a table of names, not a ' .. type(path))
  end
  local parts = {}
  for _, name in ipairs(type(path) == 'table' and path or { path }) do
    if tostring(name):find '%z' then raise 'hdf5: a name has no zero bytes' end
  end
  if type(path) == 'table' then return path end
  for part in tostring(path):gmatch '[^/]+' do parts[#parts + 1] = part end
  return parts
end

local function alive(object, what)
  if not object._id or not engine.isOpen(object._id) then raise(('hdf5: %s is closed'):format(what)) end
  return object._id
end

-- The result of reading from an object, which must live until then: its end closes what is open.
local function held(object, result)
  if not engine.isOpen(object._guard[0]) then raise 'hdf5: the dataset was closed meanwhile' end
  return result
end

-- -- datasets -------------------------------------------------------------------------------------------------------------

-- file: what holds the file open
function DataSet:__init(id, name, guard, file) self._id, self._name, self._guard, self._file = id, name, guard, file end
function DataSet:__tostring__() return ('[HDF5DataSet %s]'):format(self._name) end

--- The sizes, as a table.
function DataSet:dataspaceSize() return engine.size(alive(self, self._name)) end

local function read(id, ...) return (text.is(id) and text or engine).read(id, ...) end

--- All elements: a tensor; of strings a table of them, in tables for more dimensions, or a string.
function DataSet:all() return held(self, read(alive(self, self._name))) end

--- A part: for each dimension {first, last}, or one place.
function DataSet:partial(...)
  local ranges, size, first, count = { ... }, self:dataspaceSize(), {}, {}
  if #ranges ~= #size then
    raise(('HDF5DataSet.partial: %d ranges for the %d dimensions of %s'):format(#ranges, #size, self._name))
  end
  for d, range in ipairs(ranges) do
    local a, b = range, range
    if type(range) == 'table' then a, b = range[1], range[2] end
    if type(a) ~= 'number' or type(b) ~= 'number' or a % 1 ~= 0 or b % 1 ~= 0 or a < 1 or b < a or b > size[d] then
      raise(('HDF5DataSet.partial: %s to %s is no part of dimension %d of %s, which has %d'):format(tostring(a), tostring(b), d,
        self._name, size[d]))
    end
    first[d], count[d] = a - 1, b - a + 1
  end
  return held(self, read(self._id, first, count))
end

--- Lets go of the dataset; its file stays open.
function DataSet:close()
  if engine.isOpen(self._id) then engine.release(self._id) end
end

-- -- how datasets are kept ------------------------------------------------------------------------------------------------

function Options:__init() end -- luacheck: ignore

--- Keeps a dataset in pieces of these sizes, so that it may grow along its first dimension and be packed.
function Options:setChunked(...)
  local sizes = { ... }
  for i, size in ipairs(sizes) do
    local n = tonumber(size)
    if not n or n % 1 ~= 0 or n < 1 or n >= 2 ^ 32 then own.bad('setChunked', 'a size', 'a whole number above 0', size) end
    sizes[i] = n
  end
  self._chunking = sizes
  return self
end

--- Packs the pieces; level 0 (not at all) to 9, by default 6.
function Options:setDeflate(level)
  local n = tonumber(level or 6)
  if not n or n % 1 ~= 0 or n < 0 or n > 9 then own.bad('setDeflate', 'the level', 'a whole number from 0 to 9', level) end
  self._level = n
  return self
end
function Options:close() end -- luacheck: ignore

-- -- groups ---------------------------------------------------------------------------------------------------------------

Group.__init = DataSet.__init
function Group:__tostring__() return ('[HDF5Group %s]'):format(self._name) end

-- What is under a name: a group or a dataset.
local function child(self, name)
  local id, kind, guard = engine.child(alive(self, self._name), name)
  if not id then return nil end
  local path = (self._name .. '/' .. name):gsub('^//', '/')
  local made = hdf5[kind == 'group' and 'HDF5Group' or 'HDF5DataSet'](id, path, guard, self._file)
  made._readOnly = self._readOnly
  return made
end

function Group:__index__(field)
  if field ~= '_children' then return end
  local list = {}
  for _, name in ipairs(engine.names(alive(self, self._name))) do list[name] = child(self, name) end
  return list
end

--- A group or a dataset below this one: 'a/b', or a table of names.
function Group:read(path)
  local object = self
  for _, name in ipairs(partsOf(path)) do
    local next_ = torch.typename(object) == 'hdf5.HDF5Group' and child(object, name)
    if not next_ then raise(('HDF5Group.read: there is no %s in %s'):format(name, tostring(object))) end
    object = next_
  end
  return object
end

--- All that is below, as tables of tensors.
function Group:all()
  local list = {}
  for _, name in ipairs(engine.names(alive(self, self._name))) do
    local object = child(self, name)
    if object then list[name] = object:all() end
  end
  return list
end

local function writeTensor(self, name, t, options, grows)
  local there = child(self, name)
  if grows and there then
    local grown, why
    if torch.typename(there) == 'hdf5.HDF5DataSet' then grown, why = engine.append(there._id, t) end
    if grown then return end
    if why then raise(('HDF5Group.append: %s %s than a %s'):format(tostring(there), why, torch.typename(t))) end
    raise(('HDF5Group.append: %s cannot grow by a tensor of %s; a dataset grows along its first dimension, if it was made with '
      .. 'DataSetOptions:setChunked'):format(tostring(there), table.concat(t:size():totable(), 'x')))
  end
  if there then raise(('HDF5Group.write: %s is there already'):format(tostring(there))) end
  local chunk = options and options._chunking
  if chunk and #chunk ~= t:dim() then
    raise(('HDF5Group.write: chunks of %d dimensions for a tensor of %d'):format(#chunk, t:dim()))
  end
  if t:dim() == 0 then raise(('HDF5Group.write: %s: the tensor is empty'):format(name)) end
  if not engine.newDataset(self._id, name, t, chunk, options and options._level) then
    raise(('HDF5Group.write: %s cannot be written into %s'):format(name, tostring(self)))
  end
end

-- inside: the tables that `data` lies in
local function put(self, parts, at, data, options, grows, inside)
  local name = parts[at]
  if at == #parts and torch.isTensor(data) then return writeTensor(self, name, data, options, grows) end
  if at == #parts and type(data) ~= 'table' then
    raise(('hdf5: tensors and tables of them can be written, not a %s'):format(torch.type(data)))
  end
  local group = child(self, name)
  if not group then
    group = engine.newGroup(alive(self, self._name), name) and child(self, name)
    if not group then raise(('hdf5: the group %s cannot be made in %s'):format(name, tostring(self))) end
  elseif torch.typename(group) ~= 'hdf5.HDF5Group' then raise(('hdf5: %s is no group'):format(tostring(group))) end
  if at < #parts then return put(group, parts, at + 1, data, options, grows, inside) end
  if inside[data] then raise(('hdf5: %s: the table contains itself'):format(tostring(group))) end
  inside[data] = true
  for key, value in pairs(data) do put(group, partsOf { tostring(key) }, 1, value, options, grows, inside) end
  inside[data] = nil
end

local function writer(grows)
  return function(self, path, data, options)
    local parts = partsOf(path)
    alive(self, self._name)
    -- The library gives a file that is open to be written as it is.
    if self._readOnly then raise(('hdf5: %s is of a file that was opened to be read'):format(tostring(self))) end
    if options ~= nil and type(options) ~= 'table' then own.bad('hdf5', 'the third argument', 'hdf5.DataSetOptions', options) end
    if #parts > 0 then return put(self, parts, 1, data, options, grows, {}) end
    if type(data) ~= 'table' then raise('hdf5: a table is needed to write at the root of a file') end
    for key, value in pairs(data) do put(self, partsOf { tostring(key) }, 1, value, options, grows, { [data] = true }) end
  end
end

--- Writes a tensor, or a table of them as a group: write('a/b', tensor, options).
Group.write = writer(false)
--- The same, where a dataset that is there grows along its first dimension.
Group.append = writer(true)
--- Lets go of the group; its file stays open.
function Group:close()
  if self._guard then DataSet.close(self) end
end

-- -- files ----------------------------------------------------------------------------------------------------------------

function File:__init(id, name, guard, readOnly)
  self._id, self._filename, self._rootGroup = id, name, hdf5.HDF5Group(id, '/', nil, guard)
  self._rootGroup._readOnly = readOnly
end
function File:__tostring__() return ('[HDF5File: %s]'):format(self._filename) end

--- The name of the file.
function File:filename() return self._filename end

--- A group or a dataset: read('a/b'); the root group without a path.
function File:read(path) return self._rootGroup:read(path or '/') end
--- All that is in the file, as tables of tensors.
function File:all() return self._rootGroup:all() end
--- Writes a tensor, or a table of them as a group: write('a/b', tensor, options).
function File:write(...) return self._rootGroup:write(...) end
--- The same, where a dataset that is there grows along its first dimension.
function File:append(...) return self._rootGroup:append(...) end

--- Closes the file, and what is open in it.
function File:close()
  if engine.isOpen(self._id) and not engine.close(self._id) then raise(('hdf5: %s cannot be closed'):format(tostring(self))) end
end

--- Opens a file.
-- @tparam string filename
-- @tparam[opt='a'] string mode 'r', 'r+' (to read and write), 'w' (a new one), 'w-' (a new one where there is none), 'a' (r+ or w)
-- @treturn hdf5.HDF5File
function hdf5.open(filename, mode)
  if type(filename) ~= 'string' then raise('hdf5.open: the name of the file is a ' .. torch.type(filename)) end
  mode = mode or 'a'
  if mode == 'a' then
    local there = io.open(filename, 'rb')
    if there then there:close() end
    mode = there and 'r+' or 'w'
  end
  if mode ~= 'r' and mode ~= 'r+' and mode ~= 'w' and mode ~= 'w-' then
    raise(('hdf5.open: the mode is r, r+, w, w- or a, not %s'):format(tostring(mode)))
  end
  if filename:find '%z' then raise 'hdf5.open: the name of a file has no zero bytes' end
  local id, guard = engine.open(filename, mode)
  if not id and mode ~= 'w-' then -- maybe for a file that is open still, but that nothing holds
    collectgarbage()
    collectgarbage()
    id, guard = engine.open(filename, mode)
  end
  if id then return hdf5.HDF5File(id, filename, guard, mode == 'r') end
  local there = io.open(filename, 'rb')
  if there then there:close() end
  raise(('hdf5.open: %s %s'):format(filename, mode == 'w-' and there and 'is there already' or
    mode:sub(1, 1) == 'w' and 'cannot be made' .. (there and '; is it open still?' or '') or
    there and 'is no HDF5 file, or damaged' .. (mode == 'r+' and ', or may not be written' or '') or 'does not exist'))
end
hdf5.HDF5File.open = hdf5.open

return hdf5
