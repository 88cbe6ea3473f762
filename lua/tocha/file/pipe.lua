--- torch.PipeFile(command, mode, quiet): what a command of the shell prints ('r', the default), or its input ('w'); nil where it
-- cannot be run and quiet is true. Output is read to its end when the file is opened; then it is a file in memory.
-- @module tocha.file.pipe
local torch = require 'tocha'
local raise = require 'tocha.bindings.own'.raise
local open = require 'tocha.file.disk'.open
require 'tocha.file.memory'

local PipeFile, MemoryFile = torch.class.newmetatable('torch.PipeFile', 'torch.MemoryFile', open, torch)

function PipeFile:__init(command, mode, quiet)
  mode = mode or 'r'
  if mode ~= 'r' and mode ~= 'w' then raise(("PipeFile: the mode is 'r' or 'w', not %q"):format(tostring(mode))) end
  if type(command) ~= 'string' then raise('PipeFile: the command is a ' .. type(command)) end
  local handle, why = io.popen(command, mode)
  if not handle and not quiet then raise(('PipeFile: cannot run %s: %s'):format(command, why)) end
  MemoryFile.__init(self, handle and mode == 'r' and handle:read '*a' or '', mode)
  self.name, self.isQuiet_, self.failed = command, quiet, not handle
  if mode == 'w' then self.handle = handle elseif handle then handle:close() end
end

function PipeFile:put(text)
  if self.mode == 'r' then return nil, 'the file is not open for writing' end
  if not self.handle then return nil, 'the file is closed' end
  return self.handle:write(text)
end

function PipeFile:synchronize()
  if self.handle then self.handle:flush() end
  return self
end

--- Ends the input of the command and waits for it.
function PipeFile:close()
  if self.handle then self.handle:close() end
  self.handle = nil
  MemoryFile.close(self)
end

return PipeFile
