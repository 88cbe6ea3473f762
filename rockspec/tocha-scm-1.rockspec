rockspec_format = '3.0'
package = 'tocha'
version = 'scm-1'
source = {
  url = 'git+file://.', -- build from a checkout: luarocks --lua-version=5.1 make rockspec/tocha-scm-1.rockspec
}
description = {
  summary = 'Deep learning for LuaJIT, in the style of Torch7',
  detailed = [[
A deep learning engine in C, scripted from LuaJIT: tensors, automatic differentiation, neural networks and optimizers, with
the names and conventions of Torch7.]],
  license = 'MIT',
  labels = { 'deep-learning', 'neural-network', 'tensor', 'autograd', 'luajit', 'torch' },
}
-- LuaJIT 2.1; plain Lua 5.1 has no ffi.
dependencies = { 'lua == 5.1' }
build = {
  type = 'make',
  build_target = 'all',
  install_target = 'install',
  build_variables = {},
  install_variables = {
    PREFIX = '$(PREFIX)',
    LUADIR = '$(LUADIR)',
    LIBDIR = '$(LIBDIR)',
    BINDIR = '$(BINDIR)',
  },
}
