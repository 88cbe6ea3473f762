/* Boxes: parts of a grid of elements that are small enough for the nearest cache. Dimensions are listed from the innermost. */
#ifndef TCH_CORE_BOX_H
#define TCH_CORE_BOX_H
#include "tocha.h"
#include <stdbool.h>

enum { TCH_BOX_DIMS = 2 * TCH_MAX_DIMS, TCH_BOX_SIDE = 256 };

/* What has to be known to cut a grid: n operands with `bytes` bytes an element step through it. */
typedef struct tch_grid_view {
  const int64_t *stride;
  int64_t bytes;
} tch_grid_view;

/* Sizes of a box of up to about `most` elements: along the dimensions in which an operand is densest it holds `line` bytes of
 * it, so that what comes with a cache line is used before the line goes; what is left goes to the innermost dimensions. */
void tch_box_extents(int n, const tch_grid_view *operand, int ndim, const int64_t *size, int64_t line, int64_t most,
                     int64_t *extent);

/* Goes from box to box of a grid, the innermost dimension first. */
typedef struct tch_box_walk {
  int ndim;
  const int64_t *size, *extent;
  int64_t boxes[TCH_BOX_DIMS], place[TCH_BOX_DIMS];
} tch_box_walk;

int64_t tch_box_count(int ndim, const int64_t *size, const int64_t *extent);
void tch_box_start(tch_box_walk *w, int ndim, const int64_t *size, const int64_t *extent, int64_t box);
void tch_box_next(tch_box_walk *w);
/* The first element and the sizes of the box; false: it is smaller than the others. */
bool tch_box_here(const tch_box_walk *w, int64_t *first, int64_t *size);

/* A move of a box from one place to another, made ready once for many boxes of the same sizes. */
struct tch_move_kernels;
typedef struct tch_box_side {
  int64_t n, step, at[TCH_BOX_SIDE / 4];
} tch_box_side;
typedef struct tch_box_mover {
  int64_t bytes;
  const struct tch_move_kernels *kernels;
  bool turned;
  int ndim;
  int64_t size[TCH_BOX_DIMS], to[TCH_BOX_DIMS], from[TCH_BOX_DIMS];
  tch_box_side row, column; /* of a turn */
} tch_box_mover;

/* Elements have `bytes` bytes (1, 2, 4 or 8); strides count elements. */
void tch_box_ready(tch_box_mover *m, int64_t bytes, int ndim, const int64_t *size, const int64_t *to_stride,
                   const int64_t *from_stride);
/* The places do not overlap. */
void tch_box_run(const tch_box_mover *m, void *to, const void *from);
void tch_box_move(int64_t bytes, int ndim, const int64_t *size, void *to, const int64_t *to_stride, const void *from,
                  const int64_t *from_stride);
#endif
