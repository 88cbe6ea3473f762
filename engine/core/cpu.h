/* Which instruction set the kernels use. Chosen once: the best one that the processor and the operating system support, or
 * the one the environment variable TOCHA_ISA names (baseline, avx2, avx512) if that is supported. */
#ifndef TCH_CORE_CPU_H
#define TCH_CORE_CPU_H
#include "tocha.h"

typedef enum tch_isa { TCH_ISA_BASELINE, TCH_ISA_AVX2, TCH_ISA_AVX512, TCH_ISA_COUNT } tch_isa;

tch_isa tch_cpu_isa(void);
bool tch_cpu_supports(tch_isa isa);
/* For tests: kernels of `isa` from now on. The caller asked tch_cpu_supports first. */
void tch_cpu_use(tch_isa isa);

/* Declares the tables of a kernel family, tch_<family>_kernels_<type>_<isa>, and tch_<family>_table(type) that picks the one in
 * use. kernel/<family>.c is compiled once per type and instruction set and defines one of them each time. */
#if defined(__x86_64__)
#define TCH_KERNEL_FAMILY(family)                                                                                      \
  extern const tch_##family##_kernels tch_##family##_kernels_float_baseline, tch_##family##_kernels_float_avx2,         \
      tch_##family##_kernels_float_avx512, tch_##family##_kernels_double_baseline, tch_##family##_kernels_double_avx2,  \
      tch_##family##_kernels_double_avx512;                                                                             \
  static inline const tch_##family##_kernels *tch_##family##_table(tch_dtype type) {                                    \
    static const tch_##family##_kernels *const table[TCH_ISA_COUNT][2] = {                                              \
        {&tch_##family##_kernels_float_baseline, &tch_##family##_kernels_double_baseline},                              \
        {&tch_##family##_kernels_float_avx2, &tch_##family##_kernels_double_avx2},                                      \
        {&tch_##family##_kernels_float_avx512, &tch_##family##_kernels_double_avx512}};                                 \
    return table[tch_cpu_isa()][type == TCH_DOUBLE];                                                                    \
  }
/* The same for a family of float alone. */
#define TCH_KERNEL_FAMILY_FLOAT(family)                                                                                 \
  extern const tch_##family##_kernels tch_##family##_kernels_float_baseline, tch_##family##_kernels_float_avx2,         \
      tch_##family##_kernels_float_avx512;                                                                              \
  static inline const tch_##family##_kernels *tch_##family##_table(void) {                                              \
    static const tch_##family##_kernels *const table[TCH_ISA_COUNT] = {&tch_##family##_kernels_float_baseline,          \
                                                                       &tch_##family##_kernels_float_avx2,              \
                                                                       &tch_##family##_kernels_float_avx512};           \
    return table[tch_cpu_isa()];                                                                                        \
  }
#else
#define TCH_KERNEL_FAMILY_FLOAT(family)                                                                                 \
  extern const tch_##family##_kernels tch_##family##_kernels_float_baseline;                                            \
  static inline const tch_##family##_kernels *tch_##family##_table(void) {                                              \
    return &tch_##family##_kernels_float_baseline;                                                                      \
  }
#define TCH_KERNEL_FAMILY(family)                                                                                      \
  extern const tch_##family##_kernels tch_##family##_kernels_float_baseline, tch_##family##_kernels_double_baseline;    \
  static inline const tch_##family##_kernels *tch_##family##_table(tch_dtype type) {                                    \
    return type == TCH_DOUBLE ? &tch_##family##_kernels_double_baseline : &tch_##family##_kernels_float_baseline;       \
  }
#endif
#endif
