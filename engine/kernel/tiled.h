/* The parts of a large matrix product: factors packed for the register tile, and the tiles. Knows no threads.
 *
 * b is packed in panels of `columns` columns, row after row, the last panel filled up with zeros; a in strips of at most `rows`
 * rows, column after column. One tile holds a strip times a panel, over at most `depth` of the inner dimension, in registers,
 * while the panel stays in the first cache and a block of strips in the second (Goto and van de Geijn 2008). */
#ifndef TCH_KERNEL_TILED_H
#define TCH_KERNEL_TILED_H
#include "kernel/packed.h"

typedef struct tch_tiled_kernels {
  int64_t rows, columns, depth;
  /* b (k, n) into k * (n rounded up to panels) numbers */
  void (*pack_panels)(int64_t k, int64_t n, tch_any_matrix b, void *to);
  /* a (m, k) into m * k numbers: strips of `height` rows */
  void (*pack_strips)(int64_t m, int64_t height, int64_t k, tch_any_matrix a, void *to);
  /* c (m, n) = alpha * a * b + beta * c; with beta 0 the old c is not read. a: strips of `height` rows */
  void (*product)(int64_t m, int64_t height, int64_t n, int64_t k, double alpha, const void *a, const void *b, double beta,
                  void *c, int64_t c_step);
  /* The same with a where it lies: for few columns, which do not repay packing it. */
  void (*product_direct)(int64_t m, int64_t height, int64_t n, int64_t k, double alpha, tch_any_matrix a, const void *b,
                         double beta, void *c, int64_t c_step);
} tch_tiled_kernels;

/* Rows of the strips that m rows are cut into: as equal as they can be, for a low strip wastes multipliers. */
static inline int64_t tch_tiled_height(const tch_tiled_kernels *kernels, int64_t m) {
  int64_t strips = (m + kernels->rows - 1) / kernels->rows;
  return strips > 0 ? (m + strips - 1) / strips : 1;
}
#endif
