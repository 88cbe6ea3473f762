/* Softmax and losses: values against plain loops on every instruction set, gradients against differences, refusals. */
#include "check.h"
#include "core/cpu.h"
#include "core/tensor.h"
#include "gradcheck.h"

static void every_isa(void (*check)(void)) {
  tch_isa was = tch_cpu_isa();
  for (int isa = 0; isa < TCH_ISA_COUNT; isa++) {
    if (!tch_cpu_supports((tch_isa) isa)) continue;
    tch_cpu_use((tch_isa) isa);
    check();
  }
  tch_cpu_use(was);
}

static tch_tensor *longs(const int64_t *values, int64_t n) {
  tch_tensor *t = NULL;
  ok(tch_tensor_new(TCH_LONG, 1, &n, &t));
  memcpy(tch_tensor_data(t), values, (size_t) n * sizeof *values);
  return t;
}

static double number(tch_tensor *t) {
  double v;
  ok(tch_tensor_get(t, 0, NULL, &v));
  tch_tensor_release(t);
  return v;
}

/* -- softmax ------------------------------------------------------------------------------------------------------------ */

/* Both softmaxes of x (a, n, b) along its middle dimension. */
static void check_line(tch_dtype type, int64_t a, int64_t n, int64_t b, double tolerance) {
  int64_t size[] = {a, n, b};
  tch_tensor *x = NULL, *y = NULL, *l = NULL;
  ok(tch_tensor_new(type, 3, size, &x));
  ok(tch_tensor_normal(x, 0, 4, NULL));
  ok(tch_softmax(x, 1, &y));
  ok(tch_log_softmax(x, -2, &l));
  for (int64_t o = 0; o < a; o++)
    for (int64_t i = 0; i < b; i++) {
      double v, total = 0, top = -INFINITY, got;
      for (int64_t k = 0; k < n; k++) {
        ok(tch_tensor_get(x, 3, (int64_t[]) {o, k, i}, &v));
        top = fmax(top, v);
      }
      for (int64_t k = 0; k < n; k++) {
        ok(tch_tensor_get(x, 3, (int64_t[]) {o, k, i}, &v));
        total += exp(v - top);
      }
      for (int64_t k = 0; k < n; k++) {
        ok(tch_tensor_get(x, 3, (int64_t[]) {o, k, i}, &v));
        ok(tch_tensor_get(y, 3, (int64_t[]) {o, k, i}, &got));
        close_to(got, exp(v - top) / total, tolerance);
        ok(tch_tensor_get(l, 3, (int64_t[]) {o, k, i}, &got));
        close_to(got, v - top - log(total), tolerance);
      }
    }
  tch_tensor_release(x);
  tch_tensor_release(y);
  tch_tensor_release(l);
}

static void check_lines(void) {
  for (int64_t n = 1; n < 40; n += 6) {
    check_line(TCH_DOUBLE, 3, n, 1, 1e-13);
    check_line(TCH_FLOAT, 3, n, 1, 1e-6);
    check_line(TCH_DOUBLE, 2, n, 11, 1e-13);
    check_line(TCH_FLOAT, 2, n, 11, 1e-6);
  }
  check_line(TCH_FLOAT, 1, 5000, 1, 1e-5); /* 1250 terms in a lane of the baseline, each rounded */
}

static void softmax_along_any_dimension(void **state) { every_isa(check_lines); }

static void check_far_apart(void) {
  double v[] = {1e4, -1e4, 0, 9999, -INFINITY};
  tch_tensor *x = doubles(v, 5, 0, 0), *y = NULL, *l = NULL;
  ok(tch_softmax(x, 0, &y));
  ok(tch_log_softmax(x, 0, &l));
  close_to(at(y, 0), 1 / (1 + exp(-1)), 1e-14);
  assert_true(at(y, 1) == 0 && at(y, 4) == 0);
  close_to(at(l, 1), -2e4 - log(1 + exp(-1)), 1e-14);
  assert_true(at(l, 4) == -INFINITY);
  tch_tensor_release(x);
  tch_tensor_release(y);
  tch_tensor_release(l);
}

static void softmax_of_numbers_far_apart(void **state) { every_isa(check_far_apart); }

static tch_status run_softmax(tch_tensor *const *x, void *context, tch_tensor **y) {
  return context ? tch_log_softmax(x[0], 1, y) : tch_softmax(x[0], 1, y);
}

static void softmax_gradients(void **state) {
  for (int64_t b = 0; b < 4; b += 3) {
    tch_tensor *x = doubles(NULL, 3, 5, b);
    gradcheck(run_softmax, NULL, &x, 1);
    tch_tensor_release(x);
    x = doubles(NULL, 3, 5, b);
    gradcheck(run_softmax, "log", &x, 1);
    tch_tensor_release(x);
  }
}

/* -- classes ------------------------------------------------------------------------------------------------------------ */

