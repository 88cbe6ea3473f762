/* Matrix products on plain memory, cut for the pool by fixed tiles. */
#ifndef TCH_OP_GEMM_H
#define TCH_OP_GEMM_H
#include "core/tensor.h"

/* A matrix anywhere: element (i, j) at data[i * row + j * column]. */
typedef struct tch_grid {
  void *data;
  int64_t row, column;
} tch_grid;

static inline tch_grid tch_grid_turned(tch_grid g) { return (tch_grid){g.data, g.column, g.row}; }

/* c (m, n) = alpha * a (m, k) * b (k, n) + beta * c; with beta 0 the old c is not read. c must have one stride of 1 (a and b
 * need not). Fails when a size is beyond an int. */
tch_status tch_gemm(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                    tch_grid c);
/* c = alpha * a * b + beta * from. from is (m, n), its rows any distance apart, 0 for one row that is added to all; it may be c,
 * but else must not overlap with it. */
tch_status tch_gemm_from(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                         tch_grid from, tch_grid c);
/* What becomes of the sums: relu(c), or with a gate, which lies as c does, the gradient before the ReLU that made the gate. */
typedef struct tch_after {
  const void *gate;
} tch_after;

/* tch_gemm_from, and then `after` (NULL: nothing), which float types alone can have. */
tch_status tch_gemm_after(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                          tch_grid from, tch_grid c, const tch_after *after);
/* `after` for a part of c, rows `step` numbers apart, as those that are no tiles have it. */
void tch_after_part(const tch_after *after, tch_dtype type, void *c, int64_t step, int64_t row, int64_t rows, int64_t column,
                    int64_t columns);
/* y (n) = alpha * (sum of the rows of x (m, n; contiguous)) + beta * y */
void tch_sum_rows(tch_dtype type, int64_t m, int64_t n, const void *x, double alpha, double beta, void *y);
#endif
