/* Pictures: round trips, conversions, and files that are truncated, damaged, hostile or foreign. */
#include "check.h"
#include "core/memory.h"
#include "io/picture.h"

enum { HEIGHT = 5, WIDTH = 7 };

/* A smooth picture, so that JPEG keeps it: bytes (channels,5,7). */
static tch_tensor *smooth(int channels) {
  int64_t size[] = {channels, HEIGHT, WIDTH};
  tch_tensor *t = NULL;
  ok(tch_tensor_new(TCH_BYTE, 3, size, &t));
  uint8_t *data = tch_tensor_data(t);
  for (int c = 0; c < channels; c++)
    for (int y = 0; y < HEIGHT; y++)
      for (int x = 0; x < WIDTH; x++) *data++ = (uint8_t) (60 + 20 * c + 6 * y + 9 * x);
  return t;
}

static tch_tensor *encoded(int format, int channels) {
  tch_tensor *image = smooth(channels), *bytes = NULL;
  ok(tch_image_encode(image, format, 100, &bytes));
  tch_tensor_release(image);
  return bytes;
}

static int64_t largest_difference(const tch_tensor *a, const tch_tensor *b) {
  assert_true(tch_tensor_same_size(a, b));
  const uint8_t *p = tch_tensor_data(a), *q = tch_tensor_data(b);
  int64_t most = 0;
  for (int64_t i = 0; i < tch_tensor_count(a); i++) {
    int64_t d = llabs((long long) p[i] - q[i]);
    if (d > most) most = d;
  }
  return most;
}

static void what_is_written_is_read(void **state) {
  const int cases[][3] = {{TCH_JPEG, 1, 2}, {TCH_JPEG, 3, 6}, {TCH_PNG, 1, 0}, {TCH_PNG, 3, 0}, {TCH_PNG, 4, 0}, {TCH_PNM, 1, 0},
                          {TCH_PNM, 3, 0}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    int format = cases[k][0], channels = cases[k][1], found;
    tch_tensor *image = smooth(channels), *bytes = encoded(format, channels), *back = NULL;
    int64_t size[4];
    ok(tch_image_size(bytes, &found, size));
    assert_int_equal(found, format);
    assert_int_equal(size[0], channels);
    assert_int_equal(size[1], HEIGHT);
    assert_int_equal(size[2], WIDTH);
    assert_int_equal(size[3], 8);
    ok(tch_image_decode(bytes, TCH_BYTE, 0, 0, false, &back));
    assert_true(largest_difference(image, back) <= cases[k][2]);
    tch_tensor_release(back);
    tch_tensor_release(bytes);
    tch_tensor_release(image);
  }
}

static void planes_and_types_are_converted(void **state) {
  tch_tensor *bytes = encoded(TCH_PNG, 3), *grey = NULL, *numbers = NULL, *one = encoded(TCH_PNM, 1), *three = NULL;
  ok(tch_image_decode(bytes, TCH_BYTE, 1, 0, false, &grey));
  assert_int_equal(((uint8_t *) tch_tensor_data(grey))[1], (int) (.299 * 69 + .587 * 89 + .114 * 109 + .5));
  ok(tch_image_decode(bytes, TCH_DOUBLE, 0, 0, false, &numbers));
  close_to(((double *) tch_tensor_data(numbers))[1], 69. / 255, 1e-15);
  ok(tch_image_decode(one, TCH_FLOAT, 3, 0, false, &three));
  assert_int_equal(tch_tensor_size(three, 0), 3);
  close_to(((float *) tch_tensor_data(three))[2 * HEIGHT * WIDTH + 1], 69. / 255, 1e-6);
  refused(tch_image_decode(one, TCH_LONG, 0, 0, false, &three), TCH_ERROR_TYPE, "not to a LongTensor");
  refused(tch_image_decode(one, TCH_BYTE, 2, 0, false, &three), TCH_ERROR_VALUE, "not to 2");
  refused(tch_image_decode(grey, TCH_BYTE, 0, 0, false, &three), TCH_ERROR_TYPE, "not a ByteTensor of 1x5x7");
  tch_tensor *all[] = {bytes, grey, numbers, one, three};
  for (int i = 0; i < 5; i++) tch_tensor_release(all[i]);
}

static void a_jpeg_comes_reduced_but_not_below_the_side(void **state) {
  int64_t size[] = {100, 60};
  tch_tensor *image = NULL, *bytes = NULL;
  ok(tch_tensor_new(TCH_BYTE, 2, size, &image));
  ok(tch_tensor_fill(image, 77));
  ok(tch_image_encode(image, TCH_JPEG, 90, &bytes));
  const int64_t cases[][3] = {{0, 100, 60}, {31, 100, 60}, {30, 50, 30}, {15, 25, 15}, {1, 13, 8}, {1000, 100, 60}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    tch_tensor *small = NULL;
    ok(tch_image_decode(bytes, TCH_BYTE, 0, cases[k][0], false, &small));
    assert_int_equal(tch_tensor_size(small, 1), cases[k][1]);
    assert_int_equal(tch_tensor_size(small, 2), cases[k][2]);
    tch_tensor_release(small);
  }
  tch_tensor_release(bytes);
  tch_tensor_release(image);
}

