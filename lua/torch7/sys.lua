--- Clock, commands and colours: Torch7's package `sys`. Sets the global sys.
-- @module sys
local torch = require 'torch'
local guard = require 'tocha.bindings.guard'
local timer = require 'tocha.bindings.timer'
local paths = require 'paths'

local sys = {}
local start = torch.tic()

function sys.tic() start = torch.tic() end

--- Seconds since the last tic; prints them if told to.
function sys.toc(verbose)
  local seconds = torch.tic() - start
  if verbose then print(seconds) end
  return seconds
end

local function trim(text) return (text:gsub('^%s+', ''):gsub('%s+$', '')) end

--- What a command prints, errors too, without the white space around it.
function sys.execute(command)
  local pipe = io.popen(command .. ' 2>&1')
  local text = pipe:read '*a'
  pipe:close()
  return trim(text)
end

--- As execute, reading what `format` says ('*all').
function sys.fexecute(command, format)
  local pipe = io.popen(command .. ' 2>&1')
  local text = pipe:read(format or '*all')
  pipe:close()
  return type(text) == 'string' and trim(text) or text
end

function sys.uname()
  return ({ Linux = 'linux', OSX = 'macos', Windows = 'windows' })[jit.os] or '?'
end
sys.OS = sys.uname()

for name, options in pairs { ls = '', ll = '-l ', la = '-a ', lla = '-la ' } do
  sys[name] = function(folder) return sys.execute('ls ' .. options .. (folder or '')) end
end

sys.prefix = paths.dirname(paths.execdir())

--- The pieces of a text between matches of a pattern; an empty first piece is left out.
function sys.split(text, pattern)
  local pieces, from = {}, 1
  local first, last = text:find(pattern, from)
  while first and last >= first do
    if first > 1 then pieces[#pieces + 1] = text:sub(from, first - 1) end
    from = last + 1
    first, last = text:find(pattern, from)
  end
  if from <= #text then pieces[#pieces + 1] = text:sub(from) end
  return pieces
end

function sys.isNaN(number) return number ~= number end

--- Waits.
function sys.sleep(seconds) timer.sleep(seconds) end
function sys.usleep(microseconds) timer.sleep(microseconds / 1e6) end

guard.functions('sys.', sys)

--- Seconds as a number with a fraction; only differences mean something.
sys.clock = torch.tic
sys.COLORS, sys.fpath = require 'sys.colors', require 'sys.fpath'

-- Older scripts find these here.
for _, name in ipairs { 'concat', 'dirname', 'basename', 'filep', 'dirp', 'dir', 'files' } do sys[name] = paths[name] end

rawset(_G, 'sys', sys)
return sys
