/* Every row of elementwise.def, on every instruction set this processor has: values against the C library, gradients against
 * differences, vectors against single elements, strides against rows. */
#include "check.h"
#include "core/cpu.h"
#include "core/dtype.h"
#include "kernel/elementwise.h"
#include "random_tensor.h"
#include <stdio.h>

TCH_KERNEL_FAMILY(elementwise)

enum { N = 67 };

/* -- the rows, by name ---------------------------------------------------------------------------------------------- */

#define UNARY(name, ...) #name,
#define BINARY(name, ...)
#define TERNARY(name, ...)
#define COMPARE(name, ...)
static const char *const unary_names[] = {
#include "kernel/elementwise.def"
};
#undef UNARY
#undef BINARY
#define UNARY(name, ...)
#define BINARY(name, ...) #name,
static const char *const binary_names[] = {
#include "kernel/elementwise.def"
};
#undef BINARY
#undef TERNARY
#define BINARY(name, ...)
#define TERNARY(name, ...) #name,
static const char *const ternary_names[] = {
#include "kernel/elementwise.def"
};

static bool is(const char *name, const char *other) { return strcmp(name, other) == 0; }

/* -- running a row --------------------------------------------------------------------------------------------------- */

static const double parameters[] = {0.7, 1.3};
static const int64_t ones[] = {1, 1, 1, 1, 1};

static double call(tch_element_row *row, int n, const double *in, const double *ab) {
  double out, copy[4];
  void *p[5] = {&out};
  for (int i = 0; i < n; i++) {
    copy[i] = in[i];
    p[i + 1] = &copy[i];
  }
  row(1, 1, p, ones, ones, ab);
  return out;
}

static void every_isa(void (*check)(void)) {
  tch_isa was = tch_cpu_isa();
  for (int isa = 0; isa < TCH_ISA_COUNT; isa++) {
    if (!tch_cpu_supports((tch_isa) isa)) continue;
    tch_cpu_use((tch_isa) isa);
    check();
  }
  tch_cpu_use(was);
}

/* -- elementary functions, in units in the last place ----------------------------------------------------------------- */

typedef struct reference {
  int op;
  double (*f)(double);
  double low, high, ulps;
} reference;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double cube_root_like(double x) { return 1 / sqrt(x); }

static const reference references[] = {
    {TCH_UNARY_exp, exp, -700, 700, 2},       {TCH_UNARY_exp, exp, -1, 1, 2},         {TCH_UNARY_expm1, expm1, -30, 80, 3},
    {TCH_UNARY_expm1, expm1, -1, 1, 3},       {TCH_UNARY_log, log, 1e-300, 1e-290, 2}, {TCH_UNARY_log, log, 0.5, 2, 2},
    {TCH_UNARY_log, log, 2, 1e30, 2},         {TCH_UNARY_log1p, log1p, -0.9, 3, 3},   {TCH_UNARY_log1p, log1p, -1e-9, 1e-9, 2},
    {TCH_UNARY_tanh, tanh, -10, 10, 4},       {TCH_UNARY_tanh, tanh, -0.01, 0.01, 4}, {TCH_UNARY_sqrt, sqrt, 0, 1e9, 1},
    {TCH_UNARY_sigmoid, sigmoid, -30, 30, 4}, {TCH_UNARY_rsqrt, cube_root_like, 1e-9, 1e9, 2},
    {TCH_UNARY_erf, erf, -3, 3, 2},           {TCH_UNARY_floor, floor, -9, 9, 0},     {TCH_UNARY_ceil, ceil, -9, 9, 0},
    {TCH_UNARY_trunc, trunc, -9, 9, 0},       {TCH_UNARY_sin, sin, -50, 50, 1},       {TCH_UNARY_tan, tan, -1.5, 1.5, 1},
};

static double unit_double(double x) { return fmax(nextafter(fabs(x), INFINITY) - fabs(x), 5e-324); }
static double unit_float(double x) { return (double) fmaxf(nextafterf((float) fabs(x), INFINITY) - (float) fabs(x), 1e-45f); }

