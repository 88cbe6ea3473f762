/* Pooling against its definition, on random shapes, types, views and every instruction set. */
#include "gradcheck.h"
#include "random_tensor.h"
#include "core/cpu.h"

typedef struct shape {
  int64_t n, c, in[2], out[2], kernel[2], stride[2], pad[2], dilation[2];
  bool ceil, count_pad, adaptive;
} shape;

static shape random_shape(void) {
  shape s = {.n = random_from(1, 2), .c = random_from(1, 3), .ceil = random_below(2), .count_pad = random_below(2)};
  bool pairs = random_below(3) == 0;
  for (int d = 0; d < 2; d++) {
    s.kernel[d] = pairs ? 2 : random_from(1, 5), s.stride[d] = pairs ? 2 : random_from(1, 3);
    s.dilation[d] = pairs ? 1 : random_from(1, 2), s.pad[d] = pairs ? 0 : random_from(0, s.kernel[d] / 2);
    s.in[d] = random_from(s.dilation[d], 40) + s.dilation[d] * (s.kernel[d] - 1);
    int64_t room = s.in[d] + 2 * s.pad[d] - s.dilation[d] * (s.kernel[d] - 1) - 1;
    s.out[d] = room / s.stride[d] + 1;
    if (s.ceil && room % s.stride[d] && s.out[d] * s.stride[d] < s.in[d] + s.pad[d]) s.out[d]++;
  }
  return s;
}

/* Position p of window o, or -1 outside the plane. */
static int64_t position(const shape *s, int d, int64_t o, int64_t p) {
  int64_t i = o * s->stride[d] - s->pad[d] + p * s->dilation[d], end = s->in[d];
  if (s->adaptive) {
    i = o * s->in[d] / s->out[d] + p;
    end = ((o + 1) * s->in[d] + s->out[d] - 1) / s->out[d];
  }
  return i < 0 || i >= end ? -1 : i;
}

static int64_t reach(const shape *s, int d) { return s->adaptive ? s->in[d] : s->kernel[d]; }

static int64_t padded(const shape *s, int d, int64_t o) {
  int64_t begin = o * s->stride[d] - s->pad[d], end = begin + s->kernel[d];
  return (end < s->in[d] + s->pad[d] ? end : s->in[d] + s->pad[d]) - begin;
}

/* y and the gradient of x for gy, by definition; largest: of the maximum, else of the mean. */
static void define(const shape *s, bool largest, const tch_tensor *x, const tch_tensor *gy, double *y, double *gx) {
  for (int64_t n = 0; n < s->n; n++)
    for (int64_t c = 0; c < s->c; c++)
      for (int64_t i = 0; i < s->out[0]; i++)
        for (int64_t j = 0; j < s->out[1]; j++, y++) {
          double sum = 0, top = -INFINITY, g = get4(gy, n, c, i, j), *plane = gx + (n * s->c + c) * s->in[0] * s->in[1];
          int64_t count = 0, best = 0;
          for (int pass = 0; pass < 2; pass++)
            for (int64_t p = 0; p < reach(s, 0); p++)
              for (int64_t q = 0; q < reach(s, 1); q++) {
                int64_t h = position(s, 0, i, p), v = position(s, 1, j, q);
                if (h < 0 || v < 0) continue;
                double value = get4(x, n, c, h, v);
                if (pass == 0) count++, sum += value;
                if (pass == 0 && value > top) top = value, best = h * s->in[1] + v;
                double divisor = s->count_pad && !s->adaptive ? padded(s, 0, i) * padded(s, 1, j) : count;
                if (pass == 1 && !largest) plane[h * s->in[1] + v] += g / divisor;
                *y = largest ? top : sum / divisor;
              }
          if (largest) plane[best] += g;
        }
}

static void same(const char *what, const tch_tensor *t, const double *want, double scale, double add) {
  double tolerance = tch_tensor_dtype(t) == TCH_DOUBLE ? 1e-12 : 1e-5;
  int64_t at[4] = {0};
  for (int64_t i = 0; i < tch_tensor_count(t); i++) {
    double got = get4(t, at[0], at[1], at[2], at[3]), expected = scale * want[i] + add;
    if (fabs(got - expected) > tolerance * (1 + fabs(expected)))
      fail_msg("%s[%lld] is %.9g, not %.9g (%s)", what, (long long) i, got, expected, tch_cpu_name());
    for (int d = 3; d >= 0 && ++at[d] == tch_tensor_size(t, d); d--) at[d] = 0;
  }
}

