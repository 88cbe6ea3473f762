/* Matrix products by our own kernels (kernel/tiled.h). */
#ifndef TCH_OP_TILED_H
#define TCH_OP_TILED_H
#include "op/gemm.h"

/* Whether the kernels in use are faster than OpenBLAS's: all but those of x86-64's baseline. */
bool tch_tiled_wins(void);
/* Whether the product of (m, k) and (k, n) matrices that lie so is one of few sums along k, m = 1 among them. */
bool tch_tiled_dots(int64_t m, int64_t k, tch_grid a, tch_grid b);
/* As tch_gemm_after, for float types, m, n, k > 0 (m, n > 1 if it is none of those) and columns of from and c 1 apart; a and b
 * may have any strides. */
tch_status tch_tiled_gemm(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                          tch_grid from, tch_grid c, const tch_after *after);
#endif
