/* Reductions against plain loops: every op, dimension set, type, layout, thread count and instruction set; gradients against
 * differences. */
#include "check.h"
#include "core/cpu.h"
#include "core/tensor.h"

enum { SUM, MEAN, PROD, NORM1, NORM2, NORM3, NORM_MAX, VAR, STD, LOGSUMEXP, KINDS };
static const char *const kinds[] = {"sum",    "mean",         "prod", "norm 1", "norm 2",
                                    "norm 3", "maximum norm", "var",  "std",    "logsumexp"};

static tch_status reduce(int kind, tch_tensor *x, const int64_t *dims, int n, bool keep, tch_tensor **y) {
  switch (kind) {
    case SUM: return tch_sum(x, dims, n, keep, y);
    case MEAN: return tch_mean(x, dims, n, keep, y);
    case PROD: return tch_prod(x, dims, n, keep, y);
    case NORM1: return tch_norm(x, 1, dims, n, keep, y);
    case NORM2: return tch_norm(x, 2, dims, n, keep, y);
    case NORM3: return tch_norm(x, 3, dims, n, keep, y);
    case NORM_MAX: return tch_norm(x, INFINITY, dims, n, keep, y);
    case VAR: return tch_var(x, dims, n, true, keep, y);
    case STD: return tch_std(x, dims, n, true, keep, y);
    default: return tch_logsumexp(x, dims, n, keep, y);
  }
}

static double naive(int kind, const double *v, int64_t n) {
  double sum = 0, product = 1, ones = 0, squares = 0, cubes = 0, top = 0, spread = 0, powers = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += v[i], product *= v[i], ones += fabs(v[i]), squares += v[i] * v[i], cubes += pow(fabs(v[i]), 3);
    top = fmax(top, fabs(v[i])), powers += exp(v[i]);
  }
  for (int64_t i = 0; i < n; i++) spread += (v[i] - sum / n) * (v[i] - sum / n);
  double var = spread / (double) (n - 1);
  double results[] = {sum, sum / (double) n, product, ones, sqrt(squares), cbrt(cubes), top, var, sqrt(var), log(powers)};
  return results[kind];
}

/* A tensor of 3 dimensions in some layout: 0 contiguous, 1 transposed, 2 every second entry, 3 the dimensions turned round, 4 rows
 * with gaps. */
static tch_tensor *sample(tch_dtype type, int layout, const int64_t *size) {
  tch_tensor *base = NULL, *t = NULL;
  int64_t a[] = {size[0], size[1], 2 * size[2]}, wider[] = {size[0], size[1], size[2] + 3};
  int64_t turned[] = {size[2], size[1], size[0]}, swapped[] = {size[0], size[2], size[1]};
  const int64_t *sizes[] = {size, swapped, a, turned, wider};
  ok(tch_tensor_new(type, 3, sizes[layout], &base));
  tch_random *r;
  ok(tch_random_new(17, &r));
  ok(tch_tensor_uniform(base, -1.2, 1.3, r));
  tch_random_release(r);
  int64_t back[] = {2, 1, 0}, swap[] = {0, 2, 1};
  if (layout == 0) return base;
  if (layout == 2) ok(tch_slice(base, 2, 1, size[2], 2, &t));
  else if (layout == 4) ok(tch_slice(base, 2, 2, size[2], 1, &t));
  else ok(tch_permute(base, layout == 1 ? swap : back, 3, &t));
  tch_tensor_release(base);
  return t;
}

static double entry(const tch_tensor *t, const int64_t *index) {
  double v;
  ok(tch_tensor_get(t, t->ndim, index, &v));
  return v;
}

/* Compares one reduction with loops over all indices. */
static void compare(int kind, const tch_tensor *x, uint32_t mask, const tch_tensor *y, double tolerance) {
  double values[4096];
  for (int64_t k = 0; k < y->count; k++) {
    int64_t rest = k, kept[3] = {0}, folded = 1;
    for (int d = 2; d >= 0; d--) {
      if (mask >> d & 1) folded *= x->size[d];
      else kept[d] = rest % x->size[d], rest /= x->size[d];
    }
    for (int64_t i = 0; i < folded; i++) {
      int64_t index[3], left = i;
      for (int d = 2; d >= 0; d--) {
        index[d] = mask >> d & 1 ? left % x->size[d] : kept[d];
        if (mask >> d & 1) left /= x->size[d];
      }
      values[i] = entry(x, index);
    }
    double want = naive(kind, values, folded), got = y->type == TCH_DOUBLE ? TCH_DATA(double, y)[k] : TCH_DATA(float, y)[k];
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))) && !(isnan(got) && isnan(want)))
      fail_msg("%s %s over mask %u: entry %d is %.17g, not %.17g", tch_cpu_name(), kinds[kind], mask, (int) k, got, want);
  }
}

