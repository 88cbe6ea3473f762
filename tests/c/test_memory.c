/* The allocation door: counts, reuse, alignment, failure. */
#include "check.h"
#include "core/memory.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void counts_are_exact(void **state) {
  int64_t used = tch_memory_used();
  void *a, *b;
  ok(tch_alloc(4000, &a));
  assert_int_equal(tch_memory_used(), used + 4000);
  ok(tch_alloc(5000000, &b));
  assert_int_equal(tch_memory_used(), used + 5004000);
  assert_true(tch_memory_peak() >= used + 5004000);
  tch_free(b, 5000000);
  tch_free(a, 4000);
  assert_int_equal(tch_memory_used(), used);
}

static void peak_stays(void **state) {
  void *a;
  int64_t before = tch_memory_peak();
  ok(tch_alloc(before + 1000000, &a));
  int64_t peak = tch_memory_used();
  tch_free(a, before + 1000000);
  assert_int_equal(tch_memory_peak(), peak);
}

static void freed_blocks_are_cached_and_trimmed(void **state) {
  tch_memory_trim();
  assert_int_equal(tch_memory_cached(), 0);
  int64_t size[] = {1, 64, 65, 1024, 1025, 32768, 32769, 1 << 20, 3000001};
  void *block[9];
  for (int i = 0; i < 9; i++) ok(tch_alloc(size[i], &block[i]));
  assert_int_equal(tch_memory_cached(), 0);
  for (int i = 0; i < 9; i++) tch_free(block[i], size[i]);
  int64_t sum = 0;
  for (int i = 0; i < 9; i++) sum += size[i];
  assert_true(tch_memory_cached() >= sum && tch_memory_cached() <= sum * 9 / 8 + 9 * 64);
  tch_memory_trim();
  assert_int_equal(tch_memory_cached(), 0);
}

static void a_block_comes_back(void **state) {
  int64_t size[] = {100, 20000, 100000, 10000000};
  for (int i = 0; i < 4; i++) {
    void *a, *b;
    ok(tch_alloc(size[i], &a));
    tch_free(a, size[i]);
    ok(tch_alloc(size[i] - 1, &b));
    assert_ptr_equal(a, b);
    tch_free(b, size[i] - 1);
  }
}

static void large_blocks_are_cut_and_joined(void **state) {
  enum { MIB = 1 << 20 };
  void *whole, *part[3], *again;
  tch_memory_trim();
  ok(tch_alloc(9 * MIB, &whole));
  tch_free(whole, 9 * MIB);
  for (int i = 0; i < 3; i++) ok(tch_alloc(3 * MIB, &part[i]));
  assert_int_equal(tch_memory_cached(), 0);
  for (int i = 0; i < 3; i++) assert_ptr_equal(part[i], (char *) whole + i * 3 * MIB);
  tch_free(part[0], 3 * MIB);
  tch_free(part[2], 3 * MIB);
  ok(tch_alloc(4 * MIB, &again)); /* neither of the two is long enough */
  assert_true((char *) again < (char *) whole || (char *) again >= (char *) whole + 9 * MIB);
  tch_free(again, 4 * MIB);
  tch_free(part[1], 3 * MIB);
  ok(tch_alloc(9 * MIB, &again));
  assert_true((char *) again <= (char *) whole); /* the stretch of 4 MiB may touch it from below */
  tch_free(again, 9 * MIB);
  tch_memory_trim();
  assert_int_equal(tch_memory_cached(), 0);
}

