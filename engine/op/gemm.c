/* Matrix products: our own (op/tiled.c), or OpenBLAS's, which does those of a vector with rows of a matrix, cut into tiles that
 * depend on the shape alone, so that results do not depend on the threads. */
#include "op/gemm.h"
#include "core/box.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/thread.h"
#include "kernel/elementwise.h"
#include "kernel/gemm.h"
#include "op/integer.h"
#include "op/tiled.h"
#include <limits.h>

TCH_KERNEL_FAMILY(elementwise)
TCH_KERNEL_FAMILY(gemm)

enum {
  ALONE = 1 << 18, /* products that one thread does without help */
  TILE = 1 << 22,  /* products of a tile, about */
  TILES = 8
}; /* at most */

typedef struct cut {
  const tch_gemm_kernels *kernels;
  int64_t m, n, k, bytes, c_step;
  double alpha, beta;
  tch_matrix a, b;
  char *c;
  tch_dtype type;
  const tch_after *after;
  bool rows; /* tiles are rows of c, else columns */
} cut;

static tch_matrix part(tch_matrix x, int64_t begin, bool rows, int64_t bytes) {
  x.data = (const char *) x.data + begin * bytes * (rows != x.transposed ? x.step : 1);
  return x;
}

static void tile(void *context, int64_t begin, int64_t end) {
  const cut *t = context;
  tch_blas_serial();
  if (t->rows) {
    t->kernels->product(end - begin, t->n, t->k, t->alpha, part(t->a, begin, true, t->bytes), t->b, t->beta,
                        t->c + begin * t->c_step * t->bytes, t->c_step);
    tch_after_part(t->after, t->type, t->c, t->c_step, begin, end - begin, 0, t->n);
  } else {
    t->kernels->product(t->m, end - begin, t->k, t->alpha, t->a, part(t->b, begin, false, t->bytes), t->beta,
                        t->c + begin * t->bytes, t->c_step);
    tch_after_part(t->after, t->type, t->c, t->c_step, 0, t->m, begin, end - begin);
  }
}

void tch_after_part(const tch_after *after, tch_dtype type, void *c, int64_t step, int64_t row, int64_t rows, int64_t column,
                    int64_t columns) {
  if (after == NULL) return;
  const tch_elementwise_kernels *table = tch_elementwise_table(type);
  int64_t at = (row * step + column) * tch_dtype_bytes(type), dense[] = {1, 1, 1, 1}, next[] = {step, step, step, step};
  void *to = (char *) c + at, *gate = after->gate ? (char *) after->gate + at : to, *operands[] = {to, to, gate, gate};
  tch_element_row *f = after->gate ? table->unary_grad[TCH_UNARY_relu] : table->unary[TCH_UNARY_relu];
  f(columns, rows, operands, dense, next, (double[2]){0});
}

/* Describes g (rows, columns) as contiguous rows; a copy in *copy when no stride allows it. */
static tch_status matrix_of(tch_dtype type, tch_grid g, int64_t rows, int64_t columns, tch_matrix *out, void **copy) {
  int64_t bytes = tch_dtype_bytes(type);
  *copy = NULL;
  if ((g.column == 1 || columns == 1) && (g.row >= columns || rows == 1)) {
    *out = (tch_matrix){g.data, rows > 1 ? g.row : columns > 0 ? columns : 1, false};
    return TCH_OK;
  }
  if ((g.row == 1 || rows == 1) && (g.column >= rows || columns == 1)) {
    *out = (tch_matrix){g.data, columns > 1 ? g.column : rows, true};
    return TCH_OK;
  }
  TCH_TRY(tch_alloc(rows * columns * bytes, copy));
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) {
      int64_t from = i * g.row + j * g.column, to = i * columns + j;
      if (type == TCH_FLOAT) ((float *) *copy)[to] = ((const float *) g.data)[from];
      else ((double *) *copy)[to] = ((const double *) g.data)[from];
    }
  *out = (tch_matrix){*copy, columns, false};
  return TCH_OK;
}

/* Rows or columns of a tile. Every tile packs the other factor anew, so it is at least 256 wide where that leaves two. */
static int64_t tile_size(int64_t size, int64_t work) {
  int64_t tiles = work / TILE < 2 ? 2 : work / TILE > TILES ? TILES : work / TILE;
  int64_t each = (size + tiles - 1) / tiles, least = size >= 512 ? 256 : 32;
  each = (each + 15) / 16 * 16;
  return each < least ? least : each;
}

