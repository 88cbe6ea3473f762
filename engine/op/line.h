/* What ops share that walk a tensor along one dimension. */
#ifndef TCH_OP_LINE_H
#define TCH_OP_LINE_H
#include "op/op.h"

/* A contiguous tensor seen along dimension `dim`: element (o, k, i) lies at (o * n + k) * inner + i. */
typedef struct tch_line {
  int dim;
  int64_t outer, n, inner;
} tch_line;

/* dim must be valid for ndim sizes. A scalar is one line of one element. */
tch_line tch_line_of(int ndim, const int64_t *size, int64_t dim);

/* Shape rule: output o looks like t. A tensor without shape is refused. */
tch_status tch_op_shape_like(tch_call *c, int o, const tch_tensor *t);
/* Shape rule: dim as counted from 0 in a tensor t; a scalar has a dimension 0 of size 1. */
tch_status tch_op_line_dim(const tch_call *c, const tch_tensor *t, int64_t dim, int *out);

/* Passes *g on as the gradient of input i if status is TCH_OK; returns the first failure. */
static inline tch_status tch_grad_pass(tch_call *c, int i, tch_status status, tch_tensor **g) {
  return status == TCH_OK ? tch_grad_give(c, i, *g) : status;
}
/* A new tensor of zeros with input i's sizes. */
tch_status tch_grad_zeros(const tch_call *c, int i, tch_tensor **out);
#endif
