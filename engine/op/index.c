/* Ops that read and write by index along one dimension. Around it every tensor is (outer, n, inner) in contiguous order. */
#include "op/index.h"
#include <stdio.h>
#include <string.h>

/* -- what the ops share ----------------------------------------------------------------------------------------- */

int64_t tch_index_at(const tch_tensor *index, int64_t i) {
  switch (index->type) {
    case TCH_BYTE: return TCH_DATA(uint8_t, index)[i];
    case TCH_CHAR: return TCH_DATA(int8_t, index)[i];
    case TCH_SHORT: return TCH_DATA(int16_t, index)[i];
    case TCH_INT: return TCH_DATA(int32_t, index)[i];
    default: return TCH_DATA(int64_t, index)[i];
  }
}

/* "[2][3]": the place of entry i of t, counted from base. */
static const char *place_text(const tch_tensor *t, int64_t i, int64_t base, char text[128]) {
  int64_t place[TCH_MAX_DIMS] = { 0 };
  int n = 0;
  text[0] = 0;
  for (int d = t->ndim - 1; d >= 0; d--) place[d] = i % t->size[d], i /= t->size[d];
  for (int d = 0; d < t->ndim && n < 100; d++)
    n += snprintf(text + n, 128 - (size_t) n, "[%lld]", (long long) (place[d] + base));
  return text;
}

tch_status tch_index_check(tch_call *c, int input, int64_t base, int64_t count, int dim) {
  char name[32], place[128];
  tch_tensor *index = c->in[input];
  tch_op_input_name(c, input, name);
  if (tch_dtype_floating(index->type))
    return tch_op_fail(c, TCH_ERROR_TYPE, "%s is a %sTensor, but indices are integers (convert it with :long())", name,
                       tch_dtype_name(index->type));
  TCH_TRY(tch_op_contiguous(c, index, &index));
  for (int64_t i = 0; i < index->count; i++) {
    int64_t at = tch_index_at(index, i);
    if (at < base || (uint64_t) at - (uint64_t) base >= (uint64_t) count)
      return tch_op_fail(c, TCH_ERROR_VALUE, "%s%s = %lld, but dimension %d has %lld entries (%lld to %lld)", name,
                         place_text(index, i, base, place), (long long) at, dim + 1, (long long) count,
                         (long long) base, (long long) (base + count - 1));
  }
  return TCH_OK;
}

static void shape_like(tch_call *c, const tch_tensor *x) {
  c->shape[0].type = x->type;
  c->shape[0].ndim = x->ndim;
  memcpy(c->shape[0].size, x->size, sizeof *x->size * (size_t) x->ndim);
}

/* Sizes before and after dimension d. */
static int64_t outer_of(const tch_tensor *t, int d) {
  int64_t n = 1;
  for (int k = 0; k < d; k++) n *= t->size[k];
  return n;
}

static int64_t inner_of(const tch_tensor *t, int d) {
  int64_t n = 1;
  for (int k = d + 1; k < t->ndim; k++) n *= t->size[k];
  return n;
}

static char *address(const tch_tensor *t) { return tch_tensor_data(t); }

/* Copies x into the output unless the op works in place. */
static tch_status start_from_x(tch_call *c) {
  return tch_tensor_same_view(c->out[0], c->in[0]) ? TCH_OK : tch_tensor_copy(c->out[0], c->in[0]);
}

/* y[i] += alpha * x[i] for n elements of any type. */
static void add_row(tch_dtype type, int64_t n, double alpha, const void *x, void *y) {
  switch (type) {
#define ADD(ID, T, NAME, FLOATING)                                                                      \
  case TCH_##ID: {                                                                                      \
    const T *from = x, a = (T) alpha;                                                                   \
    T *to = y;                                                                                          \
    for (int64_t i = 0; i < n; i++) to[i] = (T) (to[i] + a * from[i]);                                  \
    break;                                                                                              \
  }
    TCH_DTYPES(ADD)
#undef ADD
    default: break;
  }
}

static void fill_row(tch_dtype type, int64_t n, double value, void *y) {
  switch (type) {
#define FILL(ID, T, NAME, FLOATING)                                                                     \
  case TCH_##ID:                                                                                        \
    for (int64_t i = 0; i < n; i++) ((T *) y)[i] = (T) value;                                           \
    break;
    TCH_DTYPES(FILL)
#undef FILL
    default: break;
  }
}

