/* Reductions over some dimensions or over all. Sums of integers are Long. */
#include "core/cast.h"
#include "op/over.h"
#include <math.h>
#include <string.h>

/* -- which dimensions ------------------------------------------------------------------------------------------- */

/* Bit per dimension that is reduced; dims empty: all. */
static tch_status read_dims(const tch_call *c, const tch_tensor *x, const tch_ints *dims, uint32_t *mask) {
  *mask = dims->n == 0 ? (1u << x->ndim) - 1 : 0;
  for (int i = 0; i < dims->n; i++) {
    int d;
    TCH_TRY(tch_op_dim(c, x, dims->v[i], &d));
    if (*mask >> d & 1) return tch_op_fail(c, TCH_ERROR_VALUE, "dimension %d is given twice", d + 1);
    *mask |= 1u << d;
  }
  return TCH_OK;
}

static tch_status check_not_empty(const tch_call *c) {
  char text[TCH_SHAPE_TEXT];
  if (c->in[0]->count > 0) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_SHAPE, "the tensor has no elements (%s)", tch_shape_text(c->in[0], text));
}

static void reduced_shape(const tch_tensor *x, uint32_t mask, bool keep, tch_shape *out) {
  out->type = x->type;
  out->ndim = 0;
  for (int d = 0; d < x->ndim; d++)
    if (!(mask >> d & 1)) out->size[out->ndim++] = x->size[d];
    else if (keep) out->size[out->ndim++] = 1;
}

static tch_status shape_over(tch_call *c, const tch_ints *dims, bool keep, bool floats) {
  uint32_t mask;
  if (floats) TCH_TRY(tch_op_same_float(c, 1));
  TCH_TRY(read_dims(c, c->in[0], dims, &mask));
  reduced_shape(c->in[0], mask, keep, &c->shape[0]);
  if (!tch_dtype_floating(c->in[0]->type)) c->shape[0].type = TCH_LONG;
  return TCH_OK;
}

/* -- forward: folds in double, finished and stored ------------------------------------------------------------------- */

/* A reduction under way: one entry of acc per result, from `folded` entries each. */
typedef struct work {
  uint32_t mask;
  int64_t results, folded;
  double *acc, few[8]; /* acc lies in few if that is enough */
} work;

static tch_status start(tch_call *c, const tch_ints *dims, work *w) {
  const tch_tensor *x = c->in[0];
  TCH_TRY(read_dims(c, x, dims, &w->mask));
  w->folded = 1;
  for (int d = 0; d < x->ndim; d++)
    if (w->mask >> d & 1) w->folded *= x->size[d];
  w->results = c->out[0]->count;
  w->acc = w->few;
  if (w->results <= (int64_t) (sizeof w->few / sizeof *w->few)) return TCH_OK;
  tch_shape shape = {.type = TCH_DOUBLE, .ndim = 1, .size = {w->results}};
  tch_tensor *acc;
  TCH_TRY(tch_op_temp(c, &shape, &acc));
  w->acc = tch_tensor_data(acc);
  return TCH_OK;
}

static void finish(const tch_call *c, const work *w) {
  tch_store_double(c->out[0]->type, tch_tensor_data(c->out[0]), 1, w->acc, w->results);
}

/* A look at x with one entry along each reduced dimension that repeats a single one (stride 0); returns how often they all did. */
static double without_repeats(const tch_tensor *x, uint32_t mask, tch_tensor *out) {
  double repeats = 1;
  *out = (tch_tensor) {.type = x->type, .ndim = x->ndim, .count = x->count, .offset = x->offset, .storage = x->storage};
  memcpy(out->size, x->size, (size_t) x->ndim * sizeof *x->size);
  memcpy(out->stride, x->stride, (size_t) x->ndim * sizeof *x->stride);
  for (int d = 0; d < x->ndim; d++)
    if ((mask >> d & 1) && x->stride[d] == 0 && x->size[d] > 1) {
      repeats *= (double) x->size[d];
      out->count /= x->size[d];
      out->size[d] = 1;
    }
  return repeats;
}

