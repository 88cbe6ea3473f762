# tocha. `make help` lists the targets.
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
MAKEFLAGS += -j$(JOBS)
endif
.DELETE_ON_ERROR:

CC      := $(if $(filter default undefined,$(origin CC)),cc,$(CC))
SAN     ?=
CFLAGS  ?= $(if $(SAN),-O1,-O3) -g
LUAJIT  ?= luajit
PREFIX  ?= /usr/local
LUADIR  ?= $(PREFIX)/share/lua/5.1
LIBDIR  ?= $(PREFIX)/lib/lua/5.1
BINDIR  ?= $(PREFIX)/bin
INCDIR  ?= $(PREFIX)/include
comma   := ,
V       ?=
BUILD   ?= build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

warn    := -Wall -Wextra -Wno-unused-parameter -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Werror=implicit-function-declaration
std     := -std=gnu11 -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno -fno-trapping-math -pthread
san     := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
inc     := -Iengine -Iengine/include -I$(BUILD)/gen $(shell pkg-config --cflags openblas 2>/dev/null)
libs    := $(or $(shell pkg-config --libs openblas 2>/dev/null),-lopenblas) -lgif -ljpeg -lpng -lminizip -lz -lm -pthread
compile := $(CC) $(std) $(warn) $(CFLAGS) $(san) $(inc) -MMD -MP
link    := $(CC) $(CFLAGS) $(san) $(LDFLAGS)

# $(call say,WORD) prints the step; V=1 prints the commands instead.
quiet   := $(if $(V),,@)
say      = $(if $(V),,@printf '  %-5s %s\n' $(1) $@)

target  := $(shell $(CC) -dumpmachine 2>/dev/null)
machine := $(firstword $(subst -, ,$(target)))
linux   := $(findstring linux,$(target))
clang   := $(findstring clang,$(shell $(CC) --version 2>/dev/null))
gcc     := $(if $(clang),,gcc)
# Nothing unwinds through the library's frames, so the tables for that (a tenth of it) stay out; Lua's errors do unwind through the
# worker's.
nounwind := -fno-asynchronous-unwind-tables
# defs: every name must resolve, so that an op without a body fails here (a sanitizer's names come at run time).
# nodelete: a LuaJIT state that closes unloads its libraries, but the threads of the pool live on.
shared := -shared $(if $(linux),-Wl$(comma)-z$(comma)nodelete $(if $(SAN),,-Wl$(comma)-z$(comma)defs))

