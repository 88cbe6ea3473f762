/* Where the extremes of a tensor's lines are. */
#ifndef TCH_OP_PLACES_H
#define TCH_OP_PLACES_H
#include "op/op.h"

/* Place of the extreme along dim of x, counted from 0, and the extreme itself (y has x's type; both hold one entry per line). The
 * line is not empty; x is contiguous, or a view that can be read where it lies. */
bool tch_places_of_view(const tch_tensor *x, int dim);
void tch_reduce_places(const tch_tensor *x, int dim, bool largest, void *y, int64_t *place);
#endif
