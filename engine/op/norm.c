/* Batch normalisation (Ioffe and Szegedy 2015); layernorm.c has layer normalisation.
 *
 * With xhat = (x - mean) / sqrt(variance + eps) over a group of n elements, y = xhat * w + b, and for a gradient g of y
 * (gw = g * w):  dx = (gw - mean(gw) - xhat * mean(gw * xhat)) / sqrt(variance + eps),  dw = sum(g * xhat),  db = sum(g). */
#include "op/norm.h"
#include "core/thread.h"
#include <math.h>

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

static tch_status normal_shape(tch_call *c, bool training) {
  const tch_tensor *x = c->in[0];
  char text[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 0x1f));
  if (x->ndim < 2)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "the input must be (batch, channels, ...), but it is %s", tch_shape_text(x, text));
  int64_t channels = x->size[1];
  for (int i = 1; i < 5; i++) TCH_TRY(check_vector(c, i, channels, "channels"));
  if ((c->in[3] == NULL) != (c->in[4] == NULL) || (!training && c->in[3] == NULL))
    return tch_op_fail(c, TCH_ERROR_VALUE, "running mean and variance are needed %s",
                       training ? "both or neither" : "to evaluate");
  shape_like(&c->shape[0], x);
  for (int o = 1; o < 3; o++) c->shape[o] = (tch_shape) {.type = x->type, .ndim = 1, .size = {channels}};
  return TCH_OK;
}

static tch_status batch_norm_shape(tch_call *c) { return normal_shape(c, ((const tch_batch_norm_attr *) c->attr)->training); }

/* What one call works on, contiguous: x as `rows` batches of `channels` of `inner`. */
typedef struct batch {
  const tch_norm_kernels *table;
  int64_t rows, channels, inner, bytes;
  char *x, *y, *g, *d, *gy;
  double *a, *b, *c, alpha, beta;     /* a, b, c: per channel */
  double *sum_g, *sum_gx;             /* per channel: of g, of g * xhat */
  bool training, relu;                /* relu: y is cut at 0 and high; in backward g is what gy is before that */
  double high, eps, momentum;
  const tch_tensor *weight, *bias, *running_mean, *running_var, *mean, *invstd;
} batch;

static char *row_of(const batch *n, char *data, int64_t row, int64_t channel) {
  return data + (row * n->channels + channel) * n->inner * n->bytes;
}

static tch_status measure_batch(tch_call *c, batch *n, const tch_tensor *x) {
  n->table = tch_norm_table(x->type);
  n->bytes = tch_dtype_bytes(x->type);
  n->rows = x->size[0];
  n->channels = x->size[1];
  n->inner = n->rows && n->channels ? x->count / n->rows / n->channels : 0;
  n->x = tch_tensor_data(x);
  TCH_TRY(numbers(c, n->channels, &n->a));
  TCH_TRY(numbers(c, n->channels, &n->b));
  TCH_TRY(numbers(c, n->channels, &n->c));
  TCH_TRY(numbers(c, n->channels, &n->sum_g));
  return numbers(c, n->channels, &n->sum_gx);
}

static int64_t channel_grain(const batch *n) {
  int64_t per_channel = n->rows * n->inner;
  return per_channel >= WORK ? 1 : WORK / (per_channel ? per_channel : 1);
}

static int64_t row_grain(const batch *n) {
  int64_t per_row = n->channels * n->inner;
  return per_row >= 2 * WORK ? 1 : 2 * WORK / (per_row ? per_row : 1);
}

/* Rows long enough that all passes over a channel are made while it is in a cache; else the last one goes row by row. */
static bool by_channel(const batch *n) { return n->inner >= 512; }

/* -- forward */

