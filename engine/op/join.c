/* Ops that put tensors together or take them apart: cat, stack, pad, crop. */
#include "op/op.h"
#include <string.h>

/* -- cat: tensors side by side along dim; empty tensors are skipped --------------------------------------------- */

static const tch_tensor *first_with_shape(const tch_call *c) {
  for (int i = 0; i < c->nin; i++)
    if (c->in[i]->ndim > 0) return c->in[i];
  return NULL;
}

static tch_status cat_shape(tch_call *c) {
  const tch_cat_attr *a = c->attr;
  const tch_tensor *x = first_with_shape(c);
  char name[32], s[TCH_SHAPE_TEXT], t[TCH_SHAPE_TEXT];
  int d;
  TCH_TRY(tch_op_same_type(c, ~0u));
  if (x == NULL) return tch_op_fail(c, TCH_ERROR_SHAPE, "there is nothing to join: all tensors are empty or scalars");
  TCH_TRY(tch_op_dim(c, x, a->dim, &d));
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim;
  memcpy(c->shape[0].size, x->size, sizeof *x->size * (size_t) x->ndim);
  c->shape[0].size[d] = 0;
  for (int i = 0; i < c->nin; i++) {
    const tch_tensor *m = c->in[i];
    if (m->ndim == 0 && m->count == 0) continue;
    bool fit = m->ndim == x->ndim;
    for (int k = 0; k < x->ndim && fit; k++) fit = k == d || m->size[k] == x->size[k];
    if (!fit)
      return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, which does not fit %s except along dimension %d",
                         tch_op_input_name(c, i, name), tch_shape_text(m, s), tch_shape_text(x, t), d + 1);
    c->shape[0].size[d] += m->size[d];
  }
  return TCH_OK;
}

static tch_status cat_forward(tch_call *c) {
  const tch_cat_attr *a = c->attr;
  tch_tensor *y = c->out[0];
  int d = (int) (a->dim < 0 ? a->dim + y->ndim : a->dim);
  int64_t start = 0;
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i]->count == 0) continue;
    int64_t size[TCH_MAX_DIMS];
    tch_tensor *part;
    memcpy(size, y->size, sizeof *size * (size_t) y->ndim);
    size[d] = c->in[i]->size[d];
    TCH_TRY(tch_tensor_view_of(y->storage, y->offset + start * y->stride[d], y->ndim, size, y->stride, &part));
    tch_status status = tch_tensor_copy(part, c->in[i]);
    tch_tensor_release(part);
    if (status != TCH_OK) return status;
    start += size[d];
  }
  return TCH_OK;
}

static tch_status cat_backward(tch_call *c) {
  const tch_cat_attr *a = c->attr;
  int ndim = c->gout[0]->ndim, d = (int) (a->dim < 0 ? a->dim + ndim : a->dim);
  int64_t start = 0;
  for (int i = 0; i < c->nin; i++) {
    const tch_shape *s = &c->in_shape[i];
    if (s->ndim == 0) continue;
    if (tch_wants(c, i)) {
      tch_tensor *g = NULL;
      TCH_TRY(tch_slice(c->gout[0], d, start, s->size[d], 1, &g));
      TCH_TRY(tch_grad_give(c, i, g));
    }
    start += s->size[d];
  }
  return TCH_OK;
}

const tch_op_body tch_op_cat = {.shape = cat_shape, .forward = cat_forward, .backward_ops = cat_backward,
                                .moves = true};

/* -- stack: tensors of equal sizes side by side along a new dimension `dim` ---------------------------------------- */

static tch_status stack_shape(tch_call *c) {
  const tch_stack_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  char name[32], s[TCH_SHAPE_TEXT], t[TCH_SHAPE_TEXT];
  int64_t d = a->dim < 0 ? a->dim + x->ndim + 1 : a->dim;
  TCH_TRY(tch_op_same_type(c, ~0u));
  if (x->ndim == 0 && x->count == 0) return tch_op_fail(c, TCH_ERROR_SHAPE, "the tensors are empty");
  if (d < 0 || d > x->ndim || x->ndim == TCH_MAX_DIMS)
    return tch_op_fail(c, TCH_ERROR_VALUE, "%s cannot get a new dimension %lld", tch_shape_text(x, t),
                       (long long) (a->dim < 0 ? a->dim : a->dim + 1));
  for (int i = 1; i < c->nin; i++)
    if (!tch_tensor_same_size(x, c->in[i]))
      return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, but the first tensor is %s", tch_op_input_name(c, i, name),
                         tch_shape_text(c->in[i], s), tch_shape_text(x, t));
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim + 1;
  for (int k = 0; k <= x->ndim; k++) c->shape[0].size[k] = k < d ? x->size[k] : k == d ? c->nin : x->size[k - 1];
  return TCH_OK;
}

/* Entry i of dimension d of t. */
static tch_status entry(const tch_tensor *t, int d, int64_t i, tch_tensor **out) {
  int64_t size[TCH_MAX_DIMS], stride[TCH_MAX_DIMS];
  for (int k = 0; k < t->ndim - 1; k++) {
    size[k] = t->size[k < d ? k : k + 1];
    stride[k] = t->stride[k < d ? k : k + 1];
  }
  return tch_tensor_view_of(t->storage, t->offset + i * t->stride[d], t->ndim - 1, size, stride, out);
}