static tch_status sum_floats(tch_call *c, const tch_ints *dims, bool mean) {
  work w;
  tch_tensor once;
  TCH_TRY(start(c, dims, &w));
  double repeats = without_repeats(c->in[0], w.mask, &once);
  TCH_TRY(tch_reduce_doubles(c, &once, w.mask, TCH_REDUCE_SUM, NULL, w.acc));
  for (int64_t i = 0; i < w.results && (mean || repeats != 1); i++) w.acc[i] = w.acc[i] * repeats / (mean ? (double) w.folded : 1);
  finish(c, &w);
  return TCH_OK;
}

static tch_status reduce_integers(tch_call *c, const tch_ints *dims, tch_reduction fold) {
  uint32_t mask;
  TCH_TRY(read_dims(c, c->in[0], dims, &mask));
  return tch_reduce_longs(c, c->in[0], mask, fold, tch_tensor_data(c->out[0]));
}

/* -- sum and mean ----------------------------------------------------------------------------------------------- */

static tch_status sum_shape(tch_call *c) {
  const tch_sum_attr *a = c->attr;
  return shape_over(c, &a->dims, a->keep, false);
}

static tch_status sum_forward(tch_call *c) {
  const tch_sum_attr *a = c->attr;
  if (!tch_dtype_floating(c->in[0]->type)) return reduce_integers(c, &a->dims, TCH_REDUCE_SUM);
  return sum_floats(c, &a->dims, false);
}

/* g, the gradient of a reduction, with the sizes of input 0 again. New reference. */
static tch_status spread(const tch_call *c, tch_tensor *g, const tch_ints *dims, tch_tensor **out) {
  const tch_shape *s = &c->in_shape[0];
  int64_t size[TCH_MAX_DIMS];
  uint32_t mask = dims->n == 0 ? ~0u : 0;
  for (int i = 0; i < dims->n; i++) mask |= 1u << (dims->v[i] < 0 ? dims->v[i] + s->ndim : dims->v[i]);
  for (int d = 0; d < s->ndim; d++) size[d] = mask >> d & 1 ? 1 : s->size[d];
  tch_tensor *kept = NULL;
  *out = NULL;
  TCH_TRY(tch_reshape(g, size, s->ndim, &kept));
  tch_status status = tch_expand(kept, s->size, s->ndim, out);
  tch_tensor_release(kept);
  return status;
}

static tch_status sum_backward(tch_call *c) {
  const tch_sum_attr *a = c->attr;
  tch_tensor *g;
  TCH_TRY(spread(c, c->gout[0], &a->dims, &g));
  return tch_grad_give(c, 0, g);
}

const tch_op_body tch_op_sum = {.shape = sum_shape, .forward = sum_forward, .backward_ops = sum_backward, .dense = true,
                                .wide = true};

static tch_status mean_shape(tch_call *c) {
  const tch_mean_attr *a = c->attr;
  TCH_TRY(check_not_empty(c));
  return shape_over(c, &a->dims, a->keep, true);
}

static tch_status mean_forward(tch_call *c) {
  const tch_mean_attr *a = c->attr;
  return sum_floats(c, &a->dims, true);
}

static tch_status mean_backward(tch_call *c) {
  const tch_mean_attr *a = c->attr;
  tch_tensor *scaled = NULL, *g;
  double share = (double) c->gout[0]->count / (double) tch_shape_count(&c->in_shape[0]);
  TCH_TRY(tch_mul_scalar(c->gout[0], share, &scaled));
  tch_status status = spread(c, scaled, &a->dims, &g);
  tch_tensor_release(scaled);
  return status == TCH_OK ? tch_grad_give(c, 0, g) : status;
}

const tch_op_body tch_op_mean = {.shape = mean_shape, .forward = mean_forward, .backward_ops = mean_backward, .dense = true,
                                 .wide = true};

/* -- products, norms, variances, logsumexp: gradients as ops ---------------------------------------------------- */

static tch_status prod_shape(tch_call *c) {
  const tch_prod_attr *a = c->attr;
  return shape_over(c, &a->dims, a->keep, false);
}

