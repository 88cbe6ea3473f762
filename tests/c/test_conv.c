/* Convolution against its definition, on random shapes, types, views and every instruction set. */
#include "gradcheck.h"
#include "random_tensor.h"
#include "core/cpu.h"

typedef struct shape {
  int64_t n, c, o, groups, in[2], out[2], kernel[2], stride[2], pad[2], dilation[2];
} shape;

static shape random_shape(void) {
  static const int64_t planes[] = {1, 1, 2, 3, 5, 8, 13, 17, 33};
  shape s = {.n = random_from(1, 3), .groups = random_from(1, 3)};
  s.c = s.groups * planes[random_below(9)], s.o = s.groups * planes[random_below(9)];
  if (random_below(4) == 0) s.groups = s.c, s.o = s.c * random_from(1, 2);
  bool point = random_below(4) == 0;
  for (int d = 0; d < 2; d++) {
    s.kernel[d] = point ? 1 : random_from(1, 4), s.stride[d] = random_from(1, 3), s.dilation[d] = random_from(1, 2);
    s.pad[d] = random_from(0, 3);
    int64_t span = s.dilation[d] * (s.kernel[d] - 1) + 1, least = span - 2 * s.pad[d];
    s.in[d] = random_from(least < 1 ? 1 : least, (least < 1 ? 1 : least) + 19);
    s.out[d] = (s.in[d] + 2 * s.pad[d] - span) / s.stride[d] + 1;
  }
  return s;
}

typedef struct reference {
  double *y, *gx, *gw, *gb;
} reference;

/* The definition: y, and the gradients for gy. */
static reference define(const shape *s, const tch_tensor *x, const tch_tensor *w, const tch_tensor *gy) {
  int64_t cg = s->c / s->groups, og = s->o / s->groups;
  reference r = {calloc(s->n * s->o * s->out[0] * s->out[1], 8), calloc(s->n * s->c * s->in[0] * s->in[1], 8),
                 calloc(s->o * cg * s->kernel[0] * s->kernel[1], 8), calloc(s->o, 8)};
  double *y = r.y;
  for (int64_t n = 0; n < s->n; n++)
    for (int64_t o = 0; o < s->o; o++)
      for (int64_t i = 0; i < s->out[0]; i++)
        for (int64_t j = 0; j < s->out[1]; j++, y++) {
          double g = get4(gy, n, o, i, j);
          r.gb[o] += g;
          for (int64_t c = 0; c < cg; c++)
            for (int64_t p = 0; p < s->kernel[0]; p++)
              for (int64_t q = 0; q < s->kernel[1]; q++) {
                int64_t h = i * s->stride[0] + p * s->dilation[0] - s->pad[0], channel = o / og * cg + c;
                int64_t v = j * s->stride[1] + q * s->dilation[1] - s->pad[1];
                if (h < 0 || v < 0 || h >= s->in[0] || v >= s->in[1]) continue;
                double a = get4(x, n, channel, h, v), b = get4(w, o, c, p, q);
                *y += a * b;
                r.gx[((n * s->c + channel) * s->in[0] + h) * s->in[1] + v] += g * b;
                r.gw[((o * cg + c) * s->kernel[0] + p) * s->kernel[1] + q] += g * a;
              }
        }
  return r;
}

static void forget(reference *r) { free(r->y), free(r->gx), free(r->gw), free(r->gb); }

/* t = scale * want + add (bias NULL: nothing added, else per plane) */
static void same(const char *what, const tch_tensor *t, const double *want, double scale, double add,
                 const tch_tensor *bias) {
  int64_t size[4] = {1, 1, 1, 1}, i = 0;
  int n = tch_tensor_dim(t);
  for (int d = 0; d < n; d++) size[d + 4 - n] = tch_tensor_size(t, d);
  double tolerance = tch_tensor_dtype(t) == TCH_DOUBLE ? 1e-11 : 2e-4;
  for (int64_t at[4] = {0}; i < tch_tensor_count(t); i++) {
    double got, b = 0;
    ok(tch_tensor_get(t, n, at + 4 - n, &got));
    if (bias) ok(tch_tensor_get(bias, 1, &at[1], &b));
    double expected = scale * want[i] + add + b;
    if (fabs(got - expected) > tolerance * (1 + fabs(expected)))
      fail_msg("%s[%lld] is %.9g, not %.9g (%s)", what, (long long) i, got, expected, tch_cpu_name());
    for (int d = 3; d >= 0 && ++at[d] == size[d]; d--) at[d] = 0;
  }
}

