/* Reading indices, for the ops that take them. */
#ifndef TCH_OP_INDEX_H
#define TCH_OP_INDEX_H
#include "op/op.h"

/* Entry i of a contiguous integer tensor. */
int64_t tch_index_at(const tch_tensor *index, int64_t i);
/* For shape rules: input `input` holds integers in base .. base + count - 1; the message names the first that does not, and
 * dimension `dim`. */
tch_status tch_index_check(tch_call *c, int input, int64_t base, int64_t count, int dim);
#endif
