--- Files of the engine: `create` and `save` (written whole or not at all), `read`, `readIdx`.
-- @module tocha.bindings.file
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'

local file = {}
local box, tensorBox = ffi.new('tch_file *[1]'), own.newBox()

local Writer = {}
Writer.__index = Writer

--- Begins a file that replaces `path` when it is committed.
-- @treturn[1] table with write(string), writeStorage(storage, first, count), commit() and discard()
-- @treturn[2] nil
-- @treturn[2] string why not
function file.create(path)
  if C.tch_file_create(path, box) ~= 0 then return nil, ffi.string(C.tch_error()) end
  return setmetatable({ handle = ffi.gc(box[0], C.tch_file_discard) }, Writer)
end

local function finish(writer, status)
  if status == 0 then return true end
  return nil, ffi.string(C.tch_error())
end

function Writer:write(text)
  return finish(self, C.tch_file_write(self.handle, text, #text))
end

--- Appends the bytes of `count` elements of a storage from index `first`.
function Writer:writeStorage(storage, first, count)
  local bytes = M.rowOfStorage(storage).bytes
  local data = ffi.cast('const char *', C.tch_storage_data(storage)) + (first - 1) * bytes
  return finish(self, C.tch_file_write(self.handle, data, count * bytes))
end

function Writer:commit()
  local handle = ffi.gc(self.handle, nil)
  self.handle = nil
  return finish(self, C.tch_file_commit(handle))
end

function Writer:discard()
  if not self.handle then return end
  C.tch_file_discard(ffi.gc(self.handle, nil))
  self.handle = nil
end

ffi.cdef 'int isatty(int);'

--- Whether a descriptor (1 standard output, 2 standard error) is a terminal.
function file.isTerminal(descriptor) return ffi.C.isatty(descriptor) == 1 end

--- The tensor in an IDX file.
function file.readIdx(path)
  tensorBox[0] = nil
  if C.tch_idx_read(path, tensorBox) ~= 0 then return nil, ffi.string(C.tch_error()) end
  return own.wrap(tensorBox[0])
end

--- The bytes of a file.
-- @treturn[1] tensor ByteTensor
-- @treturn[2] nil
-- @treturn[2] string why not
function file.read(path)
  tensorBox[0] = nil
  if C.tch_file_read(path, tensorBox) ~= 0 then return nil, ffi.string(C.tch_error()) end
  return own.wrap(tensorBox[0])
end

--- Bytes of a ByteStorage as a string.
function file.text(storage, skip, n)
  return ffi.string(ffi.cast('const char *', C.tch_storage_data(storage)) + skip, n)
end

local storageBox, ints = ffi.new('tch_storage *[1]'), own.newInts()

--- A tensor of a data type's row and sizes whose elements lie in a ByteStorage, `skip` bytes after its begin, within it: without a
-- copy where that is a place for such elements, else with one.
function file.tensorOn(storage, row, sizes, skip)
  local count = 1
  for d = 1, #sizes do ints[d - 1], count = sizes[d], count * sizes[d] end
  tensorBox[0] = nil
  if count == 0 or C.tch_storage_view(storage, row.code, skip, count, storageBox) ~= 0 then
    local status = C.tch_tensor_new(row.code, #sizes, ints, tensorBox)
    if status ~= 0 then own.fail(status) end
    if count > 0 then
      ffi.copy(C.tch_tensor_data(tensorBox[0]), ffi.cast('const char *', C.tch_storage_data(storage)) + skip, count * row.bytes)
    end
    return own.wrap(tensorBox[0])
  end
  local view = own.wrapStorage(storageBox[0])
  local status = C.tch_tensor_view_of(view, 0, #sizes, ints, nil, tensorBox)
  if status ~= 0 then own.fail(status) end
  return own.wrap(tensorBox[0])
end

--- Writes a contiguous ByteTensor as a file, whole or not at all.
function file.save(path, bytes)
  local writer, why = file.create(path)
  if not writer then return nil, why end
  local good
  good, why = finish(writer, C.tch_file_write(writer.handle, C.tch_tensor_data(bytes), C.tch_tensor_count(bytes)))
  if good then return writer:commit() end
  writer:discard()
  return nil, why
end

return file
