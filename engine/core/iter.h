/* Walks several operands of one broadcast shape and hands rows to a kernel. */
#ifndef TCH_CORE_ITER_H
#define TCH_CORE_ITER_H
#include "core/tensor.h"

enum { TCH_ITER_MAX = 6 };

/* Processes n elements; data[k] points at operand k's first element, stride[k] in elements (0: broadcast, 1: contiguous). */
typedef void (*tch_row)(void *context, int64_t n, void *const *data, const int64_t *stride);

/* Operands must each have the sizes of `shape` or broadcast to it (aligned at the last dimension, size 1 stretches).
 * Dimensions are merged and ordered so that rows are long; work above a size is cut into pieces for the pool. */
void tch_iterate(const tch_shape *shape, tch_tensor *const *operand, int n, tch_row row, void *context);

/* Shape that a and b broadcast to; false if they do not. type is a's. */
bool tch_broadcast(const tch_tensor *a, const tch_tensor *b, tch_shape *out);
#endif
