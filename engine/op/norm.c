/* Batch normalisation (Ioffe and Szegedy 2015) and layer normalisation (Ba et al. 2016).
 *
 * With xhat = (x - mean) / sqrt(variance + eps) over a group of n elements, y = xhat * w + b, and for a gradient g of y
 * (gw = g * w):  dx = (gw - mean(gw) - xhat * mean(gw * xhat)) / sqrt(variance + eps),  dw = sum(g * xhat),  db = sum(g). */
#include "kernel/norm.h"
#include "core/cpu.h"
#include "core/thread.h"
#include "op/op.h"
#include <math.h>
#include <string.h>

TCH_KERNEL_FAMILY(norm)

enum { WORK = 1 << 14 }; /* elements a piece of work should have at least */

static void shape_like(tch_shape *s, const tch_tensor *x) {
  s->type = x->type;
  s->ndim = x->ndim;
  memcpy(s->size, x->size, sizeof *x->size * (size_t) x->ndim);
}

static double load(const tch_tensor *t, int64_t i) {
  // cppcheck-suppress [nullPointerRedundantCheck,ctunullpointer] ; the shape rule wants it where it is read
  return t->type == TCH_DOUBLE ? TCH_DATA(double, t)[i * t->stride[0]] : TCH_DATA(float, t)[i * t->stride[0]];
}

static void store(const tch_tensor *t, int64_t i, double v) {
  if (t->type == TCH_DOUBLE) TCH_DATA(double, t)[i * t->stride[0]] = v;
  else TCH_DATA(float, t)[i * t->stride[0]] = (float) v;
}

static tch_status check_vector(tch_call *c, int input, int64_t n, const char *of) {
  char name[32], a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  const tch_tensor *t = c->in[input];
  if (t == NULL || (t->ndim == 1 && t->count == n)) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, but the input %s has %lld %s", tch_op_input_name(c, input, name),
                     tch_shape_text(t, a), tch_shape_text(c->in[0], b), (long long) n, of);
}

/* -- batch_norm: groups are the channels, dimension 1 of (N, C, ...) -------------------------------------------------
 * training: statistics of the batch, which move the running ones (their variance unbiased, 0 for a single
 * value); otherwise the running ones. */

static tch_status batch_norm_shape(tch_call *c) {
  const tch_batch_norm_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  char text[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 0x1f));
  if (x->ndim < 2)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "the input must be (batch, channels, ...), but it is %s", tch_shape_text(x, text));
  int64_t channels = x->size[1];
  for (int i = 1; i < 5; i++) TCH_TRY(check_vector(c, i, channels, "channels"));
  if ((c->in[3] == NULL) != (c->in[4] == NULL) || (!a->training && c->in[3] == NULL))
    return tch_op_fail(c, TCH_ERROR_VALUE, "running mean and variance are needed %s",
                       a->training ? "both or neither" : "to evaluate");
  shape_like(&c->shape[0], x);
  for (int o = 1; o < 3; o++) c->shape[o] = (tch_shape) {.type = x->type, .ndim = 1, .size = {channels}};
  return TCH_OK;
}

/* What one call works on, contiguous: x as `rows` batches of `channels` of `inner`. */
typedef struct batch {
  const tch_norm_kernels *table;
  int64_t rows, channels, inner, bytes;
  char *x, *y, *g, *d;
  double *a, *b, *c, beta; /* per channel */
} batch;

static char *row_of(const batch *n, char *data, int64_t row, int64_t channel) {
  return data + (row * n->channels + channel) * n->inner * n->bytes;
}

static void measure_batch(batch *n, const tch_tensor *x) {
  n->table = tch_norm_table(x->type);
  n->bytes = tch_dtype_bytes(x->type);
  n->rows = x->size[0];
  n->channels = x->size[1];
  n->inner = n->rows && n->channels ? x->count / n->rows / n->channels : 0;
  n->x = tch_tensor_data(x);
}

static int64_t channel_grain(const batch *n) {
  int64_t per_channel = n->rows * n->inner;
  return per_channel >= WORK ? 1 : WORK / (per_channel ? per_channel : 1);
}

