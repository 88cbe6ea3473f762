/* JPEG through libjpeg(-turbo). Its errors jump; they end here as a status. Warnings that mean missing or damaged samples are
 * errors too: what they would leave behind is grey. */
#include "core/memory.h"
#include "io/picture.h"
#include <setjmp.h>
#include <stdio.h> /* before jpeglib.h, which needs it */
#include <stdlib.h>
#include <jpeglib.h>
#include <jerror.h>

/* libjpeg-turbo writes rows that are aligned to its vectors past the cache. Ours is read at once, so it starts a pixel later. */
enum { ROW_SHIFT = 4 };
enum { SCANS_MOST = 200 }; /* of a progressive file: each costs a pass over all coefficients */

typedef struct failure {
  struct jpeg_error_mgr errors; /* first: the library hands out its address */
  jmp_buf jump;
  tch_status status;
} failure;

static void fail(j_common_ptr c) {
  failure *f = (failure *) c->err;
  char text[JMSG_LENGTH_MAX];
  f->errors.format_message(c, text);
  int code = f->errors.msg_code;
  if (code == JERR_OUT_OF_MEMORY) f->status = tch_fail(TCH_ERROR_MEMORY, "no memory for a JPEG");
  else if (code == JWRN_JPEG_EOF || code == JERR_INPUT_EOF || code == JERR_INPUT_EMPTY)
    f->status = tch_fail(TCH_ERROR_IO, "truncated JPEG: %s", text);
  else f->status = tch_fail(TCH_ERROR_IO, "damaged JPEG: %s", text);
  longjmp(f->jump, 1);
}

static void warn(j_common_ptr c, int level) {
  if (level >= 0) return;
  switch (c->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_ARITH_BAD_CODE: fail(c);
  }
}

static void count_scans(j_common_ptr c) {
  if (((j_decompress_ptr) c)->input_scan_number <= SCANS_MOST) return;
  failure *f = (failure *) c->err;
  f->status = tch_fail(TCH_ERROR_IO, "damaged JPEG: more than %d scans", SCANS_MOST);
  longjmp(f->jump, 1);
}

static struct jpeg_error_mgr *failure_of(failure *f) {
  jpeg_std_error(&f->errors);
  f->errors.error_exit = fail;
  f->errors.emit_message = warn;
  return &f->errors;
}

/* -- decoding ----------------------------------------------------------------------------------------------------- */

typedef struct reader {
  failure failure;
  struct jpeg_progress_mgr progress;
  struct jpeg_decompress_struct d;
  tch_picture *p;
} reader;

/* Picks the smallest of the scales that the library computes inside the cosine transform. */
static void choose_scale(struct jpeg_decompress_struct *d, int64_t side) {
  if (side < 1) return;
  int64_t least = d->image_width < d->image_height ? d->image_width : d->image_height;
  d->scale_num = 1;
  for (d->scale_denom = 8; d->scale_denom > 1 && (least + d->scale_denom - 1) / d->scale_denom < side;) d->scale_denom /= 2;
}

static void choose_colours(struct jpeg_decompress_struct *d, int planes) {
  bool inks = d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK;
  if (d->jpeg_color_space == JCS_GRAYSCALE || (planes == 1 && d->jpeg_color_space == JCS_YCbCr))
    d->out_color_space = JCS_GRAYSCALE;
  else d->out_color_space = inks ? JCS_CMYK : JCS_EXT_RGBX;
}

/* Inks to light, in place, four samples to three. Adobe's files hold the share of paper left, others that of ink. */
static void mix(uint8_t *row, int64_t width, bool paper) {
  for (int64_t x = 0; x < width; x++) {
    const uint8_t *ink = row + 4 * x;
    unsigned k = paper ? ink[3] : 255 - ink[3];
    for (int c = 0; c < 3; c++) row[3 * x + c] = (uint8_t) (((paper ? ink[c] : 255u - ink[c]) * k + 127) / 255);
  }
}