static tch_status prod_forward(tch_call *c) {
  const tch_prod_attr *a = c->attr;
  work w;
  if (!tch_dtype_floating(c->in[0]->type)) return reduce_integers(c, &a->dims, TCH_REDUCE_PROD);
  TCH_TRY(start(c, &a->dims, &w));
  TCH_TRY(tch_reduce_doubles(c, c->in[0], w.mask, TCH_REDUCE_PROD, NULL, w.acc));
  finish(c, &w);
  return TCH_OK;
}

/* One line's gradients: g times the product of the others, by products from both ends (with zeros it is not product / x). */
static void prod_line(int64_t n, const double *x, double g, double *dx) {
  double before = 1;
  for (int64_t k = 0; k < n; before *= x[k++]) dx[k] = before;
  for (int64_t k = n - 1; k >= 0; g *= x[k--]) dx[k] *= g;
}

/* Order of dimensions: those that stay, then those that are folded; and its inverse. */
static void fold_last(const tch_tensor *x, uint32_t mask, int64_t *order, int64_t *inverse) {
  int n = 0;
  for (int folded = 0; folded < 2; folded++)
    for (int d = 0; d < x->ndim; d++)
      if ((int) (mask >> d & 1) == folded) order[n++] = d;
  for (int k = 0; k < n; k++) inverse[order[k]] = k;
}

static tch_status prod_backward(tch_call *c) {
  const tch_prod_attr *a = c->attr;
  tch_tensor *t[6] = {NULL}, *dx = NULL, *x = c->in[0];
  int64_t order[TCH_MAX_DIMS], inverse[TCH_MAX_DIMS];
  uint32_t mask;
  TCH_TRY(read_dims(c, x, &a->dims, &mask));
  fold_last(x, mask, order, inverse);
  tch_status status = tch_permute(x, order, x->ndim, &t[0]);
  if (status == TCH_OK) status = tch_cast(t[0], TCH_DOUBLE, &t[1]);
  if (status == TCH_OK) status = tch_cast(c->gout[0], TCH_DOUBLE, &t[2]);
  if (status == TCH_OK) status = tch_tensor_new(TCH_DOUBLE, x->ndim, t[1]->size, &t[3]);
  if (status == TCH_OK) {
    const double *g = tch_tensor_data(t[2]);
    int64_t n = t[2]->count ? x->count / t[2]->count : 0;
    for (int64_t i = 0; i < t[2]->count; i++)
      prod_line(n, TCH_DATA(double, t[1]) + i * n, g[i], TCH_DATA(double, t[3]) + i * n);
    status = tch_permute(t[3], inverse, x->ndim, &t[4]);
  }
  if (status == TCH_OK) status = tch_cast(t[4], x->type, &dx);
  for (int i = 0; i < 6; i++) tch_tensor_release(t[i]);
  return status == TCH_OK ? tch_grad_give(c, 0, dx) : status;
}

const tch_op_body tch_op_prod = {.shape = prod_shape, .forward = prod_forward, .backward = prod_backward, .save_in = 1,
                                 .dense = true, .wide = true};

static tch_status norm_shape(tch_call *c) {
  const tch_norm_attr *a = c->attr;
  return shape_over(c, &a->dims, a->keep, true);
}

static tch_status norm_forward(tch_call *c) {
  const tch_norm_attr *a = c->attr;
  work power, w;
  tch_reduction fold = a->p == 2     ? TCH_REDUCE_SQUARE
                       : a->p == 1   ? TCH_REDUCE_ABS
                       : isinf(a->p) ? TCH_REDUCE_MAXABS
                                     : TCH_REDUCE_POWER;
  TCH_TRY(start(c, &a->dims, &power));
  TCH_TRY(start(c, &a->dims, &w));
  for (int64_t i = 0; i < w.results; i++) power.acc[i] = fold == TCH_REDUCE_POWER ? a->p : 0;
  TCH_TRY(tch_reduce_doubles(c, c->in[0], w.mask, fold, power.acc, w.acc));
  for (int64_t i = 0; i < w.results; i++) {
    if (fold == TCH_REDUCE_SQUARE) w.acc[i] = sqrt(w.acc[i]);
    else if (fold == TCH_REDUCE_POWER && a->p != 0) w.acc[i] = pow(w.acc[i], 1 / a->p);
  }
  finish(c, &w);
  return TCH_OK;
}

