/* Archives and loaders: damage, missing memory, threads. What they give is tested in tests/lua/data_pictures_spec.lua. */
#include "check.h"
#include "core/error.h"
#include "core/memory.h"
#include <stdio.h>
#include <unistd.h>

static char path[] = "/tmp/tocha-data-XXXXXX";

/* Appends a tar entry; the contents fit in one block. */
static size_t entry(uint8_t *to, const char *name, char kind, const char *text) {
  size_t n = strlen(text);
  memset(to, 0, 1024);
  snprintf((char *) to, 100, "%s", name);
  snprintf((char *) to + 124, 12, "%011o", (unsigned) n);
  to[156] = (uint8_t) kind;
  memcpy(to + 257, "ustar", 6);
  unsigned sum = 8 * ' ';
  for (int i = 0; i < 512; i++) sum += to[i];
  snprintf((char *) to + 148, 8, "%06o", sum);
  memcpy(to + 512, text, n);
  return n ? 1024 : 512;
}

static size_t archive(uint8_t *to) {
  size_t n = 0;
  n += entry(to + n, "cats/", '5', "");
  n += entry(to + n, "cats/1.ppm", '0', "P6 1 1 255\nabc");
  n += entry(to + n, "././@LongLink", 'L', "cats/a-name-that-is-longer-than-it-looks.ppm");
  n += entry(to + n, "cats/a-name", '0', "P6 1 1 255\nxyz");
  n += entry(to + n, "pax", 'x', "19 path=dogs/1.ppm\n");
  n += entry(to + n, "short", '0', "P6 1 1 255\ndef");
  memset(to + n, 0, 1024);
  return n + 1024;
}

static void write_bytes(const void *bytes, size_t n) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  fclose(f);
}

static void release(tch_tensor *a, tch_tensor *b, tch_tensor *c) {
  tch_tensor_release(a);
  tch_tensor_release(b);
  tch_tensor_release(c);
}

static void archives_are_listed_with_long_names(void **state) {
  uint8_t bytes[8192];
  write_bytes(bytes, archive(bytes));
  tch_tensor *names = NULL, *places = NULL, *blob = NULL;
  ok(tch_tar_list(path, &names, &places, &blob));
  assert_null(blob);
  static const char want[] = "cats/1.ppm\0cats/a-name-that-is-longer-than-it-looks.ppm\0dogs/1.ppm";
  assert_int_equal(tch_tensor_count(names), sizeof want);
  assert_memory_equal(tch_tensor_data(names), want, sizeof want);
  const int64_t *at = tch_tensor_data(places);
  assert_int_equal(at[0], 1024);
  assert_memory_equal(bytes + at[4], "P6 1 1 255\ndef", 14);
  assert_int_equal(at[5], 14);
  release(names, places, blob);
}

static void damaged_archives_are_listed_or_refused(void **state) {
  uint8_t bytes[8192];
  size_t count = archive(bytes);
  uint64_t seed = 3;
  int64_t before = tch_memory_used();
  for (int round = 0; round < 2000; round++) {
    uint8_t copy[8192];
    memcpy(copy, bytes, count);
    for (int k = 0; k <= round % 3; k++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      copy[(seed >> 33) % count] = (uint8_t) (seed >> 25);
    }
    write_bytes(copy, round % 7 ? count : (seed >> 40) % count);
    tch_tensor *names = NULL, *places = NULL, *blob = NULL;
    if (tch_tar_list(path, &names, &places, &blob) == TCH_OK) release(names, places, blob);
    else assert_true(strlen(tch_error()) > 0);
  }
  assert_int_equal(tch_memory_used(), before);
}

static void archives_without_memory_fail_and_leak_nothing(void **state) {
  uint8_t bytes[8192];
  write_bytes(bytes, archive(bytes));
  int64_t before = tch_memory_used(), records = tch_memory_records();
  for (int n = 1;; n++) {
    tch_tensor *names = NULL, *places = NULL, *blob = NULL;
    tch_memory_fail_after(n);
    tch_status status = tch_tar_list(path, &names, &places, &blob);
    tch_memory_fail_after(0);
    if (status == TCH_OK) {
      release(names, places, blob);
      break;
    }
    assert_int_equal(status, TCH_ERROR_MEMORY);
    assert_int_equal(tch_memory_used(), before);
    assert_int_equal(tch_memory_records(), records);
  }
}

/* -- loaders ---------------------------------------------------------------------------------------------------------- */

static tch_tensor *images(void) {
  int64_t size[] = {10, 3, 6, 5};
  tch_tensor *t = NULL;
  ok(tch_tensor_new(TCH_BYTE, 4, size, &t));
  for (int64_t i = 0; i < tch_tensor_count(t); i++) ((uint8_t *) tch_tensor_data(t))[i] = (uint8_t) (7 * i);
  return t;
}