/* a = sum of x, then b = sum of (x - a / count)^2, channel by channel. */
static void statistics_piece(void *context, int64_t begin, int64_t end) {
  const batch *n = context;
  double count = (double) (n->rows * n->inner);
  for (int64_t ch = begin; ch < end; ch++) n->a[ch] = n->b[ch] = 0;
  if (n->inner == 1) {
    for (int64_t r = 0; r < n->rows; r++) n->table->add_columns(end - begin, row_of(n, n->x, r, begin), n->a + begin);
    for (int64_t ch = begin; ch < end; ch++) n->a[ch] /= count;
    for (int64_t r = 0; r < n->rows; r++)
      n->table->square_columns(end - begin, row_of(n, n->x, r, begin), n->a + begin, n->b + begin);
    return;
  }
  for (int64_t ch = begin; ch < end; ch++) {
    for (int64_t r = 0; r < n->rows; r++) n->a[ch] += n->table->sum(n->inner, row_of(n, n->x, r, ch));
    n->a[ch] /= count;
    for (int64_t r = 0; r < n->rows; r++) n->b[ch] += n->table->square(n->inner, row_of(n, n->x, r, ch), n->a[ch]);
  }
}

static void normalise_piece(void *context, int64_t begin, int64_t end) {
  const batch *n = context;
  if (n->inner == 1) {
    for (int64_t r = begin; r < end; r++)
      n->table->affine_columns(n->channels, row_of(n, n->x, r, 0), row_of(n, n->y, r, 0), n->a, n->b);
    return;
  }
  for (int64_t i = begin * n->channels; i < end * n->channels; i++)
    n->table->affine(n->inner, row_of(n, n->x, 0, i), row_of(n, n->y, 0, i), n->a[i % n->channels], n->b[i % n->channels]);
}

static int64_t row_grain(const batch *n) {
  int64_t per_row = n->channels * n->inner;
  return per_row >= 2 * WORK ? 1 : 2 * WORK / (per_row ? per_row : 1);
}

static tch_status numbers(tch_call *c, int64_t n, double **out) {
  tch_shape shape = {.type = TCH_DOUBLE, .ndim = 1, .size = {n}};
  tch_tensor *t;
  TCH_TRY(tch_op_temp(c, &shape, &t));
  *out = tch_tensor_data(t);
  return TCH_OK;
}

static tch_status batch_norm_forward(tch_call *c) {
  const tch_batch_norm_attr *attr = c->attr;
  tch_tensor *x, *weight = c->in[1], *bias = c->in[2], *rm = c->in[3], *rv = c->in[4];
  batch n;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  measure_batch(&n, x);
  n.y = tch_tensor_data(c->out[0]);
  TCH_TRY(numbers(c, n.channels, &n.a));
  TCH_TRY(numbers(c, n.channels, &n.b));
  if (attr->training) tch_parallel(n.channels, channel_grain(&n), statistics_piece, &n);
  double count = (double) (n.rows * n.inner);
  for (int64_t ch = 0; ch < n.channels; ch++) {
    double mean = attr->training ? n.a[ch] : load(rm, ch);
    double variance = attr->training ? n.b[ch] / count : load(rv, ch);
    double invstd = 1 / sqrt(variance + attr->eps), w = weight ? load(weight, ch) : 1;
    store(c->out[1], ch, mean);
    store(c->out[2], ch, invstd);
    if (attr->training && rm) {
      store(rm, ch, attr->momentum * mean + (1 - attr->momentum) * load(rm, ch));
      store(rv, ch, attr->momentum * variance * count / (count > 1 ? count - 1 : 1) + (1 - attr->momentum) * load(rv, ch));
    }
    n.a[ch] = w * invstd;
    n.b[ch] = (bias ? load(bias, ch) : 0) - mean * w * invstd;
  }
  tch_parallel(n.rows, row_grain(&n), normalise_piece, &n);
  return TCH_OK;
}

