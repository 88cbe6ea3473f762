/* Reductions and softmax over rows. */
#ifndef TCH_KERNEL_REDUCE_H
#define TCH_KERNEL_REDUCE_H
#include <stdint.h>

typedef struct tch_reduce_kernels {
  double (*sum)(int64_t n, const void *x);
  double (*power)(int64_t n, const void *x, double p); /* sum of |x|^p */
  double (*square)(int64_t n, const void *x, double mean); /* sum of (x - mean)^2 */
  double (*product)(int64_t n, const void *x);
  /* The largest (sign 1) or smallest (sign -1) number and its first place; a NaN wins. */
  double (*extreme)(int64_t n, const void *x, int sign, int64_t *place);
  double (*logsumexp)(int64_t n, const void *x);
  void (*add)(int64_t n, const void *x, double *sum);  /* sum[j] += x[j] */
  /* y = exp(x) / sum exp(x), or its logarithm */
  void (*softmax)(int64_t n, const void *x, void *y);
  void (*log_softmax)(int64_t n, const void *x, void *y);
  /* dx = y (g - sum g y), and dx = g - exp(y) sum g */
  void (*softmax_grad)(int64_t n, const void *g, const void *y, void *dx);
  void (*log_softmax_grad)(int64_t n, const void *g, const void *y, void *dx);
} tch_reduce_kernels;
#endif
