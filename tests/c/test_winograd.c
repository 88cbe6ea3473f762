/* Winograd's method against the definition of convolution: random shapes that the rule would not choose too, odd channels, any
 * padding, views, every type and instruction set; and against itself with another number of threads. */
#include "random_tensor.h"
#include "core/cpu.h"
#include "op/winograd.h"
#include <pthread.h>
#include <string.h>

typedef struct trial {
  tch_conv_geometry g;
  tch_tensor *x, *w, *gy, *bx, *by;
  tch_tensor *y, *gx, *gw; /* with random contents */
} trial;

static tch_conv_geometry random_geometry(tch_dtype type) {
  static const int64_t planes[] = {1, 2, 3, 8, 15, 16, 17, 33, 70};
  tch_conv_geometry g = {.type = type,
                         .n = random_from(1, 3),
                         .c = planes[random_below(9)],
                         .o = planes[random_below(9)],
                         .groups = 1,
                         .kernel = {3, 3},
                         .stride = {1, 1},
                         .dilation = {1, 1}};
  for (int d = 0; d < 2; d++) {
    g.pad[d] = random_from(0, 2);
    g.in[d] = random_from(g.pad[d] ? 1 : 3, 24);
    if (random_below(8) == 0) g.in[d] += 70; /* more tiles in a row than are laid at once */
    g.out[d] = g.in[d] + 2 * g.pad[d] - 2;
  }
  while (g.out[0] < 1 || g.out[1] < 1) g.pad[0] = g.pad[1] = 1, g.out[0] = g.in[0], g.out[1] = g.in[1];
  return g;
}

/* Images (n, planes, h, w): contiguous, or a part of something larger whose rows are still contiguous. */
static tch_tensor *images(const tch_conv_geometry *g, int64_t planes, const int64_t size[2], bool part) {
  tch_tensor *whole = random_tensor(g->type, 4, (int64_t[]){g->n, planes + part, size[0] + part, size[1] + part},
                                    false);
  for (int d = 1; part && d < 4; d++) {
    tch_tensor *view = NULL;
    ok(tch_slice(whole, d, 1, d == 1 ? planes : size[d - 2], 1, &view));
    tch_tensor_release(whole);
    whole = view;
  }
  return whole;
}

static trial make(tch_conv_geometry g, bool part) {
  int64_t window[] = {g.o, g.c, 3, 3};
  return (trial){.g = g,
                 .x = images(&g, g.c, g.in, part),
                 .gy = images(&g, g.o, g.out, part),
                 .w = random_tensor(g.type, 4, window, false),
                 .bx = random_tensor(g.type, 1, &g.c, false),
                 .by = random_tensor(g.type, 1, &g.o, false),
                 .y = images(&g, g.o, g.out, part),
                 .gx = images(&g, g.c, g.in, part),
                 .gw = random_tensor(g.type, 4, window, false)};
}

static void forget(trial *t) {
  tch_tensor *all[] = {t->x, t->w, t->gy, t->bx, t->by, t->y, t->gx, t->gw};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) tch_tensor_release(all[i]);
}

/* x[n, c, i, j], 0 on the border */
static double padded(const tch_tensor *x, const int64_t size[2], int64_t n, int64_t c, int64_t i, int64_t j) {
  return i < 0 || j < 0 || i >= size[0] || j >= size[1] ? 0 : get4(x, n, c, i, j);
}

/* The sum for one entry, and in *size the sum of the magnitudes, which an error is measured by. */
static double entry(const trial *t, int which, const int64_t at[4], double *size) {
  const tch_conv_geometry *g = &t->g;
  double total = 0;
  *size = 0;
  int64_t outer = which == 0 ? g->c : which == 1 ? g->o : g->n * g->out[0] * g->out[1];
  for (int64_t r = 0; r < outer; r++)
    for (int64_t p = 0; p < (which == 2 ? 1 : 9); p++) {
      int64_t di = p / 3, dj = p % 3;
      double v;
      if (which == 0)
        v = padded(t->x, g->in, at[0], r, at[2] + di - g->pad[0], at[3] + dj - g->pad[1])
            * get4(t->w, at[1], r, di, dj);
      else if (which == 1)
        v = padded(t->gy, g->out, at[0], r, at[2] + g->pad[0] - di, at[3] + g->pad[1] - dj)
            * get4(t->w, r, at[1], di, dj);
      else {
        int64_t j = r % g->out[1], i = r / g->out[1] % g->out[0], n = r / g->out[1] / g->out[0];
        v = get4(t->gy, n, at[0], i, j) * padded(t->x, g->in, n, at[1], i + at[2] - g->pad[0], j + at[3] - g->pad[1]);
      }
      total += v, *size += fabs(v);
    }
  return total;
}

