--- HDF5 files by the HDF5 group's library, 1.10 or newer (libhdf5-103-1 in Debian 12): files, groups, datasets of numbers. What is
-- open belongs to its file and goes with it. Errors are sentences that begin with what was asked. Sizes are held against
-- the file's; what else is wrong with a file is left to the library, which some damaged files make crash: open those of people whom
-- you trust.
-- @module tocha.bindings.hdf5
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local dtype = require 'tocha.bindings.dtype'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'
local tensor = require 'tocha.bindings.tensor'

local raise = own.raise

ffi.cdef [[
typedef int64_t hid_t;
typedef int herr_t;
typedef uint64_t hsize_t;
typedef struct { int storage; hsize_t links; int64_t order; bool mounted; } tocha_hdf5_group;
extern hid_t H5T_NATIVE_UCHAR_g, H5T_NATIVE_SCHAR_g, H5T_NATIVE_SHORT_g, H5T_NATIVE_INT_g, H5T_NATIVE_LONG_g, H5T_NATIVE_FLOAT_g,
  H5T_NATIVE_DOUBLE_g, H5T_STD_U8LE_g, H5T_STD_I8LE_g, H5T_STD_I16LE_g, H5T_STD_I32LE_g, H5T_STD_I64LE_g, H5T_IEEE_F32LE_g,
  H5T_IEEE_F64LE_g, H5P_CLS_DATASET_CREATE_ID_g, H5P_CLS_FILE_ACCESS_ID_g;
herr_t H5open(void);
herr_t H5get_libversion(unsigned *major, unsigned *minor, unsigned *release);
herr_t H5Eset_auto2(hid_t stack, void *f, void *data);
hid_t H5Fcreate(const char *path, unsigned flags, hid_t creation, hid_t access);
hid_t H5Fopen(const char *path, unsigned flags, hid_t access);
herr_t H5Fclose(hid_t file);
hid_t H5Pcreate(hid_t class_);
herr_t H5Pclose(hid_t list);
herr_t H5Pset_fclose_degree(hid_t list, int degree);
int H5Pget_layout(hid_t list);
herr_t H5Pset_chunk(hid_t list, int n, const hsize_t *sizes);
herr_t H5Pset_deflate(hid_t list, unsigned level);
herr_t H5Gget_info(hid_t group, tocha_hdf5_group *info);
hid_t H5Gcreate2(hid_t place, const char *name, hid_t link, hid_t creation, hid_t access);
int64_t H5Lget_name_by_idx(hid_t place, const char *group, int index, int order, hsize_t n, char *name, size_t size, hid_t access);
int H5Lexists(hid_t place, const char *name, hid_t access);
hid_t H5Oopen(hid_t place, const char *name, hid_t access);
herr_t H5Oclose(hid_t object);
int H5Iget_type(hid_t object);
int H5Iis_valid(hid_t object);
hid_t H5Dcreate2(hid_t place, const char *name, hid_t type, hid_t space, hid_t link, hid_t creation, hid_t access);
hid_t H5Dget_space(hid_t dataset);
hid_t H5Dget_type(hid_t dataset);
hid_t H5Dget_create_plist(hid_t dataset);
hsize_t H5Dget_storage_size(hid_t dataset);
herr_t H5Dset_extent(hid_t dataset, const hsize_t *sizes);
herr_t H5Dread(hid_t dataset, hid_t type, hid_t memory, hid_t space, hid_t transfer, void *data);
herr_t H5Dwrite(hid_t dataset, hid_t type, hid_t memory, hid_t space, hid_t transfer, const void *data);
int H5Tget_class(hid_t type);
size_t H5Tget_size(hid_t type);
int H5Tget_sign(hid_t type);
hid_t H5Tget_native_type(hid_t type, int direction);
herr_t H5Tclose(hid_t type);
hid_t H5Tcopy(hid_t type);
herr_t H5Tset_size(hid_t type, size_t size);
int H5Tis_variable_str(hid_t type);
int H5Tget_strpad(hid_t type);
int H5Tequal(hid_t a, hid_t b);
herr_t H5Dvlen_reclaim(hid_t type, hid_t space, hid_t transfer, void *data);
hid_t H5Screate_simple(int n, const hsize_t *sizes, const hsize_t *most);
int H5Sget_simple_extent_ndims(hid_t space);
int H5Sget_simple_extent_dims(hid_t space, hsize_t *sizes, hsize_t *most);
herr_t H5Sselect_hyperslab(hid_t space, int how, const hsize_t *start, const hsize_t *step, const hsize_t *count,
  const hsize_t *block);
herr_t H5Sclose(hid_t space);
]]

