--- The engine's data side: folders and archives as lists, loaders whose threads make batches.
-- @module tocha.bindings.data
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'

local data = {}
local box, box2, box3, values = own.newBox(), own.newBox(), own.newBox(), ffi.new 'double[8]'
local loaderBox, matrix = ffi.new('tch_loader *[1]'), ffi.new 'double[6]'

-- Texts, each with its NUL, as a list.
local function texts(tensor)
  local list = {}
  local count = tonumber(C.tch_tensor_count(tensor))
  if count == 0 then return list end
  local all = ffi.string(ffi.cast('const char *', C.tch_tensor_data(tensor)), count)
  for text in all:gmatch '([^%z]*)%z' do list[#list + 1] = text end
  return list
end

--- Names in a folder, sorted; those of folders end in '/'. Or nil and why not.
function data.list(path)
  box[0] = nil
  if C.tch_folder_list(path, box) ~= 0 then return nil, ffi.string(C.tch_error()) end
  return texts(own.wrap(box[0]))
end

--- The files in a tar archive: names, a LongTensor (N,2) of first byte and count, and a ByteTensor that they lie in (nil: they lie
-- in the archive). Or nil and why not.
function data.tar(path)
  box[0], box2[0], box3[0] = nil, nil, nil
  if C.tch_tar_list(path, box, box2, box3) ~= 0 then return nil, ffi.string(C.tch_error()) end
  return texts(own.wrap(box[0])), own.wrap(box2[0]), own.wrap(box3[0])
end

--- The map of `bindings.image.affine` for changes in the units of Keras's ImageDataGenerator.
-- @tparam table t rotation, shear (degrees), down, right (pixels), zoom_y, zoom_x (1), hflip, vflip
function data.matrix(t, height, width)
  C.tch_augment_matrix(t.rotation or 0, t.shear or 0, t.down or 0, t.right or 0, t.zoom_y or 1, t.zoom_x or 1, t.hflip or false,
    t.vflip or false, height, width, matrix)
  local m = {}
  for i = 1, 6 do m[i] = matrix[i - 1] end
  return m
end

-- -- loaders ------------------------------------------------------------------------------------------------------

local Loader = {}
Loader.__index = Loader

--- A loader of pictures in files, source = {names =, index =, blob =}, or of rows of a tensor, {images =}.
function data.loader(source)
  if C.tch_loader_new(source.names, source.index, source.blob, source.images, loaderBox) ~= 0 then own.fail() end
  return setmetatable({ handle = ffi.gc(loaderBox[0], C.tch_loader_free) }, Loader)
end

local function open(loader)
  return loader.handle or own.raise 'loader: it is closed'
end

--- Sets an option to a number, a boolean or a list of numbers.
function Loader:set(name, value)
  local list = type(value) == 'table' and value or { value }
  if #list > 8 or #list == 0 then own.failWith('loader: %s has %d numbers', name, #list) end
  for i, v in ipairs(list) do
    if type(v) == 'boolean' then v = v and 1 or 0 end
    if type(v) ~= 'number' then own.bad('loader', name, 'a number', v) end
    values[i - 1] = v
  end
  if C.tch_loader_set(open(self), name, #list, values) ~= 0 then own.fail() end
end

--- Starts a pass over the samples that a LongTensor names.
function Loader:begin(order, epoch, batch, workers, prefetch, skip)
  if C.tch_loader_begin(open(self), order, epoch, batch, workers, prefetch, skip) ~= 0 then own.fail() end
end

--- The next batch and the numbers of its samples; nothing at the end.
function Loader:next()
  local status = C.tch_loader_next(open(self), box, box2)
  if status ~= 0 then own.fail(status) end
  return own.wrap(box[0]), own.wrap(box2[0])
end

--- How many samples were left out, and why (of the first hundred).
function Loader:skipped()
  local n, reasons = tonumber(C.tch_loader_skipped(open(self))), {}
  for i = 0, math.min(n, 100) - 1 do reasons[i + 1] = ffi.string(C.tch_loader_reason(self.handle, i)) end
  return n, reasons
end

--- Ends the threads now.
function Loader:close()
  if self.handle then C.tch_loader_free(ffi.gc(self.handle, nil)) end
  self.handle = nil
end

return data
