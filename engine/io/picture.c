/* Decoding and encoding pictures, whatever their format. */
#include "io/picture.h"
#include "core/cpu.h"
#include "core/dtype.h"
#include "core/memory.h"
#include "kernel/picture.h"
#include <math.h>
#include <string.h>

TCH_KERNEL_FAMILY(picture)

/* -- rows to planes ---------------------------------------------------------------------------------------------- */

tch_status tch_picture_open(tch_picture *p, int channels, unsigned most, int64_t height, int64_t width, double bits) {
  if (height < 1 || width < 1) return tch_fail(TCH_ERROR_IO, "the picture has no pixels (%lldx%lld)", (long long) width,
                                               (long long) height);
  if (height > TCH_PICTURE_SIDE || width > TCH_PICTURE_SIDE || height * width > TCH_PICTURE_PIXELS)
    return tch_fail(TCH_ERROR_IO, "a picture of %lldx%lld pixels is too large: %d a side and %d together are possible",
                    (long long) width, (long long) height, TCH_PICTURE_SIDE, TCH_PICTURE_PIXELS);
  if ((double) height * (double) width * bits > 8 * (double) p->count)
    return tch_fail(TCH_ERROR_IO, "truncated: %lld bytes cannot hold the %lldx%lld pixels that the header announces",
                    (long long) p->count, (long long) width, (long long) height);
  p->channels = p->step = channels;
  p->most = most;
  p->height = height;
  p->width = width;
  if (p->header) return TCH_OK;
  int64_t size[] = {p->planes ? p->planes : channels, height, width};
  return tch_tensor_new(p->type, 3, size, &p->out);
}

static inline unsigned sample(const void *row, int64_t i, bool wide) {
  return wide ? ((const uint16_t *) row)[i] : ((const uint8_t *) row)[i];
}

static inline uint8_t byte_of(unsigned value, unsigned most) {
  return (uint8_t) (most == 255 ? value : most == 65535 ? value >> 8 : value * 255 / most);
}

/* One channel of a row as a row of bytes or of numbers from 0 to 1. */
#define CHANNEL(NAME, T, VALUE)                                                                                          \
  static void NAME(const tch_picture *p, const void *row, int channel, T *restrict to) {                                 \
    int64_t width = p->width, step = p->step;                                                                            \
    unsigned most = p->most;                                                                                             \
    T scale = (T) (1. / most);                                                                                           \
    (void) scale;                                                                                                        \
    if (most > 255)                                                                                                      \
      for (int64_t x = 0; x < width; x++) {                                                                              \
        unsigned v = sample(row, x * step + channel, true);                                                              \
        to[x] = VALUE;                                                                                                   \
      }                                                                                                                  \
    else                                                                                                                 \
      for (int64_t x = 0; x < width; x++) {                                                                              \
        unsigned v = sample(row, x * step + channel, false);                                                             \
        to[x] = VALUE;                                                                                                   \
      }                                                                                                                  \
  }
CHANNEL(byte_channel, uint8_t, byte_of(v, most))
CHANNEL(float_channel, float, (float) v * scale)
CHANNEL(double_channel, double, (double) v * scale)

/* The rows of a picture of bytes that kernels take apart: four bytes a pixel, of which three count, or one. */
static void split(const tch_picture *p, int64_t y, const uint8_t *row) {
  int64_t at = y * p->width, plane = p->height * p->width;
  if (p->type == TCH_BYTE) {
    uint8_t *to = TCH_DATA(uint8_t, p->out) + at;
    tch_picture_table(TCH_FLOAT)->split(p->width, row, to, to + plane, to + 2 * plane);
  } else {
    int64_t size = tch_dtype_bytes(p->type);
    char *to = (char *) tch_tensor_data(p->out) + at * size;
    tch_picture_table(p->type)->split_unit(p->width, row, to, to + plane * size, to + 2 * plane * size);
  }
}

static void single(const tch_picture *p, const uint8_t *row, void *to) {
  if (p->type == TCH_BYTE) memcpy(to, row, (size_t) p->width);
  else tch_picture_table(p->type)->bytes(p->width, row, 1. / 255, 0, to);
}

/* Luminance by the weights of ITU-R BT.601. */
static void luminance(const tch_picture *p, const void *row, int64_t at) {
  bool wide = p->most > 255;
  for (int64_t x = 0; x < p->width; x++) {
    int64_t i = x * p->step;
    unsigned r = sample(row, i, wide), g = sample(row, i + 1, wide), b = sample(row, i + 2, wide);
    if (p->type == TCH_BYTE) {
      double y = .299 * byte_of(r, p->most) + .587 * byte_of(g, p->most) + .114 * byte_of(b, p->most);
      TCH_DATA(uint8_t, p->out)[at + x] = (uint8_t) (y + .5);
      continue;
    }
    double y = (.299 * r + .587 * g + .114 * b) / p->most;
    if (p->type == TCH_FLOAT) TCH_DATA(float, p->out)[at + x] = (float) y;
    else TCH_DATA(double, p->out)[at + x] = y;
  }
}

