/* The generator against numbers that Torch7 printed for seed 123. */
#include "check.h"
#include "core/random.h"
#include <pthread.h>

static tch_random *seeded(void) {
  tch_random *r = NULL;
  ok(tch_random_new(123, &r));
  return r;
}

static tch_tensor *vector(tch_dtype type, int64_t n) {
  tch_tensor *t = NULL;
  ok(tch_tensor_new(type, 1, &n, &t));
  return t;
}

static double element(const tch_tensor *t, int64_t i) {
  double v = 0;
  ok(tch_tensor_get(t, 1, &i, &v));
  return v;
}

/* Fills a vector of `type` with `fill` and compares. */
#define check_fill(type, tolerance, fill, ...)                                                                         \
  do {                                                                                                                 \
    const double want[] = {__VA_ARGS__};                                                                               \
    int64_t n = sizeof want / sizeof *want;                                                                            \
    tch_random *r = seeded();                                                                                          \
    tch_tensor *t = vector(type, n);                                                                                   \
    ok(fill);                                                                                                          \
    for (int64_t i = 0; i < n; i++) close_to(element(t, i), want[i], tolerance);                                       \
    tch_tensor_release(t);                                                                                             \
    tch_random_release(r);                                                                                             \
  } while (0)

static void uniform(void **state) {
  tch_random *r = seeded();
  assert_int_equal(tch_random_next(r), 2991312382);
  tch_random_release(r);
  check_fill(TCH_DOUBLE, 0, tch_tensor_uniform(t, 0, 1, r), 0.69646918727084994, 0.71295532141812146,
             0.28613933874294162, 0.42847092496231198, 0.22685145493596792);
  check_fill(TCH_FLOAT, 0, tch_tensor_uniform(t, 0, 1, r), 0.69646918773651123, 0.7129552960395813, 0.28613933920860291,
             0.42847093939781189, 0.2268514484167099);
  check_fill(TCH_DOUBLE, 0, tch_tensor_uniform(t, -1, 1, r), 0.39293837454169989, 0.42591064283624291,
             -0.42772132251411676, -0.14305815007537603, -0.54629709012806416);
  check_fill(TCH_FLOAT, 0, tch_tensor_uniform(t, -1, 1, r), 0.39293837547302246, 0.42591065168380737,
             -0.42772132158279419, -0.14305815100669861, -0.54629707336425781);
}

static void the_state_is_renewed(void **state) {
  const double want[] = {0.41589655145071447, 0.88227609870955348, 0.77130792546086013, 0.82230381644330919,
                         0.73795137484557927};
  tch_random *r = seeded();
  for (int i = 0; i < 695; i++) tch_random_next(r);
  for (int i = 0; i < 5; i++) close_to(tch_random_uniform(r, 0, 1), want[i], 0);
  tch_random_release(r);
}

static void normal(void **state) {
  check_fill(TCH_DOUBLE, 1e-14, tch_tensor_normal(t, 0, 1, r), -0.52144306271244167, -1.4914194359815409,
             -0.23812953316813365, 1.0306183433272835, 0.22208946892804701, 1.5161659250601325, -1.5115762703183104,
             -0.50498366084367297, -0.22161300268834799, -1.1410388140661059, -1.5410745288144996, 0.80845355174412681,
             1.0212814374766537, -0.12403877268092005, -0.52419397149945957, -1.2077941126295695, -0.54518231361770242,
             0.065631726187610248, -0.78861971617970705, 0.63492118976417744);
  check_fill(TCH_FLOAT, 1e-14, tch_tensor_normal(t, 0, 1, r), -0.52144306898117065, -1.4914194345474243,
             -0.23812952637672424, 1.0306183099746704, 0.22208946943283081);
  check_fill(TCH_DOUBLE, 1e-14, tch_tensor_normal(t, 2, 3, r), 0.43567081186267487, -2.4742583079446225,
             1.2856114004955992, 5.0918550299818506, 2.6662684067841411);
}