static void check_reference(const reference *r) {
  enum { POINTS = 4001 };
  double xd[POINTS], yd[POINTS];
  float xf[POINTS], yf[POINTS];
  for (int i = 0; i < POINTS; i++) xf[i] = (float) (xd[i] = r->low + (r->high - r->low) * i / (POINTS - 1));
  tch_elementwise_table(TCH_DOUBLE)->unary[r->op](POINTS, 1, (void *[]) {yd, xd}, ones, ones, parameters);
  tch_elementwise_table(TCH_FLOAT)->unary[r->op](POINTS, 1, (void *[]) {yf, xf}, ones, ones, parameters);
  for (int i = 0; i < POINTS; i++) {
    double want = r->f(xd[i]), want_f = r->f(xf[i]);
    if (!(fabs(yd[i] - want) <= r->ulps * unit_double(want)))
      fail_msg("%s %s(%.17g) is %.17g, not %.17g", tch_cpu_name(), unary_names[r->op], xd[i], yd[i], want);
    if (fabs(want_f) < 3.4e38 && !(fabs(yf[i] - want_f) <= (r->ulps + 0.5) * unit_float(want_f)))
      fail_msg("%s float %s(%.9g) is %.9g, not %.9g", tch_cpu_name(), unary_names[r->op], (double) xf[i], (double) yf[i], want_f);
  }
}

static void check_references(void) {
  for (size_t i = 0; i < sizeof references / sizeof *references; i++) check_reference(&references[i]);
}

static void elementary_functions_agree_with_the_library(void **state) { every_isa(check_references); }

/* -- special values ----------------------------------------------------------------------------------------------------- */

static void special(int op, double x, double want) {
  double y = call(tch_elementwise_table(TCH_DOUBLE)->unary[op], 1, &x, parameters);
  float xf = (float) x, yf;
  tch_elementwise_table(TCH_FLOAT)->unary[op](1, 1, (void *[]) {&yf, &xf}, ones, ones, parameters);
  if (isnan(want) ? !isnan(y) || !isnan(yf) : y != want || signbit(y) != signbit(want) || (double) yf != want)
    fail_msg("%s %s(%g) is %g and %g, not %g", tch_cpu_name(), unary_names[op], x, y, (double) yf, want);
}

static void check_specials(void) {
  static const int carries_nan[] = {TCH_UNARY_exp,  TCH_UNARY_expm1,   TCH_UNARY_log,  TCH_UNARY_log1p, TCH_UNARY_tanh,
                                    TCH_UNARY_sqrt, TCH_UNARY_sigmoid, TCH_UNARY_relu, TCH_UNARY_abs,   TCH_UNARY_erf,
                                    TCH_UNARY_clamp, TCH_UNARY_floor,  TCH_UNARY_silu, TCH_UNARY_log_sigmoid};
  for (size_t i = 0; i < sizeof carries_nan / sizeof *carries_nan; i++) special(carries_nan[i], NAN, NAN);
  special(TCH_UNARY_exp, INFINITY, INFINITY);
  special(TCH_UNARY_exp, -INFINITY, 0);
  special(TCH_UNARY_exp, 0, 1);
  special(TCH_UNARY_exp, 1e4, INFINITY);
  special(TCH_UNARY_exp, -1e4, 0);
  special(TCH_UNARY_expm1, -INFINITY, -1);
  special(TCH_UNARY_expm1, INFINITY, INFINITY);
  special(TCH_UNARY_expm1, -0.0, -0.0);
  special(TCH_UNARY_log, 0, -INFINITY);
  special(TCH_UNARY_log, 1, 0);
  special(TCH_UNARY_log, -1, NAN);
  special(TCH_UNARY_log, INFINITY, INFINITY);
  special(TCH_UNARY_log1p, -1, -INFINITY);
  special(TCH_UNARY_log1p, INFINITY, INFINITY);
  special(TCH_UNARY_tanh, INFINITY, 1);
  special(TCH_UNARY_tanh, -INFINITY, -1);
  special(TCH_UNARY_tanh, -0.0, -0.0);
  special(TCH_UNARY_sigmoid, -INFINITY, 0);
  special(TCH_UNARY_sigmoid, INFINITY, 1);
  special(TCH_UNARY_log_sigmoid, -1e4, -1e4);
  special(TCH_UNARY_sqrt, -1, NAN);
  special(TCH_UNARY_relu, -3, 0);
}

static void special_values(void **state) { every_isa(check_specials); }

