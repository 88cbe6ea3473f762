/* What ops share that walk a tensor along one dimension. */
#include "op/line.h"
#include <string.h>

tch_line tch_line_of(int ndim, const int64_t *size, int64_t dim) {
  tch_line l = {.dim = (int) (dim < 0 ? dim + ndim : dim), .outer = 1, .n = 1, .inner = 1};
  for (int d = 0; d < ndim; d++) {
    if (d < l.dim) l.outer *= size[d];
    else if (d == l.dim) l.n = size[d];
    else l.inner *= size[d];
  }
  return l;
}

tch_status tch_op_shape_like(tch_call *c, int o, const tch_tensor *t) {
  if (t->ndim == 0 && t->count == 0) return tch_op_fail(c, TCH_ERROR_SHAPE, "the tensor is empty");
  c->shape[o].type = t->type;
  c->shape[o].ndim = t->ndim;
  memcpy(c->shape[o].size, t->size, sizeof *t->size * (size_t) t->ndim);
  return TCH_OK;
}

tch_status tch_op_line_dim(const tch_call *c, const tch_tensor *t, int64_t dim, int *out) {
  if (t->ndim == 0 && t->count == 1 && (dim == 0 || dim == -1)) {
    *out = 0;
    return TCH_OK;
  }
  return tch_op_dim(c, t, dim, out);
}

tch_status tch_grad_zeros(const tch_call *c, int i, tch_tensor **out) {
  TCH_TRY(tch_tensor_of(&c->in_shape[i], out));
  tch_status status = tch_tensor_fill(*out, 0);
  if (status != TCH_OK) {
    tch_tensor_release(*out);
    *out = NULL;
  }
  return status;
}
