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

/* The largest number of a row without NaN; *nan tells that there is one. */
static real largest(int64_t n, const real *x, real sign, int *nan) {
  V top = vset(-(real) INFINITY), wrong = {0};
  int64_t i = 0;
  for (; i + (int64_t) VLEN <= n; i += VLEN) {
    V v = vload(x + i) * sign;
    top = vmax_(v, top);
    wrong = wrong + vsel(v != v, 1, 0);
  }
  real best = -(real) INFINITY;
  *nan = 0;
  for (int k = 0; k < (int) VLEN; k++) {
    if (wrong[k] != 0) *nan = 1;
    if (top[k] > best) best = top[k];
  }
  for (; i < n; i++) {
    if (x[i] != x[i]) *nan = 1;
    else if (x[i] * sign > best) best = x[i] * sign;
  }
  return best * sign;
}

/* y = exp(x - top) (y may be NULL); returns the sum. */
static double exp_row(int64_t n, const real *x, real top, real *y) {
  double total = 0;
  for (int64_t start = 0; start < n; start += BLOCK) {
    int64_t end = start + BLOCK < n ? start + BLOCK : n, i = start;
    V part = {0};
    for (; i + (int64_t) VLEN <= end; i += VLEN) {
      V e = vexp(vload(x + i) - top);
      part = part + e;
      if (y) vstore(y + i, e);
    }
    if (i < end) {
      V e = vexp(vload_part(x + i, end - i) - top);
      for (int k = 0; k < end - i; k++) part[k] += e[k];
      if (y) vstore_part(y + i, e, end - i);
    }
    double block = 0;
    for (int k = 0; k < (int) VLEN; k++) block += part[k];
    total += block;
  }
  return total;
}

static void softmax(int64_t n, const void *xs, void *ys) {
  real *y = ys;
  int nan;
  real top = largest(n, xs, 1, &nan), share = (real) (1 / exp_row(n, xs, top, y));
  for (int64_t i = 0; i < n; i++) y[i] *= share;
}

static void log_softmax(int64_t n, const void *xs, void *ys) {
  const real *x = xs;
  real *y = ys;
  int nan;
  real top = largest(n, x, 1, &nan), shift = (real) log(exp_row(n, x, top, NULL));
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