static void check_all(tch_dtype type, const int64_t *size) {
  for (int layout = 0; layout < 5; layout++) {
    tch_tensor *x = sample(type, layout, size);
    for (uint32_t mask = 1; mask < 8; mask++) {
      int64_t dims[3];
      int n = 0;
      for (int d = 0; d < 3; d++)
        if (mask >> d & 1) dims[n++] = d - 3 * (d & 1); /* one of them counted from the end */
      for (int kind = 0; kind < KINDS; kind++) {
        tch_tensor *y = NULL;
        ok(reduce(kind, x, dims, n, kind & 1, &y));
        assert_int_equal(y->ndim, kind & 1 ? 3 : 3 - n);
        compare(kind, x, mask, y, type == TCH_DOUBLE ? 1e-12 : 2e-6);
        tch_tensor_release(y);
      }
    }
    tch_tensor_release(x);
  }
}

static void every_dimension_set_and_layout(void **state) {
  static const int64_t sizes[][3] = {{3, 4, 5}, {2, 7, 33}, {9, 2, 16}, {1, 40, 3}, {150, 2, 7}, {2, 140, 12}};
  tch_isa was = tch_cpu_isa();
  for (int isa = 0; isa < TCH_ISA_COUNT; isa++) {
    if (!tch_cpu_supports((tch_isa) isa)) continue;
    tch_cpu_use((tch_isa) isa);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      check_all(TCH_DOUBLE, sizes[i]);
      check_all(TCH_FLOAT, sizes[i]);
    }
  }
  tch_cpu_use(was);
}

static void long_sums_are_exact_and_do_not_depend_on_threads(void **state) {
  int64_t n[] = {1000003}, dim[] = {0}, wide[] = {100003, 7};
  tch_tensor *x = NULL, *m = NULL, *y[2] = {NULL}, *c[2] = {NULL};
  ok(tch_tensor_new(TCH_FLOAT, 1, n, &x));
  ok(tch_tensor_new(TCH_FLOAT, 2, wide, &m));
  double want = 0;
  for (int64_t i = 0; i < n[0]; i++) want += TCH_DATA(float, x)[i] = (float) (0.1 + 1e-3 * (double) (i % 977));
  for (int64_t i = 0; i < m->count; i++) TCH_DATA(float, m)[i] = (float) (0.1 + 1e-3 * (double) (i % 977));
  int threads = tch_threads();
  for (int k = 0; k < 2; k++) {
    ok(tch_set_threads(k + 1));
    ok(tch_sum(x, NULL, 0, false, &y[k]));
    ok(tch_sum(m, dim, 1, false, &c[k]));
  }
  ok(tch_set_threads(threads));
  assert_true(TCH_DATA(float, y[0])[0] == (float) want);
  assert_memory_equal(tch_tensor_data(y[0]), tch_tensor_data(y[1]), sizeof(float));
  assert_memory_equal(tch_tensor_data(c[0]), tch_tensor_data(c[1]), 7 * sizeof(float));
  for (int j = 0; j < 7; j++) {
    double total = 0;
    for (int64_t i = j; i < m->count; i += 7) total += TCH_DATA(float, m)[i];
    assert_true(TCH_DATA(float, c[0])[j] == (float) total);
  }
  tch_tensor_release(x);
  tch_tensor_release(m);
  for (int k = 0; k < 2; k++) tch_tensor_release(y[k]), tch_tensor_release(c[k]);
}

static void sums_of_integers_are_long(void **state) {
  int64_t size[] = {700}, dim[] = {0};
  tch_tensor *x = NULL, *y = NULL;
  ok(tch_tensor_new(TCH_BYTE, 1, size, &x));
  ok(tch_tensor_fill(x, 200));
  ok(tch_sum(x, NULL, 0, false, &y));
  assert_int_equal(y->type, TCH_LONG);
  assert_int_equal(TCH_DATA(int64_t, y)[0], 140000);
  refused(tch_mean(x, dim, 1, false, &y), TCH_ERROR_TYPE, "ByteTensor");
  tch_tensor_release(x);
  tch_tensor_release(y);
}

