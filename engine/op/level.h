/* The instruction set in use, as a row number of kernel tables. */
#ifndef TCH_OP_LEVEL_H
#define TCH_OP_LEVEL_H
#include "tocha.h"

/* 0 baseline, 1 avx2, 2 avx512 */
static inline int tch_level(void) {
  const char *name = tch_cpu_name();
  return name[0] == 'b' ? 0 : name[3] == '2' ? 1 : 2;
}
#endif