/* -- index_select: y[.., i, ..] = x[.., index[i], ..] ----------------------------------------------------------- */

static tch_status check_vector(tch_call *c, int input) {
  char name[32], text[TCH_SHAPE_TEXT];
  if (c->in[input]->ndim <= 1) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "%s must have one dimension, but it is %s", tch_op_input_name(c, input, name),
                     tch_shape_text(c->in[input], text));
}

static tch_status index_select_shape(tch_call *c) {
  const tch_index_select_attr *a = c->attr;
  int d;
  TCH_TRY(tch_op_dim(c, c->in[0], a->dim, &d));
  TCH_TRY(check_vector(c, 1));
  TCH_TRY(tch_index_check(c, 1, a->base, c->in[0]->size[d], d));
  shape_like(c, c->in[0]);
  c->shape[0].size[d] = c->in[1]->count;
  return TCH_OK;
}

static tch_status index_select_forward(tch_call *c) {
  const tch_index_select_attr *a = c->attr;
  tch_tensor *x, *index, *y = c->out[0];
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &index));
  if (y->count == 0) return TCH_OK;
  int d = (int) (a->dim < 0 ? a->dim + x->ndim : a->dim);
  int64_t outer = outer_of(x, d), row = inner_of(x, d) * tch_dtype_bytes(x->type), n = index->count, m = x->size[d];
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < n; i++)
      memcpy(address(y) + (o * n + i) * row, address(x) + (o * m + tch_index_at(index, i) - a->base) * row, (size_t) row);
  return TCH_OK;
}

static tch_status zeros(const tch_shape *shape, tch_tensor **out) {
  TCH_TRY(tch_tensor_of(shape, out));
  tch_status status = tch_tensor_fill(*out, 0);
  if (status != TCH_OK) tch_tensor_release(*out);
  return status;
}

static tch_status index_select_backward(tch_call *c) {
  const tch_index_select_attr *a = c->attr;
  tch_tensor *zero = NULL, *g = NULL;
  TCH_TRY(zeros(&c->in_shape[0], &zero));
  tch_status status = tch_index_add(zero, c->in[1], c->gout[0], a->dim, a->base, 1, &g);
  tch_tensor_release(zero);
  return status == TCH_OK ? tch_grad_give(c, 0, g) : status;
}

const tch_op_body tch_op_index_select = {.shape = index_select_shape, .forward = index_select_forward,
                                         .backward_ops = index_select_backward, .save_in = 1 << 1, .dense = true,
                                         .moves = true};

/* -- index_add, index_copy: y = x with rows index[i] raised by, or replaced by, rows of src --------------------- */

static tch_status rows_shape(tch_call *c, int64_t dim, int64_t base) {
  int d;
  char xs[TCH_SHAPE_TEXT], ss[TCH_SHAPE_TEXT];
  const tch_tensor *x = c->in[0], *src = c->in[2];
  TCH_TRY(tch_op_same_type(c, 1 | 1 << 2));
  TCH_TRY(tch_op_dim(c, x, dim, &d));
  TCH_TRY(check_vector(c, 1));
  TCH_TRY(tch_index_check(c, 1, base, x->size[d], d));
  bool fit = src->ndim == x->ndim && src->size[d] == c->in[1]->count;
  for (int k = 0; k < x->ndim && fit; k++) fit = k == d || src->size[k] == x->size[k];
  if (!fit)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "src is %s, which does not fit %lld indices into dimension %d of %s",
                       tch_shape_text(src, ss), (long long) c->in[1]->count, d + 1, tch_shape_text(x, xs));
  shape_like(c, x);
  return TCH_OK;
}

/* Calls add_row (alpha not 0) or copies for every row of src. */
static tch_status rows_forward(tch_call *c, int64_t dim, int64_t base, double alpha, bool add) {
  tch_tensor *index, *src, *y = c->out[0];
  TCH_TRY(tch_op_contiguous(c, c->in[1], &index));
  TCH_TRY(tch_op_contiguous(c, c->in[2], &src));
  TCH_TRY(start_from_x(c));
  if (src->count == 0) return TCH_OK;
  int d = (int) (dim < 0 ? dim + y->ndim : dim);
  int64_t outer = outer_of(y, d), inner = inner_of(y, d), row = inner * tch_dtype_bytes(y->type);
  int64_t n = index->count, m = y->size[d];
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < n; i++) {
      const char *from = address(src) + (o * n + i) * row;
      char *to = address(y) + (o * m + tch_index_at(index, i) - base) * row;
      if (add) add_row(y->type, inner, alpha, from, to);
      else memcpy(to, from, (size_t) row);
    }
  return TCH_OK;
}