#define WINDOW(s)  (s)->kernel, 2, (s)->stride, 2, (s)->pad, 2
#define WINDOWS(s) WINDOW(s), (s)->dilation, 2

static void compare(tch_dtype type, bool view) {
  shape s = random_shape();
  tch_tensor *x = random_tensor(type, 4, (int64_t[]){s.n, s.c, s.in[0], s.in[1]}, view);
  for (int kind = 0; kind < 4; kind++) {
    bool largest = kind < 2;
    s.adaptive = kind % 2;
    for (int d = 0; d < 2 && s.adaptive; d++) s.out[d] = random_from(1, s.in[d] + 2);
    if (kind == 2) {
      s.dilation[0] = s.dilation[1] = 1;
      for (int d = 0; d < 2; d++) {
        int64_t room = s.in[d] + 2 * s.pad[d] - s.kernel[d];
        s.out[d] = room / s.stride[d] + 1;
        if (s.ceil && room % s.stride[d] && s.out[d] * s.stride[d] < s.in[d] + s.pad[d]) s.out[d]++;
      }
    }
    tch_tensor *gy = random_tensor(type, 4, (int64_t[]){s.n, s.c, s.out[0], s.out[1]}, view), *y = NULL, *gx = NULL,
               *at = NULL;
    double *wy = calloc(tch_tensor_count(gy), 8), *wg = calloc(tch_tensor_count(x), 8);
    define(&s, largest, x, gy, wy, wg);
    if (kind == 0) ok(tch_max_pool2d(x, WINDOWS(&s), s.ceil, &y, &at));
    if (kind == 1) ok(tch_adaptive_max_pool2d(x, s.out, 2, &y, &at));
    if (kind == 2) ok(tch_avg_pool2d(x, WINDOW(&s), s.ceil, s.count_pad, &y));
    if (kind == 3) ok(tch_adaptive_avg_pool2d(x, s.out, 2, &y));
    assert_true(tch_tensor_same_size(y, gy));
    same("y", y, wy, 1, 0);
    for (int add = 0; add < 2; add++) {
      if (gx == NULL) ok(tch_tensor_new(type, 4, (int64_t[]){s.n, s.c, s.in[0], s.in[1]}, &gx));
      ok(tch_tensor_fill(gx, 1));
      if (kind == 0) ok(tch_max_pool2d_backward(x, WINDOWS(&s), s.ceil, y, at, gy, 0.5, add, gx));
      if (kind == 1) ok(tch_adaptive_max_pool2d_backward(x, s.out, 2, y, at, gy, 0.5, add, gx));
      if (kind == 2) ok(tch_avg_pool2d_backward(x, WINDOW(&s), s.ceil, s.count_pad, y, gy, 0.5, add, gx));
      if (kind == 3) ok(tch_adaptive_avg_pool2d_backward(x, s.out, 2, y, gy, 0.5, add, gx));
      same("gx", gx, wg, add ? 0.5 : 1, add);
    }
    free(wy), free(wg);
    tch_tensor_release(gy), tch_tensor_release(y), tch_tensor_release(gx), tch_tensor_release(at);
  }
  tch_tensor_release(x);
}

static void pooling_is_its_definition(void **state) {
  for (int i = 0; i < 30; i++) {
    EVERY_ISA(compare(TCH_FLOAT, i % 3 == 0));
    EVERY_ISA(compare(TCH_DOUBLE, i % 3 == 1));
  }
}

/* The gradient through a ReLU6 too is that of a gradient which counts where 0 < y < 6. */
static void compare_relu(tch_dtype type, bool view) {
  shape s = random_shape();
  tch_tensor *x = random_tensor(type, 4, (int64_t[]){s.n, s.c, s.in[0], s.in[1]}, view), *y = NULL, *at = NULL, *g = NULL;
  tch_tensor *gy = random_tensor(type, 4, (int64_t[]){s.n, s.c, s.out[0], s.out[1]}, view), *got = NULL, *want = NULL;
  ok(tch_max_pool2d(x, WINDOWS(&s), s.ceil, &y, &at));
  ok(tch_hardtanh_grad(gy, y, y, 0, 1.5, &g));
  ok(tch_max_pool2d_grad(g, at, s.in, 2, WINDOWS(&s), s.ceil, &want));
  ok(tch_max_pool2d_relu_grad(gy, at, y, s.in, 2, WINDOWS(&s), s.ceil, 1.5, &got));
  assert_memory_equal(tch_tensor_data(got), tch_tensor_data(want), tch_tensor_count(got) * (type == TCH_DOUBLE ? 8 : 4));
  tch_tensor *all[] = {x, y, at, g, gy, got, want};
  for (int i = 0; i < 7; i++) tch_tensor_release(all[i]);
}

