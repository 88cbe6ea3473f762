/* Ops that a mask steers: a ByteTensor with as many elements as x, whose entries count where they are not 0. */
#include "op/index.h"
#include <string.h>

static tch_status check_mask(tch_call *c) {
  const tch_tensor *x = c->in[0], *mask = c->in[1];
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  if (mask->type != TCH_BYTE)
    return tch_op_fail(c, TCH_ERROR_TYPE, "mask is a %sTensor, but a mask is a ByteTensor (convert it with :byte())",
                       tch_dtype_name(mask->type));
  if (mask->count != x->count)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "mask is %s, but the tensor is %s", tch_shape_text(mask, a), tch_shape_text(x, b));
  return TCH_OK;
}

static void shape_like_x(tch_call *c) {
  const tch_tensor *x = c->in[0];
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim;
  memcpy(c->shape[0].size, x->size, sizeof *x->size * (size_t) x->ndim);
}

static int64_t count_marks(const tch_tensor *mask) {
  const uint8_t *m = tch_tensor_data(mask);
  int64_t n = 0;
  for (int64_t i = 0; i < mask->count; i++) n += m[i] != 0;
  return n;
}

static tch_status start_from_x(tch_call *c) {
  return tch_tensor_same_view(c->out[0], c->in[0]) ? TCH_OK : tch_tensor_copy(c->out[0], c->in[0]);
}

static char *address(const tch_tensor *t) { return tch_tensor_data(t); }

/* -- masked_fill ------------------------------------------------------------------------------------------------ */

static tch_status masked_fill_shape(tch_call *c) {
  TCH_TRY(check_mask(c));
  shape_like_x(c);
  return TCH_OK;
}

static tch_status masked_fill_forward(tch_call *c) {
  const tch_masked_fill_attr *a = c->attr;
  tch_tensor *mask, *y = c->out[0];
  TCH_TRY(tch_op_contiguous(c, c->in[1], &mask));
  TCH_TRY(start_from_x(c));
  const uint8_t *m = tch_tensor_data(mask);
  switch (y->type) {
#define FILL(ID, T, NAME, FLOATING)                                   \
  case TCH_##ID: {                                                    \
    T *to = tch_tensor_data(y);                                       \
    for (int64_t i = 0; i < y->count; i++) to[i] = m[i] ? (T) a->value : to[i]; \
    break;                                                            \
  }
    TCH_DTYPES(FILL)
#undef FILL
    default: break;
  }
  return TCH_OK;
}

static tch_status masked_fill_backward(tch_call *c) {
  tch_tensor *g = NULL;
  TCH_TRY(tch_masked_fill(c->gout[0], c->in[1], 0, &g));
  return tch_grad_give(c, 0, g);
}

const tch_op_body tch_op_masked_fill = {.shape = masked_fill_shape, .forward = masked_fill_forward,
                                        .backward_ops = masked_fill_backward, .save_in = 1 << 1, .in_place = true,
                                        .dense = true};

/* -- masked_select: the marked elements in a row ---------------------------------------------------------------- */

static tch_status masked_select_shape(tch_call *c) {
  tch_tensor *mask;
  TCH_TRY(check_mask(c));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &mask));
  c->shape[0] = (tch_shape) {.type = c->in[0]->type, .ndim = 1, .size = {count_marks(mask)}};
  return TCH_OK;
}

static tch_status masked_select_forward(tch_call *c) {
  tch_tensor *mask, *x;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &mask));
  const uint8_t *m = tch_tensor_data(mask);
  size_t bytes = (size_t) tch_dtype_bytes(x->type);
  char *to = address(c->out[0]);
  for (int64_t i = 0; i < x->count; i++) {
    if (!m[i]) continue;
    memcpy(to, address(x) + (size_t) i * bytes, bytes);
    to += bytes;
  }
  return TCH_OK;
}

static tch_status masked_select_backward(tch_call *c) {
  tch_tensor *zero = NULL, *g = NULL;
  TCH_TRY(tch_tensor_of(&c->in_shape[0], &zero));
  tch_status status = tch_tensor_fill(zero, 0);
  if (status == TCH_OK) status = tch_masked_copy(zero, c->in[1], c->gout[0], &g);
  tch_tensor_release(zero);
  return status == TCH_OK ? tch_grad_give(c, 0, g) : status;
}

const tch_op_body tch_op_masked_select = {.shape = masked_select_shape, .forward = masked_select_forward,
                                          .backward_ops = masked_select_backward, .save_in = 1 << 1, .dense = true,
                                          .moves = true};

/* -- masked_copy: y = x with the marked elements taken, in order, from src -------------------------------------- */

static tch_status masked_copy_shape(tch_call *c) {
  tch_tensor *mask;
  TCH_TRY(check_mask(c));
  TCH_TRY(tch_op_same_type(c, 1 | 1 << 2));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &mask));
  int64_t marks = count_marks(mask);
  if (marks > c->in[2]->count)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "src has %lld elements, but the mask marks %lld", (long long) c->in[2]->count,
                       (long long) marks);
  shape_like_x(c);
  return TCH_OK;
}

static tch_status masked_copy_forward(tch_call *c) {
  tch_tensor *mask, *src, *y = c->out[0];
  TCH_TRY(tch_op_contiguous(c, c->in[1], &mask));
  TCH_TRY(tch_op_contiguous(c, c->in[2], &src));
  TCH_TRY(start_from_x(c));
  const uint8_t *m = tch_tensor_data(mask);
  size_t bytes = (size_t) tch_dtype_bytes(y->type);
  const char *from = address(src);
  for (int64_t i = 0; i < y->count; i++) {
    if (!m[i]) continue;
    memcpy(address(y) + (size_t) i * bytes, from, bytes);
    from += bytes;
  }
  return TCH_OK;
}