#define OPTIONS(s) (s)->stride, 2, (s)->pad, 2, (s)->dilation, 2, (s)->groups

/* conv2d_fused against conv2d with the rest done here, entry by entry. */
static void compare_fused(const shape *s, tch_tensor *x, tch_tensor *w, tch_tensor *b, const tch_tensor *y) {
  tch_tensor *v[4], *got = NULL;
  int64_t at[4];
  for (int i = 0; i < 4; i++) v[i] = random_tensor(tch_tensor_dtype(x), 1, &s->o, i == 2);
  ok(tch_square(v[1], &v[1]));
  ok(tch_conv2d_fused(x, w, b, v[0], v[1], v[2], v[3], OPTIONS(s), 0.5, -0.25, 2, &got));
  for (int k = 0; k < 40; k++) {
    double e[4], c;
    for (int d = 0; d < 4; d++) at[d] = random_below(tch_tensor_size(got, d));
    ok(tch_tensor_get(y, 4, at, &c));
    for (int i = 0; i < 4; i++) ok(tch_tensor_get(v[i], 1, &at[1], &e[i]));
    double want = fmin(fmax((c - e[0]) / sqrt(e[1] + 0.5) * e[2] + e[3], -0.25), 2), value = get4(got, at[0], at[1], at[2], at[3]);
    if (!(fabs(value - want) <= (tch_tensor_dtype(x) == TCH_DOUBLE ? 1e-11 : 4e-4) * (1 + fabs(c) * fabs(e[2]))))
      fail_msg("fused [%lld %lld %lld %lld] is %.9g, not %.9g (%s)", (long long) at[0], (long long) at[1],
               (long long) at[2], (long long) at[3], value, want, tch_cpu_name());
  }
  for (int i = 0; i < 4; i++) tch_tensor_release(v[i]);
  tch_tensor_release(got);
}

/* Weights that are large beside the positions: they are read where they lie, in more than one stretch of the inner sum. */
static shape heavy_shape(void) {
  bool point = random_below(2) == 0;
  shape s = {.n = random_from(1, 2), .c = random_from(60, 75), .groups = 1, .dilation = {1, 1}};
  for (int d = 0; d < 2; d++) {
    s.kernel[d] = point ? 1 : 3, s.pad[d] = point ? 0 : random_from(0, 1), s.stride[d] = random_from(1, 3);
    s.in[d] = random_from(3, point ? 9 : 4), s.out[d] = (s.in[d] + 2 * s.pad[d] - s.kernel[d]) / s.stride[d] + 1;
  }
  s.o = random_from(1, 12) + 4 * s.n * s.out[0] * s.out[1];
  return s;
}

/* 49 positions: one more than whole vectors of them. */
static shape plane_of_7x7(int64_t kernel) {
  int64_t pad = kernel / 2;
  return (shape){.n = 1, .c = 65, .o = 58, .groups = 1, .in = {7, 7}, .out = {7, 7}, .kernel = {kernel, kernel},
                 .stride = {1, 1}, .pad = {pad, pad}, .dilation = {1, 1}};
}

