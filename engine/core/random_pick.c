/* Tensors of random integers: ranges, permutations and picks by weight, with Torch7's streams. */
#include "core/cast.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/tensor.h"
#include <math.h>

enum { CHUNK = 512 };

/* Largest integer up to which a type holds all of them. */
static int64_t top(tch_dtype type) {
  switch (type) {
    case TCH_BYTE: return UINT8_MAX;
    case TCH_CHAR: return INT8_MAX;
    case TCH_SHORT: return INT16_MAX;
    case TCH_INT: return INT32_MAX;
    case TCH_FLOAT: return INT64_C(1) << 24;
    case TCH_DOUBLE: return INT64_C(1) << 53;
    case TCH_HALF: return INT64_C(1) << 11;
    case TCH_BFLOAT16: return INT64_C(1) << 8;
    default: return INT64_MAX;
  }
}

/* -- ranges -------------------------------------------------------------------------------------------------------- */

tch_status tch_tensor_random(tch_tensor *t, int64_t a, int64_t b, tch_random *r) {
  if (a > b) return tch_fail(TCH_ERROR_VALUE, "random: the range %lld to %lld is empty", (long long) a, (long long) b);
  TCH_TRY(tch_tensor_writable(t, "random"));
  if (t->count == 0) return TCH_OK;
  tch_tensor *to = t;
  if (!tch_tensor_contiguous(t)) TCH_TRY(tch_tensor_new(t->type, t->ndim, t->size, &to));
  r = tch_random_or_default(r);
  int64_t row[CHUNK];
  char *at = tch_tensor_data(to);
  for (int64_t i = 0; i < to->count; i += CHUNK) {
    int64_t n = to->count - i < CHUNK ? to->count - i : CHUNK;
    for (int64_t j = 0; j < n; j++) row[j] = tch_random_range(r, a, b);
    tch_store_long(to->type, at + i * tch_dtype_bytes(to->type), 1, row, n);
  }
  if (to == t) {
    tch_tensor_wrote(t);
    return TCH_OK;
  }
  tch_status status = tch_tensor_copy(t, to);
  tch_tensor_release(to);
  return status;
}

tch_status tch_tensor_random_any(tch_tensor *t, tch_random *r) {
  int64_t last = top(t->type);
  return tch_tensor_random(t, 0, last < UINT32_MAX ? last : UINT32_MAX, r);
}

/* -- permutations -------------------------------------------------------------------------------------------------- */

tch_status tch_tensor_randperm(tch_tensor *t, int64_t n, int64_t first, tch_random *r) {
  if (n < 1) return tch_fail(TCH_ERROR_VALUE, "randperm: n is %lld, but must be at least 1", (long long) n);
  if (n > UINT32_MAX)
    return tch_fail(TCH_ERROR_VALUE, "randperm: n is %lld, but at most 4294967295 is possible", (long long) n);
  if (first < 0 || first > top(t->type) - (n - 1))
    return tch_fail(TCH_ERROR_TYPE, "randperm: type %s cannot hold the numbers %lld to %lld", tch_dtype_name(t->type),
                    (long long) first, (long long) first + n - 1);
  TCH_TRY(tch_tensor_writable(t, "randperm"));
  int64_t size[] = {n}, *number;
  void *block;
  TCH_TRY(tch_alloc(n * (int64_t) sizeof *number, &block));
  tch_status status = tch_tensor_resize(t, 1, size, NULL);
  if (status == TCH_OK) {
    number = block;
    r = tch_random_or_default(r);
    for (int64_t i = 0; i < n; i++) number[i] = first + i;
    for (int64_t i = 0; i < n - 1; i++) {
      int64_t j = i + tch_random_next(r) % (n - i), swapped = number[i];
      number[i] = number[j];
      number[j] = swapped;
    }
    tch_store_long(t->type, tch_tensor_data(t), tch_tensor_stride(t, 0), number, n);
    tch_tensor_wrote(t);
  }
  tch_free(block, n * (int64_t) sizeof *number);
  return status;
}

/* -- picks by weight ----------------------------------------------------------------------------------------------- */