/* -- extremes --------------------------------------------------------------------------------------------------------- */

static void check_extremes(tch_dtype type, int layout, const int64_t *size) {
  tch_tensor *x = sample(type == TCH_FLOAT || type == TCH_DOUBLE ? type : TCH_DOUBLE, layout, size), *t = NULL;
  if (type != x->type) { /* whole numbers, with many equal ones */
    ok(tch_mul_scalar(x, 3, &t));
    tch_tensor *cast = NULL;
    ok(tch_cast(t, type, &cast));
    tch_tensor_release(t);
    tch_tensor_release(x);
    x = cast;
  }
  for (int d = 0; d < 3; d++)
    for (int largest = 0; largest < 2; largest++) {
      tch_tensor *y = NULL, *place = NULL;
      ok(largest ? tch_max(x, d, true, 1, &y, &place) : tch_min(x, d, true, 1, &y, &place));
      for (int64_t k = 0; k < y->count; k++) {
        int64_t index[3], rest = k, at = 0;
        for (int e = 2; e >= 0; e--) index[e] = rest % y->size[e], rest /= y->size[e];
        double best = 0, got;
        for (int64_t i = 0; i < size[d]; i++) {
          index[d] = i;
          double v = entry(x, index);
          if (i == 0 || (largest ? v > best : v < best)) best = v, at = i;
        }
        index[d] = 0;
        got = entry(y, index);
        assert_true(got == best);
        assert_int_equal(TCH_DATA(int64_t, place)[k], at + 1);
      }
      tch_tensor_release(y);
      tch_tensor_release(place);
    }
  tch_tensor_release(x);
}

static void the_first_of_equal_extremes_is_named(void **state) {
  static const int64_t few[] = {5, 6, 37}, many[] = {180, 2, 19};
  tch_isa was = tch_cpu_isa();
  for (int isa = 0; isa < TCH_ISA_COUNT; isa++) {
    if (!tch_cpu_supports((tch_isa) isa)) continue;
    tch_cpu_use((tch_isa) isa);
    for (int type = 0; !tch_dtype_stored((tch_dtype) type); type++)
      for (int layout = 0; layout < 5; layout++) {
        check_extremes((tch_dtype) type, layout, few);
        if (tch_dtype_floating((tch_dtype) type)) check_extremes((tch_dtype) type, layout, many);
      }
  }
  tch_cpu_use(was);
}

static void nan_wins(void **state) {
  for (int dim = 0; dim < 2; dim++) {
    int64_t size[] = {3, 3};
    double v[] = {1, 5, 2, 7, NAN, 3, 9, 8, 4};
    tch_tensor *x = NULL, *y = NULL, *place = NULL, *all = NULL;
    ok(tch_tensor_new(TCH_DOUBLE, 2, size, &x));
    memcpy(tch_tensor_data(x), v, sizeof v);
    ok(tch_max(x, dim, false, 0, &y, &place));
    assert_true(isnan(at(y, 1)));
    assert_int_equal(TCH_DATA(int64_t, place)[1], 1);
    ok(tch_max_all(x, &all));
    assert_true(isnan(at(all, 0)));
    tch_tensor_release(x);
    tch_tensor_release(y);
    tch_tensor_release(place);
    tch_tensor_release(all);
  }
}

static void the_first_nan_is_named_wherever_it_is(void **state) {
  for (int dim = 0; dim < 2; dim++) {
    int64_t size[] = {dim ? 19 : 200, dim ? 200 : 19};
    tch_tensor *x = NULL, *y = NULL, *place = NULL;
    ok(tch_tensor_new(TCH_FLOAT, 2, size, &x));
    for (int64_t line = 0; line < 19; line++)
      for (int64_t i = 0; i < 200; i++)
        TCH_DATA(float, x)[dim ? line * 200 + i : i * 19 + line] = i == 10 * line + 9 || i == 10 * line + 12 ? NAN : (float) (i % 9);
    ok(tch_max(x, dim, false, 0, &y, &place));
    for (int64_t line = 0; line < 19; line++) {
      assert_true(isnan(entry(y, &line)));
      assert_int_equal(TCH_DATA(int64_t, place)[line], 10 * line + 9);
    }
    tch_tensor_release(x);
    tch_tensor_release(y);
    tch_tensor_release(place);
  }
}

/* -- gradients ---------------------------------------------------------------------------------------------------------- */

