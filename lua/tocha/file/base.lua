--- torch.File: numbers, strings and objects in a stream, as text or as bytes.
--
-- A kind of file fills in
--   take(n)       the next n bytes, or nil where fewer are left
--   token()       the next word of text, or nil at the end
--   eatNewline()  skips one newline if it is next
--   put(text)     appends; true, or nil and a sentence
--   left()        bytes that are left to read at most
--   position(), move(p) (true, or nil and a sentence), seekEnd(), close()
-- and inherits the rest. Text has numbers apart by spaces and a newline after each group, except bytes and characters, which
-- stand raw; bytes are little-endian, with longs of 8 bytes unless longSize says 4.
-- @module tocha.file.base
local torch = require 'tocha'
local bytes = require 'tocha.bindings.bytes'
local dtype = require 'tocha.bindings.dtype'
local own = require 'tocha.bindings.own'

local raise = own.raise

local File = torch.class('torch.File', torch)
File.isFile = true -- writeObject and readObject leave files out

local formats = { Float = '%.9g', Double = '%.17g', Half = '%.9g', BFloat16 = '%.9g' }
local raw = { Byte = true, Char = true }

function File:__init(name)
  self.name, self.isText, self.spacing = name, true, true
  self.shared = true
end

-- -- settings -----------------------------------------------------------------------------------------------------

function File:ascii() self.isText = true return self end
function File:binary() self.isText = false return self end
function File:isBinary() return not self.isText end
function File:autoSpacing() self.spacing = true return self end
function File:noAutoSpacing() self.spacing = false return self end
function File:isAutoSpacing() return self.spacing end
--- In quiet mode failures are remembered (hasError) in place of raised.
function File:quiet() self.isQuiet_ = true return self end
function File:pedantic() self.isQuiet_ = false return self end
function File:isQuiet() return self.isQuiet_ == true end
function File:hasError() return self.failed == true end
function File:clearError() self.failed = false return self end
--- Bytes of a long in binary files: 4 or 8; 0 or nothing: as the machine has them (8).
function File:longSize(n)
  if n and n ~= 0 and n ~= 4 and n ~= 8 then raise(('longSize: a long has 4 or 8 bytes, not %s'):format(tostring(n))) end
  self.long = n ~= 0 and n or nil
  return self
end
--- The order of bytes in binary files: little-endian, as all machines that the engine is built for, or big-endian.
function File:nativeEndianEncoding() self.swapped = nil return self end
function File:littleEndianEncoding() self.swapped = nil return self end
function File:bigEndianEncoding() self.swapped = true return self end
function File:isNativeEncoding() return not self.swapped end
function File:isLittleEndianCPU() return true end
function File:isBigEndianCPU() return false end
--- Whether an object met again is written as a reference (the default) or as a copy.
function File:referenced(on)
  self.shared = on ~= false
  return self
end
function File:isReferenced() return self.shared end
function File:synchronize() return self end

--- Reports a failure: an error, or in quiet mode a mark.
function File:fail(format, ...)
  self.failed = true
  if self.isQuiet_ then return nil end
  raise(self.name .. ': ' .. format:format(...))
end

--- Moves to a byte; the first has position 1.
function File:seek(position)
  if type(position) ~= 'number' or not (position >= 1) then
    own.bad('seek', 'the position', 'a whole number from 1', position)
  end
  local good, why = self:move(own.integer(position))
  if not good then self:fail('%s', why) end
  return self
end

-- -- reading ------------------------------------------------------------------------------------------------------

local function truncated(file, what, n)
  return file:fail('truncated: the file ends within %d %s', n, what)
end

--- The next n bytes as a string.
function File:readBytes(n, what)
  local text = n <= self:left() and self:take(n)
  return text or truncated(self, what or 'bytes', n)
end

local function readWord(file)
  local word = file:token()
  if not word then return truncated(file, 'numbers', 1) end
  local value = tonumber(word)
  if not value then return file:fail('%q is no number', word:sub(1, 40)) end
  return value
end

local function readOne(file, row)
  if not file.isText or raw[row.name] then
    local short = row.name == 'Long' and file.long == 4
    local text = file:readBytes(short and 4 or row.bytes)
    if text and file.swapped and not file.isText then text = text:reverse() end
    if file.isText and file.spacing then file:eatNewline() end
    return text and bytes.decode[short and 'Int' or row.name](text)
  end
  local value = readWord(file)
  if file.spacing then file:eatNewline() end
  return value
end

-- A word and what parts it from the next take two bytes at least.
local function readWords(file, row, n)
  local room, read = math.min(n, math.floor((file:left() + 1) / 2)), 0
  local storage = torch[row.storage:match '%.(.*)'](room)
  while read < room do
    local value = readWord(file)
    if not value then break end
    read = read + 1
    storage[read] = value
  end
  if read < n then truncated(file, 'numbers', n) end
  if n > 0 and file.spacing then file:eatNewline() end
  return read < room and storage:resize(read) or storage
end