tch_status tch_probabilities(const tch_tensor *p, const char *name, double most, tch_tensor **out) {
  if (!tch_dtype_floating(p->type))
    return tch_fail(TCH_ERROR_TYPE, "%s: the probabilities are of type %s, but must be Float or Double", name,
                    tch_dtype_name(p->type));
  tch_tensor *copy = NULL;
  TCH_TRY(tch_tensor_new(TCH_DOUBLE, p->ndim, p->size, &copy));
  tch_status status = tch_tensor_copy(copy, p);
  const double *v = tch_tensor_data(copy);
  for (int64_t i = 0; i < p->count && status == TCH_OK; i++)
    if (!(v[i] >= 0 && v[i] <= most))
      status = tch_fail(TCH_ERROR_VALUE, "%s: probability %lld of %lld is %g", name, (long long) i + 1,
                        (long long) p->count, v[i]);
  if (status == TCH_OK) *out = copy;
  else tch_tensor_release(copy);
  return status;
}

/* First k with cumulated[k] >= u. */
static int64_t find(const double *cumulated, int64_t n, double u) {
  int64_t low = 0, high = n;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (cumulated[middle] < u) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Takes out k: the numbers behind it move down by its share, and what is left is scaled to 1. */
static void take_out(double *cumulated, int64_t n, int64_t k) {
  double share = cumulated[k] - (k > 0 ? cumulated[k - 1] : 0), rest = 1 - share;
  for (int64_t i = 0; i < n; i++) cumulated[i] = (i >= k ? cumulated[i] - share : cumulated[i]) / rest;
}

/* w: weights (n), overwritten; out: `picks` numbers. */
static void pick(double *w, int64_t n, int64_t *out, int64_t picks, bool replace, tch_random *r) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) w[i] = sum += w[i];
  for (int64_t i = 0; i < n; i++) w[i] /= sum;
  for (int64_t j = 0; j < picks; j++) {
    w[n - 1] = 1;
    out[j] = find(w, n, tch_random_uniform(r, 0, 1));
    if (!replace) take_out(w, n, out[j]);
  }
}

static tch_status check_weights(const double *w, int64_t rows, int64_t n, int64_t picks, bool replace) {
  for (int64_t row = 0; row < rows; row++) {
    int64_t possible = 0;
    for (int64_t i = 0; i < n; i++) possible += w[row * n + i] > 0;
    if (possible == 0) return tch_fail(TCH_ERROR_VALUE, "multinomial: all weights are 0");
    if (!replace && possible < picks)
      return tch_fail(TCH_ERROR_VALUE,
                      "multinomial: %lld samples without replacement from %lld numbers whose weight is not 0",
                      (long long) picks, (long long) possible);
  }
  return TCH_OK;
}

tch_status tch_tensor_multinomial(tch_tensor *t, const tch_tensor *weights, int64_t picks, bool replace, int64_t first,
                                  tch_random *r) {
  int ndim = weights->ndim;
  if (t->type != TCH_LONG)
    return tch_fail(TCH_ERROR_TYPE, "multinomial: the result is of type %s, but must be Long", tch_dtype_name(t->type));
  if (ndim < 1 || ndim > 2 || weights->count == 0)
    return tch_fail(TCH_ERROR_SHAPE, "multinomial: the weights must be a vector or a matrix with elements");
  if (picks < 1)
    return tch_fail(TCH_ERROR_VALUE, "multinomial: %lld samples wanted, but at least 1 is needed", (long long) picks);
  int64_t n = weights->size[ndim - 1], rows = weights->count / n, size[] = {picks, picks};
  if (ndim == 2) size[0] = rows;
  tch_tensor *w = NULL, *picked = NULL;
  TCH_TRY(tch_tensor_writable(t, "multinomial"));
  TCH_TRY(tch_probabilities(weights, "multinomial", HUGE_VAL, &w));
  tch_status status = check_weights(tch_tensor_data(w), rows, n, picks, replace);
  if (status == TCH_OK) status = tch_tensor_new(TCH_LONG, ndim, size, &picked);
  if (status == TCH_OK) status = tch_tensor_resize(t, ndim, size, NULL);
  if (status == TCH_OK) {
    r = tch_random_or_default(r);
    int64_t *out = tch_tensor_data(picked);
    for (int64_t row = 0; row < rows; row++)
      pick((double *) tch_tensor_data(w) + row * n, n, out + row * picks, picks, replace, r);
    for (int64_t i = 0; i < picked->count; i++) out[i] += first;
    status = tch_tensor_copy(t, picked);
  }
  tch_tensor_release(picked);
  tch_tensor_release(w);
  return status;
}