/* a = mean of x, b = sum of (x - a)^2, channel by channel. */
static void statistics(const batch *n, int64_t begin, int64_t end) {
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

/* Statistics of channels become y = a * x + b; they are stored, and move the running ones. */
static void settle(const batch *n, int64_t begin, int64_t end) {
  double count = (double) (n->rows * n->inner);
  for (int64_t ch = begin; ch < end; ch++) {
    const tch_tensor *rm = n->running_mean, *rv = n->running_var;
    double mean = n->training ? n->a[ch] : load(rm, ch);
    double variance = n->training ? n->b[ch] / count : load(rv, ch);
    double invstd = 1 / sqrt(variance + n->eps), w = n->weight ? load(n->weight, ch) : 1;
    store(n->mean, ch, mean);
    store(n->invstd, ch, invstd);
    if (n->training && rm) {
      double unbiased = variance * count / (count > 1 ? count - 1 : 1);
      store(rm, ch, n->momentum * mean + (1 - n->momentum) * load(rm, ch));
      store(rv, ch, n->momentum * unbiased + (1 - n->momentum) * load(rv, ch));
    }
    n->a[ch] = w * invstd;
    n->b[ch] = (n->bias ? load(n->bias, ch) : 0) - mean * w * invstd;
  }
}

static void normalise_plane(const batch *n, int64_t r, int64_t ch) {
  char *x = row_of(n, n->x, r, ch), *y = row_of(n, n->y, r, ch);
  if (n->relu) n->table->affine_relu(n->inner, x, y, n->a[ch], n->b[ch], n->high);
  else n->table->affine(n->inner, x, y, n->a[ch], n->b[ch]);
}

static void normalise_piece(void *context, int64_t begin, int64_t end) {
  const batch *n = context;
  for (int64_t r = begin; r < end; r++)
    if (n->inner == 1 && !n->relu)
      n->table->affine_columns(n->channels, row_of(n, n->x, r, 0), row_of(n, n->y, r, 0), n->a, n->b);
    else
      for (int64_t ch = 0; ch < n->channels; ch++) normalise_plane(n, r, ch);
}

static void forward_piece(void *context, int64_t begin, int64_t end) {
  const batch *n = context;
  if (!by_channel(n)) {
    if (n->training) statistics(n, begin, end);
    settle(n, begin, end);
    return;
  }
  for (int64_t ch = begin; ch < end; ch++) {
    if (n->training) statistics(n, ch, ch + 1);
    settle(n, ch, ch + 1);
    for (int64_t r = 0; r < n->rows; r++) normalise_plane(n, r, ch);
  }
}

static tch_status normalise(tch_call *c, batch n) {
  tch_tensor *x;
  n.weight = c->in[1], n.bias = c->in[2], n.running_mean = c->in[3], n.running_var = c->in[4];
  n.y = tch_tensor_data(c->out[0]), n.mean = c->out[1], n.invstd = c->out[2];
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(measure_batch(c, &n, x));
  tch_parallel(n.channels, channel_grain(&n), forward_piece, &n);
  if (!by_channel(&n)) tch_parallel(n.rows, row_grain(&n), normalise_piece, &n);
  return TCH_OK;
}

static tch_status batch_norm_forward(tch_call *c) {
  const tch_batch_norm_attr *a = c->attr;
  return normalise(c, (batch) {.training = a->training, .momentum = a->momentum, .eps = a->eps});
}

/* -- backward */

/* g = gy where y is within its bounds, for channels [begin, end) of a row. */
static void relu_rows(const batch *n, int64_t r, int64_t begin, int64_t end) {
  if (n->relu)
    n->table->relu_gradient((end - begin) * n->inner, row_of(n, n->gy, r, begin), row_of(n, n->y, r, begin),
                            row_of(n, n->g, r, begin), n->high);
}

/* sum_g, sum_gx of channels. */
static void moments(const batch *n, int64_t begin, int64_t end) {
  for (int64_t ch = begin; ch < end; ch++) n->sum_g[ch] = n->sum_gx[ch] = 0, n->c[ch] = load(n->mean, ch);
  for (int64_t r = 0; n->inner == 1 && r < n->rows; r++) {
    relu_rows(n, r, begin, end);
    n->table->moments_columns(end - begin, row_of(n, n->g, r, begin), row_of(n, n->x, r, begin), n->c + begin,
                              n->sum_g + begin, n->sum_gx + begin);
  }
  for (int64_t ch = begin; n->inner > 1 && ch < end; ch++)
    for (int64_t r = 0; r < n->rows; r++) {
      double g, gx;
      relu_rows(n, r, ch, ch + 1);
      n->table->moments(n->inner, row_of(n, n->g, r, ch), row_of(n, n->x, r, ch), n->c[ch], &g, &gx);
      n->sum_g[ch] += g;
      n->sum_gx[ch] += gx;
    }
  for (int64_t ch = begin; ch < end; ch++) n->sum_gx[ch] *= load(n->invstd, ch);
}

/* d = a * g + b * x + c of channels */
static void slopes(const batch *n, int64_t begin, int64_t end) {
  double count = (double) (n->rows * n->inner);
  for (int64_t ch = begin; ch < end; ch++) {
    double invstd = load(n->invstd, ch), a = n->alpha * invstd * (n->weight ? load(n->weight, ch) : 1);
    n->a[ch] = a;
    n->b[ch] = n->training ? -a * invstd * n->sum_gx[ch] / count : 0;
    n->c[ch] = (n->training ? -a * n->sum_g[ch] / count : 0) - n->b[ch] * load(n->mean, ch);
  }
}

static void gradient_plane(const batch *n, int64_t r, int64_t ch) {
  n->table->gradient(n->inner, row_of(n, n->g, r, ch), row_of(n, n->x, r, ch), row_of(n, n->d, r, ch), n->a[ch], n->b[ch],
                     n->c[ch], n->beta);
}

static void gradient_piece(void *context, int64_t begin, int64_t end) {
  const batch *n = context;
  for (int64_t r = begin; r < end; r++)
    if (n->inner == 1)
      n->table->gradient_columns(n->channels, row_of(n, n->g, r, 0), row_of(n, n->x, r, 0), row_of(n, n->d, r, 0), n->a, n->b,
                                 n->c, n->beta);
    else
      for (int64_t ch = 0; ch < n->channels; ch++) gradient_plane(n, r, ch);
}

static void backward_piece(void *context, int64_t begin, int64_t end) {
  const batch *n = context;
  int64_t step = by_channel(n) ? 1 : end - begin;
  for (int64_t ch = begin; ch < end; ch += step) {
    moments(n, ch, ch + step);
    slopes(n, ch, ch + step);
    for (int64_t r = 0; n->d && by_channel(n) && r < n->rows; r++) gradient_plane(n, r, ch);
  }
}

static void run_backward(batch *n) {
  tch_parallel(n->channels, channel_grain(n), backward_piece, n);
  if (n->d && !by_channel(n)) tch_parallel(n->rows, row_grain(n), gradient_piece, n);
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
  tch_tensor *x, *g, *dst;
  batch n = {.training = ((const tch_batch_norm_attr *) c->attr)->training, .weight = c->in[1], .mean = c->out[1],
             .invstd = c->out[2]};
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &g));
  TCH_TRY(measure_batch(c, &n, x));
  n.g = tch_tensor_data(g);
  if (tch_wants(c, 0)) {
    TCH_TRY(tch_grad_open(c, 0, &dst, &n.alpha, &n.beta));
    n.d = tch_tensor_data(dst);
  }
  run_backward(&n);
  TCH_TRY(give_vector(c, 1, n.sum_gx));
  return give_vector(c, 2, n.sum_g);
}

