/* Losses. reduction 0 keeps one loss per element (or sample), 1 takes their mean, 2 their sum. */
#include "kernel/elementwise.h"
#include "kernel/softmax.h"
#include "core/cpu.h"
#include "core/thread.h"
#include "op/index.h"
#include "op/over.h"
#include <math.h>
#include <string.h>

TCH_KERNEL_FAMILY(elementwise)
TCH_KERNEL_FAMILY(softmax)

enum { NONE, MEAN, SUM };

static tch_status check_reduction(const tch_call *c, int64_t reduction) {
  if (reduction >= NONE && reduction <= SUM) return TCH_OK;
  return tch_op_fail(c, TCH_ERROR_VALUE, "reduction is %lld, but 0 (none), 1 (mean) and 2 (sum) are possible",
                     (long long) reduction);
}

static double get(const tch_tensor *t, int64_t i) {
  return t->type == TCH_DOUBLE ? TCH_DATA(double, t)[i] : TCH_DATA(float, t)[i];
}

static void put(const tch_tensor *t, int64_t i, double v) {
  if (t->type == TCH_DOUBLE) TCH_DATA(double, t)[i] = v;
  else TCH_DATA(float, t)[i] = (float) v;
}

static void shape_like(tch_shape *s, const tch_tensor *x) {
  s->type = x->type;
  s->ndim = x->ndim;
  memcpy(s->size, x->size, sizeof *x->size * (size_t) x->ndim);
}

/* -- errors between two tensors of one size --------------------------------------------------------------------- */

/* Attributes start with the reduction; the row's parameter a follows where there is one. */
typedef struct pair_attr {
  int64_t reduction;
  double a;
} pair_attr;

static double parameter(const tch_call *c) {
  return c->op->schema.attr_size >= (int) sizeof(pair_attr) ? ((const pair_attr *) c->attr)->a : 0;
}

static int64_t reduction_of(const tch_call *c) { return *(const int64_t *) c->attr; }

static tch_status pair_shape(tch_call *c) {
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  const tch_tensor *x = c->in[0], *target = c->in[1], *weight = c->nin > 2 ? c->in[2] : NULL;
  TCH_TRY(check_reduction(c, reduction_of(c)));
  TCH_TRY(tch_op_same_float(c, 7));
  if (x->count != target->count)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "the input is %s, but the target is %s", tch_shape_text(x, a),
                       tch_shape_text(target, b));
  if (x->count == 0) return tch_op_fail(c, TCH_ERROR_SHAPE, "the input is empty");
  if (weight && (weight->count == 0 || x->count % weight->count != 0))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "weight is %s, which does not fit the input %s", tch_shape_text(weight, a),
                       tch_shape_text(x, b));
  if (reduction_of(c) == NONE) shape_like(&c->shape[0], x);
  else c->shape[0] = (tch_shape) {.type = x->type};
  return TCH_OK;
}

/* A row over contiguous operands, cut into pieces. A step of 0 stands for one number. */
typedef struct pair_job {
  tch_element_row *row;
  char *data[5];
  int64_t step[5], bytes;
  double ab[2];
} pair_job;

static void pair_piece(void *context, int64_t begin, int64_t end) {
  const pair_job *j = context;
  void *data[5];
  for (int k = 0; k < 5; k++) data[k] = j->data[k] ? j->data[k] + begin * j->step[k] * j->bytes : NULL;
  j->row(end - begin, 1, data, j->step, j->step, j->ab);
}

enum { GRAIN = 1 << 15 };

/* values *= weight, the weight repeated along the leading dimensions. */
static void apply_weight(const tch_tensor *values, const tch_tensor *weight) {
  for (int64_t i = 0; i < values->count; i++) put(values, i, get(values, i) * get(weight, i % weight->count));
}

