/* The three sums of convolution on plain memory: forward, gradient of the input, gradient of the weight. They know shapes and
 * strides, cut the work for the pool, and leave the numbers to kernel/conv.c. */
#ifndef TCH_OP_CONVOLVE_H
#define TCH_OP_CONVOLVE_H
#include "core/tensor.h"
#include "kernel/finish.h"

/* x (n, c, h, w), weight (o, c / groups, kh, kw), y (n, o, oh, ow); index 0 is vertical, 1 horizontal. */
typedef struct tch_conv_geometry {
  tch_dtype type;
  int64_t n, c, o, groups;
  int64_t in[2], kernel[2], out[2];
  int64_t stride[2], pad[2], dilation[2];
  tch_storage *store; /* of the weight: transformed weights are kept with it; NULL: nothing is kept */
} tch_conv_geometry;

/* Four dimensions of a tensor, wherever they lie. */
typedef struct tch_planes {
  void *data;
  int64_t stride[4];
} tch_planes;

/* A tensor of 4 dimensions, or of 3 without the first one. */
tch_planes tch_planes_of(const tch_tensor *t);

/* y = what becomes of conv(x, weight). weight is contiguous. */
tch_status tch_convolve(const tch_conv_geometry *g, tch_planes x, const void *weight, const tch_finish *finish,
                        tch_planes y);
/* gx = what becomes of the gradient of x for gy: the transposed convolution of gy. */
tch_status tch_convolve_input(const tch_conv_geometry *g, tch_planes gy, const void *weight, const tch_finish *finish,
                              tch_planes gx);
/* gw = alpha * (gradient of the weight) + beta * gw. */
tch_status tch_convolve_weight(const tch_conv_geometry *g, tch_planes x, tch_planes gy, tch_planes gw, double alpha,
                               double beta);
/* gb[o] = alpha * (sum of gy over images and planes) + beta * gb[o]; gb contiguous, o channels of `plane` contiguous numbers. */
void tch_channel_sums(tch_dtype type, const void *gy, int64_t n, int64_t o, int64_t plane, double alpha, double beta,
                      void *gb);
#endif
