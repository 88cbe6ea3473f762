/* Winograd's fast convolution F(4x4, 3x3) (Lavin and Gray 2015): the plane falls into tiles of 4x4 outputs, each seen
 * through a patch of 6x6 inputs; transformed, the sums become 36 independent products of matrices, with a quarter of the
 * multiplications. With d a patch, g a window of weights, y a tile of outputs, and products taken entry by entry:
 *
 *     y = A' [ sum over channels of (G g G') (B' d B) ] A
 *     dg = G' [ sum over tiles of (A dy A') (B' d B) ] G
 *
 * Transformed numbers lie in 36 matrices `step` apart, each in blocks of channels: [block][tile][width]. A block is tile_n channels
 * wide, or `lanes` where there are no more. One call handles `lanes` channels. Knows no tensors, no threads. */
#ifndef TCH_KERNEL_WINOGRAD_H
#define TCH_KERNEL_WINOGRAD_H
#include "kernel/finish.h"
#include <stdbool.h>
#include <stdint.h>

enum { TCH_WINOGRAD_MATRICES = 36, TCH_WINOGRAD_TILE = 4 };

/* A row of tiles over `channels` (up to `lanes`; 0 reads as zeros) planes of one image. */
typedef struct tch_tile_row {
  void *planes;
  int64_t channel, row; /* steps in elements; the numbers of a row lie side by side */
  int64_t height, width;
  int64_t channels, tiles;
  int64_t y, x; /* where the first tile's patch begins; outside the plane are zeros */
  void *domain; /* entry of the first tile in the first matrix */
  int64_t step, wide; /* between matrices, between tiles */
} tch_tile_row;

/* Windows of 3x3 weights for `channels` outputs and one input. */
typedef struct tch_tile_weight {
  void *data;
  int64_t channel; /* step between outputs; the nine taps lie side by side */
  int64_t channels;
  bool turned; /* read with the window turned by half a circle */
  void *domain;
  int64_t step;
} tch_tile_weight;

/* a(m, r) at a[m * row + r / run * jump + r % run * step] */
typedef struct tch_tile_product {
  const void *a, *b;
  void *c;
  int64_t m, r;
  int64_t row, step, run, jump;
  bool add;
} tch_tile_product;

typedef struct tch_winograd_kernels {
  int lanes, tile_m, tile_n;
  void (*input)(const tch_tile_row *r);                            /* B' d B of patches of planes to the domain */
  void (*output_gradient)(const tch_tile_row *r);                  /* A y A' of tiles of planes to the domain */
  void (*output)(const tch_tile_row *r, const tch_finish *f); /* A' m A of the domain to tiles of planes */
  void (*weight)(const tch_tile_weight *w);                        /* G g G' of windows to the domain */
  /* G' m G of the domain, which is the sum of `slices` domains `slice` apart, to windows */
  void (*weight_gradient)(const tch_tile_weight *w, int64_t slice, int64_t slices, double alpha, double beta);
  /* c[m][.] (+)= sum over r of a(m, r) b[r][.]; rows of b and c are tile_n long, those of narrow `lanes`. Up to tile_m rows of a
   * behind the last are read. */
  void (*product)(const tch_tile_product *p);
  void (*narrow)(const tch_tile_product *p);
} tch_winograd_kernels;
#endif