static void pooling_and_relu_go_back_together(void **state) {
  for (int i = 0; i < 20; i++) {
    EVERY_ISA(compare_relu(TCH_FLOAT, i % 3 == 0));
    EVERY_ISA(compare_relu(TCH_DOUBLE, i % 3 == 1));
  }
  tch_tensor *x = random_tensor(TCH_FLOAT, 3, (int64_t[]){2, 4, 6}, false), *y = NULL, *at = NULL, *got = NULL;
  ok(tch_max_pool2d(x, (int64_t[]){2}, 1, NULL, 0, NULL, 0, NULL, 0, false, &y, &at));
  refused(tch_max_pool2d_relu_grad(y, at, x, (int64_t[]){4, 6}, 2, (int64_t[]){2}, 1, NULL, 0, NULL, 0, NULL, 0, false, 6, &got),
          TCH_ERROR_SHAPE, "y is 2x4x6, but its gradient is 2x2x3");
  assert_null(got);
  tch_tensor_release(x), tch_tensor_release(y), tch_tensor_release(at);
}

static void a_nan_is_the_largest(void **state) {
  double v[] = {1, NAN, 3, 4, 5, 6, NAN, 8};
  tch_tensor *x = NULL, *y = NULL, *at = NULL;
  ok(tch_tensor_new(TCH_DOUBLE, 3, (int64_t[]){1, 2, 4}, &x));
  memcpy(tch_tensor_data(x), v, sizeof v);
  ok(tch_max_pool2d(x, (int64_t[]){2}, 1, NULL, 0, NULL, 0, NULL, 0, false, &y, &at));
  assert_true(isnan(((double *) tch_tensor_data(y))[0]) && isnan(((double *) tch_tensor_data(y))[1]));
  assert_int_equal(tch_tensor_dtype(at), TCH_BYTE);
  assert_int_equal(((uint8_t *) tch_tensor_data(at))[0], 1);
  assert_int_equal(((uint8_t *) tch_tensor_data(at))[1], 2);
  tch_tensor_release(x), tch_tensor_release(y), tch_tensor_release(at);
}

static void large_windows_have_wide_indices(void **state) {
  tch_tensor *x = random_tensor(TCH_FLOAT, 3, (int64_t[]){1, 20, 20}, false), *y = NULL, *at = NULL;
  ((float *) tch_tensor_data(x))[399] = 100;
  ok(tch_max_pool2d(x, (int64_t[]){20}, 1, NULL, 0, NULL, 0, NULL, 0, false, &y, &at));
  assert_int_equal(tch_tensor_dtype(at), TCH_INT);
  assert_int_equal(((int32_t *) tch_tensor_data(at))[0], 399);
  tch_tensor_release(x), tch_tensor_release(y), tch_tensor_release(at);
}

/* -- gradients, also of the gradients ------------------------------------------------------------------------------- */

typedef struct places {
  shape s;
  tch_tensor *at;
} places;

static tch_status max_pool(tch_tensor *const *x, void *context, tch_tensor **y) {
  const shape *s = context;
  tch_tensor *at = NULL;
  tch_status status = tch_max_pool2d(x[0], WINDOWS(s), s->ceil, y, &at);
  tch_tensor_release(at);
  return status;
}
static tch_status avg_pool(tch_tensor *const *x, void *context, tch_tensor **y) {
  const shape *s = context;
  return tch_avg_pool2d(x[0], WINDOW(s), s->ceil, s->count_pad, y);
}
static tch_status avg_grad(tch_tensor *const *x, void *context, tch_tensor **y) {
  const shape *s = context;
  return tch_avg_pool2d_grad(x[0], s->in, 2, WINDOW(s), s->ceil, s->count_pad, y);
}
static tch_status adaptive(tch_tensor *const *x, void *context, tch_tensor **y) {
  return tch_adaptive_avg_pool2d(x[0], (int64_t[]){3, 2}, 2, y);
}
static tch_status max_grad(tch_tensor *const *x, void *context, tch_tensor **y) {
  const places *p = context;
  return tch_max_pool2d_grad(x[0], p->at, p->s.in, 2, WINDOWS(&p->s), p->s.ceil, y);
}
static tch_status max_take(tch_tensor *const *x, void *context, tch_tensor **y) {
  const places *p = context;
  return tch_max_pool2d_take(x[0], p->at, WINDOWS(&p->s), p->s.ceil, y);
}

