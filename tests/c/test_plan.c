/* Plans against the ops that they stand for, in double: random networks with odd sizes, every instruction set; the same bits for any
 * number of threads and any batch; what is refused; memory that runs out at every place. */
#include "random_tensor.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "tocha_ops.h"

enum { MOST = 24 };

/* A network in both forms: values of the plan, and the same in double. */
typedef struct trial {
  tch_plan *plan;
  int n, id[MOST];
  tch_tensor *want[MOST];
} trial;

static tch_tensor *as(tch_dtype type, tch_tensor *t) {
  tch_tensor *copy = NULL;
  ok(tch_tensor_new(type, tch_tensor_dim(t),
                    (int64_t[]){tch_tensor_size(t, 0), tch_tensor_dim(t) > 1 ? tch_tensor_size(t, 1) : 0,
                                tch_tensor_dim(t) > 2 ? tch_tensor_size(t, 2) : 0,
                                tch_tensor_dim(t) > 3 ? tch_tensor_size(t, 3) : 0},
                    &copy));
  ok(tch_tensor_copy(copy, t));
  return copy;
}

static int64_t size_of(const trial *t, int v, int d) { return tch_tensor_size(t->want[v], d); }

static void append(trial *t, int id, tch_tensor *want) {
  t->id[t->n] = id;
  t->want[t->n++] = want;
  assert_true(t->n < MOST);
}

static void begin(trial *t, tch_tensor *x) {
  bool flat = tch_tensor_dim(x) == 2;
  *t = (trial){.n = 0};
  ok(tch_plan_new(tch_tensor_size(x, 1), flat ? 1 : tch_tensor_size(x, 2), flat ? 1 : tch_tensor_size(x, 3), flat,
                  &t->plan));
  append(t, 0, as(TCH_DOUBLE, x));
}

static void end(trial *t) {
  for (int i = 0; i < t->n; i++) tch_tensor_release(t->want[i]);
  tch_plan_free(t->plan);
}

/* Random weights whose sums stay near 1. */
static tch_tensor *weights(int ndim, const int64_t *size) {
  tch_tensor *w = random_tensor(TCH_FLOAT, ndim, size, false);
  int64_t depth = 1;
  for (int d = 1; d < ndim; d++) depth *= size[d];
  ok(tch_mul_scalar(w, 1 / sqrt((double) depth), &w));
  return w;
}

static void conv(trial *t, int v, int64_t k, const int64_t g[8], int64_t groups) {
  tch_tensor *w = weights(4, (int64_t[]){k, size_of(t, v, 1) / groups, g[0], g[1]}),
             *b = random_below(3) ? random_tensor(TCH_FLOAT, 1, &k, false) : NULL;
  tch_tensor *w2 = as(TCH_DOUBLE, w), *b2 = b ? as(TCH_DOUBLE, b) : NULL, *y = NULL;
  int id;
  ok(tch_plan_conv(t->plan, t->id[v], w, b, g, groups, &id));
  ok(tch_conv2d(t->want[v], w2, b2, g + 2, 2, g + 4, 2, g + 6, 2, groups, &y));
  append(t, id, y);
  tch_tensor *all[] = {w, b, w2, b2};
  for (int i = 0; i < 4; i++) tch_tensor_release(all[i]);
}

static void random_conv(trial *t, int v) {
  static const int64_t planes[] = {1, 3, 8, 16, 17, 24, 32, 40, 70};
  int64_t c = size_of(t, v, 1), k = planes[random_below(9)], groups = 1, g[8];
  int kind = (int) random_below(4);
  if (kind == 0) groups = k = c; /* depthwise */
  else if (kind == 1 && c % 4 == 0) groups = 4, k = 4 * random_from(1, 9);
  bool three = random_below(2), plain = random_below(2);
  for (int d = 0; d < 2; d++) {
    g[d] = three ? 3 : random_from(1, 4);
    g[6 + d] = plain || size_of(t, v, 2 + d) < 10 ? 1 : random_from(1, 2);
    while (g[6 + d] * (g[d] - 1) >= size_of(t, v, 2 + d)) g[d]--;
    g[2 + d] = plain ? 1 : random_from(1, 3);
    g[4 + d] = random_below(2) ? g[d] / 2 : random_from(0, 2);
  }
  conv(t, v, k, g, groups);
}