static void compare(tch_dtype type, bool views, shape s) {
  int64_t cg = s.c / s.groups;
  tch_tensor *x = random_tensor(type, 4, (int64_t[]){s.n, s.c, s.in[0], s.in[1]}, views);
  tch_tensor *w = random_tensor(type, 4, (int64_t[]){s.o, cg, s.kernel[0], s.kernel[1]}, views);
  tch_tensor *gy = random_tensor(type, 4, (int64_t[]){s.n, s.o, s.out[0], s.out[1]}, views);
  tch_tensor *b = random_tensor(type, 1, &s.o, views), *bx = random_tensor(type, 1, &s.c, false);
  tch_tensor *gx = NULL, *gw = NULL, *gb = NULL, *y = NULL,
             *into = random_tensor(type, 4, (int64_t[]){1, 2, 2, 1}, false);
  reference r = define(&s, x, w, gy);
  ok(tch_conv2d(x, w, b, OPTIONS(&s), &y));
  same("y", y, r.y, 1, 0, b);
  compare_fused(&s, x, w, b, y);
  ok(tch_conv2d_input_grad(gy, w, s.in, 2, OPTIONS(&s), &gx));
  same("gx", gx, r.gx, 1, 0, NULL);
  ok(tch_conv2d_weight_grad(x, gy, s.kernel, 2, OPTIONS(&s), &gw));
  same("gw", gw, r.gw, 1, 0, NULL);
  ok(tch_tensor_empty(type, &gb));
  ok(tch_tensor_fill(gx, 1));
  ok(tch_tensor_fill(gw, 1));
  ok(tch_conv2d_backward(x, w, b, OPTIONS(&s), NULL, gy, 0.5, 3, gx, gw, gb));
  same("gx", gx, r.gx, 0.5, 1, NULL);
  same("gw", gw, r.gw, 0.5, 1, NULL);
  same("gb", gb, r.gb, 1, 0, NULL);
  int64_t extra[2];
  for (int d = 0; d < 2; d++)
    extra[d] = s.in[d] - ((s.out[d] - 1) * s.stride[d] - 2 * s.pad[d] + s.dilation[d] * (s.kernel[d] - 1) + 1);
  ok(tch_conv_transpose2d(gy, w, bx, OPTIONS(&s), extra, 2, &into));
  same("transposed", into, r.gx, 1, 0, bx);
  forget(&r);
  tch_tensor *all[] = {x, w, gy, b, bx, gx, gw, gb, y, into};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) tch_tensor_release(all[i]);
}

static void convolution_is_its_definition(void **state) {
  for (int i = 0; i < 40; i++) {
    EVERY_ISA(compare(TCH_FLOAT, i % 3 == 0, random_shape()));
    EVERY_ISA(compare(TCH_DOUBLE, i % 3 == 1, random_shape()));
  }
  for (int i = 0; i < 3; i++) {
    EVERY_ISA(compare(TCH_FLOAT, i == 0, heavy_shape()));
    EVERY_ISA(compare(TCH_DOUBLE, i == 1, heavy_shape()));
    EVERY_ISA(compare(i == 1 ? TCH_DOUBLE : TCH_FLOAT, false, plane_of_7x7(i == 2 ? 3 : 1)));
  }
}

static void threads_do_not_change(const int64_t xs[4], const int64_t ws[4]) {
  const int64_t *size = xs + 2;
  tch_tensor *x = random_tensor(TCH_FLOAT, 4, xs, false), *w = random_tensor(TCH_FLOAT, 4, ws, false);
  tch_tensor *y[2] = {NULL}, *gx[2] = {NULL}, *gw[2] = {NULL};
  int threads = tch_threads();
  for (int i = 0; i < 2; i++) {
    ok(tch_set_threads(i ? 3 : 1));
    ok(tch_conv2d(x, w, NULL, NULL, 0, NULL, 0, NULL, 0, 1, &y[i]));
    ok(tch_conv2d_input_grad(y[i], w, size, 2, NULL, 0, NULL, 0, NULL, 0, 1, &gx[i]));
    ok(tch_conv2d_weight_grad(x, y[i], ws + 2, 2, NULL, 0, NULL, 0, NULL, 0, 1, &gw[i]));
  }
  ok(tch_set_threads(threads));
  tch_tensor **pairs[] = {y, gx, gw};
  for (int i = 0; i < 3; i++) {
    assert_memory_equal(tch_tensor_data(pairs[i][0]), tch_tensor_data(pairs[i][1]),
                        tch_tensor_count(pairs[i][0]) * sizeof(float));
    tch_tensor_release(pairs[i][0]);
    tch_tensor_release(pairs[i][1]);
  }
  tch_tensor_release(x);
  tch_tensor_release(w);
}

static void threads_do_not_change_a_bit(void **state) {
  threads_do_not_change((int64_t[]){5, 19, 17, 13}, (int64_t[]){37, 19, 3, 3});
  threads_do_not_change((int64_t[]){2, 60, 40, 40}, (int64_t[]){90, 60, 1, 1});
  threads_do_not_change((int64_t[]){1, 530, 5, 5}, (int64_t[]){230, 530, 1, 1});
  threads_do_not_change((int64_t[]){50, 1, 28, 28}, (int64_t[]){30, 1, 5, 5});
}