static void large_blocks_do_not_overlap(void **state) {
  enum { N = 24 };
  unsigned char *block[N] = {NULL};
  int64_t bytes[N];
  uint32_t x = 7;
  tch_memory_trim();
  int64_t used = tch_memory_used();
  for (int round = 0; round < 3000; round++) {
    x = x * 1664525 + 1013904223;
    int k = (int) (x >> 16) % N;
    if (block[k]) {
      assert_int_equal(block[k][0], k + 1);
      assert_int_equal(block[k][bytes[k] - 1], k + 1);
      memset(block[k], 0, 100);
      block[k][bytes[k] - 1] = 0;
      tch_free(block[k], bytes[k]);
      block[k] = NULL;
    } else {
      void *a;
      ok(tch_alloc(bytes[k] = 1100000 + (x >> 9) % 6000000, &a));
      block[k] = a;
      block[k][0] = block[k][bytes[k] - 1] = (unsigned char) (k + 1);
    }
    assert_true(tch_memory_used() - used + tch_memory_cached() <= tch_memory_peak() / 4 * 5 + (40 << 20));
  }
  for (int k = 0; k < N; k++) tch_free(block[k], block[k] ? bytes[k] : 0);
  tch_memory_trim();
  assert_int_equal(tch_memory_cached(), 0);
}

static void every_size_is_aligned_and_wide_enough(void **state) {
  for (int64_t bytes = 1; bytes < 5000000; bytes += 1 + bytes / 7) {
    void *a;
    ok(tch_alloc(bytes, &a));
    assert_int_equal((uintptr_t) a % TCH_ALIGNMENT, 0);
    memset(a, 0x5a, (size_t) bytes);
    tch_free(a, bytes);
  }
}

static void blocks_do_not_overlap(void **state) {
  enum { N = 400 };
  unsigned char *block[N];
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < N; i++) {
      void *a;
      ok(tch_alloc(1 + i * 7, &a));
      memset(block[i] = a, i & 255, (size_t) (1 + i * 7));
    }
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < 1 + i * 7; j++) assert_int_equal(block[i][j], i & 255);
      tch_free(block[i], 1 + i * 7);
    }
  }
}

static void no_bytes_need_no_block(void **state) {
  void *a = state;
  ok(tch_alloc(0, &a));
  assert_null(a);
  tch_free(NULL, 0);
  tch_record_free(NULL, 10);
}

static void absurd_sizes_are_refused_in_the_right_unit(void **state) {
  void *a = state;
  refused(tch_alloc(INT64_C(4) << 40, &a), TCH_ERROR_MEMORY, "out of memory: 4.0 TiB asked, ");
  refused(tch_alloc(INT64_MAX, &a), TCH_ERROR_MEMORY, "out of memory: 8.0 EiB asked, ");
  refused(tch_alloc(-1, &a), TCH_ERROR_VALUE, "more than 8 EiB");
  assert_ptr_equal(a, state);
}

static void amounts_read_well(void **state) {
  char text[TCH_BYTES_TEXT];
  assert_string_equal(tch_bytes_text(0, text), "0 B");
  assert_string_equal(tch_bytes_text(1023, text), "1023 B");
  assert_string_equal(tch_bytes_text(1536, text), "1.5 KiB");
  assert_string_equal(tch_bytes_text(INT64_C(12) << 20, text), "12 MiB");
  assert_string_equal(tch_bytes_text(INT64_C(1000) << 20, text), "1.0 GiB");
  assert_string_equal(tch_bytes_text(INT64_MAX, text), "8.0 EiB");
}

static void the_nth_allocation_fails_once(void **state) {
  void *a = NULL;
  tch_memory_fail_after(2);
  ok(tch_alloc(100, &a));
  assert_null(tch_record_new(50));
  assert_non_null(strstr(tch_error(), "out of memory: 50 B asked"));
  tch_free(a, 100);
  tch_memory_fail_after(1);
  refused(tch_alloc(3 << 20, &a), TCH_ERROR_MEMORY, "3.0 MiB asked");
  ok(tch_alloc(100, &a));
  tch_free(a, 100);
  tch_memory_fail_after(1);
  tch_memory_fail_after(0);
  ok(tch_alloc(100, &a));
  tch_free(a, 100);
}

static void records_are_counted_apart(void **state) {
  int64_t used = tch_memory_used(), records = tch_memory_records();
  void *a = tch_record_new(300);
  assert_non_null(a);
  assert_int_equal(tch_memory_used(), used);
  assert_int_equal(tch_memory_records(), records + 320);
  tch_record_free(a, 300);
  assert_int_equal(tch_memory_records(), records);
}

