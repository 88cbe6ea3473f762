/* Walks several operands of one broadcast shape and hands rows to a kernel. */
#ifndef TCH_CORE_ITER_H
#define TCH_CORE_ITER_H
#include "core/tensor.h"

enum { TCH_ITER_MAX = 6 };

/* Processes n elements; data[k] points at operand k's first element, step[k] in elements (0: broadcast, 1: contiguous). */
typedef void (*tch_row)(void *context, int64_t n, void *const *data, const int64_t *step);
/* The same for several rows, which begin next[k] elements apart. */
typedef void (*tch_plane)(void *context, int64_t n, int64_t rows, void *const *data, const int64_t *step, const int64_t *next);

/* Operands must each have the sizes of `shape` or broadcast to it (aligned at the last dimension, size 1 stretches).
 * Dimensions are merged and ordered so that rows are long; work above a size is cut into pieces for the pool. */
void tch_iterate(const tch_shape *shape, tch_tensor *const *operand, int n, tch_row row, void *context);
/* Combs whose elements take up to so many places are given as they lie (kernel/pitch.h). places may be negative: no combs are
 * given, but it costs little to compute in gaps, where an element takes up to so many places. */
void tch_iterate_planes(const tch_shape *shape, tch_tensor *const *operand, int n, tch_plane plane, void *context, int places);

/* Shape that a and b broadcast to; false if they do not. type is a's. */
bool tch_broadcast(const tch_tensor *a, const tch_tensor *b, tch_shape *out);
#endif