/* -- batches so large that tables serve a part of the images, against a few images at a time --------------------------- */

static tch_tensor *images(tch_tensor *t, int64_t from, int64_t count) {
  tch_tensor *part = NULL;
  ok(tch_slice(t, 0, from, count, 1, &part));
  return part;
}

static void same_numbers(const char *what, const tch_tensor *a, const tch_tensor *b, double tolerance) {
  const float *p = tch_tensor_data(a), *q = tch_tensor_data(b);
  assert_int_equal(tch_tensor_count(a), tch_tensor_count(b));
  for (int64_t i = 0; i < tch_tensor_count(a); i++)
    if (!(fabs(p[i] - q[i]) <= tolerance * (1 + fabs(q[i]))))
      fail_msg("%s[%lld] is %.9g, not %.9g (%s)", what, (long long) i, p[i], q[i], tch_cpu_name());
}

static void parts_are_images(shape s) {
  enum { FEW = 9 };
  for (int d = 0; d < 2; d++)
    s.out[d] = (s.in[d] + 2 * s.pad[d] - s.dilation[d] * (s.kernel[d] - 1) - 1) / s.stride[d] + 1;
  tch_tensor *x = random_tensor(TCH_FLOAT, 4, (int64_t[]){s.n, s.c, s.in[0], s.in[1]}, false);
  tch_tensor *w = random_tensor(TCH_FLOAT, 4, (int64_t[]){s.o, s.c / s.groups, s.kernel[0], s.kernel[1]}, false);
  tch_tensor *gy = random_tensor(TCH_FLOAT, 4, (int64_t[]){s.n, s.o, s.out[0], s.out[1]}, false);
  tch_tensor *y = NULL, *gx = NULL, *gw = NULL, *sum = NULL;
  ok(tch_conv2d(x, w, NULL, OPTIONS(&s), &y));
  ok(tch_conv2d_input_grad(gy, w, s.in, 2, OPTIONS(&s), &gx));
  ok(tch_conv2d_weight_grad(x, gy, s.kernel, 2, OPTIONS(&s), &gw));
  for (int64_t from = 0; from < s.n; from += FEW) {
    int64_t count = s.n - from < FEW ? s.n - from : FEW;
    tch_tensor *xs = images(x, from, count), *gys = images(gy, from, count), *ys = images(y, from, count),
               *gxs = images(gx, from, count), *few_y = NULL, *few_gx = NULL, *few_gw = NULL;
    ok(tch_conv2d(xs, w, NULL, OPTIONS(&s), &few_y));
    ok(tch_conv2d_input_grad(gys, w, s.in, 2, OPTIONS(&s), &few_gx));
    ok(tch_conv2d_weight_grad(xs, gys, s.kernel, 2, OPTIONS(&s), &few_gw));
    same_numbers("y", ys, few_y, 1e-5);
    same_numbers("gx", gxs, few_gx, 1e-5);
    if (sum) ok(tch_add(sum, few_gw, 1, &sum));
    else ok(tch_clone(few_gw, &sum));
    tch_tensor *all[] = {xs, gys, ys, gxs, few_y, few_gx, few_gw};
    for (int i = 0; i < 7; i++) tch_tensor_release(all[i]);
  }
  same_numbers("gw", gw, sum, 2e-4);
  tch_tensor *all[] = {x, w, gy, y, gx, gw, sum};
  for (int i = 0; i < 7; i++) tch_tensor_release(all[i]);
}

