/* Resampling of pictures: planes of contiguous rows. Knows no tensors, no threads. Where a type is void, it is the unit's. */
#ifndef TCH_KERNEL_PICTURE_H
#define TCH_KERNEL_PICTURE_H
#include <stdint.h>

typedef enum tch_interpolation { TCH_NEAREST, TCH_LINEAR, TCH_CUBIC, TCH_LANCZOS } tch_interpolation;

/* What lies outside a picture of n pixels along one direction, at coordinates 0 to n - 1. */
typedef enum tch_edge {
  TCH_EDGE_VALUE,   /* a number */
  TCH_EDGE_CLAMP,   /* the pixel at the edge:  a a | a b c | c c */
  TCH_EDGE_REFLECT, /* the mirror image:       b a | a b c | c b */
  TCH_EDGE_WRAP,    /* the other side, so that the first and the last pixel lie on each other, as in SciPy's "wrap" */
  TCH_EDGE_BORDER   /* a number; within half a pixel of the picture, the pixel at the edge */
} tch_edge;

typedef struct tch_planes {
  int64_t channels, height, width;
  const void *data;  /* (channels, height, width), contiguous */
  tch_interpolation interpolation;
  tch_edge edge;
  double value;      /* of TCH_EDGE_VALUE and TCH_EDGE_BORDER */
} tch_planes;

typedef struct tch_picture_kernels {
  /* to[i] = sum over k < taps of weight[i * taps + k] * from[first[i] + k], i < n */
  void (*columns)(int64_t n, int64_t taps, const int32_t *first, const void *weight, const void *from, void *to);
  /* to[x] = sum over k < taps of weight[k] * from[k * stride + x], x < n */
  void (*rows)(int64_t n, int64_t taps, const void *weight, const void *from, int64_t stride, void *to);
  /* to[c * stride + i] = channel c at row y[i], column x[i], i < n. Any coordinates, also those that are no numbers. */
  void (*sample)(int64_t n, const tch_planes *p, const void *y, const void *x, void *to, int64_t stride);
  /* to[i] = scale * from[i] + shift, i < n */
  void (*bytes)(int64_t n, const uint8_t *from, double scale, double shift, void *to);
  /* Red, green and blue of n pixels of four bytes, red first and the last one of no meaning: as bytes, and from 0 to 1. */
  void (*split)(int64_t n, const uint8_t *from, uint8_t *red, uint8_t *green, uint8_t *blue);
  void (*split_unit)(int64_t n, const uint8_t *from, void *red, void *green, void *blue);
} tch_picture_kernels;
#endif
