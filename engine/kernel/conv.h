/* Sums over gathered elements: convolution, its gradients and the product of small matrices are all of the form
 *
 *     C(m, n) = sum over r of A(m, r) B(r, n),   A(m, r) = a[am[m] + ar[r]],   B(r, n) = b[br[r] + n * bn],
 *     C(m, n) at c[cm[m] + n * cn]
 *
 * with tables of offsets in elements, so any stride, dilation and view is the same code. Knows no tensors, no threads. */
#ifndef TCH_KERNEL_CONV_H
#define TCH_KERNEL_CONV_H
#include "kernel/finish.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct tch_contraction {
  int64_t m, n, r;
  const void *a;
  const int64_t *am, *ar;
  const void *b;
  const int64_t *br;
  int64_t bn;
  void *packed; /* B in blocks of tile_n columns: [block][r][tile_n], zero where n ends; filled by pack */
  void *c;
  const int64_t *cm;
  int64_t cn;
  tch_finish finish; /* its channels are the n */
} tch_contraction;

typedef struct tch_conv_kernels {
  int tile_m, tile_n, slide_n, lanes;
  /* Packs block `block` of B. */
  void (*pack)(const tch_contraction *g, int64_t block);
  /* Positions [m0, m1) of block `block` of C, from packed. */
  void (*gather)(const tch_contraction *g, int64_t block, int64_t m0, int64_t m1);
  /* The same for a long r and few m: B is packed on the way, in pieces. First the sums over r in [r0, r1), which are stored or
   * added in `sums` (m1 - m0, tile_n); then C from `slices` of them, `step` elements apart. */
  void (*long_gather)(const tch_contraction *g, int64_t block, int64_t m0, int64_t m1, int64_t r0, int64_t r1, void *sums,
                      bool add);
  void (*long_finish)(const tch_contraction *g, int64_t block, int64_t m0, int64_t m1, const void *sums, int64_t step,
                      int64_t slices);
  /* Positions [m0, m1) of columns [n0, n1), with vectors along positions: A is packed on the way, B read where it lies. room is
   * memory for rows_room numbers, aligned as vectors are. */
  void (*rows)(const tch_contraction *g, int64_t n0, int64_t n1, int64_t m0, int64_t m1, void *room);
  int64_t (*rows_room)(const tch_contraction *g, int64_t columns, int64_t positions);
  /* The same for few columns or a short r, in blocks of slide_n columns and without packing. Positions that lie side by side in
   * A and in C make it fast; it reads up to `lanes` elements from the last position on. */
  void (*slide)(const tch_contraction *g, int64_t block, int64_t m0, int64_t m1);
  /* Copies `rows` rows of `width` into a plane of rows of `to_width`, `left` zeros first, zeros after; `above` and `below`
   * rows of zeros around. */
  void (*pad)(const void *from, int64_t row, int64_t step, int64_t rows, int64_t width, void *to, int64_t to_width,
              int64_t left, int64_t above, int64_t below);
  /* out[i] = alpha * (sum over n < outer and j < inner of x[n * step + i * inner + j]) + beta * out[i], i in [begin, end) */
  void (*sum_planes)(const void *x, int64_t outer, int64_t step, int64_t inner, double alpha, double beta, void *out,
                     int64_t begin, int64_t end);
} tch_conv_kernels;
#endif