static void the_second_normal_is_kept(void **state) {
  tch_random *r = seeded();
  close_to(tch_random_normal(r, 0, 1), -0.52144306271244167, 1e-14);
  close_to(tch_random_normal(r, 0, 1), -1.4914194359815409, 1e-14);
  close_to(tch_random_normal(r, 0, 1), -0.23812953316813365, 1e-14);
  close_to(tch_random_uniform(r, 0, 1), 0.22685145493596792, 0);
  tch_random_release(r);
  r = seeded();
  const double want[] = {0.69646918727084994,  0.71295532141812146, 0.28613933874294162,
                         -0.64609899102324142, 0.31164764972861031, -0.45951018631984264,
                         0.71915030875243247,  0.71946897055022418, 0.49111893260851502};
  for (int part = 0; part < 3; part++) {
    tch_tensor *t = vector(TCH_DOUBLE, 3);
    ok(part == 1 ? tch_tensor_normal(t, 0, 1, r) : tch_tensor_uniform(t, 0, 1, r));
    for (int i = 0; i < 3; i++) close_to(element(t, i), want[3 * part + i], 1e-14);
    tch_tensor_release(t);
  }
  tch_random_release(r);
}

static void other_laws(void **state) {
  check_fill(TCH_DOUBLE, 0, tch_tensor_bernoulli(t, 0.3, r), 0, 0, 1, 0, 1);
  check_fill(TCH_FLOAT, 0, tch_tensor_bernoulli(t, 0.5, r), 0, 0, 1, 1, 1, 0, 0, 0, 0, 1);
  check_fill(TCH_BYTE, 0, tch_tensor_bernoulli(t, 0.5, r), 0, 0, 1, 1, 1, 0, 0, 0, 0, 1);
  check_fill(TCH_DOUBLE, 1e-14, tch_tensor_exponential(t, 2, r), 0.59613607449643169, 0.62405870041860734,
             0.16853374399413973, 0.279719961042387, 0.12864204094565429);
  check_fill(TCH_DOUBLE, 1e-14, tch_tensor_cauchy(t, 0, 1, r), 0.70972969302555899, 0.79065846734277412,
             -0.79529113787725692, -0.22857568831718261, -1.1571523781472806);
  check_fill(TCH_DOUBLE, 1e-14, tch_tensor_log_normal(t, 1, 2, r), 0.95802047803062884, 0.13767783226140481,
             1.6883317878863759, 21.35394898318658, 4.2383707480222368);
  check_fill(TCH_DOUBLE, 0, tch_tensor_geometric(t, 0.3, r), 1, 2, 1, 1, 1);
  check_fill(TCH_INT, 0, tch_tensor_geometric(t, 0.3, r), 1, 2, 1, 1, 1);
}

static void a_chance_for_each_element(void **state) {
  const double p[] = {.1, .3, .5, .7, .9};
  tch_tensor *chance = doubles(p, 5, 0, 0);
  check_fill(TCH_DOUBLE, 0, tch_tensor_bernoulli_of(t, chance, r), 0, 0, 1, 1, 1);
  check_fill(TCH_LONG, 0, tch_tensor_bernoulli_of(t, chance, r), 0, 0, 1, 1, 1);
  tch_random *r = seeded();
  ok(tch_tensor_bernoulli_of(chance, chance, r)); /* onto the chances themselves */
  close_to(element(chance, 1), 0, 0);
  close_to(element(chance, 4), 1, 0);
  tch_random_release(r);
  tch_tensor_release(chance);
}

static void scalars_in_one_stream(void **state) {
  tch_random *r = seeded();
  close_to(tch_random_uniform(r, 0, 1), 0.69646918727084994, 0);
  close_to(tch_random_normal(r, 0, 1), -0.18938718695866996, 1e-14);
  close_to(tch_random_exponential(r, 1), 0.559439922084774, 1e-14);
  close_to(tch_random_cauchy(r, 0, 1), -1.1571523781472806, 1e-14);
  close_to(tch_random_log_normal(r, 1, 2), 0.55000227241641719, 1e-14);
  close_to(tch_random_geometric(r, .3), 1, 0);
  assert_false(tch_random_bernoulli(r, .3));
  assert_int_equal(tch_random_range(r, 1, 10), 8);
  assert_int_equal(tch_random_range(r, 5, 9), 9);
  tch_random_release(r);
}