static void scale(trial *t, int v) {
  int64_t c = size_of(t, v, 1), shape[] = {1, c, 1, 1};
  int dims = tch_tensor_dim(t->want[v]), id;
  tch_tensor *s = random_tensor(TCH_FLOAT, 1, &c, false), *b = random_tensor(TCH_FLOAT, 1, &c, false), *y = NULL;
  tch_tensor *s1 = as(TCH_DOUBLE, s), *b1 = as(TCH_DOUBLE, b), *s2 = NULL, *b2 = NULL;
  ok(tch_plan_scale(t->plan, t->id[v], s, b, &id));
  ok(tch_reshape(s1, shape, dims, &s2));
  ok(tch_reshape(b1, shape, dims, &b2));
  ok(tch_mul(t->want[v], s2, &y));
  ok(tch_add(y, b2, 1, &y));
  append(t, id, y);
  tch_tensor *all[] = {s, b, s1, b1, s2, b2};
  for (int i = 0; i < 6; i++) tch_tensor_release(all[i]);
}

static void bound(trial *t, int v) {
  tch_tensor *y = NULL;
  int id;
  double high = random_below(2) ? 1 : INFINITY;
  ok(tch_plan_bound(t->plan, t->id[v], 0, high, &id));
  ok(tch_clamp(t->want[v], 0, high, &y));
  append(t, id, y);
}

static void unary(trial *t, int v) {
  tch_tensor *y = NULL;
  int id;
  if (random_below(2)) {
    ok(tch_plan_unary(t->plan, t->id[v], "tanh", 0, 0, &id));
    ok(tch_tanh(t->want[v], &y));
  } else {
    ok(tch_plan_unary(t->plan, t->id[v], "leaky_relu", 0.125, 0, &id));
    ok(tch_leaky_relu(t->want[v], 0.125, &y));
  }
  append(t, id, y);
}

static void pool(trial *t, int v) {
  int64_t h = size_of(t, v, 2), w = size_of(t, v, 3), g[] = {random_from(1, h < 3 ? h : 3),
                                                             random_from(1, w < 3 ? w : 3),
                                                             random_from(1, 2),
                                                             random_from(1, 3),
                                                             0,
                                                             0,
                                                             1,
                                                             1};
  bool up = random_below(2), include = random_below(2);
  tch_tensor *y = NULL, *places = NULL;
  int id, kind = (int) random_below(4);
  if (g[0] > 1) g[4] = random_below(2);
  if (g[1] > 1) g[5] = random_below(2);
  if (kind == 0) {
    ok(tch_plan_pool(t->plan, t->id[v], false, g, up, true, &id));
    ok(tch_max_pool2d(t->want[v], g, 2, g + 2, 2, g + 4, 2, g + 6, 2, up, &y, &places));
  } else if (kind == 1) {
    ok(tch_plan_pool(t->plan, t->id[v], true, g, up, include, &id));
    ok(tch_avg_pool2d(t->want[v], g, 2, g + 2, 2, g + 4, 2, up, include, &y));
  } else {
    int64_t size[] = {random_from(1, 3), random_from(1, 3)};
    ok(tch_plan_adaptive(t->plan, t->id[v], kind == 2, size[0], size[1], &id));
    if (kind == 2) ok(tch_adaptive_avg_pool2d(t->want[v], size, 2, &y));
    else ok(tch_adaptive_max_pool2d(t->want[v], size, 2, &y, &places));
  }
  tch_tensor_release(places);
  append(t, id, y);
}

static bool alike(const trial *t, int a, int b, int from) {
  if (tch_tensor_dim(t->want[a]) != tch_tensor_dim(t->want[b])) return false;
  for (int d = from; d < tch_tensor_dim(t->want[a]); d++)
    if (size_of(t, a, d) != size_of(t, b, d)) return false;
  return true;
}

/* The sum or the join with an earlier value that fits. */
static bool meet(trial *t, int v) {
  for (int u = t->n - 1; u >= 0; u--) {
    tch_tensor *y = NULL;
    int id;
    if (u != v && alike(t, u, v, 1) && random_below(3)) {
      ok(tch_plan_add(t->plan, t->id[v], t->id[u], &id));
      ok(tch_add(t->want[v], t->want[u], 1, &y));
    } else if (u != v && alike(t, u, v, 2) && random_below(3) == 0) {
      ok(tch_plan_join(t->plan, (int32_t[]){t->id[u], t->id[v]}, 2, &id));
      ok(tch_cat((tch_tensor *[]){t->want[u], t->want[v]}, 2, 1, &y));
    } else continue;
    append(t, id, y);
    return true;
  }
  return false;
}