static tch_status stack_forward(tch_call *c) {
  const tch_stack_attr *a = c->attr;
  tch_tensor *y = c->out[0];
  int d = (int) (a->dim < 0 ? a->dim + y->ndim : a->dim);
  for (int i = 0; i < c->nin && y->count > 0; i++) {
    tch_tensor *part;
    TCH_TRY(entry(y, d, i, &part));
    tch_status status = tch_tensor_copy(part, c->in[i]);
    tch_tensor_release(part);
    if (status != TCH_OK) return status;
  }
  return TCH_OK;
}

static tch_status stack_backward(tch_call *c) {
  const tch_stack_attr *a = c->attr;
  int64_t dim = a->dim < 0 ? a->dim + c->gout[0]->ndim : a->dim;
  for (int i = 0; i < c->nin; i++) {
    const tch_shape *s = &c->in_shape[i];
    tch_tensor *part = NULL, *g = NULL;
    if (!tch_wants(c, i)) continue;
    TCH_TRY(tch_slice(c->gout[0], dim, i, 1, 1, &part));
    tch_status status = tch_reshape(part, s->size, s->ndim, &g);
    tch_tensor_release(part);
    if (status != TCH_OK) return status;
    TCH_TRY(tch_grad_give(c, i, g));
  }
  return TCH_OK;
}

const tch_op_body tch_op_stack = {.shape = stack_shape, .forward = stack_forward, .backward_ops = stack_backward,
                                  .moves = true};

/* -- pad and crop: before[d] and after[d] entries more, or fewer, at the ends of dimension d -------------------- */

static tch_status framed_shape(tch_call *c, const tch_ints *before, const tch_ints *after, int sign) {
  const tch_tensor *x = c->in[0];
  char text[TCH_SHAPE_TEXT];
  if (before->n != x->ndim || after->n != x->ndim)
    return tch_op_fail(c, TCH_ERROR_VALUE, "%d and %d widths given for a tensor of %d dimensions (%s)", before->n, after->n,
                       x->ndim, tch_shape_text(x, text));
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim;
  for (int d = 0; d < x->ndim; d++) {
    int64_t size = x->size[d], b = before->v[d], e = after->v[d];
    bool bad = b < 0 || e < 0 || b > INT64_MAX / 4 || e > INT64_MAX / 4 || (sign < 0 && b + e > size);
    if (bad)
      return tch_op_fail(c, TCH_ERROR_VALUE, "widths %lld and %lld are not possible in dimension %d of %s", (long long) b,
                         (long long) e, d + 1, tch_shape_text(x, text));
    c->shape[0].size[d] = size + sign * (b + e);
  }
  return TCH_OK;
}

/* A view of t without its frame, of the sizes `inner`. */
static tch_status inside(const tch_tensor *t, const tch_ints *before, const int64_t *inner, tch_tensor **out) {
  int64_t offset = t->offset, count = 1;
  for (int d = 0; d < t->ndim; d++) count *= inner[d];
  for (int d = 0; d < t->ndim && count; d++) offset += before->v[d] * t->stride[d];
  return tch_tensor_view_of(t->storage, offset, t->ndim, inner, t->stride, out);
}

static tch_status pad_shape(tch_call *c) {
  const tch_pad_attr *a = c->attr;
  return framed_shape(c, &a->before, &a->after, 1);
}

static tch_status pad_forward(tch_call *c) {
  const tch_pad_attr *a = c->attr;
  tch_tensor *x = c->in[0], *part;
  TCH_TRY(tch_tensor_fill(c->out[0], a->value));
  if (x->count == 0) return TCH_OK;
  TCH_TRY(inside(c->out[0], &a->before, x->size, &part));
  tch_status status = tch_tensor_copy(part, x);
  tch_tensor_release(part);
  return status;
}

static tch_status pad_backward(tch_call *c) {
  const tch_pad_attr *a = c->attr;
  tch_tensor *g = NULL;
  TCH_TRY(tch_crop(c->gout[0], a->before.v, a->before.n, a->after.v, a->after.n, &g));
  return tch_grad_give(c, 0, g);
}

const tch_op_body tch_op_pad = {.shape = pad_shape, .forward = pad_forward, .backward_ops = pad_backward};

static tch_status crop_shape(tch_call *c) {
  const tch_crop_attr *a = c->attr;
  return framed_shape(c, &a->before, &a->after, -1);
}

static tch_status crop_forward(tch_call *c) {
  const tch_crop_attr *a = c->attr;
  if (c->in[0]->storage == NULL) return tch_tensor_of(&c->shape[0], &c->out[0]);
  return inside(c->in[0], &a->before, c->shape[0].size, &c->out[0]);
}

static tch_status crop_backward(tch_call *c) {
  const tch_crop_attr *a = c->attr;
  tch_tensor *g = NULL;
  TCH_TRY(tch_pad(c->gout[0], a->before.v, a->before.n, a->after.v, a->after.n, 0, &g));
  return tch_grad_give(c, 0, g);
}

const tch_op_body tch_op_crop = {.shape = crop_shape, .forward = crop_forward, .backward_ops = crop_backward, .view = true};
