/* Normalisation kernels. Sums run in LANES independent partial sums over blocks, then in double: accurate, and the same
 * whatever the vector width. */
#include "kernel/norm.h"
#include <stddef.h>

#define NAME2(type, isa) tch_norm_kernels_##type##_##isa
#define NAME(type, isa) NAME2(type, isa)

typedef TCH_REAL real;
#include "kernel/lanes.h"

static double sum(int64_t n, const void *xs) {
  const real *x = xs;
  double total = 0;
#define TERM(i) x[i]
  SUM(n, total, TERM);
#undef TERM
  return total;
}

static double square(int64_t n, const void *xs, double mean) {
  const real *x = xs;
  real m = (real) mean;
  double total = 0;
#define TERM(i) (x[i] - m) * (x[i] - m)
  SUM(n, total, TERM);
#undef TERM
  return total;
}

static void moments(int64_t n, const void *gs, const void *xs, double mean, double *g_sum, double *gx_sum) {
  const real *g = gs, *x = xs;
  real m = (real) mean;
  double plain = 0, centred = 0;
#define PLAIN(i) g[i]
#define CENTRED(i) g[i] * (x[i] - m)
  SUMS(n, plain, PLAIN, centred, CENTRED);
#undef PLAIN
#undef CENTRED
  *g_sum = plain;
  *gx_sum = centred;
}

static void affine(int64_t n, const void *xs, void *ys, double a, double b) {
  const real *x = xs;
  real *y = ys, p = (real) a, q = (real) b;
  for (int64_t i = 0; i < n; i++) y[i] = p * x[i] + q;
}

static void affine_relu(int64_t n, const void *xs, void *ys, double a, double b, double high) {
  const real *x = xs;
  real *y = ys, p = (real) a, q = (real) b, top = (real) high;
  for (int64_t i = 0; i < n; i++) {
    real v = p * x[i] + q;
    v = v < 0 ? 0 : v;
    y[i] = v > top ? top : v;
  }
}

static void relu_gradient(int64_t n, const void *gs, const void *ys, void *ds, double high) {
  const real *g = gs, *y = ys;
  real *d = ds, top = (real) high;
  for (int64_t i = 0; i < n; i++) d[i] = (y[i] > 0) & (y[i] < top) ? g[i] : 0;
}

static void gradient(int64_t n, const void *gs, const void *xs, void *ds, double a, double b, double c, double beta) {
  const real *restrict g = gs, *restrict x = xs;
  real *restrict d = ds, p = (real) a, q = (real) b, r = (real) c;
  if (beta == 0)
    for (int64_t i = 0; i < n; i++) d[i] = p * g[i] + q * x[i] + r;
  else
    for (int64_t i = 0; i < n; i++) d[i] += p * g[i] + q * x[i] + r;
}

static void affine_columns(int64_t n, const void *xs, void *ys, const double *a, const double *b) {
  const real *x = xs;
  real *y = ys;
  for (int64_t i = 0; i < n; i++) y[i] = (real) (a[i] * x[i] + b[i]);
}

static void gradient_columns(int64_t n, const void *gs, const void *xs, void *ds, const double *a, const double *b,
                             const double *c, double beta) {
  const real *g = gs, *x = xs;
  real *d = ds;
  if (beta == 0)
    for (int64_t i = 0; i < n; i++) d[i] = (real) (a[i] * g[i] + b[i] * x[i] + c[i]);
  else
    for (int64_t i = 0; i < n; i++) d[i] += (real) (a[i] * g[i] + b[i] * x[i] + c[i]);
}

static void add_columns(int64_t n, const void *xs, double *total) {
  const real *x = xs;
  for (int64_t i = 0; i < n; i++) total[i] += x[i];
}

static void square_columns(int64_t n, const void *xs, const double *mean, double *total) {
  const real *x = xs;
  for (int64_t i = 0; i < n; i++) total[i] += (x[i] - mean[i]) * (x[i] - mean[i]);
}

static void moments_columns(int64_t n, const void *gs, const void *xs, const double *mean, double *g_sum, double *gx_sum) {
  const real *g = gs, *x = xs;
  for (int64_t i = 0; i < n; i++) {
    g_sum[i] += g[i];
    gx_sum[i] += g[i] * (x[i] - mean[i]);
  }
}

static void layer(int64_t n, const void *xs, void *ys, double mean, double invstd, const void *ws, const void *bs) {
  const real *x = xs, *w = ws, *b = bs;
  real *y = ys, m = (real) mean, s = (real) invstd;
  if (w && b)
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - m) * s * w[i] + b[i];
  else
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - m) * s * (w ? w[i] : 1) + (b ? b[i] : 0);
}

static void layer_moments(int64_t n, const void *gs, const void *xs, const void *ws, double mean, double invstd,
                          double *gw_sum, double *gwx_sum) {
  const real *g = gs, *x = xs, *w = ws;
  real m = (real) mean, s = (real) invstd;
  double plain = 0, centred = 0;
  if (w) {
#define PLAIN(i) g[i] * w[i]
#define CENTRED(i) g[i] * w[i] * ((x[i] - m) * s)
    SUMS(n, plain, PLAIN, centred, CENTRED);
#undef PLAIN
#undef CENTRED
  } else {
#define PLAIN(i) g[i]
#define CENTRED(i) g[i] * ((x[i] - m) * s)
    SUMS(n, plain, PLAIN, centred, CENTRED);
#undef PLAIN
#undef CENTRED
  }
  *gw_sum = plain;
  *gwx_sum = centred;
}

static void layer_gradient(int64_t n, const void *gs, const void *xs, const void *ws, void *ds, double mean, double invstd,
                           double p, double q, double beta) {
  const real *g = gs, *x = xs, *w = ws;
  real *d = ds, m = (real) mean, s = (real) invstd, a = (real) p, b = (real) q;
  for (int64_t i = 0; i < n; i++) {
    real gw = w ? g[i] * w[i] : g[i], value = s * (gw - a - (x[i] - m) * s * b);
    d[i] = beta == 0 ? value : d[i] + value;
  }
}

static void layer_weights(int64_t n, const void *gs, const void *xs, double mean, double invstd, double *dw, double *db) {
  const real *g = gs, *x = xs;
  if (dw)
    for (int64_t i = 0; i < n; i++) dw[i] += g[i] * ((x[i] - mean) * invstd);
  if (db)
    for (int64_t i = 0; i < n; i++) db[i] += g[i];
}

extern const tch_norm_kernels NAME(TCH_REAL, TCH_ISA);
const tch_norm_kernels NAME(TCH_REAL, TCH_ISA) = {
    .sum = sum, .square = square, .moments = moments, .affine = affine, .affine_relu = affine_relu,
    .relu_gradient = relu_gradient, .gradient = gradient,
    .affine_columns = affine_columns, .gradient_columns = gradient_columns, .add_columns = add_columns,
    .square_columns = square_columns, .moments_columns = moments_columns, .layer = layer, .layer_moments = layer_moments,
    .layer_gradient = layer_gradient, .layer_weights = layer_weights};