sources := $(filter-out engine/kernel/%,$(wildcard engine/*/*.c))
objects := $(sources:engine/%.c=$(BUILD)/%.o) $(BUILD)/op_entries.o
library := $(BUILD)/libtocha.so
# Lua states in threads: the only C that needs Lua's headers. Lua's functions are the host's, so they stay open here.
worker  := $(BUILD)/libtocha_worker.so
lua_lib := $(or $(shell pkg-config --libs luajit 2>/dev/null),-lluajit-5.1)
lua_inc := $(or $(shell pkg-config --cflags luajit 2>/dev/null),-I/usr/include/luajit-2.1)
open    := -shared $(if $(linux),-Wl$(comma)-z$(comma)nodelete,-undefined dynamic_lookup)
gen     := $(addprefix $(BUILD)/gen/,tocha_ops.h op_attr.h op_entries.c ops.lua ops_backward.lua cdef.lua)
ctests  := $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(wildcard tests/c/test_*.c))

# Kernel units: each is compiled once per type and instruction set. Elsewhere than on x86-64 the baseline is all (on arm64 it
# has NEON); on x86-64 it is for processors of before 2013, and small.
isas         := baseline $(if $(filter x86_64 amd64,$(machine)),avx2 avx512)
isa_baseline := $(if $(filter x86_64 amd64,$(machine)),-O2)
isa_avx2     := -mavx2 -mfma -mf16c
isa_avx512   := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
# Moving tests out of loops makes four copies of the tiles: ten times the time to compile, no gain.
unit_conv    := $(if $(gcc),-fno-unswitch-loops)
# The tile is unrolled by hand.
unit_tiled   := $(unit_conv) -O2
# Its loops are unrolled by hand; -Os makes them a fifth smaller and no slower.
unit_block   := -Os $(if $(gcc),-fno-unswitch-loops -fno-split-loops)
# Its loops are vectors already; -O3 moves tests out of them, which makes it half as large again, no faster.
unit_elementwise := -O2 -ftree-vectorize $(if $(gcc),-fvect-cost-model=dynamic)
# For processors of before 2013 these are small rather than fast.
old          := $(if $(filter x86_64 amd64,$(machine)),-Os)
elementwise_baseline := $(old)
conv_baseline        := $(old)
depthwise_baseline   := $(old)
winograd_baseline    := $(old)
types        := float double
units        := $(patsubst engine/kernel/%.c,%,$(wildcard engine/kernel/*.c))
float_only   := block
kernels      := $(foreach u,$(units),$(foreach t,$(if $(filter $(u),$(float_only)),float,$(types)),$(foreach i,$(isas),$(BUILD)/kernel/$(u)_$(t)_$(i).o)))

# -- what people ask for --------------------------------------------------------------------------------------------

all: $(library) $(worker) ## the library (the default)

help: ## this list
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1@\2/p' Makefile | sort | awk -F@ '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo 'Variables: CC CFLAGS LUAJIT JOBS PREFIX DESTDIR, V=1 (print commands), SAN=address,undefined (in a build folder of its own)'

deps: ## install by name what building and testing need
	@CC='$(CC)' LUAJIT='$(LUAJIT)' scripts/deps build test
deps-build:
	@CC='$(CC)' LUAJIT='$(LUAJIT)' scripts/deps build

# The second make sees what the set-up installed.
train: deps-build ## set up, build, train a network on the embedded digits (ARGS='--epochs 3')
	@$(MAKE) all
	@$(run) $(LUAJIT) scripts/train.lua $(ARGS)

bench: deps-build ## set up, build, time the workloads (ARGS='--threads 2 gemm_1024')
	@$(MAKE) all
	@$(run) $(LUAJIT) scripts/bench.lua $(or $(ARGS),list)

# Not a part of the tests: it takes a minute of processor time, and other programs may make it wrong.
bench-check: all ## compare each workload with its recorded ratio to OpenBLAS (ARGS='gemm_1024' for one)
	@$(run) $(LUAJIT) scripts/bench.lua check $(ARGS)
bench-record: all ## record those ratios for this processor
	@$(run) $(LUAJIT) scripts/bench.lua check --record $(ARGS)

# A library with a sanitizer needs its run time loaded first, so it is not one to install.
test: deps ## set up, build, run all tests
	@$(MAKE) all-tests || exit 1; \
	rm -f $(BUILD)/tests/*.count; status=0; \
	$(MAKE) test-c || status=1; \
	$(MAKE) test-lua || status=1; \
	$(if $(SAN),,$(MAKE) test-install || status=1;) \
	cat $(BUILD)/tests/*.count | awk '{ p += $$1; f += $$2 } END { printf "%d passed, %d failed\n", p, f }'; \
	exit $$status

quicktest: ## the tests without set-up and installation
	@$(MAKE) test-c && $(MAKE) test-lua

fuzz: all ## random calls for a while (SECONDS=60 SEED=1), best with SAN=address,undefined; FUZZ=decoders: damaged files; CASE=n: one again
	@mkdir -p $(BUILD)/tests; cd $(BUILD)/tests && $(patsubst TOCHA_BUILD=%,TOCHA_BUILD=$(abspath $(BUILD)),$(run)) \
	  LUA_PATH='$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;' $(LUAJIT) $(CURDIR)/tests/fuzz/$(if $(FUZZ),$(FUZZ),run).lua \
	  $(if $(CASE),--case $(CASE),$(or $(SECONDS),60) $(SEED)) || { s=$$?; grep -Ha '' fuzz-*.case 2>/dev/null | head -5; exit $$s; }

# -- generated files ------------------------------------------------------------------------------------------------

# Written aside and moved only if they changed, so that a new row does not rebuild what does not read it.
$(BUILD)/gen/.done: bindings/mkops.lua bindings/mkrows.lua bindings/mkcdef.lua engine/op/ops.def engine/kernel/elementwise.def engine/include/tocha.h
	@mkdir -p $(BUILD)/gen/new
	@$(LUAJIT) bindings/mkops.lua $(BUILD)/gen/new engine/op/ops.def engine/kernel/elementwise.def
	@$(LUAJIT) bindings/mkcdef.lua engine/include/tocha.h $(BUILD)/gen/new/tocha_ops.h > $(BUILD)/gen/new/cdef.lua
	@for f in $(notdir $(gen)); do \
	  cmp -s $(BUILD)/gen/new/$$f $(BUILD)/gen/$$f || mv $(BUILD)/gen/new/$$f $(BUILD)/gen/$$f || exit 1; done
	@touch $@
$(gen): $(BUILD)/gen/.done ;

# -- compiling ------------------------------------------------------------------------------------------------------

# $(call stamp,FILE,TEXT): a file that changes when TEXT does.
define stamp
$(1): FORCE
	@mkdir -p $$(@D); echo '$(2)' | cmp -s - $$@ || echo '$(2)' > $$@
endef
# The compiler by its file: `cc` and `gcc` may be the same.
compiler := $(or $(realpath $(shell command -v $(firstword $(CC)))),$(CC))
$(eval $(call stamp,$(BUILD)/flags,$(compiler) $(wordlist 2,99,$(CC)) $(std) $(warn) $(CFLAGS) $(nounwind) $(san) $(inc) \
  $(foreach i,$(isas),$(isa_$(i))) $(foreach u,$(units),$(unit_$(u)) $(foreach i,$(isas),$($(u)_$(i))))))
$(eval $(call stamp,$(BUILD)/parts,$(compiler) $(CFLAGS) $(LDFLAGS) $(shared) $(objects) $(kernels) $(libs)))

# Once per set of flags: what was found, or a sentence about what is missing.
$(BUILD)/found: $(BUILD)/flags scripts/found
	@CC='$(CC)' LUAJIT='$(LUAJIT)' scripts/deps --check build
	@CC='$(CC)' LUAJIT='$(LUAJIT)' scripts/found '$(isas)' | tee $@
ready := $(BUILD)/flags $(BUILD)/found | $(BUILD)/gen/.done

$(BUILD)/op_entries.o: $(BUILD)/gen/op_entries.c $(ready)
	$(call say,CC)
	$(quiet)$(compile) $(nounwind) -c $< -o $@

$(BUILD)/%.o: engine/%.c $(ready)
	@mkdir -p $(@D)
	$(call say,CC)
	$(quiet)$(compile) $(nounwind) -c $< -o $@

# What a plan does once, or once a step.
$(patsubst engine/%.c,$(BUILD)/%.o,$(wildcard engine/plan/*.c)): compile += -Os

# The public functions of ops, which fill in a record each.
$(BUILD)/op_entries.o: compile += -Os

# It only hands rows to kernels; -O3 would make it twice the size.
$(BUILD)/op/elementwise.o: compile += -O2

# Integers wrap around there.
$(BUILD)/op/integer.o: compile += -fwrapv

define kernel_rule
$(BUILD)/kernel/$(1)_$(2)_$(3).o: engine/kernel/$(1).c $(ready)
	@mkdir -p $$(@D)
	$$(call say,CC)
	$(quiet)$(compile) $(nounwind) $(isa_$(3)) $(unit_$(1)) $($(1)_$(3)) -DTCH_ISA=$(3) -DTCH_REAL=$(2) -DTCH_REAL_IS_$(2) -c $$< -o $$@
endef
$(foreach u,$(units),$(foreach t,$(types),$(foreach i,$(isas),$(eval $(call kernel_rule,$(u),$(t),$(i))))))

# nodelete: a LuaJIT state that closes unloads its libraries, but the threads of the pool live on.
$(library): $(objects) $(kernels) $(BUILD)/parts
	$(call say,LINK)
	$(quiet)$(link) $(shared) -o $@ $(objects) $(kernels) $(libs)

$(worker): bindings/worker.c $(ready)
	$(call say,LINK)
	$(quiet)$(compile) $(lua_inc) $(LDFLAGS) $(open) $< -o $@ -pthread

$(BUILD)/libtocha.a: $(objects) $(kernels) $(BUILD)/parts
	@rm -f $@
	$(call say,AR)
	$(quiet)$(AR) rcs $@ $(objects) $(kernels)

# -- tests ----------------------------------------------------------------------------------------------------------

# C tests link the objects, so that they reach what the library does not export.
$(BUILD)/tests/%: tests/c/%.c $(BUILD)/libtocha.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(quiet)$(compile) $< -o $@ $(LDFLAGS) $(BUILD)/libtocha.a -lcmocka $(libs)

$(BUILD)/tests/test_worker: tests/c/test_worker.c bindings/worker.c $(BUILD)/libtocha.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(quiet)$(compile) $(lua_inc) $(filter %.c,$^) -o $@ $(LDFLAGS) $(BUILD)/libtocha.a -lcmocka $(lua_lib) $(libs)

# How Lua programs run: with the build folder's library, and before a sanitized library its run time. LuaJIT itself leaves
# memory to the system at exit, and its interpreter frames confuse the stack walk, so only C tests look for leaks.
runtimes := $(if $(clang),\
  $(if $(findstring address,$(SAN)),libclang_rt.asan-$(machine).so,$(if $(SAN),libclang_rt.ubsan_standalone-$(machine).so)),\
  $(if $(findstring address,$(SAN)),libasan.so) $(if $(findstring thread,$(SAN)),libtsan.so) $(if $(findstring undefined,$(SAN)),libubsan.so))
preload  := $(foreach r,$(runtimes),$(shell $(CC) -print-file-name=$(r)))
run      := env TOCHA_BUILD=$(BUILD) $(if $(SAN),LD_PRELOAD='$(strip $(preload))' ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1)

all-tests: all $(ctests)

test-c: $(ctests:%=%.run) ## the C tests
	@! cat /dev/null $(ctests:%=%.count) | awk '$$2 > 0' | grep -q .
$(ctests:%=%.run): %.run: %
	@tests/run-c $<

test-lua: all ## the Lua tests (TESTS=tests/lua/x_spec.lua for one)
	@mkdir -p $(BUILD)/tests; echo '0 1' > $(BUILD)/tests/lua.count # stands if the run crashes
	@TOCHA_COUNT=$(BUILD)/tests/lua.count $(run) $(LUAJIT) tests/run.lua $(TESTS)

# -- another processor ----------------------------------------------------------------------------------------------

# Cross-compiled, any warning an error, against Debian's packages in a folder; the C tests run under qemu's user mode.
cross     := aarch64-linux-gnu
crossroot := $(CURDIR)/build/arm64/root
crosspkg  := $(crossroot)/usr/lib/$(cross)
arm64: ## cross-compile for arm64 without a warning and run the C tests by emulation (minutes)
	@scripts/deps arm64
	@scripts/sysroot arm64 $(crossroot)
	@PKG_CONFIG_LIBDIR=$(crosspkg)/pkgconfig:$(crosspkg)/openblas-pthread/pkgconfig PKG_CONFIG_SYSROOT_DIR=$(crossroot) \
	  RUNNER='qemu-aarch64 -L $(crossroot)' \
	  $(MAKE) BUILD=build/arm64 CC='$(cross)-gcc --sysroot=$(crossroot)' CFLAGS='-O3 -Werror' all test-c

# -- installing -----------------------------------------------------------------------------------------------------

# What lies where: lua/tocha/X, bindings/X and the generated X become the modules tocha.X and tocha.bindings.X; the recipes of
# scripts/ go to tocha/scripts/, where the launcher finds them. A rock sets the four folders to its own.
modules  := $(patsubst lua/%,%,$(wildcard lua/tocha/*.lua lua/tocha/*/*.lua lua/tocha/*/*/*.lua))
bindings := $(filter-out bindings/mk%.lua,$(wildcard bindings/*.lua)) $(filter %.lua,$(gen))
scripts  := $(wildcard scripts/*.lua scripts/*/*.lua)
put      := install -m 644

install: $(library) $(worker) ## install under PREFIX (default /usr/local)
	@install -d $(DESTDIR)$(LUADIR)/tocha/bindings $(DESTDIR)$(LIBDIR) \
	  $(DESTDIR)$(BINDIR) $(DESTDIR)$(INCDIR)
	@for d in $(sort $(dir $(modules))); do install -d $(DESTDIR)$(LUADIR)/$$d || exit 1; done
	@for f in $(modules); do $(put) lua/$$f $(DESTDIR)$(LUADIR)/$$f || exit 1; done
	@$(put) $(bindings) $(DESTDIR)$(LUADIR)/tocha/bindings
	@for d in $(sort $(dir $(scripts))); do install -d $(DESTDIR)$(LUADIR)/tocha/$$d || exit 1; done
	@for f in $(scripts); do $(put) $$f $(DESTDIR)$(LUADIR)/tocha/$$f || exit 1; done
	@install -m 755 $(library) $(worker) $(DESTDIR)$(LIBDIR)
	@install -m 755 scripts/tocha $(DESTDIR)$(BINDIR)
	@$(put) engine/include/tocha.h $(BUILD)/gen/tocha_ops.h $(DESTDIR)$(INCDIR)
	@echo 'tocha: installed: modules in $(LUADIR)/tocha, library in $(LIBDIR), launcher $(BINDIR)/tocha'

# The door to Torch7 claims names that an installed Torch7 has, so it is installed apart.
door := $(patsubst lua/torch7/%,%,$(wildcard lua/torch7/*.lua lua/torch7/*/*.lua))
install-door: ## install require 'torch', 'nn' ... for old scripts, and the command th
	@install -d $(DESTDIR)$(LUADIR) $(DESTDIR)$(BINDIR)
	@for d in $(sort $(dir $(door))); do install -d $(DESTDIR)$(LUADIR)/$$d || exit 1; done
	@for f in $(door); do $(put) lua/torch7/$$f $(DESTDIR)$(LUADIR)/$$f || exit 1; done
	@install -m 755 scripts/th $(DESTDIR)$(BINDIR)

uninstall: ## remove what install put under PREFIX
	rm -rf $(DESTDIR)$(LUADIR)/tocha
	rm -f $(DESTDIR)$(LIBDIR)/libtocha.so $(DESTDIR)$(LIBDIR)/libtocha_worker.so $(DESTDIR)$(BINDIR)/tocha $(DESTDIR)$(INCDIR)/tocha.h $(DESTDIR)$(INCDIR)/tocha_ops.h

test-install: $(library) $(worker) ## install into fresh folders and use it from there
	@tests/install.sh $(BUILD)

# -- care -----------------------------------------------------------------------------------------------------------

csource := $(wildcard engine/*/*.[ch] tests/c/*.[ch])
lint: $(library) ## format, static analysis, Lua checks: what of clang-format, cppcheck, luacheck is there
	@TOCHA_BUILD=$(BUILD) scripts/lint $(csource)
lint-deps:
	@scripts/deps lint

docs: $(library) ## the reference pages, with LDoc, in build/docs
	@scripts/deps docs
	@ldoc --quiet --config docs/config.ld --dir $(abspath $(BUILD)/docs) .
	@echo 'tocha: $(BUILD)/docs/index.html'

clean: ## remove the build folder
	rm -rf build $(filter-out build/%,$(BUILD))

FORCE:
.PHONY: arm64 all help deps deps-build train bench bench-check bench-record test quicktest fuzz all-tests test-c test-lua test-install install install-door uninstall lint lint-deps docs clean FORCE
-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d)
