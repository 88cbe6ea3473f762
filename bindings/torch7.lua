--- The names of the types in Torch7's C library, with nothing in them, so that packages that declare functions of it load.
-- @module tocha.bindings.torch7
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'

ffi.cdef 'typedef struct THGenerator THGenerator; typedef struct THAllocator THAllocator;'
for _, name in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Half', 'Float', 'Double' } do
  ffi.cdef((('typedef struct THxStorage THxStorage; typedef struct THxTensor THxTensor;'):gsub('x', name)))
end

-- torch._gen of packages that hand `ffi.typeof('THGenerator**')(torch._gen)[0]` to a kernel
return { generator = ffi.new('THGenerator *[1]', ffi.cast('THGenerator *', C.tch_random_default())) }
