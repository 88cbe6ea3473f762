/* Writes PNG images. */
#include "core/memory.h"
#include "core/tensor.h"
#include "io/io.h"
#include <png.h>
#include <string.h>

enum { SIDE_MOST = 1 << 15 };

/* Planes (C,H,W) to pixels (H,W,C). */
static void interleave(const uint8_t *planes, int64_t channels, int64_t pixels, uint8_t *to) {
  for (int64_t c = 0; c < channels; c++)
    for (int64_t i = 0; i < pixels; i++) to[i * channels + c] = planes[c * pixels + i];
}

static tch_status save(const char *path, const void *bytes, int64_t count) {
  tch_file *f = NULL;
  TCH_TRY(tch_file_create(path, &f));
  tch_status status = tch_file_write(f, bytes, count);
  if (status == TCH_OK) return tch_file_commit(f);
  tch_file_discard(f);
  return status;
}

/* Compresses into one block that holds the pixels and, behind them, the file. */
static tch_status encode(const char *path, const uint8_t *planes, int64_t channels, int64_t height, int64_t width) {
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32) width,
                     .height = (png_uint_32) height,
                     .format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB};
  int64_t pixels = height * width, room = (int64_t) PNG_IMAGE_PNG_SIZE_MAX(image), total = channels * pixels + room;
  void *block;
  TCH_TRY(tch_alloc(total, &block));
  uint8_t *raw = block, *file = raw + channels * pixels;
  interleave(planes, channels, pixels, raw);
  png_alloc_size_t bytes = (png_alloc_size_t) room;
  tch_status status = png_image_write_to_memory(&image, file, &bytes, 0, raw, 0, NULL)
                          ? save(path, file, (int64_t) bytes)
                          : tch_fail(TCH_ERROR_IO, "cannot write %s: %s", path, image.message);
  png_image_free(&image);
  tch_free(block, total);
  return status;
}

tch_status tch_png_write(const char *path, tch_tensor *image) {
  char text[TCH_SHAPE_TEXT];
  int n = image->ndim;
  int64_t channels = n == 3 ? image->size[0] : 1;
  if (image->type != TCH_BYTE || (n != 2 && n != 3) || (channels != 1 && channels != 3) || !image->count)
    return tch_fail(TCH_ERROR_SHAPE,
                    "png: an image is a ByteTensor of HxW, 1xHxW or 3xHxW, but a %sTensor of %s was given",
                    tch_dtype_name(image->type), tch_shape_text(image, text));
  if (image->size[n - 1] > SIDE_MOST || image->size[n - 2] > SIDE_MOST)
    return tch_fail(TCH_ERROR_SHAPE, "png: an image of %s is too large: %d pixels a side are possible",
                    tch_shape_text(image, text), SIDE_MOST);
  tch_tensor *dense = NULL;
  TCH_TRY(tch_tensor_contiguous_of(image, &dense));
  tch_status status = encode(path, tch_tensor_data(dense), channels, image->size[n - 2], image->size[n - 1]);
  tch_tensor_release(dense);
  return status;
}