/* Entries of got = alpha * sum + bias + beta * old; float errors stay below 1e-4 of the sum's size. */
static void check_entries(const trial *t, int which, const tch_tensor *got, const tch_tensor *old,
                          const tch_tensor *bias, double alpha, double beta) {
  for (int k = 0; k < 60; k++) {
    int64_t at[4];
    for (int d = 0; d < 4; d++) at[d] = random_below(tch_tensor_size(got, d));
    double b = 0, size, want = alpha * entry(t, which, at, &size);
    if (bias) ok(tch_tensor_get(bias, 1, &at[1], &b));
    if (beta != 0) b += beta * get4(old, at[0], at[1], at[2], at[3]);
    double value = get4(got, at[0], at[1], at[2], at[3]);
    if (!(fabs(value - want - b) <= (t->g.type == TCH_DOUBLE ? 1e-12 : 1e-4) * (1 + fabs(alpha) * size + fabs(b))))
      fail_msg("sum %d [%lld %lld %lld %lld] is %.9g, not %.9g (%s)", which, (long long) at[0], (long long) at[1],
               (long long) at[2], (long long) at[3], value, want + b, tch_cpu_name());
  }
}

static tch_tensor *copy_of(tch_tensor *t) {
  tch_tensor *c = NULL;
  ok(tch_clone(t, &c));
  return c;
}

static void run_all(const trial *t, bool bias, double alpha, double beta) {
  tch_planes x = tch_planes_of(t->x), y = tch_planes_of(t->y), gy = tch_planes_of(t->gy), gx = tch_planes_of(t->gx);
  tch_finish fy = tch_finish_of(bias ? tch_tensor_data(t->by) : NULL, alpha, beta);
  tch_finish fx = tch_finish_of(bias ? tch_tensor_data(t->bx) : NULL, alpha, beta);
  ok(tch_winograd_forward(&t->g, x, tch_tensor_data(t->w), &fy, y));
  ok(tch_winograd_input(&t->g, gy, tch_tensor_data(t->w), &fx, gx));
  ok(tch_winograd_weight(&t->g, x, gy, tch_planes_of(t->gw), alpha, beta));
}

static void compare(tch_conv_geometry g, bool part, bool bias, double alpha, double beta) {
  trial t = make(g, part);
  tch_tensor *old[] = {copy_of(t.y), copy_of(t.gx), copy_of(t.gw)};
  run_all(&t, bias, alpha, beta);
  check_entries(&t, 0, t.y, old[0], bias ? t.by : NULL, alpha, beta);
  check_entries(&t, 1, t.gx, old[1], bias ? t.bx : NULL, alpha, beta);
  check_entries(&t, 2, t.gw, old[2], NULL, alpha, beta);
  for (int i = 0; i < 3; i++) tch_tensor_release(old[i]);
  forget(&t);
}

static void sums_are_those_of_the_definition(void **state) {
  for (int i = 0; i < 25; i++) {
    bool part = i % 3 == 0, bias = i % 2 == 0;
    double alpha = i % 4 == 0 ? 0.5 : 1, beta = i % 5 == 0 ? 0.25 : i % 5 == 1 ? 1 : 0;
    EVERY_ISA(compare(random_geometry(TCH_FLOAT), part, bias, alpha, beta));
    EVERY_ISA(compare(random_geometry(TCH_DOUBLE), part, bias, alpha, beta));
  }
}

/* Many channels: the transformed weights come in pieces, and the tiles in several batches. */
static const tch_conv_geometry large = {.type = TCH_FLOAT,
                                        .n = 3,
                                        .c = 160,
                                        .o = 224,
                                        .groups = 1,
                                        .in = {28, 28},
                                        .kernel = {3, 3},
                                        .out = {28, 28},
                                        .stride = {1, 1},
                                        .pad = {1, 1},
                                        .dilation = {1, 1}};

