# tocha. `make help` lists the targets.
BUILD   ?= build
CC      ?= cc
CFLAGS  ?= -O3 -g
LUAJIT  ?= luajit
BUSTED  ?= busted
warn    := -Wall -Wextra -Wno-unused-parameter -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
std     := -std=gnu11 -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno -fno-trapping-math -pthread
blas    := $(shell pkg-config --cflags openblas 2>/dev/null)
inc     := -Iengine -Iengine/include -I$(BUILD)/gen
libs    := $(shell pkg-config --libs openblas 2>/dev/null || echo -lopenblas) -ljpeg -lpng -lz -lm -pthread
san     := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)

sources := $(filter-out engine/kernel/%,$(wildcard engine/*/*.c))
objects := $(sources:engine/%.c=$(BUILD)/%.o)
gen     := $(addprefix $(BUILD)/gen/,tocha_ops.h op_attr.h op_entries.c ops.lua cdef.lua)
library := $(BUILD)/libtocha.so
ctests  := $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(wildcard tests/c/test_*.c))

# Kernel units: each is compiled once per type and instruction set.
isas         := baseline $(if $(filter x86_64,$(shell uname -m)),avx2 avx512)
isa_baseline :=
isa_avx2     := -mavx2 -mfma -mf16c
isa_avx512   := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
units        := $(wildcard engine/kernel/*.c)
kernels      := $(foreach u,$(units:engine/kernel/%.c=%),$(foreach t,float double,$(foreach i,$(isas),$(BUILD)/kernel/$(u)_$(t)_$(i).o)))

all: $(library)

$(BUILD)/gen/.done: bindings/mkops.lua bindings/mkcdef.lua engine/op/ops.def engine/op/elementwise.def engine/include/tocha.h
	@mkdir -p $(BUILD)/gen
	$(LUAJIT) bindings/mkops.lua $(BUILD)/gen engine/op/ops.def engine/op/elementwise.def
	$(LUAJIT) bindings/mkcdef.lua engine/include/tocha.h $(BUILD)/gen/tocha_ops.h > $(BUILD)/gen/cdef.lua
	@touch $@
$(gen): $(BUILD)/gen/.done

$(BUILD)/op_entries.o: $(BUILD)/gen/op_entries.c
	$(CC) $(std) $(warn) $(CFLAGS) $(san) $(inc) $(blas) -MMD -c $< -o $@

$(BUILD)/%.o: engine/%.c | $(BUILD)/gen/.done
	@mkdir -p $(@D)
	$(CC) $(std) $(warn) $(CFLAGS) $(san) $(inc) $(blas) -MMD -c $< -o $@

define kernel_rule
$(BUILD)/kernel/$(1)_$(2)_$(3).o: engine/kernel/$(1).c | $(BUILD)/gen/.done
	@mkdir -p $$(@D)
	$(CC) $(std) $(warn) $(CFLAGS) $(san) $(inc) $(isa_$(3)) -DTCH_ISA=$(3) -DTCH_REAL=$(2) -DTCH_REAL_IS_$(2) -MMD -c $$< -o $$@
endef
$(foreach u,$(units:engine/kernel/%.c=%),$(foreach t,float double,$(foreach i,$(isas),$(eval $(call kernel_rule,$(u),$(t),$(i))))))

$(library): $(objects) $(kernels) $(BUILD)/op_entries.o
	$(CC) -shared $(san) -o $@ $^ $(libs)

$(BUILD)/libtocha.a: $(objects) $(kernels) $(BUILD)/op_entries.o
	@rm -f $@
	$(AR) rcs $@ $^

# C tests link the objects, so that they reach what the library does not export.
$(BUILD)/tests/%: tests/c/%.c $(BUILD)/libtocha.a
	@mkdir -p $(@D)
	$(CC) $(std) $(warn) $(CFLAGS) $(san) $(inc) $(blas) -MMD $< -o $@ $(BUILD)/libtocha.a $(libs) -lcmocka

test: test-c test-lua
quicktest: test
test-c: $(ctests)
	@set -e; for t in $(ctests); do $$t; done
test-lua: $(library)
	@$(BUSTED) --lua=$(LUAJIT) -m 'lua/?.lua;lua/?/init.lua' --pattern=_spec tests/lua

clean:
	rm -rf $(BUILD)

.PHONY: all test quicktest test-c test-lua clean
-include $(wildcard $(BUILD)/*.d $(BUILD)/*/*.d)
