/* Pooling of one plane. Knows no tensors, no threads. */
#ifndef TCH_KERNEL_POOL_H
#define TCH_KERNEL_POOL_H
#include <stdbool.h>
#include <stdint.h>

/* The windows along one direction: window o covers first[o], first[o] + step, ..., count[o] positions inside the plane; extent[o]
 * is what an average divides by. */
typedef struct tch_windows {
  int64_t in, out, step;
  int64_t widest; /* largest count */
  bool pairs;     /* window o is exactly positions 2o and 2o + 1 */
  int64_t stride; /* windows begin so far apart, but for those that the border cuts; 0 where they are adaptive */
  int32_t *first, *count, *extent;
} tch_windows;

/* Planes are contiguous rows. An index is the place of the largest number in its window, row * (widest of horizontal) + column,
 * a byte, or an int32 if wide. Of equals the first counts; a NaN is the largest of all. Gradients: gx = alpha * g + beta * gx,
 * not read with beta 0. Where y is given, the outputs, g counts only where 0 < y < high: the gradient through a ReLU or ReLU6
 * before the pooling. */
typedef struct tch_pool_kernels {
  void (*max)(const tch_windows *v, const tch_windows *h, bool wide, const void *x, void *y, void *index);
  void (*max_grad)(const tch_windows *v, const tch_windows *h, bool wide, const void *gy, const void *index,
                   const void *y, double high, double alpha, double beta, void *gx);
  /* y = the numbers of x that the indices name */
  void (*max_take)(const tch_windows *v, const tch_windows *h, bool wide, const void *x, const void *index, void *y);
  void (*average)(const tch_windows *v, const tch_windows *h, const void *x, void *y);
  void (*average_grad)(const tch_windows *v, const tch_windows *h, const void *gy, double alpha, double beta, void *gx);
} tch_pool_kernels;
#endif
