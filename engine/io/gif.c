/* Writes moving pictures as GIF, in the 252 colours of a cube of 6 reds, 7 greens and 6 blues. */
#include "core/memory.h"
#include "core/tensor.h"
#include "io/picture.h"
#include <gif_lib.h>
#include <string.h>

enum { REDS = 6, GREENS = 7, BLUES = 6, COLOURS = 256 };

/* Where giflib's output goes: a block that is large enough for pixels that do not compress. */
typedef struct sink {
  uint8_t *bytes;
  int64_t count, room;
} sink;

static int take(GifFileType *gif, const GifByteType *bytes, int n) {
  sink *s = gif->UserData;
  if (n > s->room - s->count) return 0;
  memcpy(s->bytes + s->count, bytes, (size_t) n);
  s->count += n;
  return n;
}

static void fill_palette(GifColorType *colours) {
  memset(colours, 0, COLOURS * sizeof *colours);
  for (int i = 0; i < REDS * GREENS * BLUES; i++) {
    colours[i].Red = (GifByteType) (i / (GREENS * BLUES) * 255 / (REDS - 1));
    colours[i].Green = (GifByteType) (i / BLUES % GREENS * 255 / (GREENS - 1));
    colours[i].Blue = (GifByteType) (i % BLUES * 255 / (BLUES - 1));
  }
}

/* The nearest of n levels from 0 to 255. */
static int level(uint8_t value, int n) { return (value * (n - 1) + 127) / 255; }

/* Planes (3,H,W) to places in the palette. */
static void to_palette(const uint8_t *planes, int64_t pixels, GifByteType *to) {
  for (int64_t i = 0; i < pixels; i++) {
    int r = level(planes[i], REDS), g = level(planes[pixels + i], GREENS), b = level(planes[2 * pixels + i], BLUES);
    to[i] = (GifByteType) ((r * GREENS + g) * BLUES + b);
  }
}

/* Puts one frame behind those before it; `line` has room for its pixels. */
static int put_frame(GifFileType *gif, const uint8_t *planes, int height, int width, int delay, GifByteType *line) {
  const GraphicsControlBlock control = {.DelayTime = delay, .TransparentColor = NO_TRANSPARENT_COLOR};
  GifByteType extension[4];
  EGifGCBToExtension(&control, extension);
  to_palette(planes, (int64_t) height * width, line);
  if (EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, sizeof extension, extension) != GIF_OK ||
      EGifPutImageDesc(gif, 0, 0, width, height, false, NULL) != GIF_OK)
    return GIF_ERROR;
  for (int y = 0; y < height; y++)
    if (EGifPutLine(gif, line + (int64_t) y * width, width) != GIF_OK) return GIF_ERROR;
  return GIF_OK;
}

/* "NETSCAPE2.0": the frames are shown again and again. */
static int put_loop(GifFileType *gif) {
  static const GifByteType forever[] = {1, 0, 0};
  return EGifPutExtensionLeader(gif, APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
                 EGifPutExtensionBlock(gif, 11, "NETSCAPE2.0") == GIF_OK &&
                 EGifPutExtensionBlock(gif, sizeof forever, forever) == GIF_OK && EGifPutExtensionTrailer(gif) == GIF_OK
             ? GIF_OK
             : GIF_ERROR;
}

static tch_status encode(const uint8_t *planes, const int64_t *size, int delay, sink *s, GifByteType *line) {
  int error = 0, width = (int) size[3], height = (int) size[2];
  GifColorType colours[COLOURS];
  fill_palette(colours);
  ColorMapObject *map = GifMakeMapObject(COLOURS, colours);
  GifFileType *gif = map ? EGifOpen(s, take, &error) : NULL;
  int good = gif != NULL;
  if (good) {
    EGifSetGifVersion(gif, true);
    good = EGifPutScreenDesc(gif, width, height, 8, 0, map) == GIF_OK && put_loop(gif) == GIF_OK;
    for (int64_t k = 0; good && k < size[0]; k++)
      good = put_frame(gif, planes + k * 3 * height * width, height, width, delay, line) == GIF_OK;
    if (!good) error = gif->Error;
    if (EGifCloseFile(gif, good ? &error : NULL) != GIF_OK) good = 0;
  }
  if (map) GifFreeMapObject(map);
  if (good) return TCH_OK;
  const char *why = GifErrorString(error);
  return tch_fail(TCH_ERROR_IO, "cannot write a GIF: %s", why ? why : "out of memory");
}

tch_status tch_gif_encode(tch_tensor *frames, int delay, tch_tensor **out) {
  char text[TCH_SHAPE_TEXT];
  const int64_t *size = frames->size;
  if (frames->type != TCH_BYTE || frames->ndim != 4 || size[1] != 3 || !frames->count || size[2] > TCH_PICTURE_SIDE ||
      size[3] > TCH_PICTURE_SIDE || frames->count > TCH_PICTURE_PIXELS)
    return tch_fail(TCH_ERROR_SHAPE, "gif: frames are a ByteTensor of Nx3xHxW, but a %sTensor of %s was given",
                    tch_dtype_name(frames->type), tch_shape_text(frames, text));
  if (delay < 1 || delay > 65535)
    return tch_fail(TCH_ERROR_VALUE, "gif: the delay runs from 1 to 65535 hundredths of a second, not %d", delay);
  int64_t pixels = size[2] * size[3], room = 4096 + size[0] * (2 * pixels + 64);
  tch_tensor *dense = NULL;
  void *block = NULL;
  TCH_TRY(tch_tensor_contiguous_of(frames, &dense));
  tch_status status = tch_alloc(pixels + room, &block);
  if (status == TCH_OK) {
    sink s = {.bytes = (uint8_t *) block + pixels, .room = room};
    status = encode(tch_tensor_data(dense), size, delay, &s, block);
    if (status == TCH_OK) status = tch_bytes_of(s.bytes, s.count, out);
    tch_free(block, pixels + room);
  }
  tch_tensor_release(dense);
  return status;
}