void tch_picture_row(tch_picture *p, int64_t y, const void *row) {
  int planes = (int) p->out->size[0];
  if (planes == 1 && p->channels > 2) {
    luminance(p, row, y * p->width);
    return;
  }
  if (planes == 3 && p->step == 4 && p->most == 255) {
    split(p, y, row);
    return;
  }
  int64_t size = tch_dtype_bytes(p->type);
  char *first = (char *) tch_tensor_data(p->out) + y * p->width * size;
  for (int plane = 0; plane < planes; plane++) {
    char *to = first + plane * p->height * p->width * size;
    if (plane > 0 && planes == 3 && p->channels < 3) memcpy(to, first, (size_t) (p->width * size));
    else if (p->step == 1 && p->most == 255) single(p, row, to);
    else if (p->type == TCH_BYTE) byte_channel(p, row, plane, (uint8_t *) to);
    else if (p->type == TCH_FLOAT) float_channel(p, row, plane, (float *) to);
    else double_channel(p, row, plane, (double *) to);
  }
}

/* -- orientation -------------------------------------------------------------------------------------------------- */

/* Turns a picture (C,H,W) as an EXIF orientation says: 2 to 4 mirror, 5 to 8 swap the axes too. */
static tch_status turn(tch_tensor *from, int orientation, tch_tensor **out) {
  bool swap = orientation >= 5;
  bool flip_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  bool flip_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  int64_t height = from->size[swap ? 2 : 1], width = from->size[swap ? 1 : 2];
  int64_t size[] = {from->size[0], height, width}, bytes = tch_dtype_bytes(from->type);
  TCH_TRY(tch_tensor_new(from->type, 3, size, out));
  const char *source = tch_tensor_data(from);
  char *to = tch_tensor_data(*out);
  for (int64_t c = 0; c < size[0]; c++)
    for (int64_t y = 0; y < height; y++)
      for (int64_t x = 0; x < width; x++, to += bytes) {
        int64_t u = flip_x ? width - 1 - x : x, v = flip_y ? height - 1 - y : y;
        int64_t at = swap ? u * from->size[2] + v : v * from->size[2] + u;
        memcpy(to, source + (c * height * width + at) * bytes, (size_t) bytes);
      }
  return TCH_OK;
}

static tch_status make_upright(tch_picture *p) {
  if (!p->upright || p->orientation <= 1) return TCH_OK;
  tch_tensor *turned = NULL;
  TCH_TRY(turn(p->out, p->orientation, &turned));
  tch_tensor_release(p->out);
  p->out = turned;
  return TCH_OK;
}

/* -- decoding ----------------------------------------------------------------------------------------------------- */

static tch_status decode(tch_picture *p) {
  const uint8_t *b = p->bytes;
  p->orientation = 1;
  if (p->count >= 3 && b[0] == 0xff && b[1] == 0xd8 && b[2] == 0xff) {
    p->format = TCH_JPEG;
    return tch_jpeg_decode(p);
  }
  if (p->count >= 8 && !memcmp(b, "\x89PNG\r\n\x1a\n", 8)) {
    p->format = TCH_PNG;
    return tch_png_decode(p);
  }
  if (p->count >= 3 && b[0] == 'P' && b[1] >= '1' && b[1] <= '7') {
    p->format = TCH_PNM;
    return tch_pnm_decode(p);
  }
  if (!p->count) return tch_fail(TCH_ERROR_IO, "the file is empty");
  return tch_fail(TCH_ERROR_IO, "no JPEG, PNG, PPM or PGM: it starts with the bytes %02x %02x %02x %02x", b[0],
                  p->count > 1 ? b[1] : 0, p->count > 2 ? b[2] : 0, p->count > 3 ? b[3] : 0);
}

static tch_status check_bytes(const tch_tensor *bytes) {
  char text[TCH_SHAPE_TEXT];
  if (bytes->type == TCH_BYTE && bytes->ndim <= 1) return TCH_OK;
  return tch_fail(TCH_ERROR_TYPE, "a file's contents are a ByteTensor of one dimension, not a %sTensor of %s",
                  tch_dtype_name(bytes->type), tch_shape_text(bytes, text));
}

tch_status tch_image_size(tch_tensor *bytes, int *format, int64_t *size) {
  TCH_TRY(check_bytes(bytes));
  tch_tensor *dense = NULL;
  TCH_TRY(tch_tensor_contiguous_of(bytes, &dense));
  tch_picture p = {.bytes = tch_tensor_data(dense), .count = dense->count, .header = true};
  tch_status status = decode(&p);
  tch_tensor_release(dense);
  if (status != TCH_OK) return status;
  *format = p.format;
  size[0] = p.channels;
  size[1] = p.height;
  size[2] = p.width;
  size[3] = p.most > 255 ? 16 : 8;
  return TCH_OK;
}

