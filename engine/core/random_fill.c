/* Tensors of random numbers. A law maps numbers of [0, 1), or standard normal ones, to its own; they are drawn in the
 * order of the elements, whatever the strides and threads, so a seed gives the same numbers always. A failed call has
 * drawn nothing. */
#include "core/cast.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/tensor.h"
#include "core/thread.h"
#include <math.h>

enum {
  SMALL = 256,     /* elements drawn without a buffer of their own */
  BATCH = 1 << 15, /* elements drawn at once */
  PIECE = 1 << 11  /* elements mapped at once; even, so that no pair is cut */
};

typedef struct law {
  const char *name;
  double a, b;
  bool normal;      /* maps standard normal numbers */
  bool as_elements; /* a and b are rounded to t's type */
  void (*map)(const struct law *law, double *v, int64_t n);
} law;

typedef struct batch {
  const law *law;
  double *v;
  char *to;
  tch_dtype type;
} batch;

static void map_piece(void *context, int64_t begin, int64_t end) {
  const batch *b = context;
  double *v = b->v + begin;
  if (b->law->normal) tch_box_muller(v, end - begin);
  b->law->map(b->law, v, end - begin);
  tch_store_double(b->type, b->to + begin * tch_dtype_bytes(b->type), 1, v, end - begin);
}

/* One element of a normal law, which may end or begin a pair. */
static void map_one(const law *law, tch_random *r, tch_dtype type, char *to) {
  double v = tch_random_normal(r, 0, 1);
  law->map(law, &v, 1);
  tch_store_double(type, to, 1, &v, 1);
}

/* Draws for the n elements at `to`; v has room for BATCH or n numbers, whichever is less. */
static void draw(const law *law, tch_random *r, tch_dtype type, char *to, int64_t n, double *v) {
  int64_t bytes = tch_dtype_bytes(type);
  if (law->normal && tch_random_has_spare(r)) {
    map_one(law, r, type, to);
    to += bytes;
    n--;
  }
  int64_t whole = law->normal ? n / 2 * 2 : n;
  for (int64_t i = 0; i < whole; i += BATCH) {
    int64_t m = whole - i < BATCH ? whole - i : BATCH;
    batch b = {law, v, to + i * bytes, type};
    tch_random_units(r, v, m);
    tch_parallel(m, PIECE, map_piece, &b);
  }
  if (whole < n) map_one(law, r, type, to + whole * bytes);
}

static double as_element(tch_dtype type, double v) {
  uint64_t element;
  tch_store_double(type, &element, 1, &v, 1);
  tch_load_double(type, &element, 1, &v, 1);
  return v;
}

/* Draws into t if it is contiguous, else into a tensor beside it. Torch7 took the parameters of these laws as elements of t. */
static tch_status fill(tch_tensor *t, tch_random *r, const law *given) {
  law rounded = *given;
  TCH_TRY(tch_tensor_writable(t, given->name));
  if (given->as_elements) rounded.a = as_element(t->type, given->a), rounded.b = as_element(t->type, given->b);
  if (t->count == 0) return TCH_OK;
  double few[SMALL];
  void *many = NULL;
  int64_t bytes = t->count <= SMALL ? 0 : (t->count < BATCH ? t->count : BATCH) * (int64_t) sizeof *few;
  tch_tensor *to = t;
  TCH_TRY(tch_alloc(bytes, &many));
  tch_status status = tch_tensor_contiguous(t) ? TCH_OK : tch_tensor_new(t->type, t->ndim, t->size, &to);
  if (status == TCH_OK) {
    draw(&rounded, tch_random_or_default(r), t->type, tch_tensor_data(to), t->count, many ? many : few);
    if (to == t) tch_tensor_wrote(t);
    else status = tch_tensor_copy(t, to);
  }
  if (to != t) tch_tensor_release(to);
  tch_free(many, bytes);
  return status;
}

static tch_status floating(const tch_tensor *t, const char *name) {
  if (tch_dtype_floating(t->type)) return TCH_OK;
  return tch_fail(TCH_ERROR_TYPE, "%s: the tensor is of type %s, but must be Float or Double", name,
                  tch_dtype_name(t->type));
}

/* -- laws ---------------------------------------------------------------------------------------------------------- */

static void map_uniform(const law *l, double *v, int64_t n) {
  double width = l->b - l->a;
  for (int64_t i = 0; i < n; i++) v[i] = v[i] * width + l->a;
}

static void map_normal(const law *l, double *v, int64_t n) {
  for (int64_t i = 0; i < n; i++) v[i] = v[i] * l->b + l->a;
}

