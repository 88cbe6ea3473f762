/* Pictures on their way between a file's rows of interleaved samples and the planes of a tensor. */
#ifndef TCH_IO_PICTURE_H
#define TCH_IO_PICTURE_H
#include "core/error.h"
#include "core/tensor.h"

enum {
  TCH_PICTURE_SIDE = 65535,      /* pixels a side, at most */
  TCH_PICTURE_PIXELS = 1 << 28   /* pixels at most */
};

/* The file's bytes, and what the caller wants of them. */
typedef struct tch_picture {
  const uint8_t *bytes;
  int64_t count;
  tch_dtype type;    /* TCH_BYTE: 0..255; TCH_FLOAT, TCH_DOUBLE: 0..1 */
  int planes;        /* 0: those of the file, 1: luminance, 3: red, green, blue */
  int64_t side;      /* a decoder that can may give a smaller picture whose sides are at least this; 0: it may not */
  bool upright;      /* turn the picture as its orientation tag says */
  bool header;       /* stop when the sizes are known */
  /* filled by the decoder */
  int format, channels, orientation; /* orientation as in EXIF, 1 to 8 */
  int step;          /* samples from one pixel to the next: channels, or one more that is passed over */
  unsigned most;     /* the sample that means white: 255, 65535, or what a PNM header says */
  int64_t height, width;
  tch_tensor *out;   /* (planes,H,W) */
} tch_picture;

/* Called by a decoder when it knows the sizes: checks them, and makes the tensor unless only the header is wanted. `bits` is
 * the least that the format needs for a pixel: a header that promises more pixels than the file can hold fails here. */
tch_status tch_picture_open(tch_picture *p, int channels, unsigned most, int64_t height, int64_t width, double bits);
/* Takes row y: width * step samples, uint8_t if most <= 255, else uint16_t. */
void tch_picture_row(tch_picture *p, int64_t y, const void *row);

/* Each decodes p->bytes through the two functions above. After a failure p->out is released by the caller. */
tch_status tch_jpeg_decode(tch_picture *p);
tch_status tch_png_decode(tch_picture *p);
tch_status tch_pnm_decode(tch_picture *p);

/* Each encodes (H,W,C) bytes into a new ByteTensor. */
tch_status tch_jpeg_encode(const uint8_t *pixels, int channels, int64_t height, int64_t width, int quality, tch_tensor **out);
tch_status tch_png_encode(const uint8_t *pixels, int channels, int64_t height, int64_t width, tch_tensor **out);
tch_status tch_pnm_encode(const uint8_t *pixels, int channels, int64_t height, int64_t width, tch_tensor **out);

/* A new ByteTensor with a copy of `count` bytes. */
tch_status tch_bytes_of(const void *bytes, int64_t count, tch_tensor **out);
/* The orientation tag in the contents of an EXIF segment; 1 where there is none. */
int tch_exif_orientation(const uint8_t *bytes, int64_t count);
#endif
