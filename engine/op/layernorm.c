/* Layer normalisation (Ba et al. 2016); the formulas are in norm.c. */
#include "op/norm.h"
#include "core/thread.h"
#include <math.h>

enum { COLUMNS = 64 }; /* whose sums one thread does, at least */

/* -- layer_norm: a group is one place of the leading dimensions, over the last `ndims` ------------------------------- */

static tch_status layer_norm_shape(tch_call *c) {
  const tch_layer_norm_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  char name[32], s[TCH_SHAPE_TEXT], t[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 7));
  if (a->ndims < 1 || a->ndims > x->ndim)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "%lld dimensions to normalise over, but the input is %s", (long long) a->ndims,
                       tch_shape_text(x, s));
  int lead = x->ndim - (int) a->ndims;
  for (int i = 1; i < 3; i++) {
    const tch_tensor *w = c->in[i];
    bool fit = w == NULL || w->ndim == a->ndims;
    for (int d = lead; d < x->ndim && w && fit; d++) fit = w->size[d - lead] == x->size[d];
    if (!fit)
      return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, which does not fit the last %lld dimensions of the input %s",
                         tch_op_input_name(c, i, name), tch_shape_text(w, s), (long long) a->ndims, tch_shape_text(x, t));
  }
  shape_like(&c->shape[0], x);
  for (int o = 1; o < 3; o++) {
    shape_like(&c->shape[o], x);
    c->shape[o].ndim = lead;
  }
  return TCH_OK;
}

typedef struct layers {
  const tch_norm_kernels *table;
  tch_dtype type;
  int64_t n, groups, bytes; /* elements of a group */
  double eps, beta, *dw, *db;
  char *x, *y, *g, *d, *w, *b;
  tch_tensor *mean, *invstd; /* flat views */
} layers;

static tch_status data_of(tch_call *c, tch_tensor *t, char **data) {
  *data = NULL;
  if (t == NULL) return TCH_OK;
  TCH_TRY(tch_op_contiguous(c, t, &t));
  *data = tch_tensor_data(t);
  return TCH_OK;
}

static tch_status measure_layers(tch_call *c, layers *l) {
  const tch_layer_norm_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  l->table = tch_norm_table(x->type);
  l->bytes = tch_dtype_bytes(x->type);
  l->eps = a->eps;
  l->n = 1;
  for (int d = x->ndim - (int) a->ndims; d < x->ndim; d++) l->n *= x->size[d];
  TCH_TRY(data_of(c, c->in[0], &l->x));
  TCH_TRY(data_of(c, c->in[1], &l->w));
  return data_of(c, c->in[2], &l->b);
}

static int64_t group_grain(const layers *l) { return l->n >= WORK ? 1 : WORK / (l->n ? l->n : 1); }

static void layer_piece(void *context, int64_t begin, int64_t end) {
  const layers *l = context;
  for (int64_t i = begin; i < end; i++) {
    const char *x = l->x + i * l->n * l->bytes;
    double mean = l->table->sum(l->n, x) / (double) l->n;
    double invstd = 1 / sqrt(l->table->square(l->n, x, mean) / (double) l->n + l->eps);
    flat_store(l->mean, i, mean);
    flat_store(l->invstd, i, invstd);
    l->table->layer(l->n, x, l->y + i * l->n * l->bytes, mean, invstd, l->w, l->b);
  }
}

static tch_status layer_norm_forward(tch_call *c) {
  layers l = {.y = tch_tensor_data(c->out[0]), .mean = c->out[1], .invstd = c->out[2]};
  if (c->in[0]->count == 0) return TCH_OK;
  TCH_TRY(measure_layers(c, &l));
  tch_parallel(c->out[1]->count, group_grain(&l), layer_piece, &l);
  return TCH_OK;
}