tch_status tch_image_decode(tch_tensor *bytes, tch_dtype type, int planes, int64_t side, bool upright, tch_tensor **out) {
  TCH_TRY(check_bytes(bytes));
  if (type != TCH_BYTE && !tch_dtype_floating(type))
    return tch_fail(TCH_ERROR_TYPE, "a picture is decoded to bytes, floats or doubles, not to a %sTensor", tch_dtype_name(type));
  if (planes != 0 && planes != 1 && planes != 3)
    return tch_fail(TCH_ERROR_VALUE, "a picture is decoded to 1 or 3 planes, not to %d", planes);
  tch_tensor *dense = NULL;
  TCH_TRY(tch_tensor_contiguous_of(bytes, &dense));
  tch_picture p = {.bytes = tch_tensor_data(dense), .count = dense->count, .type = type, .planes = planes, .side = side,
                   .upright = upright};
  tch_status status = decode(&p);
  if (status == TCH_OK) status = make_upright(&p);
  tch_tensor_release(dense);
  if (status != TCH_OK) tch_tensor_release(p.out);
  else *out = p.out;
  return status;
}

/* -- encoding ----------------------------------------------------------------------------------------------------- */

/* Planes (C,H,W) to pixels (H,W,C). */
static void interleave(const tch_tensor *image, int channels, int64_t count, uint8_t *to) {
  for (int c = 0; c < channels; c++)
    for (int64_t i = 0; i < count; i++) {
      int64_t k = c * count + i;
      if (image->type == TCH_BYTE) {
        to[i * channels + c] = TCH_DATA(uint8_t, image)[k];
        continue;
      }
      double v = image->type == TCH_FLOAT ? TCH_DATA(float, image)[k] : TCH_DATA(double, image)[k];
      to[i * channels + c] = (uint8_t) (v >= 1 ? 255 : v > 0 ? v * 255 + .5 : 0); /* NaN is black */
    }
}

tch_status tch_bytes_of(const void *bytes, int64_t count, tch_tensor **out) {
  TCH_TRY(tch_tensor_new(TCH_BYTE, 1, &count, out));
  if (count) memcpy(tch_tensor_data(*out), bytes, (size_t) count);
  return TCH_OK;
}

static tch_status check_image(const tch_tensor *image, int format) {
  char text[TCH_SHAPE_TEXT];
  int n = image->ndim;
  int64_t channels = n == 3 ? image->size[0] : 1;
  bool shape = (n == 2 || n == 3) && image->count && (channels == 1 || channels == 3 || (channels == 4 && format == TCH_PNG));
  if (!shape || (image->type != TCH_BYTE && !tch_dtype_floating(image->type)))
    return tch_fail(TCH_ERROR_SHAPE,
                    "an image is bytes, or floats from 0 to 1, of HxW, 1xHxW or 3xHxW (4xHxW in PNG), but a %sTensor of %s "
                    "was given", tch_dtype_name(image->type), tch_shape_text(image, text));
  if (image->size[n - 1] > TCH_PICTURE_SIDE || image->size[n - 2] > TCH_PICTURE_SIDE
      || image->size[n - 1] * image->size[n - 2] > TCH_PICTURE_PIXELS)
    return tch_fail(TCH_ERROR_SHAPE, "an image of %s is too large: %d pixels a side and %d together are possible",
                    tch_shape_text(image, text), TCH_PICTURE_SIDE, TCH_PICTURE_PIXELS);
  return TCH_OK;
}

tch_status tch_image_encode(tch_tensor *image, int format, int quality, tch_tensor **out) {
  TCH_TRY(check_image(image, format));
  if (format == TCH_JPEG && (quality < 1 || quality > 100))
    return tch_fail(TCH_ERROR_VALUE, "the quality of a JPEG runs from 1 to 100, not %d", quality);
  int n = image->ndim, channels = n == 3 ? (int) image->size[0] : 1;
  int64_t height = image->size[n - 2], width = image->size[n - 1], room = height * width * channels;
  tch_tensor *dense = NULL;
  void *pixels = NULL;
  TCH_TRY(tch_tensor_contiguous_of(image, &dense));
  tch_status status = tch_alloc(room, &pixels);
  if (status == TCH_OK) {
    interleave(dense, channels, height * width, pixels);
    if (format == TCH_JPEG) status = tch_jpeg_encode(pixels, channels, height, width, quality, out);
    else if (format == TCH_PNG) status = tch_png_encode(pixels, channels, height, width, out);
    else if (format == TCH_PNM) status = tch_pnm_encode(pixels, channels, height, width, out);
    else status = tch_fail(TCH_ERROR_VALUE, "there is no picture format %d", format);
    tch_free(pixels, room);
  }
  tch_tensor_release(dense);
  return status;
}