static void integers(void **state) {
  check_fill(TCH_DOUBLE, 0, tch_tensor_random(t, 1, 6, r), 5, 2, 1, 1, 5);
  check_fill(TCH_BYTE, 0, tch_tensor_random(t, 0, 255, r), 254, 109, 126, 66, 220);
  check_fill(TCH_DOUBLE, 0, tch_tensor_random_any(t, r), 2991312382, 3062119789, 1228959102, 1840268610, 974319580);
  check_fill(TCH_LONG, 0, tch_tensor_random_any(t, r), 2991312382, 3062119789, 1228959102, 1840268610, 974319580);
  check_fill(TCH_FLOAT, 0, tch_tensor_random_any(t, r), 4967756, 8666295, 4222261, 11551957, 1240994);
  check_fill(TCH_INT, 0, tch_tensor_random_any(t, r), 843828734, 914636141, 1228959102, 1840268610, 974319580);
  check_fill(TCH_BYTE, 0, tch_tensor_random_any(t, r), 254, 109, 126, 66, 220);
  check_fill(TCH_DOUBLE, 0, tch_tensor_randperm(t, 10, 1, r), 3, 1, 9, 2, 4, 8, 5, 10, 6, 7);
}

static void wide_ranges_are_covered(void **state) {
  tch_random *r = seeded();
  bool high = false, low = false;
  for (int i = 0; i < 100; i++) {
    int64_t x = tch_random_range(r, INT64_MIN, INT64_MAX), y = tch_random_range(r, -5, INT64_C(1) << 40);
    high = high || x > INT64_MAX / 2;
    low = low || x < INT64_MIN / 2;
    assert_true(y >= -5 && y <= INT64_C(1) << 40);
  }
  assert_true(high && low);
  assert_int_equal(tch_random_range(r, 7, 7), 7);
  assert_int_equal(tch_random_range(r, 9, 3), 9);
  tch_random_release(r);
}

static void picks_by_weight(void **state) {
  const double three[] = {.1, .2, .7}, four[] = {.1, .2, .3, .4};
  tch_tensor *w3 = doubles(three, 3, 0, 0), *w4 = doubles(four, 4, 0, 0), *f3 = vector(TCH_FLOAT, 3);
  ok(tch_tensor_copy(f3, w3));
  check_fill(TCH_LONG, 0, tch_tensor_multinomial(t, w3, 5, true, 1, r), 3, 3, 2, 3, 2);
  check_fill(TCH_LONG, 0, tch_tensor_multinomial(t, f3, 5, true, 1, r), 3, 3, 2, 3, 2);
  check_fill(TCH_LONG, 0, tch_tensor_multinomial(t, w4, 3, false, 1, r), 4, 3, 1);
  check_fill(TCH_LONG, 0, tch_tensor_multinomial(t, w4, 3, false, 0, r), 3, 2, 0);
  tch_tensor *t = vector(TCH_LONG, 1), *d = vector(TCH_DOUBLE, 1), *rows = doubles(NULL, 5, 3, 0);
  ok(tch_tensor_multinomial(t, rows, 2, false, 0, NULL));
  assert_int_equal(tch_tensor_size(t, 0), 5);
  assert_int_equal(tch_tensor_size(t, 1), 2);
  refused(tch_tensor_multinomial(t, w3, 4, false, 0, NULL), TCH_ERROR_VALUE, "4 samples without replacement from 3");
  refused(tch_tensor_multinomial(d, w3, 4, true, 0, NULL), TCH_ERROR_TYPE, "must be Long");
  refused(tch_tensor_multinomial(t, w3, 0, true, 0, NULL), TCH_ERROR_VALUE, "at least 1");
  ok(tch_tensor_fill(w3, 0));
  refused(tch_tensor_multinomial(t, w3, 1, true, 0, NULL), TCH_ERROR_VALUE, "all weights are 0");
  ok(tch_tensor_fill(w3, -1));
  refused(tch_tensor_multinomial(t, w3, 1, true, 0, NULL), TCH_ERROR_VALUE, "probability 1 of 3 is -1");
  tch_tensor_release(t), tch_tensor_release(d), tch_tensor_release(rows);
  tch_tensor_release(w3), tch_tensor_release(w4), tch_tensor_release(f3);
}

