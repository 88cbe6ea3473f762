--- Finds and loads the shared library, from the place where this file lies.
--
-- In a checkout it is build/libtocha.so (or $TOCHA_BUILD/libtocha.so); installed, libtocha.so is searched along
-- package.cpath and in the lib folder of the tree that this file was installed into.
-- @module tocha.bindings.library
local ffi = require 'ffi'

local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'

local function exists(path)
  local file = io.open(path, 'rb')
  if file then file:close() end
  return file ~= nil
end

local function find()
  local root = here .. '../'
  if exists(root .. 'engine/include/tocha.h') then
    local build = os.getenv 'TOCHA_BUILD' or 'build'
    if not build:find('^/') then build = root .. build end
    local path = build .. '/libtocha.so'
    if exists(path) then return path end
    error(('tocha: %s is missing: run `make` in %s'):format(path, root), 0)
  end
  local path = package.searchpath('libtocha', package.cpath)
  if path then return path end
  path = here .. '../../../../../lib/lua/5.1/libtocha.so'
  if exists(path) then return path end
  error('tocha: libtocha.so was found neither along package.cpath nor at ' .. path .. ': install tocha again', 0)
end

ffi.cdef(require 'tocha.bindings.cdef')
local path = find()
local library = ffi.load(path)
if library.tch_abi() ~= library.TCH_ABI then
  error(('tocha: %s speaks version %d of the binary interface, but the Lua files beside it were made for version %d: '
    .. 'run `make` or install again'):format(path, library.tch_abi(), library.TCH_ABI), 0)
end
return library
