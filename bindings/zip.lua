--- ZIP archives of the engine.
-- @module tocha.bindings.zip
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'

local zip = {}
local tensorBox, nameBox = own.newBox(), ffi.new('const char *[1]')

local function why() return ffi.string(C.tch_error()) end

--- The entries of an archive in its order.
-- @treturn[1] {{name,ByteTensor},...}
-- @treturn[2] nil
-- @treturn[2] string why not
function zip.read(path)
  local box = ffi.new 'tch_unzip *[1]'
  if C.tch_unzip_open(path, box) ~= 0 then return nil, why() end
  local handle, list = ffi.gc(box[0], C.tch_unzip_close), {}
  while true do
    tensorBox[0] = nil
    local good = C.tch_unzip_next(handle, nameBox, tensorBox) == 0
    local finished = not good or nameBox[0] == nil
    if finished then
      local sentence = not good and path .. ': ' .. why()
      C.tch_unzip_close(ffi.gc(handle, nil))
      if sentence then return nil, sentence end
      return list
    end
    list[#list + 1] = { ffi.string(nameBox[0]), own.wrap(tensorBox[0]) }
  end
end

local Writer = {}
Writer.__index = Writer

--- Begins an archive that replaces `path` when it is committed.
-- @treturn[1] table with begin(name, compress), write(string), writeStorage(storage, first, count), commit() and discard()
-- @treturn[2] nil
-- @treturn[2] string why not
function zip.create(path)
  local box = ffi.new 'tch_zip *[1]'
  if C.tch_zip_create(path, box) ~= 0 then return nil, why() end
  return setmetatable({ handle = ffi.gc(box[0], C.tch_zip_discard) }, Writer)
end

local function finish(status)
  if status == 0 then return true end
  return nil, why()
end

function Writer:begin(name, compress) return finish(C.tch_zip_begin(self.handle, name, compress or false)) end
function Writer:write(text) return finish(C.tch_zip_write(self.handle, text, #text)) end

--- Appends the bytes of `count` elements of a storage from index `first`.
function Writer:writeStorage(storage, first, count)
  local bytes = storage:elementSize()
  return finish(C.tch_zip_write(self.handle, ffi.cast('const char *', C.tch_storage_data(storage)) + (first - 1) * bytes,
    count * bytes))
end

function Writer:commit() return finish(C.tch_zip_commit(ffi.gc(self.handle, nil))) end
function Writer:discard() C.tch_zip_discard(ffi.gc(self.handle, nil)) end

return zip