static int orientation_of(const struct jpeg_decompress_struct *d) {
  for (jpeg_saved_marker_ptr m = d->marker_list; m; m = m->next) {
    int orientation = tch_exif_orientation(m->data, m->data_length);
    if (orientation != 1) return orientation;
  }
  return 1;
}

/* No local changes after setjmp: a jump would leave it undefined. */
static tch_status decode(reader *r) {
  struct jpeg_decompress_struct *d = &r->d;
  tch_picture *p = r->p;
  if (setjmp(r->failure.jump)) return r->failure.status;
  jpeg_create_decompress(d);
  r->progress.progress_monitor = count_scans;
  d->progress = &r->progress;
  jpeg_mem_src(d, p->bytes, (unsigned long) p->count);
  jpeg_save_markers(d, JPEG_APP0 + 1, 65535);
  jpeg_read_header(d, TRUE);
  p->orientation = orientation_of(d);
  choose_scale(d, p->side);
  choose_colours(d, p->planes);
  jpeg_calc_output_dimensions(d);
  bool inks = d->out_color_space == JCS_CMYK;
  int channels = d->out_color_space == JCS_GRAYSCALE ? 1 : 3;
  TCH_TRY(tch_picture_open(p, channels, 255, d->output_height, d->output_width, 1. / 4096));
  if (p->header) return TCH_OK;
  if (channels == 3 && !inks) p->step = 4;
  jpeg_start_decompress(d);
  JDIMENSION width = d->output_width * (JDIMENSION) d->output_components;
  JSAMPROW row = d->mem->alloc_sarray((j_common_ptr) d, JPOOL_IMAGE, width + ROW_SHIFT, 1)[0] + ROW_SHIFT;
  for (int64_t y = 0; y < p->height; y++) {
    jpeg_read_scanlines(d, &row, 1);
    if (inks) mix(row, p->width, d->saw_Adobe_marker);
    tch_picture_row(p, y, row);
  }
  jpeg_finish_decompress(d);
  return TCH_OK;
}

tch_status tch_jpeg_decode(tch_picture *p) {
  reader r = {.p = p};
  r.d.err = failure_of(&r.failure);
  tch_status status = decode(&r);
  jpeg_destroy_decompress(&r.d);
  return status;
}

/* -- encoding ----------------------------------------------------------------------------------------------------- */

typedef struct writer {
  failure failure;
  struct jpeg_compress_struct c;
  unsigned char *bytes; /* malloc's, by the library */
  unsigned long count;
} writer;

static tch_status encode(writer *w, const uint8_t *pixels, int channels, int64_t height, int64_t width, int quality) {
  struct jpeg_compress_struct *c = &w->c;
  if (setjmp(w->failure.jump)) return w->failure.status;
  jpeg_create_compress(c);
  jpeg_mem_dest(c, &w->bytes, &w->count);
  c->image_width = (JDIMENSION) width;
  c->image_height = (JDIMENSION) height;
  c->input_components = channels;
  c->in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(c);
  jpeg_set_quality(c, quality, TRUE);
  jpeg_start_compress(c, TRUE);
  while (c->next_scanline < c->image_height) {
    JSAMPROW row = (JSAMPROW) pixels + c->next_scanline * width * channels;
    jpeg_write_scanlines(c, &row, 1);
  }
  jpeg_finish_compress(c);
  return TCH_OK;
}

tch_status tch_jpeg_encode(const uint8_t *pixels, int channels, int64_t height, int64_t width, int quality, tch_tensor **out) {
  writer w = {0};
  w.c.err = failure_of(&w.failure);
  tch_status status = encode(&w, pixels, channels, height, width, quality);
  jpeg_destroy_compress(&w.c);
  if (status == TCH_OK) status = tch_bytes_of(w.bytes, (int64_t) w.count, out);
  free(w.bytes);
  return status;
}