static void check_denormals(void) {
  double x = 5e-310, small = -709.5;
  close_to(call(tch_elementwise_table(TCH_DOUBLE)->unary[TCH_UNARY_log], 1, &x, parameters), log(5e-310), 1e-14);
  double y = call(tch_elementwise_table(TCH_DOUBLE)->unary[TCH_UNARY_exp], 1, &small, parameters);
  assert_true(fabs(y / exp(-709.5) - 1) < 1e-12);
  float xf = 3e-40f, yf, smallf = -100;
  tch_elementwise_table(TCH_FLOAT)->unary[TCH_UNARY_log](1, 1, (void *[]) {&yf, &xf}, ones, ones, parameters);
  close_to(yf, log((double) xf), 1e-6);
  tch_elementwise_table(TCH_FLOAT)->unary[TCH_UNARY_exp](1, 1, (void *[]) {&yf, &smallf}, ones, ones, parameters);
  assert_true(fabs(yf - exp(-100)) <= 2e-45);
}

static void denormal_numbers(void **state) { every_isa(check_denormals); }

/* -- gradients against central differences -------------------------------------------------------------------------------- */

static bool steps(const char *name) { /* constant between jumps, where differences say nothing */
  return is(name, "sign") || is(name, "floor") || is(name, "ceil") || is(name, "round") || is(name, "trunc");
}

static void check_close(const char *name, const char *what, double x, double got, double want) {
  if (!(fabs(got - want) <= 2e-6 * (1 + fabs(want))))
    fail_msg("%s: %s %s at %g is %.10g, differences give %.10g", tch_cpu_name(), name, what, x, got, want);
}

/* Points of an open interval on which every row is defined and none has a kink. */
static const double points[] = {0.05, 0.11, 0.23, 0.38, 0.46, 0.59, 0.83, 0.95};

static void check_unary_gradients(void) {
  const tch_elementwise_kernels *t = tch_elementwise_table(TCH_DOUBLE);
  const double h = 1e-5, g = 0.6;
  for (int op = 0; op < TCH_UNARY_COUNT; op++) {
    if (steps(unary_names[op]) || is(unary_names[op], "remainder_scalar") || is(unary_names[op], "fmod_scalar")) continue;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
      double x[] = {points[i], points[i] - h, points[i] + h}, y[3], d[3];
      for (int k = 0; k < 3; k++) y[k] = call(t->unary[op], 1, &x[k], parameters);
      for (int k = 0; k < 3; k++) d[k] = call(t->unary_grad[op], 3, (double[]) {g, x[k], y[k]}, parameters);
      check_close(unary_names[op], "gradient", x[0], d[0], g * (y[2] - y[1]) / (2 * h));
      double second = call(t->unary_grad2[op], 3, (double[]) {g, x[0], y[0]}, parameters);
      check_close(unary_names[op], "second gradient", x[0], second, (d[2] - d[1]) / (2 * h));
    }
  }
}

static void gradients_of_one_operand(void **state) { every_isa(check_unary_gradients); }

static void check_many(const char *name, tch_element_row *f, tch_element_row *const *d, int n) {
  const double h = 1e-5, g = 0.6;
  const double at[][3] = {{0.3, 0.8, 0.5}, {0.9, 0.2, 1.7}, {0.62, 0.41, 0.33}};
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < n; k++) {
      double low[3], high[3], in[4] = {g, at[i][0], at[i][1], n > 2 ? at[i][2] : call(f, 2, at[i], parameters)};
      memcpy(low, at[i], sizeof low);
      memcpy(high, at[i], sizeof high);
      low[k] -= h;
      high[k] += h;
      double want = g * (call(f, n, high, parameters) - call(f, n, low, parameters)) / (2 * h);
      check_close(name, k == 0 ? "dx" : k == 1 ? "dy" : "dz", at[i][k], call(d[k], 4, in, parameters), want);
    }
}

static void check_binary_gradients(void) {
  const tch_elementwise_kernels *t = tch_elementwise_table(TCH_DOUBLE);
  for (int op = 0; op < TCH_BINARY_COUNT; op++) check_many(binary_names[op], t->binary[op], t->binary_grad[op], 2);
  for (int op = 0; op < TCH_TERNARY_COUNT; op++) check_many(ternary_names[op], t->ternary[op], t->ternary_grad[op], 3);
}

static void gradients_of_two_and_three_operands(void **state) { every_isa(check_binary_gradients); }

/* -- how the work is cut and laid out makes no difference ------------------------------------------------------------------ */

static void same_bits(const char *name, const double *a, const double *b, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i])))
      fail_msg("%s %s: entry %d of %d is %.17g or %.17g", tch_cpu_name(), name, (int) i, (int) n, a[i], b[i]);
}

