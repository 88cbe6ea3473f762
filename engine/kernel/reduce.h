/* Folds of many numbers into one. All sums are taken in double, in 16 lanes whose order depends on n alone;
 * up to 16 numbers are taken one after the other.
 *
 * A fold has a term f(x, p), a start, and a way to join: SUM to POWER and EXP add, PROD multiplies, MAX and MIN keep the extreme
 * (a NaN wins). */
#ifndef TCH_KERNEL_REDUCE_H
#define TCH_KERNEL_REDUCE_H
#include <stdint.h>

typedef enum tch_reduction {
  TCH_REDUCE_SUM,    /* x */
  TCH_REDUCE_ABS,    /* |x| */
  TCH_REDUCE_SQUARE, /* (x - p)^2 */
  TCH_REDUCE_POWER,  /* |x|^p; p = 0: 1 where x is not 0 */
  TCH_REDUCE_EXP,    /* exp(x - p) */
  TCH_REDUCE_PROD,
  TCH_REDUCE_MAX,
  TCH_REDUCE_MIN,
  TCH_REDUCE_MAXABS, /* |x| */
  TCH_REDUCE_COUNT
} tch_reduction;

/* Joins two results of a fold. */
static inline double tch_reduction_join(tch_reduction f, double a, double b) {
  switch (f) {
    case TCH_REDUCE_PROD: return a * b;
    case TCH_REDUCE_MAX:
    case TCH_REDUCE_MAXABS: return b > a || b != b ? b : a;
    case TCH_REDUCE_MIN: return b < a || b != b ? b : a;
    default: return a + b;
  }
}

typedef struct tch_reduce_kernels {
  /* to[r] becomes the fold of x[i * stride + r * next], i < n, with p[r] (p NULL: 0). */
  void (*rows[TCH_REDUCE_COUNT])(int64_t n, int64_t rows, double *to, const void *x, int64_t stride, int64_t next, const double *p);
  /* a[j] joined with the terms of x[j + i * next] and p[j], j < n, for one i < rows after the other (p is read by SQUARE, POWER and
   * EXP alone) */
  void (*columns[TCH_REDUCE_COUNT])(int64_t n, int64_t rows, double *a, const void *x, int64_t next, const double *p);
  /* Place of the first largest (smallest) of x[i * stride], i < n; a NaN counts as extreme. */
  int64_t (*largest)(int64_t n, const void *x, int64_t stride);
  int64_t (*smallest)(int64_t n, const void *x, int64_t stride);
  /* The same for columns: best[j] and place[j] are replaced by x[j + i * next] and at + i where that beats best[j]. */
  void (*largest_columns)(int64_t n, int64_t rows, void *best, int64_t *place, const void *x, int64_t next, int64_t at);
  void (*smallest_columns)(int64_t n, int64_t rows, void *best, int64_t *place, const void *x, int64_t next, int64_t at);
} tch_reduce_kernels;
#endif
