/* PNG through libpng. Its errors jump; they end here as a status. */
#include "core/memory.h"
#include "io/picture.h"
#include <png.h>
#include <string.h>

enum { INFLATE_MOST = 1032 }; /* deflate makes at most this many bytes of one */

typedef struct reader {
  tch_picture *p;
  int64_t at; /* bytes read */
  png_structp png;
  png_infop info;
  void *rows; /* the whole picture if it is interlaced, else one row */
  int64_t room;
  tch_status status;
} reader;

static void fail(png_structp png, png_const_charp text) {
  reader *r = png_get_error_ptr(png);
  r->status = tch_fail(TCH_ERROR_IO, "damaged PNG: %s", text);
  png_longjmp(png, 1);
}

static void warn(png_structp png, png_const_charp text) { (void) png, (void) text; }

static void read_bytes(png_structp png, png_bytep to, size_t n) {
  reader *r = png_get_io_ptr(png);
  if (r->p->count - r->at < (int64_t) n) {
    r->status = tch_fail(TCH_ERROR_IO, "truncated PNG: it ends after %lld bytes", (long long) r->p->count);
    png_longjmp(png, 1);
  }
  memcpy(to, r->p->bytes + r->at, n);
  r->at += (int64_t) n;
}

/* Texts and profiles are passed over, so that they cannot unpack into the memory. */
static void restrict_chunks(png_structp png) {
  static const png_byte names[] = "tEXt\0zTXt\0iTXt\0iCCP\0eXIf\0sPLT";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, sizeof names / 5);
  png_set_chunk_malloc_max(png, 1 << 20);
  png_set_chunk_cache_max(png, 64);
  png_set_user_limits(png, TCH_PICTURE_SIDE, TCH_PICTURE_SIDE);
}

/* Asks for samples of 8 or 16 bits in the machine's order, without palette. */
static void ask(reader *r) {
  png_set_expand(r->png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  png_set_swap(r->png);
#endif
}

static tch_status open(reader *r) {
  int64_t bits = png_get_bit_depth(r->png, r->info) * png_get_channels(r->png, r->info);
  int depth = png_get_bit_depth(r->png, r->info);
  ask(r);
  int passes = png_set_interlace_handling(r->png);
  png_read_update_info(r->png, r->info);
  int64_t height = png_get_image_height(r->png, r->info);
  TCH_TRY(tch_picture_open(r->p, png_get_channels(r->png, r->info), depth == 16 ? 65535 : 255, height,
                           png_get_image_width(r->png, r->info), (double) bits / INFLATE_MOST));
  if (r->p->header) return TCH_OK;
  r->room = (int64_t) png_get_rowbytes(r->png, r->info) * (passes > 1 ? height : 1);
  return tch_alloc(r->room, &r->rows);
}

/* Interlaced pictures come in passes over all rows. */
static void read_rows(reader *r) {
  tch_picture *p = r->p;
  int passes = png_get_interlace_type(r->png, r->info) == PNG_INTERLACE_NONE ? 1 : PNG_INTERLACE_ADAM7_PASSES;
  int64_t bytes = (int64_t) png_get_rowbytes(r->png, r->info);
  for (int pass = 0; pass < passes; pass++)
    for (int64_t y = 0; y < p->height; y++) {
      png_bytep row = (png_bytep) r->rows + (passes > 1 ? y * bytes : 0);
      png_read_row(r->png, row, NULL);
      if (pass == passes - 1) tch_picture_row(p, y, row);
    }
}

/* No local changes after setjmp: a jump would leave it undefined. */
static tch_status decode(reader *r) {
  if (setjmp(png_jmpbuf(r->png))) return r->status;
  restrict_chunks(r->png);
  png_set_read_fn(r->png, r, read_bytes);
  png_read_info(r->png, r->info);
  TCH_TRY(open(r));
  if (r->p->header) return TCH_OK;
  read_rows(r);
  png_read_end(r->png, NULL);
  return TCH_OK;
}

tch_status tch_png_decode(tch_picture *p) {
  reader r = {.p = p};
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, fail, warn);
  r.info = r.png ? png_create_info_struct(r.png) : NULL;
  tch_status status = r.info ? decode(&r) : tch_fail(TCH_ERROR_MEMORY, "no memory for a PNG");
  png_destroy_read_struct(&r.png, &r.info, NULL);
  tch_free(r.rows, r.room);
  return status;
}

/* -- encoding ----------------------------------------------------------------------------------------------------- */

tch_status tch_png_encode(const uint8_t *pixels, int channels, int64_t height, int64_t width, tch_tensor **out) {
  static const png_uint_32 formats[] = {PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB, PNG_FORMAT_RGBA};
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32) width,
                     .height = (png_uint_32) height,
                     .format = formats[channels - 1]};
  int64_t room = (int64_t) PNG_IMAGE_PNG_SIZE_MAX(image);
  void *block;
  TCH_TRY(tch_alloc(room, &block));
  png_alloc_size_t count = (png_alloc_size_t) room;
  tch_status status = png_image_write_to_memory(&image, block, &count, 0, pixels, 0, NULL)
                          ? tch_bytes_of(block, (int64_t) count, out)
                          : tch_fail(TCH_ERROR_IO, "cannot write a PNG: %s", image.message);
  png_image_free(&image);
  tch_free(block, room);
  return status;
}
