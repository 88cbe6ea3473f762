/* gather and scatter: an index tensor says for each of its places which entry of dimension dim is meant. */
#include "op/index.h"
#include <string.h>

static int dim_of(const tch_tensor *x, int64_t dim) { return (int) (dim < 0 ? dim + x->ndim : dim); }

/* index has x's dimensions and is nowhere larger than x except along d. */
static tch_status check_index(tch_call *c, int64_t dim, int64_t base) {
  const tch_tensor *x = c->in[0], *index = c->in[1];
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  int d;
  TCH_TRY(tch_op_dim(c, x, dim, &d));
  bool fit = index->ndim == x->ndim;
  for (int k = 0; k < x->ndim && fit; k++) fit = k == d || index->size[k] <= x->size[k];
  if (!fit)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "index is %s, which does not fit a tensor of %s along dimension %d",
                       tch_shape_text(index, a), tch_shape_text(x, b), d + 1);
  return tch_index_check(c, 1, base, x->size[d], d);
}

static tch_status check_src(tch_call *c) {
  const tch_tensor *index = c->in[1], *src = c->in[2];
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_type(c, 1 | 1 << 2));
  bool fit = src->ndim == index->ndim;
  for (int k = 0; k < index->ndim && fit; k++) fit = index->size[k] <= src->size[k];
  return fit ? TCH_OK : tch_op_fail(c, TCH_ERROR_SHAPE, "src is %s, smaller than the index %s", tch_shape_text(src, a),
                                    tch_shape_text(index, b));
}

static void shape_from(tch_call *c, const tch_tensor *sizes) {
  c->shape[0].type = c->in[0]->type;
  c->shape[0].ndim = sizes->ndim;
  memcpy(c->shape[0].size, sizes->size, sizeof *sizes->size * (size_t) sizes->ndim);
}

/* Walks the places of a contiguous index: for each, the element of `wide` (dimension d replaced by the entry) and that of
 * `narrow` (the place itself). */
typedef struct walk {
  const tch_tensor *index, *wide, *narrow;
  int d;
  int64_t base, at, place[TCH_MAX_DIMS];
} walk;

static bool next(walk *w, int64_t *wide, int64_t *narrow) {
  if (w->at == w->index->count) return false;
  *wide = w->wide->offset;
  *narrow = w->narrow->offset;
  for (int k = 0; k < w->index->ndim; k++) {
    int64_t p = k == w->d ? tch_index_at(w->index, w->at) - w->base : w->place[k];
    *wide += p * w->wide->stride[k];
    *narrow += w->place[k] * w->narrow->stride[k];
  }
  w->at++;
  for (int k = w->index->ndim - 1; k >= 0 && ++w->place[k] == w->index->size[k]; k--) w->place[k] = 0;
  return true;
}

static void move(tch_dtype type, void *to, int64_t i, const void *from, int64_t j) {
  size_t bytes = (size_t) tch_dtype_bytes(type);
  memcpy((char *) to + i * (int64_t) bytes, (const char *) from + j * (int64_t) bytes, bytes);
}

static void raise(tch_dtype type, void *to, int64_t i, const void *from, int64_t j) {
  switch (type) {
#define RAISE(ID, T, NAME, FLOATING) \
  case TCH_##ID: ((T *) to)[i] = (T) (((T *) to)[i] + ((const T *) from)[j]); break;
    TCH_DTYPES(RAISE)
#undef RAISE
    default: break;
  }
}

/* -- gather: y[i][j] = x[index[i][j]][j] for dim 0 -------------------------------------------------------------- */

static tch_status gather_shape(tch_call *c) {
  const tch_gather_attr *a = c->attr;
  TCH_TRY(check_index(c, a->dim, a->base));
  shape_from(c, c->in[1]);
  return TCH_OK;
}

static tch_status gather_forward(tch_call *c) {
  const tch_gather_attr *a = c->attr;
  tch_tensor *index, *x = c->in[0], *y = c->out[0];
  TCH_TRY(tch_op_contiguous(c, c->in[1], &index));
  if (y->count == 0) return TCH_OK;
  walk w = {.index = index, .wide = x, .narrow = y, .d = dim_of(x, a->dim), .base = a->base};
  for (int64_t i, j; next(&w, &i, &j);) move(x->type, y->storage->data, j, x->storage->data, i);
  return TCH_OK;
}

static tch_status gather_backward(tch_call *c) {
  const tch_gather_attr *a = c->attr;
  tch_tensor *zero = NULL, *g = NULL;
  TCH_TRY(tch_tensor_of(&c->in_shape[0], &zero));
  tch_status status = tch_tensor_fill(zero, 0);
  if (status == TCH_OK) status = tch_scatter_add(zero, c->in[1], c->gout[0], a->dim, a->base, &g);
  tch_tensor_release(zero);
  return status == TCH_OK ? tch_grad_give(c, 0, g) : status;
}

const tch_op_body tch_op_gather = {.shape = gather_shape, .forward = gather_forward, .backward_ops = gather_backward,
                                   .save_in = 1 << 1,
                                   .moves = true};

