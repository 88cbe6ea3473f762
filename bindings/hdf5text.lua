--- Datasets of strings in HDF5 files, of one length or each of its own, as Lua strings.
-- @module tocha.bindings.hdf5text
local ffi = require 'ffi'
local hdf5 = require 'tocha.bindings.hdf5'
local raise = require 'tocha.bindings.own'.raise

local H = hdf5.library
local STRING, ALL, DEFAULT = 3, 0, 0
local ended, spaces = 0, 2 -- how strings of one length are filled: after a zero anything, else with zeros or with spaces

local text = {}

local function typeOf(dataset)
  local type = H.H5Dget_type(dataset)
  if type < 0 then raise('hdf5: the dataset is closed') end
  return type
end

--- Whether the elements of a dataset are strings.
function text.is(dataset)
  local type = typeOf(dataset)
  local is = H.H5Tget_class(type) == STRING
  H.H5Tclose(type)
  return is
end

-- Tables within tables of strings, by sizes from dimension d on; one string without dimensions.
local function shaped(strings, sizes, d, at)
  if d > #sizes then return strings[at] end
  local list, step = {}, 1
  for k = d + 1, #sizes do step = step * sizes[k] end
  for i = 1, sizes[d] do list[i] = shaped(strings, sizes, d + 1, at + (i - 1) * step) end
  return list
end

-- f(type in memory, bytes of an element, string from its place)
local function withType(dataset, f)
  local type = typeOf(dataset)
  local bytes, own, string = tonumber(H.H5Tget_size(type)), ffi.string
  if H.H5Tis_variable_str(type) > 0 then
    bytes = ffi.sizeof 'char *'
    function string(p)
      local s = ffi.cast('char **', p)[0]
      return s ~= nil and own(s) or ''
    end
  else
    local filled = H.H5Tget_strpad(type)
    function string(p)
      local s = own(p, bytes)
      if filled == ended then return s:match '^[^%z]*' end
      return (s:gsub(filled == spaces and ' +$' or '%z+$', ''))
    end
  end
  local results = { pcall(f, type, bytes, string) }
  H.H5Tclose(type)
  if not results[1] then error(results[2], 0) end
  return unpack(results, 2)
end

--- The strings of a dataset, or of a part of it.
-- @tparam cdata dataset
-- @tparam[opt] {number,...} first of each dimension, from 0
-- @tparam[opt] {number,...} count
-- @treturn string|table a string where the dataset has no dimensions, else tables within tables
function text.read(dataset, first, count)
  local size = hdf5.size(dataset)
  local list, n, whole = count or size, 1, 1
  for d = 1, #list do n, whole = n * list[d], whole * size[d] end
  return withType(dataset, function(type, bytes, string)
    hdf5.checkStored(dataset, n * bytes, whole * bytes)
    if n * bytes > 2 ^ 31 then raise('hdf5: more than 2 GiB of strings: read them in parts') end
    local data = ffi.new('char[?]', math.max(n * bytes, 1))
    local good
    if count then good = hdf5.move(H.H5Dread, dataset, type, data, first, count)
    else good = H.H5Dread(dataset, type, ALL, ALL, DEFAULT, data) >= 0 end
    if not good then raise('hdf5: the strings cannot be read: the file is damaged, or packed in a way that is not known here') end
    local strings = {}
    for i = 1, n do strings[i] = string(data + (i - 1) * bytes) end
    if H.H5Tis_variable_str(type) > 0 then
      hdf5.inSpace({ n }, function(space) H.H5Dvlen_reclaim(type, space, DEFAULT, data) end)
    end
    return shaped(strings, list, 1, 1)
  end)
end

return text