static tch_status index_add_shape(tch_call *c) {
  const tch_index_add_attr *a = c->attr;
  return rows_shape(c, a->dim, a->base);
}

static tch_status index_add_forward(tch_call *c) {
  const tch_index_add_attr *a = c->attr;
  return rows_forward(c, a->dim, a->base, a->alpha, true);
}

static tch_status give_gout(tch_call *c, int i) {
  tch_tensor_retain(c->gout[0]);
  return tch_grad_give(c, i, c->gout[0]);
}

static tch_status index_add_backward(tch_call *c) {
  const tch_index_add_attr *a = c->attr;
  if (tch_wants(c, 0)) TCH_TRY(give_gout(c, 0));
  if (!tch_wants(c, 2)) return TCH_OK;
  tch_tensor *rows = NULL, *g = NULL;
  TCH_TRY(tch_index_select(c->gout[0], c->in[1], a->dim, a->base, &rows));
  if (a->alpha == 1) return tch_grad_give(c, 2, rows);
  tch_status status = tch_mul_scalar(rows, a->alpha, &g);
  tch_tensor_release(rows);
  return status == TCH_OK ? tch_grad_give(c, 2, g) : status;
}

const tch_op_body tch_op_index_add = {.shape = index_add_shape, .forward = index_add_forward,
                                      .backward_ops = index_add_backward, .save_in = 1 << 1, .in_place = true, .dense = true};

static tch_status index_copy_shape(tch_call *c) {
  const tch_index_copy_attr *a = c->attr;
  return rows_shape(c, a->dim, a->base);
}

static tch_status index_copy_forward(tch_call *c) {
  const tch_index_copy_attr *a = c->attr;
  return rows_forward(c, a->dim, a->base, 1, false);
}

static tch_status index_copy_backward(tch_call *c) {
  const tch_index_copy_attr *a = c->attr;
  tch_tensor *g = NULL;
  if (tch_wants(c, 0)) {
    TCH_TRY(tch_index_fill(c->gout[0], c->in[1], a->dim, a->base, 0, &g));
    TCH_TRY(tch_grad_give(c, 0, g));
  }
  if (!tch_wants(c, 2)) return TCH_OK;
  g = NULL;
  TCH_TRY(tch_index_select(c->gout[0], c->in[1], a->dim, a->base, &g));
  return tch_grad_give(c, 2, g);
}

const tch_op_body tch_op_index_copy = {.shape = index_copy_shape, .forward = index_copy_forward,
                                       .backward_ops = index_copy_backward, .save_in = 1 << 1, .in_place = true,
                                       .dense = true};

/* -- index_fill: y = x with rows index[i] set to value ---------------------------------------------------------- */

static tch_status index_fill_shape(tch_call *c) {
  const tch_index_fill_attr *a = c->attr;
  int d;
  TCH_TRY(tch_op_dim(c, c->in[0], a->dim, &d));
  TCH_TRY(check_vector(c, 1));
  TCH_TRY(tch_index_check(c, 1, a->base, c->in[0]->size[d], d));
  shape_like(c, c->in[0]);
  return TCH_OK;
}

static tch_status index_fill_forward(tch_call *c) {
  const tch_index_fill_attr *a = c->attr;
  tch_tensor *index, *y = c->out[0];
  TCH_TRY(tch_op_contiguous(c, c->in[1], &index));
  TCH_TRY(start_from_x(c));
  if (y->count == 0) return TCH_OK;
  int d = (int) (a->dim < 0 ? a->dim + y->ndim : a->dim);
  int64_t outer = outer_of(y, d), inner = inner_of(y, d), row = inner * tch_dtype_bytes(y->type);
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < index->count; i++)
      fill_row(y->type, inner, a->value, address(y) + (o * y->size[d] + tch_index_at(index, i) - a->base) * row);
  return TCH_OK;
}

