/* Convolution of one plane with one window, for groups of one channel. The input plane is first copied between zeros with its
 * columns sorted by their remainder modulo the stride; there every tap of every output row reads neighbouring numbers, whatever
 * stride and dilation: output (i, j) meets tap t at buffer[i * row + tap[t] + j]. Knows no tensors, no threads. */
#ifndef TCH_KERNEL_DEPTHWISE_H
#define TCH_KERNEL_DEPTHWISE_H
#include <stdint.h>

typedef struct tch_window {
  int64_t height, width; /* of the input plane */
  int64_t top, left;     /* zeros before it */
  int64_t stride;        /* between columns */
  int64_t lines;         /* of the buffer: the plane's rows and the zeros above and below */
  int64_t columns;       /* of one remainder, and what a last vector reads past them */
  int64_t rows, cols;    /* of the output plane */
  int64_t row;           /* between output rows, in the buffer */
  const int64_t *tap;
  int64_t taps;
} tch_window;

typedef struct tch_depthwise_kernels {
  int lanes;
  /* Fills the buffer: lines of stride * columns numbers. */
  void (*enter)(const tch_window *w, const void *plane, int64_t step, void *buffer);
  /* plane = alpha * buffer's inside + bias + beta * plane */
  void (*leave)(const tch_window *w, const void *buffer, double alpha, double bias, double beta, void *plane,
                int64_t step);
  /* y (rows `step` apart) = alpha * sum over taps + bias + beta * y */
  void (*forward)(const tch_window *w, const void *buffer, const void *weight, double alpha, double bias, double beta,
                  void *y, int64_t step);
  /* buffer += weight times gy, tap by tap: the transposed sum */
  void (*scatter)(const tch_window *w, const void *gy, int64_t step, const void *weight, void *buffer);
  /* sums[t] += sum over the plane of gy times what tap t meets */
  void (*weight)(const tch_window *w, const void *buffer, const void *gy, int64_t step, double *sums);
} tch_depthwise_kernels;
#endif