static void layer_gradient_piece(void *context, int64_t begin, int64_t end) {
  const layers *l = context;
  for (int64_t i = begin; i < end; i++) {
    const char *x = l->x + i * l->n * l->bytes, *g = l->g + i * l->n * l->bytes;
    double mean = flat_load(l->mean, i), invstd = flat_load(l->invstd, i), p, q;
    l->table->layer_moments(l->n, g, x, l->w, mean, invstd, &p, &q);
    l->table->layer_gradient(l->n, g, x, l->w, l->d + i * l->n * l->bytes, mean, invstd, p / (double) l->n,
                             q / (double) l->n, l->beta);
  }
}

/* Sums over all groups, for columns [begin, end). */
static void layer_weights_piece(void *context, int64_t begin, int64_t end) {
  const layers *l = context;
  double *dw = l->dw ? l->dw + begin : NULL, *db = l->db ? l->db + begin : NULL;
  if (dw) memset(dw, 0, sizeof *dw * (size_t) (end - begin));
  if (db) memset(db, 0, sizeof *db * (size_t) (end - begin));
  for (int64_t i = 0, at = begin * l->bytes; i < l->groups; i++, at += l->n * l->bytes)
    l->table->layer_weights(end - begin, l->g + at, l->x + at, flat_load(l->mean, i), flat_load(l->invstd, i), dw, db);
}

static tch_status layer_weight_gradients(tch_call *c, layers *l) {
  double alpha, beta;
  tch_tensor *dst;
  if (tch_wants(c, 1)) TCH_TRY(numbers(c, l->n, &l->dw));
  if (tch_wants(c, 2)) TCH_TRY(numbers(c, l->n, &l->db));
  int64_t grain = l->groups < WORK ? WORK / (l->groups ? l->groups : 1) : 1;
  if (l->dw || l->db) tch_parallel(l->n, grain < COLUMNS ? COLUMNS : grain, layer_weights_piece, l);
  double *const sums[] = {l->dw, l->db};
  for (int k = 0; k < 2; k++) {
    if (!sums[k]) continue;
    TCH_TRY(tch_grad_open(c, k + 1, &dst, &alpha, &beta));
    for (int64_t i = 0; i < l->n; i++) flat_store(dst, i, alpha * sums[k][i] + (beta == 0 ? 0 : flat_load(dst, i)));
  }
  return TCH_OK;
}

static tch_status layer_norm_backward(tch_call *c) {
  layers l = {.mean = c->out[1], .invstd = c->out[2]};
  double alpha;
  tch_tensor *dst;
  TCH_TRY(measure_layers(c, &l));
  TCH_TRY(data_of(c, c->gout[0], &l.g));
  l.groups = l.n ? c->in[0]->count / l.n : 0;
  if (tch_wants(c, 0)) {
    TCH_TRY(tch_grad_open(c, 0, &dst, &alpha, &l.beta));
    l.d = tch_tensor_data(dst);
    if (alpha != 1) { /* scaled accumulation goes through a tensor of its own */
      tch_shape shape;
      shape_like(&shape, dst);
      tch_tensor *own;
      TCH_TRY(tch_op_temp(c, &shape, &own));
      l.d = tch_tensor_data(own);
      l.beta = 0;
      tch_parallel(l.groups, group_grain(&l), layer_gradient_piece, &l);
      TCH_TRY(tch_add(dst, own, alpha, &dst));
    } else tch_parallel(l.groups, group_grain(&l), layer_gradient_piece, &l);
  }
  return layer_weight_gradients(c, &l);
}

static tch_status layer_norm_backward_ops(tch_call *c) {
  const tch_layer_norm_attr *a = c->attr;
  tch_norm_groups of = {.eps = a->eps, .weight = c->in[1], .ndims = (int) a->ndims};
  for (int d = 0; d < of.ndims; d++) of.dims[d] = c->in[0]->ndim - of.ndims + d;
  return tch_norm_gradients(c, &of);
}

const tch_op_body tch_op_layer_norm = {.shape = layer_norm_shape, .forward = layer_norm_forward,
                                       .backward = layer_norm_backward, .backward_ops = layer_norm_backward_ops,
                                       .save_in = 1 | 1 << 1, .save_out = 1 << 1 | 1 << 2, .dense = true};
