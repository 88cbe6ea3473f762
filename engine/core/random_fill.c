/* Tensors of random numbers. Elements are drawn in order, whatever the strides, so a seed gives the same numbers in every
 * layout. A failed call has drawn nothing. */
#include "core/cast.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/tensor.h"
#include <math.h>

enum { CHUNK = 512 };

typedef struct law {
  double a, b;
  void (*draw)(const struct law *law, tch_random *r, double *out, int64_t n);
} law;

/* A contiguous tensor to write into: t itself, or a new one that finish() copies to t. */
static tch_status begin(tch_tensor *t, tch_tensor **to) {
  TCH_TRY(tch_tensor_writable(t, "random numbers"));
  if (tch_tensor_contiguous(t)) {
    tch_tensor_retain(t);
    *to = t;
    return TCH_OK;
  }
  return tch_tensor_new(t->type, t->ndim, t->size, to);
}

static tch_status finish(tch_tensor *t, tch_tensor *to) {
  tch_status status = TCH_OK;
  if (to != t) status = tch_tensor_copy(t, to);
  else tch_tensor_wrote(t);
  tch_tensor_release(to);
  return status;
}

static tch_status fill(tch_tensor *t, tch_random *r, const law *law) {
  if (t->count == 0) return TCH_OK;
  tch_tensor *to;
  TCH_TRY(begin(t, &to));
  r = tch_random_or_default(r);
  double row[CHUNK];
  char *at = tch_tensor_data(to);
  int64_t bytes = tch_dtype_bytes(to->type);
  for (int64_t i = 0; i < to->count; i += CHUNK) {
    int64_t n = to->count - i < CHUNK ? to->count - i : CHUNK;
    law->draw(law, r, row, n);
    tch_store_double(to->type, at + i * bytes, 1, row, n);
  }
  return finish(t, to);
}

static tch_status floating(const tch_tensor *t, const char *name) {
  if (tch_dtype_floating(t->type)) return TCH_OK;
  return tch_fail(TCH_ERROR_TYPE, "%s: the tensor is of type %s, but must be Float or Double", name, tch_dtype_name(t->type));
}

/* -- laws ------------------------------------------------------------------------------------------------------------ */

static void draw_uniform(const law *l, tch_random *r, double *out, int64_t n) {
  tch_random_uniforms(r, l->a, l->b, out, n);
}

static void draw_normal(const law *l, tch_random *r, double *out, int64_t n) {
  tch_random_normals(r, l->a, l->b, out, n);
}

static void draw_log_normal(const law *l, tch_random *r, double *out, int64_t n) {
  tch_random_normals(r, l->a, l->b, out, n);
  for (int64_t i = 0; i < n; i++) out[i] = exp(out[i]);
}

static void draw_exponential(const law *l, tch_random *r, double *out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = tch_random_exponential(r, l->a);
}

static void draw_cauchy(const law *l, tch_random *r, double *out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = tch_random_cauchy(r, l->a, l->b);
}

static void draw_geometric(const law *l, tch_random *r, double *out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = tch_random_geometric(r, l->a);
}

static void draw_bernoulli(const law *l, tch_random *r, double *out, int64_t n) {
  tch_random_uniforms(r, 0, 1, out, n);
  for (int64_t i = 0; i < n; i++) out[i] = out[i] <= l->a;
}

tch_status tch_tensor_uniform(tch_tensor *t, double a, double b, tch_random *r) {
  TCH_TRY(floating(t, "uniform"));
  if (!isfinite(a) || !isfinite(b)) return tch_fail(TCH_ERROR_VALUE, "uniform: the range %g to %g is not finite", a, b);
  return fill(t, r, &(law){a, b, draw_uniform});
}

static tch_status check_normal(const tch_tensor *t, const char *name, double mean, double deviation) {
  TCH_TRY(floating(t, name));
  if (!isfinite(mean)) return tch_fail(TCH_ERROR_VALUE, "%s: the mean %g is not finite", name, mean);
  if (!(deviation >= 0 && isfinite(deviation)))
    return tch_fail(TCH_ERROR_VALUE, "%s: the standard deviation is %g, but must be a finite number from 0", name, deviation);
  return TCH_OK;
}

tch_status tch_tensor_normal(tch_tensor *t, double mean, double deviation, tch_random *r) {
  TCH_TRY(check_normal(t, "normal", mean, deviation));
  return fill(t, r, &(law){mean, deviation, draw_normal});
}

tch_status tch_tensor_log_normal(tch_tensor *t, double mean, double deviation, tch_random *r) {
  TCH_TRY(check_normal(t, "logNormal", mean, deviation));
  return fill(t, r, &(law){mean, deviation, draw_log_normal});
}

tch_status tch_tensor_exponential(tch_tensor *t, double rate, tch_random *r) {
  TCH_TRY(floating(t, "exponential"));
  if (!(rate > 0)) return tch_fail(TCH_ERROR_VALUE, "exponential: the rate is %g, but must be above 0", rate);
  return fill(t, r, &(law){rate, 0, draw_exponential});
}

tch_status tch_tensor_cauchy(tch_tensor *t, double median, double width, tch_random *r) {
  TCH_TRY(floating(t, "cauchy"));
  if (!isfinite(median) || !isfinite(width))
    return tch_fail(TCH_ERROR_VALUE, "cauchy: the median %g and the width %g must be finite", median, width);
  return fill(t, r, &(law){median, width, draw_cauchy});
}

tch_status tch_tensor_geometric(tch_tensor *t, double p, tch_random *r) {
  if (!(p > 0 && p < 1)) return tch_fail(TCH_ERROR_VALUE, "geometric: p is %g, but must lie between 0 and 1", p);
  return fill(t, r, &(law){p, 0, draw_geometric});
}

tch_status tch_tensor_bernoulli(tch_tensor *t, double p, tch_random *r) {
  if (!(p >= 0 && p <= 1)) return tch_fail(TCH_ERROR_VALUE, "bernoulli: p is %g, but must lie in 0 to 1", p);
  return fill(t, r, &(law){p, 0, draw_bernoulli});
}

tch_status tch_tensor_bernoulli_of(tch_tensor *t, const tch_tensor *p, tch_random *r) {
  if (t->count != p->count)
    return tch_fail(TCH_ERROR_SHAPE, "bernoulli: %lld probabilities for %lld elements", (long long)p->count, (long long)t->count);
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
