--- Pictures in folders and archives, a class per folder.
--
-- A set of pictures is a table of `labels` (LongTensor (N) of 1..classes), `classes` (names), and `source`, which a DataLoader
-- reads: `names`, all names and paths, each with its NUL; `index` (N,4), see engine/data/data.h; `blob`, what a compressed
-- archive holds.
-- @module tocha.data.pictures
local torch = require 'tocha'
local files = require 'tocha.data.files'
local sets = require 'tocha.data.sets'
local raise = require 'tocha.bindings.own'.raise

local pictures = {}

local suffixes = { jpg = true, jpeg = true, png = true, ppm = true, pgm = true }
local function isPicture(name) return suffixes[(name:match '%.(%w+)$' or ''):lower()] or false end

-- -- sets -------------------------------------------------------------------------------------------------------------

local function bytes(text) return torch.ByteTensor(torch.ByteStorage():string(text)) end

-- The source of files, in the form that the engine reads.
local function sourceOf(list, blob)
  local parts, at, offsets = {}, 0, {}
  local function offset(text)
    if not offsets[text] then
      offsets[text], parts[#parts + 1] = at, text
      at = at + #text + 1
    end
    return offsets[text]
  end
  local index = torch.LongTensor(#list, 4)
  local flat = index:storage()
  for i, file in ipairs(list) do
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
-- this order (the sorted names of all folders by default); valid: a share of every class that becomes a second set, drawn from
-- seed (1)
-- @treturn table set, without the share
-- @treturn table|nil the share
function pictures.fromFolder(path, options)
  checkPath(path)
  options = options or {}
  local list, blob = files.list(path, options.part)
  local where = options.part and path .. '/' .. options.part or path
  local kept, labels, classes, numbers = {}, {}, {}, {}
  for k, name in ipairs(options.classes or {}) do classes[k], numbers[name] = name, k end
  for _, file in ipairs(list) do
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
  local set = { source = sourceOf(kept, blob), labels = torch.LongTensor(labels), classes = classes }
  if options.valid then return sets.stratified(set, options.valid, options.seed) end
  return set
end

--- Pictures by their paths, without classes.
-- @tparam table paths
function pictures.fromFiles(paths)
  local list = {}
  for i, path in ipairs(paths) do list[i] = { name = path, path = path, first = 0, count = -1 } end
  if #list == 0 then raise 'fromFiles: no paths were given' end
  return { source = sourceOf(list) }
end

return pictures