/* sum of y times fixed weights, as a number */
static double weighed(int kind, tch_tensor *x, uint32_t mask) {
  int64_t dims[3];
  int n = 0;
  for (int d = 0; d < 3; d++) if (mask >> d & 1) dims[n++] = d;
  tch_tensor *y = NULL;
  ok(reduce(kind, x, dims, n, false, &y));
  double total = 0;
  for (int64_t i = 0; i < y->count; i++) total += (0.3 + 0.1 * (double) i) * TCH_DATA(double, y)[i];
  tch_tensor_release(y);
  return total;
}

static void check_gradient(int kind, uint32_t mask, bool zero) {
  const int64_t size[] = {2, 3, 4};
  int64_t dims[3];
  int n = 0;
  for (int d = 0; d < 3; d++) if (mask >> d & 1) dims[n++] = d;
  tch_tensor *x = sample(TCH_DOUBLE, 0, size), *y = NULL, *g = NULL;
  if (zero) TCH_DATA(double, x)[5] = 0;
  ok(tch_requires_grad(x, true));
  ok(reduce(kind, x, dims, n, false, &y));
  ok(tch_tensor_new(TCH_DOUBLE, y->ndim, y->size, &g));
  for (int64_t i = 0; i < y->count; i++) TCH_DATA(double, g)[i] = 0.3 + 0.1 * (double) i;
  ok(tch_backward(y, g, 0));
  tch_tensor *grad = tch_grad(x);
  tch_set_grad_enabled(false);
  for (int64_t i = 0; i < x->count; i++) {
    double was = TCH_DATA(double, x)[i], h = 1e-6;
    TCH_DATA(double, x)[i] = was + h;
    double high = weighed(kind, x, mask);
    TCH_DATA(double, x)[i] = was - h;
    double low = weighed(kind, x, mask);
    TCH_DATA(double, x)[i] = was;
    double got, want = (high - low) / (2 * h);
    int64_t index[] = {i / 12, i / 4 % 3, i % 4};
    got = entry(grad, index);
    if (!(fabs(got - want) <= 1e-7 * (1 + fabs(want))))
      fail_msg("%s over mask %u: gradient %d is %.10g, differences give %.10g", kinds[kind], mask, (int) i, got, want);
  }
  tch_set_grad_enabled(true);
  tch_tensor_release(g);
  tch_tensor_release(y);
  tch_tensor_release(x);
}

static void gradients_agree_with_differences(void **state) {
  for (int kind = 0; kind < KINDS; kind++)
    for (uint32_t mask = 1; mask < 8; mask++)
      if (kind != NORM_MAX) check_gradient(kind, mask, false);
  check_gradient(PROD, 4, true);
}

static void bad_dimensions_are_refused(void **state) {
  int64_t twice[] = {0, 0}, far[] = {7}, none[] = {0, 3}, dim[] = {0};
  tch_tensor *x = doubles(NULL, 2, 3, 0), *y = NULL, *e = NULL, *i = NULL;
  refused(tch_sum(x, twice, 2, false, &y), TCH_ERROR_VALUE, "sum: dimension 1 is given twice");
  refused(tch_norm(x, 2, far, 1, false, &y), TCH_ERROR_VALUE, "no dimension 8");
  ok(tch_tensor_new(TCH_DOUBLE, 2, none, &e));
  refused(tch_max(e, 0, false, 0, &y, &i), TCH_ERROR_SHAPE, "nothing to choose");
  refused(tch_max_all(e, &y), TCH_ERROR_SHAPE, "nothing to choose");
  assert_null(y);
  ok(tch_sum(e, dim, 1, false, &y));
  assert_int_equal(y->count, 3);
  assert_true(at(y, 2) == 0);
  tch_tensor_release(x);
  tch_tensor_release(y);
  tch_tensor_release(e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_dimension_set_and_layout),
      cmocka_unit_test(long_sums_are_exact_and_do_not_depend_on_threads),
      cmocka_unit_test(sums_of_integers_are_long),
      cmocka_unit_test(the_first_of_equal_extremes_is_named),
      cmocka_unit_test(nan_wins),
      cmocka_unit_test(the_first_nan_is_named_wherever_it_is),
      cmocka_unit_test(gradients_agree_with_differences),
      cmocka_unit_test(bad_dimensions_are_refused),
  };
  return cmocka_run_group_tests_name("reduce", tests, NULL, NULL);
}