/* a = sum of g, b = sum of g * (x - c), c holding the means. */
static void moments_piece(void *context, int64_t begin, int64_t end) {
  const batch *n = context;
  for (int64_t ch = begin; ch < end; ch++) n->a[ch] = n->b[ch] = 0;
  if (n->inner == 1) {
    for (int64_t r = 0; r < n->rows; r++)
      n->table->moments_columns(end - begin, row_of(n, n->g, r, begin), row_of(n, n->x, r, begin), n->c + begin, n->a + begin,
                                n->b + begin);
    return;
  }
  for (int64_t ch = begin; ch < end; ch++)
    for (int64_t r = 0; r < n->rows; r++) {
      double g, gx;
      n->table->moments(n->inner, row_of(n, n->g, r, ch), row_of(n, n->x, r, ch), n->c[ch], &g, &gx);
      n->a[ch] += g;
      n->b[ch] += gx;
    }
}

static void gradient_piece(void *context, int64_t begin, int64_t end) {
  const batch *n = context;
  if (n->inner == 1) {
    for (int64_t r = begin; r < end; r++)
      n->table->gradient_columns(n->channels, row_of(n, n->g, r, 0), row_of(n, n->x, r, 0), row_of(n, n->d, r, 0), n->a, n->b,
                                 n->c, n->beta);
    return;
  }
  for (int64_t i = begin * n->channels; i < end * n->channels; i++) {
    int64_t ch = i % n->channels;
    n->table->gradient(n->inner, row_of(n, n->g, 0, i), row_of(n, n->x, 0, i), row_of(n, n->d, 0, i), n->a[ch], n->b[ch],
                       n->c[ch], n->beta);
  }
}

/* Adds value(ch) for every channel to the gradient of a vector input. */
static tch_status give_vector(tch_call *c, int input, const double *value) {
  tch_tensor *dst;
  double alpha, beta;
  if (!tch_wants(c, input)) return TCH_OK;
  TCH_TRY(tch_grad_open(c, input, &dst, &alpha, &beta));
  for (int64_t i = 0; i < dst->count; i++) store(dst, i, alpha * value[i] + (beta == 0 ? 0 : load(dst, i)));
  return TCH_OK;
}

static tch_status batch_norm_backward(tch_call *c) {
  const tch_batch_norm_attr *attr = c->attr;
  tch_tensor *x, *g, *weight = c->in[1], *dst;
  double alpha, *sum_g, *sum_gx;
  batch n;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &g));
  measure_batch(&n, x);
  n.g = tch_tensor_data(g);
  TCH_TRY(numbers(c, n.channels, &sum_g));
  TCH_TRY(numbers(c, n.channels, &sum_gx));
  TCH_TRY(numbers(c, n.channels, &n.c));
  n.a = sum_g;
  n.b = sum_gx;
  for (int64_t ch = 0; ch < n.channels; ch++) n.c[ch] = load(c->out[1], ch);
  tch_parallel(n.channels, channel_grain(&n), moments_piece, &n);
  for (int64_t ch = 0; ch < n.channels; ch++) sum_gx[ch] *= load(c->out[2], ch); /* towards xhat */
  TCH_TRY(give_vector(c, 1, sum_gx));
  TCH_TRY(give_vector(c, 2, sum_g));
  if (!tch_wants(c, 0)) return TCH_OK;
  TCH_TRY(tch_grad_open(c, 0, &dst, &alpha, &n.beta));
  n.d = tch_tensor_data(dst);
  double count = (double) (n.rows * n.inner);
  for (int64_t ch = 0; ch < n.channels; ch++) {
    double mean = n.c[ch], invstd = load(c->out[2], ch), a = alpha * invstd * (weight ? load(weight, ch) : 1);
    double share = attr->training ? -a * invstd * sum_gx[ch] / count : 0;
    n.c[ch] = (attr->training ? -a * sum_g[ch] / count : 0) - share * mean;
    n.a[ch] = a;
    n.b[ch] = share;
  }
  tch_parallel(n.rows, row_grain(&n), gradient_piece, &n);
  return TCH_OK;
}

/* -- gradients in ops, for graphs of the gradient -------------------------------------------------------------------- */

