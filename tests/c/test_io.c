/* Files: whole or not at all, IDX with every size checked. */
#include "check.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/tocha-io-XXXXXX", path[64];

static void write_bytes(const char *bytes, size_t n) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  assert_int_equal(fclose(f), 0);
}

static void expect_bytes(const char *bytes, size_t n) {
  char buffer[64];
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  assert_int_equal(fread(buffer, 1, sizeof buffer, f), n);
  fclose(f);
  assert_memory_equal(buffer, bytes, n);
}

static void a_file_replaces_the_old_one_when_it_is_committed(void **state) {
  tch_file *f = NULL;
  write_bytes("old", 3);
  assert_int_equal(chmod(path, 0640), 0);
  ok(tch_file_create(path, &f));
  ok(tch_file_write(f, "newer", 5));
  expect_bytes("old", 3);
  ok(tch_file_commit(f));
  expect_bytes("newer", 5);
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0640);
}

static void a_file_that_is_discarded_leaves_nothing(void **state) {
  tch_file *f = NULL;
  write_bytes("old", 3);
  ok(tch_file_create(path, &f));
  ok(tch_file_write(f, "newer", 5));
  tch_file_discard(f);
  expect_bytes("old", 3);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0); /* empty */
  assert_int_equal(mkdir(folder, 0700), 0);
}

static void a_disk_that_is_full_is_named(void **state) {
  tch_file *f = NULL;
  ok(tch_file_create("/dev/full", &f));
  ok(tch_file_write(f, "x", 1));
  refused(tch_file_commit(f), TCH_ERROR_IO, "cannot write /dev/full: No space left on device");
  refused(tch_file_create("/nowhere/x", &f), TCH_ERROR_IO, "cannot write /nowhere/x: No such file or directory");
  refused(tch_file_create("", &f), TCH_ERROR_IO, "without a name");
}

static void idx_is_read_big_endian(void **state) {
  tch_tensor *t = NULL;
  write_bytes("\0\0\x0b\2\0\0\0\1\0\0\0\2\1\2\xff\xfe", 16);
  ok(tch_idx_read(path, &t));
  assert_int_equal(tch_tensor_dtype(t), TCH_SHORT);
  assert_int_equal(((int16_t *) tch_tensor_data(t))[0], 258);
  assert_int_equal(((int16_t *) tch_tensor_data(t))[1], -2);
  tch_tensor_release(t);
}

static void idx_without_memory_fails_and_leaks_nothing(void **state) {
  write_bytes("\0\0\x08\1\0\0\0\3abc", 11);
  int64_t before = tch_memory_used();
  for (int n = 1;; n++) {
    tch_tensor *t = NULL;
    tch_memory_fail_after(n);
    tch_status status = tch_idx_read(path, &t);
    tch_memory_fail_after(0);
    if (status == TCH_OK) {
      assert_true(n > 1);
      tch_tensor_release(t);
      break;
    }
    assert_int_equal(status, TCH_ERROR_MEMORY);
    assert_null(t);
    assert_int_equal(tch_memory_used(), before);
  }
}

static int prepare(void **state) {
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/file", folder);
  return 0;
}

static int clean(void **state) {
  unlink(path);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_replaces_the_old_one_when_it_is_committed),
      cmocka_unit_test(a_file_that_is_discarded_leaves_nothing),
      cmocka_unit_test(a_disk_that_is_full_is_named),
      cmocka_unit_test(idx_is_read_big_endian),
      cmocka_unit_test(idx_without_memory_fails_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, prepare, clean);
}
