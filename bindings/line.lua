--- Lines typed at a terminal: with editing, a history and completion where libedit is installed (libedit2 in Debian), else as
-- they come.
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
typedef char *tocha_completion(const char *word, int number);
extern tocha_completion *rl_completion_entry_function;
extern const char *rl_completer_word_break_characters;
extern int rl_completion_append_character, rl_point;
extern char *rl_line_buffer;
char *filename_completion_function(const char *word, int number);
char *strdup(const char *text);
typedef void tocha_handler(int signal);
tocha_handler *signal(int number, tocha_handler *handler);
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

local BREAKS = ' \t\n"\\\'`@$><=;|&{}()[],+-*/^~#%' -- between words; names with dots and colons are one

--- Completes words at the tab key, where lines are edited: complete(word, before) gives a list of what the word may become,
-- `before` being the line up to it, or nil for names of files.
function line.complete(complete)
  if not file.isTerminal(0) or not library() or not pcall(function() return edit.rl_completion_entry_function end) then return end
  local list
  -- Called with number 0, 1, ... until it gives NULL; what it gives is freed there.
  local function next_(word, number)
    local text = ffi.string(word)
    if number == 0 then
      local good, found = pcall(complete, text, ffi.string(edit.rl_line_buffer, math.max(edit.rl_point - #text, 0)))
      list = good and found or nil
    end
    if not list then return edit.filename_completion_function(word, number) end
    return list[number + 1] and ffi.C.strdup(list[number + 1]) or nil
  end
  jit.off(next_)
  edit.rl_completion_entry_function = ffi.cast('tocha_completion *', next_)
  edit.rl_completer_word_break_characters = BREAKS
  edit.rl_completion_append_character = 0
end

local SIGINT, interrupt = 2, nil

--- Lets Ctrl-C raise an error in the script, as the interpreter does once: its second one would end the process.
function line.interruptible()
  if not file.isTerminal(0) then return end
  interrupt = interrupt or ffi.C.signal(SIGINT, nil)
  ffi.C.signal(SIGINT, interrupt)
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
jit.off(line.read) -- readline calls back

return line
