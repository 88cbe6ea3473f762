#!/bin/sh
# Installs into fresh folders, by make and by luarocks, and uses the result from a third folder.
# Usage, from the root: tests/install.sh [BUILD]. Writes "PASSED FAILED" to BUILD/tests/install.count.
set -u
build=${1:-build}
root=$(pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT INT TERM
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES LUA_PATH LUA_CPATH TOCHA_BUILD
mkdir -p "$build/tests" "$tree/elsewhere"
passed=0 failed=0

check() { # check NAME COMMAND...
  name=$1
  shift
  if "$@" >"$tree/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    cat "$tree/log"
    echo "install: $name failed: $*"
  fi
}

# uses TREE: a program elsewhere, with the tree's module paths, trains a little.
uses() (
  cd "$tree/elsewhere" || exit 1
  LUA_PATH="$1/share/lua/5.1/?.lua;$1/share/lua/5.1/?/init.lua;;" LUA_CPATH="$1/lib/lua/5.1/?.so;;" luajit -e "
    local torch, nn = require 'tocha', require 'tocha.nn'
    local model, criterion = nn.Sequential():add(nn.Linear(3, 2)), nn.MSECriterion()
    local x, y = torch.randn(4, 3), torch.randn(4, 2)
    local before = criterion:forward(model:forward(x), y)
    model:zeroGradParameters()
    model:backward(x, criterion:backward(model.output, y))
    model:updateParameters(0.1)
    assert(criterion:forward(model:forward(x), y) < before)"
)
launches() (
  cd "$tree/elsewhere" || exit 1
  echo "print(require('tocha').Tensor(2, 3):nElement())" >six.lua
  [ "$("$1/bin/tocha" six.lua)" = 6 ]
)
opens() (
  cd "$tree/elsewhere" || exit 1
  "$1/bin/th" -e "require 'nn' assert(nn.Linear(2, 1):forward(torch.ones(2)):type() == 'torch.DoubleTensor')
    local pool = require 'threads' (1)
    pool:addjob(function() return torch.ones(2):sum() end, function(sum) assert(sum == 2) end)
    pool:terminate()"
)
# A C program against the installed header and library.
links() (
  cd "$tree/elsewhere" || exit 1
  printf '#include <tocha.h>\nint main(void) { return tch_abi() == TCH_ABI ? 0 : 1; }\n' >abi.c
  ${CC:-cc} -I"$1/include" abi.c -o abi "$1/lib/lua/5.1/libtocha.so" -Wl,-rpath,"$1/lib/lua/5.1" && ./abi
)
gone() { [ -z "$(find "$1" -type f)" ]; }

check 'make install' make install PREFIX="$tree/prefix" BUILD="$build"
check 'use after make install' uses "$tree/prefix"
check 'launcher after make install' launches "$tree/prefix"
check 'C program after make install' links "$tree/prefix"
check 'make uninstall' make uninstall PREFIX="$tree/prefix" BUILD="$build"
check 'nothing left behind' gone "$tree/prefix"
if command -v luarocks >/dev/null 2>&1; then
  check 'luarocks make' luarocks --lua-version=5.1 make rockspec/tocha-scm-1.rockspec --tree="$tree/rocks"
  check 'use of the rock' uses "$tree/rocks"
  check 'launcher of the rock' launches "$tree/rocks"
  check 'luarocks make of the door' luarocks --lua-version=5.1 make --deps-mode=none \
    rockspec/tocha-torch7-scm-1.rockspec --tree="$tree/rocks"
  check 'th of the rock' opens "$tree/rocks"
else
  echo 'install: no luarocks here, so the rock is not tested'
fi
echo "install: $passed passed, $failed failed"
echo "$passed $failed" >"$root/$build/tests/install.count"
[ "$failed" -eq 0 ]