/* A chain of ops that ends at the first failure; every tensor made is kept until the end. */
typedef struct chain {
  tch_status status;
  int n;
  tch_tensor *tensor[24];
} chain;

/* Declares `name` and sets it by `call`, unless the chain is broken. */
#define LINK(k, name, call)                               \
  tch_tensor *name = NULL;                                \
  if ((k)->status == TCH_OK) {                            \
    (k)->status = call;                                   \
    if ((k)->status == TCH_OK) (k)->tensor[(k)->n++] = name; \
  }

static void finish(chain *k) {
  for (int i = 0; i < k->n; i++) tch_tensor_release(k->tensor[i]);
}

/* A vector over the channels as a tensor of ndim dimensions. */
static tch_status widen(tch_tensor *v, int ndim, tch_tensor **out) {
  int64_t size[TCH_MAX_DIMS];
  for (int d = 0; d < ndim; d++) size[d] = 1;
  size[1] = v->count;
  return tch_reshape(v, size, ndim, out);
}

/* Takes t, the gradient of a weight or bias before it is summed over the groups. */
static tch_status give_summed(tch_call *c, int input, tch_tensor *t, bool channels) {
  if (!channels) return tch_grad_give(c, input, t); /* the weight was broadcast from the right */
  int64_t dims[TCH_MAX_DIMS];
  int n = 0;
  tch_tensor *sum = NULL;
  for (int d = 0; d < t->ndim; d++)
    if (d != 1) dims[n++] = d;
  tch_status status = tch_sum(t, dims, n, false, &sum);
  tch_tensor_release(t);
  return status == TCH_OK ? tch_grad_give(c, input, sum) : status;
}

/* How the groups of a call lie: `dims` is what a group spans. mean and invstd are given where they are constants. */
typedef struct groups {
  int ndims;
  int64_t dims[TCH_MAX_DIMS];
  bool channels; /* weight and bias count along dimension 1, not along the last ones */
  double eps;
  tch_tensor *weight, *mean, *invstd; /* broadcast to x; may be NULL */
} groups;

static tch_status gradients_in_ops(tch_call *c, const groups *of) {
  tch_tensor *x = c->in[0], *g = c->gout[0], *w = of->weight, *mean = of->mean, *invstd = of->invstd;
  const int64_t *dims = of->dims;
  int n = of->ndims;
  bool fixed = mean != NULL;
  chain k = {0};
  if (!fixed) {
    LINK(&k, m, tch_mean(x, dims, n, true, &m));
    mean = m;
  }
  LINK(&k, centred, tch_sub(x, mean, 1, &centred));
  if (!fixed) {
    LINK(&k, squared, tch_square(centred, &squared));
    LINK(&k, variance, tch_mean(squared, dims, n, true, &variance));
    LINK(&k, shifted, tch_add_scalar(variance, of->eps, &shifted));
    LINK(&k, root, tch_rsqrt(shifted, &root));
    invstd = root;
  }
  LINK(&k, xhat, tch_mul(centred, invstd, &xhat));
  tch_tensor *gw = g;
  if (w) {
    LINK(&k, product, tch_mul(g, w, &product));
    gw = product;
  }
  tch_tensor *rest = gw;
  if (!fixed) {
    LINK(&k, gw_mean, tch_mean(gw, dims, n, true, &gw_mean));
    LINK(&k, gwx, tch_mul(gw, xhat, &gwx));
    LINK(&k, gwx_mean, tch_mean(gwx, dims, n, true, &gwx_mean));
    LINK(&k, slope, tch_mul(xhat, gwx_mean, &slope));
    LINK(&k, less, tch_sub(gw, gw_mean, 1, &less));
    LINK(&k, difference, tch_sub(less, slope, 1, &difference));
    rest = difference;
  }
  tch_tensor *dx = NULL, *dw = NULL;
  if (k.status == TCH_OK && tch_wants(c, 0)) {
    k.status = tch_mul(rest, invstd, &dx);
    if (k.status == TCH_OK) k.status = tch_grad_give(c, 0, dx);
  }
  if (k.status == TCH_OK && tch_wants(c, 1)) {
    k.status = tch_mul(g, xhat, &dw);
    if (k.status == TCH_OK) k.status = give_summed(c, 1, dw, of->channels);
  }
  if (k.status == TCH_OK && tch_wants(c, 2)) {
    tch_tensor_retain(g);
    k.status = give_summed(c, 2, g, of->channels);
  }
  finish(&k);
  return k.status;
}

