/* Winograd's method against the definition of convolution: random shapes that the rule would not choose too, odd channels, any
 * padding, views, every type and instruction set; and against itself with another number of threads. */
#include "random_tensor.h"
#include "core/cpu.h"
#include "op/winograd.h"

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
  assert_true(tch_winograd_pays(&large));
  compare(large, false, true, 1, 1);
}

static void threads_do_not_change_a_bit(void **state) {
  trial t = make(large, false);
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_are_those_of_the_definition),
      cmocka_unit_test(large_sums_come_in_pieces),
      cmocka_unit_test(threads_do_not_change_a_bit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