static void flatten(trial *t, int v) {
  int64_t f = size_of(t, v, 1) * size_of(t, v, 2) * size_of(t, v, 3);
  tch_tensor *y = NULL;
  int id;
  ok(tch_plan_flatten(t->plan, t->id[v], &id));
  ok(tch_reshape(t->want[v], (int64_t[]){size_of(t, v, 0), f}, 2, &y));
  append(t, id, y);
}

static void linear(trial *t, int v) {
  static const int64_t one[8] = {1, 1, 1, 1, 0, 0, 1, 1};
  int64_t k = random_from(1, 150);
  tch_tensor *w = weights(2, (int64_t[]){k, size_of(t, v, 1)}), *b = random_tensor(TCH_FLOAT, 1, &k, false), *y = NULL;
  tch_tensor *w2 = as(TCH_DOUBLE, w), *b2 = as(TCH_DOUBLE, b);
  int id;
  ok(tch_plan_conv(t->plan, t->id[v], w, b, one, 1, &id));
  ok(tch_linear(t->want[v], w2, b2, &y));
  append(t, id, y);
  tch_tensor *all[] = {w, b, w2, b2};
  for (int i = 0; i < 4; i++) tch_tensor_release(all[i]);
}

static void softmax(trial *t, int v) {
  tch_tensor *y = NULL;
  int id;
  bool log = random_below(2);
  ok(tch_plan_softmax(t->plan, t->id[v], log, &id));
  ok((log ? tch_log_softmax : tch_softmax)(t->want[v], 1, &y));
  append(t, id, y);
}

/* Steps on planes, then perhaps on rows; some values are read twice. */
static void grow(trial *t) {
  bool planes = tch_tensor_dim(t->want[0]) == 4;
  for (int i = (int) random_from(1, 9); i > 0; i--) {
    int v = t->n - 1;
    switch (random_below(planes ? 9 : 6)) {
      case 0: scale(t, v); break;
      case 1: bound(t, v); break;
      case 2: unary(t, v); break;
      case 3:
        if (!meet(t, v)) bound(t, v);
        break;
      case 4: planes ? random_conv(t, v) : linear(t, v); break;
      case 5: planes ? pool(t, v) : linear(t, v); break;
      default: random_conv(t, v); break;
    }
    if (planes && random_below(12) == 0) flatten(t, t->n - 1), planes = false;
  }
  if (!planes && random_below(3) == 0) softmax(t, t->n - 1);
}

static void compare(const tch_tensor *y, const tch_tensor *want) {
  assert_int_equal(tch_tensor_count(y), tch_tensor_count(want));
  assert_int_equal(tch_tensor_dim(y), tch_tensor_dim(want));
  const float *a = tch_tensor_data(y);
  const double *b = tch_tensor_data(want);
  double most = 0;
  for (int64_t i = 0; i < tch_tensor_count(y); i++) most = fmax(most, fabs(b[i]));
  for (int64_t i = 0; i < tch_tensor_count(y); i++)
    if (!(fabs((double) a[i] - b[i]) <= 2e-5 * (most + 0.01)))
      fail_msg("%s: number %lld is %.9g, not %.9g (largest %.9g)", tch_cpu_name(), (long long) i, (double) a[i], b[i],
               most);
}

static tch_tensor *random_input(int64_t n) {
  static const int64_t planes[] = {1, 2, 3, 5, 16, 20};
  if (random_below(5) == 0) return random_tensor(TCH_FLOAT, 2, (int64_t[]){n, random_from(1, 40)}, random_below(2));
  return random_tensor(TCH_FLOAT, 4, (int64_t[]){n, planes[random_below(6)], random_from(3, 20), random_from(3, 20)},
                       random_below(2));
}

