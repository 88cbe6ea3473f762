/* Folds for one float type and instruction set; see reduce.h. Plain loops over lanes, which the compiler makes vectors. */
#include "kernel/reduce.h"
#include "kernel/simd.h"

#define NAME2(type, isa) tch_reduce_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)
enum { LANES = 16, MANY = 8 /* rows that wait for memory together */, LOOK = 32 /* numbers looked at together */,
       EARLY = 128 /* rows in which new extremes are frequent */ };

#define ADD(a, b) ((a) + (b))
#define TIMES(a, b) ((a) * (b))
#define LARGER(a, b) ((((b) > (a)) | ((b) != (b))) ? (b) : (a))
#define SMALLER(a, b) ((((b) < (a)) | ((b) != (b))) ? (b) : (a))

#define SUM_TERM(x, p) (double) (x)
#define ABS_TERM(x, p) fabs((double) (x))
#define SQUARE_TERM(x, p) (((double) (x) - (p)) * ((double) (x) - (p)))
#define POWER_TERM(x, p) ((p) == 0 ? (double) ((x) != 0) : pow(fabs((double) (x)), p))

/* One row; rows by a function of one; columns. */
#define ROW(name, start, JOIN, TERM)                                                            \
  static double name##_row(int64_t n, const void *xs, int64_t stride, double p) {               \
    const real *x = xs;                                                                         \
    double lane[LANES], short_row = start;                                                      \
    int64_t i = 0;                                                                              \
    if (n <= LANES) {                                                                           \
      for (; i < n; i++) short_row = JOIN(short_row, TERM(x[i * stride], p));                   \
      return short_row;                                                                         \
    }                                                                                           \
    for (int k = 0; k < LANES; k++) lane[k] = start;                                            \
    if (stride == 1)                                                                            \
      for (; i + LANES <= n; i += LANES)                                                        \
        for (int k = 0; k < LANES; k++) lane[k] = JOIN(lane[k], TERM(x[i + k], p));             \
    else                                                                                        \
      for (; i + LANES <= n; i += LANES)                                                        \
        for (int k = 0; k < LANES; k++) lane[k] = JOIN(lane[k], TERM(x[(i + k) * stride], p));  \
    for (int k = 0; k < LANES && i < n; k++) { /* the last LANES, those not taken yet */         \
      double t = JOIN(lane[k], TERM(x[(n - LANES + k) * stride], p));                           \
      lane[k] = k >= LANES - (n - i) ? t : lane[k];                                             \
    }                                                                                           \
    for (int w = LANES / 2; w > 0; w /= 2)                                                      \
      for (int k = 0; k < w; k++) lane[k] = JOIN(lane[k], lane[k + w]);                         \
    return lane[0];                                                                             \
  }
#define ROWS(name)                                                                              \
  static void name##_rows(int64_t n, int64_t rows, double *to, const void *xs, int64_t stride, int64_t next,  \
                          const double *ps) {                                                   \
    const real *x = xs;                                                                         \
    for (int64_t r = 0; r < rows; r++) to[r] = name##_row(n, x + r * next, stride, ps ? ps[r] : 0); \
  }
#define COLUMNS(name, JOIN, TERM)                                                               \
  static void name##_columns(int64_t n, int64_t rows, double *restrict a, const void *xs, int64_t next,  \
                             const double *restrict ps) {                                       \
    const real *restrict x = xs;                                                                \
    for (; rows >= MANY; rows -= MANY, x += MANY * next)                                        \
      for (int64_t j = 0; j < n; j++) {                                                         \
        double t = a[j];                                                                        \
        for (int k = 0; k < MANY; k++) t = JOIN(t, TERM(x[j + k * next], ps[j]));               \
        a[j] = t;                                                                               \
      }                                                                                         \
    for (; rows > 0; rows--, x += next)                                                         \
      for (int64_t j = 0; j < n; j++) a[j] = JOIN(a[j], TERM(x[j], ps[j]));                     \
  }
#define FOLD(name, start, JOIN, TERM) ROW(name, start, JOIN, TERM) ROWS(name) COLUMNS(name, JOIN, TERM)

FOLD(sum, 0, ADD, SUM_TERM)
FOLD(sum_abs, 0, ADD, ABS_TERM)
FOLD(square, 0, ADD, SQUARE_TERM)
FOLD(power, 0, ADD, POWER_TERM)
FOLD(product, 1, TIMES, SUM_TERM)
FOLD(max_abs, 0, LARGER, ABS_TERM)

/* Extremes of rows without gaps are vectors, the last of which may meet numbers twice. */
#define EXTREME(name, start, vjoin, JOIN)                                                       \
  ROW(name##_lanes, start, JOIN, SUM_TERM)                                                      \
  static double name##_row(int64_t n, const void *xs, int64_t stride, double p) {               \
    enum { AT_ONCE = 4 * VLEN };                                                                \
    const real *x = xs;                                                                         \
    V e[4];                                                                                     \
    if (stride != 1 || n < AT_ONCE) return name##_lanes_row(n, xs, stride, p);                  \
    for (int k = 0; k < 4; k++) e[k] = vload(x + k * VLEN);                                     \
    for (int64_t i = AT_ONCE; i < n; i += AT_ONCE) {                                            \
      if (i > n - AT_ONCE) i = n - AT_ONCE;                                                     \
      for (int k = 0; k < 4; k++) e[k] = vjoin(e[k], vload(x + i + k * VLEN));                  \
    }                                                                                           \
    V all = vjoin(vjoin(e[0], e[1]), vjoin(e[2], e[3]));                                        \
    real best[VLEN];                                                                            \
    vstore(best, all);                                                                          \
    for (int w = VLEN / 2; w > 0; w /= 2)                                                       \
      for (int k = 0; k < w; k++) best[k] = JOIN(best[k], best[k + w]);                         \
    return best[0];                                                                             \
  }                                                                                             \
  ROWS(name)                                                                                    \
  COLUMNS(name, JOIN, SUM_TERM)
