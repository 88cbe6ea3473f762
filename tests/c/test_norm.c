/* Batch normalisation against its definition, and with a ReLU6 against both one after the other, with every instruction set. */
#include "random_tensor.h"
#include "core/cpu.h"
#include <math.h>

enum { N, C, H, W };

static void near(const char *what, const tch_tensor *t, const int64_t at[4], double want, double tolerance) {
  double got = get4(t, at[0], at[1], at[2], at[3]);
  if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
    fail_msg("%s [%lld %lld %lld %lld] is %.9g, not %.9g (%s)", what, (long long) at[0], (long long) at[1], (long long) at[2],
             (long long) at[3], got, want, tch_cpu_name());
}

static double entry(const tch_tensor *t, int64_t i) {
  double v;
  ok(tch_tensor_get(t, 1, &i, &v));
  return v;
}

#define EVERY(at, s, c)                                                                                               \
  for (int64_t at[4] = {0, c}; at[N] < s[N]; at[N]++)                                                                 \
    for (at[H] = 0; at[H] < s[H]; at[H]++)                                                                            \
      for (at[W] = 0; at[W] < s[W]; at[W]++)

/* The equations of norm.c for channel c. */
static void define(const int64_t s[4], int64_t c, tch_tensor *const in[3], const tch_tensor *g, const tch_tensor *y,
                   tch_tensor *const grad[3], double tolerance) {
  const tch_tensor *x = in[0];
  double count = (double) (s[N] * s[H] * s[W]), mean = 0, square = 0, dw = 0, db = 0, w = entry(in[1], c);
  EVERY(at, s, c) mean += get4(x, at[N], c, at[H], at[W]) / count;
  EVERY(at, s, c) square += pow(get4(x, at[N], c, at[H], at[W]) - mean, 2);
  double invstd = 1 / sqrt(square / count + 0.125);
  EVERY(at, s, c) {
    double xhat = (get4(x, at[N], c, at[H], at[W]) - mean) * invstd, gy = get4(g, at[N], c, at[H], at[W]);
    near("y", y, at, xhat * w + entry(in[2], c), tolerance);
    dw += gy * xhat, db += gy;
  }
  EVERY(at, s, c) {
    double xhat = (get4(x, at[N], c, at[H], at[W]) - mean) * invstd, gy = get4(g, at[N], c, at[H], at[W]);
    near("gx", grad[0], at, w * invstd * (gy - db / count - xhat * dw / count), tolerance);
  }
  assert_true(fabs(entry(grad[1], c) - dw) <= tolerance * (count + fabs(dw)));
  assert_true(fabs(entry(grad[2], c) - db) <= tolerance * (count + fabs(db)));
}

static void compare(tch_dtype type, bool view, const int64_t s[4]) {
  double tolerance = type == TCH_DOUBLE ? 1e-11 : 1e-4;
  tch_tensor *in[] = {random_tensor(type, 4, s, view), random_tensor(type, 1, &s[C], view), random_tensor(type, 1, &s[C], view)};
  tch_tensor *g = random_tensor(type, 4, s, view), *y = NULL, *mean = NULL, *invstd = NULL, *grad[3] = {NULL};
  for (int i = 0; i < 3; i++) ok(tch_tensor_empty(type, &grad[i]));
  ok(tch_batch_norm(in[0], in[1], in[2], NULL, NULL, true, 0.1, 0.125, &y, &mean, &invstd));
#define BACKWARD(g) \
  tch_batch_norm_backward(in[0], in[1], in[2], NULL, NULL, true, 0.1, 0.125, y, mean, invstd, g, 1, 0, grad[0], grad[1], grad[2])
  ok(BACKWARD(g));
  for (int64_t c = 0; c < s[C]; c++) define(s, c, in, g, y, grad, tolerance);

  tch_tensor *both = NULL, *bounded = NULL, *gate = NULL, *m = NULL, *v = NULL, *got[2] = {NULL};
  ok(tch_batch_norm_relu(in[0], in[1], in[2], NULL, NULL, true, 0.1, 0.125, 0.75, &both, &m, &v));
  ok(tch_hardtanh(y, 0, 0.75, &bounded));
  ok(tch_hardtanh_grad(g, bounded, bounded, 0, 0.75, &gate));
  ok(BACKWARD(gate));
  ok(tch_batch_norm_relu_grad(g, bounded, in[0], m, v, in[1], 0.75, &got[0], &got[1]));
  for (int64_t c = 0; c < s[C]; c++) {
    EVERY(at, s, c) {
      near("relu", both, at, get4(bounded, at[N], c, at[H], at[W]), tolerance);
      near("relu gx", got[0], at, get4(grad[0], at[N], c, at[H], at[W]), tolerance);
    }
    for (int64_t i = 0; i < 2; i++) {
      double sum;
      ok(tch_tensor_get(got[1], 2, (int64_t[]){i, c}, &sum));
      assert_true(fabs(sum - entry(grad[1 + i], c)) <= tolerance * (1 + fabs(sum)));
    }
  }
  tch_tensor *all[] = {in[0], in[1], in[2], g, y, mean, invstd, grad[0], grad[1], grad[2], both, bounded, gate, m, v, got[0],
                       got[1]};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) tch_tensor_release(all[i]);
}

static void normalisation_is_its_definition(void **state) {
  static const int64_t shapes[][4] = {{7, 5, 1, 1}, {3, 4, 3, 5}, {2, 3, 19, 30}, {1, 2, 70, 70}, {5, 1, 16, 33}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    EVERY_ISA(compare(TCH_FLOAT, i % 2, shapes[i]));
    EVERY_ISA(compare(TCH_DOUBLE, i % 2 == 0, shapes[i]));
  }
}

static void misfits_are_named(void **state) {
  tch_tensor *x = random_tensor(TCH_FLOAT, 4, (int64_t[]){2, 3, 4, 5}, false);
  tch_tensor *few = random_tensor(TCH_FLOAT, 1, (int64_t[]){2}, false);
  tch_tensor *other = random_tensor(TCH_FLOAT, 4, (int64_t[]){2, 3, 5, 4}, false);
  tch_tensor *v = random_tensor(TCH_FLOAT, 1, (int64_t[]){3}, false);
  tch_tensor *a = NULL, *b = NULL, *c = NULL;
  refused(tch_batch_norm_relu_grad(x, other, x, v, v, NULL, 6, &a, &b), TCH_ERROR_SHAPE, "y is 2x3x5x4, but gy is 2x3x4x5");
  refused(tch_batch_norm_relu_grad(x, x, x, v, few, NULL, 6, &a, &b), TCH_ERROR_SHAPE, "has 3 channels");
  refused(tch_batch_norm_relu_grad(v, v, v, v, v, NULL, 6, &a, &b), TCH_ERROR_SHAPE, "must be (batch, channels, ...)");
  refused(tch_batch_norm_relu(x, few, NULL, NULL, NULL, true, 0.1, 1e-5, 6, &a, &b, &c), TCH_ERROR_SHAPE, "has 3 channels");
  assert_null(a);
  tch_tensor *all[] = {x, few, other, v};
  for (int i = 0; i < 4; i++) tch_tensor_release(all[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(normalisation_is_its_definition), cmocka_unit_test(misfits_are_named)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