/* -- batch_norm_relu, batch_norm_relu_grad: with a ReLU (up to high: a ReLU6) behind it. The gradient of x in training, and sums
 *    (2, C): of g * xhat, the gradient of weight, and of g, that of bias, g being the gradient in front of the ReLU, which stands
 *    where that of x will be -------------------------------------------------------------------------------------------- */

static tch_status batch_norm_relu_shape(tch_call *c) {
  return normal_shape(c, ((const tch_batch_norm_relu_attr *) c->attr)->training);
}

static tch_status batch_norm_relu_forward(tch_call *c) {
  const tch_batch_norm_relu_attr *a = c->attr;
  return normalise(c, (batch) {.training = a->training, .momentum = a->momentum, .eps = a->eps, .relu = true, .high = a->high});
}

const tch_op_body tch_op_batch_norm_relu = {.shape = batch_norm_relu_shape, .forward = batch_norm_relu_forward, .dense = true};

static tch_status batch_norm_relu_grad_shape(tch_call *c) {
  const tch_tensor *gy = c->in[0];
  char name[32], a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 0x3f));
  if (gy->ndim < 2)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "gy must be (batch, channels, ...), but it is %s", tch_shape_text(gy, a));
  for (int i = 1; i < 3; i++)
    if (!tch_tensor_same_size(c->in[i], gy))
      return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, but gy is %s", tch_op_input_name(c, i, name),
                         tch_shape_text(c->in[i], a), tch_shape_text(gy, b));
  for (int i = 3; i < 6; i++) TCH_TRY(check_vector(c, i, gy->size[1], "channels"));
  shape_like(&c->shape[0], gy);
  c->shape[1] = (tch_shape) {.type = gy->type, .ndim = 2, .size = {2, gy->size[1]}};
  return TCH_OK;
}