static void map_log_normal(const law *l, double *v, int64_t n) {
  for (int64_t i = 0; i < n; i++) v[i] = exp(v[i] * l->b + l->a);
}

static void map_exponential(const law *l, double *v, int64_t n) {
  for (int64_t i = 0; i < n; i++) v[i] = tch_exponential(v[i], l->a);
}

static void map_cauchy(const law *l, double *v, int64_t n) {
  for (int64_t i = 0; i < n; i++) v[i] = tch_cauchy(v[i], l->a, l->b);
}

static void map_geometric(const law *l, double *v, int64_t n) {
  for (int64_t i = 0; i < n; i++) v[i] = tch_geometric(v[i], l->a);
}

static void map_bernoulli(const law *l, double *v, int64_t n) {
  for (int64_t i = 0; i < n; i++) v[i] = v[i] <= l->a;
}

tch_status tch_tensor_uniform(tch_tensor *t, double a, double b, tch_random *r) {
  TCH_TRY(floating(t, "uniform"));
  if (!isfinite(a) || !isfinite(b)) return tch_fail(TCH_ERROR_VALUE, "uniform: the range %g to %g is not finite", a, b);
  return fill(t, r, &(law){"uniform", a, b, false, true, map_uniform});
}

static tch_status check_normal(const tch_tensor *t, const char *name, double mean, double deviation) {
  TCH_TRY(floating(t, name));
  if (!isfinite(mean)) return tch_fail(TCH_ERROR_VALUE, "%s: the mean %g is not finite", name, mean);
  if (!(deviation >= 0 && isfinite(deviation)))
    return tch_fail(TCH_ERROR_VALUE, "%s: the standard deviation is %g, but must be a finite number from 0", name,
                    deviation);
  return TCH_OK;
}

tch_status tch_tensor_normal(tch_tensor *t, double mean, double deviation, tch_random *r) {
  TCH_TRY(check_normal(t, "normal", mean, deviation));
  return fill(t, r, &(law){"normal", mean, deviation, true, true, map_normal});
}

tch_status tch_tensor_log_normal(tch_tensor *t, double mean, double deviation, tch_random *r) {
  TCH_TRY(check_normal(t, "logNormal", mean, deviation));
  return fill(t, r, &(law){"logNormal", mean, deviation, true, true, map_log_normal});
}

tch_status tch_tensor_exponential(tch_tensor *t, double rate, tch_random *r) {
  TCH_TRY(floating(t, "exponential"));
  if (!(rate > 0)) return tch_fail(TCH_ERROR_VALUE, "exponential: the rate is %g, but must be above 0", rate);
  return fill(t, r, &(law){"exponential", rate, 0, false, true, map_exponential});
}

tch_status tch_tensor_cauchy(tch_tensor *t, double median, double width, tch_random *r) {
  TCH_TRY(floating(t, "cauchy"));
  if (!isfinite(median) || !isfinite(width))
    return tch_fail(TCH_ERROR_VALUE, "cauchy: the median %g and the width %g must be finite", median, width);
  return fill(t, r, &(law){"cauchy", median, width, false, true, map_cauchy});
}

tch_status tch_tensor_geometric(tch_tensor *t, double p, tch_random *r) {
  if (!(p > 0 && p < 1)) return tch_fail(TCH_ERROR_VALUE, "geometric: p is %g, but must lie between 0 and 1", p);
  return fill(t, r, &(law){"geometric", p, 0, false, false, map_geometric});
}

tch_status tch_tensor_bernoulli(tch_tensor *t, double p, tch_random *r) {
  if (!(p >= 0 && p <= 1)) return tch_fail(TCH_ERROR_VALUE, "bernoulli: p is %g, but must lie in 0 to 1", p);
  return fill(t, r, &(law){"bernoulli", p, 0, false, false, map_bernoulli});
}

tch_status tch_tensor_bernoulli_of(tch_tensor *t, const tch_tensor *p, tch_random *r) {
  if (t->count != p->count)
    return tch_fail(TCH_ERROR_SHAPE, "bernoulli: %lld probabilities for %lld elements", (long long) p->count,
                    (long long) t->count);
  TCH_TRY(tch_tensor_writable(t, "bernoulli"));
  if (t->count == 0) return TCH_OK;
  tch_tensor *drawn = NULL;
  TCH_TRY(tch_probabilities(p, "bernoulli", 1, &drawn));
  r = tch_random_or_default(r);
  double *v = tch_tensor_data(drawn);
  for (int64_t i = 0; i < drawn->count; i++) v[i] = tch_random_bernoulli(r, v[i]);
  tch_status status = tch_tensor_copy(t, drawn);
  tch_tensor_release(drawn);
  return status;
}
