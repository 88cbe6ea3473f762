--- Names of files and folders: Torch7's package `paths`, on LuaFileSystem. Sets the global paths.
-- @module paths
local lfs = require 'lfs'
require 'tocha'
local own = require 'tocha.bindings.own'

local paths = {}
own.folder(debug.getinfo(1, 'S').source:sub(2))

-- -- names --------------------------------------------------------------------------------------------------------

--- The full name of the working folder.
function paths.cwd() return lfs.currentdir() end

-- A full name, and a name relative to it, made one.
local function join(from, name)
  local parts = {}
  if name:sub(1, 1) ~= '/' then
    for part in from:gmatch '[^/]+' do parts[#parts + 1] = part end
  end
  for part in name:gmatch '[^/]+' do
    if part == '..' then parts[#parts] = nil
    elseif part ~= '.' then parts[#parts + 1] = part end
  end
  return '/' .. table.concat(parts, '/')
end

--- The full name of its first argument seen from the working folder, of its second seen from there, and so on.
function paths.concat(...)
  local name = lfs.currentdir()
  for i = 1, select('#', ...) do
    local part = select(i, ...)
    if type(part) ~= 'string' and type(part) ~= 'number' then
      own.raise(('paths.concat: argument %d is a %s, but a string is needed'):format(i, type(part)))
    end
    name = join(name, tostring(part))
  end
  return name
end

local function need(what, name)
  if type(name) ~= 'string' then own.raise(('paths.%s: the name is a %s, but a string is needed'):format(what, type(name))) end
end

--- The last part of a name, without the suffix (given with or without its dot).
function paths.basename(name, suffix)
  need('basename', name)
  local base = name:match '([^/]+)/*$' or ''
  suffix = suffix and suffix:gsub('^%.', '') or ''
  local tail = '.' .. suffix
  if suffix ~= '' and #base > #tail and base:sub(-#tail) == tail then base = base:sub(1, -#tail - 1) end
  return base
end

--- What stands before the last part of a name: '.' for a bare name.
function paths.dirname(name)
  need('dirname', name)
  local head = name:match '^(.*)/[^/]+/*$'
  if head then return head == '' and '/' or head end
  return name:sub(1, 1) == '/' and name or '.'
end

--- What follows the last dot, or nothing.
function paths.extname(name)
  need('extname', name)
  return name:match '%.([^.]*)$'
end

-- -- what is there ------------------------------------------------------------------------------------------------

local function mode(name) return type(name) == 'string' and lfs.attributes(name, 'mode') or nil end

--- Whether a file (not a folder) of the name exists.
function paths.filep(name)
  need('filep', name)
  local kind = mode(name)
  return kind ~= nil and kind ~= 'directory'
end

--- Whether a folder of the name exists.
function paths.dirp(name)
  need('dirp', name)
  return mode(name) == 'directory'
end

--- The names in a folder, with '.' and '..', in the order of the system; nil if there is no such folder.
function paths.dir(name)
  name = name or '.'
  if not paths.dirp(name) then return nil end
  local list = {}
  for entry in lfs.dir(name) do list[#list + 1] = entry end
  return list
end

--- Iterates over the names in a folder that a pattern or a function lets pass.
function paths.files(name, passes)
  if type(passes) == 'string' then
    local pattern = passes
    passes = function(file) return file:find(pattern) end
  elseif passes ~= nil and type(passes) ~= 'function' then
    own.raise(('paths.files: the second argument is a %s, not a pattern or a function'):format(type(passes)))
  end
  local list, i = paths.dir(name) or {}, 0
  return function()
    repeat i = i + 1 until list[i] == nil or not passes or passes(list[i])
    return list[i]
  end
end

local function iterate(name, is)
  return paths.files(name, function(entry)
    return entry ~= '.' and entry ~= '..' and is(paths.concat(name, entry))
  end)
end

--- Iterates over the names of the folders in a folder.
function paths.iterdirs(name) return iterate(name, paths.dirp) end
--- Iterates over the names of the files in a folder.
function paths.iterfiles(name) return iterate(name, paths.filep) end

-- -- making and removing ------------------------------------------------------------------------------------------

--- Makes a folder and those above it. True, or nil and why not.
function paths.mkdir(name)
  need('mkdir', name)
  local above = paths.dirname(name)
  if above ~= name and not paths.dirp(above) then
    local made, why = paths.mkdir(above)
    if not made then return nil, why end
  end
  return lfs.mkdir(name)
end

--- Removes an empty folder.
function paths.rmdir(name)
  need('rmdir', name)
  return lfs.rmdir(name)
end

--- Removes a file, or a folder with all that is in it; `sure` must be the string 'yes'.
function paths.rmall(name, sure)
  need('rmall', name)
  if sure ~= 'yes' then return nil, "missing second argument ('yes')" end
  if lfs.symlinkattributes(name, 'mode') == 'directory' then
    for _, entry in ipairs(paths.dir(name)) do
      if entry ~= '.' and entry ~= '..' then
        local removed, why, which = paths.rmall(name .. '/' .. entry, sure)
        if not removed then return nil, why, which end
      end
    end
    return lfs.rmdir(name)
  end
  return os.remove(name)
end

local temporary

--- The name of a temporary file, which is removed when Lua ends.
function paths.tmpname()
  if not temporary then
    temporary = newproxy(true)
    getmetatable(temporary).__gc = function() for _, name in ipairs(paths.temporary) do os.remove(name) end end
    paths.temporary = {}
  end
  local name = os.tmpname()
  table.insert(paths.temporary, name)
  return name
end

-- -- files that run -----------------------------------------------------------------------------------------------

--- The full name of the file that calls, or of `name` beside it; nil for code that lies in no file.
function paths.thisfile(name, depth)
  local source = debug.getinfo(depth or 2, 'S').source
  local file = source:match '^@(.*)'
  file = file and paths.concat(file)
  if type(name) ~= 'string' then return file end
  return file and paths.concat(paths.dirname(file), name) or name
end

--- Runs a file whose name is relative to the file that calls.
function paths.dofile(name, depth)
  need('dofile', name)
  local caller = paths.thisfile(nil, 1 + (depth or 2))
  return dofile(caller and paths.concat(paths.dirname(caller), name) or name)
end

paths.require = require

-- -- the system ---------------------------------------------------------------------------------------------------

--- The first of the programs that lies along PATH, by its full name.
function paths.findprogram(...)
  for i = 1, select('#', ...) do
    for folder in (os.getenv 'PATH' or '.'):gmatch '[^:]+' do
      local name = paths.concat(folder, (select(i, ...)))
      if paths.filep(name) then return name end
    end
  end
end

--- The names of the system, of this machine, and of its kind of processor.
function paths.uname()
  local names = { Linux = 'Linux', OSX = 'Darwin', Windows = 'Windows', BSD = 'BSD', POSIX = 'POSIX' }
  local host = io.open '/proc/sys/kernel/hostname'
  local name = host and host:read '*l' or os.getenv 'HOSTNAME' or ''
  if host then host:close() end
  return names[jit.os] or jit.os, name, jit.arch
end

function paths.is_win() return jit.os == 'Windows' end
function paths.is_mac() return jit.os == 'OSX' end
function paths.getregistryvalue() error('paths.getregistryvalue: this system has no registry', 2) end

--- The folder of the program that runs Lua.
function paths.execdir()
  local least = 0
  while arg and arg[least - 1] do least = least - 1 end
  local program = arg and arg[least] or 'luajit'
  program = program:find '/' and paths.concat(program) or paths.findprogram(program)
  return program and paths.dirname(program) or '.'
end

paths.home = os.getenv 'HOME' or '.'
local here = paths.concat(paths.dirname(debug.getinfo(1, 'S').source:match '^@(.*)'))
paths.install_lua_path = here
paths.install_prefix = here:match '^(.*)/share/lua/5%.1$' or here:match '^(.*)/lua/torch7$' or here
for name, folder in pairs { bin = '/bin', lib = '/lib', share = '/share', include = '/include', man = '/share/man',
                            html = '/share/html', hlp = '/share/hlp', cmake = '/share/cmake' } do
  paths['install_' .. name] = paths.install_prefix .. folder
end
paths.install_lua_cpath = paths.install_prefix .. '/lib/lua/5.1'

rawset(_G, 'paths', paths)
return paths
