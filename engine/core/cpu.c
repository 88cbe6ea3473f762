/* Detection of the instruction set. */
#include "core/cpu.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[TCH_ISA_COUNT] = {"baseline", "avx2", "avx512"};
static atomic_int chosen = -1;

#if defined(__x86_64__)
#include <cpuid.h>

/* Register state that the operating system saves (XCR0; Intel SDM volume 1, chapter 13). */
static unsigned saved_state(void) {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool tch_cpu_supports(tch_isa isa) {
  enum { OSXSAVE = 1 << 27, FMA = 1 << 12, F16C = 1 << 29 };                            /* leaf 1, ecx */
  enum { AVX2 = 1 << 5, AVX512F = 1 << 16, AVX512DQ = 1 << 17, AVX512BW = 1 << 30 };    /* leaf 7, ebx */
  const unsigned avx512vl = 1u << 31;
  enum { YMM_STATE = 6, ZMM_STATE = 0xe6 };
  unsigned a, b, c, d, b7, c7;
  if (isa == TCH_ISA_BASELINE) return true;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) return false;
  unsigned ecx = c, state = saved_state();
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d)) return false;
  if (!(ecx & FMA) || !(ecx & F16C) || !(b7 & AVX2) || (state & YMM_STATE) != YMM_STATE) return false;
  if (isa == TCH_ISA_AVX2) return true;
  const unsigned want = AVX512F | AVX512DQ | AVX512BW | avx512vl;
  return isa == TCH_ISA_AVX512 && (b7 & want) == want && (state & ZMM_STATE) == ZMM_STATE;
}
#else
bool tch_cpu_supports(tch_isa isa) { return isa == TCH_ISA_BASELINE; }
#endif

static tch_isa choose(void) {
  const char *wish = getenv("TOCHA_ISA");
  tch_isa best = TCH_ISA_BASELINE;
  for (int i = 0; i < TCH_ISA_COUNT; i++) {
    if (!tch_cpu_supports((tch_isa) i)) continue;
    best = (tch_isa) i;
    if (wish && strcmp(wish, names[i]) == 0) break;
  }
  return best;
}

tch_isa tch_cpu_isa(void) {
  int isa = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (isa >= 0) return (tch_isa) isa;
  isa = choose();
  atomic_store_explicit(&chosen, isa, memory_order_relaxed);
  return (tch_isa) isa;
}

void tch_cpu_use(tch_isa isa) { atomic_store(&chosen, isa); }

const char *tch_cpu_name(void) { return names[tch_cpu_isa()]; }
int tch_abi(void) { return TCH_ABI; }