/* dx = g * sign(x) |x|^(p - 1) / y^(p - 1); for p = 2, g * x / y, and 0 where y is 0 */
static tch_status norm_backward(tch_call *c) {
  const tch_norm_attr *a = c->attr;
  tch_tensor *t[8] = {NULL}, *g = NULL, *x = c->in[0];
  if (isinf(a->p)) return tch_op_fail(c, TCH_ERROR_STATE, "the maximum norm has no gradient here (use max)");
  tch_status status = TCH_OK;
  if (a->p == 2) {
    status = tch_clamp(c->out[0], 1e-30, INFINITY, &t[0]);
    if (status == TCH_OK) status = tch_div(c->gout[0], t[0], &t[1]);
    if (status == TCH_OK) status = spread(c, t[1], &a->dims, &t[2]);
    if (status == TCH_OK) status = tch_mul(x, t[2], &g);
  } else {
    status = tch_abs(x, &t[0]);
    if (status == TCH_OK) status = tch_pow_scalar(t[0], a->p - 1, &t[1]);
    if (status == TCH_OK) status = tch_sign(x, &t[2]);
    if (status == TCH_OK) status = tch_mul(t[1], t[2], &t[3]);
    if (status == TCH_OK) status = tch_pow_scalar(c->out[0], 1 - a->p, &t[4]);
    if (status == TCH_OK) status = tch_mul(c->gout[0], t[4], &t[5]);
    if (status == TCH_OK) status = spread(c, t[5], &a->dims, &t[6]);
    if (status == TCH_OK) status = tch_mul(t[3], t[6], &g);
  }
  for (int i = 0; i < 8; i++) tch_tensor_release(t[i]);
  return status == TCH_OK ? tch_grad_give(c, 0, g) : status;
}

const tch_op_body tch_op_norm = {.shape = norm_shape, .forward = norm_forward, .backward_ops = norm_backward, .save_in = 1,
                                 .save_out = 1, .dense = true, .wide = true};

/* Variance (divided by n - 1 if unbiased) or its root, in two passes. */
static tch_status deviations(tch_call *c, const tch_ints *dims, bool unbiased, bool root) {
  work mean, w;
  TCH_TRY(start(c, dims, &mean));
  TCH_TRY(start(c, dims, &w));
  TCH_TRY(tch_reduce_doubles(c, c->in[0], w.mask, TCH_REDUCE_SUM, NULL, mean.acc));
  for (int64_t i = 0; i < w.results; i++) mean.acc[i] /= (double) w.folded;
  TCH_TRY(tch_reduce_doubles(c, c->in[0], w.mask, TCH_REDUCE_SQUARE, mean.acc, w.acc));
  for (int64_t i = 0; i < w.results; i++) {
    w.acc[i] /= (double) (w.folded - unbiased);
    if (root) w.acc[i] = sqrt(w.acc[i]);
  }
  finish(c, &w);
  return TCH_OK;
}

static tch_status var_shape(tch_call *c) {
  const tch_var_attr *a = c->attr;
  TCH_TRY(check_not_empty(c));
  return shape_over(c, &a->dims, a->keep, true);
}

static tch_status var_forward(tch_call *c) {
  const tch_var_attr *a = c->attr;
  return deviations(c, &a->dims, a->unbiased, false);
}