static void strides_do_not_change_the_stream(void **state) {
  int64_t size[] = {30, 40}, stride[] = {1, 30};
  for (int law = 0; law < 4; law++) {
    tch_tensor *a = NULL, *store = NULL, *b = NULL;
    ok(tch_tensor_new(TCH_FLOAT, 2, size, &a));
    ok(tch_tensor_new(TCH_FLOAT, 2, size, &store));
    ok(tch_tensor_view_of(tch_tensor_storage(store), 0, 2, size, stride, &b));
    for (int k = 0; k < 2; k++) {
      tch_random *r = seeded();
      tch_tensor *t = k ? b : a;
      ok(law == 0   ? tch_tensor_uniform(t, 0, 1, r)
         : law == 1 ? tch_tensor_normal(t, 0, 1, r)
         : law == 2 ? tch_tensor_random(t, 1, 100, r)
                    : tch_tensor_bernoulli(t, .5, r));
      tch_random_release(r);
    }
    for (int64_t i = 0; i < 30; i++)
      for (int64_t j = 0; j < 40; j++) {
        double x, y;
        ok(tch_tensor_get(a, 2, (int64_t[]){i, j}, &x));
        ok(tch_tensor_get(b, 2, (int64_t[]){i, j}, &y));
        close_to(x, y, 0);
      }
    tch_tensor_release(a), tch_tensor_release(b), tch_tensor_release(store);
  }
}

static void fills_are_the_scalar_stream_whatever_the_width(void **state) {
  const int64_t counts[] = {1, 2, 3, 257, 40001, 2, 70000, 5};
  for (int threads = 1; threads <= 3; threads += 2) {
    ok(tch_set_threads(threads));
    tch_random *r = seeded(), *scalar = seeded();
    for (int k = 0; k < 8; k++) {
      tch_tensor *t = vector(TCH_DOUBLE, counts[k]);
      double *v = tch_tensor_data(t);
      ok(tch_tensor_normal(t, 1, 2, r));
      for (int64_t i = 0; i < counts[k]; i++) assert_true(v[i] == tch_random_normal(scalar, 1, 2));
      ok(tch_tensor_exponential(t, 3, r));
      for (int64_t i = 0; i < counts[k]; i++) assert_true(v[i] == tch_random_exponential(scalar, 3));
      tch_tensor_release(t);
    }
    tch_random_release(r);
    tch_random_release(scalar);
  }
}

static void states_are_saved_and_checked(void **state) {
  int64_t bytes = tch_random_state_size();
  unsigned char *saved = calloc(1, (size_t) bytes);
  tch_random *a = seeded(), *b = NULL;
  ok(tch_random_new(1, &b));
  for (int i = 0; i < 1001; i++) tch_random_normal(a, 0, 1);
  tch_random_save(a, saved);
  ok(tch_random_restore(b, saved, bytes));
  assert_int_equal(tch_random_initial_seed(b), 123);
  for (int i = 0; i < 1500; i++) close_to(tch_random_normal(a, 0, 1), tch_random_normal(b, 0, 1), 0);
  refused(tch_random_restore(b, saved, bytes - 1), TCH_ERROR_VALUE, "generator state");
  uint32_t before = tch_random_next(b);
  ok(tch_random_restore(b, saved, bytes));
  for (int i = 0; i < 20000; i++) { /* damaged states are refused or harmless */
    unsigned char *damaged = malloc((size_t) bytes);
    memcpy(damaged, saved, (size_t) bytes);
    damaged[tch_random_next(a) % (i % 2 ? 40 : bytes)] ^= (unsigned char) (1 + tch_random_next(a) % 255);
    if (tch_random_restore(b, damaged, bytes) == TCH_OK) before ^= tch_random_next(b);
    free(damaged);
  }
  memset(saved + 8, 0, (size_t) bytes - 8);
  refused(tch_random_restore(b, saved, bytes), TCH_ERROR_VALUE, "not a state");
  tch_random_release(a);
  tch_random_release(b);
  free(saved);
}

