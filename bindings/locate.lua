--- Finds tocha's shared libraries from the place where this file lies.
--
-- In a checkout they lie in build/ (or $TOCHA_BUILD); installed, they are searched along package.cpath and in the lib folder
-- of the tree that this file was installed into.
-- @module tocha.bindings.locate
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'

local function exists(path)
  local file = io.open(path, 'rb')
  if file then file:close() end
  return file ~= nil
end

--- The path of a library, 'libtocha', or an error that says where it was looked for.
return function(name)
  local root = here .. '../'
  if exists(root .. 'engine/include/tocha.h') then
    local build = os.getenv 'TOCHA_BUILD' or 'build'
    if not build:find('^/') then build = root .. build end
    local path = ('%s/%s.so'):format(build, name)
    if exists(path) then return path end
    error(('tocha: %s is missing: run `make` in %s'):format(path, root), 0)
  end
  local path = package.searchpath(name, package.cpath)
  if path then return path end
  path = ('%s../../../../../lib/lua/5.1/%s.so'):format(here, name)
  if exists(path) then return path end
  error(('tocha: %s.so was found neither along package.cpath nor at %s: install tocha again'):format(name, path), 0)
end