static void large_sums_come_in_pieces(void **state) {
  assert_true(tch_winograd_pays(&large, true));
  compare(large, false, true, 1, 1);
}

/* Many tiles and few weights: a batch of tiles is one thread's. */
static tch_conv_geometry many(int64_t c, int64_t o) {
  return (tch_conv_geometry){.type = TCH_FLOAT, .n = 40, .c = c, .o = o, .groups = 1, .in = {22, 17}, .kernel = {3, 3},
                             .out = {22, 19}, .stride = {1, 1}, .pad = {1, 2}, .dilation = {1, 1}};
}

static void batches_are_done_apart(void **state) {
  EVERY_ISA(compare(many(17, 37), true, true, 0.5, 1));
  EVERY_ISA(compare(many(35, 5), false, false, 1, 0));
}

static void threads_do_not_change(tch_conv_geometry g) {
  trial t = make(g, false);
  tch_tensor *results[] = {t.y, t.gx, t.gw}, *first[3];
  for (int threads = 1; threads <= 3; threads++) {
    ok(tch_set_threads(threads));
    run_all(&t, true, 1, 0);
    for (int i = 0; i < 3; i++)
      if (threads == 1) first[i] = copy_of(results[i]);
      else {
        assert_memory_equal(tch_tensor_data(first[i]), tch_tensor_data(results[i]),
                            4 * (size_t) tch_tensor_count(first[i]));
      }
  }
  for (int i = 0; i < 3; i++) tch_tensor_release(first[i]);
  forget(&t);
}

static void threads_do_not_change_a_bit(void **state) {
  threads_do_not_change(large);
  threads_do_not_change(many(17, 37));
}

/* -- transformed weights that stay with their storage ---------------------------------------------------------------- */

static tch_tensor *convolved(tch_tensor *x, tch_tensor *w) {
  tch_tensor *y = NULL;
  ok(tch_conv2d(x, w, NULL, NULL, 0, NULL, 0, NULL, 0, 1, &y));
  return y;
}

/* The convolution with w has the bits of that with a copy of w, which has nothing kept. */
static void follows(tch_tensor *x, tch_tensor *w) {
  tch_tensor *fresh = copy_of(w), *want = convolved(x, fresh);
  for (int i = 0; i < 2; i++) {
    tch_tensor *y = convolved(x, w);
    assert_memory_equal(tch_tensor_data(y), tch_tensor_data(want), 4 * (size_t) tch_tensor_count(y));
    tch_tensor_release(y);
  }
  tch_tensor_release(fresh);
  tch_tensor_release(want);
}

enum { KEPT_C = 32, KEPT_O = 64 };

static tch_tensor *kept_images(void) { return random_tensor(TCH_FLOAT, 4, (int64_t[]){1, KEPT_C, 13, 13}, false); }
static tch_tensor *kept_windows(int64_t count) {
  return random_tensor(TCH_FLOAT, 4, (int64_t[]){count, KEPT_C, 3, 3}, false);
}

static void kept_weights_follow_every_write(void) {
  int64_t used = tch_memory_used();
  tch_tensor *x = kept_images(), *w = kept_windows(KEPT_O), *part = NULL, *other = NULL;
  follows(x, w);
  ok(tch_slice(w, 0, 3, 1, 1, &part));
  ok(tch_tensor_fill(part, 0.5));
  follows(x, w);
  ((float *) tch_tensor_data(w))[4711] *= -1; /* a pointer that nobody counts */
  follows(x, w);
  float *numbers = tch_tensor_data(w), first = numbers[0];
  numbers[0] = numbers[16], numbers[16] = first;
  follows(x, w);
  ok(tch_storage_resize(tch_tensor_storage(w), 2 * KEPT_O * KEPT_C * 9));
  follows(x, w);
  /* other windows of the same storage, and the same numbers in another shape */
  ok(tch_slice(w, 0, 8, KEPT_O - 8, 1, &other));
  for (int i = 0; i < 2; i++) follows(x, w), follows(x, other);
  assert_true(tch_memory_used() - used > 36 * KEPT_O * KEPT_C * 4);
  tch_tensor *all[] = {x, w, part, other};
  for (int i = 0; i < 4; i++) tch_tensor_release(all[i]);
  assert_int_equal(tch_memory_used(), used);
}

