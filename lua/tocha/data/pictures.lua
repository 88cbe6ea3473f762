--- Pictures in folders and archives, a class per folder.
--
-- A set of pictures is a table of `labels` (LongTensor (N) of 1..classes), `classes` (names), and `source`, which a DataLoader
-- reads: `names`, all names and paths, each with its NUL; `index` (N,4), see engine/data/data.h; `blob`, what a compressed
-- archive holds.
-- @module tocha.data.pictures
local torch = require 'tocha'
local engine = require 'tocha.bindings.data'
local raise = require 'tocha.bindings.own'.raise

local pictures = {}

local suffixes = { jpg = true, jpeg = true, png = true, ppm = true, pgm = true }
local function isPicture(name) return suffixes[(name:match '%.(%w+)$' or ''):lower()] or false end

-- -- listing --------------------------------------------------------------------------------------------------------

-- Files below a folder as {name =, path =, first = 0, count = -1}, names from the folder on, in order.
local function walk(folder, prefix, found)
  local names, why = engine.list(folder)
  if not names then raise(why) end
  for _, name in ipairs(names) do
    if name:sub(-1) == '/' then walk(folder .. '/' .. name:sub(1, -2), prefix .. name, found)
    else found[#found + 1] = { name = prefix .. name, path = folder .. '/' .. name, first = 0, count = -1 } end
  end
  return found
end

local function isArchive(path) return path:find '%.tar$' or path:find '%.tar%.gz$' or path:find '%.tgz$' end

-- Files of an archive, and the blob that they lie in.
local function unpackList(path)
  local names, places, blob = engine.tar(path)
  if not names then raise(places) end
  local found = {}
  for i, name in ipairs(names) do
    found[i] = { name = (name:gsub('^%./', '')), path = path, first = places[i][1], count = places[i][2] }
  end
  table.sort(found, function(a, b) return a.name < b.name end)
  return found, blob
end

-- Those below a part ("train"), with the part taken off their names.
local function below(files, part)
  if not part then return files end
  local prefix, found = part:gsub('/*$', '/'), {}
  for _, file in ipairs(files) do
    if file.name:sub(1, #prefix) == prefix then
      file.name = file.name:sub(#prefix + 1)
      found[#found + 1] = file
    end
  end
  return found
end

-- -- sets -------------------------------------------------------------------------------------------------------------

local function bytes(text) return torch.ByteTensor(torch.ByteStorage():string(text)) end

-- The source of files, in the form that the engine reads.
local function sourceOf(files, blob)
  local parts, at, offsets = {}, 0, {}
  local function offset(text)
    if not offsets[text] then
      offsets[text], parts[#parts + 1] = at, text
      at = at + #text + 1
    end
    return offsets[text]
  end
  local index = torch.LongTensor(#files, 4)
  local flat = index:storage()
  for i, file in ipairs(files) do
    local name = blob and file.path .. '/' .. file.name or file.count >= 0 and file.path .. '/' .. file.name or file.path
    local k = 4 * (i - 1)
    flat[k + 1], flat[k + 2], flat[k + 3], flat[k + 4] = offset(name), file.first, file.count, offset(file.path)
  end
  return { names = bytes(table.concat(parts, '\0') .. '\0'), index = index, blob = blob }
end

local function checkPath(path)
  if type(path) ~= 'string' then raise('fromFolder: the path of a folder or an archive is needed, not a ' .. type(path)) end
end

--- The pictures (.jpg, .jpeg, .png, .ppm, .pgm) in a folder or a tar archive (.tar, .tar.gz, .tgz), one class per folder.
-- @tparam string path
-- @tparam[opt] table options part: the folder inside that holds the classes ("train"); classes: a list of names to keep, in
-- this order (the sorted names of all folders by default)
-- @treturn table set
function pictures.fromFolder(path, options)
  checkPath(path)
  options = options or {}
  local files, blob
  if isArchive(path) then
    files, blob = unpackList(path)
    files = below(files, options.part)
  else files = walk(options.part and path .. '/' .. options.part or path, '', {}) end
  local where = options.part and path .. '/' .. options.part or path
  local kept, labels, classes, numbers = {}, {}, {}, {}
  for k, name in ipairs(options.classes or {}) do classes[k], numbers[name] = name, k end
  for _, file in ipairs(files) do
    local class = file.name:match '^([^/]+)/'
    if class and isPicture(file.name) then
      if not numbers[class] and not options.classes then
        classes[#classes + 1] = class
        numbers[class] = #classes
      end
      if numbers[class] then kept[#kept + 1], labels[#labels + 1] = file, numbers[class] end
    end
  end
  if #kept == 0 then raise(('fromFolder: %s holds no folders with pictures'):format(where)) end
  local count = {}
  for _, label in ipairs(labels) do count[label] = true end
  for k, name in ipairs(classes) do
    if not count[k] then raise(('fromFolder: %s holds no pictures of %s'):format(where, name)) end
  end
  return { source = sourceOf(kept, blob), labels = torch.LongTensor(labels), classes = classes }
end

--- Pictures by their paths, without classes.
-- @tparam table paths
function pictures.fromFiles(paths)
  local files = {}
  for i, path in ipairs(paths) do files[i] = { name = path, path = path, first = 0, count = -1 } end
  if #files == 0 then raise 'fromFiles: no paths were given' end
  return { source = sourceOf(files) }
end

return pictures