static tch_tensor *order_of(int64_t n) {
  tch_tensor *t = NULL;
  ok(tch_tensor_new(TCH_LONG, 1, &n, &t));
  for (int64_t i = 0; i < n; i++) ((int64_t *) tch_tensor_data(t))[i] = i + 1;
  return t;
}

/* Runs an epoch; the sum of all inputs. */
static tch_status epoch(tch_tensor *all, tch_tensor *order, int workers, double *sum) {
  static const struct { const char *name; double value; } options[] = {
      {"height", 9}, {"width", 4}, {"rotation", 20}, {"hflip", 1}, {"cutout", 2}, {"contrast", .3}};
  tch_loader *l = NULL;
  TCH_TRY(tch_loader_new(NULL, NULL, NULL, all, &l));
  tch_status status = TCH_OK;
  for (size_t k = 0; k < sizeof options / sizeof *options && status == TCH_OK; k++)
    status = tch_loader_set(l, options[k].name, 1, &options[k].value);
  if (status == TCH_OK) status = tch_loader_begin(l, order, 1, 4, workers, 2, false);
  *sum = 0;
  while (status == TCH_OK) {
    tch_tensor *x = NULL, *samples = NULL;
    status = tch_loader_next(l, &x, &samples);
    if (!x) break;
    for (int64_t i = 0; i < tch_tensor_count(x); i++) *sum += ((float *) tch_tensor_data(x))[i];
    release(x, samples, NULL);
  }
  tch_loader_free(l);
  return status;
}

static void threads_do_not_change_the_batches(void **state) {
  tch_tensor *all = images(), *order = order_of(10);
  double want, sum;
  ok(epoch(all, order, 0, &want));
  assert_true(want > 0);
  for (int workers = 1; workers < 8; workers++) {
    ok(epoch(all, order, workers, &sum));
    close_to(sum, want, 0);
  }
  release(all, order, NULL);
}

static void loaders_without_memory_fail_and_leak_nothing(void **state) {
  tch_tensor *all = images(), *order = order_of(10);
  int64_t before = tch_memory_used(), records = tch_memory_records();
  double sum;
  for (int workers = 0; workers < 3; workers++)
    for (int n = 1;; n++) {
      tch_memory_fail_after(n);
      tch_status status = epoch(all, order, workers, &sum);
      tch_memory_fail_after(0);
      assert_int_equal(tch_memory_used(), before);
      assert_int_equal(tch_memory_records(), records);
      if (status == TCH_OK) break;
    }
  release(all, order, NULL);
}

static void what_makes_no_sense_is_refused(void **state) {
  tch_tensor *all = images(), *order = order_of(11);
  tch_loader *l = NULL;
  const double one = 1, none = NAN;
  refused(tch_loader_new(NULL, NULL, NULL, NULL, &l), TCH_ERROR_VALUE, "either an index of files or a tensor");
  refused(tch_loader_new(NULL, NULL, NULL, order, &l), TCH_ERROR_SHAPE, "images");
  ok(tch_loader_new(NULL, NULL, NULL, all, &l));
  refused(tch_loader_set(l, "colour", 1, &one), TCH_ERROR_VALUE, "no option colour");
  refused(tch_loader_set(l, "zoom", 1, &one), TCH_ERROR_VALUE, "zoom is 2 numbers, not 1");
  refused(tch_loader_set(l, "hue", 1, &none), TCH_ERROR_VALUE, "hue is out of range");
  ok(tch_loader_set(l, "height", 1, &one));
  ok(tch_loader_set(l, "width", 1, &one));
  refused(tch_loader_begin(l, order, 1, 4, 1, 2, false), TCH_ERROR_VALUE, "sample 11, but there are 10");
  refused(tch_loader_begin(l, all, 1, 4, 1, 2, false), TCH_ERROR_TYPE, "LongTensor");
  refused(tch_loader_begin(l, order, 1, 4, 1000, 2, false), TCH_ERROR_VALUE, "workers are 0 to 256");
  tch_loader_free(l);
  release(all, order, NULL);
}

static int prepare(void **state) { return mkstemp(path) < 0 ? -1 : 0; }
static int clean(void **state) { return unlink(path); }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(archives_are_listed_with_long_names),
      cmocka_unit_test(damaged_archives_are_listed_or_refused),
      cmocka_unit_test(archives_without_memory_fail_and_leak_nothing),
      cmocka_unit_test(threads_do_not_change_the_batches),
      cmocka_unit_test(loaders_without_memory_fail_and_leak_nothing),
      cmocka_unit_test(what_makes_no_sense_is_refused),
  };
  return cmocka_run_group_tests(tests, prepare, clean);
}
