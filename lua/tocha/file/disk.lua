--- torch.DiskFile(name, mode, quiet): a file on the disk, mode 'r', 'w' (starts empty) or 'rw', or nil where it cannot be opened
-- and quiet is true; and the file that torch.save writes, which appears whole or not at all.
-- @module tocha.file.disk
local torch = require 'tocha'
local writer = require 'tocha.bindings.file'
local own = require 'tocha.bindings.own'
require 'tocha.file.base'

local raise = own.raise

-- The constructor of files that may not open.
local function open(class, ...)
  local file = setmetatable({}, class)
  file:__init(...)
  return not file.failed and file or nil
end

local DiskFile, File = torch.class.newmetatable('torch.DiskFile', 'torch.File', open, torch)

local modes = { r = 'rb', w = 'wb', rw = 'r+b' }

function DiskFile:__init(name, mode, quiet)
  mode = mode or 'r'
  if type(name) ~= 'string' then own.bad('DiskFile', 'the name', 'a string', name) end
  if not modes[mode] then raise(("DiskFile: the mode is 'r', 'w' or 'rw', not %q"):format(tostring(mode))) end
  File.__init(self, name)
  self.mode, self.isQuiet_ = mode, quiet == true
  local handle, why = io.open(name, modes[mode])
  if not handle and mode == 'rw' then handle, why = io.open(name, 'w+b') end
  if handle and mode ~= 'w' then
    self.size = handle:seek 'end'
    handle:seek('set', 0)
    if not self.size or not handle:read(0) and self.size > 0 then
      handle:close()
      handle, why = nil, name .. ': it is no file that can be read'
    end
  end
  if not handle and not self.isQuiet_ then raise(('cannot %s %s'):format(mode == 'r' and 'read' or 'write', why)) end
  self.handle, self.failed = handle, not handle
end

function DiskFile:isOpened() return self.handle ~= nil end
function DiskFile:isReadable() return self.mode ~= 'w' end
function DiskFile:isWritable() return self.mode ~= 'r' end

local function handleOf(self)
  return self.handle or raise(self.name .. ': the file is closed')
end

-- Text is scanned in memory: `text` is what followed `start` bytes, `at` the place within.
local function scan(self)
  if not self.text then
    local handle = handleOf(self)
    self.start = handle:seek()
    self.text, self.at = handle:read '*a' or '', 1
  end
end

-- Back to plain reading and writing at the same place.
local function unscan(self)
  if self.text then
    handleOf(self):seek('set', self.start + self.at - 1)
    self.text = nil
  end
end

function DiskFile:position()
  return (self.text and self.start + self.at - 1 or handleOf(self):seek()) + 1
end

function DiskFile:left()
  if self.mode == 'w' then return 0 end
  return math.max(self.size - self:position() + 1, 0)
end

function DiskFile:take(n)
  if self.mode == 'w' then return self:fail 'the file is not open for reading' end
  if self.text then
    local text = self.text:sub(self.at, self.at + n - 1)
    if #text < n then return nil end
    self.at = self.at + n
    return text
  end
  if n == 0 then return '' end
  local text = handleOf(self):read(n)
  return text and #text == n and text or nil
end

function DiskFile:token()
  scan(self)
  local word, after = self.text:match('^%s*(%S+)()', self.at)
  if word then self.at = after end
  return word
end

function DiskFile:eatNewline()
  scan(self)
  if self.text:byte(self.at) == 10 then self.at = self.at + 1 end
end

function DiskFile:put(text)
  if self.mode == 'r' then return nil, 'the file is not open for writing' end
  unscan(self)
  local handle = handleOf(self)
  local good, why = handle:write(text)
  if good and self.size then self.size = math.max(self.size, handle:seek()) end
  return good, why
end

function DiskFile:move(position)
  self.text = nil
  local at, why = handleOf(self):seek('set', position - 1)
  if not at then return nil, ('position %.0f cannot be reached: %s'):format(position, why) end
  return true
end

function DiskFile:seekEnd()
  self.text = nil
  handleOf(self):seek 'end'
  return self
end

--- From now on what is written reaches the file at once.
function DiskFile:noBuffer()
  handleOf(self):setvbuf 'no'
  return self
end

function DiskFile:synchronize()
  handleOf(self):flush()
  return self
end

function DiskFile:close()
  local handle = handleOf(self)
  self.handle, self.text = nil, nil
  local good, why = handle:close()
  if not good then self:fail('%s', why) end
end

-- -- whole or not at all ------------------------------------------------------------------------------------------

local SaveFile = setmetatable({}, { __index = File })
SaveFile.__index = SaveFile

local function newSaveFile(name)
  local out, why = writer.create(name)
  if not out then raise(why) end
  local self = setmetatable({ out = out }, SaveFile)
  File.__init(self, name)
  return self
end

function SaveFile:fail(format, ...) raise(format:format(...)) end
function SaveFile:take() return self:fail 'the file is not open for reading' end
function SaveFile:put(text) return self.out:write(text) end
function SaveFile:putStorage(storage, first, n) return self.out:writeStorage(storage, first, n) end
function SaveFile:left() return 0 end
function SaveFile:isReadable() return false end
function SaveFile:isWritable() return true end

--- Gives the file its name; what was there before is replaced.
function SaveFile:commit()
  local good, why = self.out:commit()
  if not good then raise(why) end
end

--- Drops what was written; what was there before stays.
function SaveFile:discard() self.out:discard() end

return { DiskFile = torch.DiskFile, SaveFile = newSaveFile, open = open }
