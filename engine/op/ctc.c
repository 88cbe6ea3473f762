/* Connectionist temporal classification (Graves et al. 2006): the probability of a row of labels, summed over all ways to
 * spread it over time with blanks between.
 *
 * The labels l1 .. lL of an example stand between blanks, as the states b l1 b l2 .. lL b. alpha (N, T, 2 S + 1) holds the
 * logarithm of the probability of all ways to reach a state at a time, that of the state's symbol at that time included
 * (equation 6). What lies beyond an example's lengths is not set. */
#include "core/thread.h"
#include "op/index.h"
#include <math.h>

typedef struct ctc {
  const tch_tensor *x, *target, *steps, *counts; /* (T, N, C), (N, S), (N), (N): contiguous */
  int64_t time, n, classes, width, blank, base;
  double *alpha;
  /* forward */
  const tch_tensor *loss;
  /* backward */
  const tch_tensor *g, *dx;
  double *beta, scale; /* (N, 2, 2 S + 1) */
} ctc;

static double get(const tch_tensor *t, int64_t i) {
  return t->type == TCH_DOUBLE ? TCH_DATA(double, t)[i] : TCH_DATA(float, t)[i];
}

static void put(const tch_tensor *t, int64_t i, double v) {
  if (t->type == TCH_DOUBLE) TCH_DATA(double, t)[i] = v;
  else TCH_DATA(float, t)[i] = (float) v;
}

static tch_status check_lengths(tch_call *c, int i, int64_t n, int64_t low, int64_t high) {
  char name[32], text[TCH_SHAPE_TEXT];
  if (c->in[i]->ndim != 1 || c->in[i]->count != n)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "%s is %s, but one length for each of %lld examples is needed",
                       tch_op_input_name(c, i, name), tch_shape_text(c->in[i], text), (long long) n);
  return tch_index_check(c, i, low, high - low + 1, 0);
}

static tch_status check_labels(tch_call *c, int64_t classes) {
  const tch_ctc_attr *a = c->attr;
  tch_tensor *target, *counts;
  TCH_TRY(tch_op_contiguous(c, c->in[1], &target));
  TCH_TRY(tch_op_contiguous(c, c->in[3], &counts));
  if (tch_dtype_floating(target->type)) return tch_op_fail(c, TCH_ERROR_TYPE, "the target must be a tensor of integers");
  for (int64_t n = 0; n < counts->count; n++)
    for (int64_t k = 0; k < tch_index_at(counts, n); k++) {
      int64_t label = tch_index_at(target, n * target->size[1] + k);
      if (label >= a->base && label < a->base + classes && label != a->blank) continue;
      return tch_op_fail(c, TCH_ERROR_VALUE, "target[%lld][%lld] = %lld, but labels run from %lld to %lld, without the blank %lld",
                         (long long) n + 1, (long long) k + 1, (long long) label, (long long) a->base,
                         (long long) (a->base + classes - 1), (long long) a->blank);
    }
  return TCH_OK;
}

static tch_status ctc_shape(tch_call *c) {
  const tch_ctc_attr *a = c->attr;
  const tch_tensor *x = c->in[0], *target = c->in[1];
  char text[TCH_SHAPE_TEXT], other[TCH_SHAPE_TEXT];
  TCH_TRY(tch_op_same_float(c, 1));
  if (x->ndim != 3 || x->count == 0)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "the input must be (time, examples, classes), but it is %s", tch_shape_text(x, text));
  if (target->ndim != 2 || target->size[0] != x->size[1])
    return tch_op_fail(c, TCH_ERROR_SHAPE, "the input is %s, but the target, (examples, labels), is %s", tch_shape_text(x, text),
                       tch_shape_text(target, other));
  if (a->blank < a->base || a->blank >= a->base + x->size[2])
    return tch_op_fail(c, TCH_ERROR_VALUE, "the blank is %lld, but classes run from %lld to %lld", (long long) a->blank,
                       (long long) a->base, (long long) (a->base + x->size[2] - 1));
  TCH_TRY(check_lengths(c, 2, x->size[1], 1, x->size[0]));
  TCH_TRY(check_lengths(c, 3, x->size[1], 0, target->size[1]));
  TCH_TRY(check_labels(c, x->size[2]));
  c->shape[0] = (tch_shape) {.type = x->type, .ndim = 1, .size = {x->size[1]}};
  c->shape[1] = (tch_shape) {.type = TCH_DOUBLE, .ndim = 3, .size = {x->size[1], x->size[0], 2 * target->size[1] + 1}};
  return TCH_OK;
}

/* log(exp(a) + exp(b)) */
static double both(double a, double b) {
  double high = a > b ? a : b, low = a > b ? b : a;
  return low == -INFINITY ? high : high + log1p(exp(low - high));
}

/* The class, from 0, of state s of example n. */
static int64_t symbol(const ctc *j, int64_t n, int64_t s) {
  return (s % 2 == 0 ? j->blank : tch_index_at(j->target, n * j->width + s / 2)) - j->base;
}

/* Whether state s is reached from s - 2 too: not from a label to the same one. */
static bool skips(const ctc *j, int64_t n, int64_t s) { return s % 2 == 1 && s > 1 && symbol(j, n, s) != symbol(j, n, s - 2); }