static tch_status index_fill_backward(tch_call *c) {
  const tch_index_fill_attr *a = c->attr;
  tch_tensor *g = NULL;
  TCH_TRY(tch_index_fill(c->gout[0], c->in[1], a->dim, a->base, 0, &g));
  return tch_grad_give(c, 0, g);
}

const tch_op_body tch_op_index_fill = {.shape = index_fill_shape, .forward = index_fill_forward,
                                       .backward_ops = index_fill_backward, .save_in = 1 << 1, .in_place = true,
                                       .dense = true};

/* -- embedding: rows of a weight (n, width) for indices of any shape -------------------------------------------- */

static tch_status embedding_shape(tch_call *c) {
  const tch_embedding_attr *a = c->attr;
  const tch_tensor *weight = c->in[0], *index = c->in[1];
  char text[TCH_SHAPE_TEXT];
  if (weight->ndim != 2)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "weight must be a matrix (entries, width), but it is %s", tch_shape_text(weight, text));
  if (index->ndim >= TCH_MAX_DIMS) return tch_op_fail(c, TCH_ERROR_SHAPE, "index has too many dimensions");
  TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(tch_index_check(c, 1, a->base, weight->size[0], 0));
  shape_like(c, index);
  c->shape[0].type = weight->type;
  c->shape[0].size[c->shape[0].ndim++] = weight->size[1];
  return TCH_OK;
}

static tch_status embedding_forward(tch_call *c) {
  const tch_embedding_attr *a = c->attr;
  tch_tensor *weight, *index;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &weight));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &index));
  int64_t row = weight->size[1] * tch_dtype_bytes(weight->type);
  for (int64_t i = 0; i < index->count && row; i++)
    memcpy(address(c->out[0]) + i * row, address(weight) + (tch_index_at(index, i) - a->base) * row, (size_t) row);
  return TCH_OK;
}

/* The row of index `padding` gets no gradient. */
static tch_status embedding_backward(tch_call *c) {
  const tch_embedding_attr *a = c->attr;
  tch_tensor *index, *g, *dst;
  double alpha, beta;
  TCH_TRY(tch_op_contiguous(c, c->in[1], &index));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &g));
  TCH_TRY(tch_grad_open(c, 0, &dst, &alpha, &beta));
  if (beta == 0) TCH_TRY(tch_tensor_fill(dst, 0));
  int64_t width = dst->size[1], row = width * tch_dtype_bytes(dst->type);
  for (int64_t i = 0; i < index->count && row; i++) {
    int64_t at = tch_index_at(index, i);
    if (at != a->padding) add_row(dst->type, width, alpha, address(g) + i * row, address(dst) + (at - a->base) * row);
  }
  return TCH_OK;
}

static tch_status embedding_backward_ops(tch_call *c) {
  const tch_embedding_attr *a = c->attr;
  int64_t rows[] = {c->in[1]->count}, flat[] = {c->in[1]->count, c->in_shape[0].size[1]};
  tch_tensor *index = NULL, *g = NULL, *zero = NULL, *sum = NULL, *kept = NULL;
  tch_status status = tch_reshape(c->in[1], rows, 1, &index);
  if (status == TCH_OK) status = tch_reshape(c->gout[0], flat, 2, &g);
  if (status == TCH_OK) status = zeros(&c->in_shape[0], &zero);
  if (status == TCH_OK) status = tch_index_add(zero, index, g, 0, a->base, 1, &sum);
  if (status == TCH_OK && a->padding >= a->base) {
    int64_t one[] = {1};
    tch_tensor *pad = NULL;
    status = tch_tensor_new(TCH_LONG, 1, one, &pad);
    if (status == TCH_OK) status = tch_tensor_fill(pad, (double) a->padding);
    if (status == TCH_OK) status = tch_index_fill(sum, pad, 0, a->base, 0, &kept);
    tch_tensor_release(pad);
  } else if (status == TCH_OK) tch_tensor_retain(kept = sum);
  tch_tensor_release(index);
  tch_tensor_release(g);
  tch_tensor_release(zero);
  tch_tensor_release(sum);
  return status == TCH_OK ? tch_grad_give(c, 0, kept) : status;
}

const tch_op_body tch_op_embedding = {.shape = embedding_shape, .forward = embedding_forward, .backward = embedding_backward,
                                      .backward_ops = embedding_backward_ops, .save_in = 1 << 1, .dense = true};