/* -- scatter, scatter_add: y = x with y[index[i][j]][j] set to, or raised by, src[i][j] ------------------------- */

static tch_status scatter_shape(tch_call *c) {
  const tch_scatter_attr *a = c->attr;
  TCH_TRY(check_index(c, a->dim, a->base));
  TCH_TRY(check_src(c));
  shape_from(c, c->in[0]);
  return TCH_OK;
}

static tch_status scatter_run(tch_call *c, int64_t dim, int64_t base, const tch_tensor *src,
                              void (*put)(tch_dtype, void *, int64_t, const void *, int64_t)) {
  tch_tensor *index, *y = c->out[0];
  TCH_TRY(tch_op_contiguous(c, c->in[1], &index));
  if (!tch_tensor_same_view(y, c->in[0])) TCH_TRY(tch_tensor_copy(y, c->in[0]));
  if (index->count == 0) return TCH_OK;
  walk w = {.index = index, .wide = y, .narrow = src, .d = dim_of(y, dim), .base = base};
  for (int64_t i, j; next(&w, &i, &j);) put(y->type, y->storage->data, i, src->storage->data, j);
  return TCH_OK;
}

static tch_status scatter_forward(tch_call *c) {
  const tch_scatter_attr *a = c->attr;
  return scatter_run(c, a->dim, a->base, c->in[2], move);
}

static tch_status give_gathered(tch_call *c, int64_t dim, int64_t base) {
  tch_tensor *part = NULL, *g = NULL;
  TCH_TRY(tch_gather(c->gout[0], c->in[1], dim, base, &part));
  const tch_shape *want = &c->in_shape[2];
  if (part->count == tch_shape_count(want)) return tch_grad_give(c, 2, part);
  int64_t before[TCH_MAX_DIMS] = {0}, after[TCH_MAX_DIMS]; /* src was larger than the index: the rest was not read */
  for (int k = 0; k < want->ndim; k++) after[k] = want->size[k] - part->size[k];
  tch_status status = tch_pad(part, before, want->ndim, after, want->ndim, 0, &g);
  tch_tensor_release(part);
  return status == TCH_OK ? tch_grad_give(c, 2, g) : status;
}

static tch_status scatter_backward(tch_call *c) {
  const tch_scatter_attr *a = c->attr;
  tch_tensor *g = NULL;
  if (tch_wants(c, 0)) {
    TCH_TRY(tch_scatter_fill(c->gout[0], c->in[1], a->dim, a->base, 0, &g));
    TCH_TRY(tch_grad_give(c, 0, g));
  }
  return tch_wants(c, 2) ? give_gathered(c, a->dim, a->base) : TCH_OK;
}

const tch_op_body tch_op_scatter = {.shape = scatter_shape, .forward = scatter_forward, .backward_ops = scatter_backward,
                                    .save_in = 1 << 1, .in_place = true};

static tch_status scatter_add_forward(tch_call *c) {
  const tch_scatter_add_attr *a = c->attr;
  return scatter_run(c, a->dim, a->base, c->in[2], raise);
}

static tch_status scatter_add_backward(tch_call *c) {
  const tch_scatter_add_attr *a = c->attr;
  if (tch_wants(c, 0)) {
    tch_tensor_retain(c->gout[0]);
    TCH_TRY(tch_grad_give(c, 0, c->gout[0]));
  }
  return tch_wants(c, 2) ? give_gathered(c, a->dim, a->base) : TCH_OK;
}

const tch_op_body tch_op_scatter_add = {.shape = scatter_shape, .forward = scatter_add_forward,
                                        .backward_ops = scatter_add_backward, .save_in = 1 << 1, .in_place = true};

/* -- scatter_fill: y = x with y[index[i][j]][j] = value --------------------------------------------------------- */

static tch_status scatter_fill_shape(tch_call *c) {
  const tch_scatter_fill_attr *a = c->attr;
  TCH_TRY(check_index(c, a->dim, a->base));
  shape_from(c, c->in[0]);
  return TCH_OK;
}

static tch_status scatter_fill_forward(tch_call *c) {
  const tch_scatter_fill_attr *a = c->attr;
  tch_shape one = {.type = c->in[0]->type};
  tch_tensor *value, *wide = NULL;
  TCH_TRY(tch_op_temp(c, &one, &value));
  TCH_TRY(tch_tensor_fill(value, a->value));
  TCH_TRY(tch_expand(value, c->in[1]->size, c->in[1]->ndim, &wide));
  tch_status status = scatter_run(c, a->dim, a->base, wide, move);
  tch_tensor_release(wide);
  return status;
}

static tch_status scatter_fill_backward(tch_call *c) {
  const tch_scatter_fill_attr *a = c->attr;
  tch_tensor *g = NULL;
  TCH_TRY(tch_scatter_fill(c->gout[0], c->in[1], a->dim, a->base, 0, &g));
  return tch_grad_give(c, 0, g);
}

const tch_op_body tch_op_scatter_fill = {.shape = scatter_fill_shape, .forward = scatter_fill_forward,
                                         .backward_ops = scatter_fill_backward, .save_in = 1 << 1, .in_place = true};
