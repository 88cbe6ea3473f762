--- Files in folders and in tar archives (.tar, .tar.gz, .tgz), which are read without unpacking.
--
-- A file is {name = from the folder on, path = of the file or the archive, first = its first byte there, count = of its bytes, -1:
-- all}. What a compressed archive holds lies in one ByteTensor, the blob.
-- @module tocha.data.files
local torch = require 'tocha'
local engine = require 'tocha.bindings.data'
local raise = require 'tocha.bindings.own'.raise

local files = {}

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
local function below(list, part)
  if not part then return list end
  local prefix, found = part:gsub('/*$', '/'), {}
  for _, file in ipairs(list) do
    if file.name:sub(1, #prefix) == prefix then
      file.name = file.name:sub(#prefix + 1)
      found[#found + 1] = file
    end
  end
  return found
end

--- The files below a path.
-- @tparam string path of a folder or an archive
-- @tparam[opt] string part the folder inside; it is taken off the names
-- @treturn {file,...} in the order of their names
-- @treturn tensor|nil the blob
function files.list(path, part)
  if not isArchive(path) then return walk(part and path .. '/' .. part or path, '', {}) end
  local found, blob = unpackList(path)
  return below(found, part), blob
end

--- The bytes of a file, or nil if it cannot be read.
-- @tparam string path
-- @tparam number first
-- @tparam number count -1: all
function files.part(path, first, count)
  local handle = io.open(path, 'rb')
  if not handle then return nil end
  handle:seek('set', first)
  local text = handle:read(count < 0 and '*a' or count)
  handle:close()
  return text and torch.ByteTensor(torch.ByteStorage():string(text))
end

--- The bytes of a file of a list.
-- @treturn tensor a ByteTensor
function files.contents(file, blob)
  if blob then return file.count > 0 and blob:narrow(1, file.first + 1, file.count) or torch.ByteTensor() end
  return files.part(file.path, file.first, file.count) or raise(('cannot read %s'):format(file.path))
end

return files
