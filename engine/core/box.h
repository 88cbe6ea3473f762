/* Boxes: parts of a grid of elements that are small enough for the nearest cache. Dimensions are listed from the innermost. */
#ifndef TCH_CORE_BOX_H
#define TCH_CORE_BOX_H
#include "tocha.h"

enum { TCH_BOX_DIMS = 2 * TCH_MAX_DIMS };

/* What has to be known to cut a grid: n operands with `bytes` bytes an element step through it. */
typedef struct tch_grid_view {
  const int64_t *stride;
  int64_t bytes;
} tch_grid_view;

/* Sizes of a box of up to about `most` elements: along the dimensions in which an operand is densest it holds `line` bytes of
 * it, so that what comes with a cache line is used before the line goes; what is left goes to the innermost dimensions. */
void tch_box_extents(int n, const tch_grid_view *operand, int ndim, const int64_t *size, int64_t line, int64_t most,
                     int64_t *extent);

/* Moves elements of `bytes` (1, 2, 4 or 8) from one place to another that does not overlap it; strides count elements. */
void tch_box_move(int64_t bytes, int ndim, const int64_t *size, void *to, const int64_t *to_stride, const void *from,
                  const int64_t *from_stride);
#endif
