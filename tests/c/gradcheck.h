/* Gradients against central differences, for the C tests of ops. */
#ifndef TESTS_GRADCHECK_H
#define TESTS_GRADCHECK_H
#include "check.h"

/* Applies the op under test to n inputs; the result is a new tensor. */
typedef tch_status (*gradcheck_op)(tch_tensor *const *x, void *context, tch_tensor **y);

/* weights . y as a scalar tensor; the weights are fixed, so that no symmetry hides an error. */
static inline tch_tensor *gradcheck_score(tch_tensor *y) {
  tch_tensor *w = NULL, *product = NULL, *sum = NULL;
  int64_t size[TCH_MAX_DIMS];
  for (int d = 0; d < tch_tensor_dim(y); d++) size[d] = tch_tensor_size(y, d);
  ok(tch_tensor_new(TCH_DOUBLE, tch_tensor_dim(y), size, &w));
  for (int64_t i = 0; i < tch_tensor_count(w); i++) ((double *) tch_tensor_data(w))[i] = cos(1 + 3.7 * (double) i);
  ok(tch_mul(y, w, &product));
  ok(tch_sum(product, NULL, 0, false, &sum));
  tch_tensor_release(w);
  tch_tensor_release(product);
  return sum;
}

/* Inputs are contiguous double tensors; all are checked. */
static inline void gradcheck(gradcheck_op op, void *context, tch_tensor *const *x, int n) {
  tch_tensor *y = NULL, *score;
  for (int i = 0; i < n; i++) ok(tch_requires_grad(x[i], true));
  ok(op(x, context, &y));
  score = gradcheck_score(y);
  ok(tch_backward(score, NULL, 0));
  tch_tensor_release(y);
  tch_tensor_release(score);
  tch_set_grad_enabled(false);
  for (int i = 0; i < n; i++) {
    tch_tensor *g = tch_grad(x[i]);
    double *data = tch_tensor_data(x[i]);
    assert_non_null(g);
    assert_true(tch_tensor_same_size(g, x[i]));
    for (int64_t k = 0; k < tch_tensor_count(x[i]); k++) {
      double keep = data[k], step = 1e-5, ends[2];
      int64_t at[TCH_MAX_DIMS], rest = k;
      for (int d = tch_tensor_dim(g) - 1; d >= 0; d--) at[d] = rest % tch_tensor_size(g, d), rest /= tch_tensor_size(g, d);
      for (int side = 0; side < 2; side++) {
        data[k] = keep + (side ? step : -step);
        y = NULL;
        ok(op(x, context, &y));
        score = gradcheck_score(y);
        ok(tch_tensor_get(score, 0, NULL, &ends[side]));
        tch_tensor_release(y);
        tch_tensor_release(score);
      }
      data[k] = keep;
      double want = (ends[1] - ends[0]) / (2 * step), got;
      ok(tch_tensor_get(g, tch_tensor_dim(g), at, &got));
      if (fabs(want - got) > 1e-6 * (1 + fabs(want)))
        fail_msg("gradient %lld of input %d is %.9g, but differences give %.9g", (long long) k, i, got, want);
    }
  }
  tch_set_grad_enabled(true);
}
#endif