/* A JPEG of 16x8 whose left half is dark, with an EXIF segment of this orientation behind its first marker. */
static tch_tensor *oriented(int orientation) {
  uint8_t exif[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
                    0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  exif[29] = (uint8_t) orientation;
  int64_t size[] = {8, 16};
  tch_tensor *image = NULL, *bytes = NULL, *all = NULL;
  ok(tch_tensor_new(TCH_BYTE, 2, size, &image));
  for (int i = 0; i < 128; i++) ((uint8_t *) tch_tensor_data(image))[i] = i % 16 < 8 ? 10 : 240;
  ok(tch_image_encode(image, TCH_JPEG, 95, &bytes));
  int64_t count = tch_tensor_count(bytes), total = count + (int64_t) sizeof exif;
  ok(tch_tensor_new(TCH_BYTE, 1, &total, &all));
  uint8_t *to = tch_tensor_data(all), *from = tch_tensor_data(bytes);
  memcpy(to, from, 2);
  memcpy(to + 2, exif, sizeof exif);
  memcpy(to + 2 + sizeof exif, from + 2, (size_t) count - 2);
  tch_tensor_release(bytes);
  tch_tensor_release(image);
  return all;
}

static void orientation_is_followed_when_asked(void **state) {
  /* where the dark half lies: 'l'eft, 'r'ight, 't'op, 'b'ottom */
  const char *dark = "llrrlttbb";
  for (int orientation = 1; orientation <= 8; orientation++) {
    tch_tensor *bytes = oriented(orientation), *image = NULL, *plain = NULL;
    ok(tch_image_decode(bytes, TCH_BYTE, 0, 0, true, &image));
    int64_t height = tch_tensor_size(image, 1), width = tch_tensor_size(image, 2);
    assert_int_equal(width, orientation < 5 ? 16 : 8);
    const uint8_t *data = tch_tensor_data(image);
    uint8_t corner = data[0], other = orientation < 5 ? data[width - 1] : data[(height - 1) * width];
    char found = orientation < 5 ? corner < other ? 'l' : 'r' : corner < other ? 't' : 'b';
    assert_int_equal(found, dark[orientation]);
    ok(tch_image_decode(bytes, TCH_BYTE, 0, 0, false, &plain));
    assert_int_equal(tch_tensor_size(plain, 2), 16);
    tch_tensor_release(plain);
    tch_tensor_release(image);
    tch_tensor_release(bytes);
  }
}

static tch_tensor *bytes_of(const void *text, int64_t count) {
  tch_tensor *t = NULL;
  ok(tch_bytes_of(text, count, &t));
  return t;
}

static void expect_refused(const void *text, int64_t count, const char *part) {
  tch_tensor *bytes = bytes_of(text, count), *out = NULL;
  refused(tch_image_decode(bytes, TCH_BYTE, 0, 0, false, &out), TCH_ERROR_IO, part);
  assert_null(out);
  tch_tensor_release(bytes);
}

static void foreign_and_dishonest_files_are_named(void **state) {
  expect_refused("", 0, "empty");
  expect_refused("GIF89a", 6, "starts with the bytes 47 49 46 38");
  expect_refused("P5 70000 2 255\n", 15, "70000x2 pixels is too large");
  expect_refused("P5 60000 60000 255\n", 19, "too large");
  expect_refused("P5 6000 6000 255\nabc", 20, "20 bytes cannot hold");
  expect_refused("P5 0 3 255\n", 11, "no pixels");
  expect_refused("P4 1 1\n", 7, "unsupported magic number: P4");
  expect_refused("P2 2 1 9 3 x", 12, "a sample is no number");
  expect_refused("P2 2 1 9 3 10 ", 14, "a sample is 10, but white is 9");
  expect_refused("P6 1 1 70000\nabc", 16, "maximum from 1 to 65535");
  expect_refused("P5 99999999999999999999 1 255\n", 30, "damaged PNM");
}

static void plain_pnm_with_comments_and_two_bytes_is_read(void **state) {
  tch_tensor *bytes = bytes_of("P2 # grey\n2 1\n# white\n4\n1 4", 28), *out = NULL;
  ok(tch_image_decode(bytes, TCH_DOUBLE, 0, 0, false, &out));
  close_to(at(out, 0), .25, 1e-15);
  close_to(at(out, 1), 1, 1e-15);
  tch_tensor_release(out);
  tch_tensor_release(bytes);
  bytes = bytes_of("P5 2 1 65535\n\x80\x00\xff\xff", 17);
  out = NULL;
  ok(tch_image_decode(bytes, TCH_DOUBLE, 0, 0, false, &out));
  close_to(at(out, 0), 32768. / 65535, 1e-15);
  tch_tensor_release(out);
  tch_tensor_release(bytes);
}

static void every_truncation_is_an_error(void **state) {
  const int formats[] = {TCH_JPEG, TCH_PNG, TCH_PNM};
  for (int k = 0; k < 3; k++) {
    tch_tensor *bytes = encoded(formats[k], 3);
    int64_t before = tch_memory_used(), count = tch_tensor_count(bytes);
    for (int64_t n = 0; n < count; n++) {
      tch_tensor *part = bytes_of(tch_tensor_data(bytes), n), *out = NULL;
      tch_status status = tch_image_decode(part, TCH_BYTE, 0, 0, false, &out);
      bool end_marker = formats[k] == TCH_JPEG && n >= count - 2; /* the library adds it */
      if (status == TCH_OK && !end_marker) fail_msg("format %d: %d of %d bytes were read", formats[k], (int) n, (int) count);
      tch_tensor_release(out);
      tch_tensor_release(part);
    }
    assert_int_equal(tch_memory_used(), before);
    tch_tensor_release(bytes);
  }
}

/* Damaged in all kinds of ways, a file is read or refused; the sanitizers watch. */
static void damage_never_crashes(void **state) {
  const int formats[] = {TCH_JPEG, TCH_PNG, TCH_PNM};
  uint64_t seed = 1;
  int64_t before = tch_memory_used();
  for (int round = 0; round < 6000; round++) {
    tch_tensor *bytes = encoded(formats[round % 3], round % 2 ? 1 : 3), *out = NULL;
    uint8_t *data = tch_tensor_data(bytes);
    for (int k = 0; k < 1 + round % 4; k++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      data[(seed >> 33) % (uint64_t) tch_tensor_count(bytes)] = (uint8_t) (seed >> 25);
    }
    if (tch_image_decode(bytes, TCH_BYTE, round % 5 ? 0 : 3, round % 3, true, &out) == TCH_OK) tch_tensor_release(out);
    else assert_true(strlen(tch_error()) > 0);
    tch_tensor_release(bytes);
  }
  assert_int_equal(tch_memory_used(), before);
}

static void without_memory_nothing_leaks(void **state) {
  const int formats[] = {TCH_JPEG, TCH_PNG, TCH_PNM};
  for (int k = 0; k < 3; k++) {
    tch_tensor *bytes = encoded(formats[k], 3);
    int64_t before = tch_memory_used();
    for (int n = 1;; n++) {
      tch_tensor *out = NULL;
      tch_memory_fail_after(n);
      tch_status status = tch_image_decode(bytes, TCH_BYTE, 0, 0, true, &out);
      tch_memory_fail_after(0);
      if (status == TCH_OK) {
        assert_true(n > 1);
        tch_tensor_release(out);
        break;
      }
      assert_int_equal(status, TCH_ERROR_MEMORY);
      assert_null(out);
      assert_int_equal(tch_memory_used(), before);
    }
    tch_tensor_release(bytes);
  }
}

static void images_of_other_shapes_are_refused(void **state) {
  int64_t size[] = {2, 4, 5};
  tch_tensor *image = NULL, *out = NULL;
  ok(tch_tensor_new(TCH_BYTE, 3, size, &image));
  refused(tch_image_encode(image, TCH_PNG, 75, &out), TCH_ERROR_SHAPE, "but a ByteTensor of 2x4x5 was given");
  tch_tensor_release(image);
  image = smooth(4);
  refused(tch_image_encode(image, TCH_JPEG, 75, &out), TCH_ERROR_SHAPE, "4x5x7");
  tch_tensor_release(image);
  image = smooth(1);
  refused(tch_image_encode(image, TCH_JPEG, 0, &out), TCH_ERROR_VALUE, "from 1 to 100, not 0");
  tch_tensor_release(image);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read),
      cmocka_unit_test(planes_and_types_are_converted),
      cmocka_unit_test(a_jpeg_comes_reduced_but_not_below_the_side),
      cmocka_unit_test(orientation_is_followed_when_asked),
      cmocka_unit_test(foreign_and_dishonest_files_are_named),
      cmocka_unit_test(plain_pnm_with_comments_and_two_bytes_is_read),
      cmocka_unit_test(every_truncation_is_an_error),
      cmocka_unit_test(damage_never_crashes),
      cmocka_unit_test(without_memory_nothing_leaks),
      cmocka_unit_test(images_of_other_shapes_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
