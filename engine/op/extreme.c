/* Largest and smallest entries, along a dimension with their places, or of a whole tensor. The first of equals counts, and a
 * NaN is larger and smaller than everything. */
#include "kernel/reduce.h"
#include "core/cpu.h"
#include "core/thread.h"
#include "op/op.h"
#include <string.h>

TCH_KERNEL_FAMILY(reduce)

static int64_t extreme_row(const tch_tensor *x, int64_t start, int64_t n, int sign) {
  int64_t place = 0;
  switch (x->type) {
    case TCH_FLOAT: tch_reduce_table(TCH_FLOAT)->extreme(n, TCH_DATA(float, x) + start, sign, &place); break;
    case TCH_DOUBLE: tch_reduce_table(TCH_DOUBLE)->extreme(n, TCH_DATA(double, x) + start, sign, &place); break;
#define SCAN(ID, T)                                                             \
  case TCH_##ID: {                                                              \
    const T *row = TCH_DATA(T, x) + start;                                      \
    for (int64_t i = 1; i < n; i++)                                             \
      if (sign > 0 ? row[i] > row[place] : row[i] < row[place]) place = i;      \
    break;                                                                      \
  }
    SCAN(BYTE, uint8_t)
    SCAN(CHAR, int8_t)
    SCAN(SHORT, int16_t)
    SCAN(INT, int32_t)
    SCAN(LONG, int64_t)
#undef SCAN
    default: break;
  }
  return place;
}

static void move(const tch_tensor *to, int64_t i, const tch_tensor *from, int64_t k) {
  size_t bytes = (size_t) tch_dtype_bytes(to->type);
  memcpy((char *) tch_tensor_data(to) + (size_t) i * bytes, (char *) tch_tensor_data(from) + (size_t) k * bytes, bytes);
}

static tch_status check_not_empty(const tch_call *c, int64_t n) {
  char text[TCH_SHAPE_TEXT];
  if (n > 0) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "there is nothing to choose from (%s)", tch_shape_text(c->in[0], text));
}

/* -- along a dimension ------------------------------------------------------------------------------------------ */

static tch_status along_shape(tch_call *c) {
  const tch_max_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  int d;
  TCH_TRY(tch_op_dim(c, x, a->dim, &d));
  TCH_TRY(check_not_empty(c, x->size[d]));
  for (int o = 0; o < 2; o++) {
    tch_shape *s = &c->shape[o];
    s->type = o ? TCH_LONG : x->type;
    s->ndim = 0;
    for (int k = 0; k < x->ndim; k++)
      if (k != d || a->keep) s->size[s->ndim++] = k == d ? 1 : x->size[k];
  }
  return TCH_OK;
}

typedef struct rows {
  const tch_tensor *x, *y, *index;
  int64_t n, base;
  int sign;
} rows;

static void along_piece(void *context, int64_t begin, int64_t end) {
  const rows *r = context;
  for (int64_t i = begin; i < end; i++) {
    int64_t place = extreme_row(r->x, i * r->n, r->n, r->sign);
    move(r->y, i, r->x, i * r->n + place);
    TCH_DATA(int64_t, r->index)[i] = place + r->base;
  }
}

static tch_status along(tch_call *c, int sign) {
  const tch_max_attr *a = c->attr;
  tch_tensor *x = c->in[0];
  int d = (int) (a->dim < 0 ? a->dim + x->ndim : a->dim);
  int64_t n = x->size[d];
  if (d != x->ndim - 1) {
    int64_t order[TCH_MAX_DIMS];
    int m = 0;
    for (int k = 0; k < x->ndim; k++)
      if (k != d) order[m++] = k;
    order[m++] = d;
    tch_tensor *view = NULL;
    bool on = tch_grad_enabled();
    tch_set_grad_enabled(false);
    tch_status status = tch_permute(x, order, m, &view);
    tch_set_grad_enabled(on);
    if (status != TCH_OK) return status;
    tch_shape shape = {.type = x->type, .ndim = m};
    memcpy(shape.size, view->size, sizeof *shape.size * (size_t) m);
    status = tch_op_temp(c, &shape, &x);
    if (status == TCH_OK) status = tch_tensor_copy(x, view);
    tch_tensor_release(view);
    if (status != TCH_OK) return status;
  } else TCH_TRY(tch_op_contiguous(c, x, &x));
  rows r = {x, c->out[0], c->out[1], n, a->base, sign};
  tch_parallel(c->out[1]->count, n >= 32768 ? 1 : 32768 / n, along_piece, &r);
  return TCH_OK;
}

