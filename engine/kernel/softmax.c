/* Softmax over rows. A long sum runs in independent vectors over blocks, then in double. */
#include "kernel/softmax.h"
#include "kernel/simd.h"
#include <stddef.h>

#define NAME2(type, isa) tch_softmax_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)

#include "kernel/lanes.h"

static double sum(int64_t n, const void *xs) {
  const real *x = xs;
  double total = 0;
#define TERM(i) x[i]
  SUM(n, total, TERM);
#undef TERM
  return total;
}

/* In four vectors, so that no step waits for the one before. */
enum { CHAINS = 4, STEP = CHAINS * VLEN };

static inline V larger(V a, V b) { return vsel(a > b, a, b); } /* b if either is NaN */

/* The largest number of a row, if it holds no NaN; otherwise any number. */
static real largest(int64_t n, const real *x) {
  V top[CHAINS];
  int64_t i = 0;
  for (int c = 0; c < CHAINS; c++) top[c] = vset(-(real) INFINITY);
  for (; i + STEP <= n; i += STEP)
    for (int c = 0; c < CHAINS; c++) top[c] = larger(vload(x + i + c * VLEN), top[c]);
  for (; i + (int64_t) VLEN <= n; i += VLEN) top[0] = larger(vload(x + i), top[0]);
  V all = larger(larger(top[0], top[1]), larger(top[2], top[3]));
  real best = -(real) INFINITY;
  for (int k = 0; k < (int) VLEN; k++) best = all[k] > best ? all[k] : best;
  for (; i < n; i++) best = x[i] > best ? x[i] : best;
  return best;
}

/* y = exp(x - top) (y may be NULL); returns the sum. */
static inline __attribute__((always_inline)) double exp_row(int64_t n, const real *x, real top, real *y) {
  double total = 0;
  for (int64_t start = 0; start < n; start += BLOCK) {
    int64_t end = start + BLOCK < n ? start + BLOCK : n, i = start;
    V part[2] = {{0}, {0}};
    for (; i + 2 * (int64_t) VLEN <= end; i += 2 * VLEN)
      for (int c = 0; c < 2; c++) {
        V e = vexp(vload(x + i + c * VLEN) - top);
        part[c] = part[c] + e;
        if (y) vstore(y + i + c * VLEN, e);
      }
    for (int64_t m; i < end; i += m) {
      V v = vset(-(real) INFINITY); /* whose exponential is 0 */
      m = end - i < (int64_t) VLEN ? end - i : (int64_t) VLEN;
      memcpy(&v, x + i, (size_t) m * sizeof(real));
      V e = vexp(v - top);
      part[0] = part[0] + e;
      if (y) vstore_part(y + i, e, m);
    }
    V all = part[0] + part[1];
    double block = 0;
    for (int k = 0; k < (int) VLEN; k++) block += all[k];
    total += block;
  }
  return total;
}

static void softmax(int64_t n, const void *xs, void *ys) {
  real *y = ys;
  real top = largest(n, xs), share = (real) (1 / exp_row(n, xs, top, y));
  for (int64_t i = 0; i < n; i++) y[i] *= share;
}

static void log_softmax(int64_t n, const void *xs, void *ys) {
  const real *x = xs;
  real *y = ys;
  real top = largest(n, x), shift = (real) log(exp_row(n, x, top, NULL));
  for (int64_t i = 0; i < n; i++) y[i] = x[i] - top - shift;
}

static void softmax_grad(int64_t n, const void *gs, const void *ys, void *ds) {
  const real *g = gs, *y = ys;
  real *d = ds;
  double total = 0;
#define TERM(i) g[i] * y[i]
  SUM(n, total, TERM);
#undef TERM
  real t = (real) total;
  for (int64_t i = 0; i < n; i++) d[i] = y[i] * (g[i] - t);
}

static void log_softmax_grad(int64_t n, const void *gs, const void *ys, void *ds) {
  const real *g = gs, *y = ys;
  real *d = ds;
  real t = (real) sum(n, gs);
  int64_t i = 0;
  for (; i + (int64_t) VLEN <= n; i += VLEN) vstore(d + i, vload(g + i) - vexp(vload(y + i)) * t);
  if (i < n) vstore_part(d + i, vload_part(g + i, n - i) - vexp(vload_part(y + i, n - i)) * t, n - i);
}

extern const tch_softmax_kernels NAME(TCH_REAL, TCH_ISA);
const tch_softmax_kernels NAME(TCH_REAL, TCH_ISA) = {
    .softmax = softmax, .log_softmax = log_softmax, .softmax_grad = softmax_grad, .log_softmax_grad = log_softmax_grad};
