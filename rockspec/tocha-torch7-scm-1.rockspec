rockspec_format = '3.0'
package = 'tocha-torch7'
version = 'scm-1'
source = {
  url = 'git+file://.', -- from a checkout: luarocks --lua-version=5.1 make rockspec/tocha-torch7-scm-1.rockspec
}
description = {
  summary = 'Runs programs written for Torch7 on tocha',
  detailed = [[
require 'torch', 'nn', 'optim', 'image', 'paths', 'sys', 'xlua', 'threads', 'tds' and others with Torch7's globals and defaults, and
the command th. Not to be installed beside Torch7 itself, whose names these are.]],
  license = 'MIT',
}
dependencies = { 'lua == 5.1', 'tocha', 'penlight', 'luafilesystem', 'bit32' }
build = {
  type = 'make',
  build_pass = false,
  install_target = 'install-door',
  install_variables = { PREFIX = '$(PREFIX)', LUADIR = '$(LUADIR)', BINDIR = '$(BINDIR)' },
}