static void random_networks(void) {
  for (int i = 0; i < 60; i++) {
    trial t;
    tch_tensor *x = random_input(random_from(1, 3)), *y = NULL;
    begin(&t, x);
    grow(&t);
    ok(tch_plan_prepare(t.plan, t.id[t.n - 1]));
    for (int run = 0; run < 2; run++) { /* what the first run leaves in the buffers does not matter */
      ok(tch_plan_run(t.plan, x, &y));
      compare(y, t.want[t.n - 1]);
    }
    tch_tensor_release(x);
    tch_tensor_release(y);
    end(&t);
  }
}

static void networks_are_those_of_the_ops(void **state) { EVERY_ISA(random_networks()); }

/* A network of some work: Winograd's way, strides, windows of one channel, a sum, rows. */
static void large_network(trial *t) {
  static const int64_t three[8] = {3, 3, 1, 1, 1, 1, 1, 1}, two[8] = {3, 3, 2, 2, 1, 1, 1, 1},
                       one[8] = {1, 1, 1, 1, 0, 0, 1, 1};
  conv(t, 0, 32, three, 1);
  bound(t, 1);
  conv(t, 2, 64, three, 1);
  conv(t, 3, 64, one, 1);
  tch_tensor *y = NULL;
  int id;
  ok(tch_plan_add(t->plan, t->id[4], t->id[3], &id));
  ok(tch_add(t->want[4], t->want[3], 1, &y));
  append(t, id, y);
  conv(t, 5, 64, two, 64);
  conv(t, 6, 40, two, 1);
  flatten(t, 7);
  linear(t, 8);
  linear(t, 9);
}

static tch_tensor *ran(trial *t, tch_tensor *x) {
  tch_tensor *y = NULL;
  ok(tch_plan_run(t->plan, x, &y));
  return y;
}

static void same_bits(void) {
  trial t;
  tch_tensor *x = random_tensor(TCH_FLOAT, 4, (int64_t[]){5, 3, 21, 34}, false);
  begin(&t, x);
  large_network(&t);
  ok(tch_plan_prepare(t.plan, t.id[t.n - 1]));
  int threads = tch_threads();
  ok(tch_set_threads(1));
  tch_tensor *want = ran(&t, x);
  compare(want, t.want[t.n - 1]);
  for (int n = 1; n <= 3; n++) {
    ok(tch_set_threads(n));
    for (int64_t count = 1; count <= 5; count++) { /* shared out whole, or step by step */
      tch_tensor *part = NULL, *y;
      ok(tch_slice(x, 0, 5 - count, count, 1, &part));
      y = ran(&t, part);
      const float *all = tch_tensor_data(want);
      assert_memory_equal(tch_tensor_data(y), all + (5 - count) * tch_tensor_size(want, 1),
                          4 * (size_t) tch_tensor_count(y));
      tch_tensor_release(y);
      tch_tensor_release(part);
    }
  }
  ok(tch_set_threads(threads));
  tch_tensor_release(x);
  tch_tensor_release(want);
  end(&t);
}

static void threads_and_batches_do_not_change_a_bit(void **state) { EVERY_ISA(same_bits()); }