static tch_status pair_forward(tch_call *c, int row) {
  tch_tensor *x, *target, *weight = c->nin > 2 ? c->in[2] : NULL, *each = c->out[0];
  tch_dtype type = c->in[0]->type;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &target));
  if (weight) TCH_TRY(tch_op_contiguous(c, weight, &weight));
  if (reduction_of(c) != NONE) {
    tch_shape shape;
    shape_like(&shape, x);
    TCH_TRY(tch_op_temp(c, &shape, &each));
  }
  pair_job j = {.row = tch_elementwise_table(type)->binary[row], .bytes = tch_dtype_bytes(type), .step = {1, 1, 1},
                .data = {tch_tensor_data(each), tch_tensor_data(x), tch_tensor_data(target)}, .ab = {parameter(c)}};
  tch_parallel(x->count, GRAIN, pair_piece, &j);
  if (weight) apply_weight(each, weight);
  if (reduction_of(c) == NONE) return TCH_OK;
  double total;
  TCH_TRY(tch_reduce_doubles(c, each, ~0u, TCH_REDUCE_SUM, NULL, &total));
  put(c->out[0], 0, reduction_of(c) == MEAN ? total / (double) x->count : total);
  return TCH_OK;
}

static tch_status pair_gradient(tch_call *c, int input, int row, tch_tensor *g, tch_tensor *x, tch_tensor *target) {
  tch_tensor *dst, *sum = NULL, *weight = c->nin > 2 ? c->in[2] : NULL;
  double alpha, beta;
  if (!tch_wants(c, input)) return TCH_OK;
  TCH_TRY(tch_grad_open(c, input, &dst, &alpha, &beta));
  if (beta != 0) {
    sum = dst;
    TCH_TRY(tch_op_temp(c, &c->in_shape[input], &dst));
  }
  pair_job j = {.row = tch_elementwise_table(x->type)->binary_grad[row][input], .bytes = tch_dtype_bytes(x->type),
                .step = {1, g->count == 1 ? 0 : 1, 1, 1, 1}, .ab = {parameter(c)},
                .data = {tch_tensor_data(dst), tch_tensor_data(g), tch_tensor_data(x), tch_tensor_data(target),
                         tch_tensor_data(x)}};
  tch_parallel(x->count, GRAIN, pair_piece, &j);
  if (weight) {
    TCH_TRY(tch_op_contiguous(c, weight, &weight));
    apply_weight(dst, weight);
  }
  return sum ? tch_add(sum, dst, alpha, &sum) : TCH_OK;
}

static tch_status pair_backward(tch_call *c, int row) {
  tch_tensor *x, *target, *g;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &target));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &g));
  if (reduction_of(c) == MEAN) {
    tch_shape one = {.type = g->type};
    tch_tensor *scaled;
    TCH_TRY(tch_op_temp(c, &one, &scaled));
    put(scaled, 0, get(g, 0) / (double) x->count);
    g = scaled;
  }
  TCH_TRY(pair_gradient(c, 0, row, g, x, target));
  return pair_gradient(c, 1, row, g, x, target);
}

/* The square error's gradient in ops: 2 (x - target) g. */
static tch_status mse_backward_ops(tch_call *c) {
  const tch_shape *s = &c->in_shape[0];
  tch_tensor *target = NULL, *less = NULL, *scaled = NULL, *dx = NULL, *dt = NULL;
  double factor = reduction_of(c) == MEAN ? 2 / (double) tch_shape_count(s) : 2;
  tch_status status = tch_reshape(c->in[1], s->size, s->ndim, &target);
  if (status == TCH_OK) status = tch_sub(c->in[0], target, 1, &less);
  if (status == TCH_OK) status = tch_mul_scalar(c->gout[0], factor, &scaled);
  if (status == TCH_OK) status = tch_mul(less, scaled, &dx);
  if (status == TCH_OK && tch_wants(c, 1)) {
    tch_tensor *minus = NULL;
    status = tch_neg(dx, &minus);
    if (status == TCH_OK) status = tch_reshape(minus, c->in_shape[1].size, c->in_shape[1].ndim, &dt);
    tch_tensor_release(minus);
    if (status == TCH_OK) status = tch_grad_give(c, 1, dt);
  }
  tch_tensor_release(target);
  tch_tensor_release(less);
  tch_tensor_release(scaled);
  if (status == TCH_OK && tch_wants(c, 0)) return tch_grad_give(c, 0, dx);
  tch_tensor_release(dx);
  return status;
}

