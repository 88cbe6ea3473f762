/* Computing on pictures: instruction sets agree, memory that fails leaks nothing, what cannot be is refused. Values are
 * tested in tests/lua/image_spec.lua. */
#include "check.h"
#include "core/cpu.h"
#include "core/memory.h"

static tch_tensor *noise(tch_dtype type, int64_t c, int64_t h, int64_t w) {
  int64_t size[] = {c, h, w};
  tch_tensor *t = NULL;
  ok(tch_tensor_new(type, 3, size, &t));
  tch_random *r = NULL;
  ok(tch_random_new(7, &r));
  if (type == TCH_BYTE) ok(tch_tensor_random(t, 0, 255, r));
  else ok(tch_tensor_uniform(t, 0, 1, r));
  tch_random_release(r);
  return t;
}

enum { CALLS = 7 + 4 * 5 + 1 + 2 };

/* The k-th of all calls on a picture. */
static tch_status call(int k, tch_tensor *image, tch_tensor *field, tch_tensor **out) {
  const double matrix[] = {.9, .3, -2, -.2, 1.1, 1};
  if (k < 7) return tch_image_resize(image, 5 + 9 * (k % 3), 25 - 3 * k, (tch_resize) k, out);
  k -= 7;
  if (k < 20) return tch_image_affine(image, matrix, 13, 300, k % 4, k / 4, .5, out);
  if (k == 20) return tch_image_warp(image, field, true, 1, 2, 0, out);
  return k == 21 ? tch_image_polar(image, 9, 8, true, true, true, out) : tch_image_colours(image, TCH_RGB_TO_HSV, out);
}

static tch_tensor *doubles_of(const tch_tensor *t) {
  int64_t size[3] = {tch_tensor_size(t, 0), tch_tensor_size(t, 1), tch_tensor_size(t, 2)};
  tch_tensor *d = NULL;
  ok(tch_tensor_new(TCH_DOUBLE, 3, size, &d));
  ok(tch_tensor_copy(d, t));
  return d;
}

static void instruction_sets_agree(void **state) {
  const tch_dtype types[] = {TCH_BYTE, TCH_FLOAT, TCH_DOUBLE};
  const double tolerance[] = {1, 2e-5, 1e-12};
  tch_tensor *field = noise(TCH_FLOAT, 2, 6, 9);
  tch_isa chosen = tch_cpu_isa();
  for (int type = 0; type < 3; type++) {
    tch_tensor *image = noise(types[type], 3, 11, 17);
    for (int k = 0; k < CALLS; k++) {
      tch_tensor *reference = NULL;
      for (int isa = 0; isa < TCH_ISA_COUNT; isa++) {
        if (!tch_cpu_supports((tch_isa) isa)) continue;
        tch_cpu_use((tch_isa) isa);
        tch_tensor *out = NULL;
        ok(call(k, image, field, &out));
        tch_tensor *values = doubles_of(out);
        if (reference)
          for (int64_t i = 0; i < tch_tensor_count(values); i++) close_to(at(values, i), at(reference, i), tolerance[type]);
        tch_tensor_release(out);
        if (reference) tch_tensor_release(values);
        else reference = values;
      }
      tch_tensor_release(reference);
    }
    tch_tensor_release(image);
  }
  tch_cpu_use(chosen);
  tch_tensor_release(field);
}

static void without_memory_nothing_leaks(void **state) {
  tch_tensor *image = noise(TCH_BYTE, 3, 11, 17), *field = noise(TCH_FLOAT, 2, 6, 9);
  for (int k = 0; k < CALLS; k++) {
    int64_t before = tch_memory_used(), records = tch_memory_records();
    for (int n = 1;; n++) {
      tch_tensor *out = NULL;
      tch_memory_fail_after(n);
      tch_status status = call(k, image, field, &out);
      tch_memory_fail_after(0);
      if (status == TCH_OK) {
        assert_true(n > 1);
        tch_tensor_release(out);
        break;
      }
      assert_int_equal(status, TCH_ERROR_MEMORY);
      assert_null(out);
      assert_int_equal(tch_memory_used(), before);
      assert_int_equal(tch_memory_records(), records);
    }
  }
  tch_tensor_release(image);
  tch_tensor_release(field);
}

static void what_is_no_picture_is_refused(void **state) {
  int64_t size[] = {2, 3};
  tch_tensor *longs = NULL, *out = NULL;
  ok(tch_tensor_new(TCH_LONG, 2, size, &longs));
  refused(tch_image_resize(longs, 2, 2, TCH_RESIZE_AREA, &out), TCH_ERROR_SHAPE, "not a LongTensor of 2x3");
  refused(tch_image_polar(longs, 2, 2, false, false, false, &out), TCH_ERROR_SHAPE, "LongTensor");
  refused(tch_image_colours(longs, TCH_RGB_TO_HSL, &out), TCH_ERROR_SHAPE, "3xHxW");
  refused(tch_image_affine(longs, (double[6]) {0}, 2, 2, 9, 0, 0, &out), TCH_ERROR_VALUE, "no interpolation 9");
  tch_tensor_release(longs);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(instruction_sets_agree),
      cmocka_unit_test(without_memory_nothing_leaks),
      cmocka_unit_test(what_is_no_picture_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
