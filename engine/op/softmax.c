/* Softmax and its logarithm along one dimension. */
#include "kernel/softmax.h"
#include "core/cpu.h"
#include "core/thread.h"
#include "op/op.h"
#include <string.h>

TCH_KERNEL_FAMILY(softmax)

enum { WORK = 1 << 14 };

static tch_status softmax_shape(tch_call *c) {
  const tch_softmax_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int d;
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(tch_op_dim(c, x, a->dim, &d));
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim;
  memcpy(c->shape[0].size, x->size, sizeof *x->size * (size_t) x->ndim);
  return TCH_OK;
}

/* A row function of one input (g NULL) or of two. */
typedef struct job {
  void (*one)(int64_t n, const void *x, void *y);
  void (*two)(int64_t n, const void *g, const void *y, void *dx);
  const char *a, *b;
  char *out;
  int64_t n, bytes;
} job;

static void piece(void *context, int64_t begin, int64_t end) {
  const job *j = context;
  int64_t row = j->n * j->bytes;
  for (int64_t i = begin; i < end; i++)
    if (j->one) j->one(j->n, j->a + i * row, j->out + i * row);
    else j->two(j->n, j->a + i * row, j->b + i * row, j->out + i * row);
}

/* t with dimension d last and contiguous; t itself where it is so already. */
static tch_status with_last(tch_call *c, tch_tensor *t, int d, tch_tensor **out) {
  if (d == t->ndim - 1) return tch_op_contiguous(c, t, out);
  tch_tensor view = *t;
  for (int k = d; k < t->ndim - 1; k++) view.size[k] = t->size[k + 1], view.stride[k] = t->stride[k + 1];
  view.size[t->ndim - 1] = t->size[d];
  view.stride[t->ndim - 1] = t->stride[d];
  view.history = NULL;
  tch_shape shape = {.type = t->type, .ndim = t->ndim};
  memcpy(shape.size, view.size, sizeof *shape.size * (size_t) t->ndim);
  TCH_TRY(tch_op_temp(c, &shape, out));
  return tch_tensor_copy(*out, &view);
}

/* Brings the rows back into a tensor whose dimension d they are. */
static tch_status from_last(tch_tensor *rows, int d, tch_tensor *to) {
  if (rows == to) return TCH_OK;
  tch_tensor view = *rows;
  int last = rows->ndim - 1;
  for (int k = last; k > d; k--) view.size[k] = rows->size[k - 1], view.stride[k] = rows->stride[k - 1];
  view.size[d] = rows->size[last];
  view.stride[d] = rows->stride[last];
  return tch_tensor_copy(to, &view);
}

static tch_status run(tch_call *c, job *j, tch_tensor *a, tch_tensor *b, int d, tch_tensor *out) {
  tch_tensor *rows_a, *rows_b = NULL, *rows_out = out;
  TCH_TRY(with_last(c, a, d, &rows_a));
  if (b) TCH_TRY(with_last(c, b, d, &rows_b));
  if (d != a->ndim - 1 || !tch_tensor_contiguous(out)) {
    tch_shape shape = {.type = a->type, .ndim = a->ndim};
    memcpy(shape.size, rows_a->size, sizeof *shape.size * (size_t) a->ndim);
    TCH_TRY(tch_op_temp(c, &shape, &rows_out));
  }
  j->a = tch_tensor_data(rows_a);
  j->b = b ? tch_tensor_data(rows_b) : NULL;
  j->out = tch_tensor_data(rows_out);
  j->n = a->size[d];
  j->bytes = tch_dtype_bytes(a->type);
  if (a->count) tch_parallel(a->count / j->n, j->n >= WORK ? 1 : WORK / j->n, piece, j);
  return from_last(rows_out, d, out);
}

static int dim_of(const tch_call *c, int ndim) {
  const tch_softmax_attr *a = c->attr;
  return (int) (a->dim < 0 ? a->dim + ndim : a->dim);
}

static tch_status softmax_forward(tch_call *c) {
  job j = {.one = tch_softmax_table(c->in[0]->type)->softmax};
  return run(c, &j, c->in[0], NULL, dim_of(c, c->in[0]->ndim), c->out[0]);
}

static tch_status log_softmax_forward(tch_call *c) {
  job j = {.one = tch_softmax_table(c->in[0]->type)->log_softmax};
  return run(c, &j, c->in[0], NULL, dim_of(c, c->in[0]->ndim), c->out[0]);
}

static tch_status backward(tch_call *c, job *j) {
  tch_tensor *dx = NULL;
  TCH_TRY(tch_tensor_of(&c->in_shape[0], &dx));
  tch_status status = run(c, j, c->gout[0], c->out[0], dim_of(c, dx->ndim), dx);
  if (status == TCH_OK) return tch_grad_give(c, 0, dx);
  tch_tensor_release(dx);
  return status;
}

static tch_status softmax_backward(tch_call *c) {
  job j = {.two = tch_softmax_table(c->gout[0]->type)->softmax_grad};
  return backward(c, &j);
}

static tch_status log_softmax_backward(tch_call *c) {
  job j = {.two = tch_softmax_table(c->gout[0]->type)->log_softmax_grad};
  return backward(c, &j);
}

/* dx = y (g - sum g y) */
static tch_status softmax_backward_ops(tch_call *c) {
  int64_t dim[] = {dim_of(c, c->gout[0]->ndim)};
  tch_tensor *gy = NULL, *sum = NULL, *less = NULL, *dx = NULL;
  tch_status status = tch_mul(c->gout[0], c->out[0], &gy);
  if (status == TCH_OK) status = tch_sum(gy, dim, 1, true, &sum);
  if (status == TCH_OK) status = tch_sub(c->gout[0], sum, 1, &less);
  if (status == TCH_OK) status = tch_mul(less, c->out[0], &dx);
  tch_tensor_release(gy);
  tch_tensor_release(sum);
  tch_tensor_release(less);
  return status == TCH_OK ? tch_grad_give(c, 0, dx) : status;
}

/* dx = g - exp(y) sum g */
static tch_status log_softmax_backward_ops(tch_call *c) {
  int64_t dim[] = {dim_of(c, c->gout[0]->ndim)};
  tch_tensor *p = NULL, *sum = NULL, *part = NULL, *dx = NULL;
  tch_status status = tch_exp(c->out[0], &p);
  if (status == TCH_OK) status = tch_sum(c->gout[0], dim, 1, true, &sum);
  if (status == TCH_OK) status = tch_mul(p, sum, &part);
  if (status == TCH_OK) status = tch_sub(c->gout[0], part, 1, &dx);
  tch_tensor_release(p);
  tch_tensor_release(sum);
  tch_tensor_release(part);
  return status == TCH_OK ? tch_grad_give(c, 0, dx) : status;
}

const tch_op_body tch_op_softmax = {.shape = softmax_shape, .forward = softmax_forward, .backward = softmax_backward,
                                    .backward_ops = softmax_backward_ops, .save_out = 1, .in_place = true};
const tch_op_body tch_op_log_softmax = {.shape = softmax_shape, .forward = log_softmax_forward,
                                        .backward = log_softmax_backward, .backward_ops = log_softmax_backward_ops,
                                        .save_out = 1, .in_place = true};
_Static_assert(sizeof(tch_softmax_attr) == sizeof(tch_log_softmax_attr), "both share their bodies");