/* One row on n entries: whole, one by one, and with strides. */
static void check_layout(const char *name, tch_element_row *row, int nin, int64_t n) {
  double in[4][N], spread[4][3 * N], out[N], single[N], wide[2 * N], narrow[N];
  void *p[5] = {out};
  int64_t stride[5] = {2};
  for (int k = 0; k < nin; k++) {
    for (int i = 0; i < n; i++) in[k][i] = spread[k][(k % 3 + 1) * i] = 0.013 * i + 0.1 * (k + 1);
    p[k + 1] = in[k];
    stride[k + 1] = k % 3 + 1;
  }
  row(n, 1, p, ones, ones, parameters);
  for (int i = 0; i < n; i++) {
    void *q[5] = {&single[i]};
    for (int k = 0; k < nin; k++) q[k + 1] = &in[k][i];
    row(1, 1, q, ones, ones, parameters);
  }
  same_bits(name, out, single, n);
  p[0] = wide;
  for (int k = 0; k < nin; k++) p[k + 1] = spread[k];
  row(n, 1, p, stride, stride, parameters);
  for (int i = 0; i < n; i++) narrow[i] = wide[2 * i];
  same_bits(name, out, narrow, n);
}

/* Rows of n elements, `pitch` places apart, alike in all operands: what they give one by one, and nothing between is written. */
static void check_rows(const char *name, tch_element_row *row, int nin, int64_t n, int64_t rows, int64_t pitch, int64_t shift) {
  enum { MOST = 1024 };
  static double in[4][MOST], out[MOST];
  int64_t step[5], next[5], span = (rows - 1) * pitch + n;
  void *p[5] = {out + shift};
  assert_true(shift + span < MOST);
  for (int k = 0; k < nin; k++) {
    for (int i = 0; i < MOST; i++) in[k][i] = 0.003 * i + 0.1 * (k + 1);
    p[k + 1] = in[k] + shift;
  }
  for (int k = 0; k <= nin; k++) step[k] = n == 1 ? pitch : 1, next[k] = pitch;
  for (int i = 0; i < MOST; i++) out[i] = -77;
  if (n == 1) row(rows, 1, p, step, step, parameters);
  else row(n, rows, p, step, next, parameters);
  for (int64_t i = -shift; i < span + 1; i++) {
    double want = -77, got = out[shift + i];
    void *q[5] = {&want};
    for (int k = 0; k < nin; k++) q[k + 1] = &in[k][shift + i];
    if (i >= 0 && i < span && i % pitch < n) row(1, 1, q, ones, ones, parameters);
    if (memcmp(&want, &got, sizeof want) != 0 && !(isnan(want) && isnan(got)))
      fail_msg("%s %s: place %d of %dx%d, pitch %d, is %.17g, not %.17g", tch_cpu_name(), name, (int) i, (int) rows, (int) n,
               (int) pitch, got, want);
  }
}

static void check_combs(void) {
  static const int64_t shapes[][4] = {{1, 70, 2, 0}, {1, 55, 3, 1}, {1, 9, 4, 3}, {3, 40, 8, 5}, {3, 5, 7, 2}, {5, 31, 9, 6},
                                      {20, 12, 31, 4}, {8, 7, 32, 7}, {9, 40, 11, 3}, {2, 3, 40, 1}, {67, 5, 71, 0}};
  const tch_elementwise_kernels *t = tch_elementwise_table(TCH_DOUBLE);
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const int64_t *s = shapes[i];
    for (int op = (int) i % 3; op < TCH_UNARY_COUNT; op += 3)
      check_rows(unary_names[op], t->unary[op], 1, s[0], s[1], s[2], s[3]);
    for (int op = 0; op < TCH_BINARY_COUNT; op++) check_rows(binary_names[op], t->binary[op], 2, s[0], s[1], s[2], s[3]);
    for (int op = 0; op < TCH_TERNARY_COUNT; op++) check_rows(ternary_names[op], t->ternary[op], 3, s[0], s[1], s[2], s[3]);
  }
}

static void rows_with_gaps_leave_the_gaps(void **state) { every_isa(check_combs); }

