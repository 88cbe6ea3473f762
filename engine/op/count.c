/* Counting: histograms. */
#include "core/cast.h"
#include "op/op.h"
#include <math.h>
#include <string.h>

/* -- histc: bin b counts the entries from low + b w up to low + (b + 1) w, w = (high - low) / bins; high falls into the last.
 * Other entries, and NaN, are not counted. ------------------------------------------------------------------------- */

static tch_status histc_shape(tch_call *c) {
  const tch_histc_attr *a = c->attr;
  const tch_tensor *x = c->in[0];
  char text[TCH_SHAPE_TEXT];
  if (x->count == 0) return tch_op_fail(c, TCH_ERROR_SHAPE, "the tensor is empty");
  if (a->rows && x->ndim != 2)
    return tch_op_fail(c, TCH_ERROR_SHAPE, "a matrix is needed, but the tensor is %s", tch_shape_text(x, text));
  if (a->bins < 1) return tch_op_fail(c, TCH_ERROR_VALUE, "%lld bins are not possible", (long long) a->bins);
  if (!(a->low <= a->high) || !isfinite(a->high - a->low))
    return tch_op_fail(c, TCH_ERROR_VALUE, "there is no range from %g to %g", a->low, a->high);
  c->shape[0] = (tch_shape){.type = x->type, .ndim = 1, .size = {a->bins}};
  if (a->rows) c->shape[0] = (tch_shape){.type = x->type, .ndim = 2, .size = {x->size[0], a->bins}};
  return TCH_OK;
}

static void range_of(const double *v, int64_t n, double *low, double *high) {
  *low = INFINITY, *high = -INFINITY;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(v[i])) continue;
    if (v[i] < *low) *low = v[i];
    if (v[i] > *high) *high = v[i];
  }
  if (*low == *high) *low -= 1, *high += 1;
}

static tch_status histc_forward(tch_call *c) {
  const tch_histc_attr *a = c->attr;
  tch_tensor *x, *values, *counts;
  int64_t rows = a->rows ? c->in[0]->size[0] : 1, n = c->in[0]->count / rows;
  double low = a->low, high = a->high;
  TCH_TRY(tch_op_contiguous(c, c->in[0], &x));
  TCH_TRY(tch_op_temp(c, &(tch_shape){.type = TCH_DOUBLE, .ndim = 1, .size = {x->count}}, &values));
  TCH_TRY(tch_op_temp(c, &(tch_shape){.type = TCH_DOUBLE, .ndim = 1, .size = {rows * a->bins}}, &counts));
  double *v = tch_tensor_data(values), *count = tch_tensor_data(counts);
  tch_load_double(x->type, tch_tensor_data(x), 1, v, x->count);
  memset(count, 0, sizeof *count * (size_t) counts->count);
  if (low == high) range_of(v, x->count, &low, &high);
  for (int64_t i = 0; i < x->count; i++) {
    if (!(v[i] >= low && v[i] <= high)) continue;
    int64_t bin = (int64_t) ((v[i] - low) / (high - low) * (double) a->bins);
    count[i / n * a->bins + (bin < a->bins ? bin : a->bins - 1)]++;
  }
  tch_store_double(x->type, tch_tensor_data(c->out[0]), 1, count, counts->count);
  return TCH_OK;
}

const tch_op_body tch_op_histc = {.shape = histc_shape, .forward = histc_forward, .dense = true};
