--- The names of the types in Torch7's C library, with nothing in them, so that packages that declare functions of it load.
-- @module tocha.bindings.torch7
local ffi = require 'ffi'

ffi.cdef 'typedef struct THGenerator THGenerator; typedef struct THAllocator THAllocator;'
for _, name in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Half', 'Float', 'Double' } do
  ffi.cdef((('typedef struct THxStorage THxStorage; typedef struct THxTensor THxTensor;'):gsub('x', name)))
end
