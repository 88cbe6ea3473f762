/* Storages on memory that is not their own. */
#include "check.h"
#include "core/storage.h"
#include <string.h>

static int dropped;
static void count_drop(void *owner) { dropped += *(int *) owner; }

static void a_view_shares_and_keeps_its_base(void **state) {
  tch_storage *s = NULL, *v = NULL, *w = NULL;
  ok(tch_storage_new(TCH_INT, 4, &s));
  int32_t *data = tch_storage_data(s);
  for (int i = 0; i < 4; i++) data[i] = i;
  ok(tch_storage_view(s, TCH_INT, 4, 3, &v));
  assert_ptr_equal(tch_storage_data(v), data + 1);
  ok(tch_storage_view(v, TCH_BYTE, 4, 8, &w)); /* of another type */
  assert_int_equal(((uint8_t *) tch_storage_data(w))[0], 2);
  refused(tch_storage_resize(v, 9), TCH_ERROR_STATE, "cannot be resized from 3 to 9");
  refused(tch_storage_resize(s, 9), TCH_ERROR_STATE, "while another storage is a view of it");
  tch_storage_release(v);
  refused(tch_storage_resize(s, 9), TCH_ERROR_STATE, "while another storage is a view of it");
  tch_storage_release(w);
  ok(tch_storage_resize(s, 9));
  tch_storage_release(s);
}

static void a_view_lies_inside_at_a_whole_element(void **state) {
  tch_storage *s = NULL, *v = NULL;
  ok(tch_storage_new(TCH_BYTE, 16, &s));
  refused(tch_storage_view(s, TCH_INT, -4, 1, &v), TCH_ERROR_VALUE, "do not lie in a storage of 16 bytes");
  refused(tch_storage_view(s, TCH_INT, 12, 2, &v), TCH_ERROR_VALUE, "8 bytes from byte 12 on");
  refused(tch_storage_view(s, TCH_INT, 2, 1, &v), TCH_ERROR_VALUE, "byte 2 of the storage is no place for a Int");
  refused(tch_storage_view(s, TCH_INT, 0, INT64_MAX / 2, &v), TCH_ERROR_VALUE, "not possible");
  assert_null(v);
  tch_storage_release(s);
}

static void writes_to_a_view_are_writes_to_its_base(void **state) {
  tch_storage *s = NULL, *v = NULL;
  ok(tch_storage_new(TCH_INT, 8, &s));
  ok(tch_storage_view(s, TCH_INT, 8, 4, &v)); /* elements 2 to 5 */
  uint64_t before = tch_storage_track(s);
  tch_storage_wrote(v, 1, 2);
  assert_true(tch_storage_version(s, 3, 4) > before);
  assert_true(tch_storage_version(s, 4, 8) <= before);
  assert_true(tch_storage_version(v, 1, 2) > before);
  tch_storage_wrote(s, 5, 6);
  assert_true(tch_storage_version(v, 3, 4) > tch_storage_version(v, 1, 2));
  assert_true(tch_storage_meet(s, 2, 3, v, 0, 1));
  assert_false(tch_storage_meet(s, 0, 2, v, 0, 4));
  tch_storage_release(v);
  tch_storage_release(s);
}

static void the_owner_of_memory_is_told(void **state) {
  int32_t numbers[] = {7, 8}, one = 1;
  tch_storage *s = NULL;
  ok(tch_storage_over(TCH_INT, 2, numbers, count_drop, &one, &s));
  tch_storage_retain(s);
  tch_storage_release(s);
  assert_int_equal(dropped, 0);
  tch_storage_release(s);
  assert_int_equal(dropped, 1);
  refused(tch_storage_at(TCH_INT, 2, (void *) 5, &s), TCH_ERROR_VALUE, "no memory at address 5");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_view_shares_and_keeps_its_base),
      cmocka_unit_test(a_view_lies_inside_at_a_whole_element),
      cmocka_unit_test(writes_to_a_view_are_writes_to_its_base),
      cmocka_unit_test(the_owner_of_memory_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
