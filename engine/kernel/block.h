/* Kernels on blocked planes: numbers of one image in the order [block][row][column][lane], a block being `lanes` channels, so that
 * a vector holds the channels of one position. Sums broadcast what they read and keep a tile of positions by vectors of output
 * channels in registers. float only. Knows no tensors, no threads.
 *
 * Offsets count elements. Weights lie in pairs of blocks of output channels: [pair][depth][2 * lanes], depth being the inputs in
 * the order they are summed; the last block of an odd number is a pair of one, [depth][lanes]. Every output is summed in that order
 * by one chain of multiply-adds, whatever the tile. */
#ifndef TCH_KERNEL_BLOCK_H
#define TCH_KERNEL_BLOCK_H
#include <stdbool.h>
#include <stdint.h>

enum { TCH_BLOCK_TILE = 14, TCH_BLOCK_FEW = 2 }; /* positions: of the largest tile of any instruction set; with 4 vectors */

/* y[m] = min(max(bias + add[m] + sum over taps and channels of weight * x[m], low), high) for m < count. */
typedef struct tch_block_sum {
  int64_t count, vectors; /* positions, up to `most`; blocks of output channels: 1, 2, or 4, two pairs */
  const float *x;
  const int32_t *x_at; /* of each position */
  const int32_t *tap;  /* what is added to it for each tap: `full` taps of `lanes` channels, then `rest` of `tail` */
  int64_t full, rest, tail;
  const float *weight;
  int64_t pair; /* between pairs of the weight */
  bool plain;   /* the bare sum: bias and bounds are not looked at, add is NULL */
  const float *bias;
  const float *add; /* NULL: nothing */
  const int32_t *add_at;
  int64_t add_block;
  float low, high;
  float *y;
  const int32_t *y_at;
  int64_t y_block;  /* between blocks of y */
  const char *next; /* bytes fetched ahead, `next_step` further for each row of weights */
  int64_t next_step;
} tch_block_sum;

/* A window of weights for each channel of one block. Rows and columns of windows move by stride; x is where the first begins. */
typedef struct tch_block_window {
  const float *x;
  int64_t x_row, stride[2], size[2], dilation[2];
  const float *weight; /* [tap][lane] */
  const float *bias;
  float low, high;
  float *y;
  int64_t y_row, rows, columns;
} tch_block_window;

/* Windows of any size: output (i, j) sees rows [from[0][i], to[0][i]) and columns [from[1][j], to[1][j]) of x. */
typedef struct tch_block_pool {
  const float *x;
  int64_t x_row, step; /* step: between the columns and rows that a window sees */
  const int32_t *from[2], *to[2];
  const float
      *share[2]; /* averages: what a sum is multiplied by, for its row and its column; NULL: the largest number */
  float *y;
  int64_t y_row, rows, columns;
} tch_block_pool;

/* Tiles of Winograd's F(4x4, 3x3) (see winograd.h) of one block, side by side in a row. */
typedef struct tch_block_tiles {
  float *plane; /* where the first patch of 6x6 begins, or its outputs of 4x4 */
  int64_t row, tiles;
  int64_t height, width; /* of outputs from plane on that exist */
  float *domain;         /* 36 matrices `step` apart; tiles are neighbours */
  int64_t step;
  const float *bias, *add; /* of outputs, as in a sum */
  int64_t add_row;
  float low, high;
} tch_block_tiles;

typedef struct tch_block_kernels {
  int64_t lanes;
  int64_t most; /* positions of the largest tile of 1 or 2 vectors */
  void (*sum)(const tch_block_sum *s);
  void (*depthwise)(const tch_block_window *w);
  void (*pool)(const tch_block_pool *p);
  void (*tiles_in)(const tch_block_tiles *t);
  void (*tiles_out)(const tch_block_tiles *t);
  /* y = min(max(a + b, low), high); n numbers, whole vectors */
  void (*add)(int64_t n, const float *a, const float *b, float low, float high, float *y);
  /* `lanes` channels of plain planes to the lanes of a block and back; channels beyond `channels` read as 0 and are not written */
  void (*enter)(int64_t n, int64_t channels, const float *x, int64_t plane, float *y);
  void (*leave)(int64_t n, int64_t channels, const float *x, float *y, int64_t plane);
} tch_block_kernels;
#endif
