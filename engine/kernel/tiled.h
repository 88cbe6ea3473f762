/* The parts of a matrix product: factors packed for the register tile, and the tiles. Knows no threads.
 *
 * b is packed in panels of `columns` columns, row after row, the last panel filled up with zeros; a in strips of at most `rows`
 * rows, column after column. One tile holds a strip times a panel, over at most `depth` of the inner dimension, in registers,
 * while the panel stays in the first cache and a block of strips in the second (Goto and van de Geijn 2008). */
#ifndef TCH_KERNEL_TILED_H
#define TCH_KERNEL_TILED_H
#include <stdbool.h>
#include <stdint.h>

enum { TCH_TILED_PANEL = 32768 }; /* bytes of a panel of `depth` rows */

/* Element (i, j) at data[i * row + j * column]. */
typedef struct tch_any_matrix {
  const void *data;
  int64_t row, column;
} tch_any_matrix;

/* A packed matrix of `depth` rows; or, with row > 0, whole panels of one where it lies: rows without gaps, `row` numbers apart. */
typedef struct tch_panels {
  const void *data;
  int64_t depth, row;
} tch_panels;

/* What is added to a product: rows `step` numbers apart (0: one row for all). And what becomes 0 in the sums: with relu those below
 * it, with a gate, which lies as c does, those where it is not above it. */
typedef struct tch_tiled_from {
  const void *data;
  int64_t step;
  bool relu;
  const void *gate;
} tch_tiled_from;

typedef struct tch_tiled_kernels {
  int64_t rows, columns, depth;
  /* b (k, n) into k * (n rounded up to panels) numbers */
  void (*pack_panels)(int64_t k, int64_t n, tch_any_matrix b, void *to);
  /* a (m, k) into m * k numbers: strips of `height` rows */
  void (*pack_strips)(int64_t m, int64_t height, int64_t k, tch_any_matrix a, void *to);
  /* c (m, n) = alpha * a * b + beta * from; with beta 0 from is not read; it may be c. a: strips of `height` rows; b: its first
   * k rows and n columns */
  void (*product)(int64_t m, int64_t height, int64_t n, int64_t k, double alpha, const void *a, tch_panels b, double beta,
                  tch_tiled_from from, void *c, int64_t c_step);
  /* The same with a where it lies: for few columns, which do not repay packing a, and for a b that is packed once and used
   * often, by few rows at a time. */
  void (*product_direct)(int64_t m, int64_t n, int64_t k, double alpha, tch_any_matrix a, tch_panels b, double beta,
                         tch_tiled_from from, void *c, int64_t c_step);
  /* c (m, n) = alpha * a (m, k) * b (k, n) + beta * from, for few rows of a without gaps and columns of b without gaps, any
   * distances apart; relu and gate are not read. */
  void (*dots)(int64_t m, int64_t n, int64_t k, double alpha, tch_any_matrix a, tch_any_matrix b, double beta,
               tch_tiled_from from, void *c, int64_t c_step);
} tch_tiled_kernels;

/* Rows of the strips that m rows are cut into: as equal as they can be, for a low strip wastes multipliers. */
static inline int64_t tch_tiled_height(const tch_tiled_kernels *kernels, int64_t m) {
  int64_t strips = (m + kernels->rows - 1) / kernels->rows;
  return strips > 0 ? (m + strips - 1) / strips : 1;
}

/* Numbers that a packed b (k, n) takes. */
static inline int64_t tch_tiled_count(const tch_tiled_kernels *kernels, int64_t k, int64_t n) {
  return k * ((n + kernels->columns - 1) / kernels->columns * kernels->columns);
}
#endif
