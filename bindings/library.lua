--- Loads the engine's shared library.
-- @module tocha.bindings.library
local ffi = require 'ffi'

ffi.cdef(require 'tocha.bindings.cdef')
local path = require 'tocha.bindings.locate' 'libtocha'
local library = ffi.load(path)
if library.tch_abi() ~= library.TCH_ABI then
  error(('tocha: %s speaks version %d of the binary interface, but the Lua files beside it were made for version %d: '
    .. 'run `make` or install again'):format(path, library.tch_abi(), library.TCH_ABI), 0)
end
return library