/* to (m, n) = from */
static void copy_grid(tch_dtype type, int64_t m, int64_t n, tch_grid from, tch_grid to) {
  tch_box_move(tch_dtype_bytes(type), 2, (int64_t[]){n, m}, to.data, (int64_t[]){to.column, to.row}, from.data,
               (int64_t[]){from.column, from.row});
}

tch_status tch_gemm(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                    tch_grid c) {
  return tch_gemm_from(type, m, n, k, alpha, a, b, beta, c, c);
}

tch_status tch_gemm_from(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                         tch_grid from, tch_grid c) {
  return tch_gemm_after(type, m, n, k, alpha, a, b, beta, from, c, NULL);
}

tch_status tch_gemm_after(tch_dtype type, int64_t m, int64_t n, int64_t k, double alpha, tch_grid a, tch_grid b, double beta,
                          tch_grid from, tch_grid c, const tch_after *after) {
  if (m == 0 || n == 0) return TCH_OK;
  if (c.column != 1 && n > 1) /* c' = b' a' */
    return tch_gemm_after(type, n, m, k, alpha, tch_grid_turned(b), tch_grid_turned(a), beta, tch_grid_turned(from),
                          tch_grid_turned(c), after);
  bool own = k > 0 && alpha != 0 && tch_dtype_floating(type) && tch_tiled_wins();
  if (own && n == 1 && m > 1 && c.row == 1 && tch_tiled_dots(1, k, tch_grid_turned(b), tch_grid_turned(a))) /* as one row */
    return tch_gemm_after(type, n, m, k, alpha, tch_grid_turned(b), tch_grid_turned(a), beta, tch_grid_turned(from),
                          tch_grid_turned(c), after);
  bool tiled = own && n > 1 && (m > 1 || tch_tiled_dots(m, k, a, b));
  if (beta != 0 && from.data != c.data && !(tiled && from.column == 1)) {
    copy_grid(type, m, n, from, c);
    from = c;
  }
  if (tiled) return tch_tiled_gemm(type, m, n, k, alpha, a, b, beta, from, c, after);
  if (!tch_dtype_floating(type)) {
    tch_integer_gemm(type, m, n, k, alpha, a, b, beta, c);
    return TCH_OK;
  }
  cut t = {.kernels = tch_gemm_table(type),
           .m = m,
           .n = n,
           .k = k,
           .bytes = tch_dtype_bytes(type),
           .alpha = alpha,
           .beta = beta,
           .c = c.data,
           .type = type,
           .after = after,
           .c_step = m == 1 ? n : c.row,
           .rows = m >= n};
  void *a_copy, *b_copy;
  if (k == 0) a = (tch_grid){c.data, 1, 1}, b = (tch_grid){c.data, n, 1}; /* not read */
  TCH_TRY(matrix_of(type, a, m, k, &t.a, &a_copy));
  tch_status status = matrix_of(type, b, k, n, &t.b, &b_copy);
  if (status == TCH_OK
      && (m > INT_MAX || n > INT_MAX || k > INT_MAX || t.a.step > INT_MAX || t.b.step > INT_MAX || t.c_step > INT_MAX))
    status = tch_fail(TCH_ERROR_VALUE, "the product of a %lldx%lld and a %lldx%lld matrix is too large", (long long) m,
                      (long long) k, (long long) k, (long long) n);
  if (status == TCH_OK) {
    int64_t size = t.rows ? m : n, work = m * n * (k > 0 ? k : 1);
    tch_parallel(size, work <= ALONE ? size : tile_size(size, work), tile, &t);
  }
  tch_free(a_copy, a_copy ? m * k * t.bytes : 0);
  tch_free(b_copy, b_copy ? k * n * t.bytes : 0);
  return status;
}

typedef struct row_sums {
  const tch_gemm_kernels *kernels;
  int64_t m, n;
  const void *x;
  double alpha, beta;
  void *y;
} row_sums;

static void sum_piece(void *context, int64_t begin, int64_t end) {
  const row_sums *s = context;
  s->kernels->sum_rows(s->m, s->n, s->x, s->alpha, s->beta, s->y, begin, end);
}

void tch_sum_rows(tch_dtype type, int64_t m, int64_t n, const void *x, double alpha, double beta, void *y) {
  row_sums s = {tch_gemm_table(type), m, n, x, alpha, beta, y};
  tch_parallel(n, m * n <= ALONE ? n : 256, sum_piece, &s);
}