static void gradients_agree_with_differences(void **state) {
  places p = {.s = {.in = {7, 6}, .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}, .dilation = {1, 1}, .ceil = true}};
  tch_tensor *x = random_tensor(TCH_DOUBLE, 3, (int64_t[]){2, 7, 6}, false), *y = NULL;
  for (int i = 0; i < 84; i++) ((double *) tch_tensor_data(x))[i] = i * 37 % 84 * 0.1;
  ok(tch_max_pool2d(x, WINDOWS(&p.s), true, &y, &p.at));
  tch_tensor *g = NULL;
  ok(tch_clone(y, &g));
  gradcheck(max_pool, &p.s, &x, 1);
  ok(tch_set_grad(x, NULL));
  gradcheck(avg_pool, &p.s, &x, 1);
  ok(tch_set_grad(x, NULL));
  gradcheck(adaptive, &p.s, &x, 1);
  ok(tch_set_grad(x, NULL));
  gradcheck(max_take, &p, &x, 1);
  gradcheck(avg_grad, &p.s, &g, 1);
  ok(tch_set_grad(g, NULL));
  gradcheck(max_grad, &p, &g, 1);
  tch_tensor_release(x), tch_tensor_release(y), tch_tensor_release(g), tch_tensor_release(p.at);
}

static void misfits_are_named(void **state) {
  tch_tensor *x = random_tensor(TCH_FLOAT, 3, (int64_t[]){1, 4, 4}, false),
             *flat = random_tensor(TCH_FLOAT, 2, (int64_t[]){4, 4}, false);
  tch_tensor *y = NULL, *at = NULL, *wrong = random_tensor(TCH_BYTE, 3, (int64_t[]){1, 3, 2}, false);
#define MAX(x, kernel, n, stride, pad)                                                                                 \
  tch_max_pool2d(x, kernel, n, stride, stride != NULL, pad, pad != NULL, NULL, 0, false, &y, &at)
  const int64_t none[] = {0}, two[] = {2}, five[] = {5}, minus[] = {-1}, *no = NULL;
  refused(MAX(flat, two, 1, no, no), TCH_ERROR_SHAPE,
          "max_pool2d: x is 4x4, but images (N,C,H,W) or one image (C,H,W)");
  refused(MAX(x, five, 1, no, no), TCH_ERROR_SHAPE, "kernel 5x5 is larger than the input with padding, 4x4");
  refused(MAX(x, two, 1, none, no), TCH_ERROR_VALUE, "stride is 0, but must be 1 or more");
  refused(MAX(x, two, 1, no, two), TCH_ERROR_VALUE, "pad is 2, but at most half of the kernel (2) is possible");
  refused(MAX(x, two, 1, no, minus), TCH_ERROR_VALUE, "pad is -1, but must be 0 or more");
  refused(MAX(x, two, 0, no, no), TCH_ERROR_VALUE, "kernel has 0 entries, but one or two are needed");
  refused(tch_max_pool2d_grad(x, wrong, five, 1, two, 1, NULL, 0, NULL, 0, NULL, 0, false, &y), TCH_ERROR_SHAPE,
          "gy has planes of 4x4, but the windows on planes of 5x5 give 2x2");
  refused(tch_max_pool2d_take(x, wrong, two, 1, NULL, 0, NULL, 0, NULL, 0, false, &y), TCH_ERROR_SHAPE,
          "indices has planes of 3x2, but the windows on planes of 4x4 give 2x2");
  refused(tch_avg_pool2d_grad(x, five, 1, two, 1, NULL, 0, NULL, 0, false, true, &y), TCH_ERROR_SHAPE,
          "gy has planes of 4x4, but the windows on planes of 5x5 give 2x2");
  assert_null(y);
  tch_tensor_release(x), tch_tensor_release(flat), tch_tensor_release(wrong);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pooling_is_its_definition),
      cmocka_unit_test(pooling_and_relu_go_back_together), cmocka_unit_test(a_nan_is_the_largest),
      cmocka_unit_test(large_windows_have_wide_indices),
      cmocka_unit_test(gradients_agree_with_differences),
      cmocka_unit_test(misfits_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
