/* Convolution of one plane with one window, for groups of one channel. Knows no tensors, no threads.
 *
 * Windows of 3x3 that move by one or two read the plane where it lies (tch_window3). For others the input plane is first copied
 * between zeros with its columns sorted by their remainder modulo the stride; there every tap of every output row reads
 * neighbouring numbers, whatever stride and dilation: output (i, j) meets tap t at buffer[i * row + tap[t] + j]. */
#ifndef TCH_KERNEL_DEPTHWISE_H
#define TCH_KERNEL_DEPTHWISE_H
#include <stdint.h>

/* What becomes of a sum: min(max(scale * sum + bias + beta * old, low), high); with beta 0 old is not read. */
typedef struct tch_plane_finish {
  double scale, bias, beta, low, high;
} tch_plane_finish;

/* Windows of 3x3 without dilation. */
typedef struct tch_window3 {
  int64_t height, width; /* of the input plane */
  int64_t rows, cols;    /* of the output plane */
  int64_t top, left;     /* zeros before the input plane, at most 2 */
  int64_t stride;        /* 1 or 2 */
} tch_window3;

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
  /* plane = what becomes of the buffer's inside */
  void (*leave)(const tch_window *w, const void *buffer, const tch_plane_finish *f, void *plane, int64_t step);
  /* y (rows `step` apart) = what becomes of the sums over taps */
  void (*forward)(const tch_window *w, const void *buffer, const void *weight, const tch_plane_finish *f, void *y,
                  int64_t step);
  /* buffer += weight times gy, tap by tap: the transposed sum */
  void (*scatter)(const tch_window *w, const void *gy, int64_t step, const void *weight, void *buffer);
  /* sums[t] += sum over the plane of gy times what tap t meets */
  void (*weight)(const tch_window *w, const void *buffer, const void *gy, int64_t step, double *sums);
  /* The same three sums where planes lie; rows of x are x_step apart. */
  void (*forward3)(const tch_window3 *w, const void *x, int64_t x_step, const void *weight, const tch_plane_finish *f,
                   void *y, int64_t y_step);
  void (*input3)(const tch_window3 *w, const void *gy, int64_t y_step, const void *weight, const tch_plane_finish *f,
                 void *gx, int64_t x_step);
  void (*weight3)(const tch_window3 *w, const void *x, int64_t x_step, const void *gy, int64_t y_step, double *sums);
} tch_depthwise_kernels;
#endif