#define PAIR_LOSS(name, row, second)                                                                     \
  static tch_status name##_forward(tch_call *c) { return pair_forward(c, TCH_BINARY_##row); }            \
  static tch_status name##_backward(tch_call *c) { return pair_backward(c, TCH_BINARY_##row); }          \
  extern const tch_op_body tch_op_##name;                                                                \
  const tch_op_body tch_op_##name = {.shape = pair_shape, .forward = name##_forward,                     \
                                     .backward = name##_backward, .backward_ops = second, .save_in = 7, .dense = true};

PAIR_LOSS(mse, square_error, mse_backward_ops)
PAIR_LOSS(abs_loss, abs_error, NULL)
PAIR_LOSS(smooth_l1, smooth_error, NULL)
PAIR_LOSS(bce, bce_error, NULL)
PAIR_LOSS(bce_with_logits, logit_error, NULL)

/* -- classes: nll and cross_entropy ----------------------------------------------------------------------------------
 * x is (classes), (samples, classes) or (samples, classes, places...); the target has x's sizes without the classes. A target
 * equal to `ignore` does not count. The mean is over the weights of the targets that count, 0 if none does. */

typedef struct classes {
  int64_t samples, n, places; /* n classes */
  int64_t base, ignore, reduction;
} classes;

static classes read_classes(const tch_call *c, const tch_shape *x) {
  const tch_nll_attr *a = c->attr;
  classes k = {.samples = x->ndim == 1 ? 1 : x->size[0], .n = x->size[x->ndim == 1 ? 0 : 1], .places = 1, .base = a->base,
               .ignore = a->ignore, .reduction = a->reduction};
  for (int d = 2; d < x->ndim; d++) k.places *= x->size[d];
  return k;
}

static tch_status check_targets(tch_call *c, const classes *k) {
  tch_tensor *target;
  if (tch_dtype_floating(c->in[1]->type)) { /* Torch7 kept labels in tensors of the default type */
    tch_tensor *cast = NULL;
    TCH_TRY(tch_cast(c->in[1], TCH_LONG, &cast));
    if (c->ntemps == TCH_MAX_TEMPS) {
      tch_tensor_release(cast);
      return tch_op_fail(c, TCH_ERROR_STATE, "too many temporaries");
    }
    c->temp[c->ntemps++] = cast;
    target = cast;
  } else TCH_TRY(tch_op_contiguous(c, c->in[1], &target));
  for (int64_t i = 0; i < target->count; i++) {
    int64_t t = tch_index_at(target, i);
    if (t == k->ignore || (t >= k->base && t < k->base + k->n)) continue;
    return tch_op_fail(c, TCH_ERROR_VALUE, "target[%lld] = %lld, but labels run from %lld to %lld", (long long) i + 1,
                       (long long) t, (long long) k->base, (long long) (k->base + k->n - 1));
  }
  return TCH_OK;
}

static tch_status nll_shape(tch_call *c) {
  const tch_tensor *x = c->in[0], *target = c->in[1], *weight = c->in[2];
  char a[TCH_SHAPE_TEXT], b[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 1 | 1 << 2));
  if (x->ndim < 1)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "the input must be (classes) or (samples, classes, ...), but it is %s",
                       tch_shape_text(x, a));
  tch_shape xs;
  shape_like(&xs, x);
  classes k = read_classes(c, &xs);
  TCH_TRY(check_reduction(c, k.reduction));
  if (target->count != k.samples * k.places || k.n == 0)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "the input %s needs %lld targets, but the target is %s", tch_shape_text(x, a),
                       (long long) (k.samples * k.places), tch_shape_text(target, b));
  if (weight && (weight->ndim != 1 || weight->count != k.n))
    return tch_op_fail(c, TCH_ERROR_SHAPE, "weight is %s, but the input has %lld classes", tch_shape_text(weight, a),
                       (long long) k.n);
  TCH_TRY(check_targets(c, &k));
  if (k.reduction == NONE) shape_like(&c->shape[0], target);
  else c->shape[0] = (tch_shape) {.ndim = 0};
  c->shape[0].type = x->type;
  if (c->nout > 1) shape_like(&c->shape[1], x);
  return TCH_OK;
}