static tch_status batch_norm_relu_grad_forward(tch_call *c) {
  tch_tensor *gy, *y, *x, *sums = c->out[1];
  batch n = {.training = true, .relu = true, .high = ((const tch_batch_norm_relu_grad_attr *) c->attr)->high, .alpha = 1,
             .mean = c->in[3], .invstd = c->in[4], .weight = c->in[5]};
  TCH_TRY(tch_op_contiguous(c, c->in[0], &gy));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &y));
  TCH_TRY(tch_op_contiguous(c, c->in[2], &x));
  TCH_TRY(measure_batch(c, &n, x));
  n.gy = tch_tensor_data(gy), n.y = tch_tensor_data(y), n.g = n.d = tch_tensor_data(c->out[0]);
  run_backward(&n);
  for (int64_t ch = 0; ch < n.channels; ch++) {
    flat_store(sums, ch, n.sum_gx[ch]);
    flat_store(sums, n.channels + ch, n.sum_g[ch]);
  }
  return TCH_OK;
}

const tch_op_body tch_op_batch_norm_relu_grad = {.shape = batch_norm_relu_grad_shape, .forward = batch_norm_relu_grad_forward,
                                                 .dense = true};

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

tch_status tch_norm_gradients(tch_call *c, const tch_norm_groups *of) {
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
  tch_norm_groups of = {.channels = true, .eps = a->eps};
  for (int d = 0; d < ndim; d++)
    if (d != 1) of.dims[of.ndims++] = d;
  tch_status status = TCH_OK;
  if (c->in[1]) status = widen(c->in[1], ndim, &of.weight);
  if (status == TCH_OK && !a->training) status = widen(c->out[1], ndim, &of.mean);
  if (status == TCH_OK && !a->training) status = widen(c->out[2], ndim, &of.invstd);
  if (status == TCH_OK) status = tch_norm_gradients(c, &of);
  tch_tensor_release(of.weight);
  tch_tensor_release(of.mean);
  tch_tensor_release(of.invstd);
  return status;
}

const tch_op_body tch_op_batch_norm = {.shape = batch_norm_shape, .forward = batch_norm_forward,
                                       .backward = batch_norm_backward, .backward_ops = batch_norm_backward_ops,
                                       .save_in = 1 | 1 << 1, .save_out = 1 << 1 | 1 << 2, .dense = true};