static void large_batches_are_their_images(void **state) {
  static const shape shapes[] = {
      {.n = 40, .c = 1, .o = 9, .groups = 1, .in = {14, 13}, .kernel = {3, 3}, .stride = {1, 1}, .pad = {0, 0}, .dilation = {1, 1}},
      {.n = 40, .c = 10, .o = 6, .groups = 2, .in = {24, 23}, .kernel = {4, 4}, .stride = {2, 2}, .pad = {1, 1}, .dilation = {1, 1}},
      {.n = 50, .c = 7, .o = 40, .groups = 1, .in = {10, 11}, .kernel = {1, 1}, .stride = {1, 1}, .pad = {0, 0}, .dilation = {1, 1}},
      {.n = 20, .c = 3, .o = 2, .groups = 1, .in = {15, 16}, .kernel = {5, 2}, .stride = {1, 1}, .pad = {2, 1}, .dilation = {1, 2}},
      {.n = 1400, .c = 8, .o = 7, .groups = 1, .in = {7, 7}, .kernel = {2, 2}, .stride = {2, 2}, .pad = {1, 1}, .dilation = {1, 1}},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) EVERY_ISA(parts_are_images(shapes[i]));
}

/* -- gradients of the ops, which are the second derivatives of convolution ------------------------------------------ */

static tch_status conv(tch_tensor *const *x, void *context, tch_tensor **y) {
  const shape *s = context;
  return tch_conv2d(x[0], x[1], x[2], OPTIONS(s), y);
}
static tch_status input_grad(tch_tensor *const *x, void *context, tch_tensor **y) {
  const shape *s = context;
  return tch_conv2d_input_grad(x[0], x[1], s->in, 2, OPTIONS(s), y);
}
static tch_status weight_grad(tch_tensor *const *x, void *context, tch_tensor **y) {
  const shape *s = context;
  return tch_conv2d_weight_grad(x[0], x[1], s->kernel, 2, OPTIONS(s), y);
}
static tch_status transposed(tch_tensor *const *x, void *context, tch_tensor **y) {
  const shape *s = context;
  return tch_conv_transpose2d(x[0], x[1], x[2], OPTIONS(s), (int64_t[]){1, 0}, 2, y);
}

static void gradients_agree_with_differences(void **state) {
  shape s = {.n = 2,
             .c = 4,
             .o = 2,
             .groups = 2,
             .in = {6, 4},
             .kernel = {3, 2},
             .stride = {2, 1},
             .pad = {1, 1},
             .dilation = {1, 2},
             .out = {3, 4}};
  tch_tensor *x = random_tensor(TCH_DOUBLE, 4, (int64_t[]){2, 4, 6, 4}, false);
  tch_tensor *w = random_tensor(TCH_DOUBLE, 4, (int64_t[]){2, 2, 3, 2}, false);
  tch_tensor *y = random_tensor(TCH_DOUBLE, 4, (int64_t[]){2, 2, 3, 4}, false);
  tch_tensor *b = random_tensor(TCH_DOUBLE, 1, (int64_t[]){2}, false),
             *b4 = random_tensor(TCH_DOUBLE, 1, (int64_t[]){4}, false);
  tch_tensor *all[] = {x, w, b, y, b4};
  gradcheck(conv, &s, (tch_tensor *[]){x, w, b}, 3);
  for (int i = 0; i < 3; i++) ok(tch_set_grad(all[i], NULL));
  gradcheck(input_grad, &s, (tch_tensor *[]){y, w}, 2);
  for (int i = 0; i < 4; i++) ok(tch_set_grad(all[i], NULL));
  gradcheck(weight_grad, &s, (tch_tensor *[]){x, y}, 2);
  for (int i = 0; i < 4; i++) ok(tch_set_grad(all[i], NULL));
  gradcheck(transposed, &s, (tch_tensor *[]){y, w, b4}, 3);
  for (int i = 0; i < 5; i++) tch_tensor_release(all[i]);
}

/* -- what is refused ---------------------------------------------------------------------------------------------- */

static tch_tensor *zeros(int ndim, const int64_t *size) {
  tch_tensor *t = NULL;
  ok(tch_tensor_new(TCH_FLOAT, ndim, size, &t));
  ok(tch_tensor_fill(t, 0));
  return t;
}