EXTREME(maximum, (double) -INFINITY, vmax_, LARGER)
EXTREME(minimum, (double) INFINITY, vmin_, SMALLER)

/* -- sums of exponentials: vectors of vexp, added in double ---------------------------------------------------------------- */

static void exponentials(int64_t n, const real *x, int64_t stride, const double *p, int64_t step, double *to) {
  for (int64_t i = 0; i < n; i += VLEN) {
    int64_t m = n - i < (int64_t) VLEN ? n - i : (int64_t) VLEN;
    V v = {0}, e;
    for (int64_t k = 0; k < m; k++) v[k] = (real) (x[(i + k) * stride] - p[(i + k) * step]);
    e = vexp(v);
    for (int64_t k = 0; k < m; k++) to[i + k] = e[k];
  }
}

static double exponential_row(int64_t n, const void *xs, int64_t stride, double p) {
  enum { BLOCK = 256 };
  const real *x = xs;
  double block[BLOCK], total = 0;
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = n - i < BLOCK ? n - i : BLOCK;
    exponentials(m, x + i * stride, stride, &p, 0, block);
    double lane[4] = {0};
    for (int64_t k = 0; k < m; k++) lane[k % 4] += block[k];
    total += (lane[0] + lane[1]) + (lane[2] + lane[3]);
  }
  return total;
}

ROWS(exponential)

static void exponential_columns(int64_t n, int64_t rows, double *restrict a, const void *xs, int64_t next,
                                const double *restrict ps) {
  enum { BLOCK = 256 };
  const real *x = xs;
  double block[BLOCK];
  for (; rows > 0; rows--, x += next)
    for (int64_t j = 0; j < n; j += BLOCK) {
      int64_t m = n - j < BLOCK ? n - j : BLOCK;
      exponentials(m, x + j, 1, ps + j, 1, block);
      for (int64_t k = 0; k < m; k++) a[j + k] += block[k];
    }
}

/* -- places of extremes: the value first, as a vector loop, then the first entry that has it ------------------------------ */

#define PLACE(name, extreme, BEATS, KEEPS)                                                                 \
  static int64_t name(int64_t n, const void *xs, int64_t stride) {                                        \
    const real *x = xs;                                                                                   \
    real best = (real) extreme##_row(n, xs, stride, 0);                                                   \
    int64_t i = 0;                                                                                        \
    for (int found = 0; stride == 1 && i + LOOK <= n; i += LOOK) { /* where it is not */                  \
      for (int k = 0; k < LOOK; k++) found |= (x[i + k] == best) | (x[i + k] != x[i + k]);                \
      if (found) break;                                                                                   \
    }                                                                                                     \
    for (; i < n; i++)                                                                                    \
      if (x[i * stride] == best || x[i * stride] != x[i * stride]) return i;                              \
    return 0;                                                                                             \
  }                                                                                                       \
  static inline __attribute__((always_inline)) void name##_met(int64_t n, int64_t rows, real *restrict best, \
                                                               int64_t *restrict place, const real *restrict x, \
                                                               int64_t next, int64_t at) {                \
    for (; rows > 0; rows--, x += next, at++)                                                             \
      for (int64_t j = 0; j < n; j++) {                                                                   \
        int beats = (x[j] BEATS best[j] || x[j] != x[j]) && best[j] == best[j];                           \
        best[j] = beats ? x[j] : best[j];                                                                 \
        place[j] = beats ? at : place[j];                                                                 \
      }                                                                                                   \
  }                                                                                                       \
  static void name##_columns(int64_t n, int64_t rows, void *bests, int64_t *restrict place, const void *xs, int64_t next, \
                             int64_t at) {                                                                \
    const real *restrict x = xs;                                                                          \
    real *restrict best = bests;                                                                          \
    for (; rows >= MANY; rows -= MANY, x += MANY * next, at += MANY) {                                    \
      int64_t j = 0;                                                                                      \
      for (; j + LANES <= n; j += LANES) { /* does any of them beat what was found? */                    \
        int beats = at < EARLY;                                                                           \
        for (int i = 0; i < LANES && !(at < EARLY); i++)                                                  \
          for (int k = 0; k < MANY; k++) beats |= !(x[j + i + k * next] KEEPS best[j + i]);               \
        if (beats) name##_met(LANES, MANY, best + j, place + j, x + j, next, at);                         \
      }                                                                                                   \
      name##_met(n - j, MANY, best + j, place + j, x + j, next, at);                                      \
    }                                                                                                     \
    name##_met(n, rows, best, place, x, next, at);                                                        \
  }
PLACE(largest, maximum, >, <=)
PLACE(smallest, minimum, <, >=)

extern const tch_reduce_kernels NAME(TCH_REAL, TCH_ISA);
const tch_reduce_kernels NAME(TCH_REAL, TCH_ISA) = {
    .rows = {sum_rows, sum_abs_rows, square_rows, power_rows, exponential_rows, product_rows, maximum_rows, minimum_rows,
             max_abs_rows},
    .columns = {sum_columns, sum_abs_columns, square_columns, power_columns, exponential_columns, product_columns,
                maximum_columns, minimum_columns, max_abs_columns},
    .largest = largest,
    .smallest = smallest,
    .largest_columns = largest_columns,
    .smallest_columns = smallest_columns,
};