static void wrong_arguments_are_refused(void **state) {
  tch_tensor *t = vector(TCH_FLOAT, 3), *i = vector(TCH_INT, 3), *b = vector(TCH_BYTE, 3);
  refused(tch_tensor_uniform(i, 0, 1, NULL), TCH_ERROR_TYPE, "uniform: the tensor is of type Int");
  refused(tch_tensor_uniform(t, 0, NAN, NULL), TCH_ERROR_VALUE, "uniform");
  refused(tch_tensor_normal(t, 0, -1, NULL), TCH_ERROR_VALUE, "normal: the standard deviation is -1");
  refused(tch_tensor_bernoulli(t, 1.5, NULL), TCH_ERROR_VALUE, "bernoulli: p is 1.5");
  refused(tch_tensor_bernoulli_of(t, i, NULL), TCH_ERROR_TYPE, "type Int");
  refused(tch_tensor_geometric(t, 1, NULL), TCH_ERROR_VALUE, "geometric: p is 1");
  refused(tch_tensor_exponential(t, 0, NULL), TCH_ERROR_VALUE, "exponential: the rate is 0");
  refused(tch_tensor_random(t, 3, 1, NULL), TCH_ERROR_VALUE, "random: the range 3 to 1 is empty");
  refused(tch_tensor_randperm(b, 300, 1, NULL), TCH_ERROR_TYPE, "Byte cannot hold the numbers 1 to 300");
  refused(tch_tensor_randperm(t, 0, 1, NULL), TCH_ERROR_VALUE, "randperm: n is 0");
  assert_int_equal(tch_tensor_size(b, 0), 3);
  tch_tensor_release(t), tch_tensor_release(i), tch_tensor_release(b);
}

static void *draw_default(void *argument) {
  *(uint32_t *) argument = tch_random_next(NULL);
  tch_random_release(tch_random_default());
  tch_random_seed(NULL, 123);
  return tch_random_next(NULL) == UINT32_C(2991312382) ? argument : NULL;
}

static void each_thread_has_its_own_generator(void **state) {
  tch_random_seed(tch_random_default(), 5);
  tch_random_seed(NULL, 123);
  uint32_t drawn[2];
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, draw_default, &drawn[i]);
    pthread_join(thread, &result);
    assert_non_null(result);
  }
  assert_true(drawn[0] != drawn[1]);
  assert_int_equal(tch_random_next(NULL), 2991312382);
}

static void counters_mix(void **state) {
  int ones = 0;
  for (uint64_t i = 0; i < 1000; i++) {
    ones += __builtin_popcountll(tch_random_at(7, i) ^ tch_random_at(7, i + 1));
    ones += __builtin_popcountll(tch_random_at(i, 7) ^ tch_random_at(i + 1, 7));
  }
  assert_true(abs(ones - 64000) < 1200); /* standard deviation 179 */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(uniform),
      cmocka_unit_test(the_state_is_renewed),
      cmocka_unit_test(normal),
      cmocka_unit_test(the_second_normal_is_kept),
      cmocka_unit_test(other_laws),
      cmocka_unit_test(a_chance_for_each_element),
      cmocka_unit_test(scalars_in_one_stream),
      cmocka_unit_test(integers),
      cmocka_unit_test(wide_ranges_are_covered),
      cmocka_unit_test(picks_by_weight),
      cmocka_unit_test(strides_do_not_change_the_stream),
      cmocka_unit_test(fills_are_the_scalar_stream_whatever_the_width),
      cmocka_unit_test(states_are_saved_and_checked),
      cmocka_unit_test(wrong_arguments_are_refused),
      cmocka_unit_test(each_thread_has_its_own_generator),
      cmocka_unit_test(counters_mix),
  };
  return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