static tch_status masked_copy_backward(tch_call *c) {
  tch_tensor *g = NULL;
  if (tch_wants(c, 0)) {
    TCH_TRY(tch_masked_fill(c->gout[0], c->in[1], 0, &g));
    TCH_TRY(tch_grad_give(c, 0, g));
  }
  if (!tch_wants(c, 2)) return TCH_OK;
  tch_tensor *part = NULL;
  TCH_TRY(tch_masked_select(c->gout[0], c->in[1], &part));
  const tch_shape *want = &c->in_shape[2];
  int64_t none[] = {0}, rest[] = {tch_shape_count(want) - part->count};
  tch_tensor *padded = NULL;
  tch_status status = tch_pad(part, none, 1, rest, 1, 0, &padded);
  g = NULL;
  if (status == TCH_OK) status = tch_reshape(padded, want->size, want->ndim, &g);
  tch_tensor_release(part);
  tch_tensor_release(padded);
  return status == TCH_OK ? tch_grad_give(c, 2, g) : status;
}

const tch_op_body tch_op_masked_copy = {.shape = masked_copy_shape, .forward = masked_copy_forward,
                                        .backward_ops = masked_copy_backward, .save_in = 1 << 1, .in_place = true,
                                        .dense = true};

/* -- nonzero: one row of indices (counted from base) for each element that is not 0 ----------------------------- */

static bool not_zero(const tch_tensor *x, int64_t i) {
  switch (x->type) {
#define TEST(ID, T, NAME, FLOATING) \
  case TCH_##ID: return TCH_DATA(T, x)[i] != 0;
    TCH_DTYPES(TEST)
#undef TEST
    default: return false;
  }
}

static tch_status nonzero_shape(tch_call *c) {
  tch_tensor *x;
  int64_t n = 0;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  for (int64_t i = 0; i < x->count; i++) n += not_zero(x, i);
  c->shape[0] = (tch_shape) {.type = TCH_LONG, .ndim = 2, .size = {n, x->ndim}};
  return TCH_OK;
}

static tch_status nonzero_forward(tch_call *c) {
  const tch_nonzero_attr *a = c->attr;
  tch_tensor *x;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  int64_t *to = tch_tensor_data(c->out[0]), place[TCH_MAX_DIMS] = {0};
  for (int64_t i = 0; i < x->count; i++) {
    if (not_zero(x, i))
      for (int d = 0; d < x->ndim; d++) *to++ = place[d] + a->base;
    for (int d = x->ndim - 1; d >= 0 && ++place[d] == x->size[d]; d--) place[d] = 0;
  }
  return TCH_OK;
}

const tch_op_body tch_op_nonzero = {.shape = nonzero_shape, .forward = nonzero_forward, .dense = true};

/* -- where: x where cond is not 0, else y; all three broadcast -------------------------------------------------- */

static tch_status where_shape(tch_call *c) {
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT], d[TCH_SHAPE_TEXT];
  tch_shape both;
  if (c->in[0]->type != TCH_BYTE)
    return tch_op_fail(c, TCH_ERROR_TYPE, "cond is a %sTensor, but a ByteTensor is needed (convert it with :byte())",
                       tch_dtype_name(c->in[0]->type));
  TCH_TRY(tch_op_same_type(c, 6));
  bool fit = tch_broadcast(c->in[1], c->in[2], &both);
  if (fit) {
    tch_tensor sofar = {.type = both.type, .ndim = both.ndim, .count = 1};
    memcpy(sofar.size, both.size, sizeof sofar.size);
    fit = tch_broadcast(&sofar, c->in[0], &c->shape[0]);
  }
  return fit ? TCH_OK : tch_op_fail(c, TCH_ERROR_SHAPE, "cond %s, x %s and y %s do not broadcast to one size",
                                    tch_shape_text(c->in[0], a), tch_shape_text(c->in[1], b), tch_shape_text(c->in[2], d));
}

static void where_row(void *context, int64_t n, void *const *data, const int64_t *stride) {
  const uint8_t *cond = data[1];
  switch (*(const tch_dtype *) context) {
#define CHOOSE(ID, T, NAME, FLOATING)                                                                          \
  case TCH_##ID:                                                                                               \
    for (int64_t i = 0; i < n; i++)                                                                            \
      ((T *) data[0])[i * stride[0]] = cond[i * stride[1]] ? ((T *) data[2])[i * stride[2]] : ((T *) data[3])[i * stride[3]]; \
    break;
    TCH_DTYPES(CHOOSE)
#undef CHOOSE
    default: break;
  }
}

static tch_status where_forward(tch_call *c) {
  tch_tensor *operand[] = {c->out[0], c->in[0], c->in[1], c->in[2]};
  tch_dtype type = c->out[0]->type;
  tch_iterate(&c->shape[0], operand, 4, where_row, &type);
  return TCH_OK;
}

static tch_status where_backward(tch_call *c) {
  tch_tensor *zero = NULL, *g = NULL;
  TCH_TRY(tch_tensor_new(c->gout[0]->type, 0, NULL, &zero));
  tch_status status = tch_tensor_fill(zero, 0);
  for (int i = 1; i <= 2 && status == TCH_OK; i++) {
    if (!tch_wants(c, i)) continue;
    g = NULL;
    status = tch_where(c->in[0], i == 1 ? c->gout[0] : zero, i == 1 ? zero : c->gout[0], &g);
    if (status == TCH_OK) status = tch_grad_give(c, i, g);
  }
  tch_tensor_release(zero);
  return status;
}

const tch_op_body tch_op_where = {.shape = where_shape, .forward = where_forward, .backward_ops = where_backward,
                                  .save_in = 1};