static int64_t label(const tch_tensor *target, int64_t i) {
  return tch_dtype_floating(target->type) ? (int64_t) get(target, i) : tch_index_at(target, i);
}

/* Calls visit for every target of samples [begin, end) that counts, with the place of its class in x and its weight. */
static void each_target(const classes *k, int64_t begin, int64_t end, const tch_tensor *target, const tch_tensor *weight,
                        void (*visit)(void *context, int64_t i, int64_t at, double w), void *context) {
  for (int64_t i = begin * k->places; i < end * k->places; i++) {
    int64_t t = label(target, i);
    if (t == k->ignore) continue;
    int64_t at = (i / k->places * k->n + t - k->base) * k->places + i % k->places;
    visit(context, i, at, weight ? get(weight, t - k->base) : 1);
  }
}

typedef struct nll_sum {
  const tch_tensor *logp, *each;
  double total, weights;
} nll_sum;

static void add_loss(void *context, int64_t i, int64_t at, double w) {
  nll_sum *s = context;
  double loss = -w * get(s->logp, at);
  s->total += loss;
  s->weights += w;
  if (s->each) put(s->each, i, loss);
}

static tch_status losses(tch_call *c, tch_tensor *logp) {
  tch_shape xs;
  shape_like(&xs, logp);
  classes k = read_classes(c, &xs);
  tch_tensor *target, *weight = c->in[2];
  TCH_TRY(tch_op_contiguous(c, c->in[1], &target));
  if (weight) TCH_TRY(tch_op_contiguous(c, weight, &weight));
  nll_sum s = {.logp = logp, .each = k.reduction == NONE ? c->out[0] : NULL};
  if (s.each) TCH_TRY(tch_tensor_fill(c->out[0], 0));
  each_target(&k, 0, k.samples, target, weight, add_loss, &s);
  if (k.reduction == MEAN) put(c->out[0], 0, s.weights != 0 ? s.total / s.weights : 0);
  if (k.reduction == SUM) put(c->out[0], 0, s.total);
  return TCH_OK;
}

static tch_status nll_forward(tch_call *c) {
  tch_tensor *logp;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &logp));
  return losses(c, logp);
}

enum { CLASSES = 1 << 13 }; /* numbers of a piece */

typedef struct nll_gradient {
  const tch_tensor *dst, *g, *target, *weight;
  double scale, weights;
  const classes *k;
  const tch_tensor *logp; /* cross entropy: dx = w (p - [t]) */
  bool rows;              /* whose classes are neighbours, zeros before */
} nll_gradient;

static void add_weight(void *context, int64_t i, int64_t at, double w) { ((nll_gradient *) context)->weights += w; }

static void put_gradient(void *context, int64_t i, int64_t at, double w) {
  const nll_gradient *n = context;
  double g = n->scale * w * get(n->g, n->g->count == 1 ? 0 : i);
  put(n->dst, at, get(n->dst, at) - g);
  if (n->logp == NULL) return;
  int64_t first = i / n->k->places * n->k->n * n->k->places + i % n->k->places;
  if (n->rows) {
    int64_t begin = first * tch_dtype_bytes(n->dst->type);
    char *row = (char *) tch_tensor_data(n->dst) + begin;
    tch_softmax_table(n->dst->type)->log_softmax_grad(n->k->n, row, (const char *) tch_tensor_data(n->logp) + begin, row);
  } else
    for (int64_t j = 0; j < n->k->n; j++) {
      int64_t a = first + j * n->k->places;
      put(n->dst, a, get(n->dst, a) + g * exp(get(n->logp, a)));
    }
}

