/* Folds of a tensor over some of its dimensions. */
#ifndef TCH_OP_OVER_H
#define TCH_OP_OVER_H
#include "kernel/reduce.h"
#include "op/op.h"

/* The fold of floating x over the dimensions in mask (bit d: dimension d), one result per entry of the others, in their order:
 * acc[0 .. count / reduced - 1]. p: NULL, or a parameter for each result. How sums are cut depends on x's view alone. */
tch_status tch_reduce_doubles(tch_call *c, const tch_tensor *x, uint32_t mask, tch_reduction fold, const double *p, double *acc);
/* The same for integers in int64_t, which wraps: SUM, PROD, MAX and MIN. */
tch_status tch_reduce_longs(tch_call *c, const tch_tensor *x, uint32_t mask, tch_reduction fold, int64_t *acc);
#endif