-- A storage of n elements, in quiet mode of those that are there.
local function readMany(file, row, n)
  if file.isText and not raw[row.name] then return readWords(file, row, n) end
  local from = row.name == 'Long' and file.long == 4 and dtype.Int or row
  local text = file:take(math.min(n, math.floor(file:left() / from.bytes)) * from.bytes) or ''
  if #text < n * from.bytes then truncated(file, 'bytes', n * from.bytes) end
  if n > 0 and file.isText and file.spacing then file:eatNewline() end
  if file.swapped and not file.isText then text = bytes.swap(text, from.bytes) end
  local storage = torch[from.storage:match '%.(.*)']():string(text)
  return from == row and storage or storage:type(row.storage)
end

-- -- writing ------------------------------------------------------------------------------------------------------

-- How many of n were written: all or none.
local function written(file, n, good, why)
  if not good then file:fail('%s', why) end
  return good and n or 0
end

local function checkShort(value)
  if not (value >= -2 ^ 31 and value < 2 ^ 31) then
    raise(('writeLong: %.0f does not fit 32 bits, the size of a long in this file'):format(value))
  end
end

--- Appends the bytes of a storage's elements; a kind of file may have a shorter way.
function File:putStorage(storage, first, n)
  local text, size = storage:string(), storage:elementSize()
  if first ~= 1 or n ~= storage:size() then text = text:sub((first - 1) * size + 1, (first - 1 + n) * size) end
  return self:put(text)
end

local function writeOne(file, row, value)
  if not file.isText or raw[row.name] then
    local short = row.name == 'Long' and file.long == 4
    if short then checkShort(value) end
    local text = bytes.encode[short and 'Int' or row.name](value)
    if file.swapped and not file.isText then text = text:reverse() end
    return written(file, 1, file:put(text .. (file.isText and file.spacing and '\n' or '')))
  end
  return written(file, 1, file:put((formats[row.name] or '%d'):format(value) .. (file.spacing and '\n' or '')))
end

local function writeMany(file, row, storage, first, n)
  local good, why
  if file.isText and not raw[row.name] then
    local words, format = {}, formats[row.name] or '%d'
    for i = 1, n do words[i] = format:format(storage[first + i - 1]) end
    good, why = file:put(table.concat(words, ' '))
  else
    if row.name == 'Long' and file.long == 4 then
      for i = first, first + n - 1 do checkShort(storage[i]) end
      storage = storage:type 'torch.IntStorage'
    end
    if file.swapped and not file.isText then
      good, why = file:put(bytes.swap(storage:string(), storage:elementSize()):sub((first - 1) * storage:elementSize() + 1,
        (first - 1 + n) * storage:elementSize()))
    else good, why = file:putStorage(storage, first, n) end
  end
  if good and file.isText and file.spacing and n > 0 then good, why = file:put '\n' end
  return written(file, n, good, why)
end

for _, row in ipairs(dtype.rows) do
  --- readInt() gives a number, readInt(n) a storage of n, readInt(storage) fills one and gives how many were read; the same for
  -- every type. In quiet mode as many as the file has are read.
  -- @function File:readInt
  File['read' .. row.name] = function(self, n)
    if n == nil then return readOne(self, row) end
    if type(n) == 'number' then
      if n < 0 or n % 1 ~= 0 then return self:fail('%.17g elements cannot be read', n) end
      return readMany(self, row, n)
    end
    if torch.typename(n) ~= row.storage then
      raise(('read%s: nothing, a number or a %s is needed'):format(row.name, row.storage))
    end
    local storage = readMany(self, row, n:size())
    local read = storage:size()
    torch.getmetatable(row.storage).new(n, 1, read):copy(storage)
    return read
  end
  --- writeInt(number) or writeInt(storage[, first, n]) gives how many were written; the same for every type.
  -- @function File:writeInt
  File['write' .. row.name] = function(self, value, first, n)
    if type(value) == 'number' then return writeOne(self, row, value) end
    if torch.typename(value) ~= row.storage then
      raise(('write%s: a number or a %s is needed'):format(row.name, row.storage))
    end
    first = own.integer(first or 1)
    n = own.integer(n or value:size() - first + 1)
    if first < 1 or n < 0 or first - 1 + n > value:size() then
      raise(('write%s: %.0f elements from %.0f on do not lie in a storage of %d'):format(row.name, n, first, value:size()))
    end
    return writeMany(self, row, value, first, n)
  end
end

function File:readBool() return self:readInt() == 1 end
function File:writeBool(value) return self:writeInt(value and 1 or 0) end

--- '*a' reads what is left, '*l' a line. At the end of the file that fails; in quiet mode it gives ''.
function File:readString(format)
  local kind = type(format) == 'string' and format:sub(1, 2)
  if kind ~= '*a' and kind ~= '*l' then raise(("readString: the format is '*a' or '*l', not %s"):format(tostring(format))) end
  if self:left() == 0 then
    self:fail(self:isReadable() and 'nothing is left to read' or 'the file is not open for reading')
    return ''
  end
  if kind == '*a' then return self:take(self:left()) or '' end
  local parts = {}
  while self:left() > 0 do
    local c = self:take(1)
    if not c or c == '\n' then return table.concat(parts) end
    parts[#parts + 1] = c
  end
  return table.concat(parts)
end

--- Gives the number of bytes written.
function File:writeString(text)
  if type(text) ~= 'string' then own.bad('writeString', 'the text', 'a string', text) end
  return written(self, #text, self:put(text))
end

return File
