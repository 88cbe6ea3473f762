/* Softmax over contiguous rows. */
#ifndef TCH_KERNEL_SOFTMAX_H
#define TCH_KERNEL_SOFTMAX_H
#include <stdint.h>

typedef struct tch_softmax_kernels {
  /* y = exp(x) / sum exp(x), or its logarithm */
  void (*softmax)(int64_t n, const void *x, void *y);
  void (*log_softmax)(int64_t n, const void *x, void *y);
  /* dx = y (g - sum g y), and dx = g - exp(y) sum g */
  void (*softmax_grad)(int64_t n, const void *g, const void *y, void *dx);
  void (*log_softmax_grad)(int64_t n, const void *g, const void *y, void *dx);
} tch_softmax_kernels;
#endif