static tch_status batch_norm_backward_ops(tch_call *c) {
  const tch_batch_norm_attr *a = c->attr;
  int ndim = c->in[0]->ndim;
  groups of = {.channels = true, .eps = a->eps};
  for (int d = 0; d < ndim; d++)
    if (d != 1) of.dims[of.ndims++] = d;
  tch_status status = TCH_OK;
  if (c->in[1]) status = widen(c->in[1], ndim, &of.weight);
  if (status == TCH_OK && !a->training) status = widen(c->out[1], ndim, &of.mean);
  if (status == TCH_OK && !a->training) status = widen(c->out[2], ndim, &of.invstd);
  if (status == TCH_OK) status = gradients_in_ops(c, &of);
  tch_tensor_release(of.weight);
  tch_tensor_release(of.mean);
  tch_tensor_release(of.invstd);
  return status;
}

const tch_op_body tch_op_batch_norm = {.shape = batch_norm_shape, .forward = batch_norm_forward,
                                       .backward = batch_norm_backward, .backward_ops = batch_norm_backward_ops,
                                       .save_in = 1 | 1 << 1, .save_out = 1 << 1 | 1 << 2, .dense = true};

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
  int64_t n, bytes; /* elements of a group */
  double eps, beta;
  char *x, *y, *g, *d, *w, *b;
  tch_tensor *mean, *invstd; /* flat views */
} layers;

static double flat_load(const tch_tensor *t, int64_t i) {
  return t->type == TCH_DOUBLE ? TCH_DATA(double, t)[i] : TCH_DATA(float, t)[i];
}

static void flat_store(const tch_tensor *t, int64_t i, double v) {
  if (t->type == TCH_DOUBLE) TCH_DATA(double, t)[i] = v;
  else TCH_DATA(float, t)[i] = (float) v;
}

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

static tch_status layer_weight_gradients(tch_call *c, const layers *l, int64_t count) {
  double *dw = NULL, *db = NULL, alpha, beta;
  tch_tensor *dst;
  if (tch_wants(c, 1)) TCH_TRY(numbers(c, l->n, &dw));
  if (tch_wants(c, 2)) TCH_TRY(numbers(c, l->n, &db));
  if (dw) memset(dw, 0, sizeof *dw * (size_t) l->n);
  if (db) memset(db, 0, sizeof *db * (size_t) l->n);
  for (int64_t i = 0; i < count && (dw || db); i++)
    l->table->layer_weights(l->n, l->g + i * l->n * l->bytes, l->x + i * l->n * l->bytes, flat_load(l->mean, i),
                            flat_load(l->invstd, i), dw, db);
  double *const sums[] = {dw, db};
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
  int64_t count = l.n ? c->in[0]->count / l.n : 0;
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
      tch_parallel(count, group_grain(&l), layer_gradient_piece, &l);
      TCH_TRY(tch_add(dst, own, alpha, &dst));
    } else tch_parallel(count, group_grain(&l), layer_gradient_piece, &l);
  }
  return layer_weight_gradients(c, &l, count);
}

static tch_status layer_norm_backward_ops(tch_call *c) {
  const tch_layer_norm_attr *a = c->attr;
  groups of = {.eps = a->eps, .weight = c->in[1], .ndims = (int) a->ndims};
  for (int d = 0; d < of.ndims; d++) of.dims[d] = c->in[0]->ndim - of.ndims + d;
  return gradients_in_ops(c, &of);
}

const tch_op_body tch_op_layer_norm = {.shape = layer_norm_shape, .forward = layer_norm_forward,
                                       .backward = layer_norm_backward, .backward_ops = layer_norm_backward_ops,
                                       .save_in = 1 | 1 << 1, .save_out = 1 << 1 | 1 << 2, .dense = true};