-- -- the library ----------------------------------------------------------------------------------------------------------

local function load()
  for _, name in ipairs { 'hdf5_serial', 'hdf5', 'libhdf5_serial.so.103', 'libhdf5.so.103', 'libhdf5_serial.so.310',
    'libhdf5.so.310', 'libhdf5.so.200', 'libhdf5_serial.so.100', 'libhdf5.so.101' } do
    local found, library = pcall(ffi.load, name)
    if found then return library end
  end
  error('hdf5: the library libhdf5 is not installed (Debian and Ubuntu: apt-get install hdf5-tools)', 0)
end

local H = load()
local numbers = ffi.new 'unsigned[3]'
if H.H5open() < 0 or H.H5get_libversion(numbers, numbers + 1, numbers + 2) < 0 or numbers[0] ~= 1 or numbers[1] < 10 then
  error(('hdf5: the library is version %d.%d, but 1.10 or newer is needed'):format(numbers[0], numbers[1]), 0)
end
H.H5Eset_auto2(0, nil, nil) -- it prints nothing itself

local hdf5 = { library = H, version = { tonumber(numbers[0]), tonumber(numbers[1]), tonumber(numbers[2]) } }

local STRONG, DEFAULT, ALL, SET = 3, 0, 0, 0
local GROUP, DATASET, CHUNKED = 2, 5, 2
local INTEGER, FLOAT, ENUM = 0, 1, 8
local UNLIMITED = 0xffffffffffffffffULL -- a cast of -1 would be 2^63

-- Types: the file's, and the processor's.
local kept = { Byte = 'STD_U8LE', Char = 'STD_I8LE', Short = 'STD_I16LE', Int = 'STD_I32LE', Long = 'STD_I64LE',
               Float = 'IEEE_F32LE', Double = 'IEEE_F64LE' }
local native = { Byte = 'UCHAR', Char = 'SCHAR', Short = 'SHORT', Int = 'INT', Long = 'LONG', Float = 'FLOAT', Double = 'DOUBLE' }
local function fileType(row) return kept[row.name] and H[('H5T_%s_g'):format(kept[row.name])] end
local function memoryType(row) return H[('H5T_NATIVE_%s_g'):format(native[row.name])] end

local function sizesOf(list)
  local n = #list
  local sizes = ffi.new('hsize_t[?]', math.max(n, 1))
  for i = 1, n do sizes[i - 1] = list[i] end
  return sizes, n
end

-- What lets an open thing go when nothing holds it any more.
local function guard(id, close)
  return ffi.gc(ffi.new('hid_t[1]', id), function(box)
    if H.H5Iis_valid(box[0]) > 0 then close(box[0]) end
  end)
end

-- -- files ----------------------------------------------------------------------------------------------------------------

--- Opens or makes a file.
-- @tparam string path
-- @tparam string how 'r', 'r+', 'w' (what is there goes) or 'w-' (nothing may be there)
-- @treturn[1] cdata file, the root group too
-- @treturn[1] cdata guard: with it the file goes, and all that is open in it
-- @treturn[2] nil
function hdf5.open(path, how)
  local access = H.H5Pcreate(H.H5P_CLS_FILE_ACCESS_ID_g)
  H.H5Pset_fclose_degree(access, STRONG)
  local file
  if how == 'r' or how == 'r+' then file = H.H5Fopen(path, how == 'r' and 0 or 1, access)
  else file = H.H5Fcreate(path, how == 'w' and 2 or 4, DEFAULT, access) end
  H.H5Pclose(access)
  if file >= 0 then return file, guard(file, H.H5Fclose) end
end

--- Closes a file, and all that is open in it.
function hdf5.close(file) return H.H5Fclose(file) >= 0 end

--- Whether what an identifier named is open.
function hdf5.isOpen(id) return H.H5Iis_valid(id) > 0 end

-- -- groups ---------------------------------------------------------------------------------------------------------------

