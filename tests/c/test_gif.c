/* Moving pictures: giflib reads back what was written. */
#include "check.h"
#include <gif_lib.h>
#include <string.h>

/* A file's bytes as giflib reads them. */
typedef struct source {
  const uint8_t *bytes;
  int64_t at, count;
} source;

static int give(GifFileType *gif, GifByteType *to, int n) {
  source *s = gif->UserData;
  if (n > s->count - s->at) n = (int) (s->count - s->at);
  memcpy(to, s->bytes + s->at, (size_t) n);
  s->at += n;
  return n;
}

/* Three frames of 5x4 whose colours run through the range. */
static tch_tensor *film(void) {
  tch_tensor *frames = NULL;
  ok(tch_tensor_new(TCH_BYTE, 4, (const int64_t[]){3, 3, 5, 4}, &frames));
  uint8_t *bytes = tch_tensor_data(frames);
  for (int i = 0; i < 180; i++) bytes[i] = (uint8_t) (i * 37 % 256);
  return frames;
}

static void frames_come_back_in_near_colours(void **state) {
  tch_tensor *frames = film(), *file = NULL;
  ok(tch_gif_encode(frames, 7, &file));
  source s = {.bytes = tch_tensor_data(file), .count = tch_tensor_count(file)};
  int error = 0;
  GifFileType *gif = DGifOpen(&s, give, &error);
  assert_non_null(gif);
  assert_int_equal(DGifSlurp(gif), GIF_OK);
  assert_int_equal(gif->ImageCount, 3);
  assert_int_equal(gif->SWidth, 4);
  assert_int_equal(gif->SHeight, 5);
  const uint8_t *bytes = tch_tensor_data(frames);
  for (int k = 0; k < 3; k++) {
    GraphicsControlBlock control;
    assert_int_equal(DGifSavedExtensionToGCB(gif, k, &control), GIF_OK);
    assert_int_equal(control.DelayTime, 7);
    for (int i = 0; i < 20; i++) {
      GifColorType c = gif->SColorMap->Colors[gif->SavedImages[k].RasterBits[i]];
      const uint8_t *at = bytes + k * 60 + i;
      assert_in_range(c.Red - at[0] + 26, 0, 52); /* half a level of 51 */
      assert_in_range(c.Green - at[20] + 22, 0, 44);
      assert_in_range(c.Blue - at[40] + 26, 0, 52);
    }
  }
  DGifCloseFile(gif, &error);
  tch_tensor_release(file);
  tch_tensor_release(frames);
}

static void what_is_no_film_is_refused(void **state) {
  tch_tensor *frames = film(), *one = NULL, *file = NULL;
  ok(tch_tensor_new(TCH_BYTE, 3, (const int64_t[]){3, 5, 4}, &one));
  refused(tch_gif_encode(one, 4, &file), TCH_ERROR_SHAPE, "but a ByteTensor of 3x5x4 was given");
  refused(tch_gif_encode(frames, 0, &file), TCH_ERROR_VALUE, "not 0");
  assert_null(file);
  tch_tensor_release(one);
  tch_tensor_release(frames);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_come_back_in_near_colours),
      cmocka_unit_test(what_is_no_film_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