static void kept_weights_follow_their_numbers(void **state) { EVERY_ISA(kept_weights_follow_every_write()); }

/* Windows that wander through a storage leave no more behind than it may keep. */
static void little_is_kept(void **state) {
  int64_t used = tch_memory_used();
  tch_tensor *x = kept_images(), *bank = kept_windows(KEPT_O + 40);
  for (int64_t i = 0; i < 40; i++) {
    tch_tensor *w = NULL;
    ok(tch_slice(bank, 0, i, KEPT_O, 1, &w));
    tch_tensor_release(convolved(x, w));
    tch_tensor_release(w);
  }
  assert_true(tch_memory_used() - used < 11 * (KEPT_O + 40) * KEPT_C * 9 * 4);
  tch_tensor_release(x);
  tch_tensor_release(bank);
  assert_int_equal(tch_memory_used(), used);
}

typedef struct share {
  tch_tensor *x, *w, *want;
  bool same;
} share;

static void *use_together(void *context) {
  share *s = context;
  for (int i = 0; i < 30; i++) {
    tch_tensor *y = NULL;
    if (tch_conv2d(s->x, s->w, NULL, NULL, 0, NULL, 0, NULL, 0, 1, &y) != TCH_OK) return NULL;
    bool same = memcmp(tch_tensor_data(y), tch_tensor_data(s->want), 4 * (size_t) tch_tensor_count(y)) == 0;
    tch_tensor_release(y);
    if (!same) return NULL;
  }
  s->same = true;
  return NULL;
}

/* Two windows of one storage, each used by two threads. */
static void threads_share_what_is_kept(void **state) {
  tch_tensor *bank = kept_windows(2 * KEPT_O), *w[2] = {NULL}, *x = kept_images();
  share s[4];
  pthread_t thread[4];
  for (int i = 0; i < 2; i++) {
    ok(tch_slice(bank, 0, i * KEPT_O, KEPT_O, 1, &w[i]));
    tch_tensor *fresh = copy_of(w[i]);
    s[i] = s[i + 2] = (share){x, w[i], convolved(x, fresh), false};
    tch_tensor_release(fresh);
  }
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, use_together, &s[i]), 0);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  for (int i = 0; i < 4; i++) assert_true(s[i].same);
  tch_tensor *all[] = {bank, w[0], w[1], x, s[0].want, s[1].want};
  for (int i = 0; i < 6; i++) tch_tensor_release(all[i]);
}

static void keeping_needs_no_memory(void **state) {
  tch_tensor *x = kept_images(), *w = kept_windows(KEPT_O), *want = convolved(x, w);
  int failures = 0, done = 0;
  for (int n = 1; n < 60; n++) {
    tch_tensor *fresh = copy_of(w), *y = NULL;
    int64_t used = tch_memory_used();
    tch_memory_trim();
    tch_memory_fail_after(n);
    tch_status status = tch_conv2d(x, fresh, NULL, NULL, 0, NULL, 0, NULL, 0, 1, &y);
    tch_memory_fail_after(0);
    if (status == TCH_OK) {
      assert_memory_equal(tch_tensor_data(y), tch_tensor_data(want), 4 * (size_t) tch_tensor_count(y));
      done++;
    } else {
      assert_int_equal(status, TCH_ERROR_MEMORY);
      assert_int_equal(tch_memory_used(), used);
      failures++;
    }
    if (y) tch_tensor_release(y);
    tch_tensor_release(fresh);
  }
  assert_true(failures > 3 && done > 3);
  tch_tensor *all[] = {x, w, want};
  for (int i = 0; i < 3; i++) tch_tensor_release(all[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_are_those_of_the_definition),
      cmocka_unit_test(large_sums_come_in_pieces), cmocka_unit_test(batches_are_done_apart),
      cmocka_unit_test(threads_do_not_change_a_bit),
      cmocka_unit_test(kept_weights_follow_their_numbers),
      cmocka_unit_test(little_is_kept),
      cmocka_unit_test(threads_share_what_is_kept),
      cmocka_unit_test(keeping_needs_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