static void gradient_piece(void *context, int64_t begin, int64_t end) {
  nll_gradient *n = context;
  each_target(n->k, begin, end, n->target, n->weight, put_gradient, n);
}

/* logp: that of cross entropy, NULL for nll. */
static tch_status class_gradient(tch_call *c, tch_tensor *logp) {
  classes k = read_classes(c, &c->in_shape[0]);
  tch_tensor *target, *weight = c->in[2], *g, *dst;
  double alpha, beta;
  TCH_TRY(tch_op_contiguous(c, c->in[1], &target));
  if (weight) TCH_TRY(tch_op_contiguous(c, weight, &weight));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &g));
  TCH_TRY(tch_grad_open(c, 0, &dst, &alpha, &beta));
  if (beta == 0) TCH_TRY(tch_tensor_fill(dst, 0));
  nll_gradient n = {.dst = dst, .g = g, .target = target, .weight = weight, .scale = alpha, .k = &k, .logp = logp,
                    .rows = beta == 0 && k.places == 1};
  if (k.reduction == MEAN) {
    each_target(&k, 0, k.samples, target, weight, add_weight, &n);
    n.scale = n.weights != 0 ? alpha / n.weights : 0;
  }
  int64_t size = k.n * k.places;
  tch_parallel(k.samples, size < CLASSES ? CLASSES / (size > 0 ? size : 1) : 1, gradient_piece, &n);
  return TCH_OK;
}

static tch_status nll_backward(tch_call *c) { return class_gradient(c, NULL); }

/* The gradient as a tensor of weights at the targets, times g. */
static tch_status nll_backward_ops(tch_call *c) {
  tch_tensor *one = NULL, *d = NULL, *g = NULL, *wide = NULL;
  classes k = read_classes(c, &c->in_shape[0]);
  if (k.reduction == NONE) return tch_op_fail(c, TCH_ERROR_STATE, "without reduction its gradient has no gradient of its own");
  TCH_TRY(tch_tensor_new(c->in_shape[0].type, 0, NULL, &one));
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(false);
  tch_status status = tch_tensor_fill(one, 1);
  tch_grad_slot slot = {.wanted = true};
  tch_call inner = *c;
  inner.gout = &one;
  inner.gin = &slot;
  inner.ntemps = 0;
  if (status == TCH_OK) status = class_gradient(&inner, NULL);
  for (int i = 0; i < inner.ntemps; i++) tch_tensor_release(inner.temp[i]);
  tch_set_grad_enabled(on);
  d = slot.value;
  if (status == TCH_OK) status = tch_expand(c->gout[0], d->size, d->ndim, &wide);
  if (status == TCH_OK) status = tch_mul(wide, d, &g);
  tch_tensor_release(one);
  tch_tensor_release(d);
  tch_tensor_release(wide);
  return status == TCH_OK ? tch_grad_give(c, 0, g) : status;
}

const tch_op_body tch_op_nll = {.shape = nll_shape, .forward = nll_forward, .backward = nll_backward,
                                .backward_ops = nll_backward_ops, .save_in = 6, .dense = true};

static tch_status cross_entropy_forward(tch_call *c) {
  tch_tensor *logp = c->out[1];
  bool on = tch_grad_enabled();
  tch_set_grad_enabled(false);
  tch_status status = tch_log_softmax(c->in[0], c->in[0]->ndim == 1 ? 0 : 1, &logp);
  tch_set_grad_enabled(on);
  return status == TCH_OK ? losses(c, logp) : status;
}

static tch_status cross_entropy_backward(tch_call *c) { return class_gradient(c, c->out[1]); }

const tch_op_body tch_op_cross_entropy = {.shape = nll_shape, .forward = cross_entropy_forward,
                                          .backward = cross_entropy_backward, .save_in = 6, .save_out = 2, .dense = true};
_Static_assert(sizeof(tch_nll_attr) == sizeof(tch_cross_entropy_attr), "both read the same attributes");
