--- CIFAR-10 and CIFAR-100 in their binary form, from a folder or from the archive as it is distributed.
-- @module tocha.data.cifar
local torch = require 'tocha'
local files = require 'tocha.data.files'
local raise = require 'tocha.bindings.own'.raise

local cifar = {}
local pixels = 3 * 32 * 32

-- The bytes of a file by the end of its path, in a list of files.
local function find(list, blob, path, name)
  for _, file in ipairs(list) do
    if file.name == name or file.name:sub(-#name - 1) == '/' .. name then return files.contents(file, blob) end
  end
  raise(('%s: %s is not in it'):format(path, name))
end

-- Names, one a line.
local function namesIn(bytes)
  local names = {}
  for name in bytes:storage():string():sub(bytes:storageOffset(), bytes:storageOffset() + bytes:nElement() - 1):gmatch '[^\r\n]+' do
    names[#names + 1] = name
  end
  return names
end

-- Records of `head` bytes of labels, of which the last counts, and a picture.
local function records(parts, head, classes, path)
  local data, labels = {}, {}
  for k, part in ipairs(parts) do
    local bytes, name = part[1], part[2]
    local row = head + pixels
    if bytes:nElement() == 0 or bytes:nElement() % row ~= 0 then
      raise(('%s: %s has %d bytes, which is no multiple of %d: it is truncated, or no CIFAR'):format(path, name,
        bytes:nElement(), row))
    end
    local n = bytes:nElement() / row
    local whole = bytes:view(n, row)
    labels[k], data[k] = whole:select(2, head):clone(), whole:narrow(2, head + 1, pixels):contiguous()
    if labels[k]:max() >= #classes then
      raise(('%s: %s has the label %d, but labels run from 0 to %d'):format(path, name, labels[k]:max(), #classes - 1))
    end
  end
  local all = #data == 1 and data[1] or torch.cat(data, 1)
  return { data = all:view(all:size(1), 3, 32, 32), labels = torch.cat(labels, 1):long():add(1), classes = classes }
end

local function read(path, trainNames, testName, head, namesFile)
  if type(path) ~= 'string' then raise(('cifar: the path of a folder or an archive is needed, not a %s'):format(type(path))) end
  local list, blob = files.list(path)
  local classes = namesIn(find(list, blob, path, namesFile))
  local function parts(names)
    local found = {}
    for k, name in ipairs(names) do found[k] = { find(list, blob, path, name), name } end
    return found
  end
  return records(parts(trainNames), head, classes, path), records(parts { testName }, head, classes, path)
end

--- CIFAR-10 (data_batch_1.bin ... data_batch_5.bin, test_batch.bin, batches.meta.txt).
-- @tparam string path of the folder, or of cifar-10-binary.tar.gz
-- @treturn table training set: data, a ByteTensor (N,3,32,32), labels (1..10), classes
-- @treturn table test set
function cifar.cifar10(path)
  local names = {}
  for k = 1, 5 do names[k] = ('data_batch_%d.bin'):format(k) end
  return read(path, names, 'test_batch.bin', 1, 'batches.meta.txt')
end

--- CIFAR-100 (train.bin, test.bin, fine_label_names.txt).
-- @tparam string path of the folder, or of cifar-100-binary.tar.gz
function cifar.cifar100(path)
  return read(path, { 'train.bin' }, 'test.bin', 2, 'fine_label_names.txt')
end

return cifar