/* dx = g * (x - mean) * factor / (n - 1); factor is 2 for the variance, 1 / std for its root */
static tch_status spread_centred(tch_call *c, tch_tensor *g, const tch_ints *dims, bool unbiased, double factor) {
  tch_tensor *t[4] = {NULL}, *dx = NULL, *x = c->in[0];
  double n = (double) x->count / (double) g->count;
  int64_t all[TCH_MAX_DIMS];
  for (int d = 0; d < x->ndim; d++) all[d] = d;
  tch_status status = tch_mean(x, dims->n ? dims->v : all, dims->n ? dims->n : x->ndim, true, &t[0]);
  if (status == TCH_OK) status = tch_sub(x, t[0], 1, &t[1]);
  if (status == TCH_OK) status = tch_mul_scalar(g, factor / (n - unbiased), &t[2]);
  if (status == TCH_OK) status = spread(c, t[2], dims, &t[3]);
  if (status == TCH_OK) status = tch_mul(t[1], t[3], &dx);
  for (int i = 0; i < 4; i++) tch_tensor_release(t[i]);
  return status == TCH_OK ? tch_grad_give(c, 0, dx) : status;
}

static tch_status var_backward(tch_call *c) {
  const tch_var_attr *a = c->attr;
  return spread_centred(c, c->gout[0], &a->dims, a->unbiased, 2);
}

const tch_op_body tch_op_var = {.shape = var_shape, .forward = var_forward, .backward_ops = var_backward, .save_in = 1,
                                .dense = true, .wide = true};

static tch_status std_shape(tch_call *c) {
  const tch_std_attr *a = c->attr;
  TCH_TRY(check_not_empty(c));
  return shape_over(c, &a->dims, a->keep, true);
}

static tch_status std_forward(tch_call *c) {
  const tch_std_attr *a = c->attr;
  return deviations(c, &a->dims, a->unbiased, true);
}

static tch_status std_backward(tch_call *c) {
  const tch_std_attr *a = c->attr;
  tch_tensor *g = NULL;
  TCH_TRY(tch_div(c->gout[0], c->out[0], &g));
  tch_status status = spread_centred(c, g, &a->dims, a->unbiased, 1);
  tch_tensor_release(g);
  return status;
}

const tch_op_body tch_op_std = {.shape = std_shape, .forward = std_forward, .backward_ops = std_backward, .save_in = 1,
                                .save_out = 1, .dense = true, .wide = true};

static tch_status logsumexp_shape(tch_call *c) {
  const tch_logsumexp_attr *a = c->attr;
  TCH_TRY(check_not_empty(c));
  return shape_over(c, &a->dims, a->keep, true);
}

static tch_status logsumexp_forward(tch_call *c) {
  const tch_logsumexp_attr *a = c->attr;
  work top, w;
  TCH_TRY(start(c, &a->dims, &top));
  TCH_TRY(start(c, &a->dims, &w));
  TCH_TRY(tch_reduce_doubles(c, c->in[0], w.mask, TCH_REDUCE_MAX, NULL, top.acc));
  TCH_TRY(tch_reduce_doubles(c, c->in[0], w.mask, TCH_REDUCE_EXP, top.acc, w.acc));
  for (int64_t i = 0; i < w.results; i++) w.acc[i] = isinf(top.acc[i]) ? top.acc[i] : top.acc[i] + log(w.acc[i]);
  finish(c, &w);
  return TCH_OK;
}

/* dx = g * exp(x - y) */
static tch_status logsumexp_backward(tch_call *c) {
  const tch_logsumexp_attr *a = c->attr;
  tch_tensor *t[4] = {NULL}, *dx = NULL;
  tch_status status = spread(c, c->out[0], &a->dims, &t[0]);
  if (status == TCH_OK) status = tch_sub(c->in[0], t[0], 1, &t[1]);
  if (status == TCH_OK) status = tch_exp(t[1], &t[2]);
  if (status == TCH_OK) status = spread(c, c->gout[0], &a->dims, &t[3]);
  if (status == TCH_OK) status = tch_mul(t[2], t[3], &dx);
  for (int i = 0; i < 4; i++) tch_tensor_release(t[i]);
  return status == TCH_OK ? tch_grad_give(c, 0, dx) : status;
}

const tch_op_body tch_op_logsumexp = {.shape = logsumexp_shape, .forward = logsumexp_forward,
                                      .backward_ops = logsumexp_backward, .save_in = 1, .save_out = 1, .dense = true,
                                      .wide = true};