/* Planes whose operands lie in any ways, in memory that ends where they end: what they give one by one, in the same places. */
static void check_plane(const char *name, tch_element_row *row, int nin, size_t result) {
  int64_t n = random_from(1, random_below(3) ? 40 : 700), rows = random_from(1, 9), step[5], next[5], shift = random_below(8);
  int64_t comb = random_below(3), pitch = n;
  bool gaps = random_below(3) == 0;
  if (comb == 1) n = random_from(1, 12), rows = random_from(5, 300 / n), pitch = random_from(n + 1, 4 * n); /* of short rows */
  if (comb == 2) pitch = random_from(2, 4); /* of single elements */
  char *p[5], *want;
  size_t bytes = 0;
  for (int k = nin; k >= 0; k--) {
    size_t each = k == 0 ? result : sizeof(double);
    step[k] = gaps ? random_from(k == 0, 4) : k > 0 && random_below(3) == 0 ? 0 : 1;
    next[k] = step[k] * n + (random_below(2) ? random_below(20) : 0);
    if (k > 0 && random_below(3) == 0) next[k] = 0;
    if (comb == 1) step[k] = next[k] > 0, next[k] = step[k] == 0 ? 0 : random_below(2) ? pitch : n;
    if (comb == 2) step[k] = random_below(4) ? pitch : step[k] < 2 ? step[k] : 1, next[k] = step[k] * n + random_below(20);
    bytes = (size_t) (shift + (rows - 1) * next[k] + (n - 1) * step[k] + 1) * each;
    p[k] = malloc(bytes);
    memset(p[k], 7, bytes);
    for (size_t i = 0; k > 0 && i < bytes / sizeof(double); i++) ((double *) p[k])[i] = (double) random_from(1, 40) / 16;
    p[k] += (size_t) shift * each;
  }
  want = (char *) malloc(bytes) + (size_t) shift * result;
  memset(want - (size_t) shift * result, 7, bytes);
  for (int64_t i = 0; i < n * rows; i++) {
    void *q[5] = {want + (size_t) (i / n * next[0] + i % n * step[0]) * result};
    for (int k = 1; k <= nin; k++) q[k] = p[k] + (i / n * next[k] + i % n * step[k]) * (int64_t) sizeof(double);
    row(1, 1, q, ones, ones, parameters);
  }
  row(n, rows, (void *const *) p, step, next, parameters);
  want -= (size_t) shift * result;
  for (int k = 0; k <= nin; k++) p[k] -= (size_t) shift * (k == 0 ? result : sizeof(double));
  if (memcmp(want, p[0], bytes) != 0) fail_msg("%s %s: a plane of %dx%d", tch_cpu_name(), name, (int) rows, (int) n);
  free(want);
  for (int k = 0; k <= nin; k++) free(p[k]);
}

static void check_planes(void) {
  const tch_elementwise_kernels *t = tch_elementwise_table(TCH_DOUBLE);
  for (int round = 0; round < 60; round++) {
    check_plane("exp", t->unary[TCH_UNARY_exp], 1, sizeof(double));
    check_plane("sub", t->binary[TCH_BINARY_sub], 2, sizeof(double));
    check_plane("addcmul", t->ternary[TCH_TERNARY_addcmul], 3, sizeof(double));
    check_plane("gt", t->compare[TCH_COMPARE_gt], 2, 1);
    check_plane("ne", t->compare[TCH_COMPARE_ne], 2, 1);
  }
}

static void planes_of_any_strides(void **state) { every_isa(check_planes); }

static void check_layouts(void) {
  const tch_elementwise_kernels *t = tch_elementwise_table(TCH_DOUBLE);
  for (int64_t n = 1; n <= N; n += n < 20 ? 1 : 23) {
    for (int op = 0; op < TCH_UNARY_COUNT; op++) {
      check_layout(unary_names[op], t->unary[op], 1, n);
      check_layout(unary_names[op], t->unary_grad[op], 3, n);
    }
    for (int op = 0; op < TCH_BINARY_COUNT; op++) check_layout(binary_names[op], t->binary[op], 2, n);
    for (int op = 0; op < TCH_TERNARY_COUNT; op++) check_layout(ternary_names[op], t->ternary[op], 3, n);
  }
}

static void cuts_and_strides_change_no_bit(void **state) { every_isa(check_layouts); }

/* -- instruction sets and types agree ---------------------------------------------------------------------------------------- */

