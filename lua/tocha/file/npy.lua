--- Arrays in NumPy's formats: .npy files hold one, .npz files are ZIP archives of named ones.
--
-- A header is a dictionary in Python's notation (the format's document: NEP 1, "A Simple File Format for NumPy Arrays"). Only
-- arrays of numbers are read; objects would be code.
-- @module tocha.file.npy
local torch = require 'tocha'
local bytes = require 'tocha.bindings.bytes'
local dtype = require 'tocha.bindings.dtype'
local file = require 'tocha.bindings.file'
local own = require 'tocha.bindings.own'
local zip = require 'tocha.bindings.zip'

local raise = own.raise
local magic = '\147NUMPY'

-- Kind and bytes of an element -> data type, and what wider type holds unsigned numbers.
local types = { b1 = 'Byte', u1 = 'Byte', i1 = 'Char', i2 = 'Short', i4 = 'Int', i8 = 'Long', f2 = 'Half', f4 = 'Float',
  f8 = 'Double', u2 = 'Short', u4 = 'Int' }
local wider = { u2 = 'Int', u4 = 'Long' }
local codes = { Byte = '|u1', Char = '|i1', Short = '<i2', Int = '<i4', Long = '<i8', Half = '<f2', Float = '<f4',
  Double = '<f8' }

-- -- reading ------------------------------------------------------------------------------------------------------

-- The header's text and the bytes before the elements.
local function headerOf(source)
  local n = source:nElement()
  if n < 10 or bytes.text(source, 0, 6) ~= magic then return nil, 'it is no .npy file' end
  local version, start, length = source[7], 12
  if version == 1 then length, start = source[9] + 256 * source[10], 10
  elseif version == 2 or version == 3 then
    if n < 12 then return nil, 'truncated: the header is missing' end
    length = bytes.decode.Int(bytes.text(source, 8, 4))
  else return nil, ('version %d of the format is not known'):format(version) end
  if length < 0 or start + length > n then return nil, 'truncated: the header is longer than the file' end
  return bytes.text(source, start, length), start + length
end