static int64_t place(const ctc *j, int64_t t, int64_t n, int64_t class) { return (t * j->n + n) * j->classes + class; }

static int64_t states(const ctc *j) { return 2 * j->width + 1; }

/* log p of the labels, from the last alphas. */
static double total(const ctc *j, int64_t n) {
  int64_t k = 2 * tch_index_at(j->counts, n) + 1;
  const double *last = j->alpha + (n * j->time + tch_index_at(j->steps, n) - 1) * states(j);
  return k > 1 ? both(last[k - 1], last[k - 2]) : last[0];
}

static void forward_piece(void *context, int64_t begin, int64_t end) {
  const ctc *j = context;
  for (int64_t n = begin; n < end; n++) {
    int64_t k = 2 * tch_index_at(j->counts, n) + 1, steps = tch_index_at(j->steps, n);
    double *now = j->alpha + n * j->time * states(j), *before = NULL;
    for (int64_t t = 0; t < steps; t++, before = now, now += states(j))
      for (int64_t s = 0; s < k; s++) {
        double from = t == 0 ? (s < 2 ? 0 : -INFINITY) : before[s];
        if (t > 0 && s > 0) from = both(from, before[s - 1]);
        if (t > 0 && skips(j, n, s)) from = both(from, before[s - 2]);
        now[s] = from + get(j->x, place(j, t, n, symbol(j, n, s)));
      }
    put(j->loss, n, -total(j, n));
  }
}

/* One step back: beta is alpha's mirror (equation 10), without the symbol's own probability. */
static void step_back(const ctc *j, int64_t n, int64_t t, int64_t k, const double *after, double *now) {
  for (int64_t s = 0; s < k; s++) {
    double b = after[s] + get(j->x, place(j, t + 1, n, symbol(j, n, s)));
    if (s + 1 < k) b = both(b, after[s + 1] + get(j->x, place(j, t + 1, n, symbol(j, n, s + 1))));
    if (s + 2 < k && skips(j, n, s + 2)) b = both(b, after[s + 2] + get(j->x, place(j, t + 1, n, symbol(j, n, s + 2))));
    now[s] = b;
  }
}

/* d loss / d x[t, n, c] = - sum over the states s of symbol c of alpha beta / p; 0 where the labels do not fit into the time */
static void backward_piece(void *context, int64_t begin, int64_t end) {
  const ctc *j = context;
  for (int64_t n = begin; n < end; n++) {
    int64_t k = 2 * tch_index_at(j->counts, n) + 1, steps = tch_index_at(j->steps, n);
    double p = total(j, n), g = j->scale * get(j->g, n), *now = j->beta + n * 2 * states(j), *after = now + states(j);
    if (p == -INFINITY) continue;
    for (int64_t s = 0; s < k; s++) now[s] = s + 2 < k ? -INFINITY : 0;
    for (int64_t t = steps - 1; t >= 0; t--) {
      const double *alpha = j->alpha + (n * j->time + t) * states(j);
      if (t < steps - 1) {
        double *swap = after;
        after = now;
        now = swap;
        step_back(j, n, t, k, after, now);
      }
      for (int64_t s = 0; s < k; s++) {
        int64_t at = place(j, t, n, symbol(j, n, s));
        put(j->dx, at, get(j->dx, at) - g * exp(alpha[s] + now[s] - p));
      }
    }
  }
}

static tch_status start(tch_call *c, ctc *j, const tch_tensor *alpha) {
  const tch_ctc_attr *a = c->attr;
  tch_tensor *x, *target, *steps, *counts;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_contiguous(c, c->in[1], &target));
  TCH_TRY(tch_op_contiguous(c, c->in[2], &steps));
  TCH_TRY(tch_op_contiguous(c, c->in[3], &counts));
  *j = (ctc) {.x = x, .target = target, .steps = steps, .counts = counts, .time = x->size[0], .n = x->size[1],
              .classes = x->size[2], .width = target->size[1], .blank = a->blank, .base = a->base,
              .alpha = TCH_DATA(double, alpha)};
  return TCH_OK;
}

static tch_status ctc_forward(tch_call *c) {
  ctc j;
  TCH_TRY(start(c, &j, c->out[1]));
  j.loss = c->out[0];
  tch_parallel(j.n, 1, forward_piece, &j);
  return TCH_OK;
}

static tch_status ctc_backward(tch_call *c) {
  ctc j;
  tch_tensor *g, *dx, *beta;
  double alpha, beta_;
  TCH_TRY(start(c, &j, c->out[1]));
  TCH_TRY(tch_op_contiguous(c, c->gout[0], &g));
  TCH_TRY(tch_op_temp(c, &(tch_shape) {.type = TCH_DOUBLE, .ndim = 3, .size = {j.n, 2, states(&j)}}, &beta));
  TCH_TRY(tch_grad_open(c, 0, &dx, &alpha, &beta_));
  if (beta_ == 0) TCH_TRY(tch_tensor_fill(dx, 0));
  j.g = g;
  j.dx = dx;
  j.scale = alpha;
  j.beta = TCH_DATA(double, beta);
  tch_parallel(j.n, 1, backward_piece, &j);
  return TCH_OK;
}

const tch_op_body tch_op_ctc = {.shape = ctc_shape, .forward = ctc_forward, .backward = ctc_backward, .save_in = 15,
                                .save_out = 2, .dense = true};