static void types_and_instruction_sets_agree(void **state) {
  tch_isa was = tch_cpu_isa();
  for (int op = 0; op < TCH_UNARY_COUNT; op++) {
    double x[N], base[N], y[N];
    float xf[N], yf[N];
    for (int i = 0; i < N; i++) x[i] = xf[i] = (float) (0.017 * i + 0.013);
    for (int isa = 0; isa < TCH_ISA_COUNT; isa++) {
      if (!tch_cpu_supports((tch_isa) isa)) continue;
      tch_cpu_use((tch_isa) isa);
      tch_elementwise_table(TCH_DOUBLE)->unary[op](N, 1, (void *[]) {isa ? y : base, x}, ones, ones, parameters);
      tch_elementwise_table(TCH_FLOAT)->unary[op](N, 1, (void *[]) {yf, xf}, ones, ones, parameters);
      bool jumps = steps(unary_names[op]) || is(unary_names[op], "remainder_scalar") || is(unary_names[op], "fmod_scalar");
      for (int i = 0; i < N; i++) {
        if (isnan(base[i])) continue;
        if (isa) close_to(y[i], base[i], 1e-13);
        if (!jumps) close_to(yf[i], base[i], 3e-6);
      }
    }
  }
  tch_cpu_use(was);
}

/* -- views: an op on a view gives what it gives on the view's copy ------------------------------------------------------------ */

static void compare_views(tch_dtype type, int64_t a, int64_t b, int64_t n, const int64_t *order) {
  int64_t size[] = {a, b, n};
  tch_tensor *base = NULL, *x = NULL, *copy = NULL, *y = NULL, *row = NULL, *got = NULL, *want = NULL;
  ok(tch_tensor_new(type, 3, size, &base));
  ok(tch_tensor_random(base, -60, 60, NULL));
  ok(tch_permute(base, order, 3, &x));
  ok(tch_clone(x, &copy));
  ok(tch_tensor_new(type, 3, (int64_t[]) {tch_tensor_size(x, 0), tch_tensor_size(x, 1), tch_tensor_size(x, 2)}, &y));
  ok(tch_tensor_random(y, 1, 90, NULL));
  ok(tch_slice(y, 1, 0, 1, 1, &row)); /* stretches along dimension 1 */
  for (int k = 0; k < 4; k++) {
    got = want = NULL;
    ok(k == 0 ? tch_add(x, y, 3, &got) : k == 1 ? tch_mul(y, x, &got) : k == 2 ? tch_sub(x, row, 1, &got) : tch_abs(x, &got));
    ok(k == 0   ? tch_add(copy, y, 3, &want)
       : k == 1 ? tch_mul(y, copy, &want)
       : k == 2 ? tch_sub(copy, row, 1, &want)
                : tch_abs(copy, &want));
    assert_memory_equal(tch_tensor_data(got), tch_tensor_data(want), (size_t) (a * b * n * tch_dtype_bytes(type)));
    tch_tensor_release(got);
    tch_tensor_release(want);
  }
  /* into a view, in place */
  ok(tch_mul(x, y, &x));
  ok(tch_mul(copy, y, &copy));
  got = NULL;
  ok(tch_clone(x, &got));
  assert_memory_equal(tch_tensor_data(got), tch_tensor_data(copy), (size_t) (a * b * n * tch_dtype_bytes(type)));
  tch_tensor *all[] = {base, x, copy, y, row, got};
  for (int k = 0; k < 6; k++) tch_tensor_release(all[k]);
}

static void views_and_their_copies_agree(void **state) {
  static const int64_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {2, 1, 0}, {1, 2, 0}, {1, 0, 2}};
  for (int type = 0; !tch_dtype_stored((tch_dtype) type); type++)
    for (int k = 0; k < 5; k++) {
      compare_views((tch_dtype) type, 3, 5, 7, orders[k]);
      compare_views((tch_dtype) type, 2, 67, 41, orders[k]);
      compare_views((tch_dtype) type, 33, 70, 64, orders[k]);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elementary_functions_agree_with_the_library),
      cmocka_unit_test(special_values),
      cmocka_unit_test(denormal_numbers),
      cmocka_unit_test(gradients_of_one_operand),
      cmocka_unit_test(gradients_of_two_and_three_operands),
      cmocka_unit_test(cuts_and_strides_change_no_bit),
      cmocka_unit_test(rows_with_gaps_leave_the_gaps),
      cmocka_unit_test(planes_of_any_strides),
      cmocka_unit_test(types_and_instruction_sets_agree),
      cmocka_unit_test(views_and_their_copies_agree),
  };
  return cmocka_run_group_tests_name("elementwise", tests, NULL, NULL);
}
