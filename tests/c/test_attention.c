/* Attention and its gradients against the definition: random shapes, views and masks, every instruction set. */
#include "random_tensor.h"
#include "core/cpu.h"

enum { Q, K, V, INPUTS };

typedef struct shape {
  int64_t B, H, L, S, D, E;
  bool causal;
} shape;

static double get3(const tch_tensor *t, int64_t a, int64_t b, int64_t c) {
  double v;
  ok(tch_tensor_get(t, 3, (int64_t[]){a, b, c}, &v));
  return v;
}

/* The score of query i and key j before the softmax; minus infinity where the key is not seen. */
static double score(const shape *s, tch_tensor *const *x, const tch_tensor *mask, int64_t b, int64_t h, int64_t i, int64_t j) {
  double sum = 0;
  if (s->causal && j > i) return -INFINITY;
  for (int64_t d = 0; d < s->D; d++) sum += get3(x[Q], b, i, h * s->D + d) * get3(x[K], b, j, h * s->D + d);
  sum /= sqrt((double) s->D);
  if (mask == NULL) return sum;
  double m = get4(mask, tch_tensor_size(mask, 0) > 1 ? b : 0, tch_tensor_size(mask, 1) > 1 ? h : 0, i, j);
  return tch_tensor_dtype(mask) == TCH_BYTE ? m != 0 ? sum : -INFINITY : sum + m;
}

/* Adds the output of one query, and the gradients that g (B, L, H E) gives. want: y, dq, dk, dv, each (B, rows, columns). */
static void add_query(const shape *s, tch_tensor *const *x, const tch_tensor *mask, const tch_tensor *g, int64_t b, int64_t h,
                      int64_t i, double *const want[4]) {
  double p[80], total = 0, mean = 0, dp[80] = {0};
  int64_t wide = s->H * s->E, narrow = s->H * s->D;
  for (int64_t j = 0; j < s->S; j++) total += p[j] = exp(score(s, x, mask, b, h, i, j));
  for (int64_t j = 0; j < s->S; j++) {
    p[j] = total > 0 ? p[j] / total : 0;
    for (int64_t e = 0; e < s->E; e++) {
      int64_t column = h * s->E + e;
      double v = get3(x[V], b, j, column), gy = get3(g, b, i, column);
      want[0][(b * s->L + i) * wide + column] += p[j] * v;
      want[3][(b * s->S + j) * wide + column] += p[j] * gy;
      dp[j] += gy * v;
    }
    mean += p[j] * dp[j];
  }
  for (int64_t j = 0; j < s->S; j++)
    for (int64_t d = 0; d < s->D; d++) {
      double ds = p[j] * (dp[j] - mean) / sqrt((double) s->D);
      int64_t column = h * s->D + d;
      want[1][(b * s->L + i) * narrow + column] += ds * get3(x[K], b, j, column);
      want[2][(b * s->S + j) * narrow + column] += ds * get3(x[Q], b, i, column);
    }
}

static void same(const char *what, const shape *s, const tch_tensor *got, const double *want, int64_t rows, int64_t columns) {
  double tolerance = tch_tensor_dtype(got) == TCH_DOUBLE ? 1e-11 : 1e-4;
  for (int64_t i = 0; i < s->B * rows * columns; i++) {
    double v = get3(got, i / columns / rows, i / columns % rows, i % columns);
    if (!(fabs(v - want[i]) <= tolerance * (1 + fabs(want[i]))))
      fail_msg("%s[%lld] is %.9g, not %.9g (L %lld, S %lld, D %lld, E %lld%s, %s)", what, (long long) i, v, want[i],
               (long long) s->L, (long long) s->S, (long long) s->D, (long long) s->E, s->causal ? ", causal" : "",
               tch_cpu_name());
  }
}

static void compare(tch_dtype type) {
  int64_t limit = random_below(3) ? 70 : 9;
  shape s = {random_from(1, 2), random_from(1, 2), random_from(1, limit), random_from(1, limit), random_from(1, 20),
             random_from(1, 20), random_below(2)};
  int64_t narrow = s.H * s.D, wide = s.H * s.E, masks = random_below(4);
  tch_tensor *x[INPUTS] = {random_tensor(type, 3, (int64_t[]){s.B, s.L, narrow}, random_below(3) == 0),
                           random_tensor(type, 3, (int64_t[]){s.B, s.S, narrow}, random_below(3) == 0),
                           random_tensor(type, 3, (int64_t[]){s.B, s.S, wide}, random_below(3) == 0)};
  tch_tensor *g = random_tensor(type, 3, (int64_t[]){s.B, s.L, wide}, random_below(3) == 0);
  tch_tensor *y = NULL, *lse = NULL, *mask = NULL;
  if (masks > 1) {
    int64_t size[] = {random_below(2) ? s.B : 1, random_below(2) ? s.H : 1, s.L, s.S};
    if (masks == 2) mask = random_tensor(type, 4, size, false);
    else {
      ok(tch_tensor_new(TCH_BYTE, 4, size, &mask));
      for (int64_t i = 0; i < tch_tensor_count(mask); i++) ((uint8_t *) tch_tensor_data(mask))[i] = random_below(4) != 0;
    }
  }
  for (int i = 0; i < INPUTS; i++) ok(tch_requires_grad(x[i], true));
  ok(tch_attention(x[Q], x[K], x[V], mask, s.H, s.causal, 0, &y, &lse));
  tch_tensor *grads[INPUTS] = {NULL};
  ok(tch_gradients(&y, &g, 1, x, INPUTS, 0, grads));

  int64_t rows[] = {s.L, s.L, s.S, s.S}, columns[] = {wide, narrow, narrow, wide};
  const char *names[] = {"y", "dq", "dk", "dv"};
  double *want[4];
  for (int i = 0; i < 4; i++) want[i] = calloc((size_t) (s.B * rows[i] * columns[i]), sizeof **want);
  for (int64_t b = 0; b < s.B; b++)
    for (int64_t h = 0; h < s.H; h++)
      for (int64_t i = 0; i < s.L; i++) add_query(&s, x, mask, g, b, h, i, want);
  for (int i = 0; i < 4; i++) {
    same(names[i], &s, i ? grads[i - 1] : y, want[i], rows[i], columns[i]);
    free(want[i]);
  }
  tch_tensor *all[] = {x[Q], x[K], x[V], g, y, lse, mask, grads[Q], grads[K], grads[V]};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) tch_tensor_release(all[i]);
}

static void attention_is_its_definition(void **state) {
  for (int i = 0; i < 12; i++) {
    EVERY_ISA(compare(TCH_FLOAT));
    EVERY_ISA(compare(TCH_DOUBLE));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(attention_is_its_definition)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
