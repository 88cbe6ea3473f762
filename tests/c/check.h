/* What the C tests share. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H
#include "tocha.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* after the standard headers, as it demands */
#include <cmocka.h>

#define ok(call)                                                        \
  do {                                                                  \
    if ((call) != TCH_OK) fail_msg("%s failed: %s", #call, tch_error()); \
  } while (0)

/* The call fails with `status` and a sentence that contains `part`. */
#define refused(call, status, part)                                                              \
  do {                                                                                           \
    assert_int_equal(call, status);                                                              \
    if (strstr(tch_error(), part) == NULL) fail_msg("%s says \"%s\"", #call, tch_error());       \
  } while (0)

#define close_to(a, b, tolerance)                                                                \
  do {                                                                                           \
    double a_ = (a), b_ = (b);                                                                   \
    if (!(fabs(a_ - b_) <= (tolerance) * (1 + fabs(b_)))) fail_msg("%s is %.17g, not %.17g", #a, a_, b_); \
  } while (0)

/* A new double tensor of up to 4 sizes (0 ends the list) filled from values, or with 0.1, 0.2, ... when values is NULL. */
static inline tch_tensor *doubles(const double *values, int64_t a, int64_t b, int64_t c) {
  int64_t size[] = {a, b, c};
  int n = a ? b ? c ? 3 : 2 : 1 : 0;
  tch_tensor *t = NULL;
  ok(tch_tensor_new(TCH_DOUBLE, n, size, &t));
  double *data = tch_tensor_data(t);
  for (int64_t i = 0; i < tch_tensor_count(t); i++) data[i] = values ? values[i] : 0.1 * (double) (i + 1);
  return t;
}

static inline double at(const tch_tensor *t, int64_t i) {
  assert_non_null(t);
  assert_int_equal(tch_tensor_dtype(t), TCH_DOUBLE);
  assert_true(tch_tensor_contiguous(t));
  assert_in_range(i, 0, tch_tensor_count(t) - 1);
  return ((double *) tch_tensor_data(t))[i];
}
#endif