static void mistakes_are_refused(void **state) {
  static const int64_t one[8] = {1, 1, 1, 1, 0, 0, 1, 1}, wide[8] = {9, 9, 1, 1, 0, 0, 1, 1}, none[8] = {0};
  tch_plan *p = NULL;
  tch_tensor *w = random_tensor(TCH_FLOAT, 4, (int64_t[]){4, 3, 1, 1}, false), *d = as(TCH_DOUBLE, w), *y = NULL;
  tch_tensor *x = random_tensor(TCH_FLOAT, 4, (int64_t[]){2, 3, 5, 6}, false),
             *small = random_tensor(TCH_FLOAT, 4, (int64_t[]){2, 3, 5, 5}, false);
  int v;
  refused(tch_plan_new(0, 1, 1, true, &p), TCH_ERROR_SHAPE, "0x1x1");
  ok(tch_plan_new(3, 5, 6, false, &p));
  refused(tch_plan_run(p, x, &y), TCH_ERROR_STATE, "prepared");
  refused(tch_plan_conv(p, 1, w, NULL, one, 1, &v), TCH_ERROR_VALUE, "value 1");
  refused(tch_plan_conv(p, 0, d, NULL, one, 1, &v), TCH_ERROR_TYPE, "float");
  refused(tch_plan_conv(p, 0, w, NULL, wide, 1, &v), TCH_ERROR_SHAPE, "972 numbers");
  refused(tch_plan_conv(p, 0, w, NULL, none, 1, &v), TCH_ERROR_VALUE, "impossible");
  refused(tch_plan_conv(p, 0, w, NULL, one, 2, &v), TCH_ERROR_SHAPE, "groups");
  refused(tch_plan_conv(p, 0, w, w, one, 1, &v), TCH_ERROR_SHAPE, "bias");
  refused(tch_plan_pool(p, 0, false, wide, false, true, &v), TCH_ERROR_SHAPE, "9x9");
  refused(tch_plan_unary(p, 0, "swoosh", 0, 0, &v), TCH_ERROR_VALUE, "swoosh");
  refused(tch_plan_softmax(p, 0, false, &v), TCH_ERROR_SHAPE, "5x6");
  refused(tch_plan_prepare(p, 7), TCH_ERROR_VALUE, "value 7");
  ok(tch_plan_conv(p, 0, w, NULL, one, 1, &v));
  refused(tch_plan_add(p, 0, v, &v), TCH_ERROR_SHAPE, "3x5x6 and 4x5x6");
  ok(tch_plan_prepare(p, v));
  refused(tch_plan_bound(p, v, 0, 1, &v), TCH_ERROR_STATE, "after");
  refused(tch_plan_prepare(p, v), TCH_ERROR_STATE, "twice");
  refused(tch_plan_run(p, small, &y), TCH_ERROR_SHAPE, "2x3x5x5");
  refused(tch_plan_run(p, d, &y), TCH_ERROR_TYPE, "float");
  refused(tch_plan_run(p, x, &x), TCH_ERROR_VALUE, "input");
  assert_null(y);
  tch_plan_free(p);
  tch_tensor *all[] = {w, d, x, small};
  for (int i = 0; i < 4; i++) tch_tensor_release(all[i]);
}

/* Builds, prepares and runs; everything is given back whatever fails. */
static tch_status attempt(tch_tensor *x, tch_tensor *w, tch_tensor *u, tch_tensor **y) {
  static const int64_t three[8] = {3, 3, 1, 1, 1, 1, 1, 1};
  tch_plan *p = NULL;
  int a, b, c;
  tch_status status = tch_plan_new(3, 13, 13, false, &p);
  if (status == TCH_OK) status = tch_plan_conv(p, 0, w, NULL, three, 1, &a);
  if (status == TCH_OK) status = tch_plan_conv(p, a, u, NULL, three, 1, &b);
  if (status == TCH_OK) status = tch_plan_add(p, a, b, &c);
  if (status == TCH_OK) status = tch_plan_pool(p, c, false, (int64_t[]){2, 2, 2, 2, 0, 0, 1, 1}, false, true, &c);
  if (status == TCH_OK) status = tch_plan_flatten(p, c, &c);
  if (status == TCH_OK) status = tch_plan_prepare(p, c);
  if (status == TCH_OK) status = tch_plan_run(p, x, y);
  tch_plan_free(p);
  return status;
}

static void memory_may_run_out_anywhere(void **state) {
  tch_tensor *x = random_tensor(TCH_FLOAT, 4, (int64_t[]){2, 3, 13, 13}, true),
             *w = weights(4, (int64_t[]){32, 3, 3, 3});
  tch_tensor *u = weights(4, (int64_t[]){32, 32, 3, 3});
  int failures = 0, done = 0;
  for (int n = 1; done < 2; n++) {
    tch_tensor *y = NULL;
    int64_t used = tch_memory_used(), records = tch_memory_records();
    tch_memory_fail_after(n);
    tch_status status = attempt(x, w, u, &y);
    tch_memory_fail_after(0);
    if (status == TCH_OK) done++;
    else assert_int_equal(status, TCH_ERROR_MEMORY), failures++;
    tch_tensor_release(y);
    assert_int_equal(tch_memory_used(), used);
    assert_int_equal(tch_memory_records(), records);
  }
  assert_true(failures > 20);
  tch_tensor *all[] = {x, w, u};
  for (int i = 0; i < 3; i++) tch_tensor_release(all[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(networks_are_those_of_the_ops),
      cmocka_unit_test(threads_and_batches_do_not_change_a_bit),
      cmocka_unit_test(mistakes_are_refused),
      cmocka_unit_test(memory_may_run_out_anywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