static tch_status max_forward(tch_call *c) { return along(c, 1); }
static tch_status min_forward(tch_call *c) { return along(c, -1); }

/* The gradient goes to the place that was chosen. */
static tch_status along_backward(tch_call *c) {
  const tch_max_attr *a = c->attr;
  const tch_shape *s = &c->in_shape[0];
  int d = (int) (a->dim < 0 ? a->dim + s->ndim : a->dim);
  int64_t size[TCH_MAX_DIMS];
  memcpy(size, s->size, sizeof *size * (size_t) s->ndim);
  size[d] = 1;
  tch_tensor *index = NULL, *g = NULL, *zero = NULL, *dx = NULL;
  tch_status status = tch_reshape(c->out[1], size, s->ndim, &index);
  if (status == TCH_OK) status = tch_reshape(c->gout[0], size, s->ndim, &g);
  if (status == TCH_OK) status = tch_tensor_of(s, &zero);
  if (status == TCH_OK) status = tch_tensor_fill(zero, 0);
  if (status == TCH_OK) status = tch_scatter_add(zero, index, g, d, a->base, &dx);
  tch_tensor_release(index);
  tch_tensor_release(g);
  tch_tensor_release(zero);
  return status == TCH_OK ? tch_grad_give(c, 0, dx) : status;
}

const tch_op_body tch_op_max = {.shape = along_shape, .forward = max_forward, .backward_ops = along_backward,
                                .save_out = 1 << 1, .dense = true};
const tch_op_body tch_op_min = {.shape = along_shape, .forward = min_forward, .backward_ops = along_backward,
                                .save_out = 1 << 1, .dense = true};
_Static_assert(sizeof(tch_max_attr) == sizeof(tch_min_attr), "max and min share their bodies");

/* -- of everything ---------------------------------------------------------------------------------------------- */

static tch_status all_shape(tch_call *c) {
  TCH_TRY(check_not_empty(c, c->in[0]->count));
  c->shape[0] = (tch_shape) {.type = c->in[0]->type};
  return TCH_OK;
}

static tch_status of_all(tch_call *c, int sign) {
  tch_tensor *x;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  move(c->out[0], 0, x, extreme_row(x, 0, x->count, sign));
  return TCH_OK;
}

static tch_status max_all_forward(tch_call *c) { return of_all(c, 1); }
static tch_status min_all_forward(tch_call *c) { return of_all(c, -1); }

/* To the first place that holds the result. */
static tch_status all_backward(tch_call *c) {
  const tch_shape *s = &c->in_shape[0];
  int64_t flat[] = {tch_shape_count(s)}, one[] = {1};
  tch_tensor *x, *index = NULL, *g = NULL, *zero = NULL, *sum = NULL, *dx = NULL;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  int64_t place = 0;
  double y, v;
  TCH_TRY(tch_tensor_get(c->out[0], 0, NULL, &y));
  for (; place < x->count - 1; place++) {
    v = x->type == TCH_DOUBLE ? TCH_DATA(double, x)[place] : TCH_DATA(float, x)[place];
    if (v == y || (v != v && y != y)) break;
  }
  tch_status status = tch_tensor_new(TCH_LONG, 1, one, &index);
  if (status == TCH_OK) status = tch_tensor_fill(index, (double) place);
  if (status == TCH_OK) status = tch_reshape(c->gout[0], one, 1, &g);
  if (status == TCH_OK) status = tch_tensor_new(s->type, 1, flat, &zero);
  if (status == TCH_OK) status = tch_tensor_fill(zero, 0);
  if (status == TCH_OK) status = tch_index_add(zero, index, g, 0, 0, 1, &sum);
  if (status == TCH_OK) status = tch_reshape(sum, s->size, s->ndim, &dx);
  tch_tensor_release(index);
  tch_tensor_release(g);
  tch_tensor_release(zero);
  tch_tensor_release(sum);
  return status == TCH_OK ? tch_grad_give(c, 0, dx) : status;
}

const tch_op_body tch_op_max_all = {.shape = all_shape, .forward = max_all_forward, .backward_ops = all_backward, .save_in = 1,
                                    .save_out = 1};
const tch_op_body tch_op_min_all = {.shape = all_shape, .forward = min_all_forward, .backward_ops = all_backward, .save_in = 1,
                                    .save_out = 1};