static void the_cache_does_not_outgrow_the_peak(void **state) {
  for (int i = 1; i < 200; i++) { /* no free stretch fits the next */
    void *a;
    int64_t bytes = (int64_t) i * (4 << 20);
    ok(tch_alloc(bytes, &a));
    tch_free(a, bytes);
    assert_true(tch_memory_cached() <= tch_memory_peak() / 4 * 5 + (80 << 20));
  }
  tch_memory_trim();
}

static void *free_many(void *argument) {
  void **block = argument;
  for (int i = 0; i < 1000; i++) tch_free(block[i], 500);
  for (int i = 0; i < 1000; i++)
    if (tch_alloc(700, &block[i]) != TCH_OK) return NULL;
  return argument;
}

static void other_threads_free_and_their_cache_survives_them(void **state) {
  tch_memory_trim();
  int64_t used = tch_memory_used();
  void *block[1000], *result;
  for (int i = 0; i < 1000; i++) ok(tch_alloc(500, &block[i]));
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, free_many, block), 0);
  pthread_join(thread, &result);
  assert_non_null(result);
  for (int i = 0; i < 1000; i++) tch_free(block[i], 700);
  assert_int_equal(tch_memory_used(), used);
  assert_int_equal(tch_memory_cached(), 1000 * 512 + 1000 * 704);
  tch_memory_trim();
  assert_int_equal(tch_memory_cached(), 0);
}

static void *churn(void *argument) {
  void *block[64] = {NULL};
  int64_t bytes[64];
  uint32_t x = (uint32_t) (uintptr_t) argument;
  for (int i = 0; i < 20000; i++) {
    x = x * 1664525 + 1013904223;
    int k = x >> 26;
    if (block[k]) {
      if (*(unsigned char *) block[k] != k) return NULL;
      tch_free(block[k], bytes[k]);
      block[k] = NULL;
    } else {
      bytes[k] = 1 + (x >> 8) % (k < 4 ? 200000 : 2000);
      if (tch_alloc(bytes[k], &block[k]) != TCH_OK) return NULL;
      *(unsigned char *) block[k] = (unsigned char) k;
    }
  }
  for (int k = 0; k < 64; k++) tch_free(block[k], block[k] ? bytes[k] : 0);
  return argument;
}

static void threads_share_the_door(void **state) {
  int64_t used = tch_memory_used();
  pthread_t thread[4];
  for (uintptr_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, churn, (void *) (i + 1)), 0);
  for (int i = 0; i < 4; i++) {
    void *result;
    pthread_join(thread[i], &result);
    assert_non_null(result);
  }
  assert_int_equal(tch_memory_used(), used);
}

static void a_forked_child_allocates(void **state) {
  pid_t child = fork();
  if (child == 0) {
    void *a;
    int bad = tch_alloc(1000, &a) != TCH_OK;
    if (!bad) tch_free(a, 1000);
    tch_memory_trim();
    _exit(bad);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_are_exact),
      cmocka_unit_test(peak_stays),
      cmocka_unit_test(freed_blocks_are_cached_and_trimmed),
      cmocka_unit_test(a_block_comes_back),
      cmocka_unit_test(large_blocks_are_cut_and_joined),
    cmocka_unit_test(large_blocks_do_not_overlap),
    cmocka_unit_test(every_size_is_aligned_and_wide_enough),
      cmocka_unit_test(blocks_do_not_overlap),
      cmocka_unit_test(no_bytes_need_no_block),
      cmocka_unit_test(absurd_sizes_are_refused_in_the_right_unit),
      cmocka_unit_test(amounts_read_well),
      cmocka_unit_test(the_nth_allocation_fails_once),
      cmocka_unit_test(records_are_counted_apart),
      cmocka_unit_test(the_cache_does_not_outgrow_the_peak),
      cmocka_unit_test(other_threads_free_and_their_cache_survives_them),
      cmocka_unit_test(threads_share_the_door),
      cmocka_unit_test(a_forked_child_allocates),
  };
  return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