--- The names in a group, in order.
function hdf5.names(group)
  local info, names = ffi.new 'tocha_hdf5_group[1]', {}
  if H.H5Gget_info(group, info) < 0 then return names end
  for i = 0, tonumber(info[0].links) - 1 do
    local size = H.H5Lget_name_by_idx(group, '.', 0, 0, i, nil, 0, DEFAULT)
    if size < 0 then break end -- fewer are there than a damaged file says
    local name = ffi.new('char[?]', tonumber(size) + 1)
    H.H5Lget_name_by_idx(group, '.', 0, 0, i, name, size + 1, DEFAULT)
    names[#names + 1] = ffi.string(name)
  end
  return names
end

--- What is under a name in a group: an identifier, 'group' or 'dataset', and a guard; nil if there is nothing of these.
function hdf5.child(group, name)
  if H.H5Lexists(group, name, DEFAULT) <= 0 then return nil end
  local object = H.H5Oopen(group, name, DEFAULT)
  if object < 0 then return nil end
  local kind = H.H5Iget_type(object)
  if kind == GROUP or kind == DATASET then return object, kind == GROUP and 'group' or 'dataset', guard(object, H.H5Oclose) end
  H.H5Oclose(object)
end

--- Makes a group in a group; whether that went well.
function hdf5.newGroup(group, name)
  local made = H.H5Gcreate2(group, name, DEFAULT, DEFAULT, DEFAULT)
  return made >= 0 and H.H5Oclose(made) >= 0
end

--- Lets go of a group or a dataset.
function hdf5.release(object) H.H5Oclose(object) end

-- -- datasets -------------------------------------------------------------------------------------------------------------

-- f(space of a dataset)
function hdf5.withSpace(dataset, f)
  local space = H.H5Dget_space(dataset)
  if space < 0 then raise('hdf5: the dataset is closed') end
  local results = { f(space) }
  H.H5Sclose(space)
  return unpack(results)
end

--- The sizes of a dataset.
function hdf5.size(dataset)
  return hdf5.withSpace(dataset, function(space)
    local n = H.H5Sget_simple_extent_ndims(space)
    if n < 0 then raise('hdf5: the dataset has no sizes') end
    local sizes, list = ffi.new('hsize_t[?]', n + 1), {}
    H.H5Sget_simple_extent_dims(space, sizes, nil)
    for i = 1, n do list[i] = tonumber(sizes[i - 1]) end
    return list
  end)
end

-- The row of the data type that a dataset is read as: integers by their bytes, as Torch7's package had it, but signed bytes apart.
local function rowOf(dataset)
  local type = H.H5Dget_type(dataset)
  if type < 0 then raise('hdf5: the dataset is closed') end
  local class, bytes, signed = H.H5Tget_class(type), tonumber(H.H5Tget_size(type)), H.H5Tget_sign(type)
  H.H5Tclose(type)
  local name
  if class == INTEGER then name = ({ signed == 1 and 'Char' or 'Byte', 'Short', nil, 'Int', nil, nil, nil, 'Long' })[bytes]
  elseif class == ENUM and bytes == 1 then name = 'Byte'
  elseif class == FLOAT then name = ({ nil, 'Float', nil, 'Float', nil, nil, nil, 'Double' })[bytes] end
  if not name then raise(('hdf5: elements of class %d with %d bytes cannot be read'):format(class, bytes)) end
  return dtype[name], class, bytes
end

-- The type in memory: the bits of integers without a sign stay as they are.
local function readType(dataset, row, class, bytes)
  if class == FLOAT and bytes == 2 then return memoryType(row), false end
  local type = H.H5Dget_type(dataset)
  local made = H.H5Tget_native_type(type, 0)
  H.H5Tclose(type)
  return made, true
end

-- A dataspace of these sizes, which f(space) uses.
function hdf5.inSpace(list, f)
  local sizes, n = sizesOf(list)
  local space = H.H5Screate_simple(n, sizes, nil)
  local results = { f(space) }
  H.H5Sclose(space)
  return unpack(results)
end

-- Moves the elements at `data` to or from the part of a dataset that begins at `first` (from 0).
function hdf5.move(transfer, dataset, type, data, first, count)
  return hdf5.withSpace(dataset, function(space)
    return hdf5.inSpace(count, function(memory)
      if H.H5Sselect_hyperslab(space, SET, (sizesOf(first)), nil, (sizesOf(count)), nil) < 0 then return false end
      return transfer(dataset, type, memory, space, DEFAULT, data) >= 0
    end)
  end)
end

--- Raises where a dataset claims to have more than the file can hold of it: sizes in a damaged file are any. `asked` bytes of the
-- `whole` are wanted; packing makes a thousandth of them at best, and pieces that were never written are not there.
function hdf5.checkStored(dataset, asked, whole)
  local list = H.H5Dget_create_plist(dataset)
  local layout = H.H5Pget_layout(list)
  H.H5Pclose(list)
  if layout >= CHUNKED and asked <= 2 ^ 26 then return end -- pieces are counted one by one
  local stored = tonumber(H.H5Dget_storage_size(dataset))
  if layout < CHUNKED and stored > 0 and stored < whole or asked > 2 ^ 26 + 1100 * stored then
    raise(('hdf5: the file is damaged: %.0f bytes for elements of %.0f'):format(stored, whole))
  end
end

local function product(list)
  local n = 1
  for _, k in ipairs(list) do n = n * k end
  return n
end

--- The elements of a dataset, or of a part of it.
-- @tparam cdata dataset
-- @tparam[opt] {number,...} first of each dimension, from 0
-- @tparam[opt] {number,...} count
-- @treturn tensor of one dimension where the dataset has none
function hdf5.read(dataset, first, count)
  local row, class, bytes = rowOf(dataset)
  local size = hdf5.size(dataset)
  local list = count or size
  if #list > 16 then raise(('hdf5: a dataset of %d dimensions; at most 16 are possible'):format(#list)) end
  hdf5.checkStored(dataset, product(list) * bytes, product(size) * bytes)
  local result = tensor.construct(row, unpack(#list > 0 and list or { 1 }))
  local type, own_ = readType(dataset, row, class, bytes)
  local good
  if count then good = hdf5.move(H.H5Dread, dataset, type, C.tch_tensor_data(result), first, count)
  else good = H.H5Dread(dataset, type, ALL, ALL, DEFAULT, C.tch_tensor_data(result)) >= 0 end
  if own_ then H.H5Tclose(type) end
  if not good then raise('hdf5: the elements cannot be read: the file is damaged, or packed in a way that is not known here') end
  return result
end

-- The file's type for a tensor's.
local function writable(row)
  return fileType(row) or raise(('hdf5: a %s cannot be written'):format(row.tensor))
end

--- Makes a dataset of a tensor.
-- @tparam cdata group
-- @tparam string name
-- @tparam tensor t
-- @tparam[opt] {number,...} chunk sizes of the pieces; then the first dimension can grow
-- @tparam[opt] number level of compression
-- @treturn boolean whether that went well
function hdf5.newDataset(group, name, t, chunk, level)
  local row = M.rowOf(t)
  local type = writable(row)
  t = t:contiguous()
  local list = t:size():totable()
  local sizes, n = sizesOf(list)
  local most = sizesOf(list)
  local creation = H.H5Pcreate(H.H5P_CLS_DATASET_CREATE_ID_g)
  if chunk then
    local pieces = {}
    for d = 1, n do pieces[d] = math.max(math.min(chunk[d], list[d]), 1) end
    H.H5Pset_chunk(creation, n, (sizesOf(pieces)))
    most[0] = UNLIMITED
    if level then H.H5Pset_deflate(creation, level) end
  end
  local space = H.H5Screate_simple(n, sizes, most)
  local made = H.H5Dcreate2(group, name, type, space, DEFAULT, creation, DEFAULT)
  H.H5Sclose(space)
  H.H5Pclose(creation)
  if made < 0 then return false end
  local written = H.H5Dwrite(made, memoryType(row), ALL, ALL, DEFAULT, C.tch_tensor_data(t))
  return H.H5Oclose(made) >= 0 and written >= 0
end

--- Adds the entries of a tensor at the end of a dataset that can grow; false if it cannot, and why where that is not its sizes.
function hdf5.append(dataset, t)
  local row = M.rowOf(t)
  writable(row)
  local type = H.H5Dget_type(dataset)
  local there = H.H5Tget_native_type(type, 0)
  local same = H.H5Tequal(there, memoryType(row)) > 0
  H.H5Tclose(there)
  H.H5Tclose(type)
  if not same then return false, 'has elements of another type' end
  t = t:contiguous()
  local count, size = t:size():totable(), hdf5.size(dataset)
  if #count ~= #size then return false end
  local first = { size[1] }
  for d = 2, #size do
    if count[d] ~= size[d] then return false end
    first[d] = 0
  end
  size[1] = size[1] + count[1]
  return H.H5Dset_extent(dataset, (sizesOf(size))) >= 0 and
    hdf5.move(H.H5Dwrite, dataset, memoryType(M.rowOf(t)), C.tch_tensor_data(t), first, count)
end

return hdf5