-- {descr = '<f4', fortran_order = false, shape = {2, 3}} of a header's text.
local function parse(text)
  local inside = text:match '^%s*{(.-),?%s*}%s*$'
  if not inside then return nil end
  local descr = inside:match "['\"]descr['\"]%s*:%s*['\"]([<>|=]%a%d+)['\"]"
  local order = inside:match "['\"]fortran_order['\"]%s*:%s*(%a+)"
  local shape = inside:match "['\"]shape['\"]%s*:%s*%(([%d,%sL]*)%)"
  if not descr or not shape or order ~= 'True' and order ~= 'False' then return nil end
  local sizes = {}
  for size in shape:gmatch '%d+' do sizes[#sizes + 1] = tonumber(size) end
  return { descr = descr, fortran = order == 'True', sizes = sizes }
end

local function reversed(list)
  local out = {}
  for i = #list, 1, -1 do out[#out + 1] = list[i] end
  return out
end

-- Numbers that were read as if they had a sign.
local function unsigned(tensor, name)
  local wide = tensor:type(dtype[name].tensor)
  return wide:add(wide:lt(0):type(wide:type()):mul(2 ^ (8 * dtype[name].bytes / 2)))
end

-- The array in a ByteTensor, or nil and why not.
local function decode(source)
  local text, start = headerOf(source)
  if not text then return nil, start end
  local header = parse(text)
  if not header then return nil, ('its header cannot be read: %q'):format(text:sub(1, 200)) end
  local kind = header.descr:sub(2)
  if not types[kind] then return nil, ('elements of type %s cannot be read'):format(header.descr) end
  if #header.sizes > 16 then return nil, ('it has %d dimensions, at most 16 are possible'):format(#header.sizes) end
  local sizes = header.fortran and reversed(header.sizes) or header.sizes
  local tensor, why = bytes.tensor(dtype[types[kind]], sizes, source, start, header.descr:sub(1, 1) == '>')
  if not tensor then return nil, 'truncated: ' .. why end
  if wider[kind] then tensor = unsigned(tensor, wider[kind]) end
  if not header.fortran or #sizes < 2 then return tensor end
  local order = {}
  for d = 1, #sizes do order[d] = #sizes + 1 - d end
  return tensor:permute(unpack(order)):contiguous()
end

-- -- writing ------------------------------------------------------------------------------------------------------

local function check(what, tensor)
  if not own.isTensor(tensor) then raise(('%s: a tensor is needed, not a %s'):format(what, torch.type(tensor))) end
  local code = codes[tensor:type():match '^torch%.(%w+)Tensor$']
  return code or raise(('%s: a %s has no type in this format'):format(what, tensor:type()))
end

-- Begins with the header, padded so that the elements are aligned.
local function headerFor(code, tensor)
  local sizes = tensor:size():totable()
  if tensor:nElement() == 0 and #sizes == 0 then sizes[1] = 0 end
  local text = ("{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }"):format(code, table.concat(sizes, ', '),
    #sizes == 1 and ',' or '')
  text = text .. (' '):rep(63 - (10 + #text) % 64) .. '\n'
  return magic .. '\1\0' .. string.char(#text % 256, math.floor(#text / 256)) .. text
end

local function put(writer, code, tensor)
  local good, why = writer:write(headerFor(code, tensor))
  if not good or tensor:nElement() == 0 then return good, why end
  tensor = tensor:contiguous()
  return writer:writeStorage(tensor:storage(), tensor:storageOffset(), tensor:nElement())
end

-- -- files --------------------------------------------------------------------------------------------------------

local npy = {}

local function isPath(what, path)
  if type(path) ~= 'string' then raise(('%s: the name of the file is a %s'):format(what, torch.type(path))) end
end

--- The array in a .npy file.
-- @tparam string path
-- @treturn tensor of the array's type; unsigned numbers of 2 and 4 bytes become Int and Long, booleans Byte
function npy.readNpy(path)
  isPath('readNpy', path)
  local source, why = file.read(path)
  if not source then raise(why) end
  local tensor
  tensor, why = decode(source)
  return tensor or raise(('%s: %s'):format(path, why))
end

--- Writes a tensor as a .npy file, which appears whole or not at all.
function npy.writeNpy(path, tensor)
  isPath('writeNpy', path)
  local code = check('writeNpy', tensor)
  local writer, why = file.create(path)
  if not writer then raise(why) end
  local good
  good, why = put(writer, code, tensor)
  if good then good, why = writer:commit() else writer:discard() end
  if not good then raise(why) end
end

--- The arrays in a .npz file by their names.
-- @tparam string path
-- @treturn {[string]=tensor}
function npy.readNpz(path)
  isPath('readNpz', path)
  local entries, why = zip.read(path)
  if not entries then raise(why) end
  local arrays = {}
  for _, entry in ipairs(entries) do
    local name = entry[1]:gsub('%.npy$', '')
    if arrays[name] then raise(('%s: there are two arrays named %s'):format(path, name)) end
    local tensor
    tensor, why = decode(entry[2])
    arrays[name] = tensor or raise(('%s: %s: %s'):format(path, entry[1], why))
  end
  return arrays
end

--- Writes tensors as a .npz file, which appears whole or not at all.
-- @tparam string path
-- @tparam {[string]=tensor} arrays a list gets NumPy's names arr_0, arr_1, ...
-- @tparam[opt] table options compress
function npy.writeNpz(path, arrays, options)
  isPath('writeNpz', path)
  if type(arrays) ~= 'table' then raise('writeNpz: a table of tensors is needed') end
  if options ~= nil and type(options) ~= 'table' then own.bad('writeNpz', 'options', 'a table', options) end
  local names, found = {}, {}
  for key, tensor in pairs(arrays) do
    local name = type(key) == 'number' and ('arr_%d'):format(key - 1) or tostring(key)
    check('writeNpz: ' .. name, tensor)
    if found[name] then raise('writeNpz: two arrays are named ' .. name) end
    names[#names + 1], found[name] = name, tensor
  end
  table.sort(names)
  local writer, why = zip.create(path)
  if not writer then raise(why) end
  for _, name in ipairs(names) do
    local good
    good, why = writer:begin(name .. '.npy', options and options.compress)
    if good then good, why = put(writer, check(name, found[name]), found[name]) end
    if not good then
      writer:discard()
      raise(why)
    end
  end
  local good
  good, why = writer:commit()
  if not good then raise(why) end
end

return npy
