--- Lines typed at a terminal: with editing and a history where libedit is installed (libedit2 in Debian), else as they come.
-- @module tocha.bindings.line
local ffi = require 'ffi'
local file = require 'tocha.bindings.file'

local line, path = {}, nil
local edit -- the library, or false

ffi.cdef [[
char *readline(const char *prompt);
int add_history(const char *line);
int read_history(const char *path);
int write_history(const char *path);
void stifle_history(int lines);
void free(void *memory);
]]

local function library()
  if edit ~= nil then return edit end
  edit = false
  for _, name in ipairs { 'libedit.so.2', 'edit', 'libedit.so.0' } do
    local found, loaded = pcall(ffi.load, name)
    if found and pcall(function() return loaded.readline, loaded.stifle_history end) then
      edit = loaded
      break
    end
  end
  return edit
end

--- Keeps what is typed at a terminal in a file, of at most 1000 lines, and begins with what is there.
function line.history(name)
  if not file.isTerminal(0) or not library() then return end
  path = name
  edit.stifle_history(1000)
  edit.read_history(path)
end

--- The next line of standard input without its end, after the prompt where that is a terminal; nil at the end.
function line.read(prompt)
  if not file.isTerminal(0) then return io.read '*l' end
  io.write(library() and '' or prompt)
  io.flush()
  if not edit then return io.read '*l' end
  local typed = edit.readline(prompt)
  if typed == nil then
    io.write '\n'
    return nil
  end
  local text = ffi.string(typed)
  ffi.C.free(typed)
  if text:find '%S' then
    edit.add_history(text)
    if path then edit.write_history(path) end
  end
  return text
end

return line