static void misfits_are_named(void **state) {
  tch_tensor *x = zeros(4, (int64_t[]){64, 1, 28, 28}), *w = zeros(4, (int64_t[]){32, 3, 3, 3}), *y = NULL;
  tch_tensor *w1 = zeros(4, (int64_t[]){4, 1, 3, 3}), *b = zeros(1, (int64_t[]){5}),
             *flat = zeros(2, (int64_t[]){3, 3});
  int64_t none[] = {0}, huge[] = {(int64_t) 1 << 30}, many[] = {1, 1, 1};
#define CONV(x, w, b, stride, pad, dilation, groups)                                                                   \
  tch_conv2d(x, w, b, stride, stride != NULL, pad, pad != NULL, dilation, dilation != NULL, groups, &y)
  const int64_t *no = NULL;
  refused(CONV(x, w, NULL, no, no, no, 1), TCH_ERROR_SHAPE,
          "conv2d: weight has 3 input planes, input has 1 (input 64x1x28x28, weight 32x3x3x3)");
  refused(CONV(x, w1, b, no, no, no, 1), TCH_ERROR_SHAPE, "bias is 5, but one number for each of the 4 output planes");
  refused(CONV(flat, w1, NULL, no, no, no, 1), TCH_ERROR_SHAPE, "x is 3x3, but images (N,C,H,W) or one image (C,H,W)");
  refused(CONV(x, flat, NULL, no, no, no, 1), TCH_ERROR_SHAPE, "weight is 3x3, but 4 dimensions are needed");
  refused(CONV(x, w1, NULL, none, no, no, 1), TCH_ERROR_VALUE, "stride is 0, but must be 1 or more");
  refused(CONV(x, w1, NULL, no, no, none, 1), TCH_ERROR_VALUE, "dilation is 0");
  refused(CONV(x, w1, NULL, no, no, no, 0), TCH_ERROR_VALUE, "groups is 0");
  refused(CONV(x, w1, NULL, no, no, no, 3), TCH_ERROR_SHAPE,
          "4 planes of weight (4x1x3x3) cannot be cut into 3 groups");
  refused(CONV(x, w1, NULL, no, huge, no, 1), TCH_ERROR_VALUE, "more than 2^46 elements");
  refused(CONV(x, w1, NULL, no, no, huge, 1), TCH_ERROR_SHAPE, "kernel 3x3 with its dilation is larger than the input");
  refused(tch_conv2d(x, w1, NULL, many, 3, NULL, 0, NULL, 0, 1, &y), TCH_ERROR_VALUE, "stride has 3 entries");
  refused(tch_conv_transpose2d(x, w, NULL, NULL, 0, NULL, 0, NULL, 0, 1, NULL, 0, &y), TCH_ERROR_SHAPE,
          "weight takes 32 planes, input has 1");
  refused(tch_conv_transpose2d(x, w1, NULL, NULL, 0, NULL, 0, NULL, 0, 1, (int64_t[]){1}, 1, &y), TCH_ERROR_VALUE,
          "output_pad is 1, but must be less than stride (1) or dilation (1)");
  assert_null(y);
  tch_tensor *all[] = {x, w, w1, b, flat};
  for (int i = 0; i < 5; i++) tch_tensor_release(all[i]);
}

static void failing_memory_leaves_nothing(const int64_t ws[4]) {
  int64_t xs[] = {2, 3, 9, 9}, pad[] = {1};
  tch_tensor *x = zeros(4, xs), *w = zeros(4, ws), *y = NULL;
  int64_t used = tch_memory_used();
  int failures = 0;
  for (int n = 1; n < 40; n++) {
    tch_memory_trim();
    tch_memory_fail_after(n);
    tch_status status = tch_conv2d(x, w, NULL, NULL, 0, pad, 1, NULL, 0, 1, &y);
    tch_memory_fail_after(0);
    if (status == TCH_OK) break;
    assert_int_equal(status, TCH_ERROR_MEMORY);
    assert_null(y);
    assert_int_equal(tch_memory_used(), used);
    failures++;
  }
  assert_true(failures > 3);
  assert_non_null(y);
  tch_tensor_release(y);
  tch_tensor_release(x);
  tch_tensor_release(w);
}

static void failing_memory_leaves_nothing_behind(void **state) {
  failing_memory_leaves_nothing((int64_t[]){4, 3, 3, 3});
  failing_memory_leaves_nothing((int64_t[]){20, 3, 1, 1});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(convolution_is_its_definition),        cmocka_unit_test(threads_do_not_change_a_bit),
      cmocka_unit_test(gradients_agree_with_differences),     cmocka_unit_test(misfits_are_named),
      cmocka_unit_test(failing_memory_leaves_nothing_behind), cmocka_unit_test(large_batches_are_their_images),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
