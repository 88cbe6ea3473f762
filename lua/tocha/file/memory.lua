--- torch.MemoryFile: a file in memory. torch.MemoryFile([storage or string,] [mode]), mode 'r', 'w' or 'rw' (the default).
-- A file that began empty and holds only what its writeObject wrote is `isOurs`: the functions in it are this program's own.
-- @module tocha.file.memory
local torch = require 'tocha'
local raise = require 'tocha.bindings.own'.raise
require 'tocha.file.base'

local MemoryFile, File = torch.class('torch.MemoryFile', 'torch.File', torch)

function MemoryFile:__init(from, mode)
  if type(from) == 'string' and not mode and (from == 'r' or from == 'w' or from == 'rw') then from, mode = nil, from end
  if from ~= nil and type(from) ~= 'string' and not torch.isStorage(from) then
    raise(('MemoryFile: a storage or a string is wanted, not a %s'):format(torch.type(from)))
  end
  mode = mode or 'rw'
  if mode ~= 'r' and mode ~= 'w' and mode ~= 'rw' then
    raise(("MemoryFile: the mode is 'r', 'w' or 'rw', not %q"):format(tostring(mode)))
  end
  File.__init(self, 'MemoryFile')
  self.mode, self.at = mode, 1
  self.isOurs = from == nil
  local text = type(from) == 'string' and from or from and from:string() or ''
  if text:sub(-1) == '\0' and type(from) ~= 'string' then text = text:sub(1, -2) end
  self.parts, self.size = { text }, #text
end

local function checkOpen(self)
  if self.closed then raise(self.name .. ': the file is closed') end
end

-- All parts as one string.
local function contents(self)
  checkOpen(self)
  if #self.parts > 1 then self.parts = { table.concat(self.parts) } end
  return self.parts[1] or ''
end

function MemoryFile:isReadable() return self.mode ~= 'w' end
function MemoryFile:isWritable() return self.mode ~= 'r' end
function MemoryFile:left()
  checkOpen(self)
  return self.size - self.at + 1
end

function MemoryFile:take(n)
  if self.mode == 'w' then return self:fail 'the file is not open for reading' end
  local text = contents(self):sub(self.at, self.at + n - 1)
  if #text < n then return nil end
  self.at = self.at + n
  return text
end

function MemoryFile:token()
  local word, after = contents(self):match('^%s*(%S+)()', self.at)
  if word then self.at = after end
  return word
end

function MemoryFile:eatNewline()
  if contents(self):byte(self.at) == 10 then self.at = self.at + 1 end
end

function MemoryFile:put(text)
  checkOpen(self)
  if self.mode == 'r' then return nil, 'the file is not open for writing' end
  self.isOurs = self.isOurs and self.writing
  if self.at > self.size then
    self.parts[#self.parts + 1] = text
  else
    local old = contents(self)
    self.parts = { old:sub(1, self.at - 1), text, old:sub(self.at + #text) }
  end
  self.at = self.at + #text
  self.size = math.max(self.size, self.at - 1)
  return true
end

function MemoryFile:position()
  checkOpen(self)
  return self.at
end

function MemoryFile:move(position)
  checkOpen(self)
  if position > self.size + 1 then return nil, ('position %.0f is not within 1..%d'):format(position, self.size + 1) end
  self.at = position
  return true
end

function MemoryFile:seekEnd()
  checkOpen(self)
  self.at = self.size + 1
  return self
end

--- What was written, as a string.
function MemoryFile:string() return contents(self) end

--- What was written, as a CharStorage with a zero at the end.
function MemoryFile:storage() return torch.CharStorage():string(contents(self) .. '\0') end

function MemoryFile:isOpened() return not self.closed end
function MemoryFile:close() self.parts, self.closed = {}, true end

return MemoryFile
