/* Largest and smallest entries, along a dimension with their places, or of a whole tensor. The first of equals counts, and a
 * NaN is larger and smaller than everything. */
#include "core/cast.h"
#include "op/over.h"
#include "op/places.h"
#include <stdlib.h>
#include <string.h>

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

/* Places and extremes of x along d; the entries of the results are contiguous. */
static tch_status by_copy(tch_tensor *x, int d, bool largest, char *y, int64_t *place) {
  tch_tensor *lines = NULL;
  TCH_TRY(tch_tensor_contiguous_of(x, &lines));
  tch_reduce_places(lines, d, largest, y, place);
  tch_tensor_release(lines);
  return TCH_OK;
}

/* The same in parts of the first other dimension, so that the copies of the lines stay in a cache, where a part takes whole cache
 * lines of x. */
static tch_status by_copies(tch_tensor *x, int d, bool largest, char *y, int64_t *place) {
  enum { PART = 1 << 18 /* elements */ };
  if (x->ndim < 2) return by_copy(x, d, largest, y, place);
  int first = d == 0 ? 1 : 0;
  int64_t size = x->size[first], results = x->count / x->size[d] / size, bytes = tch_dtype_bytes(x->type);
  int64_t each = PART / (x->count / size);
  if (each < 1) each = 1;
  if (llabs(x->stride[first]) * bytes * each < 64) each = size;
  for (int64_t begin = 0; begin < size; begin += each) {
    tch_tensor *part = NULL;
    TCH_TRY(tch_slice(x, first, begin, begin + each < size ? each : size - begin, 1, &part));
    tch_status status = by_copy(part, d, largest, y + begin * results * bytes, place + begin * results);
    tch_tensor_release(part);
    TCH_TRY(status);
  }
  return TCH_OK;
}

/* Copies t, whose dimension k is the order[k]-th of the target's, which may have more of size 1. */
static tch_status put(tch_call *c, tch_tensor *t, const int64_t *order, tch_tensor *to) {
  int64_t rank[TCH_MAX_DIMS], n = 0, last = -1;
  for (int j = 0; j < t->ndim; j++) { /* the next of the target's dimensions */
    int64_t next = -1;
    for (int k = 0; k < t->ndim; k++)
      if (order[k] > last && (next < 0 || order[k] < order[next])) next = k;
    rank[n++] = next, last = order[next];
  }
  TCH_STEP(c, t, permute, t, rank, t->ndim);
  return tch_tensor_copy(to, t);
}

/* In the order of memory, the dimension with the longest strides first, if the lines can be read from there. */
static tch_status where_it_lies(tch_call *c, int d, bool largest, bool *done) {
  tch_tensor *x = c->in[0], *out[] = {c->out[0], c->out[1]};
  int64_t order[TCH_MAX_DIMS], others[TCH_MAX_DIMS];
  tch_shape shape = {.ndim = x->ndim - 1};
  int dim = 0, n = 0;
  bool sorted = true, alike = true; /* x; the results */
  for (int k = 0; k < x->ndim; k++) {
    int i = k;
    for (; i > 0 && llabs(x->stride[order[i - 1]]) < llabs(x->stride[k]); i--) order[i] = order[i - 1], sorted = false;
    order[i] = k;
  }
  for (int k = 0; k < x->ndim; k++) {
    if (order[k] == d) {
      dim = k;
      continue;
    }
    alike = alike && (n == 0 || others[n - 1] < order[k]);
    shape.size[n] = x->size[order[k]], others[n++] = order[k];
  }
  if (!sorted) TCH_STEP(c, x, permute, x, order, x->ndim);
  *done = tch_places_of_view(x, dim);
  if (!*done) return TCH_OK;
  for (int o = 0; o < 2 && !alike; o++) {
    shape.type = c->out[o]->type;
    TCH_TRY(tch_op_temp(c, &shape, &out[o]));
  }
  tch_reduce_places(x, dim, largest, tch_tensor_data(out[0]), tch_tensor_data(out[1]));
  for (int o = 0; o < 2 && !alike; o++) TCH_TRY(put(c, out[o], others, c->out[o]));
  return TCH_OK;
}

static tch_status along(tch_call *c, bool largest) {
  const tch_max_attr *a = c->attr;
  tch_tensor *x = c->in[0];
  int d = (int) (a->dim < 0 ? a->dim + x->ndim : a->dim);
  char *y = tch_tensor_data(c->out[0]);
  int64_t *place = tch_tensor_data(c->out[1]);
  bool contiguous = tch_tensor_contiguous(x), done = x->count == 0;
  if (!done && !contiguous) TCH_TRY(where_it_lies(c, d, largest, &done));
  if (!done && contiguous) tch_reduce_places(x, d, largest, y, place);
  else if (!done) TCH_TRY(by_copies(x, d, largest, y, place));
  for (int64_t i = 0; i < c->out[1]->count; i++) place[i] += a->base;
  return TCH_OK;
}

static tch_status max_forward(tch_call *c) { return along(c, true); }
static tch_status min_forward(tch_call *c) { return along(c, false); }

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

static tch_status of_all(tch_call *c, tch_reduction fold) {
  const tch_tensor *x = c->in[0];
  double d;
  int64_t n;
  if (tch_dtype_floating(x->type)) {
    TCH_TRY(tch_reduce_doubles(c, x, ~0u, fold, NULL, &d));
    tch_store_double(x->type, tch_tensor_data(c->out[0]), 1, &d, 1);
  } else {
    TCH_TRY(tch_reduce_longs(c, x, ~0u, fold, &n));
    tch_store_long(x->type, tch_tensor_data(c->out[0]), 1, &n, 1);
  }
  return TCH_OK;
}

static tch_status max_all_forward(tch_call *c) { return of_all(c, TCH_REDUCE_MAX); }
static tch_status min_all_forward(tch_call *c) { return of_all(c, TCH_REDUCE_MIN); }

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