static void losses_of_classes(void **state) {
  int64_t labels[] = {2, 1, 3, -5, 2};
  double weights[] = {0.5, 2, 1.5}, total = 0, mass = 0, plain = 0;
  tch_tensor *x = doubles(NULL, 5, 3, 0), *target = longs(labels, 5), *weight = doubles(weights, 3, 0, 0), *l = NULL;
  ok(tch_log_softmax(x, 1, &l));
  for (int i = 0; i < 5; i++) {
    if (labels[i] == -5) continue;
    total -= weights[labels[i] - 1] * at(l, 3 * i + labels[i] - 1);
    plain -= at(l, 3 * i + labels[i] - 1);
    mass += weights[labels[i] - 1];
  }
  tch_tensor *loss[6] = {NULL}, *p[2] = {NULL};
  ok(tch_nll(l, target, weight, 1, -5, 1, &loss[0]));
  ok(tch_nll(l, target, weight, 1, -5, 2, &loss[1]));
  ok(tch_nll(l, target, NULL, 1, -5, 1, &loss[2]));
  ok(tch_cross_entropy(x, target, weight, 1, -5, 1, &loss[3], &p[0]));
  ok(tch_cross_entropy(x, target, NULL, 1, -5, 2, &loss[4], &p[1]));
  ok(tch_nll(l, target, NULL, 1, -5, 0, &loss[5]));
  assert_int_equal(loss[5]->count, 5);
  assert_true(at(loss[5], 3) == 0);
  tch_tensor_release(loss[5]);
  close_to(number(loss[0]), total / mass, 1e-14);
  close_to(number(loss[1]), total, 1e-14);
  close_to(number(loss[2]), plain / 4, 1e-14);
  close_to(number(loss[3]), total / mass, 1e-14);
  close_to(number(loss[4]), plain, 1e-14);
  tch_tensor_release(p[0]);
  tch_tensor_release(p[1]);
  tch_tensor_release(x);
  tch_tensor_release(l);
  tch_tensor_release(target);
  tch_tensor_release(weight);
}

typedef struct setting {
  int which, reduction;
  tch_tensor *target, *weight;
} setting;

static tch_status run_classes(tch_tensor *const *x, void *context, tch_tensor **y) {
  const setting *s = context;
  if (s->which == 0) return tch_nll(x[0], s->target, s->weight, 1, -5, s->reduction, y);
  tch_tensor *p = NULL;
  tch_status status = tch_cross_entropy(x[0], s->target, s->weight, 1, -5, s->reduction, y, &p);
  tch_tensor_release(p);
  return status;
}

static tch_status run_pair(tch_tensor *const *x, void *context, tch_tensor **y) {
  const setting *s = context;
  switch (s->which) {
    case 0: return tch_mse(x[0], x[1], s->reduction, y);
    case 1: return tch_abs_loss(x[0], x[1], s->reduction, y);
    case 2: return tch_smooth_l1(x[0], x[1], s->reduction, 0.7, y);
    case 3: return tch_bce(x[0], x[1], s->weight, s->reduction, y);
    default: return tch_bce_with_logits(x[0], x[1], s->weight, s->reduction, y);
  }
}

static void gradients_of_losses(void **state) {
  int64_t labels[] = {2, 1, 3, -5, 2};
  double weights[] = {0.5, 2, 1.5};
  double inputs[] = {0.2, 0.55, 0.71, 0.9, 0.12, 0.34}, targets[] = {0.3, 0.1, 0.99, 0.4, 0.83, 0.31};
  tch_tensor *target = longs(labels, 5), *weight = doubles(weights, 3, 0, 0);
  for (int which = 0; which < 2; which++)
    for (int reduction = 0; reduction < 3; reduction++)
      for (int weighted = 0; weighted < 2; weighted++) {
        setting s = {which, reduction, target, weighted ? weight : NULL};
        tch_tensor *x = doubles(NULL, 5, 3, 0);
        gradcheck(run_classes, &s, &x, 1);
        tch_tensor_release(x);
      }
  for (int which = 0; which < 5; which++)
    for (int reduction = 0; reduction < 3; reduction++) {
      setting s = {which, reduction, NULL, NULL};
      tch_tensor *x[] = {doubles(inputs, 2, 3, 0), doubles(targets, 2, 3, 0)};
      gradcheck(run_pair, &s, x, 2);
      tch_tensor_release(x[0]);
      tch_tensor_release(x[1]);
    }
  tch_tensor_release(target);
  tch_tensor_release(weight);
}

static void labels_out_of_range_are_named(void **state) {
  int64_t labels[] = {1, 3, 0};
  double floats[] = {1, NAN, 2};
  tch_tensor *x = doubles(NULL, 3, 3, 0), *target = longs(labels, 3), *odd = doubles(floats, 3, 0, 0), *y = NULL;
  refused(tch_nll(x, target, NULL, 1, -100, 1, &y), TCH_ERROR_VALUE, "target[3] = 0, but labels run from 1 to 3");
  refused(tch_nll(x, odd, NULL, 1, -100, 1, &y), TCH_ERROR_VALUE, "target[2] = 0, but labels run from 1 to 3");
  ok(tch_nll(x, odd, NULL, 0, -100, 1, &y)); /* where labels count from 0, NaN is read as 0 throughout */
  close_to(at(y, 0), -(at(x, 1) + at(x, 3) + at(x, 8)) / 3, 1e-14);
  tch_tensor_release(x);
  tch_tensor_release(target);
  tch_tensor_release(odd);
  tch_tensor_release(y);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(softmax_along_any_dimension), cmocka_unit_test(softmax_of_numbers_far_apart),
      cmocka_unit_test(softmax_gradients),           cmocka_unit_test(losses_of_classes),
      cmocka_unit_test(gradients_of_losses),         cmocka_unit_test(labels_out_of_range_are_named),
  };
  return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
