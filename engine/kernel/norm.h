/* Sums and maps of normalisation layers, over rows of n contiguous numbers. */
#ifndef TCH_KERNEL_NORM_H
#define TCH_KERNEL_NORM_H
#include <stdint.h>

typedef struct tch_norm_kernels {
  double (*sum)(int64_t n, const void *x);
  double (*square)(int64_t n, const void *x, double mean);                   /* sum of (x - mean)^2 */
  /* *g_sum = sum of g, *gx_sum = sum of g * (x - mean) */
  void (*moments)(int64_t n, const void *g, const void *x, double mean, double *g_sum, double *gx_sum);
  void (*affine)(int64_t n, const void *x, void *y, double a, double b);     /* y = a * x + b */
  void (*affine_relu)(int64_t n, const void *x, void *y, double a, double b, double high); /* the same between 0 and high */
  void (*relu_gradient)(int64_t n, const void *g, const void *y, void *d, double high);    /* d = g where 0 < y < high, else 0 */
  /* d = a * g + b * x + c + beta * d; beta is 0 or 1, and with 0 the old d is not read */
  void (*gradient)(int64_t n, const void *g, const void *x, void *d, double a, double b, double c, double beta);
  /* the same with one a, b, c per column */
  void (*affine_columns)(int64_t n, const void *x, void *y, const double *a, const double *b);
  void (*gradient_columns)(int64_t n, const void *g, const void *x, void *d, const double *a, const double *b, const double *c,
                           double beta);
  void (*add_columns)(int64_t n, const void *x, double *sum);                /* sum[j] += x[j] */
  void (*square_columns)(int64_t n, const void *x, const double *mean, double *sum);
  void (*moments_columns)(int64_t n, const void *g, const void *x, const double *mean, double *g_sum, double *gx_sum);
  /* layer normalisation of one row: y = (x - mean) * invstd * w + b; NULL w is 1, NULL b is 0 */
  void (*layer)(int64_t n, const void *x, void *y, double mean, double invstd, const void *w, const void *b);
  /* sums of g * w and of g * w * xhat */
  void (*layer_moments)(int64_t n, const void *g, const void *x, const void *w, double mean, double invstd, double *gw_sum,
                        double *gwx_sum);
  /* d = invstd * (g * w - p - xhat * q) + beta * d */
  void (*layer_gradient)(int64_t n, const void *g, const void *x, const void *w, void *d, double mean, double invstd, double p,
                         double q, double beta);
  /* dw[j] += g * xhat, db[j] += g; either may be NULL */
  void (*layer_weights)(int64_t n, const void *g, const void *x, double mean, double invstd, double *dw, double *db);
} tch_norm_kernels;
#endif
